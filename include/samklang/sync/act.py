"""Act: one decision of a person, in one transaction, kept with who took it. The console and the commands call this."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from samklang.store import actions
from samklang.store.copying import copied
from samklang.store.database import Database
from samklang.sync.decide import Desk, named
from samklang.sync.explain import Terms

T = TypeVar("T")


def act(
    database: Database,
    terms: Terms,
    what: str,
    decide: Callable[[Desk], T],
    *,
    person: str,
    via: str,
    detail: Mapping[str, Any] | None = None,
) -> T:
    """Decide, and keep who decided it: all of it or nothing.

    Nothing is kept of an action that touched no record, such as one that was taken before.

    :param what: one word, as people call it: `unlink`, `exclude`, `undo`, …
    :param via: `console` or `cli`. :param detail: ids, field names and counts, no values.
    :raises DecisionError: it cannot be done; nothing was changed.
    """
    entity = terms.mapping.entity
    with database.begin() as connection:
        name = f"{what}__{terms.now}_{secrets.token_hex(3)}"
        desk = Desk(connection, terms.mapping, terms.rules, name, terms.now, person)
        done = decide(desk)
        if desk.touched:
            actions.add(
                connection,
                entity=entity,
                name=name,
                what=what,
                person=person,
                via=via,
                at=terms.now,
                records=list(dict.fromkeys(map(named, desk.touched))),
                detail=detail or {},
            )
    return done


def note(
    database: Database,
    terms: Terms,
    what: str,
    *,
    person: str,
    via: str,
    records: Sequence[str] = (),
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Keep who did something that decides nothing, such as `export`; before they get what they asked for.

    :param records: as `side:id`, where it is about few. :param detail: see `act`.
    """
    with database.begin() as connection:
        actions.add(
            connection,
            entity=terms.mapping.entity,
            name=f"{what}__{terms.now}_{secrets.token_hex(3)}",
            what=what,
            person=person,
            via=via,
            at=terms.now,
            records=records,
            detail=detail or {},
        )


def rehearse(database: Database, terms: Terms, decide: Callable[[Desk], T]) -> T:
    """What a decision would do: it is carried out in a copy of the store, so that nobody has to wait for it.

    :raises DecisionError: it cannot be done.
    """
    with copied(database) as copy, copy.begin() as connection:
        done = decide(Desk(connection, terms.mapping, terms.rules, "rehearsal", terms.now))
        connection.rollback()
    return done
