"""What the console asks of Airflow itself. It runs in the API server, which may use Airflow's own database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.models.dag import DagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from samklang.airflow.names import REVIEW
from samklang.core.clocks import from_datetime
from samklang.errors import DecisionError


@dataclass(frozen=True, slots=True)
class Schedule:
    """:param next_at: when the next run is due, as `core.clocks` writes it; None: it has none."""

    paused: bool
    next_at: str | None


def schedule(dag_id: str) -> Schedule | None:
    """None: Airflow does not know the DAG (yet)."""
    with create_session() as session:
        dag = session.get(DagModel, dag_id)
        if dag is None:
            return None
        due: datetime | None = dag.next_dagrun_create_after
        return Schedule(bool(dag.is_paused), from_datetime(due) if due else None)


def waiting_for_answer(dag_id: str) -> list[str]:
    """Runs whose plan waits for a person, oldest first: required actions of Airflow's own."""
    with create_session() as session:
        found = session.scalars(
            select(TaskInstance.run_id)
            .where(
                TaskInstance.dag_id == dag_id,
                TaskInstance.task_id == REVIEW,
                TaskInstance.state == TaskInstanceState.AWAITING_INPUT,
            )
            .order_by(TaskInstance.queued_dttm)
        )
        return list(found)


def trigger(dag_id: str, conf: dict[str, Any], *, person: str, now: datetime) -> str:
    """Start a run. :returns: its id.

    :raises DecisionError: the DAG is not there, or paused, so that no run would begin.
    """
    known = schedule(dag_id)
    if known is None:
        raise DecisionError(f"Airflow does not know the DAG {dag_id}.", remedy="Look for its import error in Airflow.")
    if known.paused:
        raise DecisionError(f"The DAG {dag_id} is paused, so no run begins.", remedy="Unpause it in Airflow first.")
    run = trigger_dag(
        dag_id, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=person, run_after=now, conf=conf
    )
    if run is None:
        raise DecisionError(f"Airflow did not start a run of {dag_id}.")
    return str(run.run_id)
