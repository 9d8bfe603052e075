"""Puts a run's summary into its note, where Airflow's UI shows it. Registered by `plugins/samklang_airflow.py`.

A task has no way to write a note. Airflow calls this in the scheduler (or in the API server, when a person sets a run's
state) as a run ends; it works in the transaction that ends the run, behind a savepoint, and breaks nothing: a note is
worth less than a run.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import object_session

from samklang.airflow.names import NOTE, SETTLE

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

_AUTHOR = "samklang"
_log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001
    _put_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001
    _put_note(dag_run)


def _put_note(dag_run: Any) -> None:
    try:
        session = object_session(dag_run)
        if session is not None:
            # the connection's savepoint, not the session's: the scheduler forbids its session all commits but its own
            with session.connection().begin_nested():
                _write(session.connection(), dag_run.id)
    except Exception as error:
        _log.warning("the note of run %s could not be written: %s", dag_run.run_id, type(error).__name__)


def _write(connection: Connection, dag_run_id: int) -> None:
    """Ours is renewed when a cleared run ends again; a person's note stays."""
    from airflow.models.dagrun import DagRunNote
    from airflow.models.xcom import XComModel

    xcom: Any = XComModel
    mine = (xcom.dag_run_id == dag_run_id, xcom.task_id == SETTLE, xcom.map_index == -1, xcom.key == NOTE)
    stored = connection.execute(select(xcom.value).where(*mine)).scalar()
    if stored is None:
        return  # no run of ours, or settle never came to its end
    now = {"content": str(stored), "updated_at": datetime.now(UTC)}
    note: Any = DagRunNote
    author = connection.execute(select(note.user_id).where(note.dag_run_id == dag_run_id)).first()
    if author is None:
        new = {"dag_run_id": dag_run_id, "user_id": _AUTHOR, "created_at": now["updated_at"], **now}
        connection.execute(insert(note).values(new))
    elif author.user_id == _AUTHOR:
        connection.execute(update(note).where(note.dag_run_id == dag_run_id).values(now))
