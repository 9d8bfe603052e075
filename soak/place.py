"""Where a soak runs: Airflow, two PostgreSQL servers, both simulators, and a small disk for staged files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, text

from samklang.demo.airflow_server import AirflowServer
from samklang.demo.place import write_mappings
from samklang.demo.processes import (
    Block,
    Control,
    PostgreSQL,
    Simulators,
    connection_variables,
    store_connection,
    wait_until,
)
from samklang.mapping_files import load_mapping
from samklang.store.database import Database
from samklang.sync.report import status

DAGS = {"customers": "sync_customers", "products": "sync_products"}
SIDES = ("powerofficego", "shopify")
RECORDS = 60
_OVERLAP = 0.6
ENDED = ("success", "failed", "skipped", "upstream_failed")
_PACE = 50
_DISK = "8m"
_TITLE = re.compile(r"airflow worker -- ([0-9a-f-]{36})")

# Airflow imports this before its workers are forked: each task then starts in half the time.
_PRELOADED = "import pandas, pyarrow.parquet, samklang.airflow.context, samklang.sync.load, samklang.sync.transform\n"

# A task that died without a word is noticed within seconds, not minutes.
_ALERT = {
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}


class Place(Block):
    """Everything that a round needs, up for all rounds; `reset` makes the world new.

    The link store has a PostgreSQL of its own, so that it can break while Airflow's database stands.

    :param folder: emptied first. PostgreSQL must be able to reach it, whoever it runs as.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.latency = 0.0  # seconds of each answer of both systems, when nothing slows them down
        self.disk = Disk(folder / "staging")
        self.simulators = Simulators(folder / "logs", records=RECORDS, overlap=_OVERLAP, pace=_PACE)
        self.store = PostgreSQL(folder / "store", databases=("samklang",))
        self.airflow_database = PostgreSQL(folder / "airflow-database", databases=("airflow",))
        self.mappings = folder / "mappings"
        self.airflow: AirflowServer
        self._stack = ExitStack()

    def start(self) -> None:
        self.disk.stop()  # one that an earlier soak left behind, cut off before it could clean up
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        write_mappings(self.mappings, quiet=True)
        self._stack.enter_context(self.disk)
        self._stack.callback(self.simulators.stop)
        with ThreadPoolExecutor(1) as pool:
            simulators = pool.submit(self.simulators.start)
            self._stack.enter_context(self.store)
            self._stack.enter_context(self.airflow_database)
            simulators.result()
        variables = connection_variables({**self.simulators.connections(), **store_connection(self.store)})
        variables |= {"SAMKLANG_MAPPINGS": str(self.mappings), "SAMKLANG_STAGING": str(self.disk.folder), **_ALERT}
        settings = self.folder / "airflow" / "config" / "airflow_local_settings.py"
        settings.parent.mkdir(parents=True)
        settings.write_text(_PRELOADED)
        database = self.airflow_database.url("airflow")
        self.airflow = self._stack.enter_context(AirflowServer(self.folder / "airflow", database, variables))
        wait_until(lambda: set(DAGS.values()) <= self.airflow.api.dag_ids(), "reading the DAG files", seconds=60)
        first_runs = [self._switch_on(dag_id) for dag_id in DAGS.values()]
        wait_until(lambda: self._have_ended(first_runs), "the end of the scheduled runs", seconds=60)

    def stop(self) -> None:
        self._stack.close()

    def controls(self) -> dict[str, Control]:
        return {"powerofficego": self.simulators.powerofficego, "shopify": self.simulators.shopify}

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All records of PowerOffice Go, and of Shopify."""
        return self.simulators.powerofficego.state(), self.simulators.shopify.state()

    def writes(self) -> dict[str, list[dict[str, Any]]]:
        """What we wrote in this round, by side, in order."""
        return {side: control.writes("api") for side, control in self.controls().items()}

    def reset(self, seed: int) -> None:
        """A new world: fresh records on both sides, an empty store, no staged files."""
        self.disk.empty()
        engine = create_engine(self.store.url("samklang"))
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
        for control in self.controls().values():
            control.reset(records=RECORDS, seed=seed, overlap=_OVERLAP)
            control.switch(fail_next=[], lose_response_after_commit=0, latency_seconds=self.latency)

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.store.url("samklang"))
        try:
            yield database
        finally:
            database.close()

    def status(self, entity: str) -> dict[str, Any]:
        """What `samklang status` says."""
        with self.database() as database:
            return status(database, load_mapping(entity, self.mappings))

    def tasks_at_work(self) -> dict[str, psutil.Process]:
        """The processes that run a task, by the id of the try; orphans too."""
        found: dict[str, psutil.Process] = {}
        for process in self.airflow.family("scheduler"):
            with suppress(psutil.NoSuchProcess):
                match = _TITLE.match(" ".join(process.cmdline()))
                if match and process.status() != psutil.STATUS_ZOMBIE:
                    found[match[1]] = process
        return found

    def _switch_on(self, dag_id: str) -> tuple[str, str]:
        """The schedule starts a run at once; it is ended, for all rounds start their own."""
        api = self.airflow.api
        api.unpause(dag_id)
        wait_until(lambda: bool(api.runs(dag_id)), f"the first run of {dag_id}", seconds=60)
        run_id: str = api.runs(dag_id)[0]["dag_run_id"]
        api.call("PATCH", f"dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})
        return dag_id, run_id

    def _have_ended(self, runs: list[tuple[str, str]]) -> bool:
        states = {state for run in runs for state in self.airflow.api.task_states(*run).values()}
        return states <= {*ENDED} and not self.tasks_at_work()


class Disk(Block):
    """The disk that staged files go to: small, so that it can be filled. Where we may not mount one, it never fills.

    :param folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble = ""
        self._ballast = folder / "ballast"

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=700", "samklang-soak", self.folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            self.trouble = f"no small disk could be mounted: {done.stderr.strip()}"

    def stop(self) -> None:
        if os.path.ismount(self.folder):
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self) -> None:
        """Until not a byte is left."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(b"\0" * 65536):
                pass
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(b"\0"):
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def empty(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
