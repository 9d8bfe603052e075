"""Lists as tables, for people: matches, conflicts, what is held, runs, and what came of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from samklang.cli.show import Renderables, cell, table, time, words
from samklang.core.mapping import Mapping as EntityMapping

if TYPE_CHECKING:
    from samklang.store.lists import Alone, Ambiguous, Conflict, Hold, Pair, Run, Shown
    from samklang.sync.decide import Done
    from samklang.sync.parted import Parted
    from samklang.sync.undo import Field, Undo

_FEW = 20
_LATER = "The next run carries it out."


def print_to_stderr(parts: Renderables) -> None:
    """What one looks at before one answers a question; the answer alone goes to stdout."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(part)


# --- matches ----------------------------------------------------------------------------------------------------------


def matches(mapping: EntityMapping, found: Mapping[str, Any]) -> Renderables:
    parts: Renderables = []
    if found["plan"]:
        plan, proposed = found["plan"], found["proposed"]
        parts.append(Text(f"Plan {plan['id']} ({plan['state']}, {plan['run_id']}) is not carried out. It would:"))
        links = [[*_ends(mapping, one.records), words(one.matched)] for one in proposed.get("links", ())]
        parts += _table("Link", [*mapping.sides, "by"], links)
        creates = [[one["side"], *_ends(mapping, one["names"])] for one in proposed.get("creates", ())]
        parts += _table("Create", ["in", *mapping.sides], creates)
        parts += _ambiguous(mapping, "Leave, because their key is ambiguous", proposed.get("ambiguous", ()))
        parts += _alone("Leave", proposed.get("excluded", ()))
    parts += _pairs(mapping, "Linked", found.get("linked", ()))
    parts += _ambiguous(mapping, "Ambiguous", found.get("ambiguous", ()))
    for side in mapping.sides:
        parts += _alone(f"Only in {side}", found.get(f"only_{side}", ()))
    parts += _pairs(mapping, "Kept apart by a person", found.get("kept_apart", ()))
    parts += _alone("Excluded", found.get("excluded", ()))
    if not parts:
        return [Text("Nothing.")]
    if found["more"]:
        parts.append(Text(f"More of: {', '.join(map(words, found['more']))}. See --limit, or --csv FILE for all."))
    return parts


def written(path: Path, lines: int) -> Renderables:
    return [Text(f"{lines} lines in {path}.")]


def _pairs(mapping: EntityMapping, title: str, rows: Sequence[Pair]) -> Renderables:
    lines = [[*_ends(mapping, one.records), one.origin, time(one.created_at), one.run_id] for one in rows]
    return _table(title, [*mapping.sides, "how", "since", "by"], lines)


def _ambiguous(mapping: EntityMapping, title: str, rows: Sequence[Ambiguous]) -> Renderables:
    """A line for each pair of candidates side by side."""
    lines = []
    for one in rows:
        columns = [[_record(record) for record in one.candidates[side]] for side in mapping.sides]
        for n, cells in enumerate(zip_longest(*columns, fillvalue="")):
            lines.append([one.key if n == 0 else "", *cells])
        hidden = {side: one.numbers[side] - len(one.candidates[side]) for side in mapping.sides}
        if any(hidden.values()):
            lines.append(["", *(f"and {n} more" if n else "" for n in hidden.values())])
    return _table(title, ["key", *mapping.sides], lines)


def _alone(title: str, rows: Sequence[Alone]) -> Renderables:
    lines = [[_record(one.record), one.standing, words(one.reason), one.remedy, _near(one)] for one in rows]
    return _table(title, ["record", "", "why", "what to do", "near"], lines)


def _near(one: Alone) -> str:
    return " ".join(f"{side}:{i}" for side, ids in one.candidates.items() for i in ids if i != one.record.id)


def _ends(mapping: EntityMapping, records: Mapping[str, Shown]) -> list[str]:
    return [_record(records[side]) if side in records else "–" for side in mapping.sides]


def _record(record: Shown) -> str:
    scope = f" ({record.scope})" if record.scope not in ("active", None) else ""
    return cell(" · ".join(part for part in (record.id, record.name, *record.keys) if part)) + scope


# --- conflicts, holds -------------------------------------------------------------------------------------------------


def conflicts(mapping: EntityMapping, rows: Sequence[Conflict], more: bool) -> Renderables:
    sides = mapping.sides
    lines = [
        [
            str(one.id),
            *(_record(one.records[side]) for side in sides),
            one.field,
            "none" if one.base is None else " / ".join(dict.fromkeys(cell(one.base[side]) for side in sides)),
            *(f"{cell(one.values[side])} ({time(one.clocks[side])})" for side in sides),
            _decided(one),
        ]
        for one in rows
    ]
    columns = ["", *sides, "field", "before", *(f"in {side}" for side in sides), "decided"]
    return _table("Conflicts", columns, lines) + _more(more) or [Text("No conflicts.")]


def _decided(one: Conflict) -> str:
    if one.winner is None:
        return "open: a person decides" if one.state == "open" else words(one.rule)
    by = f"by {one.reviewed_by}" if one.rule == "person" else f"{one.rule}{'' if one.certain else ', order uncertain'}"
    return f"{one.winner} wins ({by})" + (", reviewed" if one.state == "reviewed" and one.rule != "person" else "")


