"""From raw values to what they are judged by: normal forms, forms, match keys.

The *form* of a value says in which terms it is compared: its kind; for a price also the factor that turns it into the
figure the shop shows (`money*1.25`). A base only counts while the form is the one it was made under, so a changed kind
or VAT rate never looks like an edit. `held:<reason>` cannot be compared and is listed; `skip:<reason>` is not
synchronised at present.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samklang.core.keys import key_in, read_out
from samklang.core.mapping import Field, Mapping
from samklang.core.prices import price_form
from samklang.core.rules import EntityRules
from samklang.core.values import normal_form, normal_forms

HELD = "held:"
SKIP = "skip:"
UNSENT = "unsent"
"""The form of an empty base: the new record was made without this value and shows a default in its place, or it was
made with a price that turned out to mean another one there."""
PRICES = ("money", "cost")
PART = "#"
_KEY_LENGTH = 400


@dataclass(frozen=True, slots=True)
class SideView:
    """One side of a pair of systems, as far as values are judged by it.

    :param facts: of its `Description`; :param other_facts: of the other side's.
    """

    name: str
    facts: MappingOf[str, Any]
    other_facts: MappingOf[str, Any]
    rules: EntityRules


def is_default(view: SideView, f: Field, value: str | None) -> bool:
    """Whether a value is what a system is known to fill in by itself."""
    default = view.rules.accepts(f.names[view.name]).default
    return default is not None and value == default


@dataclass(frozen=True, slots=True)
class Derived:
    """By the mapping's field name; a field that is unknown is in neither."""

    normal: dict[str, str | None]
    form: dict[str, str]


def by_field(mapping: Mapping, side: str, values: MappingOf[str, str | None]) -> dict[str, str | None]:
    """A system's values under the mapping's field names; what the mapping does not name falls away."""
    return {f.name: values[f.names[side]] for f in mapping.fields if f.names[side] in values}


def derive(mapping: Mapping, view: SideView, raw: MappingOf[str, str | None], facts: MappingOf[str, Any]) -> Derived:
    """One record.

    :param raw: by the mapping's field name; :param facts: `Record.facts`.
    """
    region = _region(mapping, raw)
    known = [f for f in mapping.fields if f.name in raw]
    return Derived(
        normal={f.name: normal_form(f.kind, raw[f.name], region, mapping.region) for f in known},
        form={f.name: form_of(f, mapping, view, raw[f.name], facts) for f in known},
    )


def derive_all(
    mapping: Mapping, view: SideView, raw: Sequence[dict[str, str | None]], facts: Sequence[dict[str, Any]]
) -> list[Derived]:
    """Many records, column by column: each distinct value is worked out once."""
    country = _country_field(mapping)
    regions: list[str] | str = mapping.region
    if country:
        regions = [c or mapping.region for c in normal_forms("country", [r.get(country) for r in raw], "")]
    normal: list[dict[str, str | None]] = [{} for _ in raw]
    form: list[dict[str, str]] = [{} for _ in raw]
    for f in mapping.fields:
        name = f.name
        values = normal_forms(f.kind, [r.get(name) for r in raw], regions, mapping.region)
        for i, value in enumerate(values):
            if name in raw[i]:
                normal[i][name] = value
                form[i][name] = form_of(f, mapping, view, raw[i][name], facts[i])
    return [Derived(*pair) for pair in zip(normal, form, strict=True)]


def form_of(field: Field, mapping: Mapping, view: SideView, raw: str | None, facts: MappingOf[str, Any]) -> str:
    skipped = facts.get("skip")
    if skipped and field.names[view.name] in skipped:
        return SKIP + str(skipped[field.names[view.name]])
    if field.kind not in PRICES:
        return field.kind
    factor = price_form(
        kind=field.kind,
        mapping=mapping,
        own=view.facts,
        other=view.other_facts,
        facts=facts,
        raw=raw,
        inherits=view.rules.accepts(field.names[view.name]).inherits,
    )
    return factor if factor.startswith(HELD) else f"{field.kind}*{factor}"


def match_keys(mapping: Mapping, normal: MappingOf[str, str | None]) -> list[tuple[str, str]]:
    """(field, value) of each key that the record has; keys are compared whole, however long.

    Of a value that no key can be made of, what can be read out of it, as `field#n` (see `core.keys`). Those link
    nobody, but they say that two records may be one, so that none of the two is made anew.
    """
    keys = []
    for name in mapping.match:
        kind, value = mapping.field(name).kind, normal.get(name)
        if key := key_in(kind, value):
            keys.append((name, _storable(key)))
        elif value is not None:
            regions = dict.fromkeys((_region(mapping, normal), mapping.region))
            parts = dict.fromkeys(_storable(part) for part in read_out(kind, value, regions))
            keys += [(f"{name}{PART}{n}", part) for n, part in enumerate(parts)]
    return keys


def keys_of(mapping: Mapping, raw: MappingOf[str, str | None]) -> list[tuple[str, str]]:
    """The match keys in raw values, each that was read out under the name of its field.

    :param raw: by the mapping's field name.
    """
    region, country = _region(mapping, raw), _country_field(mapping)
    names = (*mapping.match, *([country] if country else []))
    kinds = {n: mapping.field(n).kind for n in names if raw.get(n) is not None}
    normal = {n: normal_form(kind, raw[n], region, mapping.region) for n, kind in kinds.items()}
    return [(name.partition(PART)[0], value) for name, value in match_keys(mapping, normal)]


def _storable(key: str) -> str:
    if len(key) <= _KEY_LENGTH and "\x00" not in key:
        return key
    return f"blake2b:{hashlib.blake2b(key.encode(), digest_size=32).hexdigest()}"


def _region(mapping: Mapping, raw: MappingOf[str, str | None]) -> str:
    """Of a record's phone numbers."""
    country = _country_field(mapping)
    return (normal_form("country", raw.get(country)) if country else None) or mapping.region


def _country_field(mapping: Mapping) -> str | None:
    return next((f.name for f in mapping.fields if f.kind == "country"), None)
