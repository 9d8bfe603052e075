"""Tasks that share one Shopify bucket: each in a thread of its own, on a clock that goes on when all of them sleep."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from shop import CUSTOMER_FIELDS, HERE, PRODUCT_FIELDS

from both_systems import do_not_wait_for_the_disk
from samklang.simulators.http import InProcess, Request, Response
from samklang.simulators.shopify import ShopifySimulator
from samklang.store.database import Database
from samklang.store.pacing import StoredLimit
from samklang.systems.base import Change, Creation, Outcome, Update
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts

ROUND_TRIP = 0.2
START = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Together:
    """The clock of several threads, of which one runs at a time: the one whose sleep ends first."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._wakes: list[tuple[float, int, threading.Event]] = []
        self._number = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        mine = self._queue(seconds)
        self._next()
        mine.wait()

    def run(self, tasks: Sequence[Callable[[], Any]]) -> None:
        done = threading.Event()
        left = [len(tasks)]

        def play(task: Callable[[], Any], begin: threading.Event) -> None:
            begin.wait()
            try:
                task()
            finally:
                left[0] -= 1
                if left[0]:
                    self._next()
                else:
                    done.set()

        for task in tasks:
            threading.Thread(target=play, args=(task, self._queue(0)), daemon=True).start()
        self._next()
        assert done.wait(300)

    def _queue(self, seconds: float) -> threading.Event:
        event = threading.Event()
        with self._lock:
            self._number += 1
            heapq.heappush(self._wakes, (self.seconds + max(0.0, seconds), self._number, event))
        return event

    def _next(self) -> None:
        with self._lock:
            self.seconds, _, event = heapq.heappop(self._wakes)
        event.set()


class Site:
    """One shop of the smallest plan, and the tasks of several processes on one store."""

    def __init__(self, folder: Path, *, is_shared: bool = True, **switches: Any) -> None:
        self.time = Together()
        self.shop = ShopifySimulator(0, 1, now=self.time.now, switches=switches)
        self.database = Database(f"sqlite:///{folder / 'store.db'}")
        do_not_wait_for_the_disk(self.database)
        self.is_shared = is_shared
        self.throttled = self.requests = 0
        self.points = 0.0

    def handle(self, request: Request) -> Response:
        self.time.sleep(ROUND_TRIP / 2)
        answer = self.shop.handle(request)
        self.requests += 1
        body = orjson.loads(answer.body)
        cost = body.get("extensions", {}).get("cost", {}) if isinstance(body, dict) else {}
        self.points += cost.get("actualQueryCost") or 0
        self.throttled += answer.status == 429 or b'"THROTTLED"' in answer.body
        self.time.sleep(ROUND_TRIP / 2)
        return answer

    def latency(self) -> float:
        return 0.0

    def client(self) -> ShopifyClient:
        """Of a process of its own."""
        session = requests.Session()
        session.mount(HERE, InProcess(self))
        config = ShopifyConfig.from_connection(HERE, None, "shpat_simulated", {})
        seconds = lambda: self.time.seconds  # noqa: E731
        limit = StoredLimit(self.database, config.pacing_key, now=seconds) if self.is_shared else None
        return ShopifyClient(
            config, session, limit=limit, sleep=self.time.sleep, clock=seconds, wall=seconds, random=lambda: 0.5
        )


class Load:
    """A task of several workers. :param kind: what it writes."""

    def __init__(self, site: Site, kind: Any, fields: Sequence[str], workers: int) -> None:
        self.client = site.client()
        self.systems = [kind(self.client, fields, {}, workers=1) for _ in range(workers)]
        for system in self.systems:
            # asks the shop under a lock that all systems of a process share: nobody may sleep there beside others
            _ = system._fragments
        self.outcomes: list[Outcome] = []
        self.ended = 0.0
        self._time = site.time

    def tasks(self, rows: Sequence[Any], verb: str) -> Iterator[Callable[[], Any]]:
        for number, system in enumerate(self.systems):
            yield partial(self._work, getattr(system, verb), rows[number :: len(self.systems)])

    def _work(self, write: Any, rows: Sequence[Any]) -> None:
        self.outcomes += write(rows)
        self.ended = self._time.seconds


