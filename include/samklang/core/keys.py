"""Match keys in values: the key that a value is, and the keys that can be read out of a value that is none.

===========  ====================================================  ====================================================
kind         a key is                                              else read out are
===========  ====================================================  ====================================================
`email`      exactly one address, and nothing else                 the addresses that stand in it, or may be meant
`phone`      exactly one number of one country                     the numbers that stand in it, in either country
others       the whole value, without what nobody sees: commas,    nothing
             slashes and inner spaces may be part of a code
===========  ====================================================  ====================================================

A value that is no key links nobody. What is read out of it only says who may be the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import phonenumbers
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher

from samklang.core import emails
from samklang.core.values import e164, seen_text

_MOST_TEXT = 2_000  # longer values are no keys, and searching them takes time


def key_in(kind: str, normal: str | None) -> str | None:
    """The key that a value in normal form is; None where it is none."""
    if normal is None:
        return None
    match kind:
        case "email":
            return normal if emails.is_address(normal) else None
        case "phone":
            return normal if normal.startswith("+") and e164(normal, "") == normal else None
        case _:
            return seen_text(normal) or None


def is_no_key(kind: str, normal: str | None) -> bool:
    """Whether somebody typed something that no key can be made of."""
    return normal is not None and bool(seen_text(normal)) and key_in(kind, normal) is None


def read_out(kind: str, normal: str | None, regions: Iterable[str]) -> list[str]:
    """The keys that may be meant by a value that is none. :param regions: of phone numbers, two letters each."""
    if normal is None or not is_no_key(kind, normal):
        return []
    text = normal[:_MOST_TEXT]
    if kind == "email":
        return [one for one in emails.meant(text) if emails.is_address(one)]
    return list(dict.fromkeys(number for region in regions for number in _numbers(text, region)))


def _numbers(text: str, region: str) -> Iterable[str]:
    for found in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
        number = found.number
        number.extension = None
        yield str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