def holds(rows: Sequence[Hold], reasons: Sequence[Mapping[str, Any]], more: bool) -> Renderables:
    if not reasons:
        return [Text("Nothing.")]
    parts = _table(
        "Reasons", ["reason", "cannot go to", ""], [[one["reason"], one["side"], str(one["number"])] for one in reasons]
    )
    lines = [
        [
            f"{one.record.side}:{_record(one.record)}", one.side, one.field or one.named or "", one.reason,
            one.remedy, str(one.attempts), _next_try(one), time(one.since),
        ]
        for one in rows
    ]  # fmt: skip
    columns = ["record", "cannot go to", "field", "why", "what to do", "attempts", "next try", "since"]
    return parts + _table("", columns, lines) + _values(rows) + _more(more)


def _values(rows: Sequence[Hold]) -> Renderables:
    """What cannot go, who has it there, and the system's own words: as far as they are known."""
    lines = [
        [
            f"{one.record.side}:{one.record.id}", name, cell(one.record.values.get(name)) if name else "",
            f"{one.side}:{one.holder}" if one.holder else "", cell(one.said) if one.said else "",
        ]
        for one in rows
        if (name := one.field or one.named or "") or one.holder or one.said
    ]  # fmt: skip
    return _table("Values", ["record", "field", "value", "who has it", "the system said"], lines)


def _next_try(one: Hold) -> str:
    if one.skipped:
        return "skipped until it changes"
    return time(one.retry_at) if one.retry_at else "–"


# --- what was done ----------------------------------------------------------------------------------------------------


def done(what: Done, title: str) -> Renderables:
    parts: Renderables = []
    if what.done:
        parts.append(Text(f"{title}: {_listed(what.done)}."))
    parts += _table("Left as it is", ["", "why"], [[one, reason] for one, reason in what.left[:_FEW]])
    if len(what.left) > _FEW:
        parts.append(Text(f"and {len(what.left) - _FEW} more"))
    return parts or [Text("Nothing to do.")]


def undo(found: Undo, entity: str, *, done: bool) -> Renderables:
    def lines(fields: Sequence[Field]) -> list[list[str]]:
        return [
            [f"{one.side}:{one.record_id}", one.field, cell(one.now), cell(one.restored), one.reason]
            for one in fields[:_FEW]
        ]

    parts: Renderables = [Text(f"Run {found.of_run}")] if found.of_run else []
    parts += _table("Put back", ["record", "field", "is", "becomes", ""], lines(found.fields))
    parts += _beyond(found.fields)
    parts += _table("Left alone", ["record", "field", "is", "was before", "why"], lines(found.moved))
    parts += _beyond(found.moved)
    made = [[*(f"{side}:{i}" for side, i in one.ids.items()), one.origin] for one in found.made[:_FEW]]
    parts += _table("Made or linked: kept, and left alone until let in again (samklang include)", ["", "", "how"], made)
    parts += _beyond(found.made)
    parts += [Text(_parted(one, entity)) for one in found.parted]
    if not (found.fields or found.made):
        return [*parts, Text("There is nothing left to undo." if found.parted else "There is nothing to undo.")]
    return [*parts, Text(f"{_sum(found)}.{f' {_LATER}' if done else ''}")]


def _sum(found: Undo) -> str:
    return (
        f"{_counted(len(found.fields), 'field is', 'fields are')} put back, "
        f"{_counted(len(found.moved), 'is', 'are')} left alone, "
        f"{_counted(len(found.made), 'link is ended and its', 'links are ended and their')} records kept apart"
    )


def _parted(one: Parted, entity: str) -> str:
    links = _counted(one.links, "link that this run made has", "links that this run made have")
    return (
        f"{links} been taken apart already, by {one} ({time(one.at)}). Where that was wrong, have them matched anew: "
        f"samklang include {entity} ID"
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


# --- runs, actions ----------------------------------------------------------------------------------------------------


def runs(rows: Sequence[Run], more: bool) -> Renderables:
    lines = [
        [
            one.run_id, one.kind, one.state, time(one.started_at),
            f"{one.plan.id} {one.plan.state}" if one.plan else "–", _planned(one), _undone(one),
        ]
        for one in rows
    ]  # fmt: skip
    columns = ["run", "kind", "state", "began", "plan", "planned", "undone since"]
    return _table("Runs", columns, lines) + _more(more) or [Text("No runs yet.")]


def _planned(one: Run) -> str:
    counts = one.plan.counts if one.plan else {}
    names = ("creates", "updates", "clears")
    totals = {name: sum((counts.get(name) or {}).values()) for name in names} | {"links": counts.get("links") or 0}
    return ", ".join(f"{n} {name}" for name, n in totals.items() if n)


def _undone(one: Run) -> str:
    return ", ".join(f"{n} fields {state}" for state, n in one.undone.items())


def actions(rows: Sequence[Mapping[str, Any]], more: bool) -> Renderables:
    lines = [
        [time(one["at"]), one["person"], one["via"], one["what"], _listed(one["records"], 5), cell(one["detail"])]
        for one in rows
    ]
    columns = ["when", "who", "where", "what", "records", ""]
    return _table("Actions", columns, lines) + _more(more) or [Text("Nobody has done anything yet.")]


# --- inside -----------------------------------------------------------------------------------------------------------


def _table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> Renderables:
    return [table(title, columns, lines)] if lines else []


def _beyond(rows: Sequence[Any]) -> Renderables:
    return [Text(f"and {len(rows) - _FEW} more")] if len(rows) > _FEW else []


def _more(more: bool) -> Renderables:
    return [Text("There are more: see --limit.")] if more else []


def _listed(names: Sequence[str], few: int = _FEW) -> str:
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(map(cell, names[:few])) + more
