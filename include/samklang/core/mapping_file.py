"""From the text of a mapping file to a `Mapping`; every mistake is named with its line and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import fields as dataclass_fields
from datetime import timedelta
from decimal import Decimal

import phonenumbers
import pycountry
from croniter import croniter  # type: ignore[import-untyped]

from samklang.core.located_yaml import Located, did_you_mean, read
from samklang.core.mapping import Field, Limits, Mapping, Vat, rate_key
from samklang.core.values import KINDS

ENTITIES = ("customers", "products")
STATUSES = ("DRAFT", "ACTIVE", "UNLISTED", "ARCHIVED")
_ORIGINS = ("specification", "extension")
_DEFAULT_SCHEDULE = "*/15 * * * *"
_LINKING_KEYS = ("match", "create_in", "create_archived")
_SYNC_KEYS = ("share", "full_sync", "policy", "clear", "region")
_CARE_KEYS = ("full_every", "red_on_quarantine", "freeze_after", "limits")
_KEYS = ("entity", "schedule", *_LINKING_KEYS, *_SYNC_KEYS, *_CARE_KEYS, "fields")
_PRODUCT_KEYS = ("currency", "vat", "new_product_status")
_FIELD_KEYS = ("kind", "group", "origin", "direction", "policy", "clear")


def parse_mapping(
    text: str, *, file: str, sides: tuple[str, str] = ("powerofficego", "shopify"), expected: str | None = None
) -> Mapping:
    """Read one mapping file.

    :param file: its name, for messages.
    :param sides: the two systems; the first gives the fields their names, the second is where records are created
        unless the file says otherwise.
    :param expected: the entity that this file should be of, where that is known.
    :raises MappingError: the first mistake, with file, line and remedy.
    """
    document = read(text, file=file, name="the mapping")
    keys = document.block((*_KEYS, *_PRODUCT_KEYS))
    for name in ("entity", "match", "fields"):
        if name not in keys:
            raise document.error(f"the key `{name}` is missing.", "Add it; the file that Samklang ships shows how.")
    entity = keys["entity"].choice(ENTITIES if expected is None else (expected,))
    for name in _PRODUCT_KEYS:
        if entity != "products" and name in keys:
            raise keys[name].error(f"`{name}` belongs to products.", f"Remove it from the mapping of {entity}.")
    policy = keys["policy"].choice(("latest", *sides, "ask")) if "policy" in keys else "latest"
    clear = _flag(keys, "clear", default=True)
    fields = _fields(keys["fields"], sides, policy=policy, clear=clear)
    return Mapping(
        entity=entity,
        sides=sides,
        schedule=_schedule(keys["schedule"]) if "schedule" in keys else _DEFAULT_SCHEDULE,
        match=_match(keys["match"], fields),
        fields=fields,
        create_in=_create_in(keys["create_in"], sides) if "create_in" in keys else frozenset(sides[1:]),
        create_archived=_flag(keys, "create_archived", default=False),
        share=_by_side(keys, "share", sides),
        full_sync=_by_side(keys, "full_sync", sides),
        policy=policy,
        clear=clear,
        region=_region(keys["region"]) if "region" in keys else "NO",
        full_every=keys["full_every"].duration() if "full_every" in keys else timedelta(hours=24),
        limits=_limits(keys),
        currency=_currency(keys["currency"]) if "currency" in keys else "NOK",
        vat=_vat(keys),
        new_product_status=keys["new_product_status"].choice(STATUSES) if "new_product_status" in keys else "DRAFT",
        red_on_quarantine=_flag(keys, "red_on_quarantine", default=False),
        freeze_after=keys["freeze_after"].count() if "freeze_after" in keys else 6,
    )


def _fields(value: Located, sides: tuple[str, str], *, policy: str, clear: bool) -> tuple[Field, ...]:
    entries = value.entries()
    if not entries:
        raise value.error("`fields` names no field.", "Add at least the field that `match` names.")
    found: list[Field] = []
    taken: set[tuple[str, str]] = set()
    for entry in entries:
        field = _field(entry, sides, policy=policy, clear=clear)
        for side in sides:
            place = (side, field.names[side])
            if place in taken:
                raise entry.error(
                    f"the {side} field `{field.names[side]}` stands twice.", "Remove one of the two entries."
                )
            taken.add(place)
        found.append(field)
    return tuple(found)


def _field(entry: Located, sides: tuple[str, str], *, policy: str, clear: bool) -> Field:
    keys = entry.block((*sides, *_FIELD_KEYS))
    for side in sides:
        if side not in keys:
            raise entry.error(f"the field has no name in {side}.", f"Add `{side}: <field name>` to the entry.")
    return Field(
        names={side: keys[side].text() for side in sides},
        kind=keys["kind"].choice(KINDS) if "kind" in keys else "text",
        origin=keys["origin"].choice(_ORIGINS) if "origin" in keys else "extension",
        group=keys["group"].text() if "group" in keys else None,
        direction=keys["direction"].choice(("both", *(f"to_{s}" for s in sides))) if "direction" in keys else "both",
        policy=keys["policy"].choice(("latest", *sides, "ask")) if "policy" in keys else policy,
        clear=_flag(keys, "clear", default=clear),
    )


def _match(value: Located, fields: tuple[Field, ...]) -> tuple[str, ...]:
    names = [field.name for field in fields]
    found: list[str] = []
    for entry in value.entries():
        name = entry.text()
        if name not in names:
            raise entry.error(f"the match key `{name}` is not among the fields.", did_you_mean(name, names))
        if name in found:
            raise entry.error(f"the match key `{name}` stands twice.", "Remove one of the two.")
        found.append(name)
    if not found:
        raise value.error("`match` names no key.", "Name at least one field that tells records apart.")
    return tuple(found)


def _create_in(value: Located, sides: tuple[str, str]) -> frozenset[str]:
    return frozenset(entry.choice(sides) for entry in value.entries())


def _schedule(value: Located) -> str:
    expression = value.text()
    aliased = expression.startswith("@") and " " not in expression
    if not (aliased or len(expression.split()) == 5) or not croniter.is_valid(expression, strict=True):
        raise value.error(
            f"`{expression}` is not a cron expression.",
            'Write five fields, in UTC: minute, hour, day, month, weekday, such as "*/15 * * * *".',
        )
    return expression


def _region(value: Located) -> str:
    region = value.text().upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise value.error(f"`region` cannot be `{value.text()}`.", "Write a country by its two letters, such as NO.")
    return region


def _currency(value: Located) -> str:
    currency = value.text().upper()
    if pycountry.currencies.get(alpha_3=currency) is None:
        raise value.error(f"`currency` cannot be `{value.text()}`.", "Write a currency by its three letters: NOK.")
    return currency


def _limits(keys: MappingOf[str, Located]) -> Limits:
    known = [f.name for f in dataclass_fields(Limits)]
    found = _block(keys, "limits", known)
    counts = {name: value.count() for name, value in found.items() if name not in ("part", "price_move")}
    part = float(found["part"].fraction()) if "part" in found else Limits().part
    price_move = found["price_move"].fraction() if "price_move" in found else None
    return Limits(**counts, part=part, price_move=price_move)


def _vat(keys: MappingOf[str, Located]) -> Vat:
    if "vat" in keys and keys["vat"].is_single:
        raise keys["vat"].error(
            f"`vat: {keys['vat'].text()}` is unclear.",
            "Write a block of rates, such as `vat: {default: 25%}`; a rate goes in per cent.",
        )
    found = _block(keys, "vat", ("default", "groups", "accounts"))
    return Vat(
        default=found["default"].rate() if "default" in found else None,
        by_group=_rates(found, "groups"),
        by_account=_rates(found, "accounts"),
    )


def _rates(found: MappingOf[str, Located], name: str) -> dict[str, Decimal]:
    """Rates by what they are found by, see `core.mapping.rate_key`."""
    rates: dict[str, Decimal] = {}
    for code, rate in _block(found, name, None).items():
        if (key := rate_key(code)) in rates:
            raise rate.error(f"`{code}` stands twice in `{name}`: case and blanks do not count.", "Remove one of them.")
        rates[key] = rate.rate()
    return rates


def _by_side(keys: MappingOf[str, Located], name: str, sides: tuple[str, str]) -> dict[str, bool]:
    found = _block(keys, name, sides)
    return {side: _flag(found, side, default=True) for side in sides}


def _block(keys: MappingOf[str, Located], name: str, known: list[str] | tuple[str, ...] | None) -> dict[str, Located]:
    """A block that may be missing, or empty because every line in it is commented out."""
    if name not in keys or keys[name].is_empty:
        return {}
    return keys[name].block(known)


def _flag(keys: MappingOf[str, Located], name: str, *, default: bool) -> bool:
    return keys[name].flag() if name in keys else default
