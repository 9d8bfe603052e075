"""Timestamps of the two systems as text that sorts.

PowerOffice Go answers with up to seven fractional digits, with or without a zone (`2023-07-03T14:28:00.1234567Z`,
`2021-09-25 08:03:00.1234567 -00:00`); Shopify with seconds (`2026-08-01T09:27:26Z`). Neither may lose a digit on the
way, and `datetime` keeps six. So a clock is text of fixed width in UTC: `2026-08-01T09:27:26.0000000Z`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<zone>Z|[+-]\d\d:?\d\d)?",
)


def clock(text: str) -> str:
    """Bring a timestamp of either system to fixed width in UTC; one without a zone is taken as UTC.

    :raises ValueError: the text is not a timestamp.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError("this is no timestamp")
    fraction = (match["fraction"] or "").ljust(7, "0")[:7]
    zone = match["zone"] or "Z"
    date_time = f"{match['date']}T{match['time'] or '00:00:00'}"
    if zone not in ("Z", "+00:00", "-00:00", "+0000", "-0000"):
        moment = datetime.fromisoformat(f"{date_time}{zone}").astimezone(UTC)
        date_time = moment.strftime("%Y-%m-%dT%H:%M:%S")
    else:
        datetime.fromisoformat(date_time)
    return f"{date_time}.{fraction}Z"


def from_datetime(moment: datetime) -> str:
    """:param moment: an aware time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def to_datetime(text: str) -> datetime:
    """The clock as an aware time; the seventh digit is cut."""
    return datetime.fromisoformat(text[:26] + "+00:00")


def earlier(text: str, by: timedelta) -> str:
    """The clock `by` earlier, for the overlap of two read windows."""
    return from_datetime(to_datetime(text) - by)


def seconds_between(one: str, other: str) -> float:
    """How much later `one` is than `other`, in seconds (negative when earlier)."""
    return (to_datetime(one) - to_datetime(other)).total_seconds()
