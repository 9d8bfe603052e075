"""What the sync did, what it could not do, and why: intents, results, holds, verdicts, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from samklang.core.jsontext import dumps
from samklang.store.schema import conflicts, history, holds, intents, plan_results, verdicts
from samklang.store.upserts import chunks, insert_new, upsert

Row = Mapping[str, Any]
_UNRESOLVED = ("open", "parked")
_WANTED = "wanted"


def open_intent(
    connection: Connection, *, entity: str, side: str, key: str, source_id: str, run_id: str, plan_id: int, at: str
) -> None:
    """Say what is about to be created, before it is. An intent that is open already stays as it is."""
    insert_new(
        connection,
        intents,
        [
            {
                "entity": entity, "side": side, "key": key, "source_id": source_id, "state": "open",
                "run_id": run_id, "plan_id": plan_id, "created_at": at,
            }
        ],
    )  # fmt: skip


def renew_intents(connection: Connection, entity: str, side: str, keys: Sequence[str], plan_id: int) -> None:
    """What is sent under these open intents from now on stands in this plan."""
    for part in chunks(keys):
        connection.execute(
            update(intents)
            .where(
                intents.c.entity == entity,
                intents.c.side == side,
                intents.c.key.in_(part),
                intents.c.state == "open",
            )
            .values(plan_id=plan_id)
        )


def unresolved_intents(connection: Connection, entity: str, side: str) -> dict[str, Row]:
    """Creates of which it is not known what became of them, by key; of several, the first."""
    rows = connection.execute(
        select(intents)
        .where(intents.c.entity == entity, intents.c.side == side, intents.c.state.in_(_UNRESOLVED))
        .order_by(intents.c.id.desc())
    ).mappings()
    return {row["key"]: dict(row) for row in rows}


def want(connection: Connection, *, entity: str, side: str, source_id: str, run_id: str, at: str) -> None:
    """A person says that this record may be made anew on that side, whatever it was linked with before."""
    forget_wish(connection, entity, side, source_id)
    connection.execute(
        insert(intents).values(
            entity=entity, side=side, key="", source_id=source_id, state=_WANTED, run_id=run_id, plan_id=0,
            created_at=at, note="a person said that it may be made anew",
        )
    )  # fmt: skip


def wanted(connection: Connection, entity: str, side: str) -> set[str]:
    """The records on the other side that a person said may be made anew on this one."""
    return set(
        connection.execute(
            select(intents.c.source_id).where(
                intents.c.entity == entity, intents.c.side == side, intents.c.state == _WANTED
            )
        ).scalars()
    )


def forget_wish(connection: Connection, entity: str, side: str, source_id: str) -> None:
    connection.execute(
        delete(intents).where(
            intents.c.entity == entity,
            intents.c.side == side,
            intents.c.source_id == source_id,
            intents.c.state == _WANTED,
        )
    )


def intents_of(connection: Connection, entity: str, side: str, source_id: str) -> dict[str, str]:
    """State by key of the creates of a record of which it is not known what became of them."""
    rows = connection.execute(
        select(intents.c.key, intents.c.state).where(
            intents.c.entity == entity,
            intents.c.side == side,
            intents.c.source_id == source_id,
            intents.c.state.in_(_UNRESOLVED),
        )
    )
    return {row.key: row.state for row in rows}


def close_intents_of(connection: Connection, entity: str, side: str, source_id: str, at: str) -> None:
    """The record has a twin: nothing is left to be made for it."""
    forget_wish(connection, entity, side, source_id)
    connection.execute(
        update(intents)
        .where(
            intents.c.entity == entity,
            intents.c.side == side,
            intents.c.source_id == source_id,
            intents.c.state.in_(_UNRESOLVED),
        )
        .values(state="done", closed_at=at, note="linked")
    )


def close_intent(
    connection: Connection, entity: str, side: str, key: str, *, state: str, at: str, note: str = ""
) -> None:
    connection.execute(
        update(intents)
        .where(
            intents.c.entity == entity,
            intents.c.side == side,
            intents.c.key == key,
            intents.c.state.in_(_UNRESOLVED),
        )
        .values(state=state, closed_at=at, note=note or None)
    )


def results(connection: Connection, plan_id: int, side: str) -> dict[int, str]:
    """Outcome by row, of the rows that have one."""
    rows = connection.execute(
        select(plan_results.c.row, plan_results.c.outcome).where(
            plan_results.c.plan_id == plan_id, plan_results.c.side == side
        )
    )
    return {row.row: row.outcome for row in rows}


def not_found(connection: Connection, plan_id: int, side: str) -> frozenset[int]:
    """Rows whose record the system did not know; with a reason it was the record that they come from."""
    rows = connection.execute(
        select(plan_results.c.row).where(
            plan_results.c.plan_id == plan_id,
            plan_results.c.side == side,
            plan_results.c.outcome == "gone",
            plan_results.c.reason.is_(None),
        )
    )
    return frozenset(rows.scalars())


def results_of(
    connection: Connection, plan_id: int, sides: Sequence[str], numbers: Sequence[int]
) -> dict[tuple[str, int], Any]:
    """`outcome`, `reason` and `at` of these rows, by side and number, of those that have an outcome."""
    found = {}
    for part in chunks(numbers):
        rows = connection.execute(
            select(plan_results).where(
                plan_results.c.plan_id == plan_id, plan_results.c.side.in_(sides), plan_results.c.row.in_(part)
            )
        )
        found.update({(one.side, one.row): one for one in rows})
    return found


def rows_with_outcome(
    connection: Connection, plan_id: int, outcome: str, *, side: str | None, first: int, limit: int
) -> list[int]:
    """Numbers of rows that ended so, from the row `first` on."""
    statement = select(plan_results.c.row).where(
        plan_results.c.plan_id == plan_id, plan_results.c.outcome == outcome, plan_results.c.row >= first
    )
    if side is not None:
        statement = statement.where(plan_results.c.side == side)
    return list(connection.execute(statement.order_by(plan_results.c.row).limit(limit)).scalars())


def put_result(
    connection: Connection, plan_id: int, side: str, row: int, outcome: str, *, reason: str | None = None, at: str
) -> None:
    upsert(
        connection,
        plan_results,
        [{"plan_id": plan_id, "side": side, "row": row, "outcome": outcome, "reason": reason, "at": at}],
    )


def system_holds(connection: Connection, entity: str) -> list[Row]:
    """What the systems refused, with the fingerprint of what they refused and when to try again."""
    rows = connection.execute(select(holds).where(holds.c.entity == entity, holds.c.by_system)).mappings()
    return [dict(row) for row in rows]


def put_system_hold(
    connection: Connection, *, entity: str, side: str, source_id: str, field: str, reason: str, remedy: str,
    fingerprint: str, retry_at: str | None, run_id: str, at: str, attempts: int,
    named: str | None = None, last_edits: str | None = None, said: str | None = None,
) -> None:  # fmt: skip
    """Remember that a system refused a value (`field`), or a whole record (`field` empty).

    :param retry_at: None: not before either record changes.
    :param named: the field that it named when it refused the whole record.
    :param last_edits: of both records, see `core.plan.join_clocks`.
    :param said: the system's own words; shown only where values may be shown.
    """
    upsert(
        connection,
        holds,
        [
            {
                "entity": entity, "side": side, "source_id": source_id, "field": field, "reason": reason,
                "remedy": remedy, "by_system": True, "fingerprint": fingerprint, "attempts": attempts,
                "retry_at": retry_at, "run_id": run_id, "since": at, "named": named, "last_edits": last_edits,
                "said": said, "holder": None, "holder_edits": None,
            }
        ],
        keep=["since"],
    )  # fmt: skip


def last_refusal(connection: Connection, entity: str, side: str, source_id: str, field: str) -> Row | None:
    """What a system last refused of this field, or of this record (`field` empty); None after a success."""
    row = (
        connection.execute(
            select(holds).where(
                holds.c.entity == entity,
                holds.c.side == side,
                holds.c.source_id == source_id,
                holds.c.field == field,
                holds.c.by_system,
            )
        )
        .mappings()
        .first()
    )
    return None if row is None else dict(row)


def set_last_edits(connection: Connection, entity: str, side: str, source_id: str, last_edits: str) -> None:
    """Refusals of a record that has been made by now: its own clocks are the ones to compare with."""
    connection.execute(
        update(holds)
        .where(holds.c.entity == entity, holds.c.side == side, holds.c.source_id == source_id, holds.c.by_system)
        .values(last_edits=last_edits)
    )


def drop_holds(connection: Connection, entity: str, side: str, source_id: str, fields: Sequence[str]) -> None:
    """A later success clears them."""
    connection.execute(
        delete(holds).where(
            holds.c.entity == entity,
            holds.c.side == side,
            holds.c.source_id == source_id,
            holds.c.field.in_(fields),
        )
    )


def first_holds(connection: Connection, entity: str, limit: int) -> tuple[list[Row], int]:
    """What is quarantined, then what is held; and how many there are beyond the limit."""
    mine = holds.c.entity == entity
    order = (holds.c.field != "", holds.c.side, holds.c.source_id, holds.c.field)
    rows = connection.execute(select(holds).where(mine).order_by(*order).limit(limit)).mappings().all()
    total = connection.execute(select(func.count()).select_from(holds).where(mine)).scalar_one()
    return [dict(row) for row in rows], int(total) - len(rows)


def replace_planner_holds(connection: Connection, entity: str, rows: Sequence[Row]) -> None:
    """What the newest plan holds back, instead of what the one before it did; the same hold keeps since when it is."""
    planned = (holds.c.entity == entity, ~holds.c.by_system)
    place = ("side", "source_id", "field", "reason")
    known = connection.execute(select(holds).where(*planned)).mappings()
    since = {tuple(row[name] for name in place): row["since"] for row in known}
    connection.execute(delete(holds).where(*planned))
    new = [{**row, "since": since.get(tuple(row[name] for name in place), row["since"])} for row in rows]
    add_planner_holds(connection, entity, new)


def add_planner_holds(connection: Connection, entity: str, rows: Sequence[Row]) -> None:
    """What is held back until the next plan says otherwise; a hold that stands on the same field stays."""
    insert_new(connection, holds, [{"entity": entity, "by_system": False, "attempts": 0, **row} for row in rows])


def replace_verdicts(connection: Connection, entity: str, rows: Sequence[Row]) -> None:
    """Why records have no twin, as the newest plan judged them."""
    connection.execute(delete(verdicts).where(verdicts.c.entity == entity))
    upsert(connection, verdicts, [{"entity": entity, **row} for row in rows])


def add_history(
    connection: Connection, *, entity: str, link_id: int, side: str, record_id: str, op: str,
    before: Mapping[str, str | None], after: Mapping[str, str | None], run_id: str, plan_id: int, at: str,
    lag: float | None = None,
) -> None:  # fmt: skip
    """Keep what a write replaced. :param lag: seconds from the edit that it carried on; None: it carried on none."""
    connection.execute(
        insert(history).values(
            entity=entity, link_id=link_id, side=side, record_id=record_id, op=op, before=dumps(dict(before)),
            after=dumps(dict(after)), run_id=run_id, plan_id=plan_id, at=at, lag=lag,
        )
    )  # fmt: skip


def add_notes(
    connection: Connection, entity: str, op: str, about: Sequence[tuple[int, tuple[str, str], str]], *, run_id: str,
    at: str,
) -> None:  # fmt: skip
    """Keep what a person decided about many records: link, record and field ("": none) of each."""
    for part in chunks(about):
        rows = [
            {
                "entity": entity, "link_id": link_id, "side": side, "record_id": record_id, "op": op,
                "before": dumps({name: None} if name else {}), "after": dumps({}), "run_id": run_id, "plan_id": 0,
                "at": at,
            }
            for link_id, (side, record_id), name in part
        ]  # fmt: skip
        connection.execute(insert(history), rows)


def counts(connection: Connection, entity: str) -> dict[str, int]:
    """How many records are held, quarantined, ambiguous, excluded; open conflicts; open intents."""

    def number(statement: Any) -> int:
        return int(connection.execute(statement).scalar_one())

    def records(table: Any, *where: Any) -> Any:
        ids = select(*(column for column in table.primary_key if column.name != "field")).where(*where).distinct()
        return select(func.count()).select_from(ids.subquery())

    def verdict(name: str) -> Any:
        return records(verdicts, verdicts.c.entity == entity, verdicts.c.verdict == name)

    return {
        "held": number(records(holds, holds.c.entity == entity, holds.c.field != "")),
        "ambiguous": number(verdict("ambiguous")),
        "quarantined": number(records(holds, holds.c.entity == entity, holds.c.field == "")),
        "excluded": number(verdict("excluded")),
        "conflicts": number(
            select(func.count()).select_from(conflicts).where(conflicts.c.entity == entity, conflicts.c.state == "open")
        ),
        "pending_intents": number(
            select(func.count()).select_from(intents).where(intents.c.entity == entity, intents.c.state == "open")
        ),
    }
