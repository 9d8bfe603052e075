"""Absence is not deletion, with the real clients: what each API can answer, and what that proves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.core.records import Scope
from samklang.errors import SamklangError
from samklang.simulators.shopify import ShopifySimulator
from samklang.simulators.shopify.customers import by_id
from samklang.store.schema import seen, verdicts

KARI = {"FirstName": "Kari", "LastName": "Lie", "EmailAddress": "kari@post.example"}
_LAST = {"X-Pagination": '{"TotalCount": 11, "nextPageLink": ""}'}
TITLE = {"title": "Object(s) not found", "detail": "Customer with id = 7 not found."}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[BothSystems]:
    """Twelve customers in tune."""
    both = BothSystems(tmp_path, "customers")
    for n in range(12):
        both.add(GO, FirstName="Kari", LastName=f"Lie {n}", EmailAddress=f"c{n}@post.example")
    both.run()
    assert both.status()["in_sync"] == 12
    yield both
    both.database.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[BothSystems]:
    """One product in tune."""
    both = BothSystems(tmp_path, "products")
    both.add(GO, Name="Chair", Code="C-1", UnitPrice=100)
    both.run()
    assert both.status()["in_sync"] == 1
    yield both
    both.database.close()


def first(both: BothSystems, side: str) -> str:
    one = both.show(side)[0]
    return str(one.get("Id") or one["legacyResourceId"])


def scopes(both: BothSystems, side: str) -> list[str]:
    return [row["scope"] for row in both.rows(seen) if row["side"] == side]


def judged(both: BothSystems) -> list[tuple[str, str, str]]:
    return [(v["side"], v["verdict"], v["reason"]) for v in both.rows(verdicts)]


@pytest.mark.parametrize("side", [GO, SHOP])
def test_a_deleted_customer_is_gone_after_two_whole_reads_and_a_look_up(both: BothSystems, side: str) -> None:
    both.delete(side, first(both, side))

    both.run(mode="full")
    assert both.status()["gone"] == 0
    summary = both.run(mode="full")

    assert summary["gone"] == {side: 1}
    other = SHOP if side == GO else GO
    assert judged(both) == [(other, "twin_gone", f"gone_in_{side}")]
    for _ in range(3):
        both.run(mode="full")
        assert both.writes() == []
    assert sorted([len(both.show(GO)), len(both.show(SHOP))]) == [11, 12]


@pytest.mark.parametrize("status", [200, 204])
def test_a_list_that_is_empty_where_rows_were_proves_nothing_however_often_it_comes(
    both: BothSystems, status: int
) -> None:
    for _ in range(4):
        both.fail_next(GO, "GET /v2/Customers", status, times=2, body=[] if status == 200 else "")
        summary = both.run(mode="full")
        assert summary["reads"][GO]["whole"]
        assert summary["gone"] == {}
        assert both.writes() == []
    assert both.status()["gone"] == 0

    both.edit(GO, first(both, GO), FirstName="Karin")
    both.run()
    assert both.show(SHOP)[0]["firstName"] == "Karin"


def _list_of(side: str) -> str:
    return "GET /v2/Customers" if side == GO else "ReadCustomers"


@pytest.mark.parametrize("side", [GO, SHOP])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {}),
        (500, ""),
        (503, ""),
        (200, '[{"Id": 1, "FirstN'),
        (200, '{"data": {"m0": {"count": 12}, "m1": {"nodes": [{"id": "gid://shopify/Cust'),
        (200, {}),
        (200, {"data": {"m0": {"count": 0, "precision": "EXACT"}, "m1": None}}),
        (404, TITLE),
    ],
)
def test_a_list_that_is_refused_or_cut_short_is_an_error_and_proves_nothing(
    both: BothSystems, side: str, status: int, body: Any
) -> None:
    # what a list fails over is read by ids; a server that fails is one that fails over those too
    everything = "POST /admin/api" if side == SHOP and status >= 500 else _list_of(side)
    both.fail_next(side, everything, status, times=10_000, body=body)

    for _ in range(3):
        with pytest.raises(SamklangError):
            both.read(both.begin(mode="full"))

    assert {row["missing"] for row in both.rows(seen)} == {0}
    assert both.status()["gone"] == 0
    both.simulators[side].switches({"fail_next": []})
    both.run(mode="full")
    assert both.writes() == []


@pytest.mark.parametrize("side", [GO, SHOP])
@pytest.mark.parametrize(
    ("status", "body"), [(403, {}), (500, ""), (503, ""), (400, {}), (200, {"data": {"m0": []}}), (200, "cut sho")]
)
def test_a_look_up_that_fails_in_another_way_than_404_proves_nothing(
    both: BothSystems, side: str, status: int, body: Any
) -> None:
    lost = first(both, side)
    both.delete(side, lost)
    both.run(mode="full")

    for _ in range(2):
        match = f"GET /v2/Customers/{lost}" if side == GO else "ReadCustomersById"
        both.fail_next(side, match, status, times=10_000, body=body)
        summary = both.run(mode="full")
        assert summary["gone"] == {}
    assert both.status()["gone"] == 0

    both.simulators[side].switches({"fail_next": []})
    assert both.run(mode="full")["gone"] == {side: 1}


def test_a_404_of_a_gateway_does_not_say_that_a_customer_is_gone(both: BothSystems) -> None:
    """Without the API's own words it counts only where the list answers."""
    lost = first(both, GO)
    both.delete(GO, lost)
    both.run(mode="full")
    run = both.begin(mode="full")
    both.simulators[GO].switches(
        {
            "fail_next": [
                {"match": f"GET /v2/Customers/{lost}", "status": 404, "body": "no such route"},
                {"match": "GET /v2/Customers", "status": 200, "body": both.show(GO), "headers": _LAST},
                {"match": "GET /v2/Customers", "status": 404, "body": "no such route"},
            ]
        }
    )  # fmt: skip

    reads = both.read(run)

    assert [read["gone"] for read in reads] == [[], []]


