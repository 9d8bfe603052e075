"""The values that small worlds are made of, and what each of them means, written down by hand.

A table instead of code: what two spellings have in common, and what a target refuses, is known here without asking the
planner. `None` is an empty value.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

REGIONS = ("NO", "SE", "DK")


class Word(NamedTuple):
    """:param normal: what makes two values equal. :param written: as a target gets it.

    :param fault: why a target that wants the kind's own form refuses it.
    :param unseen: what is left of a text for a key, which has no part that nobody sees.
    """

    normal: str | None
    written: str | None
    fault: str = ""
    unseen: str | None = None

    @property
    def key(self) -> str | None:
        """What a record can be known by."""
        if self.fault in NO_KEYS:
            return None
        return (self.normal if self.unseen is None else self.unseen) or None


NO_KEYS = ("several_emails", "email_invalid", "phone_unparsable")
"""Faults of values that name nobody, or not one."""


EMPTY = Word(None, None)
_BLANK: dict[str | None, Word] = {None: EMPTY, "": EMPTY, "  ": EMPTY}

EMAILS: dict[str | None, Word] = {
    **_BLANK,
    "kari@post.no": Word("kari@post.no", "kari@post.no"),
    " Kari@Post.NO ": Word("kari@post.no", "Kari@Post.NO"),
    "ola@post.no": Word("ola@post.no", "ola@post.no"),
    "OLA@post.no": Word("ola@post.no", "OLA@post.no"),
    "ida@post.no": Word("ida@post.no", "ida@post.no"),
    "kari@post.no, ola@post.no": Word("kari@post.no, ola@post.no", "kari@post.no, ola@post.no", "several_emails"),
    "kari at post": Word("kari at post", "kari at post", "email_invalid"),
    "Kari <kari@post.no>": Word("kari <kari@post.no>", "Kari <kari@post.no>", "email_invalid"),
    "ka\u200bri@post.no": Word("kari@post.no", "kari@post.no"),
}
TEXTS: dict[str | None, Word] = {
    **_BLANK,
    "Moss": Word("Moss", "Moss"),
    " Moss ": Word("Moss", "Moss"),
    "moss": Word("moss", "moss"),
    "Oslo": Word("Oslo", "Oslo"),
    "Mo\u00adss": Word("Mo\u00adss", "Mo\u00adss", unseen="Moss"),
    "\u00ad": Word("\u00ad", "\u00ad", unseen=""),
    "\u00c5re": Word("\u00c5re", "\u00c5re"),
    "A\u030are": Word("\u00c5re", "\u00c5re"),  # the same word, its ring typed as a letter of its own
    "Llanfairpwllgwyngyllgogerychwyrndrobwll": Word(
        "Llanfairpwllgwyngyllgogerychwyrndrobwll", "Llanfairpwllgwyngyllgogerychwyrndrobwll", "too_long"
    ),
}
COUNTRIES: dict[str | None, Word] = {
    **_BLANK,
    "NO": Word("NO", "NO"),
    " no": Word("NO", "NO"),
    "Norway": Word("NO", "NO"),
    "SE": Word("SE", "SE"),
    "SWE": Word("SE", "SE"),
    "DK": Word("DK", "DK"),
    "Narnia": Word("Narnia", "Narnia"),
}
_CODES = {"NO": "+47", "SE": "+46", "DK": "+45"}
_PHONES: dict[str | None, Word] = {
    **_BLANK,
    "+4722334455": Word("+4722334455", "+4722334455"),
    "+47 22334455": Word("+4722334455", "+4722334455"),
    "+46 8 123 456 78": Word("+46812345678", "+46812345678"),
    "+46812345678": Word("+46812345678", "+46812345678"),
    "ring meg": Word("ring meg", "ring meg", "phone_unparsable"),
    "22334455/99887766": Word("22334455/99887766", "22334455/99887766", "phone_unparsable"),
    "00000000": Word("00000000", "00000000", "phone_unparsable"),
    "+47\u200b22334455": Word("+4722334455", "+4722334455"),
}
_NATIONAL = "22 33 44 55"
_MOBILE = "91 23 45 67"
"""A mobile number in Norway; in Sweden and Denmark it would be somebody else's."""
PRICES = (
    None, "", "100", "100.00", "100.004", "125", "124.998", "79.9", "79.90", "80", "0", "0.1", "-5", "gratis",
)  # fmt: skip

