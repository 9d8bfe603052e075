"""The kinds of value: what makes two values equal (their normal form), and how a value is written to a target.

===========  ==========================================================================================
kind         normal form
===========  ==========================================================================================
`text`       trimmed, NFC
`code`       the same; case and inner spaces are part of the code
`email`      trimmed, NFC, lower-cased
`phone`      E.164 (see below); unparsable: the trimmed raw text
`country`    two letters, upper-cased, also from three letters or an English name; unknown: the trimmed raw text
`money`      a price: decimal, half up, two decimals (`99.00`); unparsable: the trimmed raw text
`cost`       like `money`, but without VAT on either side (see `core.prices`)
`html`       the plain text, white space collapsed, and a fingerprint of markup beyond text (see `core.markup`)
===========  ==========================================================================================

Null, blank and white space only are one value for every kind: None. So is markup that shows nothing at all; a picture
shows something.

Characters that nobody sees (zero width, direction marks, byte order marks, soft hyphens, variation selectors, controls)
are no part of a value, compared or written, but of `text` and `html`, where a joiner between two letters has a meaning.
Letters that merely look alike are different letters.

Phone numbers. One that names its country is taken at its word, as long as its length is possible there. One that does
not belongs to the country of its record's address, else to the mapping's `region`, and we add a country code that
nobody typed; so it must be a number that is in use there (eight digits from 2 up in Norway), and it is left as it
stands, and held, in two cases more:

- it would be a mobile number in the mapping's `region` just as well, and its record's address lies elsewhere: a
  Norwegian who moved to Denmark keeps `91 23 45 67`, and +45 91 23 45 67 is somebody else;
- it is filler: one digit over and over, or counting up from 1 (`00000000`, `99999999`, `12345678`). Nothing but zeros
  is no number after a country code either.
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

NORMAL_FORMS = 2
"""Counts up whenever a normal form or a match key comes out in another way than before: stored ones are made anew."""
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
_MADE_UP = re.compile(r"(\d)\1{5,}|0?1234567\d*", re.ASCII)
_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)

# Unicode's Default_Ignorable_Code_Point, the rest of category Cf but for the marks that are shown before Arabic and
# other numbers, and the control characters that are no white space.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LITERAL = ("text", "html")
"""Kinds of which every character counts."""


def normal_forms(
    kind: str, raw: Iterable[str | None], regions: Iterable[str | None] | str, home: str = ""
) -> list[str | None]:
    """Bring the values of a column to their normal form, each distinct value once.

    :param regions: for phones: two letters, one for all or one per value; ignored by the other kinds.
    :param home: for phones: the mapping's region.
    """
    column = list(raw)
    if kind != "phone" or isinstance(regions, str):
        region = regions if isinstance(regions, str) else ""
        known = {value: normal_form(kind, value, region, home) for value in set(column)}
        return [known[value] for value in column]
    pairs = [(value, region or "") for value, region in zip(column, regions, strict=True)]
    by_pair = {pair: normal_form(kind, *pair, home) for pair in set(pairs)}
    return [by_pair[pair] for pair in pairs]


def normal_form(kind: str, raw: str | None, region: str = "", home: str = "") -> str | None:
    """The normal form of one value. :raises ValueError: there is no such kind."""
    if raw is None:
        return None
    text = plain(kind, raw)
    match kind:
        case "text" | "code":
            form = text
        case "email":
            form = tidy(text.lower())
        case "phone":
            form = (e164(text, region, home) if text else None) or text
        case "country":
            form = country_code(text) or text
        case "money" | "cost":
            amount = decimal(text)
            form = text if amount is None else two_decimals(amount)
        case "html":
            form = f"{plain_form(text)} {markup.fingerprint(text)}".strip()
        case _:
            raise ValueError(f"there is no kind of value called {kind!r}")
    return form or None


def plain_form(raw: str) -> str:
    """What two descriptions are compared by across systems, one of which has no markup: the words alone."""
    return " ".join(markup.bare_text(raw).split())


def written_form(kind: str, raw: str, *, accepts: Accepts, region: str, home: str = "") -> str:
    """The text to send to a target that can take the value (see `core.holds`); prices go through `core.prices`.

    :param region: two letters, of a phone number that names no country. :param home: the mapping's.
    """
    text = plain(kind, raw)
    match kind:
        case "phone":
            return e164(text, region, home) or text
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


def plain(kind: str, raw: str) -> str:
    """Tidy, and of most kinds without the characters that nobody sees."""
    return tidy(raw) if kind in _LITERAL else seen_text(raw)


def seen_text(raw: str) -> str:
    """What people see of a text, tidy."""
    return tidy(raw if raw.isascii() and raw.isprintable() else _UNSEEN.sub("", raw))


def e164(text: str, region: str, home: str = "") -> str | None:
    """A phone number as `+4722334455`, or None where the text is not exactly one number of one country; see above.

    Ranges are opened faster than the library's tables are installed, and the target has the last word: a number with
    its country code, and a Norwegian one, need not be in use today. Local numbers without an area code, extensions and
    letters do not count, since E.164 cannot hold them.

    :param region: two letters, of a number that names no country. :param home: the mapping's, where that is another.
    """
    bare = text.translate(_PHONE_FILLER)
    if region == "NO" and home in ("", "NO") and (norwegian := _NORWEGIAN.fullmatch(bare)):
        made_up = norwegian["code"] is None and _MADE_UP.fullmatch(bare)
        return None if made_up else f"+47{norwegian['number']}"
    number = _parsed(text, region)
    if number is None:
        return None
    if number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        if not _in_use(number, region) or _MADE_UP.fullmatch(bare) or _is_mobile_at(home, text, number):
            return None
    elif not number.national_number:
        return None
    return _written(number)


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    if not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region or None, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    return None if possible != phonenumbers.ValidationResult.IS_POSSIBLE or number.extension else number


def _in_use(number: phonenumbers.PhoneNumber, region: str) -> bool:
    norwegian = region == "NO" and _NORWEGIAN.fullmatch(_written(number))
    return bool(norwegian) or phonenumbers.is_valid_number_for_region(number, region)


def _is_mobile_at(home: str, text: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether the same digits are a mobile number of another country, where most of the others live."""
    there = _parsed(text, home) if home else None
    return there is not None and _written(there) != _written(number) and phonenumbers.number_type(there) in _MOBILE


def _written(number: phonenumbers.PhoneNumber) -> str:
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
