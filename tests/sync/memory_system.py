"""A system in memory, as small as the engine's promises allow: eight verbs over a dictionary.

People (`add`, `edit`) use short names of fields, the same on both sides; see `names`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import TypeVar

from samklang.core.clocks import from_datetime
from samklang.core.records import IN_SCOPE, Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.errors import RemoteError, TemporaryError, UnclearError
from samklang.systems.base import Check, Creation, Description, Outcome, Problem, Update, Usage, without

Values = dict[str, str | None]
Write = TypeVar("Write", Update, Creation)


class WorkerDiedError(Exception):
    """The process that asked is gone; what it had asked for may have happened."""


@dataclass
class MemorySystem:
    """
    :param names: the system's own field names by short name.
    :param tick: the time, a little later at each call.
    """

    side: str
    names: Mapping[str, str]
    tick: Callable[[], datetime]
    entity: str = "customers"
    rules: EntityRules = field(default_factory=EntityRules)
    reads_whole: bool = False
    usage: Usage = field(default_factory=lambda: Usage(requests=0, spent=0.0, rate=0.0))
    tenant: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)

    # what it is like
    unique: tuple[str, ...] = ()  # no two records may share a value of these
    refuses: set[str] = field(default_factory=set)  # values that it refuses
    code: str = "invalid"  # … and how it calls that
    writes_the_rest: bool = False  # of an update, without the fields that it refuses
    rejects: dict[str, str | None] = field(
        default_factory=dict
    )  # values of records it refuses whole: the field it names
    stores: dict[str, str | None] = field(default_factory=dict)  # values that are stored as something else
    defaults: Values = field(default_factory=dict)  # what new records get where nothing is sent
    address_defaults: Values = field(
        default_factory=dict
    )  # … and first addresses, which are all fields with this prefix
    silent: set[str] = field(default_factory=set)  # fields that its answers to writes leave out
    denied: set[str] = field(default_factory=set)  # fields that it does not show
    unsure: set[str] = field(default_factory=set)  # … when it is asked for a record by its id
    total: int | None = None  # what it says a whole read has; None: it does not say

    # what goes wrong
    hidden: set[str] = field(default_factory=set)  # ids that its lists leave out
    unknown: set[str] = field(default_factory=set)  # ids that it does not know when asked for them
    look_up_fails: Exception | None = None  # raised instead of an answer to ids
    breaks: set[str] = field(default_factory=set)  # ids, keys and values over which it fails, with all that came along
    lists_all: bool = False  # lists hold what `breaks` names all the same
    together: int = 20  # writes in one request
    down: bool = False  # everything fails, and it says so
    requests: int = 0
    die_after: int | None = None  # writes until the process dies, with the last one carried out
    unclear: int = 0  # writes that are carried out and answered with a time-out
    fails: Exception | None = None  # raised instead of writing
    erased_under_a_write: set[str] = field(default_factory=set)  # … between the look and the write of an update
    while_reading: Callable[[], object] | None = None  # happens once, after the answer was made

    # what happened
    writes: list[tuple[str, str, Values]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tenant = self.tenant or f"tenant-{self.side}"
        self._ids = count(1)

    # --- what a person does

    def add(
        self,
        *,
        id: str | None = None,  # noqa: A002
        scope: Scope = Scope.ACTIVE,
        key: str | None = None,
        facts: Mapping[str, object] | None = None,
        **values: str | None,
    ) -> str:
        """A new record; fields that are not named are empty."""
        identifier = id or f"{next(self._ids)}"
        now = from_datetime(self.tick())
        full = dict.fromkeys(self.names.values()) | self._named(values)
        self.records[identifier] = Record(identifier, full, scope, now, now, key=key, facts=dict(facts or {}))
        return identifier

    def edit(self, identifier: str, *, clock: str | None = None, **values: str | None) -> None:
        old = self.records[identifier]
        self._put(replace(old, values={**old.values, **self._named(values)}), clock)

    def set(self, identifier: str, *, clock: str | None = None, **changes: object) -> None:
        """Change `scope`, `facts`, `group_clocks` … of a record."""
        self._put(replace(self.records[identifier], **changes), clock)  # type: ignore[arg-type]

    def delete(self, identifier: str) -> None:
        del self.records[identifier]

    def show(self, identifier: str) -> dict[str, str]:
        """What is filled in, by short name."""
        stored = self.records[identifier].values
        return {short: value for short, name in self.names.items() if (value := stored.get(name)) is not None}

    def value(self, identifier: str, short: str) -> str | None:
        return self.records[identifier].values[self.names[short]]

    def written(self) -> list[tuple[str, str, Values]]:
        """What was written so far, by short name."""
        short = {name: short for short, name in self.names.items()}
        return [(op, i, {short[name]: value for name, value in values.items()}) for op, i, values in self.writes]

    # --- the eight verbs

    def describe(self) -> Description:
        if self.down:
            raise self._fault(TemporaryError)
        return Description(self.tenant, self.side, self.facts)

    def check(self) -> list[Check]:
        return [Check("answers", True, "yes")]

    def read_all(self) -> Iterator[Page]:
        self.reads.append("all")
        yield self._page(sorted(self.records.values(), key=lambda r: int(r.id)), self.total)
        self._meanwhile()

    def read_changes(self, since: str) -> Iterator[Page]:
        self.reads.append(f"since {since}")
        yield self._page([r for r in self.records.values() if r.clock > since])
        self._meanwhile()

    def read_ids(self, ids: Sequence[str]) -> Iterator[Page]:
        self.reads.append("ids " + ",".join(ids))
        if self.look_up_fails is not None:
            raise self.look_up_fails
        if self.down or self.breaks.intersection(ids):
            raise self._fault(TemporaryError)
        known = [self.records[i] for i in ids if i in self.records and i not in self.unknown]
        yield Page(tuple(self._without(self._shown(r), self.unsure) for r in known))

    def find_by_key(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        self.reads.append("keys")
        if self.down or self.breaks.intersection(keys):
            raise self._fault(TemporaryError)
        found: dict[str, list[Record]] = {}
        for record in self.records.values():
            if record.key in keys:
                found.setdefault(str(record.key), []).append(record)
        return found

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        return f"{source.id}-{source_id}"

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        for creation in self._requested(creations, lambda creation: {creation.key, *creation.values.values()}):
            if isinstance(creation, Outcome):
                yield creation
                continue
            if self.fails is not None:
                raise self.fails
            if problems := self._problems(None, creation.values):
                yield Outcome(creation.ref, problems=problems)
                continue
            identifier = self.add(key=creation.key)
            empty = dict.fromkeys(self.names.values())
            values = {**empty, **self.defaults, **self._stored(creation.values)}
            self._put(replace(self.records[identifier], values=values))
            yield self._outcome("create", creation.ref, identifier, dict(creation.values))

    def update(self, updates: Sequence[Update]) -> Iterator[Outcome]:
        for update in self._requested(updates, lambda update: {update.id, *(c.value for c in update.changes)}):
            if isinstance(update, Outcome):
                yield update
                continue
            if self.fails is not None:
                raise self.fails
            record = self.records.get(update.id)
            values = {c.field: c.value for c in update.changes}
            if record is None:
                yield Outcome(update.ref, gone=True)
            elif self._shown(record).scope is Scope.ERASED:
                yield Outcome(update.ref, record=self._shown(record), erased=True)
            elif any(record.values.get(c.field) != c.expected for c in update.changes):
                yield Outcome(update.ref, record=self._shown(record), moved=True)
            elif (problems := self._problems(update.id, values)) and not (
                self.writes_the_rest and (kept := without(update.changes, {p.field for p in problems}))
            ):
                yield Outcome(update.ref, problems=problems)
            else:
                if problems:
                    values = {c.field: c.value for c in kept}
                erased = update.id in self.erased_under_a_write
                before: Values = dict.fromkeys(record.values) if erased else dict(record.values)
                filled = self._address_filled_in(before, values)
                self._put(replace(record, values={**before, **filled, **self._stored(values)}))
                outcome = self._outcome("update", update.ref, update.id, values)
                if erased and outcome.record is not None:
                    self.erased_under_a_write.discard(update.id)
                    outcome = replace(outcome, record=replace(outcome.record, scope=Scope.ERASED))
                yield replace(outcome, problems=problems)

    # --- inside

    def _fault(self, kind: type[RemoteError]) -> RemoteError:
        return kind("the server failed (HTTP 500)", system=self.side, status=500)

    def _requested(
        self, writes: Sequence[Write], holds: Callable[[Write], set[str | None]]
    ) -> Iterator[Write | Outcome]:
        """By request: those to carry out, or an outcome for each of a request that fails."""
        for batch in (writes[at : at + self.together] for at in range(0, len(writes), self.together)):
            self.requests += 1
            if self.down or any(self.breaks & holds(write) for write in batch):
                yield from (Outcome(write.ref, error=self._fault(UnclearError)) for write in batch)
            else:
                yield from batch

    def _named(self, values: Values) -> Values:
        """By the system's own names, which are taken as they are."""
        return {self.names.get(name, name): value for name, value in values.items()}

    def _put(self, record: Record, clock: str | None = None) -> None:
        self.records[record.id] = replace(record, clock=clock or from_datetime(self.tick()))

    def _stored(self, values: Mapping[str, str | None]) -> Values:
        return {name: self.stores.get(value or "", value) for name, value in values.items()}

    def _address_filled_in(self, before: Values, sent: Values) -> Values:
        """What this system puts into an address that an update begins."""
        filled: Values = {}
        for name, value in self.address_defaults.items():
            lines = [line for line in before if line.partition(".")[0] == name.partition(".")[0] and "." in line]
            begun = any(sent.get(line) for line in lines) and not any(before[line] for line in lines)
            filled |= {name: value} if begun and name not in sent else {}
        return filled

    def _outcome(self, op: str, ref: int, identifier: str, values: Values) -> Outcome:
        self.writes.append((op, identifier, values))
        if self.die_after is not None:
            self.die_after -= 1
            if self.die_after <= 0:
                self.die_after = None
                raise WorkerDiedError
        if self.unclear:
            self.unclear -= 1
            return Outcome(ref, error=UnclearError("timed out", system=self.side))
        record = self._shown(self.records[identifier])
        return Outcome(
            ref, record=replace(record, values={n: v for n, v in record.values.items() if n not in self.silent})
        )

    def _problems(self, own: str | None, values: Mapping[str, str | None]) -> tuple[Problem, ...]:
        others = [r for r in self.records.values() if r.id != own]
        taken = [n for n in self.unique if values.get(n) and any(r.values.get(n) == values[n] for r in others)]
        invalid = [n for n, value in values.items() if value in self.refuses]
        rejected = [name for value, name in self.rejects.items() if value in values.values()]
        return (
            *(Problem(name, self.code, "is no good as a whole") for name in rejected),
            *(Problem(name, "taken", "is taken") for name in taken),
            *(Problem(name, self.code, "is refused") for name in invalid),
        )

    def _page(self, records: list[Record], total: int | None = None) -> Page:
        breaks = set[str]() if self.lists_all else self.breaks
        listed = tuple(self._shown(r) for r in records if r.id not in self.hidden | breaks)
        unread = tuple(r.id for r in records if r.id in breaks)
        return Page(listed, total, dict.fromkeys(self.denied, "no access"), unread)

    def _shown(self, record: Record) -> Record:
        shown = {n: v for n, v in record.values.items() if n not in self.denied}
        erased = record.scope in IN_SCOPE and self.rules.is_erased(shown)
        return replace(record, values=shown, scope=Scope.ERASED if erased else record.scope)

    @staticmethod
    def _without(record: Record, fields: set[str]) -> Record:
        return replace(record, values={n: v for n, v in record.values.items() if n not in fields})

    def _meanwhile(self) -> None:
        if self.while_reading is not None:
            happens, self.while_reading = self.while_reading, None
            happens()
