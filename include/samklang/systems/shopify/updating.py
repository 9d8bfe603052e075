"""Changing records in Shopify: never over a value that moved, and never more than was asked for.

An update is checked and written in batches: one document reads the records of a batch and compares them with what the
plan expects, the next one writes those that have not moved. A batch is as many records as are written within about
two seconds. Each record's writes are *parts*, one mutation each; a part that is refused for some of its fields goes
out again without them. No write follows its check after a wait: where the shop asks for one, records are checked anew.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from samklang.core.records import Record, Scope
from samklang.errors import AccessError, ProtocolError, RemoteError, TemporaryError, ThrottledError, UnclearError
from samklang.systems.base import Change, Outcome, Problem, Update, without
from samklang.systems.shopify.answers import SYSTEM, UNKNOWN_ID, Answer, Fault, InvalidInputError, Json, error_of
from samklang.systems.shopify.budget import Room
from samklang.systems.shopify.client import PATIENCE
from samklang.systems.shopify.creating import Creating
from samklang.systems.shopify.documents import Call
from samklang.systems.shopify.problems import is_gone, read_problems, unfit_inputs

SECONDS = 2.0
"""Between reading a record and writing it."""
POINTS = 20.0
"""What the writes of one record cost, about."""
FEWEST, MOST = 5, 20
"""Records of a batch: a request ends after ten seconds (sheet: Shopify 1)."""


@dataclass(slots=True)
class Part:
    """What one mutation writes of one record. :param twin: an address that is there already, to be made the default."""

    name: str
    changes: tuple[Change, ...]
    twin: str | None = None


@dataclass(slots=True)
class Job:
    """One update under way.

    :param parts: what is still to be written.
    :param node: the answer that was read just before; :param fresh: the record in it.
    :param stored: what it is after the writes so far; None while nothing was written.
    """

    update: Update
    parts: list[Part]
    fresh: Record
    node: Json = field(default_factory=dict)
    stored: Record | None = None
    problems: list[Problem] = field(default_factory=list)
    emptied: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    moved: bool = False
    gone: bool = False
    erased: bool = False
    error: RemoteError | None = None

    @property
    def is_waiting(self) -> bool:
        return any(part.changes for part in self.parts)

    def outcome(self) -> Outcome:
        if self.gone:
            return Outcome(self.update.ref, gone=True)
        if self.erased:
            return Outcome(self.update.ref, record=self.fresh, erased=True)
        if self.moved:
            return Outcome(self.update.ref, record=self.fresh, moved=True)
        return Outcome(
            self.update.ref,
            record=self.stored,
            problems=tuple(self.problems),
            emptied=self.emptied,
            doubts=tuple(self.doubts),
            error=self.error,
        )

    def move(self) -> None:
        """A value is another than the plan saw."""
        self.parts.clear()
        if self.stored is None:
            self.moved = True
        else:
            self.error = UnclearError("A part was written, and then the rest had moved.", system=SYSTEM)

    def go(self) -> None:
        """The shop does not know the record any more."""
        self.gone = True
        self.parts.clear()

    def erase(self) -> None:
        """What identifies the record was erased: nothing is written to it any more."""
        self.erased = True
        self.parts.clear()

    def fail(self, error: RemoteError) -> None:
        self.error = error
        self.parts.clear()

    def refuse(self, part: Part, problems: Sequence[Problem]) -> None:
        """Take refused fields out of a part; a refusal that names none of them is about all."""
        names = {change.field for change in part.changes}
        named = [problem for problem in problems if problem.field in names]
        if not named:
            named = [replace(problems[0], field=change.field) for change in part.changes]
        refused = {problem.field for problem in named}
        self.problems += {problem.field: problem for problem in reversed(named)}.values()
        part.changes = without(part.changes, refused)


class Updating(Creating):
    """Adds `update` to what an entity can do."""

    part_order: tuple[str, ...]
    """The parts of a record in the order in which they are written; the last one answers the whole record."""

    @abstractmethod
    def _call(self, job: Job, part: Part) -> Call:
        """The mutation that writes a part."""

    @abstractmethod
    def _stored(self, job: Job, part: Part, payload: Json, unknown: frozenset[str]) -> Record:
        """What a mutation's answer says is stored. :raises ProtocolError: it says nothing usable."""

    def _settle(self, job: Job, part: Part, problems: Sequence[Problem]) -> bool:
        """Deal with a refusal in another way than leaving fields out. :returns: whether it did.

        :raises RemoteError: what it wanted to know could not be read.
        """
        del job, part, problems
        return False

    def _has_moved(self, update: Update, fresh: Record) -> bool:
        """Whether a value is another than the plan saw, or cannot be seen any more."""
        return any(c.field not in fresh.values or fresh.values[c.field] != c.expected for c in update.changes)

    def update(self, updates: Sequence[Update]) -> Iterator[Outcome]:
        failure: RemoteError | None = None
        rest = list(updates)
        while rest:
            size = int(min(MOST, max(FEWEST, SECONDS * self._client.budget.rate / POINTS)))
            batch, rest = _apart(rest, size)
            if failure is None:
                outcomes = self._update_batch(batch)
            else:
                outcomes = [Outcome(update.ref, error=failure) for update in batch]
            for outcome in outcomes:
                # refused or out of reach: what follows would fare no better
                if isinstance(outcome.error, AccessError | TemporaryError):
                    failure = outcome.error
                yield outcome

    def _update_batch(self, batch: Sequence[Update]) -> list[Outcome]:
        read, write = f"Check{self.kind}s", f"Update{self.kind}s"
        jobs = [Job(update, self._parts(update), Record(update.id, {})) for update in batch]
        patience = PATIENCE
        while waiting := [job for job in jobs if job.is_waiting]:
            delay = 0.0
            # both at once: nobody else may use up in between what the write needs
            with self._client.budget.room({read: len(waiting), write: sum(len(job.parts) for job in waiting)}) as room:
                try:
                    self._check(waiting, read, room)
                except RemoteError as error:
                    _fail(waiting, error)
                    break
                try:
                    self._carry_out(waiting, write, room)
                except ThrottledError as error:
                    delay = error.retry_after
                    patience -= max(1.0, delay)
                    if patience < 0:
                        _fail(waiting, error)
                        break
            if delay > 0:
                self._client.sleep(delay)
        return [job.outcome() for job in jobs]

    def _parts(self, update: Update) -> list[Part]:
        changes: dict[str, list[Change]] = {}
        for change in update.changes:
            changes.setdefault(self._fields[change.field].part, []).append(change)
        return [Part(name, tuple(changes[name])) for name in self.part_order if name in changes]

    def _check(self, jobs: Sequence[Job], operation: str, room: Room) -> None:
        """Read the records, and take out those that are not what the plan expects. :raises RemoteError: unreadable."""
        answer = self._look_up([job.update.id for job in jobs], operation, room)
        unknown, _ = self._unknown(answer.denied)
        for job, node in zip(jobs, answer.call(0), strict=True):
            if node is None:
                job.go()
                continue
            job.node, job.fresh = node, self._record(node, unknown)
            if job.fresh.scope is Scope.ERASED:
                job.erase()
                continue
            left = tuple(change for part in job.parts for change in part.changes)
            if self._has_moved(replace(job.update, changes=left), job.fresh):
                job.move()

    def _carry_out(self, jobs: Sequence[Job], operation: str, room: Room) -> None:
        """Send all that is left of these records in one document.

        :raises ThrottledError: nothing of it was carried out, and what was checked may change until it can be.
        """
        waiting = [(job, part) for job in jobs for part in job.parts if part.changes]
        if not waiting:
            return
        calls = [self._call(job, part) for job, part in waiting]
        try:
            answer = self._client.write(calls, operation=operation, fragments=self._fragments, room=room)
            unknown, _ = self._unknown(answer.denied)
        except ThrottledError:
            raise
        except InvalidInputError as error:
            if not self._blame(error, waiting):
                _fail(jobs, error)
            return
        except RemoteError as error:
            _fail(jobs, error)
            return
        for number, (job, part) in enumerate(waiting):
            self._take_answer(job, part, answer, number, unknown)

    def _take_answer(self, job: Job, part: Part, answer: Answer, number: int, unknown: frozenset[str]) -> None:
        payload, fault = answer.call(number), answer.fault(number)
        if fault is not None:
            _take_fault(job, part, fault)
            return
        if not isinstance(payload, dict):
            job.fail(UnclearError("A write was not answered.", system=SYSTEM))
        elif is_gone(payload):
            job.go()
        elif problems := read_problems(payload, self._fields, part.name, part.changes):
            try:
                if not self._settle(job, part, problems):
                    job.refuse(part, problems)
            except RemoteError as error:
                job.error = error
                part.changes = ()
        else:
            try:
                job.stored = _merged(job.stored, self._stored(job, part, payload, unknown))
            except ProtocolError as error:
                job.error = UnclearError(error.message, system=SYSTEM)
            part.changes = ()

    def _blame(self, error: InvalidInputError, waiting: Sequence[tuple[Job, Part]]) -> bool:
        """Take out the fields that the shop could not read; nothing was written. :returns: whether there are any."""
        blamed = False
        for name, places in error.inputs:
            number = name[1:].partition("_")[0]
            if number.isdigit() and int(number) < len(waiting):
                job, part = waiting[int(number)]
                job.refuse(part, unfit_inputs(places, self._fields, part.name))
                blamed = True
        return blamed


def _apart(updates: Sequence[Update], size: int) -> tuple[list[Update], list[Update]]:
    """The next batch and the rest: a record that is named twice waits for the next batch."""
    batch: dict[str, Update] = {}
    rest: list[Update] = []
    for update in updates:
        if len(batch) < size and update.id not in batch:
            batch[update.id] = update
        else:
            rest.append(update)
    return list(batch.values()), rest


def _fail(jobs: Sequence[Job], error: RemoteError) -> None:
    for job in jobs:
        if job.is_waiting:
            job.fail(error)


def _take_fault(job: Job, part: Part, fault: Fault) -> None:
    if fault.code == UNKNOWN_ID:
        job.refuse(part, [Problem(None, "not_found", "The shop does not know this any more.")])
    else:
        job.error = error_of([fault], "Update", False)
    part.changes = ()


def _merged(before: Record | None, now: Record) -> Record:
    """What both answers say together; the later one is right where both speak."""
    if before is None:
        return now
    return replace(
        now,
        values={**before.values, **now.values},
        facts={**before.facts, **now.facts},
        clock=max(before.clock, now.clock),
    )
