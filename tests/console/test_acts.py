"""What a person does on the pages: done once, in their name, and nothing where it cannot be done."""

from __future__ import annotations

from typing import Any

import pytest
from tests.console.conftest import KARI, Browser
from tests.console.test_pages import text_of
from tests.sync.world import World

from samklang.core.jsontext import loads
from samklang.errors import DecisionError
from samklang.store.schema import actions, freezes, history, links, orders, revisit

Edited = tuple[World, str, str]


def taken(world: World) -> list[tuple[str, str, str]]:
    """What was done, by whom and by way of what."""
    return [(row["what"], row["person"], row["via"]) for row in world.rows(actions)]


@pytest.mark.parametrize(
    ("what", "data"),
    [("freeze", {"field": "LastName"}), ("freeze", {"field": ""}), ("unlink", {}), ("undo", {"run": "run-2"})],
    ids=str,
)
def test_an_action_is_recorded_once_in_the_users_name_and_doing_it_again_changes_nothing(
    edited: Edited, user: Browser, what: str, data: dict[str, str]
) -> None:
    world, a, _ = edited
    first = user.post(f"/record/powerofficego:{a}/{what}", data)
    assert first.status_code == 200, first.text
    assert taken(world) == [(what, "kim", "console")]
    (row,) = world.rows(actions)
    assert f"powerofficego:{a}" in loads(row["records"]) or f"shopify:{a}" in loads(row["records"])
    tables = (freezes, history, links, orders)
    before = [world.rows(table) for table in tables]
    assert user.post(f"/record/powerofficego:{a}/{what}", data).status_code in (200, 409)
    assert [world.rows(table) for table in tables] == before
    assert taken(world) == [(what, "kim", "console")]


def test_a_field_is_frozen_and_let_go(edited: Edited, user: Browser) -> None:
    world, a, b = edited
    told = text_of(user.post(f"/record/powerofficego:{a}/freeze", {"field": "LastName"}).text)
    assert "Frozen: powerofficego:" in told
    world.left.edit(a, last="Vik")
    world.run()
    assert world.right.value(b, "last") == "Berg"
    assert "Unfreeze" in user.page(f"/record/powerofficego:{a}")
    user.post(f"/record/powerofficego:{a}/unfreeze", {"field": "LastName"})
    world.run()
    assert world.right.value(b, "last") == "Vik"


def test_a_field_that_the_mapping_does_not_have_is_refused_in_the_place_for_messages(
    edited: Edited, user: Browser
) -> None:
    world, a, _ = edited
    answer = user.post(f"/record/powerofficego:{a}/freeze", {"field": "Nonsense"})
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#message"
    assert "The mapping has no field Nonsense." in answer.text
    assert "<html" not in answer.text
    assert taken(world) == []


def test_a_run_is_undone_after_a_look_at_what_that_would_do(edited: Edited, user: Browser) -> None:
    world, a, b = edited
    world.right.edit(b, city="Bergen")
    world.plan(world.begin())
    preview = text_of(user.page("/runs/run-2/undo"))
    assert "Put back 1" in preview
    assert "Left alone 1" in preview
    assert "changed since" in preview
    assert "Kari Berg Shopify" in preview
    assert world.rows(orders) == []  # looking does nothing

    told = text_of(user.post("/runs/run-2/undo").text)
    assert "The next run puts back" in told
    assert "1 field waits for the next run, which puts it back. By kim." in told
    assert "This run wrote to 1 record." in told
    assert "Put back 0" in text_of(user.page("/runs/run-2/undo"))
    world.run()
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Berg", "Lie")
    listed = text_of(user.page("/runs"))
    assert "kim 1 standing" in listed
    assert "run: run-2" in listed
    written = world.writes()
    user.post("/runs/run-2/undo")
    world.run()
    assert world.writes() == written


def test_the_pages_of_runs_name_writes_as_writes_and_what_was_left_apart_from_them(
    edited: Edited, user: Browser
) -> None:
    world, a, b = edited
    world.left.edit(a, last="Dal")
    world.run(between=lambda: world.right.edit(b, last="Moe"))

    assert "Shopify: nothing . Left: 1 moved" in text_of(user.page("/runs"))
    assert "Written Left Because" in text_of(user.page("/runs/run-3"))
    assert "nothing 1 moved" in text_of(user.page("/runs/run-3"))


