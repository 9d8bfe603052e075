"""Addresses of pages in Airflow's UI and in the console that is mounted in it. Nothing here asks a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


def airflow_url(*steps: str | int) -> str:
    """:param steps: of the path, below `[api] base_url`, which may have a path of its own; without it, below `/`."""
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return "/".join([base, *(quote(str(step), safe="") for step in steps)])


def run_url(dag_id: str, run_id: str) -> str:
    """A run in Airflow's own UI."""
    return airflow_url("dags", dag_id, "runs", run_id)


def console_url(entity: str, *steps: str | int) -> str:
    """A page of the console; without `steps`, the overview of an entity."""
    return airflow_url("samklang", entity, *(steps or ("",)))


class ConsoleLink(BaseOperatorLink):
    """From a task to what the console shows of it.

    Airflow asks for the link in the task's own process when the task ends or parks, and keeps it as XCom.
    """

    name = "Samklang console"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        task: Any = operator
        return console_url(task.entity, *task.console_page(ti_key.run_id))
