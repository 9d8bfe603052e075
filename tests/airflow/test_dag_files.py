"""What Airflow and its users find when they look at the DAGs, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest

from samklang.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
EDGES = {
    "extract_powerofficego": {"transform"},
    "extract_shopify": {"transform"},
    "transform": {"review"},
    "review": {"load_shopify", "load_powerofficego"},
    "load_shopify": {"settle"},
    "load_powerofficego": {"settle"},
    "settle": set(),
}

pytestmark = pytest.mark.airflow


@pytest.fixture(params=["customers", "products"])
def dag(request: pytest.FixtureRequest, dags: dict[str, Any]) -> Any:
    return dags[f"sync_{request.param}"]


def test_there_is_one_dag_per_entity(dags: dict[str, Any]) -> None:
    assert set(dags) == {"sync_customers", "sync_products"}


def test_tasks_stand_in_the_promised_order(dag: Any) -> None:
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == EDGES


def test_every_task_is_tried_twice_more_and_the_dag_has_tags_and_help(dag: Any) -> None:
    assert dag.default_args["retries"] == 2
    assert all(task.retries == 2 and task.retry_policy is not None for task in dag.tasks)
    assert "samklang" in dag.tags
    assert "review" in dag.doc_md


def test_every_task_says_what_it_does_and_what_clearing_it_means(dag: Any) -> None:
    names = {task.task_display_name for task in dag.tasks}
    assert len(names) == len(EDGES)
    assert names.isdisjoint(EDGES)
    for task in dag.tasks:
        assert "Cleared or retried" in task.doc_md or task.task_id == "review", task.task_id
    assert "on_guard" in dag.get_task("review").doc_md


@pytest.mark.parametrize("base", ["", "https://data.example", "https://data.example/team/airflow/"])
def test_every_task_links_to_its_page_in_the_console(dag: Any, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    run, root = "manual__2026-11-25T17:40:06+00:00", f"{base.rstrip('/')}/samklang/{dag.dag_id.removeprefix('sync_')}"
    ended = f"{root}/runs/manual__2026-11-25T17%3A40%3A06%2B00%3A00"

    def link(task_id: str) -> str:
        (link,) = dag.get_task(task_id).operator_extra_links
        return str(link.get_link(dag.get_task(task_id), ti_key=SimpleNamespace(run_id=run)))

    assert {link("extract_shopify"), link("extract_powerofficego")} == {f"{root}/"}
    assert link("settle") == link("transform") == link("load_shopify") == ended  # no plan is known yet
    for task_id in ("transform", "review", "load_shopify", "load_powerofficego"):
        monkeypatch.setattr(dag.get_task(task_id), "plan_id", 12)
        assert link(task_id) == f"{root}/plans/12"


def test_one_run_at_a_time_and_no_catching_up(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False


def test_an_interval_has_two_ends_so_that_a_backfill_has_a_window(dag: Any) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable

    timetable = coerce_to_core_timetable(dag.timetable)
    interval = timetable.infer_manual_data_interval(run_after=pendulum.datetime(2026, 3, 1, 12, 1))
    assert interval.start < interval.end


def test_the_form_offers_only_what_the_params_mean(dag: Any) -> None:
    params = {name: dag.params.get_param(name) for name in dag.params}
    assert {name: (p.value, p.schema.get("enum")) for name, p in params.items()} == {
        "mode": ("auto", ["auto", "changes", "full"]),
        "dry_run": (False, None),
        "on_guard": ("ask", ["ask", "proceed", "fail"]),
    }
    assert all(p.schema["title"] and p.description for p in params.values())


@pytest.mark.parametrize("name", ["mode", "on_guard"])
def test_an_unknown_value_of_a_param_is_refused(dag: Any, name: str) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve("sometimes")


def test_a_schedule_in_the_mapping_is_the_schedule_of_the_dag(environment: Any, tmp_path: Path) -> None:
    from samklang.airflow.dag import build_dag

    file = tmp_path / "mappings" / "customers.yaml"
    file.write_text(file.read_text().replace('"*/15 * * * *"', '"5 4 * * *"'))
    assert build_dag("customers").timetable.expression == "5 4 * * *"


def test_a_wrong_mapping_shows_as_an_import_error_with_its_line(environment: Any, tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    file = tmp_path / "mappings" / "customers.yaml"
    file.write_text(file.read_text().replace("create_in:", "create_inn:"))
    errors = DagBag(dag_folder=str(ROOT / "dags")).import_errors
    assert len(errors) == 1
    assert "create_inn" in next(iter(errors.values()))
    assert "customers.yaml, line" in next(iter(errors.values()))


@pytest.mark.parametrize("name", ["powerofficego_conn_id", "shopify_conn_id", "store_conn_id"])
def test_a_second_pair_of_systems_in_one_airflow_is_refused_with_the_way_out(environment: Any, name: str) -> None:
    from samklang.airflow.dag import build_dag

    with pytest.raises(ConfigurationError, match=rf"second pair .*{name}=another.*an Airflow of its own"):
        build_dag("customers", dag_id="sync_customers_two", **{name: "another"})
    assert build_dag("customers", dag_id="sync_customers_two").dag_id == "sync_customers_two"


def test_somebody_can_be_told_when_a_plan_waits_for_a_person(environment: Any) -> None:
    from airflow.sdk import BaseNotifier

    from samklang.airflow.dag import build_dag

    notifier = BaseNotifier()
    dag = build_dag("customers", notifiers=[notifier])

    assert list(dag.get_task("review").notifiers) == [notifier]


def test_reading_a_dag_file_imports_neither_pandas_nor_the_engine() -> None:
    code = (
        "import runpy, sys; runpy.run_path('dags/sync_customers.py');"
        "print([m for m in ('pandas', 'pyarrow', 'samklang.sync.transform', 'samklang.connections')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_dag_files_need_only_the_project_beside_them() -> None:
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if not p.rstrip('/').endswith('/include')];"
        "import runpy; print(runpy.run_path('dags/sync_products.py')['dag'].dag_id)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "sync_products"
