"""Exclude and include: a person keeps records out of the sync, one or many, and lets them in again."""

from __future__ import annotations

from collections.abc import Sequence

from samklang.core.jsontext import dumps
from samklang.core.records import IN_SCOPE, Scope
from samklang.errors import DecisionError
from samklang.store import apart, journal, ledger, seen
from samklang.sync.decide import Desk, Done, Record, named

_BUSY = "a run may be making a twin of it right now; try again after the run"


def exclude(desk: Desk, records: Sequence[Record]) -> Done:
    """Keep records apart: from now on they are neither matched, nor created on the other side, nor written.

    A linked record is kept apart together with its twin. Their link keeps its base, for `include`.

    :returns: twins are named together, once.
    :raises DecisionError: there is no such side.
    """
    these, scopes, busy, links = _look(desk, records)
    done, left = list[str](), list[tuple[str, str]]()
    pairs: dict[int, apart.Link] = {}
    alone: list[Record] = []
    for record in these:
        link = links.get(record)
        if record not in scopes:
            left.append((named(record), "no record that has been read so far has this id"))
        elif link is not None and link.state != "linked":
            left.append((named(record), "kept apart already"))
        elif record in busy:
            left.append((named(record), _BUSY))
        elif link is not None:
            if link.id not in pairs:
                done.append(_both(link))
            pairs[link.id] = link
        elif scopes[record] not in IN_SCOPE:
            left.append((named(record), f"out of scope: {scopes[record]}"))
        else:
            alone.append(record)
            done.append(named(record))
    _set_apart(desk, list(pairs.values()))
    _keep_alone(desk, alone)
    return Done(done, left)


def include(desk: Desk, records: Sequence[Record]) -> Done:
    """Let records in again that a person keeps apart.

    Twins that were excluded are linked again, with the base that they had: what was edited meanwhile travels, on either
    side. All others are judged anew by the next run, as `unlink --match-again` does: those that were alone, that were
    taken apart or undone, and whose twin is gone. A record that is kept apart together with another one is freed
    together with it.

    :raises DecisionError: there is no such side.
    """
    these, scopes, busy, links = _look(desk, records)
    left = list[tuple[str, str]]()
    freed: dict[int, apart.Link] = {}
    for record in these:
        link = links.get(record)
        if link is None or link.state == "linked":
            left.append((named(record), "not kept apart by a person" if link is None else "linked"))
        elif record in busy:
            left.append((named(record), _BUSY))
        else:
            freed[link.id] = link
    entity, ends = desk.mapping.entity, [end for link in freed.values() for end in link.ends]
    scopes |= _scopes(desk, [end for end in ends if end not in scopes])
    whole = [
        link.id
        for link in freed.values()
        if len(link.ends) == len(desk.mapping.sides) and all(scopes.get(end) != Scope.GONE for end in link.ends)
    ]
    again = apart.only_excluded(desk.connection, whole)
    done = [_both(link) + (", linked as before" if link.id in again else "") for link in freed.values()]
    apart.link_again(desk.connection, sorted(again))
    apart.end(desk.connection, [link_id for link_id in freed if link_id not in again])
    apart.unsay(desk.connection, entity, ends)
    for link in freed.values():
        there = [end for end in link.ends if scopes.get(end) != Scope.GONE]
        for side, record_id in there if len(there) < len(link.ends) else ():
            ledger.want(
                desk.connection, entity=entity, side=desk.mapping.other(side), source_id=record_id,
                run_id=desk.run_id, at=desk.at,
            )  # fmt: skip
    desk.note_all("include", [(link.id, end, "") for link in freed.values() for end in link.ends])
    return Done(done, left)


def _both(link: apart.Link) -> str:
    return " = ".join(map(named, link.ends))


def _look(
    desk: Desk, records: Sequence[Record]
) -> tuple[list[Record], dict[Record, str], set[Record], dict[Record, apart.Link]]:
    """The records, each once; the scope of those that are known; those that a run may be busy with; and their links.

    What a load would have to lock to make a twin of one of them is locked until the transaction ends.
    """
    these = list(dict.fromkeys(records))
    unknown = sorted({side for side, _ in these} - set(desk.mapping.sides))
    if unknown:
        raise DecisionError(f"There is no side {unknown[0]}.", remedy=f"Use {' or '.join(desk.mapping.sides)}.")
    journal.hold_plans(desk.connection, desk.mapping.entity)
    scopes = _scopes(desk, these)
    busy: set[Record] = set()
    for side, ids in apart.by_side(these).items():
        intended = apart.intended(desk.connection, desk.mapping.entity, desk.mapping.other(side), ids)
        busy |= {(side, i) for i in intended}
    return these, scopes, busy, apart.links_of(desk.connection, desk.mapping.entity, these)


def _scopes(desk: Desk, records: Sequence[Record]) -> dict[Record, str]:
    return {
        (side, i): row["scope"]
        for side, ids in apart.by_side(records).items()
        for i, row in seen.known(desk.connection, desk.mapping.entity, side, ids, lock=True).items()
    }


def _set_apart(desk: Desk, links: Sequence[apart.Link]) -> None:
    first, second = desk.mapping.sides
    pairs = [dict(link.ends) for link in links if len(link.ends) == len(desk.mapping.sides)]
    record_ids = [dumps([ids[first], ids[second]]) for ids in pairs]
    apart.close_conflicts(desk.connection, desk.mapping.entity, record_ids)
    apart.set_apart(desk.connection, [link.id for link in links])
    _leave_alone(desk, [end for link in links for end in link.ends])
    desk.note_all("exclude", [(link.id, end, "") for link in links for end in link.ends])


def _keep_alone(desk: Desk, records: Sequence[Record]) -> None:
    entity = desk.mapping.entity
    link_ids = apart.keep_alone(desk.connection, entity, records, run_id=desk.run_id, at=desk.at)
    for side, ids in apart.by_side(records).items():
        apart.forget_wishes(desk.connection, entity, desk.mapping.other(side), ids)
    _leave_alone(desk, records)
    desk.note_all("exclude", [(link_id, end, "") for link_id, end in zip(link_ids, records, strict=True)])


def _leave_alone(desk: Desk, records: Sequence[Record]) -> None:
    """The lists say at once what the next run would say."""
    entity = desk.mapping.entity
    apart.drop_holds(desk.connection, entity, [(desk.mapping.other(side), i) for side, i in records])
    apart.say_apart(desk.connection, entity, records, run_id=desk.run_id)
