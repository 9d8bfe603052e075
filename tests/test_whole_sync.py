"""Both clients, both simulators and the engine, without Airflow: two dirty systems come into tune and stay there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from samklang.core.mapping import Mapping
from samklang.demo import equality
from samklang.demo.place import write_mappings
from samklang.mapping_files import load_mapping
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
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
)
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts

GO, SHOP = "http://127.0.0.1:9101", "http://127.0.0.1:9102"
RECORDS = 400


class Pair:
    """Two simulators with a store between them; each run opens its systems anew, as each task does."""

    def __init__(self, folder: Path, entity: str) -> None:
        self.go = PowerOfficeGoSimulator(RECORDS, switches={"requests_per_second": 0})
        self.shop = ShopifySimulator(RECORDS, switches={"throttle": "off"})
        self.mapping: Mapping = load_mapping(entity, write_mappings(folder / "mappings", quiet=True))
        self.database = Database(f"sqlite:///{folder / 'store.db'}")
        self.staging = Staging(folder / "staging", self.database.store_id())

    def open_system(self, side: str) -> Any:
        session = requests.Session()
        session.mount(GO, InProcess(self.go))
        session.mount(SHOP, InProcess(self.shop))
        memory = StoredMemory(self.database, side)
        if side == "powerofficego":
            extra = {"subscription_key": "sub", "token_url": f"{GO}/OAuth/Token", "requests_per_second": 1000}
            config = PowerOfficeGoConfig.from_connection(f"{GO}/v2", "app", "client", extra)
            go_kind = {"customers": PowerOfficeGoCustomers, "products": PowerOfficeGoProducts}[self.mapping.entity]
            return go_kind(PowerOfficeGoClient(config, session), self.mapping.names(side), memory)
        shop_config = ShopifyConfig.from_connection(SHOP, None, "shpat_simulated", {})
        shop_kind: Callable[..., Any]
        shop_kind = {"customers": ShopifyCustomers, "products": ShopifyProducts}[self.mapping.entity]
        return shop_kind(ShopifyClient(shop_config, session), self.mapping.names(side), memory)

    def run(self, number: int) -> tuple[dict[str, Any], int, int]:
        """:returns: the plan's counts; how many writes and how many requests both systems saw."""
        self.go.clear_log()
        self.shop.clear_log()
        run = Run(f"run-{number}")
        reads = [extract(self._sync(), side, run) for side in self.mapping.sides]
        plan = transform(self._sync(), run, reads)
        with self.database.begin() as connection:
            journal.set_plan(connection, plan["plan"], state="approved")
        written = {side: load(self._sync(), side, plan) for side in self.mapping.sides}
        settle(self._sync(), run, reads=reads, plan=plan, written=written, failed=[])
        polls = sum(1 for one in self.shop.requests() if one["operation"] == "PollBulk")
        requests_sent = len(self.go.requests()) + len(self.shop.requests()) - polls
        return plan["counts"], len(self.go.writes()) + len(self.shop.writes()), requests_sent

    def equality(self) -> equality.Equality:
        go, shop = self.go.state(), self.shop.state()
        client_id, shop_id = (self.open_system(side).describe().id for side in self.mapping.sides)
        if self.mapping.entity == "products":
            return equality.products(go["products"], shop["products"], client_id)
        return equality.customers(go["customers"], shop["customers"], client_id, shop_id)

    def _sync(self) -> Sync:
        return Sync(self.mapping, self.database, self.staging, self.open_system, lambda: datetime.now(UTC))


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_the_first_run_makes_both_systems_equal_and_the_next_ones_write_nothing(tmp_path: Path, entity: str) -> None:
    pair = Pair(tmp_path, entity)

    first, writes, _ = pair.run(1)
    assert first["links"] > RECORDS / 2
    assert all(first["creates"][side] > RECORDS / 4 for side in pair.mapping.sides)
    assert writes >= sum(first["creates"].values())

    after = pair.equality()
    assert after.faults == []
    assert after.equal > 0.9 * after.pairs

    for number in (2, 3):
        _, writes, requests_sent = pair.run(number)
        assert writes == 0
        assert requests_sent <= 10
    pair.database.close()
