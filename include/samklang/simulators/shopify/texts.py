"""What the shop takes as an e-mail address, a phone number or a line of text, and what it makes of it.

All from sheet 2.4, where messages and limits are recorded; guesses say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import phonenumbers

MAX_TEXT = 255
MAX_NOTE = 5000
MAX_TAGS = 250

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_HTML = re.compile(r"<[^<>]+>")
_URL = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")


def clean(text: str | None) -> str | None:
    """Trimmed; blank is null."""
    return (text or "").strip() or None


def clean_email(text: str | None) -> str | None:
    """Without any white space, inner too (recorded: customer-email-normalization)."""
    return re.sub(r"\s+", "", text or "") or None


def email_problems(email: str) -> list[str]:
    """Why an address is refused: too long and invalid come together (recorded: customer-email-normalization)."""
    if len(email) > MAX_TEXT:
        return [too_long("Email", MAX_TEXT), "Email is invalid"]
    return [] if _EMAIL.fullmatch(email) else ["Email is invalid"]


def parse_phone(text: str, country: str | None) -> str | None:
    """E.164, or None for what is no phone number (recorded: customer-phone-normalization).

    :param country: in which a number without `+` is dialled. That letters are refused is a guess.
    """
    if len(text) > MAX_TEXT or re.search(r"[^\W\d_]", text):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def formatted_phone(phone: str | None) -> str | None:
    """`+1 415-810-3301`: how a customer is called who has nothing but a number.

    Recorded: customer-update-requires-identity.
    """
    if phone is None:
        return None
    return str(phonenumbers.format_number(phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def phone_problems(text: str) -> list[str]:
    """What is said of a text that `parse_phone` did not take."""
    long = [too_long("Phone", MAX_TEXT)] if len(text) > MAX_TEXT else []
    return [*long, "Phone is invalid"]


def too_long(label: str, limit: int) -> str:
    """The message for a text above its limit."""
    return f"{label} is too long (maximum is {limit} characters)"


def is_locale(text: str) -> bool:
    """`nb`, `pt-BR` …"""
    return bool(_LOCALE.fullmatch(text))


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Split at commas, trimmed, once each, sorted without regard to case.

    Recorded: customers-keyed-search-filters, customer-tag-note-limits-parity (`commaSplit`, `caseDedupe`).
    """
    kept: dict[str, str] = {}
    for tag in ",".join(tags).split(","):
        if tag.strip():
            kept.setdefault(tag.strip().casefold(), tag.strip())
    return sorted(kept.values(), key=str.casefold)


def address_problems(field: str, text: str) -> list[str]:
    """Why a line of an address is refused; `field` is one of the limited ones, or `phone`.

    Recorded: customer-address-input-validation.
    """
    label = field.capitalize()
    problems = [too_long(label, MAX_TEXT)] if len(text) > MAX_TEXT and field != "phone" else []
    if field in ("city", "phone") and _HTML.search(text):
        problems.append(f"{label} cannot contain HTML tags")
    if field in ("city", "zip") and _URL.search(text):
        problems.append(f"{label} cannot contain URL")
    if field == "address1" and _EMOJI.search(text):
        problems.append("Address1 cannot contain emojis")
    return problems
