"""Explain: everything known of one record, and what the next run would decide about it. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from samklang.core.ambiguity import MANY, remedy_of
from samklang.core.compare import ABSENT, FieldArrays, field_arrays
from samklang.core.creation import Candidate, plan_creation
from samklang.core.derive import SKIP, SideView
from samklang.core.holds import UNDONE
from samklang.core.jsontext import dumps
from samklang.core.mapping import Field, Mapping
from samklang.core.matching import match
from samklang.core.merge import TO_FIRST, TO_SECOND, Merged
from samklang.core.plan import Plan, Refusals, join_clocks
from samklang.core.plan_pairs import plan_pairs
from samklang.core.records import IN_SCOPE, Scope
from samklang.core.rules import EntityRules
from samklang.store import apart, dossier, links, orders, seen
from samklang.store.dossier import Records
from samklang.sync import parted
from samklang.sync.decided import merge_pairs
from samklang.sync.frozen import freeze_fields
from samklang.sync.in_part import shared_in_part
from samklang.sync.transform import refusals_of

_GID = re.compile(r"gid://(?P<side>\w+)/\w+/(?P<id>[^/?\s]+)")
_ABOUT = ("id", "scope", "created", "clock", "group_clocks", "our_key", "facts", "changed_after", "missing", "revisit")

_GONE = "Decide with samklang unlink, which frees the record that is left, or with samklang relink."

Decision = dict[str, Any]
"""`decision`: `in sync`, `edit`, `held`, `conflict`, `waiting`, `unknown`, `not synchronised` or `paused` of a field;
of an unlinked record `link`, `create`, `held`, `ambiguous` or `excluded`; and with it, as far as it applies, `to` (a
side), `value`, `why`, `reason`, `remedy`, `conflict`, `candidates`, `retry_at`,
and `skipped` where a refusal waits for a change."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What decisions follow from, besides the store.

    :param rules: of both systems, by side. :param now: as `core.clocks` writes it.
    """

    mapping: Mapping
    rules: MappingOf[str, EntityRules]
    now: str

    @property
    def views(self) -> tuple[SideView, SideView]:
        """Both sides; their facts are in the stored forms already."""
        first, second = (SideView(side, {}, {}, self.rules[side]) for side in self.mapping.sides)
        return first, second


def find(connection: Connection, mapping: Mapping, text: str) -> list[tuple[str, str]]:
    """Records (side, id) that a text may mean: `side:id`, a GID, an id that either side has, an e-mail or a code."""
    text, named = text.strip(), meant(mapping, text)
    if not named:
        return seen.find(connection, mapping.entity, text)
    side, record_id = named[0]
    if seen.known(connection, mapping.entity, side, [record_id]):
        return named
    parts = dossier.having_part(connection, mapping.entity, side, text) if _GID.fullmatch(text) else []
    return [(side, part) for part in parts]


def meant(mapping: Mapping, text: str) -> list[tuple[str, str]]:
    """The record (side, id) that a text names by itself, known or not: `side:id` or a GID; empty: it is neither."""
    text = text.strip()
    side, _, record_id = text.partition(":")
    if (gid := _GID.fullmatch(text)) and gid["side"] in mapping.sides:
        return [(gid["side"], gid["id"])]
    return [(side, record_id.strip())] if side in mapping.sides and record_id.strip() else []


def explain(connection: Connection, terms: Terms, found: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """One answer for each record, and one for two records that are twins."""
    answers: list[dict[str, Any]] = []
    for side, record_id in found:
        if not any(answer["records"].get(side) == record_id for answer in answers):
            answers.append(_explain(connection, terms, side, record_id))
    return answers


def _explain(connection: Connection, terms: Terms, side: str, record_id: str) -> dict[str, Any]:
    mapping, entity, sides = terms.mapping, terms.mapping.entity, terms.mapping.sides
    link = dossier.link_of(connection, entity, side, record_id)
    records: Records = {s: link["ids"][s] for s in sides if s in link["ids"]} if link else {side: record_id}
    known = dossier.last_seen(connection, entity, records)
    holds = dossier.held(connection, entity, sides, records)
    conflicts = dossier.clashed(connection, entity, sides, records)
    if link is None:
        decisions: dict[str, Decision] = {}
        outlook = _outlook(connection, terms, known[side], holds)
        bases: dict[str, dict[str, Any]] = {}
    else:
        decisions = _decide(connection, terms, link, known, holds)
        outlook = _sum_up(decisions)
        bases = dossier.bases(connection, link["id"])
    return {
        "entity": entity,
        "records": records,
        "state": link["state"] if link else "not linked",
        "outlook": outlook,
        "link": link,
        "sides": {s: {name: row[name] for name in _ABOUT} for s, row in known.items()},
        "fields": [_field(f, known, bases, decisions.get(f.name)) for f in mapping.fields],
        "conflicts": [row for row in conflicts if row["state"] == "open"],
        "decided_conflicts": [row for row in conflicts if row["state"] != "open"],
        "held": [_as_told(hold) for hold in holds if hold["field"]],
        "frozen": dossier.frozen(connection, link["id"]) if link else [],
        "quarantined": [_as_told(hold) for hold in holds if not hold["field"]],
        "verdicts": dossier.judged(connection, entity, records),
        "intents": dossier.meant(connection, entity, sides, records),
        "orders": orders.of_link(connection, link["id"]) if link else [],
        "history": dossier.written(connection, entity, records),
        "next_retry": min((hold["retry_at"] for hold in holds if hold["retry_at"]), default=None),
    }


def _field(
    f: Field, known: dict[str, dict[str, Any]], bases: dict[str, dict[str, Any]], decision: Decision | None
) -> dict[str, Any]:
    """One line; a side that is missing from `seen` or `base` did not answer, or has none."""
    return {
        "field": f.name,
        "names": dict(f.names),
        "seen": {side: row["raw"][f.name] for side, row in known.items() if f.name in row["raw"]},
        "base": {side: row["raw"][f.name] for side, row in bases.items() if f.name in row["raw"]},
        **(decision or {}),
    }


# --- linked: each field as the next run would decide it -----------------------------------------------------------


def _decide(
    connection: Connection,
    terms: Terms,
    link: dict[str, Any],
    known: dict[str, dict[str, Any]],
    holds: list[dict[str, Any]],
) -> dict[str, Decision]:
    mapping = terms.mapping
    pauses = [f"{s} is {row['scope']}" for s, row in known.items() if row["scope"] != Scope.ACTIVE]
    remedy = _GONE if any(row["scope"] == Scope.GONE for row in known.values()) else ""
    if link["state"] != "linked":
        remedy = parted.remedy(connection, mapping.entity, link["id"], link["ids"])
        pauses = [*pauses, "kept apart by a person"]
    if pauses:
        paused = {"decision": "paused", "reason": ", ".join(pauses)} | ({"remedy": remedy} if remedy else {})
        return {f.name: paused for f in mapping.fields}
    pairs = links.pair(connection, mapping.entity, mapping.sides, link["id"]).assign(matched=None)
    arrays = field_arrays(mapping, pairs)
    merged = merge_pairs(connection, mapping, pairs, arrays)
    plan = Plan(frozen=freeze_fields(connection, mapping, pairs, arrays, merged, terms.now))
    plan_pairs(mapping, terms.views, pairs, arrays, merged, _refusals(connection, terms, holds), plan)
    decisions = {f.name: _decision(f.name, arrays[f.name], merged, plan, holds) for f in mapping.fields}
    for (_, name), order in orders.alive_of(connection, [link["id"]]).items():
        if name in decisions and decisions[name]["decision"] == "in sync":
            decisions[name] = _ordered(order)
    return decisions


def _ordered(order: orders.Row) -> Decision:
    """A value that a person has put back: with the next run, or held since."""
    if order["state"] == orders.WANTED:
        return {"decision": "edit", "to": order["side"], "value": order["value"], "why": order["kind"]}
    return {"decision": "held", "to": order["side"], "reason": UNDONE.reason, "remedy": UNDONE.remedy, "retry_at": None}


def _decision(name: str, a: FieldArrays, merged: Merged, plan: Plan, holds: list[dict[str, Any]]) -> Decision:
    moves, reason = merged.action[name][0] in (TO_FIRST, TO_SECOND), merged.reason[name][0]
    clash = next((clash for clash in plan.clashes if clash.field == name), None)
    conflict = {"conflict": asdict(clash)} if clash else {}
    for held in plan.held:
        if held.field == name or (moves and not held.field):
            return _held(held.side, held.field, held.reason, held.remedy, holds) | conflict
    for row in plan.rows:
        for change in row.changes:
            if change.field == name:
                what = "conflict" if clash else "edit"
                return {"decision": what, "to": row.side, "value": change.value, "why": change.why} | conflict
    if clash:
        remedy = "" if clash.winner else "Decide which value stands: enter it on the other side too."
        return {"decision": "conflict", "remedy": remedy} | conflict
    if ABSENT in (a.raw[0][0], a.raw[1][0]):
        return {"decision": "unknown", "reason": "a system did not answer it"}
    for form in (a.form[0][0], a.form[1][0]):
        if form.startswith(SKIP):
            return {"decision": "not synchronised", "reason": form.removeprefix(SKIP)}
    if reason.startswith("waiting:"):
        return {"decision": "waiting", "reason": reason.removeprefix("waiting:")}
    return {"decision": "in sync"}


def _held(side: str, field: str, reason: str, remedy: str, holds: list[dict[str, Any]]) -> Decision:
    hold = next((h for h in holds if h["side"] == side and h["field"] == field), None)
    decision = {"decision": "held", "to": side, "reason": reason, "remedy": remedy}
    if hold is None or not hold["by_system"] or hold["reason"] != reason:
        return decision | {"retry_at": None}
    return decision | {"retry_at": hold["retry_at"]} | ({"skipped": True} if _is_skipped(hold) else {})


def _is_skipped(hold: dict[str, Any]) -> bool:
    """Refused twice for a reason that does not pass: not tried again before somebody edits one of the two records."""
    return bool(hold["by_system"]) and hold["retry_at"] is None


def _as_told(hold: dict[str, Any]) -> dict[str, Any]:
    return {**hold, "skipped": _is_skipped(hold)}


def _sum_up(decisions: dict[str, Decision]) -> Decision:
    """The gravest of the fields' decisions stands for the record."""
    for what in ("paused", "conflict", "held", "edit"):
        these = [name for name, one in decisions.items() if one["decision"] == what]
        if these:
            first = decisions[these[0]]
            remedy = {"remedy": first["remedy"]} if what == "paused" and "remedy" in first else {}
            return {"decision": what, "reason": first.get("reason", ""), "fields": these} | remedy
    return {"decision": "in sync"}


