"""What people are promised when they decide something, in the oracle's own words; knows nothing of the engine.

A promise holds until somebody decides otherwise, or edits what it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from math import inf
from typing import Any

from simulation.values import ADDRESS, POWEROFFICEGO, SIDES, UNIQUE
from simulation.versions import Cell, Record, Version

Pair = tuple[Record, Record]
"""Two records, PowerOffice Go's first."""
MUST_HAVE = ("FirstName", "LastName", "Name", "UnitPrice", "Code", "EmailAddress", "MailAddress.City")
"""What a system may refuse to empty."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Values that a person wants to stand, one on each end of a pair. :param kind: `undo`, `take` or `release`."""

    kind: str
    pair: Pair
    field: str
    at: float
    values: tuple[str | None, str | None]


@dataclass(slots=True)
class Kept:
    """What a store that is copied knows of people's decisions.

    :param apart: records that are left alone, each with those that are let in again together with it.
    :param frozen: pair and field; field "" is all of them. :param stands: the last word on a field.
    :param decided_at: seconds, when a person last decided which value stands: what was there before has had its day.
    :param twins: records that a person has linked.
    :param anew: records of which a person wanted one more twin made, and how often.
    :param matched_again: records of pairs that a person let be matched again, each with the other one, and when.
    :param forgotten: records that were erased here, each with those that were erased together with it.
    """

    apart: dict[Record, frozenset[Record]] = field(default_factory=dict)
    frozen: set[tuple[Pair, str]] = field(default_factory=set)
    stands: dict[tuple[Pair, str], Stand] = field(default_factory=dict)
    decided_at: dict[tuple[Pair, str], float] = field(default_factory=dict)
    twins: dict[Record, Record] = field(default_factory=dict)
    anew: Counter[Record] = field(default_factory=Counter)
    matched_again: dict[Record, tuple[Record, float]] = field(default_factory=dict)
    forgotten: dict[Record, frozenset[Record]] = field(default_factory=dict)

    def copy(self) -> Kept:
        return Kept(*(copy(getattr(self, name)) for name in Kept.__slots__))


