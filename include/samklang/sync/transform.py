"""Transform: from what was seen to a staged plan. Nothing here talks to a system."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row

from samklang.core.compare import field_arrays
from samklang.core.creation import Candidate, key_holds, plan_creation
from samklang.core.derive import SideView
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Mapping
from samklang.core.matching import Matches, match
from samklang.core.merge import merge
from samklang.core.plan import Plan, Refusals, Refused, Verdict, join_clocks
from samklang.core.plan_pairs import plan_pairs, tune_pairs
from samklang.core.records import Scope
from samklang.core.values import normal_form
from samklang.core.waves import order
from samklang.store import apart, holders, journal, ledger, links, seen
from samklang.sync import taken, unread
from samklang.sync.context import Run, Sync, from_json
from samklang.sync.count import count
from samklang.sync.decided import merge_pairs
from samklang.sync.frozen import freeze_fields
from samklang.sync.giving_back import give_back
from samklang.sync.in_part import shared_in_part
from samklang.sync.observe import derive_again, take_in
from samklang.sync.put_back import put_back
from samklang.sync.unheard import settle_unheard
from samklang.sync.waited import mapping_mark
from samklang.systems.base import Description

Unlinked = dict[str, Row[Any]]
"""Records without a link by id; see `seen.unlinked`."""
Pair = tuple[str, str]
"""Ids of two records, first side first."""
GIVEN = "given"
"""What a link goes by that a person has named."""
_PAGE = 20_000
FILES = ("rows", "tuned", "held", "clashes", "verdicts", "frozen", "closed")


def transform(sync: Sync, run: Run, reads: list[dict[str, Any]], given: Sequence[Pair] = ()) -> dict[str, Any]:
    """Take in what was read, plan, and stage the plan.

    :param reads: the references that `extract` returned, one per side.
    :param given: see `make_plan`.
    :returns: the reference of the plan: `plan` (its number), `state`, `counts`, `reads`, `mapping` (its mark).
    """
    with sync.database.begin() as connection:  # it may have been cleared, long after the run had ended
        journal.start_run(connection, sync.entity, run.id, run.kind, sync.clock())
    descriptions = {read["side"]: from_json(read["description"]) for read in reads}
    views = sync.views(descriptions)
    derive_again(sync, views)
    by_side = {read["side"]: read for read in reads}
    changed = {view.name: take_in(sync, view, by_side[view.name]) for view in views}
    sync.database.refresh_statistics()
    settle_unheard(sync, views)
    plan = make_plan(sync, run, views, descriptions, given)
    counts = count(sync, plan) | {"seen_changes": changed}
    return {**_stage(sync, run, plan, counts), "mapping": mapping_mark(sync.mapping), "reads": reads}


def make_plan(
    sync: Sync,
    run: Run,
    views: tuple[SideView, SideView],
    descriptions: MappingOf[str, Description],
    given: Sequence[Pair] = (),
) -> Plan:
    """Pure but for reading the store: everything that is out of tune, whenever it was seen.

    :param given: twins by a person's word, whatever their keys say; those that are not both there and free are not.
    """
    plan = Plan()
    with sync.database.read() as connection:
        refusals = refusals_of(connection, sync.mapping, ledger.system_holds(connection, sync.entity), sync.clock())
        for what, side, i, twin_side, twin in links.halves(connection, sync.entity):
            plan.verdicts.append(Verdict(twin_side, twin, f"twin_{what}", f"{what}_in_{side}", {side: [i]}))
        plan.held += unread.held(connection, sync)
        for side, i in links.apart(connection, sync.entity):
            plan.verdicts.append(Verdict(side, i, "excluded", apart.REASON))
    _plan_linked(sync, run, views, refusals, plan)
    _plan_unlinked(sync, run, views, descriptions, refusals, plan, given)
    if run.window is None:
        put_back(sync, views, plan)
    give_back(sync, views, plan)
    kinds = {f.name: f.kind for f in sync.mapping.fields}
    unique = {
        view.name: frozenset(f.name for f in sync.mapping.fields if view.rules.accepts(f.names[view.name]).unique)
        for view in views
    }
    plan.rows = order(plan.rows, unique, lambda name, value: normal_form(kinds[name], value, sync.mapping.region))
    return plan


def _plan_linked(sync: Sync, run: Run, views: tuple[SideView, SideView], refusals: Refusals, plan: Plan) -> None:
    after = 0
    while True:
        with sync.database.read() as connection:
            pairs = links.out_of_tune(
                connection, sync.entity, sync.mapping.sides, after=after, limit=_PAGE, window=run.window
            )
        if pairs.empty:
            return
        after = int(pairs["link_id"].iloc[-1])
        _plan_pairs(sync, views, pairs.assign(matched=None), refusals, plan)


def _plan_pairs(
    sync: Sync, views: tuple[SideView, SideView], pairs: pd.DataFrame, refusals: Refusals, plan: Plan
) -> None:
    arrays = field_arrays(sync.mapping, pairs)
    with sync.database.read() as connection:
        merged = merge_pairs(connection, sync.mapping, pairs, arrays)
        plan.frozen += freeze_fields(connection, sync.mapping, pairs, arrays, merged, sync.clock())
    plan_pairs(sync.mapping, views, pairs, arrays, merged, refusals, plan)


def _plan_unlinked(
    sync: Sync,
    run: Run,
    views: tuple[SideView, SideView],
    descriptions: MappingOf[str, Description],
    refusals: Refusals,
    plan: Plan,
    given: Sequence[Pair],
) -> None:
    sides = sync.mapping.sides
    with sync.database.read() as connection:
        unlinked = {side: seen.unlinked(connection, sync.entity, side) for side in sides}
        held_keys = {name: holders.of_free_records(connection, sync.entity, name) for name in sync.mapping.match}
        marks = {side: journal.watermark(connection, sync.entity, side) or {} for side in sides}
    matches, orphans = _match(sync, unlinked, held_keys, descriptions, given)
    pairs = matches.pairs
    if run.window is not None:
        first, second = (unlinked[side] for side in sides)
        pairs = [p for p in pairs if _in_window((first[p[0]].clock, second[p[1]].clock), run.window)]
    _plan_new_pairs(sync, views, unlinked, pairs, refusals, plan)
    for (side, i), (key, candidates) in matches.ambiguous.items():
        plan.verdicts.append(Verdict(side, i, "ambiguous", f"{key}_held_more_than_once", candidates))
    for (side, i), (_key, reason, holder) in matches.blocked.items():
        plan.verdicts.append(Verdict(side, i, "excluded", reason, {sync.mapping.other(side): [holder]}))
    if run.window is not None:
        return  # creating belongs to live runs
    view_of = {view.name: view for view in views}
    for side in sides:
        other = sync.mapping.other(side)
        alone = [unlinked[side][i] for s, i in matches.alone if s == side]
        reasons = dict.fromkeys(orphans[side], "made_for_a_record_that_is_not_there")
        with sync.database.read() as connection:
            shared = shared_in_part(connection, sync.mapping, side, {row.id for row in alone})
            gone = apart.left_by_gone(connection, sync.entity, side) if alone else {}
        if alone and _keys_unknown(sync, other):
            reasons = dict.fromkeys((row.id for row in alone), "match_key_unknown_on_the_other_side")
        for row in alone:
            if row.id in reasons:
                plan.verdicts.append(Verdict(side, row.id, "excluded", reasons[row.id]))
                continue
            if row.id in shared:
                reason, candidates = shared[row.id].reason, shared[row.id].candidates
                plan.verdicts.append(Verdict(side, row.id, "ambiguous", reason, candidates))
                plan.held += key_holds(sync.mapping, view_of[other], _candidate(side, row))
                continue
            if row.id in gone:
                plan.verdicts.append(Verdict(side, row.id, "excluded", apart.TWIN_GONE, {other: [gone[row.id]]}))
                continue
            plan_creation(
                sync.mapping,
                view_of[side],
                view_of[other],
                _candidate(side, row),
                first_created=marks[side].get("first_created"),
                key_for=_KeyFor(sync, other, descriptions[side]),
                refusals=refusals,
                plan=plan,
            )


def _keys_unknown(sync: Sync, side: str) -> bool:
    """Whether a record of this side may hold a match key that we are not shown: then nobody is known to be alone."""
    with sync.database.read() as connection:
        return unread.hides_keys(connection, sync, side) or any(
            seen.any_without(connection, sync.entity, side, name) for name in sync.mapping.match
        )


@dataclass(frozen=True, slots=True)
class _KeyFor:
    sync: Sync
    target: str
    source: Description

    def __call__(self, source_id: str, values: MappingOf[str, str]) -> str | None:
        return self.sync.system(self.target).key_for(source_id, self.source, values)


def _match(
    sync: Sync,
    unlinked: dict[str, Unlinked],
    holders: dict[str, pd.DataFrame],
    descriptions: MappingOf[str, Description],
    given: Sequence[Pair],
) -> tuple[Matches, dict[str, set[str]]]:
    """After what is given, by our own key: it stands on records that we made and did not get round to linking.

    :returns: the matches; and, by side, records with a key of ours whose origin is linked elsewhere, or gone.
    """
    sides = sync.mapping.sides
    ours: list[tuple[str, str, str]] = []
    orphans: dict[str, set[str]] = {side: set() for side in sides}
    paired: dict[str, set[str]] = {side: set() for side in sides}
    for a, b in given:
        ends = dict(zip(sides, (a, b), strict=True))
        if all(i in unlinked[side] and i not in paired[side] for side, i in ends.items()):
            paired[sides[0]].add(a)
            paired[sides[1]].add(b)
            ours.append((a, b, GIVEN))
    for target in sides:
        source = sync.mapping.other(target)
        if not sync.system(target).rules.key_proves_origin:
            continue
        keyed = _made_by_us(sync, target, unlinked[target])
        if not keyed:
            continue
        wanted = _wanted(sync, source)
        key_for = _KeyFor(sync, target, descriptions[source])
        by_key = {key_for(i, {}): i for i in unlinked[source]}
        for i, key in keyed.items():
            if key in by_key:
                twin = by_key.pop(key)
                if i in paired[target] or twin in paired[source]:
                    orphans[source].add(twin)  # its twin was made for it, and has another one by now
                    continue
                paired[target].add(i)
                paired[source].add(twin)
                ours.append((twin, i, "our_key") if target == sides[1] else (i, twin, "our_key"))
            elif i not in wanted:
                orphans[target].add(i)
    taken = ({a for a, _, _ in ours}, {b for _, b, _ in ours})
    waiting = {side: [i for i in unlinked[side] if i not in taken[n]] for n, side in enumerate(sides)}
    matches = match(sides, waiting, holders)
    matches.pairs = ours + matches.pairs
    return matches, orphans


def _made_by_us(sync: Sync, side: str, unlinked: Unlinked) -> dict[str, str]:
    """By id, the key of ours that a record carries alone. A key that several carry was copied along with a record: it
    no longer tells which of them we made, so each is matched like any other record."""
    keyed = {i: str(row.our_key) for i, row in unlinked.items() if row.our_key is not None}
    with sync.database.read() as connection:
        shared = seen.shared_our_keys(connection, sync.entity, side, sorted(set(keyed.values())))
    return {i: key for i, key in keyed.items() if key not in shared}


def _wanted(sync: Sync, side: str) -> set[str]:
    with sync.database.read() as connection:
        return ledger.wanted(connection, sync.entity, side)


def _plan_new_pairs(
    sync: Sync,
    views: tuple[SideView, SideView],
    unlinked: dict[str, Unlinked],
    pairs: list[tuple[str, str, str]],
    refusals: Refusals,
    plan: Plan,
) -> None:
    """New links have no base: what is equal becomes the base, what is missing is filled, what differs is a conflict."""
    for start in range(0, len(pairs), _PAGE):
        part = pairs[start : start + _PAGE]
        columns: dict[str, Any] = {"link_id": 0, "matched": [key for _, _, key in part]}
        for n, side in enumerate(sync.mapping.sides):
            values = zip(*(unlinked[side][pair[n]] for pair in part), strict=True)
            columns |= {
                f"{side}_{name}": pd.Series(list(column), dtype=object)
                for name, column in zip(seen.UNLINKED, values, strict=True)
            }
            columns |= {f"{side}_base_{name}": "{}" for name in ("raw", "normal", "form")} | {f"{side}_revision": 0}
        frame = pd.DataFrame(columns)
        active = (frame[[f"{side}_scope" for side in sync.mapping.sides]] == Scope.ACTIVE).all(axis=1)
        _plan_pairs(sync, views, frame[active].reset_index(drop=True), refusals, plan)
        paused = frame[~active].reset_index(drop=True)
        if len(paused):
            arrays = field_arrays(sync.mapping, paused)
            tune_pairs(sync.mapping, paused, arrays, merge(sync.mapping, paused, arrays), plan)


def _candidate(side: str, row: Row[Any]) -> Candidate:
    return Candidate(
        side=side,
        id=row.id,
        scope=row.scope,
        created=row.created,
        raw=loads(row.raw),
        normal=loads(row.normal),
        form=loads(row.form),
        facts=loads(row.facts),
        last_edits=join_clocks(row.clock, row.group_clocks),
    )


def refusals_of(connection: Connection, mapping: Mapping, holds: Sequence[MappingOf[str, Any]], now: str) -> Refusals:
    """Rows of `holds`, as the planner judges them. :param holds: by the systems."""
    released = taken.due(connection, mapping, holds, now)
    known = {}
    for h in holds:
        place = (h["side"], h["source_id"], h["field"])
        retry_at = now if place in released else h["retry_at"]
        known[place] = Refused(h["fingerprint"], retry_at, h["reason"], h["remedy"], h["last_edits"])
    return Refusals(known, now)


def _in_window(clocks: tuple[str, str], window: tuple[str, str]) -> bool:
    start, end = window
    return any(start <= clock < end for clock in clocks)


def _stage(sync: Sync, run: Run, plan: Plan, counts: dict[str, Any]) -> dict[str, Any]:
    state = "dry" if run.dry_run else "proposed"
    with sync.database.begin() as connection:
        number = journal.add_plan(
            connection, entity=sync.entity, run_id=run.id, state=state, counts=counts, at=sync.clock()
        )
    folder = sync.staging.folder(sync.entity, run.id, f"plan-{number}")
    for name in FILES:
        sync.staging.write_lines(folder, name, getattr(plan, name))
    with sync.database.begin() as connection:
        journal.set_plan(connection, number, folder=folder, counts=dumps(counts))
    return {"plan": number, "state": state, "folder": folder, "counts": counts}
