"""People at both desks: what they type, and how the systems take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simulation.desks import Desk, Values
from simulation.oracle import Oracle
from simulation.trace import Edit, Person
from simulation.values import FIELDS, FREE, POWEROFFICEGO, SHOPIFY, UNIQUE, other, typed

NOISE = ("{}; post@example.no", "Kari Lie <{}>", "{}\u200b", "{};", "mailto:{}", "{} (jobb)")
"""What people type around an address: one of them is not seen, and changes nothing."""
LATE = 400.0
"""Seconds by which a system's clock may lag: less than the overlap of two windows."""
_ALWAYS_THERE = ("FirstName", "LastName", "Name", "UnitPrice")


@dataclass(slots=True)
class People:
    """:param skews: by side, how many seconds its clock is ahead. What a system refuses did not happen."""

    entity: str
    desks: Mapping[str, Desk]
    oracle: Oracle
    skews: dict[str, float]

    def arrive(self, person: Person) -> None:
        """Somebody who is there from the beginning."""
        for number, side in enumerate(person.sides):
            values: Values = {}
            for index, name in enumerate(FIELDS[self.entity]):
                if name not in person.lacks or name in _ALWAYS_THERE:
                    version = person.number * 16 + index + 1 + 50 * number * (name in person.differs)
                    values[name] = typed(name, side, version, person.number)
            values = self._dirty(values, person, side)
            for _ in range(2 if person.dirty == "double" else 1):
                _try(lambda side=side, values=values: self._make(side, person.number, values))
            if person.dirty == "archived":
                _try(lambda side=side: self.desks[side].archive(self.record(side, person.number), on=True))
            if person.dirty == "company" and side == POWEROFFICEGO:
                _try(lambda side=side: self._turn(side, self.record(side, person.number), person=False))

    def act(self, edit: Edit) -> None:
        """Somebody does something at a desk."""
        act = {
            "type": self._type,
            "late": self._late,
            "back": self._back,
            "agree": self._agree,
            "respell": self._respell,
            "garbage": self._garbage,
            "new": self._new,
            "clock": self._set_clock,
            "again": self._again,
            "share": self._share,
            "give": self._give,
            "rotate": self._rotate,
            "redact": self._redact,
            "emoji": self._emoji,
            "province": self._province,
            "contact": self._contact,
        }.get(edit.kind, self._plain)
        _try(lambda: act(edit))

    def _type(self, edit: Edit) -> None:
        value = typed(edit.field, edit.side, edit.number, edit.person)
        self.desks[edit.side].type_in(self.record(edit.side, edit.person), {edit.field: value})

    def _late(self, edit: Edit) -> None:
        self.skews[edit.side] -= LATE
        try:
            self._type(edit)
        finally:
            self.skews[edit.side] += LATE

    def _set_clock(self, edit: Edit) -> None:
        """A system's clock is set, by so many seconds."""
        self.skews[edit.side] += edit.number

    def _back(self, edit: Edit) -> None:
        record_id = self.record(edit.side, edit.person)
        value = self.oracle.before(edit.side, record_id, edit.field)
        if value is not None:
            self.desks[edit.side].type_in(record_id, {edit.field: value})

    def _agree(self, edit: Edit) -> None:
        for side in (edit.side, other(edit.side)):
            value = typed(edit.field, side, edit.number, edit.person)
            self.desks[side].type_in(self.record(side, edit.person), {edit.field: value})

    def _respell(self, edit: Edit) -> None:
        record_id = self.record(edit.side, edit.person)
        raw = self.desks[edit.side].records()[record_id][edit.field]
        if isinstance(raw, str) and edit.field not in FREE:
            self.desks[edit.side].type_in(record_id, {edit.field: f" {raw} "})

    def _garbage(self, edit: Edit) -> None:
        if self.entity == "customers":
            phone = "12 34 eller kveld" if edit.side == POWEROFFICEGO else None
            self.desks[edit.side].type_in(self.record(edit.side, edit.person), {"PhoneNumber": phone})

    def _new(self, edit: Edit) -> None:
        self._make(edit.side, edit.person, self._values(edit, lambda _index: edit.number))

    def _again(self, edit: Edit) -> None:
        """What was deleted is made anew, with the keys that it had."""
        records = [r for r, p in self.oracle.persons.items() if p == edit.person and r[0] == edit.side]
        if records and all(record in self.oracle.deleted for record in records):
            self._make(edit.side, edit.person, self._values(edit, lambda index: edit.person * 16 + index + 1))

    def _share(self, edit: Edit) -> None:
        """One of a few values, which others type, too."""
        value = typed(edit.field, edit.side, 900 + edit.number, 0)
        self.desks[edit.side].type_in(self.record(edit.side, edit.person), {edit.field: value})

    def _give(self, edit: Edit) -> None:
        """One gives a value up, and the next one takes it."""
        desk, (giver, taker) = self.desks[edit.side], self._ring(edit, 2)
        value = desk.records()[giver][edit.field]
        if value:
            desk.type_in(giver, {edit.field: None})
            desk.type_in(taker, {edit.field: value})

    def _rotate(self, edit: Edit) -> None:
        """Two change places, or more in a ring. Where a system takes a value once, it is freed first."""
        desk, ring = self.desks[edit.side], self._ring(edit, 2 + edit.number % 3)
        values = [desk.records()[record_id][edit.field] for record_id in ring]
        if edit.field in UNIQUE[self.entity]:
            for n, record_id in enumerate(ring):
                desk.type_in(record_id, {edit.field: typed(edit.field, edit.side, 5000 + 4 * edit.number + n, n)})
        for record_id, value in zip(ring, values[1:] + values[:1], strict=True):
            _try(lambda record_id=record_id, value=value: desk.type_in(record_id, {edit.field: value}))

    def _ring(self, edit: Edit, size: int) -> list[str]:
        """Records of so many people, of fewer where there are not so many. :raises KeyError: there is only one."""
        everybody = sorted(set(self.oracle.persons.values()))
        start = everybody.index(edit.person)
        found: list[str] = []
        for person in everybody[start:] + everybody[:start]:
            with suppress(KeyError):
                found.append(self.record(edit.side, person))
        if len(found) < 2:
            raise KeyError(edit.person)
        return found[:size]

    def _redact(self, edit: Edit) -> None:
        if self.entity == "customers":
            self.desks[edit.side].redact(self.record(edit.side, edit.person))

    def _emoji(self, edit: Edit) -> None:
        """What the shop does not take in an address."""
        value = f"{typed(edit.field, edit.side, edit.number, edit.person)}\N{GRINNING FACE}"
        self.desks[edit.side].type_in(self.record(edit.side, edit.person), {edit.field: value})

    def _province(self, edit: Edit) -> None:
        """A country that has provinces, and one of them, in the shop."""
        self.desks[SHOPIFY].settle_in(self.record(SHOPIFY, edit.person), "GB", "ENG")

    def _contact(self, edit: Edit) -> None:
        """From now on this customer of the shop buys for a company."""
        self.desks[SHOPIFY].buys_for_company(self.record(SHOPIFY, edit.person))

    def _plain(self, edit: Edit) -> None:
        desk, record_id = self.desks[edit.side], self.record(edit.side, edit.person)
        match edit.kind:
            case "clear":
                desk.type_in(record_id, {edit.field: None})
            case "touch":
                desk.touch(record_id, edit.number)
            case "archive" | "reopen":
                desk.archive(record_id, on=edit.kind == "archive")
            case "company" | "person" if edit.side == POWEROFFICEGO and self.entity == "customers":
                self._turn(edit.side, record_id, person=edit.kind == "person")
            case "delete":
                desk.delete(record_id)

    def _turn(self, side: str, record_id: str, *, person: bool) -> None:
        if self.entity == "customers":
            self.desks[side].turn(record_id, person=person)

    def _make(self, side: str, person: int, values: Values) -> None:
        self.oracle.typed(side, self.desks[side].make(values), person)

    def _values(self, edit: Edit, number: Callable[[int], int]) -> Values:
        fields = enumerate(FIELDS[self.entity])
        return {name: typed(name, edit.side, number(index), edit.person) for index, name in fields}

    def _dirty(self, values: Values, person: Person, side: str) -> Values:
        if self.entity == "customers" and side == POWEROFFICEGO:
            if person.dirty == "garbage phone":
                return values | {"PhoneNumber": "ring etter kl 16"}
            if person.dirty == "several e-mails":
                noise = NOISE[person.number % len(NOISE)]
                return values | {"EmailAddress": noise.format(values.get("EmailAddress", "x@example.no"))}
        return values

    def record(self, side: str, person: int) -> str:
        """:raises KeyError: that person has no record there."""
        alive = self.desks[side].records()
        for (at, record_id), who in reversed(self.oracle.persons.items()):
            if at == side and who == person and record_id in alive and (at, record_id) not in self.oracle.redacted:
                return record_id
        raise KeyError(person)


def _try(act: Callable[[], Any]) -> None:
    with suppress(ValueError, KeyError):
        act()
