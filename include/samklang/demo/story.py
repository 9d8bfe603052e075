"""The whole story in the terminal: two dirty systems come into tune and stay there, on a real Airflow."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console
from rich.table import Table

from samklang.core.sides import TITLES
from samklang.demo import equality
from samklang.demo.airflow_server import AirflowServer
from samklang.demo.edits import Dozen, carry_out, choose, outcome
from samklang.demo.place import DECISIONS, FOLDER, write_mappings
from samklang.demo.processes import PostgreSQL, Simulators, connection_variables, store_connection, wait_until

DAGS = ("sync_customers", "sync_products")
RECORDS = 2_000
OVERLAP = 0.85
PACE = 50
"""At the real limits the first run would be a matter of minutes; the story is about what happens."""


class Story:
    """Tell it. :param records: customers, and products, on each side."""

    def __init__(self, console: Console, records: int = RECORDS) -> None:
        self._console = console
        self._records = records
        self._started = time.monotonic()

    def tell(self) -> bool:
        """:returns: whether both systems are equal in the end."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        mappings = write_mappings(FOLDER / "mappings", quiet=True)
        self._chapter("Two systems and a real Airflow start, on this machine alone")
        simulators = Simulators(FOLDER / "logs", records=self._records, overlap=OVERLAP, pace=PACE)
        postgres = PostgreSQL(FOLDER / "postgres")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda block: block.__enter__(), (simulators, postgres)))
        try:
            variables = connection_variables({**simulators.connections(), **store_connection(postgres)})
            variables |= {"SAMKLANG_MAPPINGS": str(mappings)}
            with AirflowServer(FOLDER / "airflow", postgres.url("airflow"), variables) as airflow:
                self._say(f"The simulators take {PACE} times the requests of the real systems.")
                self._say(f"Airflow answers at {airflow.url}; the mapping is the shipped one with these decisions:")
                for name, _, decision in DECISIONS:
                    self._say(f"    {name}: {' '.join(decision.split())}", markup=False)
                return self._runs(airflow, simulators)
        finally:
            simulators.stop()
            postgres.stop()

    def _runs(self, airflow: AirflowServer, simulators: Simulators) -> bool:
        go, shop = simulators.powerofficego, simulators.shopify
        self._before(go.state(), shop.state())

        self._chapter("First run: the match report, and what the limits ask")
        wait_until(lambda: set(DAGS) <= airflow.api.dag_ids(), "reading the DAG files", seconds=60)
        for dag in DAGS:
            airflow.api.unpause(dag)
        first = {dag: self._first_run(airflow, dag) for dag in DAGS}
        for dag, run in first.items():
            self._match_report(dag, self._parked(airflow, dag, run))
        for dag, run in first.items():
            airflow.api.answer(dag, run, "Approve")
        self._say("Approved, as a person would in Airflow's Required Actions.")
        self._finish(airflow, first, simulators)

        self._chapter("People work: a dozen edits on both sides, a conflict among them")
        dozen = choose(go.state(), shop.state())
        carry_out(dozen, go, shop)
        self._say(f"{len(dozen.edits)} edits were made.")

        self._chapter("Second run: each edit finds its way")
        self._run(airflow, simulators)
        self._edits(dozen, go.state(), shop.state())

        self._chapter("Third run: nothing to do")
        written = self._run(airflow, simulators)

        self._chapter("Are both systems equal? A separate reader compares every record")
        return self._equal(go.state(), shop.state()) and written == 0

    # --- runs ----------------------------------------------------------------------------------------------------

    def _first_run(self, airflow: AirflowServer, dag: str) -> str:
        """The schedule starts it as soon as the DAG is unpaused."""
        wait_until(lambda: bool(airflow.api.runs(dag)), f"the first run of {dag}", seconds=60)
        return str(airflow.api.runs(dag)[0]["dag_run_id"])

    def _parked(self, airflow: AirflowServer, dag: str, run: str) -> dict[str, Any]:
        question = airflow.api.wait_for_question(dag, run, seconds=120)
        counts: dict[str, Any] = airflow.api.result(dag, run, "transform")["counts"]
        return counts | {"question": question}

    def _run(self, airflow: AirflowServer, simulators: Simulators) -> int:
        simulators.powerofficego.clear_log()
        simulators.shopify.clear_log()
        return self._finish(airflow, {dag: airflow.api.trigger(dag) for dag in DAGS}, simulators)

    def _finish(self, airflow: AirflowServer, runs: dict[str, str], simulators: Simulators) -> int:
        """Wait for the runs and say what they wrote. :returns: writes to both systems."""
        for dag, run in runs.items():
            state = airflow.api.wait(dag, run, seconds=300)
            if state != "success":
                raise RuntimeError(f"{dag} ended as {state}; its logs are in {FOLDER / 'airflow' / 'logs'}")
        table = _table("", *TITLES.values())
        written: Counter[str] = Counter()
        for side, control in (("powerofficego", simulators.powerofficego), ("shopify", simulators.shopify)):
            for write in control.writes("api"):
                written[f"{side} {write['entity']} {write['action']}"] += 1
                written[side] += 1
        for entity in ("customers", "products"):
            for action, past in (("create", "created"), ("update", "updated")):
                table.add_row(f"{entity} {past}", *(str(written[f"{side} {entity} {action}"]) for side in TITLES))
        requests = (len(control.requests()) for control in (simulators.powerofficego, simulators.shopify))
        table.add_row("requests sent", *(str(number) for number in requests))
        self._console.print(table)
        return written["powerofficego"] + written["shopify"]

    # --- tables --------------------------------------------------------------------------------------------------

    def _before(self, go: dict[str, Any], shop: dict[str, Any]) -> None:
        table = _table("Before", *TITLES.values())
        persons = [c for c in go["customers"] if c["IsPerson"]]
        emails = Counter((c["EmailAddress"] or "").strip().lower() for c in persons if c["EmailAddress"])
        table.add_row("customers (in PowerOffice Go: persons)", str(len(persons)), str(len(shop["customers"])))
        table.add_row("companies besides", str(len(go["customers"]) - len(persons)), "—")
        table.add_row(
            "without an e-mail address", *(str(sum(1 for c in rows if not c[name])) for rows, name in (
                (persons, "EmailAddress"), (shop["customers"], "email")))
        )  # fmt: skip
        table.add_row("e-mail addresses held twice", str(sum(1 for n in emails.values() if n > 1)), "0")
        table.add_row("several addresses", "—", str(sum(1 for c in shop["customers"] if len(c["addresses"]) > 1)))
        table.add_row("archived", str(sum(1 for c in persons if c["IsArchived"])), "—")
        table.add_row("products", str(len(go["products"])), str(len(shop["products"])))
        table.add_row("variants", "—", str(sum(len(p["variants"]) for p in shop["products"])))
        self._console.print(table)

    def _match_report(self, dag: str, counts: dict[str, Any]) -> None:
        table = _table(f"{dag}: what the first run would do", *TITLES.values())
        table.add_row("linked, found on both sides", str(counts["links"]), str(counts["links"]))
        for kind in ("creates", "updates", "clears"):
            table.add_row(kind, *(str(counts[kind][side]) for side in TITLES))
        self._console.print(table)
        self._say(f"    fields that differ on new links: {counts['link_conflicts']}, decided by the later edit")
        for name in ("held", "ambiguous", "excluded"):
            reasons = ", ".join(f"{n} {reason}" for reason, n in counts.get(f"{name}_reasons", {}).items())
            self._say(f"    {name}: {counts[name]}" + (f" ({reasons})" if reasons else ""))
        body = str(counts["question"].get("body") or counts["question"].get("subject"))
        for line in body.splitlines():
            if "limit is" in line:
                self._say(f"    [yellow]the limits ask:[/] {line.lstrip('-* ')}")

    def _edits(self, dozen: Dozen, go: dict[str, Any], shop: dict[str, Any]) -> None:
        table = _table("", "edited in", "what", *(f"now in {name}" for name in TITLES.values()), plain=True)
        for edit in dozen.edits:
            table.add_row(edit.where, edit.what, *outcome(edit, go, shop))
        self._console.print(table)

    def _equal(self, go: dict[str, Any], shop: dict[str, Any]) -> bool:
        client_id, shop_id = _tenants(go, shop)
        results = [
            equality.customers(go["customers"], shop["customers"], client_id, shop_id),
            equality.products(go["products"], shop["products"], client_id),
        ]
        for result in results:
            table = _table(f"{result.entity}: {result.pairs} pairs, {result.equal} equal in every field", "how many")
            for reason, number in result.unequal.most_common():
                table.add_row(reason, str(number))
            self._console.print(table)
        faults = [fault for result in results for fault in result.faults]
        for what, ids, name in faults[:20]:
            self._say(f"    [red]unequal without a reason:[/] {what} {ids} {name}")
        verdict = "[red]not equal[/]" if faults else "[green]equal, but for what is listed, each with its reason[/]"
        self._say(f"Both systems are {verdict}. {time.monotonic() - self._started:.0f} seconds in all.")
        return not faults

    def _chapter(self, title: str) -> None:
        self._console.print()
        self._console.rule(f"[dim]{time.monotonic() - self._started:4.0f} s[/]  [bold]{title}", align="left")

    def _say(self, line: str, *, markup: bool = True) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=markup)


def _tenants(go: dict[str, Any], shop: dict[str, Any]) -> tuple[str, str]:
    """Both ids, as they stand in the keys on created records."""
    keys = (f for p in shop["products"] + shop["customers"] for f in [equality.metafield(p)] if f)
    references = (c["ExternalImportReference"] for c in go["customers"] if c["ExternalImportReference"])
    client_id = next(keys, "").rpartition("-")[0]
    return client_id, next(references, "shopify::").split(":")[1]


def _table(title: str, *headings: str, plain: bool = False) -> Table:
    table = Table(title=title or None, title_justify="left")
    if not plain:
        table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="left" if plain else "right")
    return table