# --- not linked: what the next run would make of it ----------------------------------------------------------------


def _outlook(connection: Connection, terms: Terms, row: dict[str, Any], holds: list[dict[str, Any]]) -> Decision:
    mapping, side, record_id = terms.mapping, row["side"], row["id"]
    other = mapping.other(side)
    if row["scope"] not in IN_SCOPE:
        return {"decision": "excluded", "reason": str(row["scope"])}
    if row["missing"]:
        return {"decision": "excluded", "reason": "missing_from_the_last_whole_read"}
    holders = pd.DataFrame(
        dossier.sharing_keys(connection, mapping.entity, side, record_id),
        columns=["field", "side", "id", "value", "scope", "missing", "linked"],
    )
    free = holders[~holders["linked"].astype(bool) & holders["scope"].isin(IN_SCOPE) & (holders["missing"] == 0)]
    unlinked = {s: pd.Index(free.loc[free["side"] == s, "id"].unique()) for s in mapping.sides}
    unlinked[side] = unlinked[side].union(pd.Index([record_id]))
    matches = match(mapping.sides, unlinked, {name: holders[holders["field"] == name] for name in mapping.match})
    for first, second, key in matches.pairs:
        twins = dict(zip(mapping.sides, (first, second), strict=True))
        if twins[side] == record_id:
            return {"decision": "link", "reason": key, "candidates": {other: [twins[other]]}}
    if found := matches.ambiguous.get((side, record_id)):
        why = f"{found[0]}{MANY}"
        return {"decision": "ambiguous", "reason": why, "candidates": found[1], "remedy": remedy_of(why)}
    if blocked := matches.blocked.get((side, record_id)):
        return {"decision": "excluded", "reason": blocked[1], "candidates": {other: [blocked[2]]}}
    if shared := shared_in_part(connection, mapping, side, [record_id]).get(record_id):
        remedies = [hold["remedy"] for hold in holds if hold["field"] == shared.field] or [remedy_of(shared.reason)]
        told = {"decision": "ambiguous", "reason": shared.reason, "candidates": shared.candidates}
        return told | {"remedy": remedies[0]}
    if gone := apart.left_by_gone(connection, mapping.entity, side).get(record_id):
        remedy = f"To have another one made: samklang relink {mapping.entity} {side}:{record_id} --new"
        return {"decision": "excluded", "reason": apart.TWIN_GONE, "candidates": {other: [gone]}, "remedy": remedy}
    return _creation(connection, terms, row, holds)


