"""One limit shared by all processes that use the store."""

from __future__ import annotations

import threading

from sqlalchemy import select, update

from samklang.store.database import Database
from samklang.store.pacing import StoredPacer
from samklang.store.schema import pacing

SECRET = "subscription-key"


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))


def pacer(database: Database, time: Time, per_second: float = 10) -> StoredPacer:
    return StoredPacer(database, SECRET, per_second, now=lambda: time.now, sleep=time.sleep)


def test_two_processes_share_one_limit(database: Database, url: str) -> None:
    other = Database(url)
    time = Time()
    pacers = [pacer(database, time), pacer(other, time)]

    for n in range(6):
        pacers[n % 2].wait()
    other.close()

    assert time.slept == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_no_slot_is_given_out_twice(database: Database) -> None:
    time = Time()

    def take() -> None:
        one = pacer(database, time)
        for _ in range(5):
            one.wait()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(time.slept) == [round(n / 10, 6) for n in range(1, 20)]


def test_who_comes_late_does_not_wait(database: Database) -> None:
    time = Time()
    one = pacer(database, time)
    one.wait()
    time.now += 5

    one.wait()

    assert time.slept == []


def test_the_key_is_stored_as_a_hash_only(database: Database) -> None:
    pacer(database, Time()).wait()

    with database.read() as connection:
        (name,) = connection.execute(select(pacing.c.name)).scalars()
    assert SECRET not in name


def test_a_clock_that_was_set_back_stops_nobody_for_long(database: Database) -> None:
    time = Time()
    one = pacer(database, time)
    with database.begin() as connection:
        connection.execute(update(pacing).values(next_at=time.now + 10**7))

    one.wait()

    assert time.slept == [3600]
