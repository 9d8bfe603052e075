"""Prices with and without VAT: held rather than guessed, equal to the øre."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.mapping import Mapping, Vat
from samklang.core.prices import common_form, common_forms, from_common, moves_beyond, price_form, price_hold

BOOKS = {"tax_group": "2"}
WITHOUT_TAX = {"prices_include_tax": False}
WITH_TAX = {"prices_include_tax": True, "currency": "NOK"}
SHOP_WITHOUT_TAX = {"prices_include_tax": False, "currency": "NOK"}


def form(
    own: dict[str, Any],
    other: dict[str, Any],
    *,
    facts: dict[str, Any] | None = None,
    raw: str | None = "100",
    vat: Vat | None = None,
    currency: str = "NOK",
    inherits: bool = False,
    kind: str = "money",
) -> str:
    mapping = Mapping(
        entity="products",
        sides=("accounts", "shop"),
        schedule="@daily",
        match=("Code",),
        fields=(),
        create_in=frozenset(),
        currency=currency,
        vat=vat or Vat(),
    )
    return price_form(mapping=mapping, own=own, other=other, facts=facts or {}, raw=raw, inherits=inherits, kind=kind)


RATES = Vat(default=Decimal("0.25"), by_group={"2": Decimal("0.0")})


def test_figures_are_equal_as_they_stand_where_the_shop_is_without_tax() -> None:
    assert form(WITHOUT_TAX, SHOP_WITHOUT_TAX) == "1"
    assert form(SHOP_WITHOUT_TAX, WITHOUT_TAX, facts={"taxable": False}) == "1"


@pytest.mark.parametrize(
    ("facts", "factor"), [({}, "1.25"), ({"tax_group": "1"}, "1.25"), ({"tax_group": None}, "1.25"), (BOOKS, "1.0")]
)
def test_a_price_without_tax_takes_the_rate_of_its_group_else_the_default(facts: dict[str, Any], factor: str) -> None:
    assert Decimal(form(WITHOUT_TAX, WITH_TAX, facts=facts, vat=RATES)) == Decimal(factor)


def test_a_price_with_tax_stands_as_it_is() -> None:
    assert form(WITH_TAX, WITHOUT_TAX, vat=RATES) == "1"


def test_a_price_without_a_covering_rate_is_held_never_guessed() -> None:
    assert form(WITHOUT_TAX, WITH_TAX) == "held:vat_rate_missing"
    only_books = Vat(by_group={"2": Decimal("0.15")})
    assert form(WITHOUT_TAX, WITH_TAX, facts={"tax_group": "1"}, vat=only_books) == "held:vat_rate_missing"
    assert form(WITHOUT_TAX, WITH_TAX, facts={"tax_group": 2}, vat=only_books) == "1.15"


GROUPS = {**WITHOUT_TAX, "tax_accounts": {"1": "3000", "2": "3100", "3": None}}
ACCOUNTS = Vat(
    default=Decimal("0.25"),
    by_group={"FOOD": Decimal("0.15")},
    by_account={"3100": Decimal("0"), "3020": Decimal("0.12")},
)


@pytest.mark.parametrize(
    ("group", "group_id", "own", "expected"),
    [
        ("TOYS", "1", None, "1.25"),
        ("FOOD", "1", None, "1.15"),
        (" food ", "1", None, "1.15"),
        ("FOOD", "2", None, "1"),  # the account of the group is named, and goes first
        ("FOOD", "1", "3020", "1.12"),  # so does its own
        ("FOOD", "2", "3020", "1.12"),
        ("FOOD", "1", "3000", "1.15"),  # the same as its group's: nothing special
        ("TOYS", "1", "3999", "held:own_sales_account"),
        ("TOYS", "3", "3999", "held:own_sales_account"),
        ("TOYS", None, "3999", "held:own_sales_account"),
        (None, None, None, "1.25"),
        ("NEW", "9", None, "held:sales_account_unknown"),
        ("NEW", "9", "3020", "1.12"),
    ],
)
def test_the_sales_account_decides_on_the_rate(
    group: str | None, group_id: str | None, own: str | None, expected: str
) -> None:
    facts = {"tax_group": group, "tax_group_id": group_id, "tax_account": own}
    assert form(GROUPS, WITH_TAX, facts=facts, vat=ACCOUNTS) == expected


def test_without_rates_by_account_only_an_account_of_its_own_matters() -> None:
    facts = {"tax_group": "FOOD", "tax_group_id": "9", "tax_account": None}
    by_group = Vat(by_group={"food": Decimal("0.150")})
    assert form(WITHOUT_TAX, WITH_TAX, facts=facts, vat=by_group) == "1.15"
    assert form(WITHOUT_TAX, WITH_TAX, facts={**facts, "tax_account": "3000"}, vat=by_group) == "held:own_sales_account"
    assert form(WITHOUT_TAX, SHOP_WITHOUT_TAX, facts={**facts, "tax_account": "3000"}, vat=by_group) == "1"


def test_a_variant_that_is_not_taxable_is_held_where_prices_include_tax() -> None:
    assert form(WITH_TAX, WITHOUT_TAX, facts={"taxable": False}, vat=RATES) == "held:not_taxable"


@pytest.mark.parametrize("kind", ["money", "cost"])
def test_another_currency_holds_prices_on_both_sides(kind: str) -> None:
    assert form(WITHOUT_TAX, WITH_TAX, vat=RATES, currency="SEK", kind=kind) == "held:currency_differs"
    assert form(SHOP_WITHOUT_TAX, WITHOUT_TAX, currency="SEK", kind=kind) == "held:currency_differs"


def test_an_empty_price_is_held_where_it_means_inherited_and_empty_elsewhere() -> None:
    assert form(WITHOUT_TAX, SHOP_WITHOUT_TAX, raw=None, inherits=True) == "held:inherited"
    assert form(WITHOUT_TAX, SHOP_WITHOUT_TAX, raw=" ", inherits=True) == "held:inherited"
    assert form(WITHOUT_TAX, SHOP_WITHOUT_TAX, raw="0", inherits=True) == "1"
    assert form(SHOP_WITHOUT_TAX, WITHOUT_TAX, raw=None) == "1"


def test_costs_carry_no_vat_on_either_side() -> None:
    assert form(WITHOUT_TAX, WITH_TAX, kind="cost") == "1"
    assert form(WITH_TAX, WITHOUT_TAX, kind="cost", facts={"taxable": False}) == "1"


@pytest.mark.parametrize(
    "reason",
    [
        "currency_differs",
        "vat_rate_missing",
        "own_sales_account",
        "sales_account_unknown",
        "not_taxable",
        "inherited",
    ],
)
def test_every_held_price_says_what_to_do(reason: str) -> None:
    hold = price_hold(f"held:{reason}")
    assert hold is not None
    assert hold.reason == reason
    assert hold.remedy.endswith(".")


def test_a_price_with_a_factor_is_not_held() -> None:
    assert price_hold("1.25") is None


@pytest.mark.parametrize(
    ("raw", "factor", "common"),
    [
        ("79.2", "1.25", "99.00"),
        ("79.204", "1.25", "99.01"),
        ("0.004", "1", "0.00"),
        ("0.005", "1", "0.01"),
        ("99.00", "1", "99.00"),
        ("1e2", "1.15", "115.00"),
        (" gratis ", "1", "gratis"),
        ("", "1", None),
        (None, "1", None),
        ("100", "held:inherited", None),
        ("100", None, None),
    ],
)
def test_the_common_form_is_the_figure_that_the_shop_shows(
    raw: str | None, factor: str | None, common: str | None
) -> None:
    assert common_form(raw, factor) == common
    column = common_forms(pd.Series([raw], index=[9], dtype=object), pd.Series([factor], index=[9], dtype=object))
    assert column.tolist() == [common]
    assert column.index.tolist() == [9]


@pytest.mark.parametrize(
    ("common", "factor", "figure"),
    [
        ("99.00", "1.25", "79.20"),
        ("100.01", "1.25", "80.01"),
        ("98.98", "1.25", "79.18"),
        ("99.02", "1.25", "79.216"),
        ("99.00", "1", "99.00"),
        ("0.00", "1.25", "0.00"),
        ("-10.00", "1.25", "-8.00"),
    ],
)
def test_the_figure_to_store_has_no_more_decimals_than_it_needs(common: str, factor: str, figure: str) -> None:
    assert from_common(common, factor) == figure
    assert common_form(figure, factor) == common


RATE = st.decimals(min_value=0, max_value=Decimal("0.3"), places=4)


@given(st.decimals(min_value=0, max_value=10**7, places=2), RATE)
def test_every_price_the_shop_can_show_has_a_figure_that_gives_exactly_it(price: Decimal, rate: Decimal) -> None:
    common, factor = str(price), str(1 + rate)
    figure = from_common(common, factor)
    assert common_form(figure, factor) == common
    assert -Decimal(figure).as_tuple().exponent in range(2, 7)


@given(st.decimals(min_value=0, max_value=10**7, places=6), RATE)
def test_a_price_of_any_fraction_that_went_there_and_back_is_the_same_price(price: Decimal, rate: Decimal) -> None:
    factor = str(1 + rate)
    shown = common_form(str(price), factor)
    assert shown is not None
    assert common_form(from_common(shown, factor), factor) == shown


def test_a_held_price_has_no_figure_to_store() -> None:
    with pytest.raises(ValueError, match="held"):
        from_common("99.00", "held:vat_rate_missing")


@pytest.mark.parametrize("text", ["gratis", "", "99.005"])
def test_text_that_is_no_amount_has_no_figure_to_store(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        from_common(text, "1.25")


@pytest.mark.parametrize(
    ("old", "new", "beyond"),
    [
        ("100.00", "150.00", False),
        ("100.00", "150.01", True),
        ("100.00", "50", False),
        ("100.00", "49.99", True),
        ("0.10", "0.15", False),  # exactly half, which no float says
        ("0.10", "0.151", True),
        ("100.00", "100", False),
        ("100.00", "0.00", True),
        ("0", "0.01", True),
        ("0", "0.00", False),
        ("100.00", None, True),
        (None, "100.00", False),
        (" ", "100.00", False),
        ("on request", "100.00", True),
        ("on request", " on request", False),
    ],
)
def test_a_price_moves_beyond_a_part_of_what_it_was(old: str | None, new: str | None, beyond: bool) -> None:
    assert moves_beyond(old, new, Decimal("0.5")) is beyond


@pytest.mark.parametrize("pair", [("10", "0"), ("0", "10"), ("10", None)])
def test_from_and_to_nothing_is_beyond_any_part(pair: tuple[str, str | None]) -> None:
    assert moves_beyond(*pair, Decimal(1))
