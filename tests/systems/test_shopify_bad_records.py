"""A record over which the shop fails is left out of a read and named; the others come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from shop import World, rows

from samklang.errors import TemporaryError
from samklang.simulators.http import Request, Response, json_response
from samklang.systems.shopify import documents

SERVER_ERROR = json_response({"errors": [{"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})
FAULTS = {"HTTP 500": Response(500), "an error in the body": SERVER_ERROR}
Answer = Callable[[Request], Response]


def fail_over(world: World, fault: Response, *gids: str) -> None:
    """The shop fails over each request that shows more than the id of one of these."""
    plain: Answer = world.sim.answer

    def answer(request: Request) -> Response:
        answered = plain(request)
        document = orjson.loads(request.body).get("query", "") if request.body else ""
        only_ids = "nodes { id }" in document
        named = any(gid in answered.body.decode() for gid in gids)
        return fault if named and not only_ids else answered

    world.sim.answer = answer  # type: ignore[method-assign]


def gid(record_id: str, kind: str = "Customer") -> str:
    return f"gid://shopify/{kind}/{record_id}"


def ids_of(pages: list[Any]) -> tuple[set[str], list[str]]:
    return {record.id for record in rows(pages)}, [i for page in pages for i in page.unread]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAGE", 20)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 25, 44])
@pytest.mark.usefixtures("small_pages")
def test_a_whole_read_comes_without_the_customer_that_the_shop_fails_over(fault: str, place: int) -> None:
    world = World(45)
    everybody = sorted((record.id for record in rows(world.customers().read_all())), key=int)
    bad = everybody[min(place, len(everybody) - 1)]
    fail_over(world, FAULTS[fault], gid(bad))
    world.start_log()

    found, unread = ids_of(list(world.customers().read_all()))

    assert (found, unread) == (set(everybody) - {bad}, [bad])
    assert len(world.operations) < 45


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_changes_come_without_the_record_that_the_shop_fails_over(entity: str) -> None:
    world = World(12)
    system = getattr(world, entity)
    everybody = {record.id for record in rows(system().read_all())}
    bad = min(everybody, key=int)
    fail_over(world, SERVER_ERROR, gid(bad, "Customer" if entity == "customers" else "ProductVariant"))

    found, unread = ids_of(list(system().read_changes("2000-01-01T00:00:00.0000000Z")))

    assert (found, unread) == (everybody - {bad}, [bad])


def test_a_bulk_operation_that_fails_over_a_record_gives_way_to_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.systems.shopify.reading.BULK_FROM", 10)
    monkeypatch.setattr(documents, "PAGE", 20)
    world = World(45)

    def read_bulk(*_: Any) -> Any:
        raise TemporaryError("A bulk operation was FAILED (INTERNAL_SERVER_ERROR).", status=200)

    monkeypatch.setattr("samklang.systems.shopify.reading.read_bulk", read_bulk)
    everybody = len(world.sim.state()["customers"])
    found, unread = ids_of(list(world.customers().read_all()))
    assert (len(found), unread) == (everybody, [])


def test_a_shop_that_fails_over_everybody_is_down_and_nobody_is_to_blame() -> None:
    world = World(45)
    everybody = [record.id for record in rows(world.customers().read_all())]
    fail_over(world, SERVER_ERROR, *map(gid, everybody))
    world.start_log()
    with pytest.raises(TemporaryError):
        list(world.customers().read_all())
    assert len(world.operations) < 120
