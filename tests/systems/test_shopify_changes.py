"""Windows of changes: found without a search, and never cut short."""

from __future__ import annotations

import pytest
from shop import FEW, Shop, World, data, node, page, rows

from samklang.errors import ProtocolError

EVER = "2000-01-01T00:00:00.0000000Z"


def test_a_window_without_changes_takes_one_request() -> None:
    world = World(300)
    newest = {
        "customers": max(record.clock for record in rows(world.customers().read_all())),
        "products": max(record.clock for record in rows(world.products().read_all())),
    }
    world.later(hours=1)
    world.start_log()
    for system in (world.customers(), world.products()):
        found = rows(system.read_changes(newest[system.entity]))
        assert all(record.clock == newest[system.entity] for record in found)
    assert world.operations == ["ReadChangedCustomers", "ReadChangedProducts"]


def test_changes_are_found_although_the_search_index_lags() -> None:
    world = World(300, switches={"index_lag_seconds": 3600.0})
    before = max(record.clock for record in rows(world.customers().read_all()))
    world.later(minutes=5)
    changed = world.new_customer(email="ny@example.no")
    assert [r.id for r in rows(world.customers().read_changes(before)) if r.clock > before] == [changed]


def test_changes_include_the_boundary_itself() -> None:
    shop = Shop(ReadChangedCustomers=data(m0=page(node(1, "2026-08-02T00:00:00Z"), node(2), node(3, "2026-07-01"))))
    found = rows(shop.customers(FEW).read_changes("2026-08-01T09:27:26.0000000Z"))
    assert [record.id for record in found] == ["1", "2"]


def test_a_record_that_changes_while_its_page_is_put_together_makes_the_list_be_read_again() -> None:
    disorder, order = page(node(1), node(2, "2026-08-02T00:00:00Z")), page(node(2, "2026-08-02T00:00:00Z"), node(1))
    shop = Shop(ReadChangedCustomers=[data(m0=disorder), data(m0=order)])
    assert {record.id for record in rows(shop.customers(FEW).read_changes(EVER))} == {"1", "2"}


def test_newer_rows_after_older_ones_again_and_again_are_an_error() -> None:
    shop = Shop(ReadChangedCustomers=data(m0=page(node(1), node(2, "2026-08-02T00:00:00Z"))))
    with pytest.raises(ProtocolError, match="order"):
        rows(shop.customers(FEW).read_changes(EVER))


@pytest.mark.parametrize("granularity", ["day", "second"])
@pytest.mark.parametrize("lag", [0.0, 60.0])
def test_a_long_window_of_customers_goes_on_with_one_bulk_operation(granularity: str, lag: float) -> None:
    world = World(900, switches={"customers_updated_at": granularity, "index_lag_seconds": lag})
    everything = {record.id: record.clock for record in rows(world.customers().read_all())}
    since = sorted(everything.values())[100]
    world.later(days=1)
    world.start_log()
    found = rows(world.customers().read_changes(since))
    assert {record.id for record in found} == {i for i, clock in everything.items() if clock >= since}
    assert world.operations == [*["ReadChangedCustomers"] * 2, "RunBulk", "PollBulk", "bulk file"]


def test_a_long_window_of_products_goes_on_with_one_bulk_operation() -> None:
    world = World(900)
    everything = {record.id: record.clock for record in rows(world.products().read_all())}
    since = sorted(everything.values())[100]
    world.start_log()
    found = rows(world.products().read_changes(since))
    assert {record.id for record in found} == {i for i, clock in everything.items() if clock >= since}
    assert world.operations.count("RunBulk") == 1
