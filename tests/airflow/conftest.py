"""Runs of the DAGs in one process, in a world of two simulators."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _airflow(airflow_imported: None) -> None:
    """Before anything else."""


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own database, once per session."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def dags() -> dict[str, Any]:
    """Both DAGs, as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


@dataclass
class Finished:
    """One run that has ended."""

    run: Any
    state: str
    tasks: dict[str, str]
    results: dict[str, Any] = field(default_factory=dict)


@dataclass
class World:
    """Both simulators behind HTTP, their connections set, an empty store."""

    powerofficego: Any
    shopify: Any
    urls: dict[str, str]
    folder: Path
    set_connection: Callable[..., None]

    def run(self, entity: str = "customers", **conf: Any) -> Finished:
        """One whole run in this process, as `airflow dags test` does it."""
        from samklang.airflow.dag import build_dag

        return self.outcome(build_dag(entity).test(run_conf=conf))  # anew: a DAG keeps the params of its last run

    def outcome(self, run: Any) -> Finished:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            tasks = {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)}
            rows = session.scalars(XComModel.get_many(run_id=run.run_id, key="return_value", dag_ids=run.dag_id)).all()
            results = {row.task_id: XComModel.deserialize_value(row) for row in rows}
        return Finished(run, str(run.state), tasks, results)

    def rerun(self, finished: Finished, task_id: str, task: Any = None, *, cleared: bool = False) -> str:
        """Let one task of a run run again. :param cleared: with all of its tries anew. :returns: how it ended."""
        from airflow.sdk.definitions.dag import _run_task
        from airflow.utils.session import create_session

        task = task or self.task(finished, task_id)
        with create_session() as session:
            instances = finished.run.get_task_instances(session=session)
            instance = next(ti for ti in instances if ti.task_id == task_id)
            if cleared:
                instance.max_tries = instance.try_number + task.retries
            instance.try_number += 1
            instance.state = None
            session.commit()
            _run_task(ti=instance, task=task)
        with create_session() as session:
            instances = finished.run.get_task_instances(session=session)
            return next(str(ti.state) for ti in instances if ti.task_id == task_id)

    def task(self, finished: Finished, task_id: str) -> Any:
        from samklang.airflow.dag import build_dag

        return build_dag(finished.run.dag_id.removeprefix("sync_")).get_task(task_id)

    def writes(self) -> int:
        return len(self.powerofficego.writes()) + len(self.shopify.writes())

    def state(self) -> tuple[Any, Any]:
        return self.powerofficego.state(), self.shopify.state()

    def status(self, entity: str = "customers") -> dict[str, Any]:
        from samklang.mapping_files import load_mapping
        from samklang.sync.report import status

        with self.store() as database:
            return status(database, load_mapping(entity, Path(os.environ["SAMKLANG_MAPPINGS"])))

    def plan(self, finished: Finished) -> dict[str, Any]:
        from samklang.store import journal

        with self.store() as database, database.read() as connection:
            return journal.plan(connection, finished.results["transform"]["plan"])

    @contextmanager
    def store(self) -> Iterator[Any]:
        from samklang.store.database import Database

        database = Database(f"sqlite:///{self.folder / 'store.db'}")
        try:
            yield database
        finally:
            database.close()

    def change_mapping(self, entity: str, old: str, new: str) -> None:
        file = Path(os.environ["SAMKLANG_MAPPINGS"]) / f"{entity}.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Mappings, staging and store in a folder of the test's own. Gives a function that sets a connection."""
    shutil.copytree(ROOT / "include" / "mappings", tmp_path / "mappings")
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(tmp_path / "mappings"))
    monkeypatch.setenv("SAMKLANG_STAGING", str(tmp_path / "staging"))

    def set_connection(name: str, **values: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(values))

    set_connection("samklang_store", conn_type="sqlite", host=str(tmp_path / "store.db"))
    return set_connection


@pytest.fixture
def world(environment: Callable[..., None], tmp_path: Path, airflow_database: None) -> Iterator[World]:
    from samklang.simulators.http import served
    from samklang.simulators.powerofficego import PowerOfficeGoSimulator
    from samklang.simulators.shopify import ShopifySimulator

    powerofficego = PowerOfficeGoSimulator(30, 1, 0.6, switches={"requests_per_second": 0})
    shopify = ShopifySimulator(30, 1, 0.6, switches={"throttle": "off"})
    with served(powerofficego) as go_url, served(shopify) as shop_url:
        urls = {"powerofficego": go_url, "shopify": shop_url}
        environment("powerofficego_default", **powerofficego_connection(go_url))
        environment("shopify_default", conn_type="shopify", host=shop_url, password="shpat_simulated")
        yield World(powerofficego, shopify, urls, tmp_path, environment)


def powerofficego_connection(url: str, **extra: Any) -> dict[str, Any]:
    return {
        "conn_type": "powerofficego",
        "host": f"{url}/v2",
        "login": "app",
        "password": "client",
        "extra": {"subscription_key": "sub", "token_url": f"{url}/OAuth/Token", "requests_per_second": 1000, **extra},
    }
