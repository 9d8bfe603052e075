"""What a target cannot take: the reason, in a code and in words, and what a person can do about it.

Only what the target would surely refuse, or would store as something else, is held back here. Everything else is sent,
and a refusal by the target becomes a hold of its own. Reasons never carry the value.
"""

from __future__ import annotations

from dataclasses import dataclass

from samklang.core.emails import addresses, is_address
from samklang.core.markup import beyond_text
from samklang.core.rules import Accepts
from samklang.core.values import decimal, e164, normal_form, written_form


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a field is held back.

    :param reason: a stable code, such as `too_long`.
    :param remedy: one sentence for the person who edits the value.
    """

    reason: str
    remedy: str


NOT_WRITABLE = Hold(
    "not_writable", "Make this edit in the target system by hand; its API does not let us write the field."
)
NOT_CLEARABLE = Hold("not_clearable", "Enter a value again; the target system does not let this field be empty.")
PHONE_UNPARSABLE = Hold(
    "phone_unparsable",
    "Enter exactly one phone number, with its country code (such as +47).",
)
SEVERAL_EMAILS = Hold("several_emails", "Keep one e-mail address in the field; the target system takes only one.")
EMAIL_INVALID = Hold("email_invalid", "Correct the e-mail address; it must look like name@example.com.")
NO_KEY = Hold("no_key", "Correct the field: records are told apart by it, and it must hold one value and no more.")
COUNTRY_UNKNOWN = Hold("country_unknown", "Choose a country, by its two letters, that the target system knows.")
NO_TEXT = Hold(
    "no_text",
    "The description has no words, and the target system holds nothing else; it keeps the ones it has. Write some, or "
    "empty the description.",
)
MONEY_INVALID = Hold("money_invalid", "Enter an amount of 0 or more, as a plain number.")


def loses_markup(written: str | None, stored: str | None, accepts: Accepts) -> Hold | None:
    """Why a description is not written over what the target stores: it cannot say what stands there.

    :param written: what would be written; None: the field would be emptied.
    """
    if written is not None and not written.strip():
        return NO_TEXT
    lost = beyond_text(stored or "") - beyond_text(written or "") if accepts.form == "html" else frozenset()
    if not lost:
        return None
    return Hold(
        "would_lose_markup",
        f"What stands there has more than text ({', '.join(sorted(lost))}), which this edit would wipe. Make the edit "
        "there, where it keeps its form; its text travels back. Or empty the description there first.",
    )


def refusal(kind: str, raw: str | None, *, accepts: Accepts, region: str, home: str = "") -> Hold | None:
    """Why a target cannot take a value; None when it can.

    :param raw: the value as the source stores it; for prices, as it would be written.
    :param accepts: what the target takes for this field.
    :param region: two letters, of a phone number that names no country. :param home: the mapping's.
    """
    if not accepts.writable:
        return NOT_WRITABLE
    if raw is None or normal_form(kind, raw, region, home) is None:
        return None if accepts.clearable else NOT_CLEARABLE
    written = written_form(kind, raw, accepts=accepts, region=region, home=home)
    hold = _of_form(written, accepts, region)
    if hold is None and accepts.max_length is not None and len(written) > accepts.max_length:
        return Hold(
            "too_long", f"Shorten it to at most {accepts.max_length} characters in the system where it was edited."
        )
    return hold


def _of_form(written: str, accepts: Accepts, region: str) -> Hold | None:
    match accepts.form:
        case "email":
            return _of_email(written)
        case "phone":
            return None if e164(written, region) == written else PHONE_UNPARSABLE
        case "country":
            return None if written in accepts.choices else COUNTRY_UNKNOWN
        case "money":
            amount = decimal(written)
            return None if amount is not None and amount >= 0 else MONEY_INVALID
        case _:
            return None


def _of_email(text: str) -> Hold | None:
    if is_address(text):
        return None
    return SEVERAL_EMAILS if len(addresses(text)) > 1 else EMAIL_INVALID


LAST_IDENTITY = Hold("last_identity", "Keep a name, an e-mail address or a phone number; the target needs one of them.")
PERSONS_FREEZE = Hold("frozen_by_a_person", "A person has frozen this field; let it go with samklang unfreeze.")
PING_PONG = Hold(
    "ping_pong",
    "Both systems keep overwriting this field, so it is left alone. Find out what sets it there, then enter the same "
    "value on both sides, or a new one.",
)
UNDONE = Hold(
    "undone",
    "The value was put back here and is held: it moves again when somebody edits the field on either side, or with "
    "samklang release.",
)


def waits_for(name: str) -> Hold:
    """Of a field that could be written, and is in a group with one that cannot: half a move is an address that nobody
    has. :param name: the field that cannot."""
    return Hold(
        f"waits_for_{name}", f"Nothing to do for this field: it is written together with {name}, once that can."
    )


NEEDS_PRICE = Hold("needs_price", "Enter a price; the record was made without one, and is not on sale before that.")
INCOMPLETE_ADDRESS = Hold("incomplete_address", "Enter both city and postal code; the target takes no address without.")
