"""The fields of pairs as arrays: what both sides hold, what they held when they were last in tune, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from samklang.core.derive import HELD, PRICES, SKIP
from samklang.core.freed import FREED
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.prices import common_forms, same_terms
from samklang.core.values import plain_form

ABSENT = "\x00absent"
"""Stands in arrays for a field that is unknown, or has no base; no system can store it."""

Array = NDArray[Any]
_PARTS = ("raw", "normal", "form")


@dataclass(slots=True)
class FieldArrays:
    """One field of all pairs; each a pair of object arrays, first side and second side."""

    raw: list[Array]
    normal: list[Array]
    form: list[Array]
    base_raw: list[Array]
    base_normal: list[Array]
    base_form: list[Array]
    restored: list[Array]  # whether it holds again what we had freed: as if that had not been
    common: list[Array]


def field_arrays(mapping: Mapping, pairs: pd.DataFrame) -> dict[str, FieldArrays]:
    """Unpack the JSON columns of pairs (`{side}_raw`, `{side}_base_raw`, …) into arrays by field."""
    names = [f.name for f in mapping.fields]
    columns: dict[str, list[dict[str, Array]]] = {part: [] for part in (*_PARTS, *(f"base_{p}" for p in _PARTS))}
    for part in _PARTS:
        for side in mapping.sides:
            now, base = _unpack(names, pairs[f"{side}_{part}"], pairs[f"{side}_base_{part}"])
            columns[part].append(now)
            columns[f"base_{part}"].append(base)
    result = {}
    for f in mapping.fields:
        one = {part: [side[f.name] for side in both] for part, both in columns.items()}
        one["restored"] = [_restore(*(one[part][i] for part in columns)) for i in (0, 1)]
        if f.kind in PRICES:
            one["base_form"] = [_objects([same_terms(form) for form in side]) for side in one["base_form"]]
            common = [_common_price(one["raw"][i], one["form"][i]) for i in (0, 1)]
            based = [_common_price(one["base_raw"][i], one["base_form"][i]) for i in (0, 1)]
            # Less than one øre as the shop shows it is no edit, and more is one, whatever the figure's own rounding.
            one["normal"] = [np.where(is_none(common[i]), one["normal"][i], common[i]) for i in (0, 1)]
            one["base_normal"] = [np.where(is_none(based[i]), one["base_normal"][i], based[i]) for i in (0, 1)]
        elif f.kind == "html":
            # a picture added in one system is no difference to the other, which has none
            common = [_common_text(one["raw"][i]) for i in (0, 1)]
        else:
            common = one["normal"]
        result[f.name] = FieldArrays(**one, common=common)
    return result


@dataclass(slots=True)
class Compared:
    """One field of all pairs: what its values come to."""

    known: Array
    live: Array  # known, and comparable at present
    held: Array
    skipped: Array
    based: Array
    changed: list[Array]
    moved: Array  # a raw value, or a form, differs from its base
    equal: Array
    empty: list[Array]
    owed: list[Array]  # emptied by us, for another record's sake, and empty still: nobody's edit

    @property
    def conflict(self) -> Array:
        both: Array = np.where(self.based, self.changed[0] & self.changed[1], ~self.empty[0] & ~self.empty[1])
        return self.live & ~self.equal & both


def compare(a: FieldArrays) -> Compared:
    known = (a.raw[0] != ABSENT) & (a.raw[1] != ABSENT)
    held = known & (starts(a.form[0], HELD) | starts(a.form[1], HELD))
    skipped: Array = starts(a.form[0], SKIP) | starts(a.form[1], SKIP)
    live = known & ~held & ~skipped
    based = live & _counts(a, 0) & _counts(a, 1)
    differs = [a.raw[i] != a.base_raw[i] for i in (0, 1)]
    changed = [based & differs[i] & (a.normal[i] != a.base_normal[i]) for i in (0, 1)]
    return Compared(
        known=known,
        live=live,
        held=held,
        skipped=skipped,
        based=based,
        changed=changed,
        moved=np.logical_or.reduce(
            [*differs, *a.restored, a.form[0] != a.base_form[0], a.form[1] != a.base_form[1]],
        ),
        equal=a.common[0] == a.common[1],
        empty=[is_none(a.normal[i]) for i in (0, 1)],
        owed=[live & starts(a.base_form[i], FREED) & is_none(a.common[i]) for i in (0, 1)],
    )


def _counts(a: FieldArrays, i: int) -> Array:
    """Whether there is a base in the terms of today. An empty one is empty in all terms."""
    counts: Array = (a.base_form[i] == a.form[i]) | ((a.base_form[i] != ABSENT) & is_none(a.base_normal[i]))
    return counts


def _restore(raw: Array, normal: Array, form: Array, base_raw: Array, base_normal: Array, base_form: Array) -> Array:
    """Where the value that we freed is back, it is the base: we gave it back and did not hear of it, most likely."""
    restored: Array = starts(base_form, FREED)
    for i in np.flatnonzero(restored):
        restored[i] = raw[i] == base_form[i].removeprefix(FREED)
    base_raw[restored], base_normal[restored], base_form[restored] = raw[restored], normal[restored], form[restored]
    return restored


def _common_price(raw: Array, form: Array) -> Array:
    """None where there is no factor: held, skipped or unknown."""
    factors = _objects([f.partition("*")[2] or None for f in form])
    amounts = raw.copy()
    amounts[raw == ABSENT] = None
    common: Array = common_forms(pd.Series(amounts, dtype=object), pd.Series(factors, dtype=object)).to_numpy()
    return common


def _common_text(raw: Array) -> Array:
    known = {text: plain_form(text) or None for text in set(raw) if text not in (None, ABSENT)}
    return _objects([known.get(text) for text in raw])


def is_none(values: Array) -> Array:
    none: Array = np.equal(values, np.array(None, dtype=object))
    return none


def starts(values: Array, prefix: str) -> Array:
    wanted = [value for value in set(values) if value.startswith(prefix)]
    result: Array = (
        np.logical_or.reduce([values == value for value in wanted]) if wanted else np.zeros(len(values), bool)
    )
    return result


def _unpack(names: list[str], *columns: pd.Series) -> list[dict[str, Array]]:
    """JSON texts to arrays by field. Each distinct text is parsed once: a base mostly equals what is seen, and forms
    are the same text over and over."""
    codes, texts = pd.factorize(np.concatenate([column.to_numpy(dtype=object) for column in columns]))
    distinct = dict(zip(names, map(_objects, _columns(names, texts)), strict=True))
    size = len(columns[0])
    return [
        {name: values[codes[start : start + size]] for name, values in distinct.items()}
        for start in range(0, size * len(columns), size or 1)
    ] or [{name: _objects([]) for name in names} for _ in columns]


def _columns(names: list[str], texts: Iterable[str]) -> list[Sequence[str | None]]:
    """The values of each field; ABSENT where a text does not name it."""
    rows = loads(f"[{','.join(texts)}]")  # one call: it costs less than one per text
    try:
        values = list(map(itemgetter(*names), rows)) if len(names) > 1 else [(row[names[0]],) for row in rows]
    except KeyError:
        values = [tuple(row.get(name, ABSENT) for name in names) for row in rows]
    return list(zip(*values, strict=True)) if values else [()] * len(names)


def _objects(values: Sequence[str | None]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
