"""Both simulators with both clients and the shipped engine between them, in one process and in a time of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Table, select
from tests.sync.world import do_not_wait_for_the_disk

from samklang.core.mapping import Mapping
from samklang.demo.place import write_mappings
from samklang.mapping_files import load_mapping
from samklang.simulators.control import Controlled
from samklang.simulators.http import InProcess
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.report import status
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
)
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts

GO, SHOP = "powerofficego", "shopify"
_URLS = {GO: "http://127.0.0.1:9101", SHOP: "http://127.0.0.1:9102"}
_KINDS: dict[tuple[str, str], Callable[..., Any]] = {
    (GO, "customers"): PowerOfficeGoCustomers,
    (GO, "products"): PowerOfficeGoProducts,
    (SHOP, "customers"): ShopifyCustomers,
    (SHOP, "products"): ShopifyProducts,
}


class BothSystems:
    """New records are made on both sides (see `demo.place`). Each step opens its systems anew, as each task does."""

    def __init__(self, folder: Path, entity: str) -> None:
        self.moment = datetime(2026, 11, 20, 8, tzinfo=UTC)
        self.simulators: dict[str, Controlled] = {
            GO: PowerOfficeGoSimulator(now=self.now, switches={"requests_per_second": 0}),
            SHOP: ShopifySimulator(now=self.now, switches={"throttle": "off"}),
        }
        self.mapping: Mapping = load_mapping(entity, write_mappings(folder / "mappings", quiet=True))
        self.file = folder / "store.db"
        self.database = self._open()
        self.staging = Staging(folder / "staging", self.database.store_id())
        self.runs = 0

    def now(self) -> datetime:
        """A second later each time that anybody looks."""
        self.moment += timedelta(seconds=1)
        return self.moment

    # --- what people do

    def add(self, side: str, **values: Any) -> str:
        """A new record. :returns: its id in the system; of a Shopify product, that of the product."""
        made = self.simulators[side].edit({"entity": self.mapping.entity, "create": _dotted(values)})
        return str(made.get("Id") or made["legacyResourceId"])

    def edit(self, side: str, record_id: str, **values: Any) -> None:
        self.simulators[side].edit({"entity": self.mapping.entity, "id": record_id, "set": _dotted(values)})

    def delete(self, side: str, record_id: str) -> None:
        self.simulators[side].edit({"entity": self.mapping.entity, "id": record_id, "delete": True})

    def show(self, side: str) -> list[dict[str, Any]]:
        """All records, as the API would show them."""
        found: list[dict[str, Any]] = self.simulators[side].state()[self.mapping.entity]
        return found

    # --- runs

    def begin(self, **options: Any) -> Run:
        self.runs += 1
        self.moment += timedelta(minutes=15)
        return Run(f"run-{self.runs}", **options)

    def read(self, run: Run) -> list[dict[str, Any]]:
        return [extract(self.sync(), side, run) for side in self.mapping.sides]

    def run(self, **options: Any) -> dict[str, Any]:
        """A whole run, with its plan approved. :returns: the summary."""
        for simulator in self.simulators.values():
            simulator.clear_log()
        run = self.begin(**options)
        reads = self.read(run)
        plan = transform(self.sync(), run, reads)
        with self.database.begin() as connection:
            journal.set_plan(connection, plan["plan"], state="approved")
        written = {side: load(self.sync(), side, plan) for side in self.mapping.sides}
        return settle(self.sync(), run, reads=reads, plan=plan, written=written, failed=[])

    def writes(self) -> list[tuple[str, str]]:
        """Side and action of each write of the last run."""
        return [(side, one["action"]) for side, simulator in self.simulators.items() for one in simulator.writes()]

    def fail_next(self, side: str, match: str, status: int = 500, **more: Any) -> None:
        self.simulators[side].switches({"fail_next": [{"match": match, "status": status, **more}]})

    # --- the store

    def copy_store(self) -> Path:
        """A backup of the store as it is now."""
        self.database.close()
        copy = self.file.with_suffix(f".{self.runs}.backup")
        shutil.copy(self.file, copy)
        return copy

    def restore_store(self, copy: Path) -> None:
        self.database.close()
        for leftover in self.file.parent.glob(f"{self.file.name}-*"):
            leftover.unlink()
        shutil.copy(copy, self.file)
        self.database = self._open()

    def status(self) -> dict[str, Any]:
        return status(self.database, self.mapping)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    # --- inside

    def sync(self) -> Sync:
        return Sync(self.mapping, self.database, self.staging, self.open_system, self.now)

    def open_system(self, side: str) -> Any:
        session = requests.Session()
        for name, simulator in self.simulators.items():
            session.mount(_URLS[name], InProcess(simulator))
        time = {"sleep": self._sleep, "clock": lambda: self.moment.timestamp(), "random": lambda: 0.0}
        client: Any
        if side == GO:
            extra = {"subscription_key": "sub", "token_url": f"{_URLS[GO]}/OAuth/Token", "requests_per_second": 1000}
            config = PowerOfficeGoConfig.from_connection(f"{_URLS[GO]}/v2", "app", "client", extra)
            client = PowerOfficeGoClient(config, session, **time)  # type: ignore[arg-type]
        else:
            client = ShopifyClient(
                ShopifyConfig.from_connection(_URLS[SHOP], None, "shpat_simulated", {}),
                session,
                **time,  # type: ignore[arg-type]
            )
        memory = StoredMemory(self.database, side)
        return _KINDS[side, self.mapping.entity](client, self.mapping.names(side), memory, workers=1)

    def _sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def _open(self) -> Database:
        database = Database(f"sqlite:///{self.file}")
        do_not_wait_for_the_disk(database)
        return database


def _dotted(values: dict[str, Any]) -> dict[str, Any]:
    """`MailAddress__City` as `MailAddress.City`."""
    return {name.replace("__", "."): value for name, value in values.items()}
