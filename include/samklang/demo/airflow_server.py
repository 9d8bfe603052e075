"""A real Airflow as child processes, and the few calls of its REST API that a story about syncing needs."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import requests

from samklang.demo.processes import BIN, Block, Child, free_port, stop, wait_until

PROJECT = Path(__file__).resolve().parents[3]
_COMPONENTS = ("api-server", "scheduler", "dag-processor")
AIRFLOW_FOR_A_SHELL = (
    "AIRFLOW_HOME",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__LOAD_EXAMPLES",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
)
"""With these, commands in a shell know of connections that were made in the UI, and `airflow dags test` of the DAGs."""
_FINISHED = ("success", "failed")
_READING = 3.0
"""Seconds that nobody is faster than. Airflow 3.3.2 loses an answer that comes before its scheduler has taken note of
the parking, and asks again."""


def sign_in_as(user: str, password: str, home: Path) -> dict[str, str]:
    """Environment for an Airflow with one user, who is an admin. The password lies in a file for its owner alone."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    passwords.unlink(missing_ok=True)
    with os.fdopen(os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({user: password}, file)
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{user}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }


class AirflowServer(Block):
    """API server, scheduler with LocalExecutor and DAG processor, each a process of its own.

    :param home: `AIRFLOW_HOME`; logs of the components go to `logs` in it.
    :param database: a SQLAlchemy URL of Airflow's own database; PostgreSQL, since SQLite does not stand backfills.
    :param variables: more environment: connections, settings of Samklang.
    :param dags: the folder of the DAG files; the project's own by default.
    :param port: of the API and the UI; 0 takes a free one.
    """

    def __init__(
        self,
        home: Path,
        database: str,
        variables: Mapping[str, str],
        *,
        dags: Path = PROJECT / "dags",
        port: int = 0,
    ) -> None:
        self._logs = home / "logs"
        self._children: list[Child] = []
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.api = AirflowApi(self.url)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")},
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": "subscription_key",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",  # on 127.0.0.1 only, between simulators
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            **variables,
        }

    def start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        self.run("db", "migrate")
        self._children += map(self._component, _COMPONENTS)
        wait_until(self.api.is_healthy, "Airflow's start", seconds=120, children=self._children)

    def stop(self) -> None:
        stop(self._children)

    def pid(self, component: str) -> int:
        """The process of a component: `api-server`, `scheduler` or `dag-processor`."""
        return next(child.pid for child in self._children if child.name == component)

    def family(self, component: str) -> list[psutil.Process]:
        """The processes of a component: of the scheduler, its workers and the tasks too."""
        return next(child.family() for child in self._children if child.name == component)

    def revive(self) -> list[str]:
        """Start components anew that have ended, as a service manager does. :returns: which."""
        ended = [child for child in self._children if child.has_ended]
        if ended:
            stop(ended)  # what they left behind
        for child in ended:
            self._children[self._children.index(child)] = self._component(child.name)
        return [child.name for child in ended]

    def _component(self, name: str) -> Child:
        return Child(name, [str(BIN / "airflow"), name], env=self.environment, logs=self._logs)

    def run(self, *arguments: str) -> str:
        """One call of the `airflow` command line. :returns: what it printed. :raises RuntimeError: it failed."""
        done = subprocess.run(  # noqa: S603
            [str(BIN / "airflow"), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"airflow {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout


class AirflowApi:
    """The REST API, version 2. All calls raise `requests.HTTPError` where Airflow refuses them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def sign_in(self, user: str, password: str) -> None:
        """Only where Airflow has users; by default everybody is an admin. :raises requests.HTTPError: not these."""
        answer = requests.post(f"{self.url}/auth/token", json={"username": user, "password": password}, timeout=60)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def is_healthy(self) -> bool:
        try:
            health = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (requests.ConnectionError, requests.Timeout, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self.call("GET", "dags")["dags"]}

    def import_errors(self) -> list[str]:
        return [error["stack_trace"] for error in self.call("GET", "importErrors")["import_errors"]]

    def unpause(self, dag_id: str) -> None:
        self.call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def pause(self, dag_id: str) -> None:
        self.call("PATCH", f"dags/{dag_id}", {"is_paused": True})

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """:returns: the run's id."""
        run = self.call("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Oldest first."""
        runs: list[dict[str, Any]] = self.call("GET", f"dags/{dag_id}/dagRuns?order_by=run_after&limit=100")["dag_runs"]
        return runs

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The newest try of each task: `id`, `task_id`, `state`, `try_number` and more."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        instances: list[dict[str, Any]] = self.call("GET", path)["task_instances"]
        return instances

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        return {instance["task_id"]: instance["state"] for instance in self.tasks(dag_id, run_id)}

    def wait(self, dag_id: str, run_id: str, *, seconds: float = 180) -> str:
        """Until the run has ended. :returns: `success` or `failed`."""
        try:
            wait_until(lambda: self.run_state(dag_id, run_id) in _FINISHED, f"{dag_id}, run {run_id}", seconds=seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.task_states(dag_id, run_id)}") from None
        return self.run_state(dag_id, run_id)

    def wait_for_task(self, dag_id: str, run_id: str, task_id: str, state: str, *, seconds: float = 180) -> None:
        wait_until(
            lambda: self.task_states(dag_id, run_id).get(task_id) == state,
            f"{dag_id}.{task_id} becoming {state}",
            seconds=seconds,
        )

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        return self.call("GET", path)["value"]

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str | None]:
        """The extra links of a task, as the UI offers them."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links"
        links: dict[str, str | None] = self.call("GET", path)["extra_links"]
        return links

    def log(self, dag_id: str, run_id: str, task_id: str, *, attempt: int = 1) -> str:
        """A task's log as text, one event a line."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        return "\n".join(str(line) for line in self.call("GET", path)["content"])

    def wait_for_question(
        self, dag_id: str, run_id: str, *, task_id: str = "review", seconds: float = 180
    ) -> dict[str, Any]:
        """The required action of a task, once it is parked: `subject`, `body`, `options`."""
        self.wait_for_task(dag_id, run_id, task_id, "awaiting_input", seconds=seconds)
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        detail: dict[str, Any] = self.call("GET", path)
        return detail

    def answer(
        self, dag_id: str, run_id: str, option: str, *, reason: str = "", task_id: str = "review", seconds: float = 180
    ) -> None:
        """Answer until it is heard. :param option: `Approve` or `Reject`."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"

        def heard() -> bool:
            if self.task_states(dag_id, run_id)[task_id] == "awaiting_input":
                time.sleep(_READING)
                form = {"reason": reason} if reason else {}
                self.call("PATCH", path, {"chosen_options": [option], "params_input": form})
            return self.task_states(dag_id, run_id)[task_id] in _FINISHED

        wait_until(heard, f"{dag_id}.{task_id} hearing the answer", seconds=seconds)

    def clear(self, dag_id: str, run_id: str, *task_ids: str, downstream: bool = True) -> None:
        body = {
            "dry_run": False,
            "task_ids": list(task_ids),
            "dag_run_id": run_id,
            "only_failed": False,
            "include_downstream": downstream,
        }
        self.call("POST", f"dags/{dag_id}/clearTaskInstances", body)

    def backfill(self, dag_id: str, start: datetime, end: datetime, **conf: Any) -> int:
        """:returns: the backfill's id."""
        body = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "max_active_runs": 1,
            "dag_run_conf": conf,
        }
        return int(self.call("POST", "backfills", body)["id"])

    def wait_for_backfill(self, backfill_id: int, *, seconds: float = 300) -> None:
        wait_until(
            lambda: self.call("GET", f"backfills/{backfill_id}")["completed_at"] is not None,
            f"backfill {backfill_id}",
            seconds=seconds,
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request below `/api/v2/`; tried again while Airflow is busy."""
        for attempt in range(5):
            answer = self._session.request(method, f"{self.url}/api/v2/{path}", json=body, timeout=60)
            if answer.status_code != requests.codes.service_unavailable:
                break
            time.sleep(1 + attempt)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None
