"""Sifting: of requests that failed, which record is to blame, or is it the whole system?

One record may make every request fail that holds it. So what failed is sent again in halves until such a record stands
alone; everything else goes through. A system that is down looks different: nothing succeeds at all. Then a few requests
show it, and the rest is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from samklang.core.records import Page
from samklang.errors import AccessError, ProtocolError, RemoteError, TemporaryError, UnclearError
from samklang.systems.base import System

Item = TypeVar("Item")
Send = Callable[[Sequence[Item]], Mapping[Item, RemoteError]]
"""Sends these once. :returns: those that failed, with why."""

ALONE_IN_A_ROW = 3
"""Records failing alone, one after the other, after which a system in which nothing has succeeded counts as down."""
ALONE_AMONG_GOOD = 10
"""The same where something has succeeded in these minutes."""


@dataclass(slots=True)
class Sifted(Generic[Item]):
    """:param bad: failed alone, while others went through. :param lost: not sent, or in vain: the system is down.

    :param outage: why it counts as down; None: it does not.
    """

    bad: dict[Item, RemoteError] = field(default_factory=dict)
    lost: list[Item] = field(default_factory=list)
    outage: RemoteError | None = None


def may_be_one_record(error: RemoteError) -> bool:
    """Whether a record can have caused this: the server failed over it, or gave an answer that is none.

    No connection, no access and too many requests have nothing to do with what was asked for.
    """
    if isinstance(error, TemporaryError):
        return error.is_server_fault
    return isinstance(error, UnclearError | ProtocolError) and not isinstance(error, AccessError)


def sift(
    failed: Mapping[Item, RemoteError], send: Send[Item], *, is_alive: bool, ask: Callable[[], object]
) -> Sifted[Item]:
    """Find out which of these are to blame.

    :param failed: each of them was sent once, alone or with others, and failed as `may_be_one_record` says.
    :param is_alive: whether others succeeded meanwhile.
    :param ask: a harmless request that raises a RemoteError where the system does not answer; asked where there is
        nobody left to compare with.
    """
    found = Sifted[Item]()
    errors = dict(failed)
    parts = _halves(list(failed))
    suspects: list[Item] = []  # alone, and nothing has succeeded since
    while parts:
        # a third opinion comes from the other end: bad records may stand side by side
        part = parts.pop() if len(suspects) < ALONE_IN_A_ROW - 1 or is_alive else _last_of(parts)
        again = send(part)
        errors |= again
        if len(again) < len(part):
            is_alive = True
            found.bad |= {one: errors[one] for one in suspects}
            suspects.clear()
        for error in again.values():
            if not may_be_one_record(error):
                found.outage = error
                found.lost = [*suspects, *again, *(rest for other in parts for rest in other)]
                return found
        if not again:
            continue
        if len(part) > 1:
            parts += _halves(list(again))
            continue
        suspects += part
        if len(suspects) >= (ALONE_AMONG_GOOD if is_alive else ALONE_IN_A_ROW):
            found.outage = errors[part[0]]
            found.lost = [*suspects, *(one for other in parts for one in other)]
            return found
    if suspects and not is_alive:
        try:
            ask()
        except RemoteError as error:
            found.outage, found.lost = error, suspects
            return found
    found.bad |= {one: errors[one] for one in suspects}
    return found


def read_apart(system: System, ids: Sequence[str], keep: Callable[[Page], None]) -> set[str]:
    """Read these by id, and the others all the same where the system fails over one of them.

    :param keep: is given each page that was read.
    :returns: those that it fails over. :raises RemoteError: it is down.
    """
    found, unread = set[str](), set[str]()

    def read(part: Sequence[str]) -> dict[str, RemoteError]:
        try:
            for page in system.read_ids(part):
                found.update(record.id for record in page.records)
                unread.update(page.unread)
                keep(page)
        except RemoteError as error:
            if not may_be_one_record(error):
                raise
            return dict.fromkeys([i for i in part if i not in found | unread], error)
        return {}

    failed = read(ids) if ids else {}
    sifted = sift(failed, read, is_alive=bool(found), ask=system.describe)
    if sifted.outage is not None:
        raise sifted.outage
    return unread | sifted.bad.keys()


def _halves(items: list[Item]) -> list[list[Item]]:
    """The first half last, where it is taken from first."""
    middle = (len(items) + 1) // 2
    return [half for half in (items[middle:], items[:middle]) if half]


def _last_of(parts: list[list[Item]]) -> list[Item]:
    part = parts[0]
    one = part.pop()
    if not part:
        del parts[0]
    return [one]
