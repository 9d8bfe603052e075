"""A plan is data: rows to write per side, what is in tune without a write, and what a person should know.

It is made without talking to a system, so it can be looked at, approved and carried out exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingOf
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from samklang.core.holds import Hold
from samklang.core.jsontext import dumps

Based = tuple[str | None, str | None, str]
"""What becomes a base: raw value, normal form, form."""
RETURNED = "returned"
"""The `why` of a change that gives back what we emptied: the other side's edit is still to come."""
ROLLED_BACK = "rolled_back"
"""The `why` of a change by which a record that has taken such a value lets go of it again, for its old one."""
GIVEN_BACK = (RETURNED, ROLLED_BACK)
ON_THE_WAY = ("free", RETURNED)
"""What the history calls writes that carry on nobody's edit."""


@dataclass(slots=True)
class FieldChange:
    """:param expected: what the target stored when the plan was made. :param source: the base of the source side.
    :param why: `edit`, `clear`, `fill`, `drift`; `first` where the record was made without a value and shows a default;
        `undo` or `take` where a person put a value back; `free`, `returned` and `rolled_back`: see
        `core.freed`.
    :param base: raw values when both were last in tune, first side first; None: they never were.
    :param order: the person's order, see `store.orders`.
    :param edited: when the edit was made that this carries on, by the source's clock: an upper bound; of a record made
        since the first run, when it was made. None: it carries on nobody's edit, or nobody knows when that was.
    :param freed: the value that stood there until we emptied the field, or will with this plan: the history of the
        write counts from it. None: it was not emptied.
    :param needed: the target cannot be without a value there, not even for a moment.
    """

    field: str
    expected: str | None
    value: str | None
    why: str
    source: Based
    _: KW_ONLY
    base: tuple[str | None, str | None] | None = None
    order: int | None = None
    edited: str | None = None
    freed: str | None = None
    needed: bool = False


@dataclass(slots=True)
class Row:
    """One write to one record.

    :param side: where it is written.
    :param op: `create` or `update`; `free` only empties a value that another row takes.
    :param wave: rows of a later wave wait for the earlier ones.
    :param id: the record to update; :param source_id: its twin, or the record to make a twin of.
    :param revision: of the link's side when the plan was made.
    :param last_edits: of both records, see `join_clocks`.
    """

    side: str
    op: str
    source_id: str
    changes: list[FieldChange]
    id: str | None = None
    key: str | None = None
    revision: int = 0
    wave: int = 0
    last_edits: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tuned:
    """A pair that is linked, or whose bases move, without any write.

    :param ids: of both records, first side first. :param matched: the key that made them twins; None: linked already.
    :param bases: by field, for both sides. :param drop: fields whose base is forgotten.
    :param revisions: of both sides of the link when the plan was made.
    """

    ids: tuple[str, str]
    matched: str | None
    bases: dict[str, tuple[Based, Based]]
    drop: list[str] = field(default_factory=list)
    revisions: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Held:
    side: str
    source_id: str
    field: str
    reason: str
    remedy: str


@dataclass(slots=True)
class Clash:
    """A conflict as the ledger keeps it; raw values, base and clocks first side first."""

    ids: tuple[str, str]
    field: str
    kind: str
    rule: str
    winner: str | None
    certain: bool
    raw: tuple[str | None, str | None]
    base: tuple[str | None, str | None] | None
    clocks: tuple[str, str]


@dataclass(slots=True)
class Verdict:
    """Why a record has no twin: `ambiguous` with all candidates, or `excluded`; or what became of the twin that it has:
    `twin_gone`, `twin_erased`."""

    side: str
    id: str
    verdict: str
    reason: str
    candidates: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Freeze:
    """A field that is left alone because both systems keep overwriting it. :param values: normal forms, by side."""

    link_id: int
    field: str
    values: dict[str, str | None]
    flips: int


@dataclass(slots=True)
class Closed:
    """A person's order that this plan ends without a write. :param state: see `store.orders`."""

    order: int
    state: str


@dataclass(slots=True)
class Plan:
    rows: list[Row] = field(default_factory=list)
    tuned: list[Tuned] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    frozen: list[Freeze] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    drift: int = 0
    waiting: int = 0
    unknown: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal by a system.

    :param fingerprint: of what was refused.
    :param retry_at: when to try again, as `core.clocks` writes it; None: not before either record changes.
    :param last_edits: of both records by then, see `join_clocks`; None: not known.
    """

    fingerprint: str
    retry_at: str | None
    reason: str
    remedy: str
    last_edits: str | None = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the systems refused before, and whether it is time to try again.

    :param known: by (side, source id, field). Field "" is the whole record.
    :param now: as `core.clocks` writes it.
    """

    known: MappingOf[tuple[str, str, str], Refused]
    now: str

    def standing(self, side: str, source_id: str, name: str, content: Any, last_edits: str) -> Hold | None:
        """The refusal that still stands: neither side has changed anything, and no next try is due."""
        found = self.known.get((side, source_id, name))
        if found is None or found.fingerprint != fingerprint(content) or found.last_edits not in (None, last_edits):
            return None
        due = found.retry_at is not None and found.retry_at <= self.now
        return None if due else Hold(found.reason, found.remedy)


def join_clocks(*clocks: str) -> str:
    """When somebody last edited two records, as text that is equal as long as nobody does.

    Our own writes do not move these clocks (see `sync.observe`), so what we write beside a refused field is no change.

    :param clocks: the clock and the clocks of groups of the source, then of the target, if there is one.
    """
    return " ".join(clocks)


def fingerprint(content: Any) -> str:
    """What a refusal was about, without keeping it."""
    return hashlib.blake2b(dumps(content).encode(), digest_size=16).hexdigest()


def row_content(changes: list[FieldChange]) -> dict[str, str | None]:
    """What a refusal of a whole record is about; what is only given back is no part of it."""
    return {change.field: change.value for change in changes if change.why not in GIVEN_BACK}


FROZEN, FROZEN_BY_PERSON = "frozen", "frozen by a person towards "
