"""Making records in Shopify: never twice for one key."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence

from samklang.core.records import Record
from samklang.errors import AccessError, ProtocolError, RemoteError, TemporaryError, UnclearError
from samklang.systems.base import Change, Creation, Outcome, Problem
from samklang.systems.parallel import in_parallel
from samklang.systems.shopify.answers import SYSTEM, InvalidInputError, Json
from samklang.systems.shopify.documents import Call
from samklang.systems.shopify.key import ensure_definition, forget_definition
from samklang.systems.shopify.paging import in_batches
from samklang.systems.shopify.problems import read_problems, unfit_inputs
from samklang.systems.shopify.reading import KEYS, Reading


class Creating(Reading):
    """Adds `create` to what an entity can read: one request per record, a few at a time."""

    @abstractmethod
    def _create_call(self, creation: Creation) -> Call:
        """The mutation that makes a record."""

    @abstractmethod
    def _created(self, payload: Json, unknown: frozenset[str]) -> Record:
        """The record in a creation's answer. :raises ProtocolError: there is none."""

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        """Look the keys up, make those that nobody holds: with a key that exists, the shop would update its holder."""
        failure: RemoteError | None = None
        held: set[str] = set()
        for chunk in in_batches(creations, KEYS):
            if failure is None:
                try:
                    held.update(self._prepare(chunk))
                except RemoteError as error:
                    failure = error
            waiting = []
            for creation in chunk:
                if creation.key in held:
                    yield _taken(creation)
                else:
                    waiting.append(creation)
                    held.add(creation.key)
            stop = [failure] if failure is not None else []
            yield from in_parallel(self._guarded(stop), waiting, self._workers)
            failure = stop[0] if stop else None

    def _prepare(self, creations: Sequence[Creation]) -> Iterable[str]:
        """See that the key has a definition. :returns: who holds these keys already."""
        ensure_definition(self._client, self.owner, self._memory)
        held, defined = self._find([creation.key for creation in creations])
        if not defined:
            forget_definition(self.owner, self._memory)
            ensure_definition(self._client, self.owner, self._memory)
        return held

    def _guarded(self, stop: list[RemoteError]) -> Callable[[Creation], Outcome]:
        """:param stop: once access is refused or the shop is out of reach, it holds why, and the rest is not sent."""

        def one(creation: Creation) -> Outcome:
            if stop:
                return Outcome(creation.ref, error=stop[0])
            try:
                return self._create_one(creation)
            except RemoteError as error:
                if isinstance(error, AccessError | TemporaryError):
                    stop.append(error)
                return Outcome(creation.ref, error=error)

        return one

    def _create_one(self, creation: Creation) -> Outcome:
        operation = f"Create{self.kind}"
        try:
            answer = self._client.write(
                [self._create_call(creation)], operation=operation, fragments=self._fragments, partial=False
            )
        except InvalidInputError as error:
            places = [place for _, places in error.inputs for place in places]
            return Outcome(creation.ref, problems=tuple(unfit_inputs(places, self._fields, None)))
        payload = answer.call(0)
        try:
            if not isinstance(payload, dict):
                raise ProtocolError(f"{operation}: no answer.", system=SYSTEM)
            changes = [Change(name, None, value) for name, value in creation.values.items()]
            problems = read_problems(payload, self._fields, None, changes)
            if problems:
                return Outcome(creation.ref, problems=tuple(problems))
            unknown, _ = self._unknown(answer.denied)
            record = self._created(payload, unknown)
        except (ProtocolError, AccessError) as error:
            raise UnclearError(error.message, system=SYSTEM) from None
        return Outcome(creation.ref, record=record)


def _taken(creation: Creation) -> Outcome:
    return Outcome(creation.ref, problems=(Problem(None, "taken", "A record with this key exists."),))
