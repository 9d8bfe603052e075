"""Two rounds of `make soak`: tasks killed and the store's PostgreSQL cut off while people work on both sides."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from soak.faults import Fault, Killed, ResponseLost, StoreRestarted
from soak.place import Place
from soak.rounds import Round

pytestmark = pytest.mark.scheduler


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="samklang-soak-"))
    try:
        with Place(folder / "place") as place:
            yield place
    finally:
        if not list(folder.glob("place/round-*")):  # what a round that went wrong left to look at
            shutil.rmtree(folder, ignore_errors=True)


def test_nothing_is_doubled_or_lost_when_tasks_are_killed_and_postgresql_is_cut_off(place: Place) -> None:
    fired = Counter[str]()
    rounds: list[tuple[int, list[type[Fault]]]] = [(11, [Killed, Killed, ResponseLost])]
    rounds += [(seed, [StoreRestarted, Killed]) for seed in range(12, 17)]
    for seed, kinds in rounds:
        verdict = Round(place, seed, kinds).play()
        assert verdict.violations == [], f"see {verdict.evidence}"
        assert verdict.demands > 10
        assert verdict.writes > 10
        fired += verdict.fired
        if fired[Killed.name] and fired[StoreRestarted.name]:
            return
    pytest.fail(f"runs were over before the faults' moments came: {dict(fired)}")
