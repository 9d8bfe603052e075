"""Tasks as processes of their own on one store, against both simulators over HTTP; some are killed in the middle."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import pytest

from samklang.core.mapping_file import parse_mapping
from samklang.demo import equality
from samklang.demo.place import write_mappings
from samklang.simulators.http import served
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
from samklang.systems.powerofficego import PowerOfficeGoClient, PowerOfficeGoConfig, PowerOfficeGoProducts
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyProducts

GO, SHOP = "powerofficego", "shopify"
FORK = multiprocessing.get_context("fork")


class Site:
    """Products of two simulated systems; PowerOffice Go lets two products have one code."""

    def __init__(self, folder: Path, store: str, stack: ExitStack, *, in_go: int, in_shop: int) -> None:
        self.go = PowerOfficeGoSimulator(in_go, switches={"requests_per_second": 0, "product_code": "free"})
        self.shop = ShopifySimulator(in_shop, switches={"throttle": "off"})
        self.go_url, self.shop_url = (stack.enter_context(served(one)) for one in (self.go, self.shop))
        text = (write_mappings(folder / "mappings", quiet=True) / "products.yaml").read_text()
        self.mapping = parse_mapping(text, file="products.yaml")
        self.store, self.folder = store, folder
        self._stack = stack

    def sync(self, sleep: Callable[[float], None] = time.sleep) -> Sync:
        database = Database(self.store)

        def open_system(side: str) -> Any:
            memory = StoredMemory(database, side)
            if side == SHOP:
                shop = ShopifyConfig.from_connection(self.shop_url, None, "shpat_simulated", {})
                return ShopifyProducts(ShopifyClient(shop), self.mapping.names(side), memory, workers=1)
            extra = {"subscription_key": "sub", "token_url": f"{self.go_url}/OAuth/Token", "requests_per_second": 1000}
            go = PowerOfficeGoConfig.from_connection(f"{self.go_url}/v2", "app", "client", extra)
            return PowerOfficeGoProducts(PowerOfficeGoClient(go), self.mapping.names(side), memory, workers=1)

        staging = Staging(self.folder / "staging", database.store_id())
        return Sync(self.mapping, database, staging, open_system, lambda: datetime.now(UTC), sleep)

    def plan(self, run: str) -> dict[str, Any]:
        sync, this = self.sync(), Run(run)
        plan = transform(sync, this, [extract(sync, side, this) for side in (GO, SHOP)])
        self.approve(plan)
        sync.database.close()
        return plan

    def approve(self, plan: dict[str, Any]) -> None:
        database = Database(self.store)
        with database.begin() as connection:
            journal.set_plan(connection, plan["plan"], state="approved")
        database.close()

    def start(self, step: Callable[[Sync], Any], *, stop_at: str | None = None) -> Task:
        task = Task(self, step, stop_at)
        self._stack.callback(task.end)
        return task

    def codes(self) -> Counter[str]:
        return Counter(product["Code"] for product in self.go.state()["products"])

    def status(self) -> dict[str, Any]:
        database = Database(self.store)
        found = status(database, self.mapping)
        database.close()
        return found


class Task:
    """One step in a process of its own, which tells how far it is.

    :param stop_at: `sending` or `sent`: it waits for `go_on` before or after its first product is made.
    """

    def __init__(self, site: Site, step: Callable[[Sync], Any], stop_at: str | None) -> None:
        self._pipe, theirs = FORK.Pipe()
        self._process = FORK.Process(target=_work, args=(site, step, stop_at, theirs))
        self._process.start()
        theirs.close()

    def says(self) -> Any:
        assert self._pipe.poll(60)
        return self._pipe.recv()

    def go_on(self) -> None:
        self._pipe.send("go on")

    def kill(self) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def end(self) -> None:
        if self._process.is_alive():
            self.kill()


def _work(site: Site, step: Callable[[Sync], Any], stop_at: str | None, pipe: Pipe) -> None:
    told: list[str] = []

    def tell(what: str) -> None:
        if not told:
            told.append(what)
            pipe.send(what)

    def sleep(_seconds: float) -> None:
        if stop_at is None:
            tell("waiting")
        time.sleep(0.02)

    post = PowerOfficeGoClient.post

    def stopping_post(self: Any, *args: Any, **options: Any) -> Any:
        if stop_at == "sending":
            first, _ = not told, tell("sending")
            if first:
                pipe.recv()
        reply = post(self, *args, **options)
        if stop_at == "sent":
            first, _ = not told, tell("sent")
            if first:
                pipe.recv()
        return reply

    PowerOfficeGoClient.post = stopping_post  # type: ignore[method-assign]
    try:
        result = step(site.sync(sleep))
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    pipe.send(result)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    if request.param == "sqlite":
        store = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        store = request.getfixturevalue("new_postgres_url")()
    with ExitStack() as stack:
        yield lambda **records: Site(tmp_path, store, stack, **records)


def test_of_two_copies_of_a_load_the_second_waits_and_no_product_is_doubled(new_site: Callable[..., Site]) -> None:
    """Both would have found the codes free; nothing in PowerOffice Go would have stopped the second one."""
    site = new_site(in_go=0, in_shop=8)
    plan = site.plan("run-1")

    first = site.start(lambda sync: load(sync, GO, plan)["outcomes"], stop_at="sending")
    assert first.says() == "sending"
    second = site.start(lambda sync: load(sync, GO, plan)["outcomes"])
    assert second.says() == "waiting"
    assert site.go.state()["products"] == []
    first.go_on()

    made = first.says()
    assert made == second.says()
    assert made["created"] == len(site.codes()) > 5
    assert set(site.codes().values()) == {1}


@pytest.mark.parametrize("killed_when", ["sending", "sent"])
def test_a_load_that_is_killed_gives_way_at_once_and_the_next_one_finds_what_it_made(
    new_site: Callable[..., Site], killed_when: str
) -> None:
    site = new_site(in_go=0, in_shop=8)
    plan = site.plan("run-1")

    first = site.start(lambda sync: load(sync, GO, plan)["outcomes"], stop_at=killed_when)
    assert first.says() == killed_when
    second = site.start(lambda sync: load(sync, GO, plan)["outcomes"])
    assert second.says() == "waiting"
    first.kill()

    assert second.says()["created"] == len(site.codes()) > 5
    assert set(site.codes().values()) == {1}
    assert site.status()["pending_intents"] == 0


@pytest.mark.parametrize("name", ["Something else", None])
def test_a_code_that_another_product_took_before_a_killed_load_was_run_again_is_left_to_a_person(
    new_site: Callable[..., Site], name: str | None
) -> None:
    """:param name: of the other product; None: the same, but then there are two with the code."""
    site = new_site(in_go=0, in_shop=8)
    plan = site.plan("run-1")
    sync = site.sync()
    rows = list(sync.staging.read_lines(plan["folder"], "rows"))
    sync.database.close()  # no connection may cross a fork
    first = site.start(lambda sync: load(sync, GO, plan), stop_at="sent" if name is None else "sending")
    first.says()
    first.kill()
    (key,) = site.codes() or [rows[0]["key"]]
    values = {c["field"]: c["value"] for row in rows if row["key"] == key for c in row["changes"]}
    site.go.edit({"entity": "products", "create": {"Code": key, "Name": name or values["Name"]}})
    before = [product for product in site.go.state()["products"] if product["Code"] == key]

    outcomes = site.start(lambda sync: load(sync, GO, plan)["outcomes"]).says()

    assert outcomes == {"parked": 1, "created": len(rows) - 1}
    assert [product for product in site.go.state()["products"] if product["Code"] == key] == before
    assert site.codes() == {row["key"]: 1 for row in rows} | {key: len(before)}
    assert site.status()["linked"] == len(rows) - 1


def test_a_run_of_which_every_task_runs_twice_at_once_ends_as_if_each_had_run_once(
    new_site: Callable[..., Site],
) -> None:
    site = new_site(in_go=25, in_shop=25)
    run = Run("run-1")

    def twice(*steps: Callable[[Sync], Any]) -> list[Any]:
        """:returns: what the second copy of each step gave."""
        tasks = [site.start(step, stop_at="never") for step in steps + steps]
        results = [task.says() for task in tasks]
        assert not [text for text in results if isinstance(text, str)]
        return results[len(steps) :]

    reads = twice(*(lambda sync, side=side: extract(sync, side, run) for side in (GO, SHOP)))  # type: ignore[misc]
    (plan,) = twice(lambda sync: transform(sync, run, reads))
    site.approve(plan)
    written = twice(*(lambda sync, side=side: load(sync, side, plan) for side in (GO, SHOP)))  # type: ignore[misc]
    reports = dict(zip((GO, SHOP), written, strict=True))
    twice(lambda sync: settle(sync, run, reads=reads, plan=plan, written=reports, failed=[]))

    go, shop = site.go.state()["products"], site.shop.state()["products"]
    client_id = site.sync().system(GO).describe().id
    after = equality.products(go, shop, client_id)
    assert after.faults == []
    assert after.equal > 10
    assert all(written[n]["outcomes"]["created"] > 3 for n in (0, 1))
    again = site.plan("run-2")
    assert again["counts"]["creates"] == again["counts"]["updates"] == {GO: 0, SHOP: 0}
