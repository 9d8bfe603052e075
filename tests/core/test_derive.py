"""Normal forms, forms and match keys of whole records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.derive import SideView, by_field, derive, derive_all, match_keys
from samklang.core.mapping import Field, Mapping, Vat
from samklang.core.rules import Accepts, EntityRules

FIRST, SECOND = SIDES = ("powerofficego", "shopify")


def mapping_of(*fields: tuple[str, str], **options: Any) -> Mapping:
    made = tuple(Field({FIRST: name, SECOND: name.lower()}, kind, "extension") for name, kind in fields)
    return Mapping("products", SIDES, "@hourly", (made[0].name,), made, frozenset(), **options)


def view(side: str, rules: EntityRules | None = None, **facts: Any) -> SideView:
    return SideView(side, facts, {"prices_include_tax": not facts.get("prices_include_tax")}, rules or EntityRules())


RECORD = st.fixed_dictionaries(
    {},
    optional={
        "Mail": st.sampled_from([None, "", "A@b.no ", "c"]),
        "Country": st.sampled_from([None, "NO", "swe", "?"]),
        "Phone": st.sampled_from([None, "22334455", "070-123 45 67", "ring"]),
        "Price": st.sampled_from([None, "80", "80.005", "x"]),
    },
)


@given(st.lists(st.tuples(RECORD, st.sampled_from([{}, {"tax_group": "FOOD"}, {"skip": {"Mail": "why"}}]))))
def test_many_records_are_derived_as_each_alone_would_be(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    mapping = mapping_of(("Mail", "email"), ("Country", "country"), ("Phone", "phone"), ("Price", "money"))
    one_side = view(FIRST, prices_include_tax=False)

    together = derive_all(mapping, one_side, [raw for raw, _ in rows], [facts for _, facts in rows])

    assert together == [derive(mapping, one_side, raw, facts) for raw, facts in rows]


def test_a_field_that_was_not_answered_has_no_normal_form() -> None:
    mapping = mapping_of(("Mail", "email"), ("Name", "text"))

    derived = derive(mapping, view(FIRST), {"Mail": None}, {})

    assert (derived.normal, derived.form) == ({"Mail": None}, {"Mail": "email"})


def test_a_phone_is_read_in_the_country_of_its_record_else_of_the_mapping() -> None:
    mapping = mapping_of(("Phone", "phone"), ("Country", "country"))

    def phone(country: str | None) -> str | None:
        return derive(mapping, view(FIRST), {"Phone": "070-123 45 67", "Country": country}, {}).normal["Phone"]

    assert phone("SE") == "+46701234567"
    assert phone(None) == "070-123 45 67"


@pytest.mark.parametrize(
    ("facts", "raw", "form"),
    [
        ({"tax_group": "FOOD"}, "80", "money*1.15"),
        ({}, "80", "money*1.25"),
        ({}, None, "held:inherited"),
    ],
)
def test_the_form_of_a_price_names_its_factor_or_why_it_is_held(
    facts: dict[str, Any], raw: str | None, form: str
) -> None:
    mapping = mapping_of(("Price", "money"), vat=Vat(Decimal("0.25"), {"FOOD": Decimal("0.15")}))
    rules = EntityRules(fields={"Price": Accepts(inherits=True)})

    assert derive(mapping, view(FIRST, rules), {"Price": raw}, facts).form["Price"] == form


def test_a_field_that_the_system_skips_says_so_in_its_form() -> None:
    mapping = mapping_of(("Title", "text"))

    assert derive(mapping, view(SECOND), {"Title": "x"}, {"skip": {"title": "several"}}).form == {
        "Title": "skip:several"
    }


def test_what_the_mapping_does_not_name_falls_away() -> None:
    assert by_field(mapping_of(("Name", "text")), SECOND, {"name": "a", "tags": "b"}) == {"Name": "a"}


def test_match_keys_are_compared_whole_however_long() -> None:
    mapping = mapping_of(("Code", "code"))
    long = "x" * 500

    (one,), (other,) = (match_keys(mapping, {"Code": long + end}) for end in "ab")

    assert one != other
    assert max(len(one[1]), len(other[1])) <= 400
    assert match_keys(mapping, {"Code": "ab\x00"})[0][1].isprintable()
    assert match_keys(mapping, {"Code": None}) == []
