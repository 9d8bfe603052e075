"""E-mail addresses in what people type: which text is exactly one, and which addresses stand in one that is not."""

from __future__ import annotations

import re
import unicodedata

_USUAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)
# What stands around an address and never in it, but in quotes, which nobody has (RFC 5321); and at its ends alone.
_BETWEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f<>()\[\]{},;:\"“”„«»\\|/]+")
_AT_THE_ENDS = ".'`´‘’"
_AT = re.compile(r"\s*(?:@+|[(\[{]\s*(?:at|a|@)\s*[)\]}])\s*|\s+(?:at|krøllalfa)\s+", re.IGNORECASE)
_DOT = re.compile(r"\s*\.+\s*")
_COMMA = re.compile(r"(?<=\w),(?=\w)")
_MOST = 50


def is_address(text: str) -> bool:
    """Whether this is one address and nothing else: a name, one `@`, and a domain with a dot.

    Shopify's own rules and little more (sheet: Shopify 2.4). It drops spaces inside an address, so it would store
    another one than we read: no address.
    """
    return bool(_USUAL.fullmatch(text)) or addresses(text) == [text.lower()]


def addresses(text: str) -> list[str]:
    """The addresses that stand in a text, each once, lower-cased: `Ola <ola@post.no>, ola@jobb.no`."""
    found = (_address(part.strip(_AT_THE_ENDS)) for part in _BETWEEN.split(text) if "@" in part)
    return list(dict.fromkeys(filter(None, found)))[:_MOST]


def meant(text: str) -> list[str]:
    """The addresses that a person may have meant: `ola @post.no`, `ola (at) post.no`, `ola@post,no`, `ola@@post.no`.

    Rather too many than too few: nobody is linked by them, they only say who may be the same person.
    """
    plain = unicodedata.normalize("NFKC", text)
    joined = _DOT.sub(".", _AT.sub("@", plain))
    readings = (plain, joined, _COMMA.sub(".", joined), "".join(plain.split()))
    return list(dict.fromkeys(one for reading in readings for one in addresses(reading)))[:_MOST]


def _address(text: str) -> str | None:
    local, at, rest = text.partition("@")
    domain = rest[: next((n for n, c in enumerate(rest) if not _in_a_domain(c)), len(rest))].rstrip(".-")
    if domain != rest and not rest[len(domain) :].startswith((*_AT_THE_ENDS, "?", "-")):
        return None
    labels = domain.split(".")
    return f"{local}{at}{domain}".lower() if local and len(labels) > 1 and all(labels) else None


def _in_a_domain(character: str) -> bool:
    """Letters of any script, with their marks."""
    return character.isalnum() or character in "-_." or unicodedata.category(character).startswith("M")
