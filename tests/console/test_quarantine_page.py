"""The page *Quarantine*: what is held back, why, and retry, skip and exclude, by one, by reason, all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.console.conftest import Browser
from tests.sync.world import RIGHT, World

from samklang.store.schema import actions, holds

OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NILS = {"email": "nils@post.example", "first": "Nils", "last": "Moe"}


@pytest.fixture
def refused(world: World) -> World:
    """Two records that Shopify refuses to make."""
    world.moment = datetime.now(UTC)  # as late as it is where people act
    for one in (OLA, NILS):
        world.left.add(**one)
    world.right.refuses = {OLA["email"], NILS["email"]}
    world.run()
    return world


def which(world: World) -> list[str]:
    return [f"{row['side']} {row['source_id']} {row['field']}" for row in world.rows(holds)]


def test_what_is_quarantined_is_listed_with_reason_remedy_and_next_try(refused: World, viewer: Browser) -> None:
    text = viewer.page("/quarantine")

    assert "Ola Dal" in text
    assert "invalid" in text
    assert "Correct the value in the system where it was entered" in text


def test_the_attempts_of_a_record_are_listed(refused: World, viewer: Browser) -> None:
    source_id = refused.rows(holds)[0]["source_id"]

    assert "run-1" in viewer.page(f"/quarantine/{RIGHT}/{source_id}")
    assert viewer.get(f"/quarantine/nowhere/{source_id}").status_code == 404


def test_a_chosen_record_is_skipped_and_then_tried_again_by_the_next_run(refused: World, user: Browser) -> None:
    first = which(refused)[:1]

    skipped = user.post("/quarantine", {"action": "skip", "which": first})
    refused.right.refuses = set()
    again = user.post("/quarantine", {"action": "retry", "which": first})
    refused.run()

    assert "Skipped until somebody edits" in skipped.text
    assert "Tried again by the next run" in again.text
    assert len(refused.right.records) == 1
    assert [(row["what"], row["person"]) for row in refused.rows(actions)] == [("skip", "kim"), ("retry", "kim")]


def test_all_of_one_reason_are_tried_again_at_once(refused: World, user: Browser) -> None:
    refused.right.refuses = set()

    user.post("/quarantine", {"action": "retry", "scope": "all", "reason": "invalid", "side": RIGHT})
    refused.run()

    assert len(refused.right.records) == 2
    assert "Nothing is quarantined." in user.page("/quarantine")


def test_excluded_records_leave_the_list_with_the_next_run(refused: World, user: Browser) -> None:
    user.post("/quarantine", {"action": "exclude", "which": which(refused)})
    refused.run()

    assert refused.status()["quarantined"] == 0
    assert refused.status()["excluded"] == 2


def test_what_no_page_sends_is_refused_and_nothing_chosen_says_so(refused: World, user: Browser) -> None:
    assert user.post("/quarantine", {"action": "retry", "which": ["rubbish"]}).status_code == 422
    assert "Choose records first." in user.post("/quarantine", {"action": "retry"}).text
    assert refused.rows(actions) == []
