"""The writing half of both PowerOffice Go systems: one request per record, answered one by one.

An update tests what the plan saw and replaces in one JSON Patch. Whether the server carries tests out is found out
once per store with a patch that holds nothing but a test that must fail; until a real write has confirmed it, and
wherever it does not, the record is read before it is written.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from samklang.core.records import Record
from samklang.errors import AccessError, ProtocolError, RemoteError, TemporaryError, UnclearError
from samklang.systems.base import Change, Creation, Outcome, Problem, Update, without
from samklang.systems.parallel import in_parallel
from samklang.systems.powerofficego.client import Json, read_object
from samklang.systems.powerofficego.patch import (
    build_patch,
    build_probe,
    check_values,
    has_moved,
)
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.reading import Reading
from samklang.systems.powerofficego.schema import ADDRESS
from samklang.systems.powerofficego.values import nest, to_json
from samklang.systems.transport import Reply

TEST_ENFORCED = "powerofficego.test_enforced"
Write = TypeVar("Write", Update, Creation)


class Writing(Reading):
    """Adds `create` and `update` to what an entity can read."""

    text_property: str
    """A property that every record has and a test may name."""
    key_property: str
    """Where our key stands."""

    @abstractmethod
    def _look_up(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        """Who holds these keys, as a read shows it by now."""

    @abstractmethod
    def _own_values(self, creation: Creation) -> Json:
        """What a new record carries besides its values: our key."""

    def find_by_key(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        """Asks a second time for those that nobody seems to hold: a record that was just made may not show yet."""
        found = self._look_up(keys)
        absent = [key for key in keys if key not in found]
        if absent:
            self._lag.let_pass()
            found |= self._look_up(absent)
        return found

    def update(self, updates: Sequence[Update]) -> Iterator[Outcome]:
        rest, stop = list(updates), list[RemoteError]()
        try:
            while rest and TEST_ENFORCED not in self._memory:
                yield from self._each(self._update_probing, [rest.pop(0)], stop)
            update_one = self._update_tested if self._memory.get(TEST_ENFORCED) == "yes" else self._update_read
            yield from self._each(update_one, rest, stop)
        finally:
            self._lag.note()

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        try:
            yield from self._each(self._create_one, creations, [])
        finally:
            self._lag.note()

    def _each(
        self, write: Callable[[Write], Outcome], items: Sequence[Write], stop: list[RemoteError]
    ) -> Iterator[Outcome]:
        """Each outcome as it comes.

        :param stop: once access is refused or the system is out of reach, it holds why, and the rest is not sent.
        """

        def one(item: Write) -> Outcome:
            if stop:
                return Outcome(item.ref, error=stop[0])
            try:
                return write(item)
            except RemoteError as error:
                if isinstance(error, AccessError | TemporaryError):
                    stop.append(error)
                return Outcome(item.ref, error=error)

        yield from in_parallel(one, items, self._workers)

    # --- updates

    def _update_probing(self, update: Update) -> Outcome:
        """Ask the server whether it carries out tests, then write; the write itself confirms the answer."""
        try:
            self._client.patch(self._path_of(update.id), build_probe(self.text_property), safe=True)
        except RefusedError as refusal:
            if refusal.status == 404:
                return self._outcome_of_404(update, refusal)
        else:
            self._memory[TEST_ENFORCED] = "no"
        return self._update_read(update)

    def _update_read(self, update: Update) -> Outcome:
        """Read, compare, write: a small window stays open where tests are not carried out."""
        is_tested = self._memory.get(TEST_ENFORCED) != "no"
        record = self._read_one(update.id) if is_tested else self._lag.read(update.id, self._read_one)
        if record is None:
            return Outcome(update.ref, gone=True)
        if has_moved(update.changes, record):
            return Outcome(update.ref, record=record, moved=True)
        return self._patch(replace(update, facts=record.facts))

    def _update_tested(self, update: Update) -> Outcome:
        """Write at once; the server compares. An address of which nothing is known is looked at first."""
        if _address_lines(update.changes) and "has_address" not in update.facts:
            return self._update_read(update)
        return self._patch(update)

    def _patch(self, update: Update) -> Outcome:
        """Write all that can be written.

        A refusal may mean a failed test or a bad value, and only its text tells which. So the record is read again,
        once reads show what the test saw: where it has moved, nothing is written; where it stores what is expected,
        the patch goes out without tests, and what is refused then is a value. A refused field is left out; a refusal
        that names none of several fields sends each in a patch of its own.
        """
        has_address = bool(update.facts.get("has_address"))
        with_tests = self._memory.get(TEST_ENFORCED) != "no"
        changes, problems = update.changes, list[Problem]()
        while True:
            problems += check_values(changes, self._fields, has_address=has_address)
            changes = _without(changes, problems)
            if not changes:
                return Outcome(update.ref, problems=tuple(problems))
            try:
                operations = build_patch(changes, self._fields, has_address=has_address, with_tests=with_tests)
                record = self._written(self._client.patch(self._path_of(update.id), operations))
            except RefusedError as refusal:
                if refusal.status == 404:
                    return self._outcome_of_404(update, refusal)
                if with_tests:
                    self._lag.let_pass()
                fresh = self._read_one(update.id)
                if fresh is None:
                    return Outcome(update.ref, gone=True)
                if has_moved(changes, fresh) or _has_other_address(changes, has_address, fresh):
                    return Outcome(update.ref, record=fresh, moved=True)
                if with_tests:
                    with_tests = False
                    continue
                blamed = self._blame(refusal, update.id, changes, has_address)
                if not blamed:
                    return self._patch_apart(replace(update, changes=changes), fresh, problems)
                problems += blamed
            else:
                if TEST_ENFORCED not in self._memory:
                    self._memory[TEST_ENFORCED] = "yes" if with_tests else "no"
                return Outcome(update.ref, record=record, problems=tuple(problems))

    def _blame(
        self, refusal: RefusedError, record_id: str, changes: Sequence[Change], has_address: bool
    ) -> list[Problem]:
        """A problem for each field that a refusal is about; none where it is about several and names none."""
        found = [p for p in refusal.problems([c.field for c in changes]) if p.field is not None]
        if not found and len(_units(changes, has_address)) == 1:
            unnamed = refusal.problems(())[0]
            if not refusal.words and self._is_held_by_another(record_id, changes):
                unnamed = replace(unnamed, code="taken")
            found = [replace(unnamed, field=c.field) for c in changes]
        return found

    def _is_held_by_another(self, record_id: str, changes: Sequence[Change]) -> bool:
        """Whether another record has the key that is among the values: what a refusal without words means then."""
        keys = [c.value.strip() for c in changes if c.field == self.key_property and c.value]
        return (
            any(one.id != record_id for holders in self._look_up(keys).values() for one in holders) if keys else False
        )

    def _patch_apart(self, update: Update, record: Record, problems: list[Problem]) -> Outcome:
        """Each field in a patch of its own, so that one bad value holds back itself alone."""
        written = False
        for unit in _units(update.changes, bool(update.facts.get("has_address"))):
            outcome = self._patch(replace(update, changes=unit))
            if outcome.gone or (outcome.moved and not written):
                return outcome
            if outcome.moved:
                problems += [Problem(c.field, "rejected", "The value changed while others were written.") for c in unit]
            problems += outcome.problems
            record = outcome.record or record
            written = written or (outcome.record is not None and not outcome.moved)
        return Outcome(update.ref, record=record if written else None, problems=tuple(problems))

    def _outcome_of_404(self, update: Update, refusal: RefusedError) -> Outcome:
        if self._read_one(update.id) is None:
            return Outcome(update.ref, gone=True)
        # the record is there: something that the patch refers to is not
        return Outcome(update.ref, problems=refusal.problems([c.field for c in update.changes]))

    # --- creations

    def _create_one(self, creation: Creation) -> Outcome:
        """POST, again without a field that is refused by name, as long as what a new record needs is left."""
        needed = {name for alternative in self.rules.create_needs for name in alternative}
        changes = tuple(Change(name, None, value, creation.groups.get(name)) for name, value in creation.values.items())
        problems = list[Problem]()
        while True:
            problems += check_values(changes, self._fields, has_address=False)
            changes = _without(changes, problems)
            if any(p.field in needed for p in problems):
                return Outcome(creation.ref, problems=tuple(problems))
            body = nest({c.field: to_json(c.value, self._fields[c.field]) for c in changes})
            try:
                record = self._written(self._client.post(self.path, {**body, **self._own_values(creation)}))
            except RefusedError as refusal:
                found = refusal.problems([c.field for c in changes])
                unnamed = found[0].field is None
                # a refusal without words may mean the key as well as a value
                if refusal.is_taken(self.key_property) or (unnamed and self._look_up([creation.key])):
                    return Outcome(creation.ref, problems=(Problem(None, "taken", refusal.words),))
                if unnamed:
                    return Outcome(creation.ref, problems=(*problems, *found))
                problems += found
            else:
                return Outcome(creation.ref, record=record, problems=tuple(problems))

    def _written(self, reply: Reply) -> Record:
        """What is stored now. :raises UnclearError: the write was accepted, and its answer says nothing usable."""
        try:
            record = self._record(read_object(reply))
        except ProtocolError as error:
            raise UnclearError(error.message, system=error.system, status=reply.status) from None
        self._lag.wrote(record.id)
        return record


def _without(changes: Sequence[Change], problems: Sequence[Problem]) -> tuple[Change, ...]:
    return without(changes, {p.field for p in problems})


def _address_lines(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(c for c in changes if c.field.startswith(f"{ADDRESS}."))


def _has_other_address(changes: Sequence[Change], has_address: bool, fresh: Record) -> bool:
    """Whether an address came or went since the plan saw the record."""
    return bool(_address_lines(changes)) and bool(fresh.facts.get("has_address")) != has_address


def _units(changes: Sequence[Change], has_address: bool) -> list[tuple[Change, ...]]:
    """What can be written apart: each field, but a group, and a new address, only as a whole."""
    units: dict[str, list[Change]] = {}
    whole = () if has_address else _address_lines(changes)
    for change in changes:
        units.setdefault(ADDRESS if change in whole else change.group or change.field, []).append(change)
    return [tuple(unit) for unit in units.values()]
