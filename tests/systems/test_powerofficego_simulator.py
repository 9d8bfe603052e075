"""The client against the simulator, with each guess about the API one way and the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from samklang.core.records import Record, Scope
from samklang.errors import AccessError, TemporaryError, UnclearError
from samklang.simulators.http import InProcess, Request, Response, served
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.powerofficego.behaviour import GUESSES
from samklang.systems.base import Change, Creation, Description, Update
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
    paging,
)
from samklang.systems.powerofficego.writing import TEST_ENFORCED

BASE = "http://127.0.0.1:9101"
CUSTOMER_FIELDS = [
    "EmailAddress",
    "MailAddress.AddressLine1",
    "MailAddress.City",
    "MailAddress.CountryCode",
    "MailAddress.ZipCode",
    "PhoneNumber",
    "FirstName",
    "LastName",
]
PRODUCT_FIELDS = ["Name", "Code", "UnitPrice", "Gtin"]
SHOP = Description("4242", "Shop")
OTHER_WAYS = [(name, choice) for name, switch in GUESSES.items() for choice in switch.choices]


class World:
    """A simulator and a client that share one clock; only sleeping moves it."""

    def __init__(self, records: int = 40, **switches: Any) -> None:
        self.seconds = 0.0
        self.simulator = PowerOfficeGoSimulator(now=self.now)
        self.simulator.reset(records=records, seed=5)
        self.simulator.switches(switches)
        self.memory: dict[str, str] = {}
        self.secrets: list[str] = []
        session = requests.Session()
        session.mount(BASE, InProcess(self.simulator))
        self.client = PowerOfficeGoClient(
            PowerOfficeGoConfig.from_connection(f"{BASE}/v2", "app", "client", {"subscription_key": "sub"}),
            session,
            on_secret=self.secrets.append,
            sleep=self.sleep,
            clock=lambda: self.seconds,
            wall=lambda: self.now().timestamp(),
            random=lambda: 0.5,
        )
        self.customers = PowerOfficeGoCustomers(self.client, CUSTOMER_FIELDS, self.memory, workers=1)
        self.products = PowerOfficeGoProducts(self.client, PRODUCT_FIELDS, self.memory, workers=1)

    def now(self) -> datetime:
        return datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def state(self, entity: str, record_id: str) -> dict[str, Any]:
        return next(dto for dto in self.simulator.state()[entity] if str(dto["Id"]) == record_id)

    def person(self, *, with_address: bool = True) -> Record:
        """An active person, with or without an address."""
        return next(
            record
            for record in records(self.customers.read_all())
            if record.scope is Scope.ACTIVE and record.facts["has_address"] is with_address
        )

    def writes(self) -> list[dict[str, Any]]:
        return self.simulator.writes()


def records(pages: Iterator[Any]) -> list[Record]:
    return [record for page in pages for record in page.records]


def update(system: Any, record: Record, values: dict[str, str | None]) -> Any:
    changes = tuple(Change(name, record.values[name], value) for name, value in values.items())
    (outcome,) = system.update([Update(1, record.id, changes, record.facts)])
    return outcome


# --- each guess, both ways


@pytest.mark.parametrize(("name", "choice"), OTHER_WAYS)
def test_everything_works_whichever_way_the_api_turns_out_to_be(name: str, choice: str) -> None:
    world = World(**{name: choice})
    state = world.simulator.state()

    found = records(world.customers.read_all())
    assert [r.id for r in found] == [str(dto["Id"]) for dto in sorted(state["customers"], key=lambda d: d["Id"])]
    assert {r.scope for r in found} >= {Scope.ACTIVE, Scope.OUTSIDE}
    for record, dto in zip(found, state["customers"], strict=True):
        assert record.values["EmailAddress"] == dto["EmailAddress"]
        assert record.values["MailAddress.City"] == (dto["MailAddress"] or {}).get("City")
    products = records(world.products.read_all())
    assert len(products) == len(state["products"])

    person = world.person()
    written = update(world.customers, person, {"EmailAddress": "ny@example.no", "MailAddress.City": "Bodø"})
    assert written.record is not None
    assert written.problems == ()
    assert written.record.values["MailAddress.City"] == "Bodø"
    assert world.state("customers", person.id)["EmailAddress"] == "ny@example.no"

    stale = update(world.customers, person, {"EmailAddress": "igjen@example.no"})
    assert stale.moved
    assert world.state("customers", person.id)["EmailAddress"] == "ny@example.no"

    key = world.customers.key_for("99", SHOP, {})
    assert key is not None
    order = Creation(1, key, {"FirstName": "Ola", "LastName": "Hansen", "MailAddress.City": "Bergen"})
    (made,) = world.customers.create([order])
    assert made.record is not None
    assert made.record.key == key
    (again,) = world.customers.create([order])
    assert [(p.field, p.code) for p in again.problems] == [(None, "taken")]
    assert [r.id for r in world.customers.find_by_key([key])[key]] == [made.record.id]

    (made,) = world.products.create([Creation(1, "NY-1", {"Name": "Ny", "Code": "NY-1", "UnitPrice": "49.5"})])
    assert made.record is not None
    assert made.record.values["UnitPrice"] == "49.5"
    assert [r.id for r in records(world.products.read_changes(products[-1].clock))][-1] == made.record.id
    (again,) = world.products.create([Creation(1, "NY-1", {"Name": "Ny", "Code": "NY-1"})])
    assert [(p.field, p.code) for p in again.problems] == [(None, "taken")]

    assert records(world.customers.read_ids(["1"])) == []
    assert all(check.ok for check in world.customers.check())
    made_now = [w for w in world.writes() if w["action"] == "create"]
    assert len(made_now) == 2


@pytest.mark.parametrize(("choice", "remembered"), [("enforced", "yes"), ("ignored", "no")])
def test_whether_tests_are_carried_out_is_found_out_once(choice: str, remembered: str) -> None:
    world = World(test_operation=choice)
    person = world.person()
    update(world.customers, person, {"PhoneNumber": "+4799887766"})
    assert world.memory[TEST_ENFORCED] == remembered
    world.simulator.clear_log()
    product = records(world.products.read_all())[0]
    update(world.products, product, {"Name": "Et annet navn"})
    expected = ["PATCH"] if remembered == "yes" else ["GET", "PATCH"]
    assert [r["method"] for r in world.simulator.requests()][-len(expected) :] == expected


# --- writing


def test_nothing_but_the_changed_fields_is_written() -> None:
    world = World()
    person = world.person()
    before = world.state("customers", person.id)
    update(world.customers, person, {"PhoneNumber": "+4799887766"})
    after = world.state("customers", person.id)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"PhoneNumber", "LastChangedDateTimeOffset"}


def test_a_first_address_is_made_and_the_country_that_the_server_adds_is_told() -> None:
    world = World()
    person = world.person(with_address=False)
    outcome = update(world.customers, person, {"MailAddress.City": "Bergen", "MailAddress.ZipCode": "5003"})
    assert outcome.record.values["MailAddress.CountryCode"] == "NO"
    assert outcome.record.facts == {"has_address": True}


def test_an_address_edited_by_a_human_is_seen_by_the_next_read_and_protected_from_a_stale_write() -> None:
    world = World()
    person = world.person()
    world.sleep(60)
    world.simulator.edit({"entity": "customers", "id": person.id, "set": {"MailAddress.City": "Hamar"}})
    (fresh,) = [r for r in records(world.customers.read_changes(person.clock)) if r.id == person.id]
    assert fresh.values["MailAddress.City"] == "Hamar"
    assert fresh.clock == person.clock
    assert fresh.group_clocks["address"] > person.group_clocks["address"]
    outcome = update(world.customers, person, {"MailAddress.City": "Oslo"})
    assert outcome.moved
    assert outcome.record.values["MailAddress.City"] == "Hamar"


def test_a_country_that_does_not_exist_is_held_and_the_rest_written() -> None:
    world = World()
    person = world.person()
    outcome = update(world.customers, person, {"MailAddress.CountryCode": "UK", "PhoneNumber": "1"})
    assert [p.field for p in outcome.problems] == ["MailAddress.CountryCode"]
    assert world.state("customers", person.id)["PhoneNumber"] == "1"


def test_a_deleted_customer_is_gone() -> None:
    world = World()
    world.memory[TEST_ENFORCED] = "yes"
    person = world.person()
    world.simulator.edit({"entity": "customers", "id": person.id, "delete": True})
    assert records(world.customers.read_ids([person.id])) == []
    assert update(world.customers, person, {"PhoneNumber": "1"}).gone


def test_an_archived_product_is_paused_and_still_read() -> None:
    world = World()
    product = records(world.products.read_all())[0]
    world.simulator.edit({"entity": "products", "id": product.id, "archive": True})
    (fresh,) = records(world.products.read_ids([product.id]))
    assert fresh.scope is Scope.ARCHIVED


def test_a_creation_whose_answer_was_lost_is_found_by_its_key() -> None:
    world = World()
    world.simulator.switches({"lose_response_after_commit": 1})
    order = Creation(1, "shopify:4242:99", {"FirstName": "Ola", "LastName": "Hansen"})
    (outcome,) = world.customers.create([order])
    assert isinstance(outcome.error, UnclearError)
    assert len(world.customers.find_by_key([order.key])[order.key]) == 1
    (again,) = world.customers.create([order])
    assert [p.code for p in again.problems] == ["taken"]


def test_a_product_whose_creation_was_lost_is_not_made_twice_even_where_codes_need_not_be_unique() -> None:
    world = World(product_code="free")
    world.simulator.switches({"lose_response_after_commit": 1})
    order = Creation(1, "NY-1", {"Name": "Ny", "Code": "NY-1"})
    (outcome,) = world.products.create([order])
    assert isinstance(outcome.error, UnclearError)
    (again,) = world.products.create([order])
    assert [p.code for p in again.problems] == ["taken"]


def test_an_update_whose_answer_was_lost_is_recognised_the_next_time() -> None:
    world = World()
    world.memory[TEST_ENFORCED] = "yes"
    person = world.person()
    world.simulator.switches({"lose_response_after_commit": 1})
    assert isinstance(update(world.customers, person, {"PhoneNumber": "1"}).error, UnclearError)
    again = update(world.customers, person, {"PhoneNumber": "1"})
    assert again.moved
    assert again.record.values["PhoneNumber"] == "1"


# --- a record that the server fails over


def fail_over(world: World, *ids: str) -> None:
    """The server answers 500 to each request with more than the id of one of these in its answer, or in its path."""
    plain = world.simulator.answer

    def answer(request: Request) -> Response:
        answered = plain(request)
        only_ids = request.query.get("Fields") == ["Id"]
        named = any(f'"Id":{i},' in answered.body.decode() or request.path.endswith(f"/{i}") for i in ids)
        return Response(500) if named and not only_ids else answered

    world.simulator.answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("size", [20000, 50, 7])
@pytest.mark.parametrize("place", [0, 60, 129])
def test_a_page_that_the_server_fails_over_is_read_without_the_row_that_is_to_blame(
    size: int, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZES", (size, size))
    world = World(130)
    everybody = [record.id for record in records(world.customers.read_all())]
    bad = everybody[min(place, len(everybody) - 1)]
    fail_over(world, bad)
    world.simulator.clear_log()

    pages = list(world.customers.read_all())

    assert [record.id for record in records(iter(pages))] == [i for i in everybody if i != bad]
    assert [i for page in pages for i in page.unread] == [bad]
    assert len(world.simulator.requests()) < 120


def test_a_list_that_the_server_fails_over_altogether_is_an_error_soon() -> None:
    world = World(130)
    fail_over(world, *[record.id for record in records(world.customers.read_all())])
    world.simulator.clear_log()
    with pytest.raises(TemporaryError):
        list(world.customers.read_all())
    assert len(world.simulator.requests()) < 120


def test_many_records_read_by_id_come_without_the_one_that_the_server_fails_over() -> None:
    world = World(130)
    everybody = [record.id for record in records(world.customers.read_all())]
    fail_over(world, everybody[7])
    pages = list(world.customers.read_ids(everybody[:60]))
    assert {record.id for record in records(iter(pages))} == set(everybody[:60]) - {everybody[7]}
    assert [i for page in pages for i in page.unread] == [everybody[7]]


# --- reads that lag


def test_a_lost_creation_that_reads_do_not_show_yet_is_found_by_its_key() -> None:
    world = World(replica_lag_seconds=1.9)
    world.simulator.switches({"lose_response_after_commit": 1})
    order = Creation(1, "shopify:4242:99", {"FirstName": "Ola", "LastName": "Hansen"})
    (outcome,) = world.customers.create([order])
    assert isinstance(outcome.error, UnclearError)
    assert len(world.customers.find_by_key([order.key])[order.key]) == 1


def test_a_lost_product_that_reads_do_not_show_yet_is_found_by_its_key_where_codes_need_not_be_unique() -> None:
    world = World(product_code="free", replica_lag_seconds=1.9)
    world.simulator.switches({"lose_response_after_commit": 1})
    (outcome,) = world.products.create([Creation(1, "NY-1", {"Name": "Ny", "Code": "NY-1"})])
    assert isinstance(outcome.error, UnclearError)
    assert len(world.products.find_by_key(["NY-1"])["NY-1"]) == 1


def test_an_edit_that_reads_do_not_show_yet_is_not_overwritten() -> None:
    """The server refuses the patch because of its test; the read that tells so is made once it is true."""
    world = World(replica_lag_seconds=1.9)
    world.memory[TEST_ENFORCED] = "yes"
    person = world.person()
    world.sleep(60)
    world.simulator.edit({"entity": "customers", "id": person.id, "set": {"PhoneNumber": "+4722334455"}})

    outcome = update(world.customers, person, {"PhoneNumber": "+4799887766"})

    assert outcome.moved
    assert world.state("customers", person.id)["PhoneNumber"] == "+4722334455"
    assert outcome.record.values["PhoneNumber"] == "+4722334455"


def test_a_second_write_to_a_record_is_not_held_against_what_stood_there_before_the_first() -> None:
    world = World(replica_lag_seconds=1.9, test_operation="ignored")
    person = world.person()
    first = update(world.customers, person, {"PhoneNumber": "+4799887766"}).record

    second = update(world.customers, first, {"PhoneNumber": "+4722334455"})

    assert not second.moved
    assert world.state("customers", person.id)["PhoneNumber"] == "+4722334455"


def test_a_read_waits_until_it_shows_what_this_installation_wrote() -> None:
    world = World(replica_lag_seconds=1.9)
    order = Creation(1, "shopify:4242:99", {"FirstName": "Ola", "LastName": "Hansen"})
    (made,) = world.customers.create([order])
    elsewhere = PowerOfficeGoCustomers(world.client, CUSTOMER_FIELDS, world.memory, workers=1)
    assert made.record.id in {record.id for record in records(elsewhere.read_all())}
    update(world.customers, made.record, {"PhoneNumber": "+4799887766"})
    (read,) = records(elsewhere.read_ids([made.record.id]))
    assert read.values["PhoneNumber"] == "+4799887766"


# --- reading under trouble


def test_failures_of_seconds_are_survived() -> None:
    world = World()
    faults = [
        {"match": "GET /v2/Customers", "status": 503, "times": 2},
        {"match": "POST /OAuth/Token", "status": 429, "times": 1},
    ]
    world.simulator.switches({"fail_next": faults})
    assert len(records(world.customers.read_all())) == len(world.simulator.state()["customers"])


def test_a_read_that_fails_for_longer_is_an_error_and_no_deletion() -> None:
    world = World()
    world.simulator.switches({"fail_next": [{"match": "GET /v2/Customers", "status": 500, "times": 100}]})
    with pytest.raises(TemporaryError):
        records(world.customers.read_all())


def test_a_token_that_ends_in_the_middle_is_replaced() -> None:
    world = World()
    records(world.customers.read_all())
    world.sleep(1201)
    assert records(world.customers.read_all())
    assert len({s for s in world.secrets if s not in ("app", "client", "sub")}) >= 2


def test_the_limit_of_requests_is_kept() -> None:
    world = World(records=60)
    ids = [r.id for r in records(world.customers.read_all())][:45]
    assert len(records(world.customers.read_ids(ids))) == 45
    assert all(r["status"] != 429 for r in world.simulator.requests())


@pytest.mark.parametrize("name", ["application_key", "client_key", "subscription_key"])
def test_each_wrong_key_is_an_access_error_and_a_failing_check(name: str) -> None:
    world = World(**{name: "another"})
    with pytest.raises(AccessError):
        records(world.customers.read_all())
    assert not all(check.ok for check in world.customers.check())


@pytest.mark.parametrize(("privileges", "reads"), [(["Product_Full"], False), (["Customer"], True)])
def test_a_missing_privilege_is_a_failing_check(privileges: list[str], reads: bool) -> None:
    world = World(privileges=privileges)
    checks = {check.name.removeprefix("PowerOffice Go: "): check.ok for check in world.customers.check()}
    assert checks == {"keys": True, "integration": True, "read customers": reads, "privilege Customer_Full": False}


def test_it_works_over_a_real_socket_with_threads() -> None:
    simulator = PowerOfficeGoSimulator()
    simulator.reset(records=60, seed=5)
    simulator.switches({"requests_per_second": 0})
    with served(simulator) as url:
        extra = {"subscription_key": "sub", "requests_per_second": 1000}
        client = PowerOfficeGoClient(PowerOfficeGoConfig.from_connection(f"{url}/v2", "app", "client", extra))
        system = PowerOfficeGoCustomers(client, CUSTOMER_FIELDS, {}, workers=4)
        found = [r for r in records(system.read_all()) if r.scope is Scope.ACTIVE][:20]
        updates = [
            Update(n, r.id, (Change("PhoneNumber", r.values["PhoneNumber"], f"+479900{n:04}"),), r.facts)
            for n, r in enumerate(found)
        ]
        outcomes = sorted(system.update(updates), key=lambda o: o.ref)
    assert [o.record.values["PhoneNumber"] for o in outcomes if o.record] == [
        f"+479900{n:04}" for n in range(len(found))
    ]
