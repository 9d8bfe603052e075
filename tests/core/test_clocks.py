"""Timestamps of both systems as text that sorts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.clocks import clock, earlier, from_datetime, seconds_between, to_datetime


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-01T09:27:26Z", "2026-08-01T09:27:26.0000000Z"),
        ("2023-07-03T14:28:00.1234567Z", "2023-07-03T14:28:00.1234567Z"),
        ("2021-09-25 08:03:00.1234567 -00:00", "2021-09-25T08:03:00.1234567Z"),
        ("2021-09-25T08:03:00.5+02:00", "2021-09-25T06:03:00.5000000Z"),
        ("2021-09-25T00:30:00+0200", "2021-09-24T22:30:00.0000000Z"),
        ("2021-09-25T08:03:00", "2021-09-25T08:03:00.0000000Z"),
        ("2021-09-25", "2021-09-25T00:00:00.0000000Z"),
        (" 2021-09-25T08:03:00.123456789Z ", "2021-09-25T08:03:00.1234567Z"),
    ],
)
def test_each_form_of_a_timestamp_becomes_one_text_in_utc(text: str, expected: str) -> None:
    assert clock(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2021-13-01T00:00:00Z", "2021-09-25T25:00:00Z", "1632556980"])
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock(text)


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS, st.integers(-12, 12))
def test_clocks_sort_as_the_times_do_whatever_their_zone(one: datetime, other: datetime, hours: int) -> None:
    elsewhere = other.astimezone(timezone(timedelta(hours=hours)))

    assert (clock(one.isoformat()) < clock(elsewhere.isoformat())) == (one < other)


@given(MOMENTS)
def test_a_time_survives_the_way_to_a_clock_and_back(moment: datetime) -> None:
    assert to_datetime(from_datetime(moment)) == moment
    assert clock(from_datetime(moment)) == from_datetime(moment)


def test_distances_and_overlaps_are_exact() -> None:
    one = "2026-01-01T00:00:00.5000000Z"

    assert seconds_between(one, "2026-01-01T00:00:00.0000000Z") == 0.5
    assert seconds_between("2025-12-31T23:59:59.0000000Z", one) == -1.5
    assert earlier(one, timedelta(minutes=10)) == "2025-12-31T23:50:00.5000000Z"


@pytest.mark.parametrize("zone", ["", "Z", "+01:00", "+14:00", "-00:01"])
def test_the_time_that_means_none_is_read_like_any_other(zone: str) -> None:
    """.NET writes the year 1 where it has no time; it keeps the width that makes clocks sort."""
    found = clock(f"0001-01-01T00:00:00{zone}")

    assert found[:14] == "0001-01-01T00:"
    assert len(found) == len("2026-01-01T00:00:00.0000000Z")
    assert clock("9999-12-31T23:59:59-14:00") > "9999-12-31T23:59:58"
    assert earlier(found, timedelta(days=1)) == "0001-01-01T00:00:00.0000000Z"


def test_a_refusal_does_not_quote_the_text() -> None:
    with pytest.raises(ValueError, match="not a timestamp") as refused:
        clock("Storgata 1")

    assert "Storgata" not in str(refused.value)
