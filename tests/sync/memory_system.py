"""A system in memory, as small as the engine's promises allow: eight verbs over a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from samklang.core.records import Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.systems.base import Check, Creation, Description, Outcome, Problem, Update


@dataclass
class MemorySystem:
    """:param unique: fields whose values no two records may share. :param lose: how many create answers get lost."""

    side: str
    entity: str = "customers"
    rules: EntityRules = field(default_factory=EntityRules)
    reads_whole: bool = False
    facts: dict[str, object] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    records: dict[str, Record] = field(default_factory=dict)
    writes: list[tuple[str, str, dict[str, str | None]]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    lose: int = 0
    stores: dict[str, str] = field(default_factory=dict)  # values that are stored as something else

    def __post_init__(self) -> None:
        self._ids = count(1)
        self._seconds = count(1)

    # what a person does

    def add(self, **values: str | None) -> str:
        identifier = values.pop("id", None) or f"{next(self._ids)}"
        scope = Scope(values.pop("scope", None) or Scope.ACTIVE)
        key = values.pop("key", None)
        now = self._now()
        self.records[identifier] = Record(identifier, values, scope, created=now, clock=now, key=key)
        return identifier

    def edit(self, identifier: str, *, clock: str | None = None, **values: str | None) -> None:
        old = self.records[identifier]
        self.records[identifier] = replace(old, values={**old.values, **values}, clock=clock or self._now())

    def values(self, identifier: str) -> dict[str, str | None]:
        return dict(self.records[identifier].values)

    # the eight verbs

    def describe(self) -> Description:
        return Description(f"tenant-{self.side}", self.side, self.facts)

    def check(self) -> list[Check]:
        return [Check("answers", True, "yes")]

    def read_all(self) -> Iterator[Page]:
        self.reads.append("all")
        yield Page(tuple(sorted(self.records.values(), key=lambda r: int(r.id))), total=len(self.records))

    def read_changes(self, since: str) -> Iterator[Page]:
        self.reads.append("changes")
        yield Page(tuple(r for r in self.records.values() if r.clock > since))

    def read_ids(self, ids: Sequence[str]) -> Iterator[Page]:
        self.reads.append("ids")
        yield Page(tuple(self.records[i] for i in ids if i in self.records))

    def find_by_key(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for record in self.records.values():
            if record.key in keys:
                found.setdefault(str(record.key), []).append(record)
        return found

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        return f"{source.id}-{source_id}"

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        for creation in creations:
            problems = self._taken(None, creation.values)
            if problems:
                yield Outcome(creation.ref, problems=problems)
                continue
            identifier = self.add(key=creation.key, **self._stored(creation.values))
            self.writes.append(("create", identifier, dict(creation.values)))
            if self.lose:
                self.lose -= 1
                raise ConnectionResetError("the worker died")
            yield Outcome(creation.ref, record=self.records[identifier])

    def update(self, updates: Sequence[Update]) -> Iterator[Outcome]:
        for update in updates:
            record = self.records.get(update.id)
            if record is None:
                yield Outcome(update.ref, gone=True)
            elif any(record.values.get(c.field) != c.expected for c in update.changes):
                yield Outcome(update.ref, record=record, moved=True)
            elif problems := self._taken(update.id, {c.field: c.value for c in update.changes}):
                yield Outcome(update.ref, problems=problems)
            else:
                values = {c.field: c.value for c in update.changes}
                self.edit(update.id, **self._stored(values))
                self.writes.append(("update", update.id, values))
                yield Outcome(update.ref, record=self.records[update.id])

    def _stored(self, values: Mapping[str, str | None]) -> dict[str, str | None]:
        return {name: self.stores.get(value or "", value) for name, value in values.items()}

    def _taken(self, own: str | None, values: Mapping[str, str | None]) -> tuple[Problem, ...]:
        return tuple(
            Problem(name, "taken", "is taken")
            for name in self.unique
            if values.get(name)
            and any(r.values.get(name) == values[name] for r in self.records.values() if r.id != own)
        )

    def _now(self) -> str:
        return f"2026-01-01T00:{next(self._seconds) // 60:02}:{next(self._seconds) % 60:02}.0000000Z"