def _creation(connection: Connection, terms: Terms, row: dict[str, Any], holds: list[dict[str, Any]]) -> Decision:
    mapping, side = terms.mapping, row["side"]
    other = mapping.other(side)
    views = {view.name: view for view in terms.views}
    plan = Plan()
    plan_creation(
        mapping,
        views[side],
        views[other],
        Candidate(
            side,
            row["id"],
            row["scope"],
            row["created"],
            row["raw"],
            row["normal"],
            row["form"],
            row["facts"],
            last_edits=join_clocks(row["clock"], dumps(row["group_clocks"])),
        ),
        first_created=dossier.first_created(connection, mapping.entity, side),
        key_for=lambda record_id, _values: record_id,
        refusals=_refusals(connection, terms, holds),
        plan=plan,
    )
    if plan.verdicts:
        remedy = {"remedy": plan.held[0].remedy} if plan.held else {}
        return {"decision": "excluded", "reason": plan.verdicts[0].reason, **remedy}
    if not plan.rows:
        held = plan.held[0]
        return _held(held.side, held.field, held.reason, held.remedy, holds)
    return {"decision": "create", "to": other}


def _refusals(connection: Connection, terms: Terms, holds: list[dict[str, Any]]) -> Refusals:
    return refusals_of(connection, terms.mapping, [h for h in holds if h["by_system"]], terms.now)
