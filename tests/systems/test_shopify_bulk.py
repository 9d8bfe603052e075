"""Whole reads by bulk operation: started, waited for, and every line accounted for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import requests
from scripted import Answer
from shop import Shop, data

from samklang.errors import AccessError, ConfigurationError, ProtocolError, RejectedError, RemoteError, TemporaryError
from samklang.systems.shopify.bulk import read_bulk
from samklang.systems.shopify.documents import bulk_query

ID = "gid://shopify/BulkOperation/7"
FILE = "https://storage.googleapis.com/7.jsonl"
QUERY = "{ customers { edges { node { id } } } }"


def started(**errors: Any) -> Answer:
    if errors:
        return data(m0={"bulkOperation": None, "userErrors": [{"field": ["query"], "message": "No.", **errors}]})
    return data(m0={"bulkOperation": {"id": ID}, "userErrors": []})


def poll(status: str = "COMPLETED", count: int = 0, url: str | None = FILE, code: str | None = None) -> Answer:
    return data(m0={"id": ID, "status": status, "errorCode": code, "rootObjectCount": str(count), "url": url})


def lines(*numbers: int, end: bytes = b"\n") -> Answer:
    return Answer(200, b"\n".join(orjson.dumps({"id": n}) for n in numbers) + end)


def read(file: Any, *polls: Any, run: Any = None) -> tuple[Shop, list[Any]]:
    shop = Shop(**{"RunBulk": run or started(), "PollBulk": list(polls), "/7.jsonl": file})
    return shop, [row["id"] for row in read_bulk(shop.client(), QUERY)]


def test_rows_come_from_the_file_once_the_operation_has_ended() -> None:
    shop, rows = read(lines(1, 2, 3), poll("CREATED"), poll("RUNNING"), poll(count=3))
    assert rows == [1, 2, 3]
    assert shop.operations == ["RunBulk", "PollBulk", "PollBulk", "PollBulk"]
    assert shop.time.slept == [1.0, 1.5, 2.25]


def test_the_delay_between_two_looks_stops_growing() -> None:
    shop, _ = read(lines(1), *[poll("RUNNING")] * 20, poll(count=1))
    assert max(shop.time.slept) == 15.0


def test_the_file_is_fetched_without_the_token() -> None:
    shop, _ = read(lines(1), poll(count=1))
    download = shop.server.requests[-1]
    assert (download.method, download.base_url) == ("GET", "https://storage.googleapis.com")
    assert "x-shopify-access-token" not in download.headers


def test_objects_are_asked_for_without_grouping_whatever_the_version_prefers() -> None:
    shop, _ = read(lines(1), poll(count=1))
    assert "groupObjects: false" in shop.sent[0]["query"]
    assert shop.sent[0]["variables"] == {"m0_query": QUERY}


def test_no_file_means_no_rows() -> None:
    assert read(None, poll(count=0, url=None))[1] == []


def test_rows_without_a_file_are_an_error() -> None:
    with pytest.raises(ProtocolError):
        read(None, poll(count=4, url=None))


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_the_last_line_may_end_anyhow(end: bytes) -> None:
    assert read(lines(1, 2, end=end), poll(count=2))[1] == [1, 2]


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_lines_than_promised_is_an_error(count: int) -> None:
    with pytest.raises(ProtocolError, match="rows"):
        read(lines(1, 2), poll(count=count))


def test_objects_within_a_line_are_no_lines() -> None:
    """`objectCount` may count an address along with its customer; only the roots tell how many lines there are."""
    shop, _ = read(lines(1, 2), poll(count=2))
    asked = shop.sent[-1]["query"]
    assert "rootObjectCount" in asked
    assert " objectCount" not in asked


@pytest.mark.parametrize("content", [b'{"id": 1', b"[]\n", b"null\n"])
def test_a_line_that_is_no_object_is_an_error(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(Answer(200, content), poll(count=1))


def test_a_long_file_is_put_together_from_its_pieces() -> None:
    many = range(40_000)
    assert read(lines(*many), poll(count=len(many)))[1] == list(many)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("FAILED", "ACCESS_DENIED", AccessError),
        ("FAILED", "INTERNAL_SERVER_ERROR", TemporaryError),
        ("FAILED", "TIMEOUT", TemporaryError),
        ("CANCELED", None, TemporaryError),
        ("EXPIRED", None, TemporaryError),
    ],
)
def test_an_operation_that_did_not_end_well_gives_no_rows(
    status: str, code: str | None, kind: type[RemoteError]
) -> None:
    with pytest.raises(kind, match=status):
        read(lines(1), poll(status, 1, FILE, code))


def test_a_refused_query_is_final() -> None:
    with pytest.raises(RejectedError, match="INVALID"):
        read(None, poll(), run=started(code="INVALID"))


def test_it_waits_while_too_many_others_are_running() -> None:
    shop, rows = read(lines(1), poll(count=1), run=[started(code="OPERATION_IN_PROGRESS"), started()])
    assert rows == [1]
    assert shop.operations.count("RunBulk") == 2


def test_a_lost_answer_to_the_start_is_asked_for_again() -> None:
    """A second operation does no harm: it only reads."""
    _, rows = read(lines(1), poll(count=1), run=[requests.ConnectionError("reset"), started()])
    assert rows == [1]


def test_an_operation_that_never_ends_is_given_up() -> None:
    with pytest.raises(TemporaryError, match="too long"):
        read(lines(1), poll("RUNNING"))


def test_an_operation_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        read(lines(1), data(m0=None))


def test_a_file_over_plain_http_is_not_fetched() -> None:
    with pytest.raises(ConfigurationError):
        read(lines(1), poll(count=1, url="http://storage.googleapis.com/7.jsonl"))


def test_an_expired_file_is_worth_another_try() -> None:
    with pytest.raises(TemporaryError, match="403"):
        read(Answer(403), poll(count=1))


def test_a_search_in_a_bulk_query_is_quoted() -> None:
    query = bulk_query("customers", "id", "updated_at:>='2026-11-19T00:00:00Z' tag:\"x\"")
    assert query == (
        '{ customers(query: "updated_at:>=\'2026-11-19T00:00:00Z\' tag:\\"x\\"") { edges { node { id } } } }'
    )
