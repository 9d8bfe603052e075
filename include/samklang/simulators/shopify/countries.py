"""Countries and their provinces as Shopify names them.

Which countries have zones decides whether a province is kept (sheet 2.4). Names come from ISO 3166 and may differ
from Shopify's in a word.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pycountry

_WITH_ZONES = (
    "AE AR AU BR CA CL CN CO CR EG ES GB GT HK ID IE IN IT JP KR KW MX MY NG NZ PA PE PH PT RO RU SV TH US UY VE ZA"
)
WITH_ZONES = frozenset(_WITH_ZONES.split())
UNKNOWN = "ZZ"  # a value of the enum CountryCode that is no country (recorded: customer-address-lifecycle)
# values of the enum CountryCode that ISO 3166 does not have, and names that Shopify has shorter (remembered)
_OTHERS = {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}
_SHORTER = {"KR": "South Korea", "NL": "Netherlands", "RU": "Russia", "TR": "Türkiye"}
_subdivisions: Any = pycountry.subdivisions


@cache
def country_name(code: str | None) -> str | None:
    """`Norway` for `NO`; None for no country."""
    if code is None:
        return None
    if code in _SHORTER:
        return _SHORTER[code]
    country = pycountry.countries.get(alpha_2=code)
    return str(getattr(country, "common_name", country.name)) if country else _OTHERS.get(code)


@cache
def country_code(text: str) -> str | None:
    """The code of a country given by name or code (the deprecated input field `country` takes both)."""
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        others = {**_OTHERS, **_SHORTER}.items()
        return next((code for code, name in others if text.casefold() in (code.casefold(), name.casefold())), None)


@cache
def province_name(country: str | None, code: str | None) -> str | None:
    """`Ontario` for `CA`, `ON`."""
    if not country or not code:
        return None
    province = _subdivisions.get(code=f"{country}-{code}")
    return str(province.name) if province else None


@cache
def province_code(country: str, text: str) -> str | None:
    """The code of a province given by code or name; None when the country has no such province."""
    for province in _subdivisions.get(country_code=country) or ():
        code = str(province.code).partition("-")[2]
        if text.casefold() in (code.casefold(), province.name.casefold()):
            return code
    return None