def test_a_run_that_is_too_large_to_judge_meanwhile_is_left_to_the_command_line(
    edited: Edited, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console.pages import runs

    world, _, _ = edited
    monkeypatch.setattr(runs, "_MOST", 0)
    for answer in (user.get("/runs/run-2/undo"), user.post("/runs/run-2/undo")):
        assert answer.status_code == 409
        told = text_of(answer.text)
        assert "This run wrote to 1 record and made 0 links: too much to be judged while you wait." in told
        assert "samklang undo customers --run run-2" in told
    assert world.rows(orders) == []


def test_what_was_put_back_is_let_go(edited: Edited, user: Browser) -> None:
    world, a, b = edited
    user.post("/runs/run-2/undo")
    assert text_of(user.page(f"/record/powerofficego:{a}")).count("put back by a person") == 2
    world.run()
    assert world.right.value(b, "last") == "Lie"
    assert "Let go" in user.page(f"/record/powerofficego:{a}")
    assert "Let go" in user.post(f"/record/powerofficego:{a}/release", {"field": "LastName"}).text
    world.run()
    assert world.right.value(b, "last") == "Berg"


def test_the_links_that_a_run_made_are_set_apart_and_listed_as_csv(world: World, user: Browser) -> None:
    a, b = world.pair(**KARI)
    answer = user.get("/runs/run-1/made.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text.splitlines() == ["powerofficego_id,shopify_id,origin", f"{a},{b},matched"]
    user.post("/runs/run-1/undo")
    assert [row["state"] for row in world.rows(links)] == ["excluded"]
    assert len(world.left.records) == len(world.right.records) == 1


def test_sync_now_reads_both_records_again_also_where_no_run_can_begin(
    edited: Edited, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console import airflow_side

    world, a, b = edited
    monkeypatch.setattr(airflow_side, "schedule", lambda _dag_id: None)  # another test may have made the DAG known
    told = text_of(user.post(f"/record/powerofficego:{a}/sync").text)
    assert "The next run reads these records again." in told
    assert "Airflow does not know the DAG sync_customers." in told
    assert {(row["side"], row["id"]) for row in world.rows(revisit)} == {("powerofficego", a), ("shopify", b)}
    assert taken(world) == [("sync", "kim", "console")]


def test_sync_now_starts_a_run_in_the_users_name(
    edited: Edited, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console import airflow_side

    _, a, _ = edited
    asked: list[Any] = []

    def trigger(dag_id: str, conf: dict[str, Any], *, person: str, now: object) -> str:
        asked.append((dag_id, conf, person))
        return "manual__1"

    monkeypatch.setattr(airflow_side, "trigger", trigger)
    told = text_of(user.post(f"/record/powerofficego:{a}/sync").text)
    assert "Run manual__1 has been started" in told
    assert asked == [("sync_customers", {"mode": "changes"}, "kim")]


def test_a_paused_dag_is_not_triggered(auth_manager: Any) -> None:
    from datetime import UTC, datetime

    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    from samklang.console import airflow_side

    with create_session() as session:
        session.merge(DagBundleModel(name="tests"))
        session.flush()
        session.merge(DagModel(dag_id="sync_tests", bundle_name="tests", is_paused=True))
    try:
        with pytest.raises(DecisionError, match="is paused"):
            airflow_side.trigger("sync_tests", {}, person="kim", now=datetime.now(UTC))
        found = airflow_side.schedule("sync_tests")
        assert found == airflow_side.Schedule(paused=True, next_at=None)
    finally:
        with create_session() as session:
            session.delete(session.get(DagModel, "sync_tests"))


def test_the_undo_of_one_record_takes_back_the_run_that_was_shown(edited: Edited, user: Browser) -> None:
    """It took back whichever run had written last by then, and did not say which."""
    world, a, b = edited
    record = f"powerofficego:{a}"
    page = user.page(f"/record/{record}")
    assert f"/record/{record}/undo?run=run-2" in page
    assert "Undo what run-2 wrote" in text_of(page)
    shown = user.page(f"/record/{record}/undo?run=run-2")
    assert f"Undo of run-2 for {record}" in text_of(shown)
    assert "Put back 2" in text_of(shown)
    assert 'name="run" value="run-2"' in shown
    assert world.rows(orders) == []  # looking does nothing

    world.left.edit(a, first="Karin")
    world.run()  # run-3 writes to the same pair meanwhile
    assert "The next run puts back" in text_of(user.post(f"/record/{record}/undo", {"run": "run-2"}).text)
    assert {row["of_run"] for row in world.rows(orders)} == {"run-2"}
    world.run()
    assert (world.right.value(b, "first"), world.right.value(b, "last")) == ("Karin", "Lie")


def test_an_undo_of_one_record_that_names_no_run_does_nothing(edited: Edited, user: Browser) -> None:
    world, a, _ = edited
    for form in ({}, {"run": "run-9"}):
        assert user.post(f"/record/powerofficego:{a}/undo", form).status_code == 409
    assert user.get(f"/record/powerofficego:{a}/undo").status_code == 404
    assert world.rows(orders) == []


def test_who_downloads_peoples_data_is_kept_and_listed(edited: Edited, viewer: Browser) -> None:
    """Nobody could tell afterwards who had taken the whole list of customers."""
    world, *_ = edited
    assert viewer.get("/matches/file.csv?show=linked").status_code == 200
    assert viewer.get("/runs/run-2/made.csv").status_code == 200
    assert [(row["what"], row["person"], row["via"], loads(row["detail"])) for row in world.rows(actions)] == [
        ("export", "kim", "console", {"file": "matches.csv", "list": "linked"}),
        ("export", "kim", "console", {"file": "made.csv", "run": "run-2"}),
    ]
    assert "kim export" in text_of(viewer.page("/runs"))
