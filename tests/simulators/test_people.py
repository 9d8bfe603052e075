"""The persons and goods that both simulators draw from."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from samklang.simulators.people import ABROAD, GROUPS, PLACES, chance, good, goods, people, person


def test_a_person_or_good_is_the_same_however_many_are_asked_for() -> None:
    assert people(3, 50)[17] == people(3, 20)[17] == people(3, 5, first=15)[2] == person(3, 17)
    assert goods(3, 50)[17] == goods(3, 20)[17] == goods(3, 5, first=15)[2] == good(3, 17)


def test_another_seed_gives_other_persons_and_goods() -> None:
    assert people(1, 50) != people(2, 50)
    assert goods(1, 50) != goods(2, 50)


def test_chance_depends_on_seed_purpose_and_number_alone() -> None:
    draws = {chance(seed, purpose, number).random() for seed in (1, 2) for purpose in "ab" for number in (1, 2)}
    assert len(draws) == 8
    assert chance(1, "a", 1).random() in draws


def test_emails_phones_codes_and_numbers_of_goods_are_unique() -> None:
    persons, wares = people(1, 20_000), goods(1, 20_000)
    assert len({who.email for who in persons}) == len({who.phone for who in persons}) == 20_000
    assert len({what.code for what in wares}) == len({what.gtin for what in wares}) == 20_000


def test_persons_are_complete_and_clean() -> None:
    for who in people(1, 2_000):
        assert all((who.first_name, who.last_name, who.address1, who.city, who.zip))
        assert re.fullmatch(r"[a-z.-]+\d+@[a-z]+\.(example|com|org)", who.email), who.email
        assert re.fullmatch(r"\+\d{10,13}", who.phone)
        assert [value for value in who if isinstance(value, str) and value != value.strip()] == []


def test_persons_live_where_their_phone_and_zip_code_say() -> None:
    persons = people(1, 4_000)
    places = {"NO": ("+479", set(PLACES)), **{country: (prefix, set(towns)) for country, prefix, _, _, towns in ABROAD}}
    assert {who.country for who in persons} == set(places)
    for who in persons:
        prefix, towns = places[who.country]
        assert who.phone.startswith(prefix)
        assert (who.zip, who.city) in towns
    assert 0.02 < sum(who.country != "NO" for who in persons) / 4_000 < 0.04


def test_norwegian_phone_numbers_have_eight_digits() -> None:
    assert {len(who.phone) for who in people(1, 500) if who.country == "NO"} == {11}


@pytest.mark.parametrize("number", [0, 7, 99_999])
def test_the_numbers_of_goods_have_their_check_digit(number: int) -> None:
    gtin = good(1, number).gtin
    assert len(gtin) == 13
    assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(gtin)) % 10 == 0


def test_goods_have_a_price_in_whole_oere_a_group_and_a_code() -> None:
    for what in goods(1, 1_000):
        assert what.price_net == what.price_net.quantize(Decimal("0.01")) > 0
        assert what.price_net.as_tuple().exponent == -2
        assert what.group in GROUPS
        assert re.fullmatch(r"[A-Z]{3}-\d{5}", what.code)
