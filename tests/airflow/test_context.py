"""From connections, settings and dates to what the engine is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from samklang.errors import ConfigurationError

PARAMS = {"mode": "auto", "dry_run": False, "on_guard": "ask"}


def connection(value: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    from airflow.sdk import BaseHook

    monkeypatch.setenv("AIRFLOW_CONN_TRIED", value)
    return BaseHook.get_connection("tried")


# --- the store -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgresql://u:p%40ss@db.example:5433/links?sslmode=require", ("db.example", 5433, "links", "u", "p@ss")),
        ("postgres://u@db.example/links", ("db.example", None, "links", "u", None)),
        ("sqlite:////var/lib/samklang.db", (None, None, "/var/lib/samklang.db", None, None)),
        ('{"conn_type": "sqlite", "host": "/var/lib/samklang.db"}', (None, None, "/var/lib/samklang.db", None, None)),
    ],
)
def test_a_store_connection_says_where_the_store_is(
    value: str, expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.store.address import store_url

    url = make_url(store_url(connection(value, monkeypatch)))
    assert (url.host or None, url.port, url.database, url.username, url.password) == expected


def test_a_postgresql_behind_a_unix_socket_can_be_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.store.address import store_url

    url = make_url(store_url(connection("postgres://u@%2Frun%2Fpg/links", monkeypatch)))
    assert url.query == {"host": "/run/pg"}


def test_settings_of_the_connection_reach_postgresql_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.store.address import store_url

    value = json.dumps(
        {"conn_type": "postgres", "host": "h", "schema": "d", "extra": {"sslmode": "verify-full", "cursor": "dict"}}
    )
    assert make_url(store_url(connection(value, monkeypatch))).query == {"sslmode": "verify-full"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("mysql://u:p@h/d", "mysql"),
        ("postgres://u:p@h", "names no database"),
        ('{"conn_type": "sqlite", "host": "here.db"}', "whole path"),
    ],
)
def test_a_store_that_cannot_be_is_refused_with_the_reason(
    value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.store.address import store_url

    with pytest.raises(ConfigurationError, match=message):
        store_url(connection(value, monkeypatch))


@pytest.mark.parametrize("store", [None, "sqlite:////var/lib/samklang.db"])
def test_several_machines_need_a_store_and_a_staging_that_all_reach(
    store: str | None, environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.airflow.context import open_store

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    if store:
        monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", store)
    else:
        monkeypatch.delenv("AIRFLOW_CONN_SAMKLANG_STORE")
    with pytest.raises(ConfigurationError) as refused:
        open_store("samklang_store")
    assert "samklang_store" in refused.value.remedy
    assert "SAMKLANG_STAGING" in refused.value.remedy


@pytest.mark.parametrize(
    ("executor", "on_one"),
    [
        ("LocalExecutor", True),
        ("airflow.executors.local_executor.LocalExecutor", True),
        ("LocalExecutor,DebugExecutor", True),
        ("here:airflow.executors.local_executor.LocalExecutor", True),
        ("LocalExecutor;accounting=LocalExecutor", True),
        ("KubernetesExecutor", False),
        ("LocalExecutor,KubernetesExecutor", False),
        ("LocalExecutor, CeleryExecutor", False),
        ("LocalExecutor;accounting=CeleryExecutor", False),
        ("airflow.providers.celery.executors.celery_executor.CeleryExecutor", False),
        ("company.executors.LocalExecutor", False),
        ("LocalExecutor,far:company.executors.LocalExecutor", False),
    ],
)
def test_an_executor_is_known_to_be_of_one_machine_whichever_way_it_is_named(executor: str, on_one: bool) -> None:
    from samklang.settings import shared_trouble

    assert (shared_trouble({}, executor=executor, has_store=False) == []) == on_one


def test_a_pod_of_the_kubernetes_executor_is_told_it_has_a_local_one(
    environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.airflow.context import open_store

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", "True")
    monkeypatch.delenv("AIRFLOW_CONN_SAMKLANG_STORE")
    with pytest.raises(ConfigurationError, match="several machines"):
        open_store("samklang_store")


def test_without_a_store_connection_a_private_file_beside_airflow_serves(
    environment: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.airflow.context import open_store

    monkeypatch.delenv("AIRFLOW_CONN_SAMKLANG_STORE")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    open_store("samklang_store").close()
    assert (tmp_path / "samklang.db").stat().st_mode & 0o777 == 0o600


# --- staging ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
def test_staged_files_on_this_machine_are_for_its_owner_only(form: str, tmp_path: Path) -> None:
    from samklang.airflow.context import open_staging
    from samklang.store.database import Database

    staging = open_staging(form.format(path=tmp_path / "staging"), Database("sqlite://"))
    folder = staging.folder("customers", "run", "plan-1")
    staging.write_lines(folder, "rows", [{"a": 1}])
    assert (tmp_path / "staging" / folder).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "staging" / folder / "rows.jsonl").stat().st_mode & 0o777 == 0o600


def test_staged_files_can_live_in_any_object_storage() -> None:
    from airflow.sdk.io import attach
    from fsspec.implementations.memory import MemoryFileSystem

    from samklang.airflow.context import open_staging
    from samklang.store.database import Database

    attach("memory", fs=MemoryFileSystem())
    staging = open_staging("memory://bucket/samklang", Database("sqlite://"))
    folder = staging.folder("customers", "manual__2026-01-01T00:00:00+00:00", "read-1")
    for part in (1, 2):
        staging.write_table(folder, f"part-{part}", [{"n": f"{part}", "m": None}])
    staging.write_lines(folder, "rows", [{"a": 1}, {"a": 2}])
    assert list(staging.read_tables(folder)) == [[{"n": "1", "m": None}], [{"n": "2", "m": None}]]
    assert list(staging.read_lines(folder, "rows")) == [{"a": 1}, {"a": 2}]
    assert staging.drop_runs("customers", ["manual__2026-01-01T00:00:00+00:00", "never"]) == 1
    assert not (staging.root / folder).exists()


# --- the run ---------------------------------------------------------------------------------------------------------


def test_a_manual_run_may_have_no_dates_at_all() -> None:
    from samklang.airflow.context import run_of

    run = run_of(context("manual", None, None))
    assert (run.kind, run.window, run.mode, run.dry_run) == ("manual", None, "auto", False)


def test_only_a_backfill_is_a_window_on_the_past() -> None:
    from samklang.airflow.context import run_of

    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert run_of(context("scheduled", start, end)).window is None
    assert run_of(context("backfill", start, end)).window == (
        "2026-03-01T00:00:00.0000000Z",
        "2026-03-02T00:00:00.0000000Z",
    )


def test_a_backfill_without_an_interval_is_refused() -> None:
    from samklang.airflow.context import run_of

    with pytest.raises(ConfigurationError, match="no data interval"):
        run_of(context("backfill", None, None))


def context(kind: str, start: datetime | None, end: datetime | None) -> Any:
    dag_run = SimpleNamespace(
        run_id="r", run_type=SimpleNamespace(value=kind), data_interval_start=start, data_interval_end=end
    )
    return {"dag_run": dag_run, "params": PARAMS}
