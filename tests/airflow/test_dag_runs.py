"""Whole runs in one process, as `airflow dags test` does them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

TASKS = [
    "extract_powerofficego",
    "extract_shopify",
    "transform",
    "review",
    "load_shopify",
    "load_powerofficego",
    "settle",
]


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_a_run_brings_both_systems_into_tune_and_the_next_one_writes_nothing(world: Any, entity: str) -> None:
    first = world.run(entity, on_guard="proceed")
    assert first.tasks == dict.fromkeys(TASKS, "success")
    assert first.results["settle"]["state"] == "success"
    written = world.writes()
    assert written > 0
    second = world.run(entity, on_guard="fail")
    assert second.state == "success"
    assert world.writes() == written
