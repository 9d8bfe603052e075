"""A store that was restored from an older backup: it links again by keys, makes nothing twice and loses no edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.core.jsontext import loads
from samklang.errors import OutdatedError
from samklang.store import journal
from samklang.store.schema import conflicts, link_sides
from samklang.sync.commit import Committer
from samklang.sync.load import load
from samklang.sync.transform import transform

KARI = {"FirstName": "Kari", "LastName": "Lie", "EmailAddress": "kari@post.example"}
OLA = {"FirstName": "Ola", "LastName": "Dal", "EmailAddress": "ola@post.example"}
PER = {"firstName": "Per", "lastName": "Moe", "email": "per@post.example"}


@pytest.fixture
def customers(tmp_path: Path) -> Iterator[BothSystems]:
    both = BothSystems(tmp_path, "customers")
    yield both
    both.database.close()


@pytest.fixture
def products(tmp_path: Path) -> Iterator[BothSystems]:
    both = BothSystems(tmp_path, "products")
    yield both
    both.database.close()


def people(both: BothSystems, side: str) -> dict[str, tuple[Any, Any]]:
    """First and last name by e-mail address."""
    if side == GO:
        return {c["EmailAddress"]: (c["FirstName"], c["LastName"]) for c in both.show(GO)}
    return {c["email"]: (c["firstName"], c["lastName"]) for c in both.show(SHOP)}


def goods(both: BothSystems, side: str) -> dict[str, tuple[str, float]]:
    """Name and price, as PowerOffice Go has it, by code."""
    if side == GO:
        return {p["Code"]: (p["Name"], float(p["UnitPrice"])) for p in both.show(GO)}
    found = {}
    for product in both.show(SHOP):
        (variant,) = product["variants"]
        found[variant["sku"]] = (product["title"], round(float(variant["price"]) / 1.25, 2))
    return found


def id_of(both: BothSystems, side: str, **values: Any) -> str:
    """The record that holds these values."""
    (found,) = [one for one in both.show(side) if all(one.get(name) == value for name, value in values.items())]
    return str(found.get("Id") or found["legacyResourceId"])


def twins(both: BothSystems) -> int:
    return len({row["link_id"] for row in both.rows(link_sides)})


@pytest.mark.parametrize("mode", ["auto", "changes", "full"])
def test_customers_that_were_made_since_the_backup_are_linked_again_and_not_made_twice(
    customers: BothSystems, mode: str
) -> None:
    customers.add(GO, **KARI)
    customers.run()
    backup = customers.copy_store()
    customers.add(GO, **OLA)
    customers.add(GO, FirstName="Nils", LastName="Uten")  # nothing but our key tells who this is
    customers.add(SHOP, **PER)
    customers.run()
    assert (len(customers.show(GO)), len(customers.show(SHOP))) == (4, 4)

    customers.restore_store(backup)
    for _ in range(3):
        customers.run(mode=mode)
        assert customers.writes() == []

    assert twins(customers) == 4
    assert customers.status()["in_sync"] == 4


def test_customers_are_known_by_our_key_even_when_their_e_mail_was_edited_since(customers: BothSystems) -> None:
    backup = customers.copy_store()
    customers.add(GO, **KARI)
    customers.add(SHOP, **PER)
    customers.run()
    customers.edit(SHOP, id_of(customers, SHOP, email="kari@post.example"), email="kari@home.example")
    customers.edit(GO, id_of(customers, GO, EmailAddress="per@post.example"), EmailAddress="per@home.example")

    customers.restore_store(backup)
    customers.run()

    assert people(customers, GO) == people(customers, SHOP)
    assert set(people(customers, GO)) == {"kari@home.example", "per@home.example"}  # the later of the two stands
    assert twins(customers) == 2
    for row in customers.rows(conflicts):
        assert len(set(loads(row["raw"]).values())) == 2  # and the other one is on record


def test_edits_from_after_the_backup_are_kept_whether_they_had_travelled_or_not(customers: BothSystems) -> None:
    for values in (KARI, OLA):
        customers.add(GO, **values)
    customers.run()
    backup = customers.copy_store()
    kari, ola = (id_of(customers, GO, EmailAddress=one["EmailAddress"]) for one in (KARI, OLA))
    kari_there, ola_there = (id_of(customers, SHOP, email=one["EmailAddress"]) for one in (KARI, OLA))
    customers.edit(GO, kari, FirstName="Karin")
    customers.edit(SHOP, ola_there, lastName="Berg")
    customers.run()
    customers.edit(SHOP, kari_there, lastName="Holm")
    customers.edit(GO, kari, FirstName="Karianne")  # on top of an edit that has travelled
    customers.edit(SHOP, ola_there, firstName="Olav")
    customers.edit(GO, ola, PhoneNumber="+47 22 33 44 55")

    customers.restore_store(backup)
    customers.run()
    customers.run()

    expected = {"kari@post.example": ("Karianne", "Holm"), "ola@post.example": ("Olav", "Berg")}
    assert people(customers, GO) == people(customers, SHOP) == expected
    assert {c["phone"] for c in customers.show(SHOP)} == {None, "+4722334455"}
    assert customers.status()["in_sync"] == 2


def test_an_edit_that_the_clocks_cannot_place_is_kept_in_the_conflict_ledger(customers: BothSystems) -> None:
    """The older store does not know that the shop's first name was our own write, and a later edit of another field
    moved the shop's only clock."""
    customers.add(GO, **KARI)
    customers.run()
    backup = customers.copy_store()
    kari = id_of(customers, GO, EmailAddress="kari@post.example")
    customers.edit(GO, kari, FirstName="Karin")
    customers.run()
    customers.edit(GO, kari, FirstName="Karianne")
    customers.edit(SHOP, id_of(customers, SHOP, email="kari@post.example"), lastName="Holm")

    customers.restore_store(backup)
    customers.run()
    customers.run()

    assert people(customers, GO) == people(customers, SHOP) == {"kari@post.example": ("Karin", "Holm")}
    (kept,) = customers.rows(conflicts)
    assert loads(kept["raw"]) == {GO: "Karianne", SHOP: "Karin"}
    assert (kept["field"], kept["winner"], kept["certain"]) == ("FirstName", SHOP, False)


