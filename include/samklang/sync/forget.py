"""Forget: one person's data is erased here, and who comes back is left out. Neither system is written.

Staged files go first and the store last, in one transaction: whatever breaks off in between is done by doing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sqlalchemy import Connection

from samklang.core.mapping import Mapping
from samklang.core.values import normal_form
from samklang.errors import DecisionError
from samklang.staging import Staging
from samklang.store import journal, lanes, person, tombstones
from samklang.store.database import Database
from samklang.store.person import Person
from samklang.store.traces import erase_traces
from samklang.sync import staged, unshown
from samklang.sync.act import act
from samklang.sync.decide import Desk, Record, named
from samklang.sync.explain import Terms, find, meant
from samklang.sync.forgotten import MARK

EARLIER_FILES = (
    "an earlier version of Samklang left the folder {entity} in SAMKLANG_STAGING; it says of no file whose it is, so "
    "it was not looked at. Nothing reads it any more: remove it"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a text names.

    :param records: theirs, on both sides. :param rows: how many the store has, by table.
    :param others: records of somebody else that hold one of the same keys.
    """

    records: list[Record]
    rows: dict[str, int]
    others: list[Record]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """
    :param rows: how many were erased, by table. :param files: how many staged files they stood in.
    :param remains: where something of them may be left, and what to do about it.
    """

    records: list[Record] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    others: list[Record] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)


def look(connection: Connection, mapping: Mapping, text: str) -> Found:
    """Who would be forgotten. :raises DecisionError: see `forget`."""
    who = _person(connection, mapping, text)
    rows = person.held(connection, mapping.entity, mapping.sides, who)
    return Found(
        list(who.records),
        {name: len(found) for name, found in rows.items() if found and name not in ("links", "actions")},
        person.others_with(connection, mapping.entity, who.records),
    )


def forget(database: Database, terms: Terms, staging: Staging, text: str, *, who: str, via: str) -> Forgotten:
    """Erase a record and its twin from the store and from staged files, and leave tombstones. Done again, it does what
    is left.

    :param text: an id as `explain` takes it; given as `side:id` the record need not be known.
    :param who: who does it. :param via: `console` or `cli`.
    :raises DecisionError: it names nobody, or several who are not twins; or a run of this entity is under way.
    """
    mapping = terms.mapping
    with database.read() as connection:
        newest = _quiet(connection, mapping.entity)
        whom = _person(connection, mapping, text)
    with nobody_loads(database, mapping.entity, mapping.sides, terms.now):
        alias = _aliases(database)
        files = staged.erase(staging, mapping, whom, alias)
        for side in mapping.sides:
            unshown.name_another(database, mapping.entity, side, {i for s, i in whom.records if s == side})

        def decide(desk: Desk) -> Forgotten:
            journal.hold_plans(desk.connection, mapping.entity)
            if _quiet(desk.connection, mapping.entity) != newest or _person(desk.connection, mapping, text) != whom:
                raise DecisionError(
                    f"A run of {mapping.entity} or another person was at work on this record meanwhile.",
                    remedy="Do it again: what was erased so far stays erased.",
                )
            return _erase(desk, whom, files, alias)

        done = act(database, terms, "forget", decide, person=who, via=via)
    remains = erase_traces(database)
    if staging.has_earlier(mapping.entity):
        remains.append(EARLIER_FILES.format(entity=mapping.entity))
    return replace(done, remains=remains)


def lift(desk: Desk, text: str) -> int:
    """Let somebody be taken in again who was forgotten. :param text: an e-mail, a code, or an id.

    The next reads are whole ones: a side that shows only what has changed would not show them, and the other end of
    theirs would be given another twin.

    :returns: how many tombstones were taken away.
    :raises DecisionError: it names nobody who was forgotten, or several; a run is under way.
    """
    entity, texts = desk.mapping.entity, _entombed_as(desk.mapping, text)
    found = tombstones.actions_of(desk.connection, entity, texts)
    if not found:
        raise DecisionError(
            f"Nobody of {entity} who was forgotten has this id, e-mail or code.",
            remedy="Give the one that the person had when they were forgotten.",
        )
    if len(found) > 1:
        raise DecisionError(
            "That names several who were forgotten.", remedy="Give it as powerofficego:ID or shopify:ID."
        )
    _quiet(desk.connection, entity)
    journal.read_whole_again(desk.connection, entity)
    lifted = tombstones.lift(desk.connection, entity, found)
    desk.touched.extend(_alias(one) for one in lifted)
    return len(lifted)