def test_many_missing_customers_are_each_asked_for_before_they_count_as_gone(both: BothSystems) -> None:
    for n in range(60):
        both.add(GO, FirstName="Ola", LastName=f"Dal {n}", EmailAddress=f"d{n}@post.example")
    both.run(mode="full")
    wanted = [str(c["Id"]) for c in both.show(GO) if c["FirstName"] == "Ola"]
    for lost in wanted[:5]:
        both.delete(GO, lost)
    both.simulators[GO].clear_log()

    found = {record.id for page in both.open_system(GO).read_ids(wanted) for record in page.records}

    assert found == set(wanted[5:])
    asked = [one["path"] for one in both.simulators[GO].requests() if one["path"].rpartition("/")[2].isdigit()]
    assert sorted(asked) == sorted(f"/v2/Customers/{lost}" for lost in wanted[:5])


def test_more_than_the_limit_at_once_are_not_believed_to_be_gone(both: BothSystems) -> None:
    for one in both.show(SHOP)[:11]:
        both.delete(SHOP, one["legacyResourceId"])
    for _ in range(3):
        summary = both.run(mode="full")

    assert (summary["gone"], summary["gone_beyond_limit"]) == ({}, {SHOP: 11})
    assert both.status()["gone"] == 0
    assert both.writes() == []
    assert len(both.show(GO)) == 12


def test_an_archived_customer_is_paused_and_not_gone(both: BothSystems) -> None:
    one = first(both, GO)
    both.edit(GO, one, IsArchived=True)
    both.edit(SHOP, first(both, SHOP), firstName="Karin")
    for _ in range(3):
        both.run(mode="full")
        assert both.writes() == []
    assert Scope.ARCHIVED in scopes(both, GO)

    both.edit(GO, one, IsArchived=False)
    both.run()

    assert both.writes() == [(GO, "update")]
    assert both.status()["in_sync"] == 12


@pytest.mark.parametrize("change", [{"IsPerson": False, "Name": "Lie AS"}, {"IsActive": False}])
def test_a_person_who_becomes_a_company_or_loses_the_customer_role_is_paused_and_comes_back(
    both: BothSystems, change: dict[str, Any]
) -> None:
    one = first(both, GO)
    both.edit(GO, one, **change)
    both.edit(SHOP, first(both, SHOP), firstName="Karin")
    for _ in range(3):
        both.run(mode="full")
        assert both.writes() == []
    assert (both.status()["linked"], both.status()["gone"]) == (12, 0)

    both.edit(GO, one, IsPerson=True, IsActive=True)
    both.run()

    assert both.writes() == [(GO, "update")]
    assert both.show(GO)[0]["FirstName"] == "Karin"


def test_a_customer_who_was_erased_in_shopify_is_neither_emptied_in_the_accounts_nor_filled_again(
    both: BothSystems,
) -> None:
    simulator = both.simulators[SHOP]
    assert isinstance(simulator, ShopifySimulator)
    erased = by_id(simulator.store, f"gid://shopify/Customer/{first(both, SHOP)}")
    assert erased is not None
    erased.first_name = erased.last_name = erased.email = erased.phone = None
    before = both.show(GO)

    for _ in range(3):
        both.run(mode="full")
        assert both.writes() == []
    both.edit(GO, first(both, GO), FirstName="Karin", PhoneNumber="+4722334455")
    both.run(mode="full")

    assert both.writes() == []
    assert both.status()["erased"] == 1
    assert [c["EmailAddress"] for c in both.show(GO)] == [c["EmailAddress"] for c in before]


@pytest.mark.parametrize("side", [GO, SHOP])
def test_a_deleted_product_is_gone_and_not_made_again(shop: BothSystems, side: str) -> None:
    shop.delete(side, first(shop, side))

    for _ in range(4):
        shop.run(mode="full")
        assert shop.writes() == []

    assert shop.status()["gone"] == 1
    assert shop.show(side) == []


@pytest.mark.parametrize("side", [GO, SHOP])
def test_an_archived_product_is_paused_and_not_gone(shop: BothSystems, side: str) -> None:
    shop.simulators[side].edit({"entity": "products", "id": first(shop, side), "archive": True})
    shop.edit(GO, first(shop, GO), Name="Armchair")
    for _ in range(3):
        shop.run(mode="full")
        assert shop.writes() == []
    assert Scope.ARCHIVED in scopes(shop, side)

    shop.edit(side, first(shop, side), **({"IsArchived": False} if side == GO else {"status": "ACTIVE"}))
    shop.run()

    assert shop.writes() == [(SHOP, "update")]
    assert shop.show(SHOP)[0]["title"] == "Armchair"


@pytest.mark.parametrize("side", [GO, SHOP])
def test_a_product_that_was_deleted_and_made_anew_with_its_code_is_reported_and_not_doubled(
    shop: BothSystems, side: str
) -> None:
    shop.delete(side, first(shop, side))
    values: dict[str, Any] = (
        {"Name": "Chair", "Code": "C-1", "UnitPrice": 100}
        if side == GO
        else {"title": "Chair", "sku": "C-1", "price": "125.00"}
    )
    shop.add(side, **values)

    for _ in range(4):
        shop.run(mode="full")
        assert shop.writes() == []

    other = SHOP if side == GO else GO
    assert sorted(judged(shop)) == sorted(
        [(other, "twin_gone", f"gone_in_{side}"), (side, "excluded", "key_held_by_a_linked_record")]
    )
    assert (len(shop.show(GO)), len(shop.show(SHOP))) == (1, 1)
