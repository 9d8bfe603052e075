"""Take over: link pairs that exist in both systems, from a dry plan. Neither system is written.

What is equal on both sides becomes the base; what is empty on one side is left to the first run, which fills it; what
differs becomes an open conflict, of which a person may choose a side before that run.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from samklang.core.records import IN_SCOPE, scope_in_words
from samklang.store import actions, clashes, journal, links, seen, tombstones
from samklang.store.tombstones import of_id
from samklang.sync.adopt import conflict_row, tune
from samklang.sync.context import Sync
from samklang.sync.forget import nobody_loads
from samklang.sync.transform import GIVEN, Pair

_CHUNK = 500


@dataclass(slots=True)
class Preview:
    """What there is to link.

    :param links: by key: how many pairs; those of a file of links under `given`.
    :param linked: how many are linked already.
    :param fields: by field: how many of those pairs `agree`, get a value from the other side (`to_<side>`), `differ`,
        or hold a value that the other side cannot take (`held`).
    :param ambiguous: by side, records whose key is held more than once.
    :param alone: by side, records that have nobody on the other one.
    :param differing: conflicts, as lines of the plan.
    :param given: pairs of the file that are to be linked.
    """

    links: Counter[str] = field(default_factory=Counter)
    linked: int = 0
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    ambiguous: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    differing: list[dict[str, Any]] = field(default_factory=list)
    given: set[Pair] = field(default_factory=set)


def look(sync: Sync, reference: dict[str, Any]) -> Preview:
    """:param reference: of a dry plan, see `transform`."""
    found = Preview(fields={f.name: Counter() for f in sync.mapping.fields})
    pairs = _count_fields(sync, reference["folder"], found)
    _count_others(sync, reference["folder"], found, pairs)
    return found


def _count_fields(sync: Sync, folder: str, found: Preview) -> set[Pair]:
    """:returns: the pairs that are to be linked."""
    mapping, sides = sync.mapping, sync.mapping.sides
    pairs: set[Pair] = set()
    for line in _new(sync, folder):
        pair = (line["ids"][0], line["ids"][1])
        pairs.add(pair)
        found.links[line["matched"]] += 1
        if line["matched"] == GIVEN:
            found.given.add(pair)
        for name, bases in line["bases"].items():
            found.fields[name]["agree"] += any(base[0] is not None for base in bases)
    found.differing = [line for line in sync.staging.read_lines(folder, "clashes") if tuple(line["ids"]) in pairs]
    differing = {(*line["ids"], line["field"]) for line in found.differing}
    for *_, name in differing:
        found.fields[name]["differ"] += 1
    for row in sync.staging.read_lines(folder, "rows"):
        ids = tuple(row["id"] if side == row["side"] else row["source_id"] for side in sides)
        for change in row["changes"] if ids in pairs else ():
            if (*ids, change["field"]) not in differing:
                found.fields[change["field"]][f"to_{row['side']}"] += 1
    taken = {side: {pair[n] for pair in pairs} for n, side in enumerate(sides)}
    for line in sync.staging.read_lines(folder, "held"):
        if line["source_id"] in taken[mapping.other(line["side"])] and line["field"]:
            found.fields[line["field"]]["held"] += 1
    return pairs


def _count_others(sync: Sync, folder: str, found: Preview, pairs: set[Pair]) -> None:
    sides = sync.mapping.sides
    judged: dict[str, set[str]] = {side: set() for side in sides}
    for line in sync.staging.read_lines(folder, "verdicts"):
        if line["verdict"] == "ambiguous":
            found.ambiguous[line["side"]] += 1
        if line["candidates"]:  # somebody on the other side has their key
            judged[line["side"]].add(line["id"])
    with sync.database.read() as connection:
        found.linked = links.count(connection, sync.entity)
        for n, side in enumerate(sides):
            unlinked = seen.unlinked(connection, sync.entity, side).keys()
            found.alone[side] = len(unlinked - {pair[n] for pair in pairs} - judged[side])


def take_over(sync: Sync, reference: dict[str, Any], *, person: str, via: str) -> int:
    """Link what the plan matched. Done again, it does what is left.

    :returns: how many pairs were linked. :raises DecisionError: a load of this entity is at work.
    """
    entity, at = sync.entity, sync.clock()
    name = f"adopt__{at}_{secrets.token_hex(3)}"
    differing_of: dict[Pair, list[dict[str, Any]]] = {}
    for line in sync.staging.read_lines(reference["folder"], "clashes"):
        differing_of.setdefault((line["ids"][0], line["ids"][1]), []).append(line)
    linked, lines = 0, _new(sync, reference["folder"])
    with nobody_loads(sync.database, entity, sync.mapping.sides, at):
        while chunk := list(islice(lines, _CHUNK)):
            with sync.database.begin() as connection:
                journal.hold_plans(connection, entity)
                free = _free(connection, sync, chunk)
                tune(connection, sync, name, free)
                differing = [clash for line in free for clash in differing_of.get((line["ids"][0], line["ids"][1]), ())]
                clashes.add(
                    connection, entity, [_open(sync, clash, reference["plan"], name, at) for clash in differing]
                )
                if free and not linked:  # who did it is known from the first link on, whatever happens later
                    actions.add(
                        connection, entity=entity, name=name, what="adopt", person=person, via=via, at=at, records=[],
                        detail={"pairs": reference["counts"]["links"]},
                    )  # fmt: skip
            linked += len(free)
    return linked


def twice(pairs: Sequence[Pair]) -> tuple[set[str], set[str]]:
    """Ids, by side, that stand in more than one of these pairs."""
    counts = [Counter(pair[n] for pair in pairs) for n in (0, 1)]
    return {i for i, count in counts[0].items() if count > 1}, {i for i, count in counts[1].items() if count > 1}


def clear(pairs: Sequence[Pair]) -> list[Pair]:
    """Those whose records stand in no other of them."""
    first, second = twice(pairs)
    return [pair for pair in pairs if pair[0] not in first and pair[1] not in second]


def reason_left(connection: Connection, sync: Sync, pair: Pair, named_twice: tuple[set[str], set[str]]) -> str:
    """Why a pair of a file of links is not linked. :param named_twice: see `twice`."""
    entity, sides = sync.entity, sync.mapping.sides
    entombed = tombstones.known(connection, entity)
    ends = list(zip(sides, pair, strict=True))
    numbers = {links.twin_of(connection, entity, side, i) for side, i in ends}
    if len(numbers) == 1 and None not in numbers:
        kept_apart = ends[0] in links.apart(connection, entity)
        return "they are kept apart by a person" if kept_apart else "they are linked already"
    for n, (side, i) in enumerate(ends):
        if i in named_twice[n]:
            return f"{side}:{i} stands in the file more than once"
        row = seen.known(connection, entity, side, [i]).get(i)
        if row is None:
            forgotten = entombed.has(side, of_id(side, i))
            return f"{side}:{i} was forgotten" if forgotten else f"there is no {side}:{i}"
        if row["scope"] not in IN_SCOPE or row["missing"]:
            return f"{side}:{i} is {scope_in_words(row['scope']) if not row['missing'] else 'missing'}"
        if links.twin_of(connection, entity, side, i) is not None:
            return f"{side}:{i} is linked with another record, or kept apart"
    return "they could not be linked"


def _new(sync: Sync, folder: str) -> Any:
    """Lines of pairs that are not linked yet."""
    return (line for line in sync.staging.read_lines(folder, "tuned") if line["matched"] is not None)


def _free(connection: Connection, sync: Sync, chunk: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of which nobody was linked, or forgotten, since they were read."""
    sides = sync.mapping.sides
    entombed = tombstones.known(connection, sync.entity)
    taken = [
        links.of_records(connection, sync.entity, side, [line["ids"][n] for line in chunk])
        for n, side in enumerate(sides)
    ]
    return [
        line
        for line in chunk
        if not any(i in taken[n] or entombed.has(sides[n], of_id(sides[n], i)) for n, i in enumerate(line["ids"]))
    ]


def _open(sync: Sync, clash: dict[str, Any], plan_id: int, run_id: str, at: str) -> dict[str, Any]:
    """A conflict that waits for a person, whatever the policy would make of it."""
    undecided = {**clash, "base": None, "rule": "ask", "winner": None}
    return conflict_row(sync, undecided, plan_id, run_id, at)