@dataclass(slots=True)
class Promises:
    """:param cells: what stands where, as the oracle keeps it.
    :param loading: a load is at work: what is decided now binds the next one, for this one may have sent it already.
    """

    entity: str
    cells: Mapping[Record, Mapping[str, Cell]]
    faults: list[str] = field(default_factory=list)
    now: Kept = field(default_factory=Kept)
    loading: int = 0
    edited_at: dict[tuple[Record, str], float] = field(default_factory=dict)
    ever_decided: set[Record] = field(default_factory=set)
    ever_forgotten: dict[Record, float] = field(
        default_factory=dict
    )  # and when: conflicts of before are forgotten, too
    ever_linked: set[Record] = field(default_factory=set)
    _binding: Kept = field(default_factory=Kept)
    _saved: Kept = field(default_factory=Kept)
    _raw: dict[tuple[Record, str], Any] = field(default_factory=dict)
    _raw_before: dict[tuple[Record, str], list[Any]] = field(default_factory=dict)

    # --- what happens

    def looked(self, record: Record, name: str, raw: Any, who: str, at: float) -> None:
        """This stands in a field now. Another spelling of the same value is an edit, too."""
        if who == "human" and self._raw.get((record, name)) != raw:
            self.edited_at[record, name] = at
        if (record, name) in self._raw and self._raw[record, name] != raw:
            self._raw_before.setdefault((record, name), []).append(self._raw[record, name])
        self._raw[record, name] = raw

    def raw(self, record: Record, name: str) -> Any:
        """What stands in a field, or stood there last."""
        return self._raw.get((record, name))

    def stood_before(self, record: Record, name: str) -> bool:
        """Whether what stands in a field stood there before, to the letter."""
        return self._raw.get((record, name)) in self._raw_before.get((record, name), ())

    def load_begins(self) -> None:
        if not self.loading:
            self._binding = self.now.copy()
        self.loading += 1

    def load_ends(self) -> None:
        self.loading -= 1

    def store_saved(self) -> None:
        self._saved = self.now.copy()

    def store_replaced(self) -> None:
        self.now = self._saved.copy()

    # --- what is decided

    def set_apart(self, records: Iterable[Record]) -> None:
        together = frozenset(records)
        for record in together:
            self._forget_pair_of(record)
            self.now.apart[record] = together

    def set_free(self, records: Iterable[Record]) -> None:
        """:param records: these, and what was kept apart together with them."""
        for record in list(records):
            for one in self.now.apart.pop(record, frozenset((record,))):
                self.now.apart.pop(one, None)
                self._forget_pair_of(one)

    def link(self, one: Record, other: Record, lonely: Iterable[Record]) -> None:
        for record in (one, other):
            for left in self.now.apart.pop(record, frozenset()) - {one, other}:
                self.now.apart[left] = frozenset((left,))
            self._forget_pair_of(record)
        for record in lonely:
            self.set_apart([record])
        self.now.twins |= {one: other, other: one}
        self.ever_linked |= {one, other}

    def made_and_parted(self, record: Record, made: Mapping[Record, Record]) -> set[Record]:
        """What we made for a record and a person keeps apart together with it, where nobody has linked the two since.

        :param made: by what we made, for whom.
        """
        others = self.now.apart.get(record, frozenset()) - {record} - self.ever_linked
        return {one for one in others if made.get(one) == record}

    def want_anew(self, record: Record) -> None:
        for left in self.now.apart.pop(record, frozenset()) - {record}:
            self.now.apart[left] = frozenset((left,))
        self._forget_pair_of(record)
        self.now.anew[record] += 1

    def match_again(self, one: Record, other: Record, at: float) -> None:
        self.now.matched_again |= {one: (other, at), other: (one, at)}

    def stand(self, stand: Stand) -> None:
        self.now.stands[stand.pair, stand.field] = stand
        self.decide(stand.pair, stand.field, stand.at)

    def decide(self, pair: Pair, name: str, at: float) -> None:
        for one in ADDRESS if name in ADDRESS else (name,):
            self.now.decided_at[pair, one] = at

    def forget(self, records: Iterable[Record], at: float) -> None:
        together = frozenset(records)
        self.ever_forgotten |= dict.fromkeys(together, at)
        for record in together:
            self.now.apart.pop(record, None)
            self._forget_pair_of(record)
            self.now.forgotten[record] = together

    def lift(self, record: Record) -> None:
        for one in self.now.forgotten.pop(record, frozenset()):
            self.now.forgotten.pop(one, None)

    def _forget_pair_of(self, record: Record) -> None:
        """It has no twin any more, and what was said of the two is void."""
        self.ever_decided.add(record)
        for places in (self.now.frozen, self.now.stands):
            for place in [place for place in places if record in place[0]]:
                places.remove(place) if isinstance(places, set) else places.pop(place)
        twin = self.now.twins.pop(record, None)
        if twin is not None:
            self.now.twins.pop(twin, None)

    # --- what we write

    def we_wrote(self, record: Record, name: str) -> None:
        """A field of a record that was there."""
        kept = self._both()
        where = f"{name} of {record[0]} {record[1]}"
        if all(record in one.apart for one in kept) and not self._is_ordered(record, name):
            self.faults.append(f"apart: we wrote {where}, which a person has us leave alone")
        if all(record in one.forgotten for one in kept):
            self.faults.append(f"remembered: we wrote {where}, who was forgotten")
        if all(_is_frozen(one, record, name) for one in kept):
            self.faults.append(f"frozen: we wrote {where}, which a person has frozen")

    def we_made(self, record: Record, twin: Record) -> None:
        kept = self._both()
        where = f"{record[0]} {record[1]} for {twin[1]}"
        if all(twin in one.apart for one in kept):
            self.faults.append(f"apart: we made {where}, which a person has us leave alone")
        if all(twin in one.forgotten for one in kept):
            self.faults.append(f"remembered: we made {where}, who was forgotten")

    def _both(self) -> tuple[Kept, ...]:
        return (self.now, self._binding) if self.loading else (self.now,)

    def _is_ordered(self, record: Record, name: str) -> bool:
        return any(record in pair and name == field for pair, field in self.now.stands)

    def is_ordered(self, record: Record, name: str) -> bool:
        """Whether a person has said which value stands in this field."""
        return any(record in pair and name == field for pair, field in self.now.decided_at)

    def was_ordered(self, record: Record, name: str, until: float) -> bool:
        """`is_ordered`, before a moment."""
        return any(record in pair and name == field and at < until for (pair, field), at in self.now.decided_at.items())

    def is_undone(self, pair: Pair, name: str) -> bool:
        """Whether the two ends may differ because one was put back."""
        stand = self.now.stands.get((pair, name))
        return stand is not None and stand.kind == "undo"

    def is_frozen(self, pair: Pair, name: str) -> bool:
        return (pair, name) in self.now.frozen or (pair, "") in self.now.frozen

    def had_its_day(self, pair: Pair, name: str, version: Version) -> bool:
        """Whether a person has decided about a field after this value was typed."""
        return version.at is not None and version.at <= self.now.decided_at.get((pair, name), 0.0)

    # --- what came of it

    def violations(
        self,
        links: Iterable[tuple[str, str]],
        active: Mapping[str, set[str]],
        remapped_at: float = 0.0,
        held: Collection[tuple[Record, str]] = (),
        refused: Collection[tuple[Record, str]] = (),
        shared: Collection[tuple[Record, str]] = (),
        turned_at: Mapping[str, float] | None = None,
    ) -> list[str]:
        """:param links: by ids, PowerOffice Go's first. :param active: by side, records that are there and in scope.
        :param remapped_at: when the mapping file was last changed: what was decided before may not fit it.
        :param held: records and fields that cannot go to the other side as things stand, say for want of a tax on it.
        :param refused: records and fields of undos of which the store says that they were refused.
        :param shared: records and fields that have become those of others, too: nobody writes them for one's sake.
        :param turned_at: by field: since when its values mean something else, as prices by other terms of the shop.
        """
        pairs = {((POWEROFFICEGO, a), (SIDES[1], b)) for a, b in links}
        linked = {record: pair for pair in pairs for record in pair}
        found = list(self.faults)
        found += [
            f"apart: {side} {i} is linked, and a person keeps it apart"
            for side, i in self.now.apart
            if (side, i) in linked
        ]
        found += [
            f"remembered: {side} {i} is linked, and was forgotten"
            for side, i in self.now.forgotten
            if (side, i) in linked
        ]
        for one, other in self.now.twins.items():
            both_there = all(i in active[side] for side, i in (one, other))
            if one[0] == POWEROFFICEGO and both_there and (one, other) not in pairs:
                found.append(f"unlinked: {one[1]} and {other[1]} were linked by a person, and are not")
        for stand in self.now.stands.values():
            parted = stand.kind == "undo" and all(end in self.now.apart for end in stand.pair)
            there = (stand.pair in pairs or parted) and all(i in active[side] for side, i in stand.pair)
            held_back = any((end, stand.field) in held for end in stand.pair)
            decided_under = max(remapped_at, (turned_at or {}).get(stand.field, 0.0))
            if there and stand.at > decided_under and not held_back and not self._is_void(stand):
                found += self._broken(stand, refused, shared)
        return found

    def _is_void(self, stand: Stand) -> bool:
        """Somebody has edited what it is about since, or has it left alone."""
        names = ADDRESS if stand.field in ADDRESS else (stand.field,)
        edited = any(self.edited_at.get((end, name), 0.0) > stand.at for end in stand.pair for name in names)
        return edited or self.is_frozen(stand.pair, stand.field)

    def _broken(
        self, stand: Stand, refused: Collection[tuple[Record, str]], shared: Collection[tuple[Record, str]]
    ) -> list[str]:
        found = []
        for (side, i), wanted in zip(stand.pair, stand.values, strict=True):
            if ((side, i), stand.field) in shared:
                continue
            now = self.cells[side, i][stand.field].version.value
            if now == wanted or (wanted is None and stand.field in MUST_HAVE) or not _fits(side, stand.field, wanted):
                continue
            since = stand.at if ((side, i), stand.field) in refused else inf  # whoever was told so may ask again
            if stand.field in UNIQUE[self.entity] and self._holders(side, stand.field, wanted, since) - {i}:
                continue
            found.append(f"{stand.kind}: {stand.field} of {side} {i} is not what a person had put there")
        return found

    def _holders(self, side: str, name: str, value: str | None, since: float) -> set[str]:
        """Who has a value, or had it at any time since then."""
        found = set()
        for (one, i), cells in self.cells.items():
            cell = cells[name]
            ends = [*cell.times[1:], inf]
            if one == side and any(
                version.value == value and (end == inf or end > since)
                for version, end in zip(cell.all, ends, strict=True)
            ):
                found.add(i)
        return found


def _fits(side: str, name: str, value: str | None) -> bool:
    """Whether the shop takes it: PowerOffice Go takes free text."""
    if side == POWEROFFICEGO or value is None:
        return True
    if name == "EmailAddress":
        return value.count("@") == 1 and not set(value) & set(" ;,<>")
    return name != "PhoneNumber" or (value.startswith("+") and value[1:].isdigit())


def _is_frozen(kept: Kept, record: Record, name: str) -> bool:
    return any(record in pair and field in (name, "") for pair, field in kept.frozen)
