"""Prices: one system's are without VAT, the other's may include it.

Each record's price has a *form* on its side, as text: the factor that turns the figure as stored into the figure as
the tax-including side shows it (`1`, `1.25`), or `held:<reason>` where that factor is not known. Two prices are equal
when their common forms are: so less than one øre is no edit.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from decimal import Decimal
from typing import Any

import pandas as pd

from samklang.core.holds import Hold
from samklang.core.mapping import Mapping, Vat
from samklang.core.values import DECIMALS, decimal, tidy, two_decimals

PLAIN = "1"
HELD = "held:"
_REMEDIES = {
    "currency_differs": "Set `currency` in the mapping to the shop's currency if both systems keep their prices in it; "
    "amounts are never converted.",
    "vat_rate_missing": "Name a VAT rate in the mapping: `vat.default`, or one for this product group in `vat.groups`.",
    "own_sales_account": "The product has a sales account of its own, which decides on its VAT: name the account under "
    "`vat.accounts` in the mapping, or take it off the product.",
    "sales_account_unknown": "The sales account of the product's group decides on its VAT, and could not be read: let "
    "the integration read product groups.",
    "not_taxable": "Make the variant taxable in the shop, or keep its price by hand.",
    "inherited": "Enter a price on the product itself; it is inherited from the product group.",
}


def price_form(
    *,
    mapping: Mapping,
    own: MappingOf[str, Any],
    other: MappingOf[str, Any],
    facts: MappingOf[str, Any],
    raw: str | None,
    inherits: bool,
    kind: str = "money",
) -> str:
    """The form of one record's price on its side.

    :param own: this side's `Description.facts`: `prices_include_tax`, `currency` and, where prices exclude tax and it
        is known, `tax_accounts`, the sales accounts of its tax groups by their id; :param other: the other side's.
    :param facts: `Record.facts` of this record: where prices exclude tax `tax_group`, `tax_group_id` and `tax_account`
        (the sales account of its own, if any); where they include it `taxable`.
    :param inherits: whether an empty price means "inherited" on this side.
    :param kind: `money`, or `cost`, which carries no VAT on either side.
    """
    currencies = {side["currency"] for side in (own, other) if side.get("currency")}
    if currencies - {mapping.currency}:
        return HELD + "currency_differs"
    if inherits and (raw is None or not raw.strip()):
        return HELD + "inherited"
    own_includes, other_includes = bool(own.get("prices_include_tax")), bool(other.get("prices_include_tax"))
    if kind == "cost" or own_includes == other_includes:
        return PLAIN
    if own_includes:
        return HELD + "not_taxable" if facts.get("taxable") is False else PLAIN
    return _taxed(mapping.vat, own.get("tax_accounts"), facts)


def _taxed(vat: Vat, accounts: MappingOf[str, Any] | None, facts: MappingOf[str, Any]) -> str:
    """The factor of a price without tax. The sales account decides: the record's own, else its group's."""
    group, own = facts.get("tax_group_id"), facts.get("tax_account")
    is_known = group is None or (accounts is not None and group in accounts)
    of_group = accounts.get(group) if accounts is not None and group is not None else None
    if own is None and not is_known and vat.by_account:
        return HELD + "sales_account_unknown"
    rate = vat.of_account(own if own is not None else of_group)
    if rate is None and own is not None and own != of_group:
        return HELD + "own_sales_account"
    if rate is None:
        code = facts.get("tax_group")
        rate = vat.rate(None if code is None else str(code))
    return HELD + "vat_rate_missing" if rate is None else str(1 + rate)


def same_terms(form: str) -> str:
    """A form in the one spelling that it has today: `money*1.250` was `money*1.25` in other words."""
    name, star, factor = form.partition("*")
    return f"{name}*{Decimal(factor).normalize():f}" if star else form


def price_hold(form: str) -> Hold | None:
    """Why a price is held, if its form says so."""
    if not form.startswith(HELD):
        return None
    reason = form.removeprefix(HELD)
    return Hold(reason, _REMEDIES[reason])


def common_forms(raw: pd.Series, form: pd.Series) -> pd.Series:
    """The prices as the tax-including side shows them: decimal, half up, two decimals (`99.00`).

    :param form: same index as `raw`.
    :return: dtype object; None where the price is empty, held, or has no form; unparsable: the trimmed raw text.
    """
    prices = raw.astype(object).where(raw.notna(), None)
    pairs = list(zip(prices, form.astype(object).where(form.notna(), None), strict=True))
    known = {pair: common_form(*pair) for pair in set(pairs)}
    return pd.Series([known[pair] for pair in pairs], index=raw.index, dtype=object, name=raw.name)


def common_form(raw: str | None, form: str | None) -> str | None:
    """One price as the tax-including side shows it; see `common_forms`."""
    if raw is None or not form or form.startswith(HELD):
        return None
    text = tidy(raw)
    amount = decimal(text)
    if amount is None:
        return text or None
    return two_decimals(DECIMALS.multiply(amount, Decimal(form)))


def moves_beyond(old: str | None, new: str | None, part: Decimal) -> bool:
    """Whether a price changes by more than this part of its old value. Filling an empty one is no change.

    From or to 0, or something that is no amount, is beyond any part; emptying is like 0.

    :param old: as the target stores it; :param new: as it is to be written there.
    """
    before, after = (None if raw is None else tidy(raw) for raw in (old, new))
    if not before:
        return False
    was, becomes = decimal(before), decimal(after) if after else Decimal(0)
    if was is None or becomes is None:
        return before != after
    return was != becomes and (not was or not becomes or abs(becomes - was) > part * abs(was))


def from_common(common: str, form: str) -> str:
    """The figure to store: the shortest, from two decimals up, whose common form under `form` is exactly `common`.

    :raises ValueError: the form is held, or `common` is no amount.
    """
    if form.startswith(HELD):
        raise ValueError(f"a held price has no figure to store ({form})")
    amount, factor = decimal(common), Decimal(form)
    if amount is None:
        raise ValueError("this is no amount")
    exact = DECIMALS.divide(amount, factor)
    for places in range(2, 7):
        figure = exact.quantize(Decimal(1).scaleb(-places), context=DECIMALS)
        if two_decimals(DECIMALS.multiply(figure, factor)) == common:
            return str(figure if figure else abs(figure))
    raise ValueError("this is no amount of two decimals")