@pytest.mark.parametrize("side", [GO, SHOP])
def test_who_was_deleted_since_the_backup_is_found_gone_once_more_and_not_made_again(
    customers: BothSystems, side: str
) -> None:
    customers.add(GO, **KARI)
    customers.run()
    backup = customers.copy_store()
    customers.delete(side, customers.show(side)[0].get("legacyResourceId") or customers.show(side)[0]["Id"])
    for _ in range(2):
        customers.run(mode="full")
    assert customers.status()["gone"] == 1

    customers.restore_store(backup)
    for _ in range(4):
        customers.run(mode="full")
        assert customers.writes() == []

    assert customers.show(side) == []
    assert customers.status()["gone"] == 1


def test_a_create_that_was_under_way_at_the_time_of_the_backup_is_not_sent_again(customers: BothSystems) -> None:
    customers.add(GO, **KARI)
    run = customers.begin()
    reads = customers.read(run)
    plan = transform(customers.sync(), run, reads)
    backup = _with_open_intent(customers, plan)
    customers.run()

    customers.restore_store(backup)
    customers.run()

    assert len(customers.show(SHOP)) == 1
    assert (twins(customers), customers.status()["pending_intents"]) == (1, 0)


def _with_open_intent(both: BothSystems, plan: dict[str, Any]) -> Path:
    with both.database.begin() as connection:
        journal.set_plan(connection, plan["plan"], state="approved")
    dies = mock.patch.object(Committer, "created", side_effect=KeyboardInterrupt)
    with dies, pytest.raises(KeyboardInterrupt):
        load(both.sync(), SHOP, plan)
    assert both.status()["pending_intents"] == 1
    return both.copy_store()


def test_a_read_from_before_the_store_was_restored_is_refused_and_nothing_goes_stale(customers: BothSystems) -> None:
    customers.add(GO, **KARI)
    customers.run()
    backup = customers.copy_store()
    for _ in range(3):
        customers.run()
    run = customers.begin()
    reads = customers.read(run)

    customers.restore_store(backup)
    with pytest.raises(OutdatedError, match="replaced by an older one"):
        transform(customers.sync(), run, reads)

    customers.edit(SHOP, id_of(customers, SHOP, email="kari@post.example"), firstName="Karin")
    customers.run()
    assert people(customers, GO) == {"kari@post.example": ("Karin", "Lie")}


@pytest.mark.parametrize("mode", ["changes", "full"])
def test_products_that_were_made_since_the_backup_are_linked_again_and_not_made_twice(
    products: BothSystems, mode: str
) -> None:
    products.add(GO, Name="Chair", Code="C-1", UnitPrice=100)
    products.run()
    backup = products.copy_store()
    products.add(GO, Name="Table", Code="T-1", UnitPrice=200)
    products.add(SHOP, title="Lamp", sku="L-1", price="125.00")
    products.run()
    products.edit(GO, id_of(products, GO, Code="T-1"), Name="Round table")
    products.edit(SHOP, id_of(products, SHOP, title="Chair"), title="Armchair")
    products.run()
    before = goods(products, GO)

    products.restore_store(backup)
    for _ in range(3):
        products.run(mode=mode)
        assert products.writes() == []

    assert goods(products, GO) == goods(products, SHOP) == before
    assert before == {"C-1": ("Armchair", 100.0), "T-1": ("Round table", 200.0), "L-1": ("Lamp", 100.0)}
    assert twins(products) == 3


def test_a_shop_product_that_we_made_is_known_by_our_key_even_when_its_sku_was_edited_since(
    products: BothSystems,
) -> None:
    backup = products.copy_store()
    products.add(GO, Name="Chair", Code="C-1", UnitPrice=100)
    products.run()
    products.edit(SHOP, id_of(products, SHOP, title="Chair"), sku="C-2")

    products.restore_store(backup)
    products.run()
    products.run()

    assert (len(products.show(GO)), len(products.show(SHOP)), twins(products)) == (1, 1, 1)
    assert goods(products, GO) == goods(products, SHOP) == {"C-2": ("Chair", 100.0)}


def test_edits_of_products_from_after_the_backup_are_kept(products: BothSystems) -> None:
    products.add(GO, Name="Chair", Code="C-1", UnitPrice=100)
    products.run()
    backup = products.copy_store()
    products.edit(GO, id_of(products, GO, Code="C-1"), UnitPrice=120)
    products.run()
    products.edit(SHOP, id_of(products, SHOP, title="Chair"), price="175.00", title="Armchair")

    products.restore_store(backup)
    products.run()
    products.run()

    assert goods(products, GO) == goods(products, SHOP) == {"C-1": ("Armchair", 140.0)}
