"""Changes of the mapping file between runs, and what each of them means, read apart from the engine's own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_
from pathlib import Path
from random import Random
from typing import Any

import yaml

from simulation.trace import Edit, Step, Trace
from simulation.values import FIELDS, KEYS, POWEROFFICEGO, SHOPIFY, SIDES
from simulation.weights import WEIGHTS

MAPPINGS = Path(__file__).parents[1] / "include" / "mappings"
_NEVER_OUT = ("Name", "FirstName", "LastName")
"""Without these next to nothing could be made."""


# --- what changes


def remapped(trace: Trace, pick: Random) -> Trace:
    """A trace in which somebody changes the mapping file between its runs, tries a change out first, or waits with it
    until a plan is made."""
    change = _Change(pick, trace.entity)
    steps: list[Step] = []
    runs = [number for number, step in enumerate(trace.steps) if step.what == "run"]
    for number, step in enumerate(trace.steps):
        if number in runs[1:] and pick.random() < WEIGHTS["mapping changed while a plan waits"]:
            waits = (*step.options.get("waits", ()), change.edit())
            step = with_(step, options={**step.options, "waits": waits})
        steps.append(step)
        if step.what != "run":
            continue
        if pick.random() < WEIGHTS["trial plan"]:
            steps.append(Step("edit", change.trial()))
        if pick.random() < 0.7:
            steps.append(Step("edit", change.edit()))
    edits = [step for step in trace.steps if step.edit]
    if edits and pick.random() < 0.6:  # somebody types while it is so, and then it is changed back
        steps += [_renumbered(step, 1500) for step in pick.sample(edits, min(2, len(edits)))]
        steps += [
            Step("run"),
            Step("edit", change.edit()),
            *([Step("edit", change.back())] if pick.random() < 0.7 else []),
        ]
    return with_(trace, steps=tuple(steps))


def _renumbered(step: Step, by: int) -> Step:
    return with_(step, edit=with_(step.edit, number=step.edit.number + by)) if step.edit else step


class _Change:
    """Line by line: each edit names a key of the file, and what stands there from then on."""

    def __init__(self, pick: Random, entity: str) -> None:
        self._pick = pick
        self._entity = entity
        self._fields = {one["powerofficego"]: dict(one) for one in shipped(entity)["fields"]}
        self._changed: list[str] = []

    def edit(self) -> Edit:
        line = self._line()
        self._changed.append(line.partition(":")[0])
        return Edit("mapping", "", 0, line, 0)

    def trial(self) -> Edit:
        kept = {name: dict(one) for name, one in self._fields.items()}
        line = self._line() if self._pick.random() < 0.8 else ""
        self._fields = kept
        return Edit("plan", "", 0, line, 0)

    def back(self) -> Edit:
        """As the file was shipped."""
        self._fields = {one["powerofficego"]: dict(one) for one in shipped(self._entity)["fields"]}
        key = self._changed[-1] if self._changed else "fields"
        value = shipped(self._entity).get(key)
        return Edit("mapping", "", 0, written_line(key, value), 0)

    def _line(self) -> str:
        pick = self._pick
        what = pick.choices(
            ("fields", "share", "clear", "policy", "create_in", "match", "region"), (50, 8, 6, 8, 8, 6, 4)
        )[0]
        match what:
            case "share":
                return written_line("share", {side: pick.random() < 0.6 for side in SIDES})
            case "clear":
                return written_line("clear", pick.random() < 0.5)
            case "policy":
                return written_line("policy", pick.choice(("latest", *SIDES, "ask")))
            case "create_in":
                return written_line("create_in", pick.choice(([], [SHOPIFY], [POWEROFFICEGO], list(SIDES))))
            case "match" if self._entity == "customers" and {"PhoneNumber", "EmailAddress"} <= self._fields.keys():
                return written_line(
                    "match", pick.choice((["EmailAddress"], ["PhoneNumber"], ["EmailAddress", "PhoneNumber"]))
                )
            case "region" if self._entity == "customers":
                return written_line("region", pick.choice(("NO", "SE")))
            case _:
                self._change_field()
                return written_line("fields", list(self._fields.values()))

    def _change_field(self) -> None:
        pick = self._pick
        all_fields = {one["powerofficego"]: dict(one) for one in shipped(self._entity)["fields"]}
        out = [name for name in all_fields if name not in self._fields]
        if out and pick.random() < 0.5:
            name = pick.choice(out)
            self._fields[name] = all_fields[name]
            return
        name = pick.choice(sorted(self._fields))
        one = self._fields[name]
        match pick.choice(("out", "out", "direction", "policy", "clear", "group", "kind")):
            case "out" if name not in (*_NEVER_OUT, KEYS[self._entity], "PhoneNumber") and name != "Code":
                del self._fields[name]
            case "direction":
                one["direction"] = pick.choice(("both", *(f"to_{side}" for side in SIDES)))
            case "clear":
                one["clear"] = pick.random() < 0.5
            case "group" if one.pop("group", None):
                pass
            case "kind" if name in ("FirstName", "LastName", "MailAddress.ZipCode"):
                one["kind"] = "code" if one["kind"] == "text" else "text"
            case _:
                one["policy"] = pick.choice(("latest", *SIDES, "ask"))


def written_line(key: str, value: Any) -> str:
    """A line of the file."""
    return f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=10_000).strip().removesuffix('...').strip()}"


def shipped(entity: str) -> dict[str, Any]:
    """The file as it is shipped."""
    if entity not in _SHIPPED:
        _SHIPPED[entity] = yaml.safe_load((MAPPINGS / f"{entity}.yaml").read_text()) | {"region": "NO"}  # YAML 1.1's no
    return _SHIPPED[entity]


_SHIPPED: dict[str, dict[str, Any]] = {}


def replaced(lines: tuple[str, ...], line: str) -> tuple[str, ...]:
    """The lines that differ from the shipped file, after one more has been changed."""
    key = line.partition(":")[0]
    gone = (key, "without") if key == "fields" else (key,)
    return (*(one for one in lines if one.partition(":")[0] not in gone), *([line] if line else []))


# --- what it means


@dataclass(frozen=True, slots=True)
class Said:
    """What a mapping file says, as people read it.

    :param sides: by field: the sides on which it may be written. :param empties: fields that may be emptied.
    :param terms: by field: its kind, its direction, and whether it may be emptied.
    :param asks: fields about whose conflicts people are asked. :param together: those that are decided as one.
    """

    sides: Mapping[str, frozenset[str]]
    empties: frozenset[str]
    terms: Mapping[str, tuple[Any, ...]]
    create_in: frozenset[str]
    match: tuple[str, ...]
    asks: frozenset[str] = frozenset()
    together: frozenset[str] = frozenset()


def said(entity: str, lines: tuple[str, ...]) -> Said:
    """:param lines: those that differ from the shipped file."""
    known = _SAID.get((entity, lines))
    if known is None:
        known = _SAID[entity, lines] = _read(entity, lines)
    return known


_SAID: dict[tuple[str, tuple[str, ...]], Said] = {}


def _read(entity: str, lines: tuple[str, ...]) -> Said:
    file = shipped(entity) | yaml.safe_load("\n".join(lines) or "{}")
    share = {side: (file.get("share") or {}).get(side, True) for side in SIDES}
    without = str(file.get("without", "")).split()  # see `mappings`
    fields = {one["powerofficego"]: one for one in file["fields"] if one["powerofficego"] not in without}
    return Said(
        {
            name: frozenset(s for s in SIDES if share[s] and one.get("direction", "both") in ("both", f"to_{s}"))
            for name, one in fields.items()
        },
        frozenset(name for name, one in fields.items() if one.get("clear", file.get("clear", True))),
        {
            name: (one["kind"], one.get("direction", "both"), one.get("clear", file.get("clear", True)))
            for name, one in fields.items()
        },
        frozenset(s for s in file.get("create_in") or [] if share[s]),
        tuple(file["match"]),
        frozenset(name for name, one in fields.items() if one.get("policy", file.get("policy")) == "ask"),
        frozenset(name for name, one in fields.items() if one.get("group")),
    )


@dataclass(slots=True)
class Files:
    """The mapping file through time, and what may be written by it.

    :param new_at: by field: when it first came into the mapping, or its kind changed: what was typed before is compared
        without a base.
    :param away: by field: from when to when it was not in the mapping, and came back as it was: what was linked then
        has no base for it.
    :param turned_at: by field: when its direction changed, or whether it may be emptied: until then an edit on the
        wrong side was put back, or went nowhere.
    :param changed_at: when anything changed. :param matched: all fields that records were ever matched by.
    """

    entity: str
    now: Said
    new_at: dict[str, float] = field(default_factory=dict)
    away: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    turned_at: dict[str, float] = field(default_factory=dict)
    changed_at: float = 0.0
    matched: set[str] = field(default_factory=set)
    _binding: Said | None = None
    _terms: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _left_at: dict[str, float] = field(default_factory=dict)
    _together: list[tuple[float, frozenset[str]]] = field(default_factory=list)  # and since when

    def __post_init__(self) -> None:
        self._together.append((0.0, self.now.together))
        self.matched |= set(self.now.match)
        self._terms |= self.now.terms

    def changed(self, new: Said, at: float) -> None:
        for name in FIELDS[self.entity]:
            before, after = self._terms.get(name, ("",)), new.terms.get(name)
            if name in self.now.terms and after is None:
                self._left_at[name] = at
            if after and before[0] != after[0]:
                self.new_at[name] = at
            elif after and name not in self.now.terms:
                self.away.setdefault(name, []).append((self._left_at[name], at))
            if after and before[1:] != after[1:]:
                self.turned_at[name] = at
        self.matched |= set(new.match)
        self._terms |= new.terms
        self.now, self.changed_at = new, at
        self._together.append((at, new.together))

    def together(self, at: float) -> frozenset[str]:
        """The fields that were decided as one then."""
        return [names for since, names in self._together if since <= at][-1]

    def new_for(self, name: str, linked_at: float) -> float:
        """Since when a field has a base of a pair that was linked then."""
        back = [back for left, back in self.away.get(name, ()) if left <= linked_at <= back]
        return max([self.new_at.get(name, 0.0), linked_at, *back])

    def load_begins(self) -> None:
        """What is changed from now on binds the next load."""
        self._binding = self.now

    def faults_of_write(self, side: str, record_id: str, name: str, *, emptied: bool) -> Iterator[str]:
        """:param emptied: nothing stands there now."""
        where = f"{name} of {side} {record_id}"
        both = (self.now, self._binding or self.now)
        if all(name not in one.sides for one in both):
            yield f"unmapped: we wrote {where}, which the mapping does not name"
        elif all(side not in one.sides.get(name, ()) for one in both):
            yield f"one way: we wrote {where}, and the mapping does not let us"
        if emptied and all(name not in one.empties for one in both):
            yield f"emptied: we emptied {where}, and the mapping does not let us"

    def faults_of_create(self, side: str, record_id: str) -> Iterator[str]:
        if all(side not in one.create_in for one in (self.now, self._binding or self.now)):
            yield f"uncalled for: we made {side} {record_id}, and the mapping does not let us"
