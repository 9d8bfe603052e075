"""Who may look, and who may act."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import expect
from tests.browser.conftest import Opened
from tests.browser.console_pages import Console
from tests.browser.site import CUSTOMERS, Site

_ACTIONS = ("Sync now", "Freeze the pair", "Unlink")


def test_who_may_only_look_sees_everything_and_can_press_nothing(site: Site, opened: Opened) -> None:
    ((one, _),) = site.twins()
    record = f"powerofficego:{one['Id']}"
    console = Console(opened("viggo")).open(page="Record")
    console.search(record)
    expect(console.field(record, "EmailAddress")).to_contain_text(one["EmailAddress"])
    for name in _ACTIONS:
        button = console.button(name)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", "This needs edit access to the DAG")


def test_who_may_only_look_is_refused_though_they_send_the_request_themselves(site: Site, opened: Opened) -> None:
    ((one, _),) = site.twins()
    page = opened("viggo")
    own = {"X-Samklang-Console": "1", "Sec-Fetch-Site": "same-origin"}
    for action in ("freeze", "unlink", "sync", "undo"):
        address = f"/samklang/customers/record/powerofficego:{one['Id']}/{action}"
        answer = page.request.post(address, headers=own, form={"field": ""})
        assert answer.status == 403
        assert "needs edit access" in answer.text()
    assert site.actions(f"powerofficego:{one['Id']}") == []


def test_another_site_cannot_act_in_the_name_of_who_is_signed_in(site: Site, opened: Opened) -> None:
    ((one, _),) = site.twins()
    page = opened("olga")
    address = f"/samklang/customers/record/powerofficego:{one['Id']}/freeze"
    for headers in ({}, {"X-Samklang-Console": "1", "Sec-Fetch-Site": "cross-site"}):
        assert page.request.post(address, headers=headers, form={"field": ""}).status == 403
    assert site.actions(f"powerofficego:{one['Id']}") == []


@pytest.mark.parametrize("path", ["customers/overview", "customers/plans", "products/record", "customers/runs"])
def test_nobody_looks_without_signing_in(site: Site, path: str) -> None:
    assert requests.get(f"{site.url}/samklang/{path}", timeout=30).status_code == 401


def test_who_is_not_signed_in_comes_to_airflows_own_sign_in(site: Site, opened: Opened) -> None:
    page = opened(None)
    page.goto("/samklang/customers/overview")
    expect(page.get_by_label("Username")).to_be_visible()
    assert "console" not in page.content().lower()


def test_what_a_viewer_sees_of_a_plan_that_waits_leads_to_no_answer_they_may_give(site: Site, opened: Opened) -> None:
    page = opened("viggo")
    run = site.first_runs[CUSTOMERS]
    answer = page.request.patch(
        f"/api/v2/dags/{CUSTOMERS}/dagRuns/{run}/taskInstances/review/-1/hitlDetails",
        data={"chosen_options": ["Approve"], "params_input": {}},
    )
    assert answer.status == 403
