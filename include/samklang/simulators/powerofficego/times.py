"""Timestamps as filters take them: with or without a zone, up to seven digits (spec, sheet 2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d))?(?:\.(\d{1,7}))?\s*(Z|[+-]\d\d:\d\d)?")


def stamp(moment: datetime, tenth_of_microsecond: int = 0) -> str:
    """The server's own form: UTC, seven digits, `Z`; as text it sorts as time does. :param moment: in UTC."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}{tenth_of_microsecond}Z"


def read(text: str) -> str:
    """A timestamp of a filter in the server's own form. :raises ValueError: not a timestamp."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    date, time, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z", "-00:00") else zone
    moment = datetime.fromisoformat(f"{date}T{time or '00:00:00'}{offset}").astimezone(UTC)
    digits = (fraction or "").ljust(7, "0")
    return stamp(moment.replace(microsecond=int(digits[:6])), int(digits[6]))
