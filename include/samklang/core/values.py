"""The kinds of value: what makes two values equal (their normal form), and how a value is written to a target.

===========  ==========================================================================================
kind         normal form
===========  ==========================================================================================
`text`       trimmed, NFC
`code`       the same; case and inner spaces are part of the code
`email`      trimmed, NFC, lower-cased
`phone`      E.164; unparsable: the trimmed raw text
`country`    two letters, upper-cased, also from three letters or an English name; unknown: the trimmed raw text
`money`      a price: decimal, half up, two decimals (`99.00`); unparsable: the trimmed raw text
`cost`       like `money`, but without VAT on either side (see `core.prices`)
`html`       the plain text of the markup, white space collapsed
===========  ==========================================================================================

Null, blank and white space only are one value for every kind: None. Markup without any text is blank too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

import phonenumbers
import pycountry

from samklang.core import markup
from samklang.core.rules import Accepts

KINDS = ("text", "code", "email", "phone", "country", "money", "cost", "html")

# More digits than any price has, so that no step in between rounds.
DECIMALS = Context(prec=60, rounding=ROUND_HALF_UP)
_CENT = Decimal("0.01")
_DECIMAL = re.compile(r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?0?\d)?", re.ASCII)

# What people type around the digits of one number. Letters, `#`, `,` and `;` would be read as an extension or as the
# start of a second number, which E.164 has no room for.
_PHONE = re.compile(r"[+＋]?[\d\s()\[\]./\-‐-―−]+")
# Norwegian numbers, by far the most here, need no parsing: 8 digits from 2 up, no trunk prefix to strip.
_NORWEGIAN = re.compile(r"(?P<code>\+47|0047)?(?P<number>[2-9]\d{7})", re.ASCII)
_PHONE_FILLER = str.maketrans("", "", " -.()")


def normal_forms(kind: str, raw: Iterable[str | None], regions: Iterable[str | None] | str) -> list[str | None]:
    """Bring the values of a column to their normal form, each distinct value once.

    :param regions: for phones: two letters, one for all or one per value; ignored by the other kinds.
    """
    column = list(raw)
    if kind != "phone" or isinstance(regions, str):
        region = regions if isinstance(regions, str) else ""
        known = {value: normal_form(kind, value, region) for value in set(column)}
        return [known[value] for value in column]
    pairs = [(value, region or "") for value, region in zip(column, regions, strict=True)]
    by_pair = {pair: normal_form(kind, *pair) for pair in set(pairs)}
    return [by_pair[pair] for pair in pairs]


def normal_form(kind: str, raw: str | None, region: str = "") -> str | None:
    """The normal form of one value. :raises ValueError: there is no such kind."""
    if raw is None:
        return None
    text = tidy(raw)
    match kind:
        case "text" | "code":
            form = text
        case "email":
            form = tidy(text.lower())
        case "phone":
            form = (e164(text, region) if text else None) or text
        case "country":
            form = country_code(text) or text
        case "money" | "cost":
            amount = decimal(text)
            form = text if amount is None else two_decimals(amount)
        case "html":
            form = " ".join(markup.bare_text(text).split())
        case _:
            raise ValueError(f"there is no kind of value called {kind!r}")
    return form or None


def written_form(kind: str, raw: str, *, accepts: Accepts, region: str) -> str:
    """The text to send to a target that can take the value (see `core.holds`); prices go through `core.prices`.

    :param region: two letters, of a phone number that names no country.
    """
    text = tidy(raw)
    match kind:
        case "phone":
            return e164(text, region) or text
        case "country":
            return country_code(text) or text
        case "html":
            return markup.to_html(text) if accepts.form == "html" else markup.plain_text(text)
        case _:
            return text


def tidy(raw: str) -> str:
    """Trimmed, in Unicode's composed form (NFC): `é` typed as `e` and an accent is the same letter."""
    text = raw.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def e164(text: str, region: str) -> str | None:
    """A phone number as `+4722334455`, or None where the text is not exactly one number.

    A number counts when its length is possible in its country, whether or not that range is in use today: ranges are
    opened faster than the library's tables are installed, and the target has the last word. Local numbers without
    an area code, extensions and letters do not count, since E.164 cannot hold them.
    """
    if region == "NO" and (norwegian := _NORWEGIAN.fullmatch(text.translate(_PHONE_FILLER))):
        return f"+47{norwegian['number']}"
    if not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE or number.extension:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=1024)
def country_code(text: str) -> str | None:
    """Two letters, upper-cased, from two or three letters or an English name; None for anything else.

    Two letters are taken as they are: the lists of the two systems differ beyond ISO 3166 (`XK`).
    """
    if len(text) == 2 and text.isascii() and text.isalpha():
        return text.upper()
    if len(text) < 3 or text.isdigit():
        return None
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None


def decimal(text: str) -> Decimal | None:
    """The number that a decimal text stands for, or None."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def two_decimals(amount: Decimal) -> str:
    """Half up, to two decimals: `99.00`; never `-0.00`."""
    rounded = amount.quantize(_CENT, context=DECIMALS)
    return str(rounded if rounded else abs(rounded))
