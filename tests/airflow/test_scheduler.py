"""The same DAGs under a real scheduler: PostgreSQL, LocalExecutor, REST. Minutes, but nothing is left out."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from receiver import Webhook, serving

from samklang.core.mapping_file import parse_mapping
from samklang.demo.airflow_server import AirflowServer
from samklang.demo.processes import PostgreSQL, Simulators, connection_variables, store_connection, wait_until
from samklang.store.database import Database
from samklang.sync.report import status

ROOT = Path(__file__).parents[2]
CUSTOMERS, PRODUCTS = "sync_customers", "sync_products"

pytestmark = pytest.mark.scheduler


@dataclass
class Site:
    """One Airflow between two simulators, whose mappings a test may change."""

    api: Any
    simulators: Simulators
    mappings: Path
    store_url: str
    webhook: Webhook

    def first_run(self, dag_id: str) -> str:
        """Switch a DAG on: the scheduler starts the latest interval by itself. A question is answered with yes."""
        self.api.unpause(dag_id)
        wait_until(lambda: bool(self.api.runs(dag_id)), f"a scheduled run of {dag_id}", seconds=60)
        run_id: str = self.api.runs(dag_id)[0]["dag_run_id"]
        reviewed = ("success", "awaiting_input")
        wait_until(
            lambda: self.api.task_states(dag_id, run_id).get("review") in reviewed, f"review of {dag_id}", seconds=120
        )
        if self.api.task_states(dag_id, run_id)["review"] == "awaiting_input":
            self.api.wait_for_question(dag_id, run_id)
            self.api.answer(dag_id, run_id, "Approve")
        return run_id

    def writes(self) -> int:
        return len(self.simulators.powerofficego.writes("api")) + len(self.simulators.shopify.writes("api"))

    def status(self, entity: str) -> dict[str, Any]:
        database = Database(self.store_url)
        try:
            mapping = parse_mapping((self.mappings / f"{entity}.yaml").read_text(), file=entity)
            return status(database, mapping)
        finally:
            database.close()

    def note(self, dag_id: str, run_id: str) -> str:
        """Once it is there: the scheduler writes it as it ends the run."""
        path = f"dags/{dag_id}/dagRuns/{run_id}"
        wait_until(lambda: self.api.call("GET", path)["note"] is not None, f"the note of {run_id}", seconds=10)
        return str(self.api.call("GET", path)["note"])

    def wait_for_post(self, run_id: str, state: str, *, seconds: float = 30) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [post for post in self.webhook.posts if (post["run"], post["state"]) == (run_id, state)]

        wait_until(lambda: bool(found()), f"being told that {run_id} is {state}", seconds=seconds)
        return found()[0]

    def clear(self, dag_id: str, run_id: str, task_id: str) -> str:
        """:returns: how the run ended then."""
        before = self.tries(dag_id, run_id, task_id)
        self.api.clear(dag_id, run_id, task_id)
        wait_until(lambda: self.tries(dag_id, run_id, task_id) > before, f"clearing {task_id}", seconds=60)
        return str(self.api.wait(dag_id, run_id))

    def tries(self, dag_id: str, run_id: str, task_id: str) -> int:
        return next(int(task["try_number"]) for task in self.api.tasks(dag_id, run_id) if task["task_id"] == task_id)

    def change_mapping(self, entity: str, pattern: str, replacement: str) -> None:
        file = self.mappings / f"{entity}.yaml"
        text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1
        file.write_text(text)

    def linked_customer(self) -> int:
        """A PowerOffice Go customer whose twin is known by its e-mail."""
        emails = str(self.simulators.shopify.state()["customers"])
        return next(
            customer["Id"]
            for customer in self.simulators.powerofficego.state()["customers"]
            if customer["IsPerson"] and customer["IsActive"] and f"'{customer['EmailAddress']}'" in emails
        )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not one of pytest's: those are closed to the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="samklang-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    mappings = folder / "mappings"
    shutil.copytree(ROOT / "include" / "mappings", mappings)
    with (
        PostgreSQL(folder / "postgres") as postgres,
        Simulators(folder / "logs", records=40) as simulators,
        serving(Webhook()) as webhook,
    ):
        connections = simulators.connections() | store_connection(postgres) | {"chat": webhook.connection}
        variables = connection_variables(connections) | {
            "SAMKLANG_MAPPINGS": str(mappings),
            "SAMKLANG_NOTIFY_WEBHOOK": "chat",
            "SAMKLANG_DEADLINE": "1m",
        }
        site = Site(None, simulators, mappings, postgres.url("samklang"), webhook)
        for entity in ("customers", "products"):  # no scheduled run in the middle of a test
            hour = (datetime.now(UTC) - timedelta(hours=2)).hour
            site.change_mapping(entity, r"^schedule: .*$", f'schedule: "0 {hour} * * *"')
        with AirflowServer(folder / "home", postgres.url("airflow"), variables) as airflow:
            site.api = airflow.api
            wait_until(lambda: airflow.api.dag_ids() == {CUSTOMERS, PRODUCTS}, "reading the DAG files", seconds=60)
            assert airflow.api.import_errors() == []
            yield site


def test_the_whole_story_under_a_scheduler(site: Site) -> None:
    both = {dag_id: site.first_run(dag_id) for dag_id in (CUSTOMERS, PRODUCTS)}
    for dag_id, run_id in both.items():
        assert site.api.wait(dag_id, run_id) == "success"
        assert set(site.api.task_states(dag_id, run_id).values()) == {"success"}
    assert site.status("customers")["linked"] > 0
    assert site.status("products")["linked"] > 0
    written = site.writes()
    assert written > 0

    # a run with nothing to do writes nothing
    assert site.api.wait(CUSTOMERS, site.api.trigger(CUSTOMERS)) == "success"
    assert site.writes() == written

    # beyond a limit a person is asked: first no, then yes
    site.change_mapping("customers", r"^  updates: 500", "  updates: 0")
    customer = site.linked_customer()
    site.simulators.powerofficego.edit("customers", customer, set={"LastName": "Nyhagen"})
    rejected = site.api.trigger(CUSTOMERS)
    question = site.api.wait_for_question(CUSTOMERS, rejected)
    assert "customers" in question["subject"]
    assert "1 update in Shopify; the limit is 0" in question["body"]
    assert "| updates |" in question["body"]
    assert question["defaults"] == ["Reject"]
    plan = site.api.result(CUSTOMERS, rejected, "transform")["plan"]
    page = f"{site.api.url}/samklang/customers/plans/{plan}"
    assert f"]({page})" in question["body"]
    assert site.api.links(CUSTOMERS, rejected, "review") == {"Samklang console": page}
    assert site.wait_for_post(rejected, "waiting")["why"].startswith("customers: plan")
    assert "not finished 1 minutes" in site.wait_for_post(rejected, "late", seconds=90)["why"]
    site.api.answer(CUSTOMERS, rejected, "Reject", reason="far too\nmany")
    assert site.api.wait(CUSTOMERS, rejected) == "success"
    states = site.api.task_states(CUSTOMERS, rejected)
    assert states["load_shopify"] == states["load_powerofficego"] == "skipped"
    settled = site.api.result(CUSTOMERS, rejected, "settle")
    assert settled["state"] == "rejected"
    assert settled["review"] == {"decision": "rejected", "by": "Anonymous", "reason": "far too many"}
    assert "rejected by Anonymous (far too many)" in site.api.log(CUSTOMERS, rejected, "settle")
    assert "rejected by Anonymous (far too many)" in site.note(CUSTOMERS, rejected)
    assert site.api.links(CUSTOMERS, rejected, "settle")["Samklang console"].startswith(f"{site.api.url}/samklang/cust")
    assert site.writes() == written

    approved = site.api.trigger(CUSTOMERS)
    site.api.wait_for_question(CUSTOMERS, approved)
    site.api.answer(CUSTOMERS, approved, "Approve")
    assert site.api.wait(CUSTOMERS, approved) == "success"
    assert site.api.result(CUSTOMERS, approved, "review")["decision"] == "approved"
    assert site.api.result(CUSTOMERS, approved, "review")["by"] != "nobody in time"
    assert site.writes() == written + 1
    assert "Nyhagen" in str(site.simulators.shopify.state()["customers"])

    # a cleared task runs again, asks nobody and writes nothing
    before = site.status("customers")
    for task_id in ("load_shopify", "review"):
        assert site.clear(CUSTOMERS, approved, task_id) == "success"
    assert site.writes() == written + 1
    assert site.status("customers")["in_sync"] == before["in_sync"]

    # a plan that is approved after a newer one was carried out has nothing left to do, and says why
    site.api.clear(CUSTOMERS, rejected, "review")
    site.api.wait_for_question(CUSTOMERS, rejected)
    site.api.answer(CUSTOMERS, rejected, "Approve")
    assert site.api.wait(CUSTOMERS, rejected) == "success"
    for task_id in ("load_shopify", "load_powerofficego"):
        assert site.api.task_states(CUSTOMERS, rejected)[task_id] == "skipped"
        assert "Nothing to do: what was still open is in the newer plan." in site.api.log(CUSTOMERS, rejected, task_id)
    assert site.api.result(CUSTOMERS, rejected, "settle")["state"] == "outdated"
    assert site.writes() == written + 1

    # a backfill is three windows on the past: nothing is created, no watermark moves
    site.change_mapping("customers", r"^  updates: 0", "  updates: 500")
    # never on the hour: Airflow takes both ends with it, and the schedule goes by the hour at which the test began
    end = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(days=4)
    backfill = site.api.backfill(CUSTOMERS, end - timedelta(days=3), end, on_guard="proceed")
    # a run by hand goes on beside it: either may find its plan outdated by the other's, and then has nothing to do
    wait_until(lambda: "backfill" in [run["run_type"] for run in site.api.runs(CUSTOMERS)], "a backfill", seconds=60)
    beside = site.api.trigger(CUSTOMERS)
    site.api.wait(CUSTOMERS, beside)
    site.api.wait_for_backfill(backfill)
    backfills = [run for run in site.api.runs(CUSTOMERS) if run["run_type"] == "backfill"]
    assert len(backfills) == 3
    for run_id in [beside, *(run["dag_run_id"] for run in backfills)]:
        states = site.api.task_states(CUSTOMERS, run_id)
        skipped = [task for task, state in states.items() if state == "skipped"]
        for task_id in skipped:
            assert "which has been carried out since" in site.api.log(CUSTOMERS, run_id, task_id)
        assert set(states.values()) <= {"success", "skipped"}
        assert site.api.result(CUSTOMERS, run_id, "settle")["state"] == ("outdated" if skipped else "success")
    assert all(run["data_interval_start"] < run["data_interval_end"] for run in backfills)
    assert site.writes() == written + 1
    after = site.status("customers")
    assert (after["linked"], after["in_sync"]) == (before["linked"], before["in_sync"])


def test_a_run_that_fails_is_told_and_goes_on_once_it_is_mended_and_cleared(site: Site) -> None:
    site.api.wait(PRODUCTS, site.first_run(PRODUCTS))
    scopes = site.simulators.shopify.switches()["scopes"]
    site.simulators.shopify.switch(scopes=["write_customers"])
    run_id = site.api.trigger(PRODUCTS)
    assert site.api.wait(PRODUCTS, run_id) == "failed"
    assert site.note(PRODUCTS, run_id).startswith("Products: extract_shopify failed.")
    told = site.wait_for_post(run_id, "failed", seconds=90)
    assert told["why"] == "Products: extract_shopify failed"
    assert told["link"].startswith(f"{site.api.url}/dags/{PRODUCTS}/runs/manual__")

    site.simulators.shopify.switch(scopes=scopes)
    assert site.clear(PRODUCTS, run_id, "extract_shopify") == "success"
    assert set(site.api.task_states(PRODUCTS, run_id).values()) == {"success"}
    wait_until(lambda: site.note(PRODUCTS, run_id).startswith("Products: in tune"), "a new note", seconds=10)


def test_a_paused_dag_stands_still_and_goes_on_where_it_was(site: Site) -> None:
    site.api.wait(PRODUCTS, site.first_run(PRODUCTS))
    run_id = site.api.trigger(PRODUCTS)
    wait_until(lambda: "running" in site.api.task_states(PRODUCTS, run_id).values(), "a task", seconds=60)
    site.api.pause(PRODUCTS)
    waiting = site.api.trigger(PRODUCTS)
    wait_until(lambda: "running" not in site.api.task_states(PRODUCTS, run_id).values(), "the tasks' end", seconds=60)
    states = site.api.task_states(PRODUCTS, run_id)
    time.sleep(3)
    assert site.api.task_states(PRODUCTS, run_id) == states
    assert None in states.values()
    assert site.api.run_state(PRODUCTS, waiting) == "queued"
    site.api.unpause(PRODUCTS)
    assert {site.api.wait(PRODUCTS, one) for one in (run_id, waiting)} == {"success"}
