"""Which of two observations of a record is newer, by the record's own clocks.

Reads may come from a copy that is a little behind, so a row can be older than what is known of the record: than what
our own write was answered, or an earlier read. That is no edit, and never replaces newer knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from samklang.core.clocks import earlier
from samklang.core.jsontext import dumps, loads

SETTLED = timedelta(minutes=1)
"""Our time after which no read is behind any more: a clock that is earlier then was set back, and is believed."""


def told(row: Mapping[str, Any]) -> dict[str, str]:
    """The clocks of an observation, by group; "" is the record's own."""
    return {"": row["clock"], **loads(row["group_clocks"])}


def is_older(clocks: Mapping[str, str], known: Mapping[str, str]) -> bool:
    return any(clock < known[name] for name, clock in clocks.items() if name in known)


def is_outdated(row: Mapping[str, Any], old: Mapping[str, Any] | None, started_at: str) -> bool:
    """Whether a row of a read is older than what is known of its record. :param started_at: of the read, our time."""
    if old is None or old["latest"] is None or earlier(started_at, SETTLED) > old["latest_at"]:
        return False
    return is_older(told(row), loads(old["latest"]))


def noted(clocks: Mapping[str, str], old: Mapping[str, Any] | None, at: str) -> dict[str, str]:
    """The columns that remember the newest clocks. :param at: our time of this observation."""
    known = loads(old["latest"]) if old is not None and old["latest"] else {}
    latest = {name: max(known.get(name, ""), clocks.get(name, "")) for name in {*known, *clocks}}
    return {"latest": dumps(latest), "latest_at": at}
