"""Which fields a plan leaves frozen: the history of what it would write, and what was frozen before."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from datetime import timedelta

import pandas as pd
from sqlalchemy import Connection

from samklang.core.clocks import earlier
from samklang.core.compare import FieldArrays
from samklang.core.mapping import Mapping
from samklang.core.merge import Merged
from samklang.core.pingpong import Frozen, Past, freeze, moving
from samklang.core.plan import Freeze
from samklang.store import freezes

_RECENTLY = timedelta(hours=24)


def freeze_fields(
    connection: Connection,
    mapping: Mapping,
    pairs: pd.DataFrame,
    arrays: MappingOf[str, FieldArrays],
    merged: Merged,
    now: str,
) -> list[Freeze]:
    """See `core.pingpong.freeze`. Asks the store only about links of which something is to be written."""
    link_ids = pairs["link_id"].to_numpy()
    written = moving(link_ids, merged)
    if not written:
        return []
    frozen = {
        (row["link_id"], row["field"]): Frozen(
            frozenset(row["normal"].values()), row["released_at"], row["person"] is not None
        )
        for row in freezes.known_freezes(connection, mapping.entity)
        if mapping.freeze_after or row["person"] is not None
    }
    if not frozen and not mapping.freeze_after:
        return []
    often = freezes.often_written(connection, written, since=earlier(now, _RECENTLY), more_than=mapping.freeze_after)
    recent = {
        link_id: [Past(row["side"], row["before"], row["after"], row["at"]) for row in rows]
        for link_id, rows in often.items()
    }
    return freeze(mapping, link_ids, arrays, merged, recent, frozen)
