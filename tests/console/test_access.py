"""Who may look, who may act, and from where: by Airflow's own users and permissions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.console.conftest import Browser
from tests.sync.world import World

from samklang.store.schema import actions, orders

PAGES = ["/overview", "/plans", "/plans/1", "/runs", "/runs/run-2", "/runs/run-2/undo", "/runs/run-2/made.csv",
         "/record", "/record/powerofficego:1"]  # fmt: skip
ACTIONS = ["/record/powerofficego:1/freeze", "/record/powerofficego:1/unfreeze", "/record/powerofficego:1/release",
           "/record/powerofficego:1/undo", "/record/powerofficego:1/unlink", "/record/powerofficego:1/sync",
           "/runs/run-2/undo"]  # fmt: skip


def test_nobody_sees_a_page_without_signing_in(edited: tuple[World, str, str], nobody: Browser) -> None:
    for path in [*PAGES, "/", ""]:
        answer = nobody.get(path)
        assert answer.status_code == 401, path
        assert "Sign in to Airflow" in answer.text


def test_somebody_without_access_to_the_dag_sees_no_page(
    edited: tuple[World, str, str], sign_in: Callable[..., Browser]
) -> None:
    stranger = sign_in(None)
    for path in PAGES:
        answer = stranger.get(path)
        assert answer.status_code == 403, path
        assert "sync_customers" in answer.text
        assert "Kari" not in answer.text


@pytest.mark.parametrize("cookie", [True, False])
def test_who_may_view_the_dag_sees_each_page(
    edited: tuple[World, str, str], sign_in: Callable[..., Browser], cookie: bool
) -> None:
    somebody = sign_in("viewer", cookie=cookie)
    for path in PAGES:
        assert somebody.get(path).status_code == 200, path


@pytest.mark.parametrize("path", ACTIONS)
def test_an_action_needs_edit_access_to_the_dag(
    edited: tuple[World, str, str], nobody: Browser, viewer: Browser, path: str
) -> None:
    world, *_ = edited
    assert nobody.post(path).status_code == 401
    assert viewer.post(path, {"field": "LastName"}).status_code == 403
    assert world.rows(actions) == []


@pytest.mark.parametrize("path", ACTIONS)
def test_an_action_that_another_site_makes_the_browser_send_is_refused(
    edited: tuple[World, str, str], sign_in: Callable[..., Browser], path: str
) -> None:
    world, *_ = edited
    kim = sign_in("user", cookie=True)
    foreign: list[dict[str, str | None]] = [
        {"X_Samklang_Console": None},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": None, "Origin": "https://elsewhere.example"},
        {"Sec_Fetch_Site": None, "Origin": "null"},
    ]
    for headers in foreign:
        assert kim.post(path, {"field": "LastName"}, **headers).status_code == 403, headers
    assert world.rows(actions) == []
    assert world.rows(orders) == []


def test_an_action_from_our_own_pages_is_taken_also_where_a_browser_says_little(
    edited: tuple[World, str, str], sign_in: Callable[..., Browser]
) -> None:
    kim = sign_in("user", cookie=True)
    path = "/record/powerofficego:1/freeze"
    assert kim.post(path, {"field": "LastName"}, Sec_Fetch_Site=None).status_code == 200
    own = {"Sec_Fetch_Site": None, "Origin": "http://airflow.example"}
    assert kim.post(path, {"field": "FirstName"}, **own).status_code == 200


def test_a_search_by_another_site_is_refused(edited: tuple[World, str, str], viewer: Browser) -> None:
    assert viewer.post("/record", {"text": "kari@post.example"}, X_Samklang_Console=None).status_code == 403


def test_who_may_only_look_is_shown_no_button_that_would_be_refused(
    edited: tuple[World, str, str], viewer: Browser, user: Browser
) -> None:
    shown = viewer.page("/record/powerofficego:1")
    assert shown.count("<form hx-post") == shown.count("disabled title") > 5
    assert "disabled title" not in user.page("/record/powerofficego:1")


# --- what holds for every answer


def test_no_page_is_cached_or_loads_anything_from_elsewhere(edited: tuple[World, str, str], viewer: Browser) -> None:
    for path in [*PAGES, "/nothing", "/plans/999"]:
        headers = viewer.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        policy = {rule.split()[0]: rule.split()[1:] for rule in headers["Content-Security-Policy"].split("; ")}
        assert policy["default-src"] == ["'self'"]
        assert policy["frame-ancestors"] == ["'self'"]
        assert not {"script-src", "style-src", "connect-src"} & policy.keys()  # as default-src


def test_a_page_that_is_opened_by_itself_is_shown_within_airflows_ui(viewer: Browser, world: World) -> None:
    answer = viewer.get("/runs/manual__2026-11-25T17:49:46+00:00?after=x", **{"Sec-Fetch-Dest": "document"})
    assert answer.status_code == 307
    assert answer.headers["Location"] == (
        "/plugin/samklang/samklang/customers/runs/manual__2026-11-25T17:49:46%2B00:00?after=x"
    )
    assert viewer.get("/runs", **{"Sec-Fetch-Dest": "iframe"}).status_code == 200


def test_the_first_page_is_of_the_first_entity(viewer: Browser) -> None:
    assert viewer.get("/", prefix="/samklang").headers["Location"] == "/samklang/customers/overview"


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/dags/sync_products", "/samklang/products/overview"),
        ("/dags/sync_customers/runs/manual__1+00:00", "/samklang/customers/runs/manual__1%2B00%3A00"),
    ],
)
def test_the_tab_on_a_dag_leads_to_its_page(viewer: Browser, path: str, to: str) -> None:
    assert viewer.get(path, prefix="/samklang").headers["Location"] == to


def test_the_tab_on_a_foreign_dag_says_that_it_is_none_of_ours(viewer: Browser, nobody: Browser) -> None:
    answer = viewer.get("/dags/others", prefix="/samklang")
    assert answer.status_code == 404
    assert "none of Samklang" in answer.text
    assert nobody.get("/dags/others", prefix="/samklang").status_code == 401


def test_links_lead_to_where_airflow_is_served(
    edited: tuple[World, str, str], viewer: Browser, airflow_at: Callable[[str], FastAPI]
) -> None:
    client = TestClient(airflow_at("/team/airflow"), base_url="http://airflow.example", headers=viewer.headers)
    answer = client.get("/team/airflow/samklang/customers/runs")
    assert answer.status_code == 200
    assert 'href="/team/airflow/samklang/customers/plans"' in answer.text
    assert 'href="/team/airflow/samklang/static/console.css' in answer.text
    assert 'href="/samklang' not in answer.text
    run = client.get("/team/airflow/samklang/customers/runs/run-2").text
    assert 'href="/team/airflow/dags/sync_customers/runs/run-2"' in run
    alone = client.get(
        "/team/airflow/samklang/customers/runs", headers={"Sec-Fetch-Dest": "document"}, follow_redirects=False
    )
    assert alone.headers["Location"] == "/team/airflow/plugin/samklang/samklang/customers/runs"
