"""Times, durations and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from samklang.console.show import count, duration, exactly, moment
from samklang.core.clocks import from_datetime


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        ({"seconds": 5}, "just now"),
        ({"minutes": 1, "seconds": 5}, "1 minute ago"),
        ({"minutes": 59}, "59 minutes ago"),
        ({"hours": 3, "minutes": 5}, "3 hours ago"),
        ({"days": 6, "hours": 1}, "6 days ago"),
        ({"minutes": -15, "seconds": -30}, "in 15 minutes"),
        ({"seconds": -30}, "in less than a minute"),
    ],
    ids=str,
)
def test_a_time_is_told_as_one_says_it(ago: dict[str, float], told: str) -> None:
    assert moment(from_datetime(datetime.now(UTC) - timedelta(**ago))) == told


def test_a_time_long_ago_is_told_by_its_date_and_none_by_a_dash() -> None:
    assert moment("2025-01-02T03:04:05.0000000Z") == "02 Jan 2025, 03:04"
    assert moment(None) == "–"


def test_the_exact_time_is_in_utc() -> None:
    assert exactly("2025-01-02T03:04:05.6789012Z") == "02 Jan 2025, 03:04:05 UTC"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "–"), (0.42, "0.4 s"), (12.3, "12 s"), (185, "3 min 5 s"), (7_200, "2 h"), (187_200, "2 d 4 h")],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told


def test_a_count_is_told_with_its_word() -> None:
    assert (count(1, "field"), count(2, "field"), count(12_345, "link")) == ("1 field", "2 fields", "12\u202f345 links")
