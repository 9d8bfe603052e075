"""Rule 1: which records are linked, which are made, and which are left to a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers, products

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import conflicts, holds, intents, link_sides, links, verdicts
from samklang.sync.context import Run

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


def twins(world: World) -> set[tuple[str, str]]:
    by_link: dict[int, dict[str, str]] = {}
    for row in world.rows(link_sides):
        by_link.setdefault(row["link_id"], {})[row["side"]] = row["record_id"]
    return {(ids[LEFT], ids[RIGHT]) for ids in by_link.values()}


def judged(world: World) -> dict[tuple[str, str], tuple[str, str]]:
    return {(v["side"], v["record_id"]): (v["verdict"], v["reason"]) for v in world.rows(verdicts)}


def test_one_on_each_side_with_the_same_key_are_linked_and_nothing_is_created(world: World) -> None:
    a, b = world.left.add(**KARI), world.right.add(**KARI)

    world.run()

    assert twins(world) == {(a, b)}
    assert world.writes() == 0


def test_keys_are_compared_trimmed_and_without_case(world: World) -> None:
    a, b = world.left.add(**KARI), world.right.add(**KARI | {"email": " Kari@POST.example "})

    world.run()

    assert twins(world) == {(a, b)}


def test_keys_are_compared_whole(world: World) -> None:
    world.left.add(**KARI)
    world.right.add(**KARI | {"email": "kari@post.example.org"})

    world.run()

    assert [op for op, _, _ in world.right.writes] == ["create"]


def test_the_case_of_a_code_counts(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS))
    shop.left.add(title="A", code="ab-1")
    shop.right.add(title="A", code="AB-1", price="10.00")

    shop.run()

    assert twins(shop) == {("1", "2")}


def test_empty_codes_never_match(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS))
    shop.left.add(title="A", code=" ")
    shop.right.add(title="A", code="", price="10.00")

    shop.run()

    assert twins(shop) == {("1", "2")}


@pytest.mark.parametrize("doubled", [LEFT, RIGHT])
def test_a_key_held_twice_on_one_side_is_ambiguous_even_if_the_other_side_has_none(world: World, doubled: str) -> None:
    system = world.left if doubled == LEFT else world.right
    first, second = system.add(**KARI), system.add(**KARI | {"first": "Karin"})

    world.run()

    assert world.writes() == 0
    assert twins(world) == set()
    assert {v["verdict"] for v in world.rows(verdicts)} == {"ambiguous"}
    (row, _) = world.rows(verdicts)
    assert f'"{doubled}":["{first}","{second}"]' in row["candidates"]


def test_an_ambiguous_key_is_reported_with_all_candidates_of_both_sides(world: World) -> None:
    a = world.left.add(**KARI)
    b, c = world.right.add(**KARI), world.right.add(**KARI)

    world.run()

    assert world.writes() == 0
    candidates = {v["candidates"] for v in world.rows(verdicts)}
    assert candidates == {f'{{"{LEFT}":["{a}"],"{RIGHT}":["{b}","{c}"]}}'}
    assert judged(world).keys() == {(LEFT, a), (RIGHT, b), (RIGHT, c)}


def test_an_ambiguous_key_is_linked_as_soon_as_it_is_held_once(world: World) -> None:
    a = world.left.add(**KARI)
    b, c = world.right.add(**KARI), world.right.add(**KARI)
    world.run()

    world.right.edit(c, email="other@post.example")
    world.run()

    assert (a, b) in twins(world)


def test_who_meets_a_linked_record_is_reported_and_not_created(world: World) -> None:
    world.pair(**KARI)
    world.left.edit("1", email="new@post.example")
    world.run()
    world.right.edit("1", email="kari@post.example")  # back on one side, while a newcomer takes the other's
    stranger = world.left.add(**KARI)

    plan = world.plan(Run("look"))
    world.approve(plan)
    world.load(plan)

    assert judged(world)[LEFT, stranger] == ("excluded", "key_held_by_a_linked_record")
    assert all(op != "create" for op, _, _ in world.right.writes)


def test_a_second_record_with_the_key_of_a_linked_one_is_ambiguous(world: World) -> None:
    world.pair(**KARI)
    second = world.right.add(**KARI)

    world.run()

    assert judged(world)[RIGHT, second][0] == "ambiguous"
    assert world.writes() == 0


def test_who_meets_a_company_is_reported_and_not_created(world: World) -> None:
    company = world.left.add(**KARI, scope=Scope.OUTSIDE)
    b = world.right.add(**KARI)

    world.run()

    assert judged(world) == {(RIGHT, b): ("excluded", "key_held_by_a_company")}
    assert f'["{company}"]' in world.rows(verdicts)[0]["candidates"]
    assert world.writes() == 0


def test_a_company_beside_a_person_makes_the_key_ambiguous(world: World) -> None:
    world.left.add(**KARI, scope=Scope.OUTSIDE)
    a, b = world.left.add(**KARI), world.right.add(**KARI)

    world.run()

    assert {who: verdict for who, (verdict, _) in judged(world).items()} == {
        (LEFT, a): "ambiguous",
        (RIGHT, b): "ambiguous",
    }


def test_an_archived_record_that_holds_its_key_alone_is_linked_and_paused(world: World) -> None:
    a, b = world.left.add(**KARI, scope=Scope.ARCHIVED), world.right.add(**KARI | {"first": "Karin"})

    world.run()
    assert twins(world) == {(a, b)}
    assert world.writes() == 0

    world.left.set(a, scope=Scope.ACTIVE)
    world.run()
    assert world.left.show(a) == world.right.show(b)


def test_what_people_edit_or_empty_while_a_new_pair_is_paused_is_an_edit_when_both_are_active(world: World) -> None:
    a = world.left.add(**KARI, phone="22 33 44 55", scope=Scope.ARCHIVED)
    b = world.right.add(**KARI, phone="+4722334455")
    world.run()
    world.right.edit(b, phone=None, first="Karin")
    world.run()
    assert world.writes() == 0

    world.left.set(a, scope=Scope.ACTIVE)
    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Karin"}
    assert world.rows(conflicts) == []


def test_an_archived_record_beside_an_active_one_makes_the_key_ambiguous(world: World) -> None:
    world.left.add(**KARI, scope=Scope.ARCHIVED)
    world.left.add(**KARI)
    world.right.add(**KARI)

    world.run()

    assert twins(world) == set()
    assert len(world.rows(verdicts)) == 3
    assert world.writes() == 0


def test_archived_records_are_not_created(world: World) -> None:
    a = world.left.add(**KARI, scope=Scope.ARCHIVED)

    world.run()

    assert judged(world) == {(LEFT, a): ("excluded", "archived")}


def test_archived_records_are_created_for_who_wants_that(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_archived: true"))
    world.left.add(**KARI, scope=Scope.ARCHIVED)

    world.run()

    assert world.right.show("1") == KARI


def test_a_record_without_a_key_is_created(world: World) -> None:
    world.left.add(first="Kari", last="Lie", phone="22334455")

    world.run()

    assert world.right.show("1") == {"first": "Kari", "last": "Lie", "phone": "+4722334455"}


def test_records_are_judged_over_all_that_were_ever_seen(world: World) -> None:
    a = world.left.add(**KARI)
    b, c = world.right.add(**KARI), world.right.add(**KARI)
    world.run()
    world.moment += world.mapping.full_every / 2  # far beyond the overlap: the next read is a window without these

    world.left.edit(a, last="Dal")
    world.run(mode="changes")

    assert judged(world).keys() == {(LEFT, a), (RIGHT, b), (RIGHT, c)}
    assert world.writes() == 0


def test_a_newcomer_is_matched_with_a_record_seen_long_ago(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: []"))
    a = world.left.add(**KARI)
    world.run()
    world.moment += world.mapping.full_every / 2

    b = world.right.add(**KARI)
    world.run(mode="changes")

    assert twins(world) == {(a, b)}


def test_a_link_never_changes_because_a_key_was_edited(world: World) -> None:
    a, b = world.pair(**KARI)
    other = world.right.add(**OLA)
    world.run()

    world.left.edit(a, email="someone.else@post.example")
    world.run()
    world.right.edit(b, email="again@post.example")
    world.run()

    assert (a, b) in twins(world)
    assert world.left.value(a, "email") == "again@post.example"
    assert (a, other) not in twins(world)


def test_a_second_key_is_tried_only_when_the_first_finds_nobody(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "match: [EmailAddress, PhoneNumber]"))
    a = world.left.add(**KARI, phone="22334455")
    world.right.add(**KARI)
    by_phone = world.right.add(**OLA, phone="+4722334455")
    c = world.left.add(first="Per", last="Moe", phone="33445566")
    d = world.right.add(first="Per", last="Moe", email="per@post.example", phone="+47 33 44 55 66")

    world.run()

    assert {(a, "1"), (c, d)} <= twins(world)
    assert (a, by_phone) not in twins(world)


def test_a_record_whose_first_key_is_ambiguous_is_not_linked_by_the_second(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "match: [EmailAddress, PhoneNumber]"))
    world.left.add(**KARI, phone="22334455")
    world.left.add(**KARI)
    world.right.add(**OLA, phone="+4722334455")

    world.run()

    assert ("1", "1") not in twins(world)


@pytest.mark.parametrize("blind", [LEFT, RIGHT])
def test_nobody_is_created_while_a_match_key_is_unknown_on_either_side(new_world: NewWorld, blind: str) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    system = world.left if blind == LEFT else world.right
    system.denied.add(system.names["email"])
    a, b = world.left.add(**KARI), world.right.add(**KARI)

    world.run()
    assert world.writes() == 0
    assert {verdict for verdict, _ in judged(world).values()} == {"excluded"}

    system.denied.clear()
    world.run(mode="full")
    assert twins(world) == {(a, b)}
    assert world.writes() == 0


def test_a_record_that_we_made_and_did_not_link_is_linked_by_our_key_first(world: World) -> None:
    a = world.left.add(**KARI)
    world.right.die_after = 1
    world.run()
    made = next(iter(world.right.records))
    world.right.edit(made, email="moved@post.example")
    double = world.right.add(**KARI)
    world.moment += world.mapping.full_every

    world.run()

    assert twins(world) == {(a, made)}
    assert judged(world)[RIGHT, double][0] == "excluded"
    assert len(world.right.records) == 2
    assert {row["state"] for row in world.rows(intents)} == {"done"}


def test_a_record_that_we_made_for_a_record_that_is_gone_is_not_sent_back(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    orphan = world.right.add(**KARI, key="tenant-powerofficego-99")

    world.run()

    assert world.writes() == 0
    assert judged(world)[RIGHT, orphan] == ("excluded", "made_for_a_record_that_is_not_there")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("create_in: []",), "not_in_create_in"),
        (("share: {powerofficego: true, shopify: false}",), "share_off"),
        (("full_sync: {powerofficego: true, shopify: false}",), "before_the_first_run"),
    ],
)
def test_who_is_not_created_is_listed_with_the_reason(new_world: NewWorld, lines: tuple[str, ...], reason: str) -> None:
    world = new_world(customers(NO_LIMITS, *lines))
    a = world.left.add(**KARI)

    world.run()

    assert judged(world) == {(LEFT, a): ("excluded", reason)}
    assert world.status()["excluded"] == 1


def test_a_record_that_lacks_what_the_other_side_needs_is_excluded(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [powerofficego]"))
    b = world.right.add(email="kari@post.example", first="Kari")

    world.run()
    assert judged(world) == {(RIGHT, b): ("excluded", "lacks_LastName")}

    world.right.edit(b, last="Lie")
    world.run()
    assert twins(world) == {("1", b)}


def test_without_full_sync_only_newcomers_are_created_and_existing_pairs_are_linked(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "full_sync: {powerofficego: true, shopify: false}"))
    world.left.add(**KARI)
    a, b = world.left.add(**OLA), world.right.add(**OLA)
    world.run()
    assert twins(world) == {(a, b)}
    assert world.writes() == 0

    world.left.add(email="new@post.example", first="Nina", last="Ny")
    world.run()

    assert [values["email"] for _, _, values in world.right.written()] == ["new@post.example"]


def test_created_records_carry_our_key_and_matched_ones_are_not_stamped(world: World) -> None:
    world.left.add(**KARI)
    a, b = world.pair(**OLA)

    assert (a, b) in twins(world)
    assert world.right.records[b].key is None
    assert {r.key for i, r in world.right.records.items() if i != b} == {"tenant-powerofficego-1"}
    assert {row["origin"] for row in world.rows(links)} == {"matched", "created"}


def test_two_hundred_customers_are_linked_and_made_in_one_run(world: World) -> None:
    for n in range(200):
        values = {"email": f"c{n}@post.example", "first": "Kari", "last": f"Lie {n}"}
        world.left.add(**values)
        if n % 2:
            world.right.add(**values)

    world.run()

    assert world.status()["in_sync"] == 200
    assert len(world.right.records) == 200
    assert len(world.right.writes) == 100


BOTH = "create_in: [shopify, powerofficego]"
NOISE = [
    "Ola Dal <ola@post.example>", "ola@post.example;", "ola@post.example (jobb)", "ola @post.example",
    "mailto:ola@post.example", '"ola@post.example"', "ola@post.example; ola@home.example",
]  # fmt: skip


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("noisy", [LEFT, RIGHT])
def test_who_holds_a_key_in_a_form_that_is_none_makes_nobody_and_nobody_is_made_beside_them(
    new_world: NewWorld, noisy: str, noise: str
) -> None:
    world = new_world(customers(NO_LIMITS, BOTH))
    emails = {LEFT: OLA["email"], RIGHT: OLA["email"], noisy: noise}
    a, b = world.left.add(**OLA | {"email": emails[LEFT]}), world.right.add(**OLA | {"email": emails[RIGHT]})

    world.run()

    assert world.writes() == 0
    assert world.status()["ambiguous"] == 2
    for row in world.rows(verdicts):
        assert (row["verdict"], row["reason"]) == ("ambiguous", "EmailAddress_shared_in_part")
        assert loads(row["candidates"]) == {LEFT: [a], RIGHT: [b]}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("create_in", ["[shopify]", "[shopify, powerofficego]"])
def test_correcting_the_field_as_the_remedy_says_links_the_two(new_world: NewWorld, noise: str, create_in: str) -> None:
    world = new_world(customers(NO_LIMITS, f"create_in: {create_in}"))
    a, b = world.left.add(**OLA | {"email": noise}), world.right.add(**OLA)
    world.run()
    (hold,) = world.rows(holds)
    assert hold["field"] == "EmailAddress"
    assert "e-mail address" in hold["remedy"]

    world.left.edit(a, email=OLA["email"])
    world.run()

    assert twins(world) == {(a, b)}
    assert world.writes() == 0
    assert world.rows(holds) == world.rows(verdicts) == []


def test_who_holds_noise_for_a_key_is_made_nowhere_and_says_so(world: World) -> None:
    a = world.left.add(**KARI | {"email": "ukjent"})

    world.run()
    assert world.writes() == 0
    assert judged(world) == {(LEFT, a): ("excluded", "EmailAddress_is_no_key")}
    assert [row["reason"] for row in world.rows(holds)] == ["email_invalid"]

    world.left.edit(a, email=KARI["email"])
    world.run()
    assert world.right.show("1") == KARI
    assert world.rows(holds) == []


def test_a_linked_record_whose_field_holds_more_than_its_key_blocks_who_has_that_key(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, BOTH))
    a, _ = world.pair(**KARI)
    world.left.edit(a, email="kari@post.example, ola@post.example")
    world.run()
    b = world.right.add(**OLA)

    world.run()

    assert len(world.left.records) == 1
    (row,) = world.rows(verdicts)
    assert (row["verdict"], loads(row["candidates"])) == ("ambiguous", {LEFT: [a], RIGHT: [b]})


def test_a_record_that_is_gone_blocks_nobody_with_what_could_be_read_out_of_it(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, BOTH))
    a, _ = world.left.add(**OLA | {"email": "ola@post.example; ola@home.example"}), world.left.add(**KARI)
    world.right.add(**OLA | {"email": "ola@home.example"})
    world.run()
    assert len(world.left.records) == 2

    world.left.delete(a)
    for _ in range(3):
        world.moment += timedelta(days=2)
        world.run()

    assert world.status()["ambiguous"] == 0
    assert world.left.show("3") == OLA | {"email": "ola@home.example"}


def test_a_key_that_the_other_side_cannot_hold_makes_nobody_without_it(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [powerofficego]"))
    world.right.add(**KARI | {"email": f"{'x' * 100}@post.example"})

    world.run()

    assert world.writes() == 0
    assert judged(world) == {(RIGHT, "1"): ("excluded", "EmailAddress_is_held")}
    assert [row["reason"] for row in world.rows(holds)] == ["too_long"]


@pytest.mark.parametrize(
    "typed", ["AB-1\u200b", "\ufeffAB-1", "A\u00adB-1", "\u202aAB-1\u202c", "AB-1\ufe0f", "AB-1\x00"]
)
def test_what_nobody_sees_doubles_no_product(new_world: NewWorld, typed: str) -> None:
    shop = new_world(products(NO_LIMITS, BOTH))
    a, b = shop.left.add(title="A", code=typed, price="10.00"), shop.right.add(title="A", code="AB-1", price="10.00")

    shop.run()

    assert twins(shop) == {(a, b)}
    assert shop.writes() == 0


def test_a_record_that_two_others_claim_by_our_key_gets_one_twin_and_nobody_is_doubled(new_world: NewWorld) -> None:
    """As after a deletion, a new twin, the return of the old one, and a store from before all of that."""
    world = new_world(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    old = world.left.add(**KARI)
    b = world.right.add(**KARI, key=f"tenant-powerofficego-{old}")
    new = world.left.add(**KARI, key=f"tenant-shopify-{b}")

    world.run()

    assert twins(world) == {(new, b)}
    assert judged(world)[LEFT, old][0] in ("excluded", "ambiguous")
    assert world.writes() == 0