def customers(many: int) -> list[Creation]:
    return [
        Creation(n, f"1-{n}", {"firstName": "Kari", "lastName": f"Nr {n}", "email": f"kari{n}@example.no"})
        for n in range(many)
    ]


def products(many: int) -> list[Creation]:
    return [Creation(n, f"1-{n}", {"title": f"Kopp {n}", "sku": f"K-{n}", "price": "199.00"}) for n in range(many)]


def both(site: Site, many: int, workers: int = 4) -> tuple[Load, Load]:
    """Both DAGs' loads create at once; the customers' begin first."""
    first = Load(site, ShopifyCustomers, CUSTOMER_FIELDS, workers)
    second = Load(site, ShopifyProducts, PRODUCT_FIELDS, workers)
    site.time.run([*first.tasks(customers(many), "create"), *second.tasks(products(many), "create")])
    return first, second


def test_two_loads_on_one_bucket_both_finish_on_their_first_try(tmp_path: Path) -> None:
    site = Site(tmp_path)
    loads = both(site, 250)
    for load in loads:
        assert len(load.outcomes) == 250
        assert not [outcome for outcome in load.outcomes if outcome.record is None]
    assert site.throttled == 0
    # what the bucket held and got back is used: nobody waits while there is something to take
    assert site.time.seconds < (site.points - 1800) / 100 + 10


def test_each_of_two_loads_gets_its_share_of_the_points(tmp_path: Path) -> None:
    """Four workers against one: each request has its turn, so nobody is starved."""
    site = Site(tmp_path, bucket_size=1000.0, restore_rate=50.0)
    greedy = Load(site, ShopifyCustomers, CUSTOMER_FIELDS, 4)
    modest = Load(site, ShopifyProducts, PRODUCT_FIELDS, 1)
    site.time.run([*greedy.tasks(customers(400), "create"), *modest.tasks(products(60), "create")])
    assert len(modest.outcomes) == 60
    assert site.throttled == 0
    assert modest.ended < greedy.ended


def test_updates_are_not_starved_between_their_check_and_their_write(tmp_path: Path) -> None:
    site = Site(tmp_path, bucket_size=1000.0, restore_rate=50.0)
    ids = [
        str(site.shop.edit({"entity": "customers", "create": {"firstName": "Kari"}})["legacyResourceId"])
        for _ in range(60)
    ]
    updates = [Update(n, record, (Change("firstName", "Kari", "Karin"),)) for n, record in enumerate(ids)]
    writer = Load(site, ShopifyCustomers, CUSTOMER_FIELDS, 1)
    greedy = Load(site, ShopifyProducts, PRODUCT_FIELDS, 4)
    site.time.run([*greedy.tasks(products(300), "create"), *writer.tasks(updates, "update")])
    assert sum(outcome.record is not None for outcome in writer.outcomes) == 60
    assert site.throttled == 0
    assert writer.ended < greedy.ended


def test_points_that_somebody_else_uses_up_are_waited_for_longer_than_a_minute(tmp_path: Path) -> None:
    """An app of the same keys that no store of ours knows of: waiting is no failure."""
    site = Site(tmp_path)
    engine = site.shop._engine

    def drain() -> None:
        while site.time.seconds < 300:
            engine.bucket.spend(100_000 if site.time.seconds == 0 else 95)
            site.time.sleep(1)
        engine.bucket.__init__()  # type: ignore[misc]

    load = Load(site, ShopifyProducts, PRODUCT_FIELDS, 1)
    site.time.run([drain, *load.tasks(products(3), "create")])
    assert [outcome.error for outcome in load.outcomes] == [None] * 3
    assert load.ended > 300


@pytest.mark.parametrize("rate", [50.0, 200.0, 1000.0])
def test_other_plans_are_known_by_their_answers(tmp_path: Path, rate: float) -> None:
    site = Site(tmp_path, bucket_size=20 * rate, restore_rate=rate)
    both(site, 100)
    assert site.throttled == 0
