"""Plans, runs, watermarks, and the small facts that a store remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from samklang.core.jsontext import dumps, loads
from samklang.errors import OutdatedPlanError, StoreError
from samklang.store.database import Database
from samklang.store.schema import meta, plans, reads, runs, watermarks
from samklang.store.upserts import insert_new, upsert

PLAN_ONLY = "plan"
"""The kind of a run that reads both systems for the command line: it is no run of the DAG."""


def bind(connection: Connection, side: str, tenant: str, name: str) -> None:
    """Tie the store to one tenant of a system at first use.

    :raises StoreError: it is tied to another one.
    """
    mine = select(meta.c.value).where(meta.c.name == f"tenant.{side}")
    bound = connection.execute(mine).scalar()
    if bound is None:  # two first runs at once: one of them is the first
        insert_new(connection, meta, [{"name": f"tenant.{side}", "value": tenant}])
        bound = connection.execute(mine).scalar_one()
    if bound != tenant:
        raise StoreError(
            f"This link store belongs to {side} {bound}; the connection now leads to {tenant} ({name}).",
            remedy="Point the connection back, or give the new pair of systems a store of its own (samklang_store).",
        )


def tenants(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(meta).where(meta.c.name.like("tenant.%")))
    return {row.name.removeprefix("tenant."): row.value for row in rows}


class StoredMemory(MutableMapping[str, str]):
    """Facts about a system that outlive a process: a mapping of text to text in the store."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = f"memory.{prefix}."

    def __getitem__(self, key: str) -> str:
        with self._database.read() as connection:
            value = connection.execute(select(meta.c.value).where(meta.c.name == self._prefix + key)).scalar()
        if value is None:
            raise KeyError(key)
        return str(value)

    def __setitem__(self, key: str, value: str) -> None:
        with self._database.begin() as connection:
            upsert(connection, meta, [{"name": self._prefix + key, "value": value}])

    def __delitem__(self, key: str) -> None:
        with self._database.begin() as connection:
            if connection.execute(delete(meta).where(meta.c.name == self._prefix + key)).rowcount == 0:
                raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        with self._database.read() as connection:
            names = (
                connection.execute(select(meta.c.name).where(meta.c.name.startswith(self._prefix, autoescape=True)))
                .scalars()
                .all()
            )
        return iter(name.removeprefix(self._prefix) for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def start_run(connection: Connection, entity: str, run_id: str, kind: str, at: str) -> None:
    """A run begins, or goes on; one that waits here for somebody to be forgotten knows of it afterwards."""
    hold_plans(connection, entity)
    upsert(
        connection,
        runs,
        [
            {
                "entity": entity, "run_id": run_id, "kind": kind, "state": "running", "summary": "{}",
                "started_at": at, "finished_at": None,
            }
        ],
        keep=["started_at"],
    )  # fmt: skip


def finish_run(
    connection: Connection, entity: str, run_id: str, state: str, summary: Mapping[str, Any], at: str
) -> None:
    connection.execute(
        update(runs)
        .where(runs.c.entity == entity, runs.c.run_id == run_id)
        .values(state=state, summary=dumps(summary), finished_at=at)
    )


def has_run(connection: Connection) -> bool:
    """Whether any run has used this store."""
    return connection.execute(select(runs.c.run_id).where(runs.c.kind != PLAN_ONLY).limit(1)).first() is not None


def is_backfill(connection: Connection, entity: str, run_id: str) -> bool:
    kind = connection.execute(select(runs.c.kind).where(runs.c.entity == entity, runs.c.run_id == run_id)).scalar()
    return kind == "backfill"


def run_state(connection: Connection, entity: str, run_id: str) -> str | None:
    """`running`, `success`, `failed`, `dry` or `rejected`; None where there is no such run."""
    return connection.execute(select(runs.c.state).where(runs.c.entity == entity, runs.c.run_id == run_id)).scalar()


def under_way(connection: Connection, entity: str) -> list[str]:
    """Runs that have not ended, by all that is known: one that ended without a word is over once a newer one is."""
    ended = select(func.max(runs.c.started_at)).where(
        runs.c.entity == entity, runs.c.state != "running", runs.c.kind.not_in(("backfill", PLAN_ONLY))
    )
    return list(
        connection.execute(
            select(runs.c.run_id)
            .where(
                runs.c.entity == entity,
                runs.c.state == "running",
                runs.c.started_at >= func.coalesce(ended.scalar_subquery(), ""),
            )
            .order_by(runs.c.started_at)
        ).scalars()
    )


def newest_read(connection: Connection, entity: str) -> int:
    """The ticket of the newest read; 0 before the first."""
    return int(connection.execute(select(func.max(reads.c.ticket)).where(reads.c.entity == entity)).scalar() or 0)


def expired_runs(connection: Connection, entity: str, before: str) -> list[str]:
    """Runs that began before this time, but for those that wait for a decision on their plan."""
    carried_out = select(func.max(plans.c.id)).where(plans.c.entity == entity, plans.c.adopted).scalar_subquery()
    undecided = select(plans.c.run_id).where(
        plans.c.entity == entity, plans.c.state == "proposed", plans.c.id > func.coalesce(carried_out, 0)
    )
    return list(
        connection.execute(
            select(runs.c.run_id).where(
                runs.c.entity == entity,
                runs.c.started_at < before,
                or_(runs.c.run_id.not_in(undecided), runs.c.state != "running"),
            )
        ).scalars()
    )


def add_plan(
    connection: Connection, *, entity: str, run_id: str, state: str, counts: Mapping[str, Any], at: str
) -> int:
    """A new plan; its folder is named once its number is known."""
    return int(
        connection.execute(
            insert(plans).values(
                entity=entity, run_id=run_id, state=state, folder="", counts=dumps(counts), adopted=False,
                created_at=at,
            )
            .returning(plans.c.id)
        ).scalar_one()
    )  # fmt: skip


def take_over(connection: Connection, entity: str, plan_id: int) -> None:
    """Fence: from now on only this plan, or a newer one, is carried out. Held until the transaction ends.

    :raises OutdatedPlanError: a newer plan has taken over.
    """
    mine = meta.c.name == f"plan_in_force.{entity}"
    insert_new(connection, meta, [{"name": f"plan_in_force.{entity}", "value": "0"}])
    newest = int(connection.execute(select(meta.c.value).where(mine).with_for_update()).scalar_one())
    if newest > plan_id:
        raise OutdatedPlanError(
            f"Plan {plan_id} of {entity} is older than plan {newest}, which has been carried out since.",
            remedy="Nothing to do: what was still open is in the newer plan. Clear the newest run instead.",
        )
    if newest < plan_id:
        connection.execute(update(meta).where(mine).values(value=str(plan_id)))


def plan_in_force(connection: Connection, entity: str) -> int:
    """The newest plan that was carried out; 0 before the first."""
    value = connection.execute(select(meta.c.value).where(meta.c.name == f"plan_in_force.{entity}")).scalar()
    return int(value or 0)


def hold_plans(connection: Connection, entity: str) -> None:
    """Keep plans from being adopted or carried further until this transaction ends."""
    name = f"plan_in_force.{entity}"
    insert_new(connection, meta, [{"name": name, "value": "0"}])
    connection.execute(select(meta.c.value).where(meta.c.name == name).with_for_update())


def set_plan(connection: Connection, plan_id: int, **values: Any) -> None:
    connection.execute(update(plans).where(plans.c.id == plan_id).values(**values))


def plan(connection: Connection, plan_id: int, *, folder: str | None = None) -> dict[str, Any]:
    """:param folder: of the plan that is meant. :raises StoreError: there is no such plan."""
    row = connection.execute(select(plans).where(plans.c.id == plan_id)).mappings().first()
    if row is None or folder not in (None, row["folder"]):  # another store has plans with the same numbers
        raise StoreError(
            f"Plan {plan_id} of this run is not in this store.",
            remedy="Run the DAG again; it makes a new plan. Where this "
            "happens again, see that all tasks have the same connection samklang_store.",
        )
    return {**row, "counts": loads(row["counts"])}


def watermark(connection: Connection, entity: str, side: str) -> dict[str, Any] | None:
    row = (
        connection.execute(select(watermarks).where(watermarks.c.entity == entity, watermarks.c.side == side))
        .mappings()
        .first()
    )
    return {**row} if row else None


def read_whole_again(connection: Connection, entity: str) -> None:
    """The next read of each side takes in all of it."""
    connection.execute(update(watermarks).where(watermarks.c.entity == entity).values(whole_at=None))


def move_watermark(
    connection: Connection,
    entity: str,
    side: str,
    *,
    clock: str,
    whole_at: str | None,
    fields: str,
    first_created: str | None,
) -> None:
    """Forward only; `whole_at` and `fields` change with a newer whole read, `first_created` is set once."""
    start = {"clock": "", "whole_at": None, "fields": "", "first_created": None}
    insert_new(connection, watermarks, [{"entity": entity, "side": side, **start}])
    here = (watermarks.c.entity == entity, watermarks.c.side == side)
    old = connection.execute(select(watermarks).where(*here).with_for_update()).mappings().one()
    newer = whole_at is not None and whole_at >= (old["whole_at"] or "")
    upsert(
        connection,
        watermarks,
        [
            {
                "entity": entity,
                "side": side,
                "clock": max(clock, old["clock"]),
                "whole_at": whole_at if newer else old["whole_at"],
                "fields": fields if newer else old["fields"],
                "first_created": old["first_created"] if old["first_created"] is not None else first_created,
            }
        ],
    )
