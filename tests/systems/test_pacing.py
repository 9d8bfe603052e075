"""Spacing of requests, tokens and threads."""

from __future__ import annotations

import threading

import pytest
from scripted import Time

from samklang.systems.pacing import TokenBucket
from samklang.systems.parallel import in_parallel
from samklang.systems.tokens import Token, TokenCache


@pytest.mark.parametrize("per_second", [1, 2.5, 10, 40])
def test_no_second_has_more_requests_than_the_limit(per_second: float) -> None:
    time = Time()
    bucket = TokenBucket(per_second, sleep=time.sleep, clock=time.clock)
    sent = []
    for _ in range(100):
        bucket.wait()
        sent.append(time.now)
    spread = 100 / per_second
    assert sent[-1] - sent[0] == pytest.approx(spread, rel=0.1, abs=1 / per_second)
    for start in sent:
        assert sum(start <= moment < start + 0.999 for moment in sent) <= per_second + max(1, per_second / 10)


def test_a_pause_does_not_earn_a_burst() -> None:
    time = Time()
    bucket = TokenBucket(10, sleep=time.sleep, clock=time.clock)
    time.now += 3600
    for _ in range(11):
        bucket.wait()
    assert sum(time.slept) == pytest.approx(1.0)


def test_threads_share_the_limit() -> None:
    time = Time()
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            time.slept.append(seconds)

    bucket = TokenBucket(10, sleep=sleep, clock=time.clock)
    threads = [threading.Thread(target=bucket.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(time.slept) == pytest.approx([0.1 * n for n in range(1, 8)])


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(0)


def test_one_worker_works_in_order_and_only_as_far_as_it_is_asked() -> None:
    done: list[int] = []
    results = in_parallel(lambda n: done.append(n) or n, [1, 2, 3], workers=1)
    assert next(results) == 1
    assert done == [1]
    assert list(results) == [2, 3]


def test_several_workers_do_everything_once() -> None:
    threads: set[int] = set()
    both = threading.Barrier(2, timeout=5)

    def work(n: int) -> int:
        threads.add(threading.get_ident())
        if n < 2:
            both.wait()
        return n * n

    assert sorted(in_parallel(work, range(50), workers=4)) == [n * n for n in range(50)]
    assert len(threads) > 1


def test_an_item_that_raises_stops_the_rest() -> None:
    started: list[int] = []

    def work(n: int) -> int:
        started.append(n)
        if n == 3:
            raise RuntimeError("three")
        return n

    with pytest.raises(RuntimeError, match="three"):
        list(in_parallel(work, range(1000), workers=2))
    assert len(started) < 1000


def make_tokens(lifetime: float | None) -> tuple[TokenCache, Time, list[str], list[str]]:
    time = Time()
    fetched: list[str] = []
    secrets: list[str] = []

    def fetch() -> Token:
        fetched.append(f"token-{len(fetched)}")
        return Token(fetched[-1], lifetime)

    return TokenCache(fetch, on_secret=secrets.append, clock=time.clock), time, fetched, secrets


def test_a_token_is_fetched_once_and_renewed_a_minute_before_it_ends() -> None:
    tokens, time, fetched, secrets = make_tokens(1200)
    assert [tokens.get(), tokens.get()] == ["token-0", "token-0"]
    time.now += 1139
    assert tokens.get() == "token-0"
    time.now += 1
    assert tokens.get() == "token-1"
    assert secrets == fetched == ["token-0", "token-1"]


def test_a_short_token_is_used_for_half_of_its_life() -> None:
    tokens, time, _, _ = make_tokens(30)
    tokens.get()
    time.now += 14
    assert tokens.get() == "token-0"
    time.now += 1
    assert tokens.get() == "token-1"


def test_a_token_without_an_end_stays_until_it_is_refused() -> None:
    tokens, time, _, _ = make_tokens(None)
    tokens.get()
    time.now += 1e9
    assert tokens.get() == "token-0"
    tokens.drop("token-0")
    assert tokens.get() == "token-1"


def test_a_refusal_of_an_older_token_does_not_throw_the_new_one_away() -> None:
    tokens, _, _, _ = make_tokens(1200)
    tokens.get()
    tokens.drop("token-0")
    tokens.get()
    tokens.drop("token-0")
    assert tokens.get() == "token-1"


def test_a_token_does_not_show_itself() -> None:
    assert "hemmelig" not in repr(Token("hemmelig", 1.0))
