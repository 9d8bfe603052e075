"""Runs of a DAG and their plans, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, tuple_

from samklang.core.jsontext import loads
from samklang.store.journal import PLAN_ONLY
from samklang.store.lists.pages import PAGE, Page, from_cursor, page_of
from samklang.store.orders import PART
from samklang.store.schema import orders, plans
from samklang.store.schema import runs as table
from samklang.store.upserts import chunks


@dataclass(frozen=True, slots=True)
class Plan:
    """:param state: `dry`, `proposed`, `approved` or `rejected`. :param folder: of its staged files; empty: none.

    :param adopted: its links and reports are in the store.
    """

    id: int
    run_id: str
    state: str
    folder: str
    counts: dict[str, Any]
    adopted: bool
    created_at: str
    decided_at: str | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """:param state: `running`, `success`, `failed`, `dry` or `rejected`. :param plan: its newest one.

    :param undone: fields that a person has put back since, by how far that has come; see `store.orders`.
    """

    run_id: str
    kind: str
    state: str
    summary: dict[str, Any]
    started_at: str
    finished_at: str | None
    plan: Plan | None = None
    undone: dict[str, int] = field(default_factory=dict)


def runs(connection: Connection, entity: str, *, after: str | None = None, limit: int = PAGE) -> Page[Run]:
    """Runs of the DAG."""
    order = (table.c.started_at, table.c.run_id)
    statement = select(table).where(table.c.entity == entity, table.c.kind != PLAN_ONLY)
    if after is not None:
        statement = statement.where(tuple_(*order) < from_cursor(after, str, str))
    statement = statement.order_by(*(column.desc() for column in order)).limit(limit + 1)
    rows = list(connection.execute(statement).mappings())
    return page_of(rows, limit, lambda row: (row["started_at"], row["run_id"])).of(
        lambda page: _told(connection, entity, page)
    )


def run(connection: Connection, entity: str, run_id: str) -> Run | None:
    """One run, of any kind; None: there is none of that name."""
    rows = connection.execute(select(table).where(table.c.entity == entity, table.c.run_id == run_id)).mappings()
    return next(iter(_told(connection, entity, list(rows))), None)


def newest_plan(connection: Connection, entity: str) -> Plan | None:
    """The newest plan that is kept; None before the first."""
    row = connection.execute(
        select(plans).where(plans.c.entity == entity, plans.c.folder != "").order_by(plans.c.id.desc()).limit(1)
    ).first()
    return _plan(row) if row else None


def plan(connection: Connection, entity: str, plan_id: int) -> Plan | None:
    """None: the entity has no such plan."""
    row = connection.execute(select(plans).where(plans.c.entity == entity, plans.c.id == plan_id)).first()
    return _plan(row) if row else None


def _told(connection: Connection, entity: str, rows: Sequence[RowMapping]) -> list[Run]:
    names = [row["run_id"] for row in rows]
    planned: dict[str, Plan] = {}
    undone: dict[str, dict[str, int]] = {}
    for part in chunks(names):
        mine = select(func.max(plans.c.id)).where(plans.c.entity == entity, plans.c.run_id.in_(part))
        for one in connection.execute(select(plans).where(plans.c.id.in_(mine.group_by(plans.c.run_id)))):
            planned[one.run_id] = _plan(one)
        counted = connection.execute(
            select(orders.c.of_run, orders.c.state, func.count())
            .where(orders.c.entity == entity, orders.c.of_run.in_(part), orders.c.kind.in_(("undo", PART)))
            .group_by(orders.c.of_run, orders.c.state)
        )
        for run_id, state, number in counted:
            undone.setdefault(run_id, {})[state] = number
    return [
        Run(
            row["run_id"],
            row["kind"],
            row["state"],
            loads(row["summary"]),
            row["started_at"],
            row["finished_at"],
            planned.get(row["run_id"]),
            undone.get(row["run_id"], {}),
        )
        for row in rows
    ]


def _plan(row: Any) -> Plan:
    return Plan(
        row.id,
        row.run_id,
        row.state,
        row.folder,
        loads(row.counts),
        row.adopted,
        row.created_at,
        row.decided_at,
        row.decided_by,
    )
