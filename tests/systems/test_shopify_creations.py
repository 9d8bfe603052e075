"""Creating customers: never twice for one key."""

from __future__ import annotations

import pytest
from shop import FEW, Shop, World, creation, data, error, errors, only, problems, rows

from samklang.errors import AccessError, ConfigurationError, UnclearError
from samklang.systems.base import Outcome


def test_a_new_customer_carries_our_key_and_its_address() -> None:
    world = World()
    made = only(
        world.customers().create(
            [
                creation(
                    "c1-9", firstName="Kari", email="Kari@Example.no", addresses__city="Oslo", addresses__country="NO"
                )
            ]
        )
    )
    assert made.record is not None
    assert made.record == world.stored(made.record)
    assert made.record.key == "c1-9"
    assert made.record.values["addresses.city"] == "Oslo"


def test_the_definition_of_our_key_is_made_once_per_store() -> None:
    world = World()
    for number in range(3):
        only(world.customers().create([creation(f"c1-{number}", firstName="Kari")]))
    only(world.products().create([creation("c1-1", title="Kopp")]))
    assert world.operations.count("MakeDefinition") == 2
    assert {
        "shopify.key_definition.customer": "yes",
        "shopify.key_definition.product": "yes",
    }.items() <= world.memory.items()


def test_a_definition_that_exists_is_taken_as_it_is() -> None:
    world = World()
    only(world.customers().create([creation("c1-1", firstName="Kari")]))
    world.memory.clear()
    assert only(world.customers().create([creation("c1-2", firstName="Ola")])).record is not None
    assert world.operations.count("ReadDefinition") == 1


def test_a_definition_that_was_deleted_is_made_again() -> None:
    world = World()
    world.memory["shopify.key_definition.customer"] = "yes"
    assert only(world.customers().create([creation("c1-1", firstName="Kari")])).record is not None
    assert world.operations.count("MakeDefinition") == 1


def test_a_definition_of_another_type_stops_with_a_remedy_before_anything_is_made() -> None:
    world = World()
    world.wrong_definition()
    with pytest.raises(ConfigurationError, match="Delete the metafield definition"):
        list(world.customers().create([creation("c1-1", firstName="Kari")]))
    assert rows(world.customers().read_all()) == []


def test_a_key_that_is_held_is_taken_and_its_holder_is_not_touched() -> None:
    world = World()
    only(world.customers().create([creation("c1-1", firstName="Kari")]))
    world.start_log()
    outcome = only(world.customers().create([creation("c1-1", firstName="Ola")]))
    assert problems(outcome) == {(None, "taken")}
    assert world.sim.writes() == []


def test_one_key_twice_in_a_batch_makes_one_record() -> None:
    world = World()
    outcomes = list(world.customers().create([creation("c1-1", n, firstName="Kari") for n in (1, 2)]))
    assert sorted(outcome.record is not None for outcome in outcomes) == [False, True]
    assert len(rows(world.customers().read_all())) == 1


def test_a_creation_whose_answer_is_lost_is_unclear_and_found_by_its_key() -> None:
    world = World()
    customers = world.customers()
    only(customers.create([creation("c1-0", firstName="Kari")]))
    world.sim.switches({"lose_response_after_commit": 1})
    world.start_log()
    outcome = only(customers.create([creation("c1-1", firstName="Kari")]))
    assert isinstance(outcome.error, UnclearError)
    assert world.operations.count("CreateCustomer") == 1
    assert list(customers.find_by_key(["c1-1"])) == ["c1-1"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"email": "opptatt@example.no"}, ("email", "taken")),
        ({"email": "ikke-epost"}, ("email", "invalid")),
        ({"firstName": "K", "phone": "12"}, ("phone", "invalid")),
        ({"firstName": "x" * 256}, ("firstName", "too_long")),
        ({"firstName": "K", "addresses__city": "https://by.no"}, ("addresses.city", "invalid")),
        ({"firstName": "K", "addresses__country": "Norge"}, ("addresses.country", "invalid")),
    ],
)
def test_a_refused_creation_names_the_field_and_makes_nothing(values: dict[str, str], found: tuple[str, str]) -> None:
    world = World()
    world.new_customer(email="opptatt@example.no")
    before = rows(world.customers().read_all())
    outcome = only(world.customers().create([creation("c1-1", **values)]))
    assert found in problems(outcome)
    assert outcome.record is None
    assert rows(world.customers().read_all()) == before


def test_creations_run_side_by_side() -> None:
    world = World()
    customers = world.customers(workers=4)
    made = list(customers.create([creation(f"c1-{n}", n, firstName="Kari") for n in range(45)]))
    assert {outcome.ref for outcome in made if outcome.record} == set(range(45))
    assert len(rows(customers.read_all())) == 45


def test_creations_stop_once_access_is_refused() -> None:
    world = World(switches={"scopes": ["read_customers"]})
    world.memory["shopify.key_definition.customer"] = "yes"
    outcomes: list[Outcome] = list(
        world.customers().create([creation(f"c1-{n}", n, firstName="Kari") for n in range(30)])
    )
    assert len(outcomes) == 30
    assert all(isinstance(outcome.error, AccessError) for outcome in outcomes)
    assert world.operations.count("CreateCustomer") <= 1


def test_a_creation_that_the_server_failed_is_unclear() -> None:
    shop = Shop(
        MakeDefinition=data(m0={"createdDefinition": {"id": "x"}, "userErrors": []}),
        FindCustomersByKey=data(m0=None),
        CreateCustomer=errors(error("INTERNAL_SERVER_ERROR", ["m0"]), m0=None),
    )
    assert isinstance(only(shop.customers(FEW).create([creation("c1-1", firstName="K")])).error, UnclearError)
