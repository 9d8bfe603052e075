"""The world of the browser tests: a real Airflow with users, its scheduler, PostgreSQL, and both systems simulated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from samklang.demo.airflow_server import AirflowApi, AirflowServer
from samklang.demo.edits import customer_twins, product_twins
from samklang.demo.place import write_mappings
from samklang.demo.processes import (
    Block,
    PostgreSQL,
    Simulators,
    connection_variables,
    store_connection,
    wait_until,
)
from samklang.mapping_files import load_mapping
from samklang.store import actions
from samklang.store.database import Database
from samklang.sync.report import status

CUSTOMERS, PRODUCTS = "sync_customers", "sync_products"
RECORDS = 180
USERS = {"olga": "op", "viggo": "viewer"}
"""By role. The op may edit DAGs, the viewer may look."""
QUARANTINED = 3
"""New customers that PowerOffice Go refuses in the first run."""

# People decide about last names, and say what the merchant of the demo says.
_ASK = ("customers.yaml", "shopify: lastName, kind: text,", "shopify: lastName, kind: text, policy: ask,")
# A mass edit takes few records away from the other tests.
_TENTH = ("customers.yaml", "part: 20%", "part: 10%")
# Tasks start in half the time where the scheduler has imported this before it forks.
_PRELOADED = "import pandas, pyarrow.parquet, samklang.airflow.context, samklang.sync.load, samklang.sync.transform\n"
_REFUSED = {
    "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
    "title": "Customer validation error(s)",
    "status": 400,
    "detail": "The customer is not accepted.",
    "validationErrors": {},
}
_ENDED = ("success", "failed")

Json = dict[str, Any]


class Site(Block):
    """Everything up, both DAGs run once, so that each list of the console has something in it.

    :param folder: for data, logs and mappings. PostgreSQL must be able to reach it, whoever it runs as.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mappings = folder / "mappings"
        self.simulators = Simulators(folder / "logs", records=RECORDS, pace=50)
        self.postgres = PostgreSQL(folder / "postgres")
        self.airflow: AirflowServer
        self.first_runs: dict[str, str] = {}
        """Their ids, by DAG."""
        self._made = 0
        self._stack = ExitStack()
        self._handed_out: set[tuple[str, str]] = set()

    @property
    def api(self) -> AirflowApi:
        return self.airflow.api

    @property
    def url(self) -> str:
        return self.airflow.url

    def start(self) -> None:
        write_mappings(self.mappings, quiet=True)
        self.change_mapping(*_ASK)
        self.change_mapping(*_TENTH)
        self._stack.callback(self.simulators.stop)
        with ThreadPoolExecutor(1) as pool:
            simulators = pool.submit(self.simulators.start)
            self._stack.enter_context(self.postgres)
            simulators.result()
        home = self.folder / "airflow"
        (home / "config").mkdir(parents=True)
        (home / "config" / "airflow_local_settings.py").write_text(_PRELOADED)
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({user: password_of(user) for user in USERS}))
        variables = connection_variables({**self.simulators.connections(), **store_connection(self.postgres)})
        variables |= {
            "SAMKLANG_MAPPINGS": str(self.mappings),
            "SAMKLANG_STAGING": str(self.folder / "staging"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        }
        self.airflow = AirflowServer(home, self.postgres.url("airflow"), variables)
        self._stack.enter_context(self.airflow)
        self.api.sign_in("olga", password_of("olga"))
        wait_until(lambda: {CUSTOMERS, PRODUCTS} <= self.api.dag_ids(), "reading the DAG files", seconds=60)
        self._first_runs()

    def stop(self) -> None:
        self._stack.close()

    def _first_runs(self) -> None:
        """The schedule starts one of each as soon as it is switched on; both ask, and are approved."""
        fault = {"match": "POST /v2/Customers", "status": 400, "body": _REFUSED, "times": QUARANTINED}
        self.simulators.powerofficego.switch(fail_next=[fault])
        for dag_id in (CUSTOMERS, PRODUCTS):
            self.api.unpause(dag_id)
        for dag_id in (CUSTOMERS, PRODUCTS):
            wait_until(lambda dag_id=dag_id: bool(self.api.runs(dag_id)), f"the first run of {dag_id}", seconds=60)
            self.first_runs[dag_id] = str(self.api.runs(dag_id)[0]["dag_run_id"])
        for dag_id, run_id in self.first_runs.items():
            self.api.wait_for_question(dag_id, run_id)
            self.api.answer(dag_id, run_id, "Approve")
        for dag_id, run_id in self.first_runs.items():
            if self.api.wait(dag_id, run_id) != "success":
                raise RuntimeError(f"{dag_id}: {self.api.task_states(dag_id, run_id)}")

    # --- runs ----------------------------------------------------------------------------------------------------

    def run(self, dag_id: str = CUSTOMERS, **conf: Any) -> str:
        """One run to its end, whatever the limits say. :returns: its id. :raises AssertionError: it failed."""
        run_id = self.api.trigger(dag_id, **{"on_guard": "proceed", **conf})
        assert self.api.wait(dag_id, run_id) == "success"
        return run_id

    def parked(self, dag_id: str = CUSTOMERS) -> str:
        """Start a run that will ask, and wait until it does. :returns: its id."""
        run_id = self.api.trigger(dag_id)
        self.api.wait_for_question(dag_id, run_id)
        return run_id

    def first_plan(self, dag_id: str = CUSTOMERS) -> int:
        """The number of the plan that linked and created everybody."""
        return int(self.api.result(dag_id, self.first_runs[dag_id], "transform")["plan"])

    def end_runs(self) -> None:
        """End what a test that failed has left running or waiting: it would hold up the runs of the next one."""
        for dag_id in (CUSTOMERS, PRODUCTS):
            for run in self.api.runs(dag_id):
                if run["state"] not in _ENDED:
                    self.api.call("PATCH", f"dags/{dag_id}/dagRuns/{run['dag_run_id']}", {"state": "failed"})

    # --- records -------------------------------------------------------------------------------------------------

    def twins(self, number: int = 1, entity: str = "customers", *, keep: bool = True) -> list[tuple[Json, Json]]:
        """Linked records that no other test has got: of PowerOffice Go, and its twin of Shopify.

        :param keep: nobody else gets them either; False: the caller leaves them as they were.
        """
        go, shop = self.simulators.powerofficego.state(), self.simulators.shopify.state()
        pairs = (customer_twins if entity == "customers" else product_twins)(go[entity], shop[entity])
        free = [pair for pair in pairs if (entity, str(pair[0]["Id"])) not in self._handed_out and _agree(*pair)]
        free = free[:number] if keep else free[-number:]
        assert len(free) == number, f"no more twins among the {entity}; raise RECORDS"
        if keep:
            self._handed_out |= {(entity, str(one["Id"])) for one, _ in free}
        return free

    def quarantined(self, number: int, words: str) -> list[str]:
        """New customers of the shop that PowerOffice Go refuses, for a reason that it gives in these words.

        :returns: their numbers in Shopify.
        """
        self._made += number
        made = [
            self.simulators.shopify.edit(
                "customers",
                create={
                    "firstName": "Ny",
                    "lastName": f"Kunde {self._made - n}",
                    "email": f"ny{self._made - n}@post.example",
                },
            )
            for n in range(number)
        ]
        fault = {"match": "POST /v2/Customers", "status": 400, "body": {**_REFUSED, "detail": words}, "times": 100}
        self.simulators.powerofficego.switch(fail_next=[fault])
        self.run()
        self.simulators.powerofficego.switch(fail_next=[])
        return [customer["legacyResourceId"] for customer in made]

    def has_twin(self, shop_id: str) -> bool:
        """Whether PowerOffice Go has a customer that was made for this one."""
        keys = [
            customer["ExternalImportReference"] or "" for customer in self.simulators.powerofficego.state()["customers"]
        ]
        return any(key.endswith(f":{shop_id}") for key in keys)

    def customer(self, record_id: Any) -> Json:
        """As PowerOffice Go has it now."""
        return next(c for c in self.simulators.powerofficego.state()["customers"] if str(c["Id"]) == str(record_id))

    def shop_customer(self, record_id: Any) -> Json:
        """As Shopify has it now. :param record_id: its number."""
        rows = self.simulators.shopify.state()["customers"]
        return next(row for row in rows if row["legacyResourceId"] == str(record_id))

    def writes(self) -> int:
        """What we have written to both systems so far."""
        return len(self.simulators.powerofficego.writes("api")) + len(self.simulators.shopify.writes("api"))

    def status(self, entity: str = "customers") -> Json:
        """What `samklang status` says."""
        with self.database() as database:
            return status(database, load_mapping(entity, self.mappings))

    def actions(self, record: str, entity: str = "customers") -> list[tuple[str, str]]:
        """What people did to a record, and who, newest first. :param record: `side:id`."""
        with self.database() as database, database.read() as connection:
            rows = actions.newest(connection, entity, limit=200)
        return [(row["what"], row["person"]) for row in rows if record in row["records"]]

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.postgres.url("samklang"))
        try:
            yield database
        finally:
            database.close()

    def change_mapping(self, file: str, old: str, new: str) -> None:
        path = self.mappings / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} no longer says {old!r} exactly once"
        path.write_text(text.replace(old, new))


def password_of(user: str) -> str:
    return f"{user}s-passord"


def _agree(one: Json, other: Json) -> bool:
    """No conflict about the name is open between them."""
    return one.get("LastName") == other.get("lastName")
