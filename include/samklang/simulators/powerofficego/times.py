"""Timestamps as filters take them: with or without a zone, up to seven digits (spec, sheet 2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d))?(?:\.(\d{1,7}))?\s*(Z|[+-]\d\d:\d\d)?")


def moment(text: str) -> tuple[int, int]:
    """Seconds since the epoch, and the fraction in 100 ns. :raises ValueError: not a timestamp."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    date, time, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z", "-00:00") else zone
    seconds = datetime.fromisoformat(f"{date}T{time or '00:00:00'}{offset}").astimezone(UTC).timestamp()
    return int(seconds), int((fraction or "0").ljust(7, "0"))


def later_than(text: str, limit: tuple[int, int]) -> bool:
    """Strictly later: the date itself is not inclusive (spec)."""
    return moment(text) > limit
