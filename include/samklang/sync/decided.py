"""The merge, with what was decided before: a conflict that is not settled yet is not decided anew."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from samklang.core.compare import FieldArrays
from samklang.core.conflicts import Order
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Mapping
from samklang.core.merge import Merged, merge
from samklang.store import clashes


def merge_pairs(
    connection: Connection, mapping: Mapping, pairs: pd.DataFrame, arrays: MappingOf[str, FieldArrays]
) -> Merged:
    """See `core.merge.merge`. Asks the store only about pairs in conflict.

    :param pairs: with `link_id`; 0: not linked yet.
    """
    ids = [pairs[f"{side}_id"].to_numpy() for side in mapping.sides]
    link_ids = pairs["link_id"].to_numpy()

    def orders_before(contested: Sequence[int]) -> dict[tuple[int, str], Order]:
        places = {int(link_ids[i]): i for i in contested if link_ids[i]}
        twins = {link_id: dumps([str(ids[0][i]), str(ids[1][i])]) for link_id, i in places.items()}
        found = {}
        for (link_id, name), row in clashes.unsettled(connection, mapping.entity, twins).items():
            i = places[link_id]
            if name in arrays and _is_same(mapping, row, arrays[name], i):
                found[i, name] = Order(_pair(mapping, row["clocks"]), row["certain"])
        return found

    return merge(mapping, pairs, arrays, orders_before)


def _is_same(mapping: Mapping, row: MappingOf[str, Any], a: FieldArrays, i: int) -> bool:
    """Whether both sides hold what they held then, against the same base, or none in the terms of today."""
    if _pair(mapping, row["raw"]) != (a.raw[0][i], a.raw[1][i]):
        return False
    if row["base"]:
        return _pair(mapping, row["base"]) == (a.base_raw[0][i], a.base_raw[1][i])
    return any(a.base_form[n][i] != a.form[n][i] for n in (0, 1))


def _pair(mapping: Mapping, text: str) -> tuple[str, str]:
    by_side = loads(text)
    return by_side[mapping.sides[0]], by_side[mapping.sides[1]]
