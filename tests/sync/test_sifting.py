"""Which of many records makes requests fail, and in how few requests that is found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from samklang.errors import AccessError, RemoteError, TemporaryError, ThrottledError, UnclearError
from samklang.sync.sifting import Sifted, may_be_one_record, sift

FAULT = UnclearError("the server failed (HTTP 500)", status=500)


class Server:
    """Fails over a whole request if one of `bad` is in it."""

    def __init__(self, bad: Sequence[int], down_after: int | None = None) -> None:
        self.bad, self.down_after = set(bad), down_after
        self.requests = 0
        self.done: set[int] = set()
        self.asked = 0

    def send(self, items: Sequence[int]) -> dict[int, RemoteError]:
        self.requests += 1
        if self.bad.intersection(items) or (self.down_after is not None and self.requests > self.down_after):
            return dict.fromkeys(items, FAULT)
        self.done.update(items)
        return {}

    def ask(self) -> None:
        self.asked += 1
        if self.down_after is not None and self.requests > self.down_after:
            raise FAULT

    def sift(self, count: int = 20, *, is_alive: bool = False) -> Sifted[int]:
        failed = self.send(range(count))
        return sift(failed, self.send, is_alive=is_alive, ask=self.ask)


@pytest.mark.parametrize("bad", range(20))
def test_one_bad_record_of_twenty_is_found_and_the_others_go_through(bad: int) -> None:
    server = Server([bad])

    found = server.sift()

    assert (set(found.bad), found.outage) == ({bad}, None)
    assert server.done == set(range(20)) - {bad}
    assert server.requests <= 12


@pytest.mark.parametrize("bad", [[0, 1], [18, 19], [7, 8], [0, 19], [0, 1, 2], [4, 9, 14]])
def test_several_bad_records_of_twenty_are_found(bad: list[int]) -> None:
    server = Server(bad)

    found = server.sift()

    assert (set(found.bad), found.outage) == (set(bad), None)
    assert server.done == set(range(20)) - set(bad)


def test_a_system_that_is_down_blames_nobody_and_is_left_alone_soon() -> None:
    server = Server([], down_after=0)

    found = server.sift()

    assert found.outage is FAULT
    assert not found.bad
    assert sorted(found.lost) == list(range(20))
    assert server.requests <= 10


def test_a_system_that_goes_down_meanwhile_blames_nobody_for_that() -> None:
    server = Server([3], down_after=3)

    found = server.sift(200)

    assert found.outage is FAULT
    assert not found.bad
    assert server.requests <= 30


def test_a_record_that_fails_alone_is_to_blame_where_the_system_answers() -> None:
    server = Server([0])

    found = server.sift(1)

    assert set(found.bad) == {0}
    assert server.asked == 1


def test_a_record_that_fails_alone_is_not_to_blame_where_the_system_does_not_answer() -> None:
    server = Server([0], down_after=0)

    found = server.sift(1)

    assert (found.bad, found.lost, found.outage) == ({}, [0], FAULT)


def test_a_connection_that_breaks_off_meanwhile_ends_the_search() -> None:
    lost = TemporaryError("no connection")

    def send(items: Sequence[int]) -> dict[int, RemoteError]:
        return dict.fromkeys(items, lost)

    found = sift(dict.fromkeys(range(8), FAULT), send, is_alive=True, ask=lambda: None)

    assert (found.bad, found.outage) == ({}, lost)
    assert sorted(found.lost) == list(range(8))


@pytest.mark.parametrize(
    ("error", "may_be"),
    [
        (lambda: FAULT, True),
        (lambda: TemporaryError("the server failed", status=500), True),
        (lambda: TemporaryError("no connection"), False),
        (lambda: ThrottledError("too many", retry_after=1, status=429), False),
        (lambda: AccessError("refused", status=403), False),
    ],
)
def test_only_a_failing_server_makes_a_record_suspicious(error: Callable[[], RemoteError], may_be: bool) -> None:
    assert may_be_one_record(error()) is may_be
