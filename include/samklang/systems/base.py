"""A system as the engine sees it: eight verbs over one entity.

Describe, check, read all, read changes, read these ids, find by key, create with a key, update with an expectation.
Nothing above this layer knows a URL, a GraphQL document or which system it talks to. All writes are batches that
answer one by one, in any order, so that the engine commits each outcome before the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from samklang.core.records import Page, Record
from samklang.core.rules import EntityRules
from samklang.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Description:
    """Which system this is.

    :param id: of the tenant: PowerOffice Go's `ClientId`, the shop's numeric id. The store is bound to it.
    :param facts: what conversions need: `currency` (ISO 4217), `prices_include_tax`.
    """

    id: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a first run needs, as `doctor` and the connection test print it."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One field to write.

    :param expected: the raw value that the plan saw at the target; the write is refused when it has moved.
    :param value: what to store; None empties the field.
    :param group: fields of one group are written together or not at all.
    """

    field: str
    expected: str | None
    value: str | None
    group: str | None = None


def without(changes: Sequence[Change], refused: Collection[str | None]) -> tuple[Change, ...]:
    """The changes that are left when a system has refused fields: none of a group of which one is refused."""
    groups = {c.group for c in changes if c.group and c.field in refused}
    return tuple(c for c in changes if c.field not in refused and c.group not in groups)


@dataclass(frozen=True, slots=True)
class Update:
    """:param ref: the caller's own number, given back with the outcome. :param facts: `Record.facts` as last seen."""

    ref: int
    id: str
    changes: tuple[Change, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Creation:
    """
    :param key: our key, deterministic; :param values: by the mapping's field name, non-empty ones only.
    :param groups: by field, as in `Change`.
    """

    ref: int
    key: str
    values: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value, or the whole record, was not taken.

    :param field: the mapping's field name, or None for the record as a whole.
    :param code: `taken`, `invalid`, `too_long`, `missing`, `not_found`, `in_use` or `rejected`.
    :param message: the system's own words, without the value.
    """

    field: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write.

    :param record: what the system says it stores now: after a write, or, with `moved`, what it holds instead of what
        was expected. Fields that the answer did not name are missing from its values.
    :param moved: an expectation failed; nothing of this update was written.
    :param problems: refused fields were not written, nor what is in a group with them; the other fields of the update
        were, if `record` is given.
    :param gone: the system does not know the id.
    :param erased: what identifies the record was erased there, see `Scope.ERASED`; nothing was written, and `record`
        is what it holds.
    :param emptied: what the write emptied beside what was asked for, because it belonged to what was there before: by
        the system's own field name, the value that stood there.
    :param doubts: codes of what a person should look at, since it may not fit what was written.
    :param error: the write failed as a whole; `UnclearError` when it may have been carried out.
    """

    ref: int
    record: Record | None = None
    moved: bool = False
    gone: bool = False
    erased: bool = False
    problems: tuple[Problem, ...] = ()
    emptied: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    error: RemoteError | None = None


Memory = MutableMapping[str, str]
"""Small facts about a system that outlive a process (kept by the store): whether `test` is enforced, whether our
metafield definition exists."""


class Limit(Protocol):
    """A limit that time gives back, over all that share it. Amounts are the seconds in which so much comes back."""

    def book(self, seconds: float, *, ahead: float, back: float = 0.0, used: float = 0.0) -> float:
        """Queue up for a part of it, behind all who did before.

        :param ahead: how much may be used up at once. :param back: of what was booked before, and was not needed.
        :param used: how much the other side says is used up now, by whomever.
        :returns: how many seconds to wait until it may be used.
        """


class Pacer(Protocol):
    """Spaces requests that share one limit, over all processes."""

    def wait(self) -> None:
        """Return when the next request may be sent."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of a system.

    :param requests: sent, retries and tokens included.
    :param spent: what its rate limit counts: requests at PowerOffice Go, points at Shopify.
    :param rate: how much of that it grants in a second. :param at_once: how much it grants to whoever begins.
    """

    requests: int
    spent: float
    rate: float
    at_once: float = 0.0


class System(Protocol):
    """One entity in one system. Making one sends no request.

    `reads_whole` says that `read_changes` cannot be trusted for this entity: the engine reads it whole each time.
    """

    side: str
    entity: str
    rules: EntityRules
    reads_whole: bool

    @property
    def usage(self) -> Usage:
        """What was asked of it so far."""

    def describe(self) -> Description:
        """Which tenant this is, and what conversions need to know of it."""

    def check(self) -> list[Check]:
        """Everything that reading and writing this entity needs; a check never raises."""

    def read_all(self) -> Iterator[Page]:
        """Every record, ordered by id, archived ones included.

        :raises ProtocolError: a page is malformed, ids do not rise, or the read ended before the system said so.
        """

    def read_changes(self, since: str) -> Iterator[Page]:
        """At least every record whose clock is later than `since`; others may come too, and records may repeat."""

    def read_ids(self, ids: Sequence[str]) -> Iterator[Page]:
        """These records, from the database and not from a search index; an id that is not answered is gone."""

    def find_by_key(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        """Which records hold our keys, from the database; a key nobody holds is missing from the answer.

        One that comes without `Record.key` may be what we made for that key, and cannot be told to be.
        """

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        """The deterministic key of a record that is made here for `source_id` over there; None: it cannot have one."""

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        """Make records that carry our keys; never twice for one key."""

    def update(self, updates: Sequence[Update]) -> Iterator[Outcome]:
        """Write changed fields, each only where the system still stores what is expected; never to a record that was
        erased there, whichever fields are mapped and shown."""