POOLS: dict[str, tuple[str | None, ...]] = {
    "email": tuple(EMAILS),
    "text": tuple(TEXTS),
    "country": tuple(COUNTRIES),
    "phone": (*_PHONES, _NATIONAL, _MOBILE),
    "money": PRICES,
    "cost": PRICES,
}


def _with_written(table: dict[str | None, Word]) -> dict[str | None, Word]:
    """What was written is read back, and means the same; so does an e-mail address that a system lower-cased."""
    whole = dict(table)
    for meant in table.values():
        whole.setdefault(meant.written, meant)
        if meant.normal and "@" in meant.normal:
            whole.setdefault(meant.normal, Word(meant.normal, meant.normal, meant.fault))
    return whole


_ABROAD = {
    f"{code}{number}": Word(f"{code}{number}", f"{code}{number}")
    for code in _CODES.values()
    for number in ("22334455", "91234567")
}
_MADE = ("Jumper - M", "Jumper of wool and… - M / Blue")
"""Names of records that were made for one of several."""
_TABLES = {
    "email": _with_written(EMAILS),
    "text": _with_written({**TEXTS, **{name: Word(name, name) for name in _MADE}}),
    "country": _with_written(COUNTRIES),
    "phone": _with_written({**_PHONES, **_ABROAD}),
}


def word(kind: str, raw: str | None, region: str, home: str) -> Word:
    """What a value means.

    :param region: the country of a phone number that names none. :param home: the one that most numbers belong to.
    """
    if kind == "phone" and raw == _MOBILE:
        code = _CODES.get(region)
        nobodys = code is None or region != home == "NO"
        return Word(raw, raw, "phone_unparsable") if nobodys else Word(f"{code}91234567", f"{code}91234567")
    if kind == "phone" and raw == _NATIONAL:
        code = _CODES.get(region)
        number = f"{code}22334455"
        return Word(number, number) if code else Word(_NATIONAL, _NATIONAL, "phone_unparsable")
    return price(raw) if kind in ("money", "cost") else _TABLES[kind][raw]


@lru_cache(maxsize=4096)
def price(raw: str | None) -> Word:
    """An amount, to two decimals; what is none stays as it is."""
    text = (raw or "").strip()
    if not text:
        return EMPTY
    rounded = shown(text, "1")
    return Word(rounded, rounded)


@lru_cache(maxsize=4096)
def shown(raw: str | None, factor: str) -> str | None:
    """The figure in the shop: times the factor, half up to two decimals."""
    text = (raw or "").strip()
    if not text:
        return None
    if not is_amount(text):
        return text
    with localcontext() as context:
        context.prec = 50
        rounded = (Decimal(text) * Decimal(factor)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return str(rounded if rounded else Decimal("0.00"))


def is_amount(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


@lru_cache(maxsize=4096)
def fits(figure: str | None, factor: str, wanted: str) -> bool:
    """Whether a stored figure is shown as wanted, and no figure of fewer decimals (two at least) would be."""
    if figure is None or shown(figure, factor) != wanted:
        return False
    places = len(figure.partition(".")[2])
    if places < 2:
        return False
    return places == 2 or not any(shown(shorter, factor) == wanted for shorter in _around(wanted, factor, places - 1))


def _around(wanted: str, factor: str, places: int) -> list[str]:
    """The figures of so many decimals next to the exact quotient."""
    unit = Decimal(1).scaleb(-places)
    with localcontext() as context:
        context.prec = 50
        middle = (Decimal(wanted) / Decimal(factor)).quantize(unit, ROUND_HALF_UP)
    return [str(middle + unit * step) for step in (-2, -1, 0, 1, 2)]