@contextmanager
def nobody_loads(database: Database, entity: str, sides: Sequence[str], now: str) -> Iterator[None]:
    """While this runs, no load of the entity does. :raises DecisionError: one is at work."""

    def give_up(_seconds: float) -> NoReturn:
        raise DecisionError(
            f"A run is writing {entity} right now; nothing was changed.", remedy="Try again when it has ended."
        )

    with ExitStack() as stack:
        for side in sides:
            stack.enter_context(lanes.take(database, entity, side, run_id="of a person", at=now, sleep=give_up))
        yield


def _quiet(connection: Connection, entity: str) -> int:
    """:returns: the number of the newest read. :raises DecisionError: a run is under way."""
    if at_work := journal.under_way(connection, entity):
        raise DecisionError(
            f"A run of {entity} is under way ({at_work[0]}).",
            remedy="Let it end; if it waits for an approval, approve or reject it. One that died counts as over once a "
            "newer run has ended.",
        )
    return journal.newest_read(connection, entity)


def _person(connection: Connection, mapping: Mapping, text: str) -> Person:
    records = find(connection, mapping, text)
    if not records and not text.startswith("gid:"):
        records = meant(mapping, text)
    if not records:
        forgotten = tombstones.actions_of(connection, mapping.entity, _entombed_as(mapping, text))
        if forgotten:
            raise DecisionError(
                f"Who had this id, e-mail or code in {mapping.entity} is forgotten already.",
                remedy=f"They are left out until: samklang forget {mapping.entity} --lift ID",
            )
        raise DecisionError(
            f"No record of {mapping.entity} that has been read so far has this id, e-mail or code.",
            remedy="Give it as powerofficego:ID or shopify:ID.",
        )
    whom = person.person(connection, mapping.entity, records[:1])
    if strangers := [record for record in records if record not in whom.records]:
        told = ", ".join(map(named, [*whom.records, *strangers]))
        raise DecisionError(
            f"That names {len(records)} records that are not twins: {told}.", remedy="Give one of them."
        )
    return whom


def _erase(desk: Desk, whom: Person, files: int, alias: Callable[[Record], str]) -> Forgotten:
    connection, mapping = desk.connection, desk.mapping
    entity, sides = mapping.entity, mapping.sides
    texts = [(side, tombstones.of_id(side, i)) for side, i in whom.records]
    for name, value in person.keys(connection, entity, whom.records):
        texts += [(side, tombstones.of_key(name, value)) for side in sides]
    for side, key in person.our_keys(connection, entity, sides, whom.records):
        texts.append((side, tombstones.of_our_key(key)))
    others = person.others_with(connection, entity, whom.records)
    rows = person.erase(connection, entity, sides, whom, alias)
    new = tombstones.add(connection, entity, desk.run_id, texts)
    if rows or new or files:
        desk.touched.extend(_alias(alias(record).removeprefix(MARK)) for record in whom.records)
    return Forgotten(list(whom.records), rows, files, others)


def _aliases(database: Database) -> Callable[[Record], str]:
    """What stands in the place of `side:id`: the digest that its tombstone has."""
    with database.begin() as connection:
        secret = tombstones.secret(connection)
    return lambda record: MARK + tombstones.digest(secret, tombstones.of_id(*record))


def _alias(digest: str) -> Record:
    return MARK.removesuffix(":"), digest


def _entombed_as(mapping: Mapping, text: str) -> list[tuple[str, str]]:
    """What tombstones may have been made of, by a text that a person gives."""
    records = meant(mapping, text) or [(side, text.strip()) for side in mapping.sides]
    found = [(side, tombstones.of_id(side, i)) for side, i in records]
    for name in mapping.match:
        value = normal_form(mapping.field(name).kind, text, mapping.region)
        if value is not None:
            found += [(side, tombstones.of_key(name, value)) for side in mapping.sides]
    return found
