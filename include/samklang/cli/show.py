"""The same answers as tables, for people. Values of records are shown here and nowhere else, and never raw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from samklang.core.mapping import Mapping as EntityMapping
from samklang.systems.base import Check

Renderables = list[RenderableType]

_COUNTS = (
    "linked", "in_sync", "held", "ambiguous", "quarantined", "excluded", "conflicts", "pending_intents", "gone",
    "erased",
)  # fmt: skip
_PLAN_PER_SIDE = ("creates", "updates", "clears", "price_moves", "put_back")
_PLAN_TOTALS = ("links", "conflicts", "link_conflicts", "held", "ambiguous", "excluded", "doubtful", "drift", "waiting")

_HELD = ("side", "reason", "remedy", "holder", "said", "attempts", "next_try", "since")
_SKIPPED = "skipped until it changes"
_TIMES = {"at", "since", "created", "clock", "changed_after", "retry_at", "created_at", "closed_at"}


def status(counts: Mapping[str, Mapping[str, Any]]) -> Renderables:
    rows = [[words(name), *(str(one[name]) for one in counts.values())] for name in _COUNTS]
    rows.append(["last run", *(_last_run(one["last_run"]) for one in counts.values())])
    return [table("", ["", *counts], rows)]


def doctor(checks: Sequence[Check]) -> Renderables:
    rows = [["ok" if check.ok else "missing", check.name, check.detail, check.remedy] for check in checks]
    missing = sum(not check.ok for check in checks)
    verdict = "Everything that a first run needs is here." if not missing else f"{missing} of {len(checks)} missing."
    return [table("", ["", "what", "found", "what to do"], rows), Text(verdict)]


# --- explain --------------------------------------------------------------------------------------------------------


def explained(answers: Sequence[Mapping[str, Any]]) -> Renderables:
    return [part for answer in answers for part in _explained(answer)]


def _explained(answer: Mapping[str, Any]) -> Renderables:
    sides = list(answer["records"])
    link = answer["link"]
    how = f", {link['origin']} {time(link['created_at'])} by {link['run_id']}" if link else ""
    parts: Renderables = [
        Text(f"{' = '.join(_record_ids(answer['records']))}: {answer['state']}{how}", style="bold"),
        Text(f"Next run: {_outlook(answer['outlook'])}"),
    ]
    if answer["next_retry"]:
        parts.append(Text(f"Next retry: {time(answer['next_retry'])}"))
    about = answer["sides"]
    parts.append(
        table(
            "Records",
            ["", *about],
            [
                [words(name), *(_named(name, one[name]) for one in about.values())]
                for name in ("scope", "created", "clock", "changed_after", "our_key", "missing", "revisit")
            ],
        )
    )
    parts.append(
        table(
            "Fields",
            ["field", *sides, *(f"base {side}" for side in sides if link), "next run"],
            [_field_line(field, sides if link else [], sides) for field in answer["fields"]],
        )
    )
    parts += _conflicts("Open conflicts", answer["conflicts"], sides, "raw")
    parts += _conflicts("Decided conflicts", answer["decided_conflicts"], sides, "raw")
    parts += _lists(
        ("Held", ("field", *_HELD), [_with_next_try(hold) for hold in answer["held"]]),
        ("Frozen", ("field", "normal", "flips", "since", "run_id"), answer["frozen"]),
        ("Quarantined", (*_HELD, "named"), [_with_next_try(hold) for hold in answer["quarantined"]]),
        (
            "Verdict of the last run",
            ("side", "record_id", "verdict", "reason", "candidates", "run_id"),
            answer["verdicts"],
        ),
        ("Intents", ("side", "key", "state", "created_at", "closed_at", "note", "run_id"), answer["intents"]),
        ("Writes", ("at", "side", "record_id", "op", "before", "after", "run_id"), answer["history"]),
    )
    return [*parts, Text("")]


def _field_line(field: Mapping[str, Any], based: Sequence[str], sides: Sequence[str]) -> list[str]:
    seen = [_known(field["seen"], side, "unknown") for side in sides]
    base = [_known(field["base"], side, "none") for side in based]
    return [field["field"], *seen, *base, _decision(field)]


def _decision(field: Mapping[str, Any]) -> str:
    match field.get("decision"):
        case None:
            return ""
        case "edit":
            return f"edit in {field['to']} to {cell(field['value'])} ({field['why']})"
        case "conflict":
            conflict = field["conflict"]
            to = f"; {field['to']} becomes {cell(field['value'])}" if "to" in field else ""
            return f"conflict, {_winner(conflict)}{to}"
        case "held":
            retry = f" Next retry: {time(field['retry_at'])}." if field.get("retry_at") else ""
            retry = f" {_SKIPPED.capitalize()}." if field.get("skipped") else retry
            return f"held towards {field['to']}: {field['reason']}. {field['remedy']}{retry}"
        case decision:
            return f"{decision}: {words(field['reason'])}" if field.get("reason") else str(decision)


def _with_next_try(hold: Mapping[str, Any]) -> dict[str, Any]:
    retry_at = hold["retry_at"]
    return {**hold, "next_try": _SKIPPED if hold["skipped"] else time(retry_at) if retry_at else None}


def _winner(conflict: Mapping[str, Any]) -> str:
    if conflict["winner"] is None:
        return "a person decides"
    return f"{conflict['winner']} wins ({conflict['rule']}{'' if conflict['certain'] else ', order uncertain'})"


def _outlook(outlook: Mapping[str, Any]) -> str:
    text = str(outlook["decision"])
    if outlook.get("to"):
        text += f" {'in' if text == 'create' else 'towards'} {outlook['to']}"
    if outlook.get("reason"):
        text += f": {words(outlook['reason'])}"
    if outlook.get("fields"):
        text += f" ({', '.join(outlook['fields'])})"
    if outlook.get("candidates"):
        ids = [f"{side}:{i}" for side, found in outlook["candidates"].items() for i in found]
        text += f" ({', '.join(ids)})"
    return text + (f". {outlook['remedy']}" if outlook.get("remedy") else "")


# --- unlink, relink -------------------------------------------------------------------------------------------------


def decided(done: Mapping[str, Any]) -> Renderables:
    """What a person decided, and what comes of it."""
    entity, parts = done["entity"], list[str]()
    if done["linked"]:
        parts.append(f"Linked: {' = '.join(done['linked'])}.")
    if done["apart"]:
        parts += [
            f"Kept apart: {', '.join(done['apart'])}. From now on neither matched, nor created on the other side, nor "
            "written.",
            f"To link: samklang relink {entity} ID ID. To let one have a new twin: samklang relink {entity} ID --new.",
        ]
    if not any(done[name] for name in ("linked", "apart", "free")):
        parts.append("Both records are gone; there is nothing left of the link.")
    return [Text(line) for line in (*parts, *map(_next, done["next"]))]


def _next(one: Mapping[str, Any]) -> str:
    who, outlook = " = ".join(one["records"]), one["outlook"]
    if outlook["decision"] == "create":
        return f"{who} has no twin now. The next run may create it anew in {outlook['to']}."
    if outlook["decision"] == "link":
        twins = [f"{side}:{i}" for side, found in outlook["candidates"].items() for i in found]
        return f"{who} has no twin now. The next run links it with {', '.join(twins)} ({words(outlook['reason'])})."
    return f"{who}: the next run: {_outlook(outlook)}"


# --- plan -----------------------------------------------------------------------------------------------------------


def plan(mapping: EntityMapping, made: Mapping[str, Any]) -> Renderables:
    counts, more, sides = made["counts"], made["more"], mapping.sides
    rows = [[words(name), *(str(counts[name][side]) for side in sides)] for name in _PLAN_PER_SIDE]
    parts: Renderables = [table(f"Plan of {made['entity']}", ["to write", *sides], rows)]
    totals = [[words(name), str(counts[name]), _reasons(counts.get(f"{name}_reasons"))] for name in _PLAN_TOTALS]
    parts.append(table("", ["besides", "", "reasons"], totals))
    beyond = made["beyond_limits"]
    parts.append(Text("Beyond the limits: " + "; ".join(beyond) if beyond else "Within all limits."))
    for side in sides:
        lines = [line for row in made["rows"] if row["side"] == side for line in _row_lines(mapping, side, row)]
        if lines:
            header = [side, mapping.other(side), "write", "field", "was", "becomes", "why"]
            parts.append(table(f"Writes to {side}", header, lines))
    parts += _more(more["rows"], "records to write")
    links = [[*(one["records"][side] for side in sides), one["matched"]] for one in made["links"]]
    parts += [table("New links", [*sides, "matched by"], links)] if links else []
    parts += _more(more["links"], "new links")
    parts += _conflicts("Conflicts", made["conflicts"], sides, "seen")
    parts += _more(more["conflicts"], "conflicts")
    parts += _lists(("Held", ("side", "source_id", "field", "reason", "remedy"), made["held"]))
    parts += _more(more["held"], "held")
    parts += _lists(
        ("Not linked, not created", ("side", "id", "verdict", "reason", "candidates"), made["verdicts"]),
    )
    parts += _more(more["verdicts"], "not linked, not created")
    return parts


def _row_lines(mapping: EntityMapping, side: str, row: Mapping[str, Any]) -> list[list[str]]:
    head = [row["records"][side] or "(new)", row["records"][mapping.other(side)], row["op"]]
    return [
        [*(head if n == 0 else ["", "", ""]), c["name"], cell(c["was"]), cell(c["becomes"]), _why(c)]
        for n, c in enumerate(row["changes"])
    ]


def _why(change: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (change["why"], words(change.get("doubt", "")))))


def _reasons(reasons: Mapping[str, int] | None) -> str:
    return ", ".join(f"{words(name)}: {n}" for name, n in sorted((reasons or {}).items()))


def _more(number: int, what: str) -> Renderables:
    return [Text(f"and {number} more {what}")] if number else []


# --- cells ----------------------------------------------------------------------------------------------------------


def _conflicts(title: str, rows: Sequence[Mapping[str, Any]], sides: Sequence[str], values: str) -> Renderables:
    """:param values: where a row has both values."""
    if not rows:
        return []
    lines = [
        [
            *(one["records"][side] for side in sides if "records" in one),
            one["field"],
            "none" if one["base"] is None else " / ".join(dict.fromkeys(cell(one["base"][side]) for side in sides)),
            *(f"{cell(one[values][side])} ({time(one['clocks'][side])})" for side in sides),
            _winner(one),
        ]
        for one in rows
    ]
    ids = sides if "records" in rows[0] else ()
    return [table(title, [*ids, "field", "base", *(f"in {side}" for side in sides), "decided"], lines)]


def _lists(*lists: tuple[str, Sequence[str], Sequence[Mapping[str, Any]]]) -> Renderables:
    """A table for each list that is not empty."""
    return [
        table(title, [words(name) for name in columns], [[_named(name, row[name]) for name in columns] for row in rows])
        for title, columns, rows in lists
        if rows
    ]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(Text(column), overflow="fold")
    for row in rows:
        made.add_row(*(Text(one) for one in row))
    return made


def _named(name: str, value: Any) -> str:
    return time(value) if name in _TIMES and value else cell(value)


def cell(value: Any) -> str:
    """One value, without anything that a terminal would act upon."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {cell(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(cell(one) for one in value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))


def _known(values: Mapping[str, Any], side: str, otherwise: str) -> str:
    return cell(values[side]) if side in values else f"({otherwise})"


def _record_ids(records: Mapping[str, str]) -> list[str]:
    return [f"{side}:{cell(i)}" for side, i in records.items()]


def words(name: str) -> str:
    return cell(name).replace("_", " ")


def time(clock: str) -> str:
    return f"{clock[:10]} {clock[11:19]} UTC"


def _last_run(run: Mapping[str, Any] | None) -> str:
    return f"{run['state']}, {time(run['started_at'])}, {run['run_id']}" if run else "–"
