"""What came of it: everything that must not be, once people and faults have been quiet for some runs.

What must have become of each single edit: see `lost`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulation.ledger import Ledger
from simulation.lost import Lost
from simulation.oracle import FRESH, INDEX, Oracle
from simulation.reasons import Reasons
from simulation.store_view import StoreView
from simulation.values import ADDRESS, FREE, POWEROFFICEGO, SHOPIFY, SIDES, normal, other
from simulation.versions import Cell, Record

_OF_PEOPLE = ("undone", "frozen_by_a_person")
A_LOAD = 360.0
"""Seconds that a link may be made after the last look at its reason: a read counts for five minutes, and then the load
itself takes its time."""


def violations(
    oracle: Oracle, store: StoreView, *, was_denied: bool = False, bad: frozenset[Record] = frozenset()
) -> list[str]:
    """In words; empty when every promise is kept. :param was_denied, bad: see `Reasons`."""
    found = _Outcome(oracle, store).violations()
    if store.mapping is not None:
        found += Reasons(oracle, store, store.mapping, was_denied, bad).violations()
    return found


@dataclass(frozen=True, slots=True)
class _Outcome:
    oracle: Oracle
    store: StoreView

    def violations(self) -> list[str]:
        """Everything that must not be, once people and faults have been quiet for some runs."""
        found = [
            *self.oracle.faults,
            *self._doubles(),
            *self._made_beside(),
            *self._unfair_losses(),
            *self._guesses(),
            *self._unkept(),
            *self._alike(),
        ]
        linked: set[Record] = set()
        for first, second in self.store.links:
            pair = ((POWEROFFICEGO, first), (SHOPIFY, second))
            linked.update(pair)
            found += self._of_pair(pair) + self._halves(pair)
        for record in self.oracle.cells:
            if (
                record in linked
                or record in self.oracle.deleted
                or record in self.oracle.redacted
                or not self.oracle.desks[record[0]].is_active(record[1])
            ):
                continue
            if record not in self.store.accounted and not self._is_left_out(record):
                found.append(f"forgotten: {record[0]} {record[1]} has no twin and nothing says why")
        return found + Ledger(self.oracle, self.store).violations()

    def _is_left_out(self, record: Record) -> bool:
        """Whether it was forgotten, or was first shown later, under the one key that it ever had and that somebody who
        was forgotten had then: they would be back. A run says only how many of these it was shown."""
        promises, name = self.oracle.promises, self.oracle.key
        if record in promises.now.forgotten:
            return True
        key, reads = self._only_key(record, name), self.oracle.reads.get(record, [])
        if not key or not reads or self.oracle.files.matched != {name}:
            return False
        since = [promises.ever_forgotten[one] for one in promises.now.forgotten if self._last_shown(one, name) == key]
        return bool(since) and min(since) < reads[0]

    def _last_shown(self, record: Record, name: str) -> str | None:
        """What stood in a field when a person had the record forgotten, as far as we had been shown it."""
        at = self.oracle.promises.ever_forgotten[record]
        shown = [v.value for v in self.oracle.cells[record][name].all if v.seen_at is not None and v.seen_at <= at]
        return shown[-1] if shown else None

    def _doubles(self) -> list[str]:
        made: dict[tuple[int, str], list[Record]] = {}
        for record in self.oracle.made_by_us:
            if record not in self.oracle.unknowable:
                made.setdefault((self.oracle.persons[record], record[0]), []).append(record)
        return [
            f"doubled: we made person {person} {len(records)} times in {side}"
            for (person, side), records in made.items()
            if len(records) > self._asked_for(records)
        ]

    def _made_beside(self) -> list[str]:
        """Records that we made where the same person stood all the time, with the same key inside of another value."""
        name, found = self.oracle.key, []
        if self.oracle.files.matched != {name}:
            return []  # another key has told them apart
        for record, origin in self.oracle.made_by_us.items():
            key = self._only_key(origin, name)
            for one, person in self.oracle.persons.items():
                same = one[0] == record[0] and person == self.oracle.persons[record]
                if not same or one in self.oracle.made_by_us or record in self.oracle.promises.ever_decided:
                    continue
                if one in self.oracle.promises.ever_forgotten:
                    continue  # a person was told that others share the key, and that they are others
                theirs = self._only_key(one, name)
                if key and theirs and key != theirs and (key in theirs or theirs in key):
                    found.append(f"doubled: we made person {person} in {one[0]}, beside {one[1]}, who can be read")
        return found

    def _only_key(self, record: Record, name: str) -> str | None:
        """The one that it had from the beginning to the end, if a person typed it."""
        (version, *later) = self.oracle.cells[record][name].all
        return version.value if version.at is not None and not later and record not in self.oracle.deleted else None

    def _asked_for(self, records: list[Record]) -> int:
        """One for each record that they were made for, and as many more as a person wanted."""
        origins = {self.oracle.made_by_us[record] for record in records}
        anew, again = self.oracle.promises.now.anew, self.oracle.promises.now.matched_again
        return sum(
            1 + anew[origin] + (origin in again and self._keys_differed(origin, *again[origin])) for origin in origins
        )

    def _keys_differed(self, one: Record, two: Record, since: float) -> bool:
        """Whether two records that a person let be matched again had different keys then, or at any time later."""
        name = self.oracle.key
        values = set()
        for record in (one, two):
            cell = self.oracle.cells[record][name]
            ended = [*cell.times[1:], float("inf")]
            values |= {version.value for version, end in zip(cell.all, ended, strict=True) if end > since}
        return len(values) > 1

    def _unkept(self) -> list[str]:
        """What people were promised."""
        desks = self.oracle.desks.items()
        active = {side: {i for i in desk.records() if desk.is_active(i)} for side, desk in desks}
        held = {
            ((other(hold.side), hold.source), hold.field)
            for hold in self.store.reasons  # each is checked, see `reasons`
            if hold.field == "UnitPrice" and hold.reason not in _OF_PEOPLE
        }
        files = self.oracle.files
        return self.oracle.promises.violations(
            self.store.links,
            active,
            files.changed_at,
            held,
            self.store.refused_undos,
            self._shared_titles(),
            files.turned_at,
        )

    def _shared_titles(self) -> set[tuple[Record, str]]:
        """Titles of several variants. Once one of them is alone again, its product is compared as if for the first
        time, and what had been put back in PowerOffice Go counts no more than any other name there."""
        shared = self.oracle.shared_titles - self.oracle.deleted
        alone = {i for side, i in shared if not self.oracle.desks[side].shares_title(i)}
        twins = {(POWEROFFICEGO, first) for first, second in self.store.links if second in alone}
        return {(record, "Name") for record in shared | twins}

    def _guesses(self) -> list[str]:
        """Links of a record whose key another one on its side has had from the beginning, too."""
        name = self.oracle.key
        holders: dict[tuple[str, str], list[Record]] = {}
        for record, cells in self.oracle.cells.items():
            (version, *later) = cells[name].all
            if not version.value or version.at is None or later or record in self.oracle.deleted:
                continue
            if record not in self.oracle.promises.ever_forgotten:  # nothing may be known of those, their key neither
                holders.setdefault((record[0], version.value), []).append(record)
        linked = {record for a, b in self.store.links for record in ((POWEROFFICEGO, a), (SHOPIFY, b))}
        if self.oracle.files.matched != {name}:
            return []  # another key has told them apart
        return [
            f"guessed: {side} has a key twice, and one of the two was linked or given a twin"
            for (side, _), records in holders.items()
            if len(records) > 1 and any(record in linked - self.oracle.promises.ever_decided for record in records)
        ]

    def _alike(self) -> list[str]:
        """Several variants of one product that became products of one name."""
        shop = self.oracle.desks[SHOPIFY]
        names: dict[tuple[object, str | None], int] = {}
        for record, origin in self.oracle.made_by_us.items():
            if record[0] != POWEROFFICEGO or record in self.oracle.deleted or origin in self.oracle.deleted:
                continue
            if shop.shares_title(origin[1]):
                place = (shop.siblings(origin[1]), self.oracle.cells[record]["Name"].all[0].value)
                names[place] = names.get(place, 0) + 1
        return [f"alike: {n} variants of one product were made with one name" for n in names.values() if n > 1]

    def _unfair_losses(self) -> list[str]:
        return [
            f"lost: {loss.version.field} of {loss.record[0]} {loss.record[1]} was overwritten unseen"
            for loss in self.oracle.losses
            if not loss.in_window
        ]

    def _of_pair(self, pair: tuple[Record, Record]) -> list[str]:
        missing = [record for record in pair if record not in self.oracle.cells]
        if missing:
            return [f"invented: a link names {missing[0][0]} {missing[0][1]}, which never was"]
        if any(record in self.oracle.deleted for record in pair):
            return []
        found, lost = [], Lost(self.oracle, self.store)
        persons = {self.oracle.persons.get(record) for record in pair}
        by_a_person = self.oracle.promises.now.twins.get(pair[0]) == pair[1]
        if len(persons) > 1 and not by_a_person and not self._had_a_key(pair):
            found.append(f"mislinked: {pair[0][1]} and {pair[1][1]} are two people")
        is_active = [self.oracle.desks[side].is_active(i) for side, i in pair]
        if not all(is_active) or any(record in self.oracle.redacted for record in pair):
            return found  # paused
        for name in self.oracle.mapped:
            ends = [self.oracle.cells[record][name] for record in pair]
            if name == "Name" and self.oracle.shared_titles & set(pair):
                continue
            excused = self.store.excuse(pair, name) or self._is_stopped(name, ends)
            excused = excused or self._is_country_alone(pair, name) or self._is_decided_in_vain(pair, name, ends)
            excused = excused or self._is_one_figure_abroad(pair, name)
            found += [
                f"unreturned: {name} of {record[0]} {record[1]} is empty since we emptied it for another one"
                for record, end, twin in zip(pair, ends, reversed(ends), strict=True)
                if end.version.ours == "freed"
                and self._could_be_returned(record[0], name, end)
                and not self._was_emptied_since(end, twin)
                and not self.oracle.promises.is_undone(pair, name)  # emptied again as it was before the undone write
            ]
            if ends[0].version.value != ends[1].version.value and not excused and not _is_default(ends):
                found.append(f"unequal: {name} of {pair[0][1]} and {pair[1][1]}, and nothing says why")
            if not excused:
                found += lost.of(pair, name, ends)
        return found

    def _is_stopped(self, name: str, ends: list[Cell]) -> bool:
        """Whether the mapping keeps the one value from going to the other side."""
        said = self.oracle.files.now
        writable, values = said.sides.get(name, frozenset()), [end.version.value for end in ends]
        if not writable or (name not in said.empties and None in values):
            return True
        if len(writable) > 1:
            return False
        target = SIDES.index(*writable)
        if said.terms[name][1] == "both":  # the other side is not shared: what is typed on this one waits
            return ends[target].version not in ends[1 - target].all
        source = ends[1 - target].version  # what is typed on the wrong side is put back, if anybody's value is there
        return source.value is None or source.ours == "default"

    def _is_decided_in_vain(self, pair: tuple[Record, Record], name: str, ends: list[Cell]) -> bool:
        """Whether these two values were in conflict, and the one that won stands on the one side that may be written:
        the other keeps its own. How it was decided is judged with the ledger."""
        said = self.oracle.files.now
        writable = said.sides.get(name, frozenset())
        if len(writable) != 1 or said.terms[name][1] != "both":
            return False
        ids, values = (pair[0][1], pair[1][1]), [end.version.value for end in ends]
        about = [clash for clash in self.store.clashes if (clash.ids, clash.field) == (ids, name)]
        last = max(about, key=lambda clash: clash.at, default=None)
        told = [normal(name, side, last.raw[side]) for side in SIDES] if last else None
        return last is not None and told == values and {last.winner} == writable

    def _is_one_figure_abroad(self, pair: tuple[Record, Record], name: str) -> bool:
        """Whether the shop's prices are in another currency, and both sides show one figure: what it comes to with VAT
        says nothing then, and there is nothing to list."""
        if name != "UnitPrice" or self.oracle.foreign_since is None:
            return False
        figures = [self.oracle.promises.raw(end, name) for end in pair]
        return None not in figures and len({Decimal(str(figure)) for figure in figures}) == 1

    def _could_be_returned(self, side: str, name: str, cell: Cell) -> bool:
        """Whether nobody has what stood there, or only who got it by a write of ours and had something before."""
        if side not in self.oracle.files.now.sides.get(name, frozenset()):
            return False
        value = cell.version.before.value if cell.version.before else None
        holders = [cells[name] for r, cells in self.oracle.cells.items() if r[0] == side]
        return all(
            one.version.side != side and len(one.all) > 1 and one.all[-2].value
            for one in holders
            if one.version.value == value
        )

    def _was_emptied_since(self, cell: Cell, twin: Cell) -> bool:
        """Whether a person has emptied the twin, which the plan that emptied this cell did not know yet: that is how
        both are to be."""
        planned = max((at for at in self.oracle.plans if at <= cell.changed_at), default=0.0)
        last = twin.version
        typed_there = last.value is None and last.at is not None and last.side != cell.version.side
        return typed_there and last.seen_at is not None and last.seen_at > planned

    def _is_country_alone(self, pair: tuple[Record, Record], name: str) -> bool:
        """A country alone is no address, and PowerOffice Go, which takes none without more, has none."""
        if name not in FREE:
            return False
        others = [one for one in ADDRESS if one not in FREE and one in self.oracle.mapped]
        lines = [self.oracle.cells[end][one].version.value for end in pair for one in others]
        return not any(lines) and self.oracle.cells[pair[0]][name].version.value is None

    def _halves(self, pair: tuple[Record, Record]) -> list[str]:
        """Where one line of an address cannot be written, none that came with it is."""
        mapping, found = self.store.mapping, []
        together = {f.name for f in mapping.fields if f.group} & self.oracle.mapped if mapping is not None else set()
        for target, source in (pair, pair[::-1]):
            of_us = [hold for hold in self.store.reasons if hold.reason not in _OF_PEOPLE]
            held = {h.field for h in of_us if (h.side, h.source) == (target[0], source[1]) and h.field in together}
            edited = max((self.oracle.cells[source][name].changed_at for name in held), default=0.0)
            shown = [self.oracle.cells[source][name].version.seen_at for name in held]
            since = max((at for at in shown if at is not None), default=None)
            for name in together - held if since is not None else ():
                cell = self.oracle.cells[target][name]
                is_new = cell.version.value is None and len(cell.all) == 1
                was_carried = not is_new and cell.version.side == source[0] and not cell.version.ours
                planned = any(since < at < cell.changed_at for at in self.oracle.plans)
                planned = planned or cell.changed_at > edited + FRESH + INDEX  # a plan that waited was looked at again
                if was_carried and planned and cell.changed_at > self.oracle.files.changed_at:
                    found.append(f"half: {name} of {target[0]} {target[1]} was written, and not the whole address")
        return found

    def _had_a_key(self, pair: tuple[Record, Record]) -> bool:
        """Whether both held one key when they were linked, or shortly before."""
        linked_at = self.store.linked_at.get((pair[0][1], pair[1][1]), 0.0)
        for key in {self.oracle.key, *self.oracle.files.matched}:
            held = [_held(self.oracle.cells[record][key], linked_at - A_LOAD, linked_at) for record in pair]
            if held[0] & held[1]:
                return True
        return False


def _held(cell: Cell, start: float, end: float) -> set[str]:
    """What stood in a field at any time between the two."""
    ends = [*cell.times[1:], float("inf")]
    return {
        version.value
        for version, since, until in zip(cell.all, cell.times, ends, strict=True)
        if version.value and since <= end and until >= start
    }


def _is_default(ends: list[Cell]) -> bool:
    """PowerOffice Go puts a country on a new address by itself: nobody's edit."""
    go, shop = ends
    return go.version.ours == "default" and shop.version.value is None
