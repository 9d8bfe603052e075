"""Who typed what, and what became of it: knows nothing of the engine, and everything of both systems.

It follows each value through each cell (a field of a record on one side). A value that a person types is a *version*;
it comes after the one that stood in the cell. A write of ours must carry a version of the twin on, or put one back.
What must have become of each in the end: see `outcome`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.besides import Besides
from simulation.desks import Desk
from simulation.mapping_changes import Files
from simulation.promises import Promises
from simulation.values import FREE, POWEROFFICEGO, PRICES, SHOPIFY, UNIQUE, normal, other
from simulation.versions import Cell, Loss, Record, Version, forget_writes

ANSWER = 1.0
"""Seconds in which the answer to a write comes, if it comes."""
DEFAULT_COUNTRY = "NO"
"""What PowerOffice Go puts on an address that names no country."""
FRESH = 300.0
"""Seconds that a read counts for: under a plan that is older when a load begins, what changed since is read first."""
INDEX = 120.0
"""Seconds after which a list of what changed surely shows an edit."""
SOON = 60.0
"""Seconds in which a write of one side may still not know what just happened on the other."""
WINDOW = 3.0
"""Seconds between our last look at a Shopify record and our write, in which nobody can keep us from overwriting."""


@dataclass(slots=True)
class Oracle:
    """Told of each write and of each answer that reached us; see `outcome`.

    :param enforces: whether PowerOffice Go carries `test` out.
    :param mapped: the fields that are synchronised. :param key: the one that links records.
    :param lag: seconds by which PowerOffice Go's reads may be behind.
    :param hidden_until: by field: when Shopify showed it for the first time.
    """

    desks: Mapping[str, Desk]
    entity: str
    enforces: bool = True
    mapped: frozenset[str] = frozenset()
    key: str = ""
    lag: float = 0.0
    skews: Mapping[str, float] = field(default_factory=dict)
    cells: dict[Record, dict[str, Cell]] = field(default_factory=dict)
    persons: dict[Record, int] = field(default_factory=dict)
    read_at: dict[Record, float] = field(default_factory=dict)
    made_by_us: dict[Record, Record] = field(default_factory=dict)
    deleted: set[Record] = field(default_factory=set)
    redacted: dict[Record, float] = field(default_factory=dict)
    touched: dict[Record, list[float]] = field(default_factory=dict)
    _latest: dict[str, float] = field(default_factory=dict)
    reads: dict[Record, list[float]] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    may_write: dict[str, int] | None = None
    _written: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    plans: list[float] = field(default_factory=list)  # when they were made
    _planned: set[int] = field(default_factory=set)
    _known: set[int] = field(default_factory=set)
    _saved: set[Record] = field(default_factory=set)  # what we had made when the store was copied
    _saved_at: float = 0.0  # seconds
    forgotten: set[Record] = field(default_factory=set)  # made by us, and a restored store has not linked it again yet
    unknowable: set[Record] = field(default_factory=set)  # forgotten, and nobody could know it when it was made anew
    promises: Promises = field(init=False)
    files: Files = field(init=False)
    besides: Besides = field(init=False)
    shared_titles: set[Record] = field(default_factory=set)  # variants that share a product's title, or did
    hidden_until: dict[str, float] = field(default_factory=dict)
    unrated: dict[Record, float] = field(default_factory=dict)  # since when its VAT is not known
    foreign_since: float | None = None  # since when the shop's prices are in another currency than the mapping's
    _runs: list[str] = field(default_factory=list)  # whose loads are at work, the newest last
    _caught_up: list[float] = field(default_factory=list)  # of each: what was edited until then, and shown, it knows
    _writes: dict[tuple[str, Record, str], tuple[str | None, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.promises = Promises(self.entity, self.cells)
        self.besides = Besides(self.desks)

    # --- what happens

    def begin_run(self) -> None:
        """Nobody has been asked about this run yet, and no plan has been made."""
        self._written.clear()
        self.may_write = None

    def plan_made(self, at: float) -> None:
        """A plan was made of all that we have been shown."""
        self.plans.append(at)
        cells = (cell for cells in self.cells.values() for cell in cells.values())
        self._planned = {id(cell.version) for cell in cells if cell.version.seen}

    def plan_carried_out(self) -> None:
        """From now on we know better than any older plan."""
        self._known |= self._planned

    def store_saved(self, at: float) -> None:
        """This is what the store will know when it is put back."""
        self._saved, self._saved_at = set(self.made_by_us), at
        self.promises.store_saved()

    def store_replaced(self) -> None:
        """We may have forgotten everything since it was saved."""
        self.forgotten = set(self.made_by_us) - self._saved
        self._planned.clear()
        self._known.clear()
        known = (cells for record, cells in self.cells.items() if record not in self.forgotten)
        forget_writes([cell for cells in known for cell in cells.values()], self._saved_at)
        self.promises.store_replaced()

    def repriced(self, at: float) -> None:
        """Prices are judged by other terms from now on: nobody has typed what PowerOffice Go's come to in the shop."""
        for (side, record_id), cells in self.cells.items():
            cell = cells.get("UnitPrice")
            if side != POWEROFFICEGO or cell is None:
                continue
            raw = self.promises.raw((side, record_id), "UnitPrice")  # also of one that is gone: it takes a while to see
            value = normal("UnitPrice", side, raw)
            if value != cell.version.value:
                cell.version = Version(side, "UnitPrice", value, cell.version, None, seen=cell.version.seen)
                cell.all.append(cell.version)
                cell.times.append(at)
        self.files.turned_at["UnitPrice"] = self.files.new_at["UnitPrice"] = at

    def load_begins(self, run: str, read_at: float, at: float) -> None:
        """What is written from now on, this run writes. :param read_at: when the older of its reads began."""
        self._runs.append(run)
        self._caught_up.append(at - INDEX if at - read_at > FRESH else 0.0)
        self.files.load_begins()
        self.promises.load_begins()

    def load_ends(self) -> None:
        self._runs.pop()
        self._caught_up.pop()
        self.promises.load_ends()

    def written_by(self, run: str, record: Record, name: str) -> tuple[str | None, str | None] | None:
        """What stood in a field before a run wrote it first, and after it wrote it last; None: it did not."""
        return self._writes.get((run, record, name))

    def linked(self, links: Iterable[tuple[str, str]]) -> None:
        """These links stand in the store after a run: whoever is in one is known again."""
        self.forgotten -= {record for a, b in links for record in ((POWEROFFICEGO, a), (SHOPIFY, b))}

    def typed(self, side: str, record_id: str, person: int) -> None:
        """A person has made this record."""
        self.persons[side, record_id] = person

    def read(self, side: str, ids: Iterable[str], at: float) -> None:
        """An answer with these records, as they stood then, reached us."""
        for record_id in ids:
            self.read_at[side, record_id] = at
            self.reads.setdefault((side, record_id), []).append(at)
            for cell in self.cells.get((side, record_id), {}).values():
                if cell.changed_at > at:
                    continue
                if not cell.version.seen:
                    cell.version.seen, cell.version.seen_at = True, at
                cell.ours = cell.ours and at <= cell.changed_at + ANSWER

    def wrote(self, side: str, who: str, action: str, record_id: str, at: float) -> None:
        """Something was written on a side: find out what, by looking at all that stands there."""
        record_id = str(record_id).rpartition("/")[2]
        if who == "api" and action == "delete":
            self.faults.append(f"deleted: we deleted a record in {side}")
        if who == "api" and self.may_write is not None and not self._was_asked_for((side, record_id)):
            written = self._written.setdefault((side, action), set())
            written.add(record_id)
            if len(written) > self.may_write.get(action, 0):
                self.faults.append(f"unasked: more than {self.may_write.get(action, 0)} {action}s in {side}")
        told = at + self.skews.get(side, 0.0)
        self._latest[side] = max(told, self._latest.get(side, told))  # what PowerOffice Go tells never goes back
        self.touched.setdefault((side, record_id), []).extend(sorted({told, self._latest[side]}))
        if action == "redact":
            self.redacted[side, record_id] = at
        elif who == "api":
            self._spares_the_erased((side, record_id), at)
        self.faults += self.besides.looked(side, who, at)
        now = self.desks[side].records()
        for found, values in now.items():
            record = (side, found)
            known = self.cells.get(record)
            if known is None:
                self._appeared(record, values, who, at)
                continue
            for name, raw in values.items():
                value = normal(name, side, raw)
                self.promises.looked(record, name, raw, who, at)
                if value != known[name].version.value:
                    self._changed(record, name, known[name], value, who, at)
        self.deleted |= {record for record in self.cells if record[0] == side and record[1] not in now}
        if who == "api" and (side, record_id) in self.cells:
            ends = [(side, record_id), *self.twins_of((side, record_id))]
            self.faults += self.besides.meddles(ends, self.read_at, at)

    def _was_asked_for(self, record: Record) -> bool:
        """Whether a person has said what stands in one of its fields: looked at then, and in no limit."""
        side, i = record  # a shop's writes name the product, and people decide about its variants
        ends = {end for pair, _ in self.promises.now.decided_at for end in pair if end not in self.deleted}
        return any(end == record or (end[0] == side and self.desks[side].siblings(end[1]) == i) for end in ends)

    def _appeared(self, record: Record, values: Mapping[str, Any], who: str, at: float) -> None:
        side, record_id = record
        twin = origin = None
        if who == "api":
            origin = self.desks[side].origin(record_id)
            twin = (other(side), origin) if origin else self._origin_by_value(side, values)
            if twin is None or twin not in self.persons:
                self.faults.append(f"invented: we made {side} {record_id} for nobody")
            else:
                self.persons[record] = self.persons[twin]
                self.unknowable |= {r for r in self.forgotten if self.made_by_us[r] == twin and self._is_lost(r)}
                self.made_by_us[record] = twin
                self.promises.we_made(record, twin)
                self.faults += self.files.faults_of_create(*record)
        self.cells[record] = {}
        for name, raw in values.items():
            self.promises.looked(record, name, raw, who, at)
            value = normal(name, side, raw)
            by_itself = who == "api" and twin is not None and self._fills_in(side, name, value, [twin])
            carries = who == "api" and not by_itself
            version = self._carried(record, name, value, [twin] if twin else []) if carries else None
            if version is None:
                is_default = who == "api" and name in FREE and side == POWEROFFICEGO
                ours = "default" if is_default and value == DEFAULT_COUNTRY else ""
                version = Version(side, name, value, None, at if who == "human" else None, ours=ours)
                if who == "api" and name == "UnitPrice" and value == "0.00":
                    version.ours = "default"  # a product that has no price yet
                elif who == "api" and value is not None and not ours and origin and twin in self.persons:
                    self.faults.append(f"invented: {name} of the new {side} {record_id} holds what nobody typed")
            self.cells[record][name] = Cell(version, at, [version], [at])

    def _origin_by_value(self, side: str, values: Mapping[str, Any]) -> Record | None:
        """Who has most values of this record on the other side, or had them, as far as we were shown: what was typed
        after the last read we cannot have carried. The key counts before all others, for two records may bear one
        name."""
        wanted = {name: normal(name, side, raw) for name, raw in values.items() if name not in FREE}

        def likeness(record: Record) -> tuple[int, int, int, bool]:
            shown = {name: [v.value for v in cell.all if v.seen] for name, cell in self.cells[record].items()}
            had = [n for n, value in wanted.items() if value and value in shown[n]]
            has = [n for n, value in wanted.items() if value and shown[n][-1:] == [value]]
            key = (self.key in had) + (self.key in has)
            return key, len(had), len(has), key > 0 and record not in self.deleted  # it may have been made anew

        others = [record for record in self.cells if record[0] != side]
        best = max(others, key=likeness, default=None)
        return best if best is not None and any(likeness(best)) else None

    def _changed(self, record: Record, name: str, cell: Cell, value: str | None, who: str, at: float) -> None:
        side = record[0]
        if who == "human":
            erased = self.redacted.get(record) == at
            version = Version(side, name, value, cell.version, None if erased else at, over_ours=cell.ours)
            version.ours = "erased" if erased else ""
        else:
            if name not in self.mapped:
                self.faults.append(f"foreign: we wrote {name} of {side} {record[1]}, which no mapping names")
            if not cell.version.seen or self.read_at.get(record, -1.0) < cell.changed_at:
                safe = side == POWEROFFICEGO and self.enforces
                looked = at - self.read_at.get(record, -1e9) <= WINDOW
                unseen = self._stood_there(record, cell)
                self.losses.append(Loss(record, cell.version, in_window=unseen or (looked and not safe)))
            by_itself = self._fills_in(side, name, value, self.twins_of(record))
            filled = self._sources_with_one(record, name) if value is None else []
            for_another = any(filled) and self._is_wanted(record, name, cell.version.value)
            found = None if by_itself or for_another else self._carried(record, name, value, self._sources_of(record))
            if found is None:
                found = Version(side, name, value, cell.version, None)
                if for_another and not all(filled):
                    found.ours = "emptied"  # for another one, or as it was elsewhere: two people had the key
                elif value is None and name in UNIQUE[self.entity]:
                    found.ours = "freed"
                    if not self._is_wanted(record, name, cell.version.value):
                        self.faults.append(f"emptied: we emptied {name} of {side} {record[1]}, and nobody had")
                elif name in FREE and side == POWEROFFICEGO and value == DEFAULT_COUNTRY:
                    found.ours = "default"
                else:
                    self.faults.append(f"invented: {name} of {side} {record[1]} holds what nobody typed")
            self.promises.we_wrote(record, name)
            self._check_price(record, name, cell)
            if not self.promises.is_ordered(record, name):
                emptied = value is None and name not in UNIQUE[self.entity]
                self.faults += self.files.faults_of_write(*record, name, emptied=emptied)
            if self._runs:
                written = (self._runs[-1], record, name)
                self._writes[written] = (self._writes.get(written, (cell.version.value,))[0], found.value)
            version = found
            ordered, freed = self.promises.is_ordered(record, name), cell.version.ours in ("freed", "emptied")
            if not ordered and not freed and not self._is_rolled_back(side, name, cell, value):
                self._check_age(record, name, version)
        cell.version, cell.changed_at, cell.ours = version, at, who == "api"
        cell.all.append(version)
        cell.times.append(at)

    def _is_wanted(self, record: Record, name: str, value: str | None) -> bool:
        """Whether a value has ever stood on the other side with somebody else than the twin, who may be to get it."""
        twins = [] if self._may_have_another(record) else self.twins_of(record)[:1]
        others = [one for one in self.cells if one[0] != record[0] and one not in twins]
        return any(v.value == value for one in others for v in self.cells[one][name].all)

    def _may_have_another(self, record: Record) -> bool:
        """Whether its twin may be another one: people had changed places before anybody was linked."""
        known = record in self.promises.now.twins or any(record in pair for pair in self.made_by_us.items())
        return not known and len(self._sources_of(record)) > 1

    def _check_price(self, record: Record, name: str, cell: Cell) -> None:
        """A price that is inherited is not written over, nor one in another currency."""
        where = f"price of {record[0]} {record[1]}"
        if name == "UnitPrice" and record[0] == POWEROFFICEGO and cell.version.value is None and cell.version.seen:
            self.faults.append(f"inherited: the {where} came from its group, and we wrote one")
        if (
            name == "UnitPrice"
            and self.foreign_since is not None
            and self.read_at.get(record, 0.0) > self.foreign_since
        ):
            self.faults.append(f"converted: the {where} was written into another currency")
        ends = [record, *self.twins_of(record)] if name == "UnitPrice" and PRICES["factor"] != 1 else []
        if any(self.read_at.get(end, 0.0) > self.unrated[end] for end in ends if end in self.unrated):
            self.faults.append(f"untaxed: the {where} was written, and nobody knows the rate")
        if name == "Name" and self.desks[record[0]].shares_title(record[1]) and record in self.shared_titles:
            self.faults.append(f"title: several variants share the title of {record[1]}, and we wrote it")

    def _check_age(self, record: Record, name: str, version: Version) -> None:
        """A write must not carry a value that somebody has replaced, as far as a plan knew that was carried out."""
        twins = self.twins_of(record)
        source = self.cells.get(twins[0], {}).get(name) if len(twins) == 1 else None
        if source is None or source.version.value == version.value:
            return
        shown = source.version.seen and source.changed_at <= (self._caught_up or [0.0])[-1]
        if id(source.version) not in self._known and not shown:
            return
        if any(self.cells[one][name].version.value == version.value for one in self._sources_of(record)):
            return  # people had changed places before anybody was linked: it is what stands in its twin by the key
        if version in source.all and version.came_before(source.version):
            self.faults.append(f"stale: {name} of {record[0]} {record[1]} was given a value that had been replaced")

    def _stood_there(self, record: Record, cell: Cell) -> bool:
        """Whether the value is again what we were last shown: that somebody had changed it in between, nobody can
        see."""
        shown_at = self.read_at.get(record, -1.0)
        shown = [v for v, since in zip(cell.all, cell.times, strict=True) if since <= shown_at]
        return bool(shown) and shown[-1].value == cell.version.value

    def _sources_with_one(self, record: Record, name: str) -> list[bool]:
        """Of each record whose value it may get, whether one that no two may share stood there, as the plan knew: then
        nobody has emptied it, whatever was emptied there long ago. What we were shown since is for the next plan."""
        sources = [self.cells[one][name] for one in self._sources_of(record) if one in self.cells]
        return [self._planned_value(cell) is not None for cell in sources] if name in UNIQUE[self.entity] else []

    def _planned_value(self, cell: Cell) -> str | None:
        """What the plan takes to stand in a cell: the newest that we were shown before it was made."""
        at = max(self.plans, default=0.0)
        return next((v.value for v in reversed(cell.all) if v.seen_at is not None and v.seen_at <= at), None)

    def _is_rolled_back(self, side: str, name: str, cell: Cell, value: str | None) -> bool:
        """A ring could not go on: what it had before our write goes back to a record, so that another one, which we
        emptied and left without, gets its own value back."""
        ours = len(cell.all) > 1 and cell.version.side != side and cell.all[-2].value == value
        emptied = (
            cells[name].version.ours in ("freed", "emptied")
            for record, cells in self.cells.items()
            if record[0] == side
        )
        return name in UNIQUE[self.entity] and ours and any(emptied)

    def _fills_in(self, side: str, name: str, value: str | None, twins: list[Record]) -> bool:
        """Whether PowerOffice Go has put its country there beside our write: nobody has one, as we were shown."""
        theirs = [self.cells[twin][name].version for twin in twins if twin in self.cells]
        default = side == POWEROFFICEGO and name in FREE and value == DEFAULT_COUNTRY
        return default and bool(theirs) and all(version.value is None and version.seen for version in theirs)

    def _carried(self, record: Record, name: str, value: str | None, twins: list[Record]) -> Version | None:
        """The version that a write of ours carries: the twin's newest of that value, or one put back."""
        own = self.cells.get(record, {}).get(name)
        for cell in (*(self.cells.get(twin, {}).get(name) for twin in twins), own):
            for version in reversed(cell.all if cell else []):
                put_back = cell is own and version.ours == "default"
                # what a system filled in before the mapping named the field, or a person linked its record with another
                # one, is as good as anything typed there
                fresh = self.files.new_for(name, cell.changed_at) > cell.changed_at or record in self.promises.now.twins
                put_back |= version.ours == "default" and fresh
                if version.value == value and (not version.ours or put_back):
                    return version
        return self._put_back_anew(record, name, value, own) if own else None

    def _put_back_anew(self, record: Record, name: str, value: str | None, own: Cell) -> Version | None:
        """A figure without VAT that stands there again, as a person wanted before prices came to be judged by other
        terms: nobody has typed what it comes to in the shop now."""
        if (record[0], name) != (POWEROFFICEGO, "UnitPrice") or not self.promises.stood_before(record, name):
            return None
        turned = self.promises.was_ordered(record, name, self.files.turned_at.get(name, 0.0))
        return Version(record[0], name, value, own.version, None) if turned else None

    def _sources_of(self, record: Record) -> list[Record]:
        """Its twins, and whoever it may have been linked to by a key that both held."""
        twins = self.twins_of(record)
        mine = {version.value for version in self.cells[record][self.key].all if version.value}
        return twins + [
            one
            for one, cells in self.cells.items()
            if one[0] != record[0] and one not in twins and any(v.value in mine for v in cells[self.key].all)
        ]

    def _spares_the_erased(self, record: Record, at: float) -> None:
        """Nothing is written onto a customer that the shop has erased, nor onto its twin, once we can know of it."""
        side, record_id = record
        if record in self.redacted and not at - WINDOW <= self.read_at.get(record, 0.0) < self.redacted[record]:
            self.faults.append(f"erased: we wrote onto {side} {record_id}, whom the shop had erased")
        for twin in self.twins_of(record):
            erased = self.redacted.get(twin)
            if erased is not None and (self._may_have_another(record) or min(self.reads.get(twin, [erased])) >= erased):
                continue  # or we were never shown what it was, so nobody can know whose twin it would have been
            if erased is not None and (self.read_at.get(twin, 0.0) > erased or at - erased > SOON):
                self.faults.append(f"erased: we wrote onto {side} {record_id}, whose twin the shop had erased")

    def twins_of(self, record: Record) -> list[Record]:
        """The twin that a person gave it; else the record that it was made for, and those that were made for it, newest
        first: one, but for a store that was replaced; else all of the same person on the other side."""
        if twin := self.promises.now.twins.get(record):
            return [twin]
        related = [pair for pair in reversed(self.made_by_us.items()) if record in pair]
        if related:
            return [origin if record == made else made for made, origin in related]
        person = self.persons.get(record)
        others = [r for r, p in self.persons.items() if p == person and r[0] != record[0]]
        if (
            self.entity == "products" and record in self.cells
        ):  # a code may have gone to another variant before anybody was linked
            codes = {version.value for version in self.cells[record]["Code"].all} - {None}
            others += [
                r
                for r, cells in self.cells.items()
                if r[0] != record[0] and r not in others and codes & {version.value for version in cells["Code"].all}
            ]
        return [r for r in others if r not in self.deleted] or others

    def before(self, side: str, record_id: str, name: str) -> str | None:
        """What stood in a field before, as people see it; None: nothing, or it cannot be typed as it stands."""
        versions = self.cells[side, record_id][name].all
        value = versions[-2].value if len(versions) > 1 else None
        return None if name == "UnitPrice" else value

    def _is_lost(self, record: Record) -> bool:
        """Whether a store that never heard of a record cannot know what it was made for: it is deleted, or bears no key
        of ours, and the key that people type stands, as far as we were shown, on one of the two only."""
        if record in self.deleted or self.desks[record[0]].origin(record[1]):
            return record in self.deleted
        ends = [self.cells[one][self.key].version for one in (record, self.made_by_us[record])]
        return ends[0].value != ends[1].value or not all(version.seen for version in ends)
