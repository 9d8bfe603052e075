"""What the pages show of a store, and what they say where something is missing or wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.console.conftest import KARI, Browser
from tests.sync.world import World, customers

from samklang.core.clocks import from_datetime
from samklang.store.database import Database
from samklang.store.schema import meta, plans, runs

Edited = tuple[World, str, str]
SCRIPT = "<script>alert(1)</script>"


def text_of(html: str) -> str:
    """What one reads of a page, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


class Tags(HTMLParser):
    """The tags of a page, as a browser takes them, each with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def rows_of(html: str, caption: str) -> list[str]:
    """The rows of a table but for its head, as one reads them."""
    (table,) = re.findall(rf"<caption[^>]*>{caption}.*?</table>", html, re.DOTALL)
    return [text_of(row).strip() for row in re.findall(r"<tr.*?</tr>", table.partition("</thead>")[2], re.DOTALL)]


# --- overview


def test_the_overview_counts_what_the_store_holds(world: World, viewer: Browser) -> None:
    world.pair(**KARI)
    world.left.add(email="same@post.example", first="A", last="A")
    world.left.add(email="same@post.example", first="B", last="B")
    world.run()
    shown = viewer.page("/overview")
    figures = dict(re.findall(r'<div class="figure[^>]*><dt>(.*?)</dt><dd>(.*?)</dd>', shown))
    told = {text_of(name).strip(): number for name, number in figures.items()}
    assert told["linked"] == told["in sync"] == "1"
    assert told["ambiguous"] == "2"
    assert "2 records are ambiguous." in text_of(shown)
    assert len(rows_of(shown, "The last runs")) == 2


def test_the_overview_says_that_nobody_is_needed(world: World, viewer: Browser) -> None:
    world.pair(**KARI)
    assert "Nothing: the sync looks after itself." in text_of(viewer.page("/overview"))


def test_the_overview_names_a_run_that_failed_first(world: World, viewer: Browser) -> None:
    world.pair(**KARI)
    with world.database.begin() as connection:
        connection.execute(update(runs).values(state="failed"))
    shown = viewer.page("/overview")
    assert 'href="/samklang/customers/runs/run-1">The last run failed.' in shown


def test_the_charts_have_what_the_runs_did(edited: Edited, viewer: Browser) -> None:
    found = re.search(r'data-chart="records" data-runs="([^"]*)"', viewer.page("/overview"))
    assert found
    first, second = json.loads(unescape(found[1]))
    assert (first["created"], first["updated"]) == (0, 0)
    assert (second["run_id"], second["updated"], second["failed"]) == ("run-2", 1, 0)


def test_the_charts_say_how_much_of_each_rate_limit_a_run_has_used(edited: Edited, viewer: Browser) -> None:
    world, _, _ = edited
    spent = {"requests": {"powerofficego": 12, "shopify": 3}, "budget": {"powerofficego": 0.6, "shopify": 0.004}}
    with world.database.begin() as connection:
        connection.execute(update(runs).where(runs.c.run_id == "run-2").values(summary=json.dumps(spent)))
    shown = viewer.page("/overview")
    found = re.search(r'data-chart="budget" data-runs="([^"]*)"', shown)
    assert found
    assert json.loads(unescape(found[1]))[-1]["budget"] == spent["budget"]
    told = rows_of(shown, "The last runs, oldest first")[-1]
    assert "PowerOffice Go 12 (60% of the limit) , Shopify 3 (0.4% of the limit)" in told


def test_a_store_without_a_run_says_how_to_make_one(world: World, viewer: Browser) -> None:
    for path in ("/overview", "/plans", "/runs"):
        told = text_of(viewer.page(path))
        assert "Trigger sync_customers" in told, path


def test_the_overview_tells_when_the_next_run_is_due_and_what_waits_for_an_answer(
    edited: Edited, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console import airflow_side

    world, a, _ = edited
    monkeypatch.setattr(airflow_side, "schedule", lambda _dag_id: None)
    assert "Airflow does not know the DAG sync_customers yet" in text_of(viewer.page("/overview"))

    world.remap(customers("limits: {updates: 0}"))
    world.left.edit(a, last="Vik")
    plan = world.plan(world.begin())
    due = from_datetime(datetime.now(UTC) + timedelta(hours=2, seconds=30))
    monkeypatch.setattr(airflow_side, "schedule", lambda _dag_id: airflow_side.Schedule(False, due))
    monkeypatch.setattr(airflow_side, "waiting_for_answer", lambda _dag_id: ["run-3"])
    shown = viewer.page("/overview")
    assert "in 2 hours" in text_of(shown)
    assert f"Plan {plan['plan']} waits for your answer" in text_of(shown)
    assert f'href="/samklang/customers/plans/{plan["plan"]}"' in shown
    assert 'href="/dags/sync_customers/runs/run-3/tasks/review/required_actions"' in shown

    monkeypatch.setattr(airflow_side, "schedule", lambda _dag_id: airflow_side.Schedule(True, due))
    assert "The DAG is paused" in text_of(viewer.page("/overview"))


# --- plans


def test_a_plan_shows_each_field_with_both_values_the_reason_and_what_came_back(
    edited: Edited, viewer: Browser
) -> None:
    shown = viewer.page("/plans/2")
    first, second = rows_of(shown, "Writes, record by record")
    assert "Kari Berg" in first
    assert "MailAddress.City addresses.city Moss Oslo Oslo Moss edit written" in f"{first} {second}"
    assert "LastName lastName Lie Berg Berg Lie edit" in f"{first} {second}"


def test_a_plan_is_filtered_by_field_side_and_outcome(edited: Edited, viewer: Browser) -> None:
    table = "Writes, record by record"
    assert len(rows_of(viewer.page("/plans/2?field=LastName&why=edit"), table)) == 2  # the whole record
    assert "No row fits these filters." in text_of(viewer.page("/plans/2?field=PhoneNumber"))
    assert len(rows_of(viewer.page("/plans/2?side=shopify&outcome=written"), table)) == 2
    assert "No row fits these filters." in text_of(viewer.page("/plans/2?side=powerofficego"))
    assert "No row fits these filters." in text_of(viewer.page("/plans/2?outcome=refused"))


def test_each_part_of_a_plan_is_shown(world: World, viewer: Browser) -> None:
    world.left.add(email="same@post.example", first="A", last="A")
    world.left.add(email="same@post.example", first="B", last="B")
    world.right.add(**KARI | {"last": "Lien"})
    world.left.add(**KARI)
    world.left.add(first=None, last=None)
    world.run()
    parts = ("links", "conflicts", "held", "ambiguous", "excluded")
    told = {part: text_of(viewer.page(f"/plans/1?part={part}")) for part in parts}
    assert "Kari" in told["links"]
    assert "Lien" in told["conflicts"]
    assert "same@post.example" in told["ambiguous"]
    assert "PowerOffice Go lacks FirstName" in told["excluded"]


def test_a_plan_whose_files_have_expired_says_so_and_keeps_its_counts(edited: Edited, viewer: Browser) -> None:
    world, *_ = edited
    world.sync().staging.drop_runs("customers", ["run-2"])
    told = text_of(viewer.page("/plans/2"))
    assert "are not there any more" in told
    assert "updates 0 1" in told


def test_an_address_keeps_no_words_of_a_search(edited: Edited, viewer: Browser) -> None:
    """A plan is filtered by ids, which are numbers: an e-mail would stand in the server's log."""
    assert viewer.get("/plans/2?record=kari%40post.example").status_code == 404


# --- record


@pytest.mark.parametrize("text", ["kari@post.example", "KARI@post.example ", "powerofficego:1"])
def test_a_record_is_found_by_id_or_e_mail(edited: Edited, viewer: Browser, text: str) -> None:
    answer = viewer.post("/record", {"text": text})
    assert answer.status_code == 200
    assert 'aria-label="powerofficego:1"' in answer.text
    assert "Kari Berg" in text_of(answer.text)


def test_a_record_tells_its_timeline_with_runs_and_people(edited: Edited, viewer: Browser, user: Browser) -> None:
    _, a, b = edited
    user.post(f"/record/powerofficego:{a}/freeze", {"field": "LastName"})
    shown = viewer.page(f"/record/shopify:{b}")
    told = text_of(shown.partition("Timeline")[2])
    assert told.count("freeze by kim, in the console LastName") == 1
    assert "update in Shopify by run-2" in told
    assert "LastName: Lie → Berg" in told
    assert 'href="/samklang/customers/runs/run-2"' in shown


def test_a_search_that_finds_nobody_is_told_in_words(world: World, viewer: Browser) -> None:
    world.run()
    assert "No record of customers" in text_of(viewer.post("/record", {"text": "nobody@post.example"}).text)
    assert viewer.get("/record/powerofficego:404").status_code == 404


# --- runs


def test_a_run_tells_what_it_read_and_wrote_and_leads_to_its_plan(edited: Edited, viewer: Browser) -> None:
    shown = viewer.page("/runs/run-2")
    assert any("Shopify" in row and "1 written" in row for row in rows_of(shown, "What the run did"))
    assert 'href="/samklang/customers/plans/2"' in shown
    assert 'href="/dags/sync_customers/runs/run-2" target="_top"' in shown
    assert "This run wrote to 1 record. An undo puts back what nobody has changed since" in text_of(shown)


def test_a_run_that_is_under_way_is_shown_too(edited: Edited, viewer: Browser) -> None:
    world, a, _ = edited
    world.left.edit(a, last="Vik")
    world.plan(world.begin())
    assert "running" in rows_of(viewer.page("/runs"), "Runs, newest first")[0]
    assert "It is under way" in text_of(viewer.page("/runs/run-3"))
    assert viewer.page("/overview")


def test_lists_are_paged(world: World, viewer: Browser) -> None:
    world.left.add(**KARI)
    for _ in range(52):
        world.run()
    for path, table in (("/runs", "Runs, newest first"), ("/plans", "Plans, newest first")):
        first = viewer.page(path)
        assert len(rows_of(first, table)) == 50
        found = re.search(r'rel="next" href="/samklang/customers([^"]*)"', first)
        assert found
        second = viewer.page(unescape(found[1]))
        assert len(rows_of(second, table)) == 2
        assert 'rel="next"' not in second


# --- values of records are data


def test_what_customers_are_called_is_shown_and_never_run(world: World, viewer: Browser) -> None:
    world.left.add(**KARI | {"first": SCRIPT, "line1": '" onmouseover="alert(1)'})
    world.right.add(**KARI | {"last": SCRIPT})
    world.run()
    paths = [
        "/plans/1",
        "/plans/1?part=links",
        "/plans/1?part=conflicts",
        "/record/powerofficego:1",
        "/runs/run-1/undo",
    ]
    pages = [viewer.page(path) for path in paths]
    assert any("&lt;script&gt;" in page for page in pages)
    for page in [*pages, viewer.post("/record", {"text": SCRIPT}).text]:
        tags = Tags(page).found
        assert all(
            attributes.keys() == {"src"} | ({"defer"} & attributes.keys())
            for tag, attributes in tags
            if tag == "script"
        )
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]


# --- what is wrong is said, with what to do


def test_a_store_that_was_never_made_is_told_and_not_made_by_looking(home: Path, viewer: Browser) -> None:
    answer = viewer.get("/overview")
    assert answer.status_code == 503
    assert "There is no link store yet." in answer.text
    assert "trigger sync_customers" in answer.text
    assert list(home.iterdir()) == []


def test_a_store_that_cannot_be_reached_is_told_without_its_address(
    viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"conn_type": "postgres", "host": "127.0.0.1", "port": 9, "schema": "s", "login": "u", "password": "hush"}
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", json.dumps(secret))
    answer = viewer.get("/overview")
    assert answer.status_code == 503
    assert "The link store cannot be opened" in answer.text
    assert "samklang_store" in answer.text
    assert "hush" not in answer.text


def test_a_store_of_a_newer_version_is_told(home: Path, viewer: Browser) -> None:
    database = Database(f"sqlite:///{home}/store.db")
    with database.begin() as connection:
        connection.execute(update(meta).where(meta.c.name == "schema_version").values(value="99"))
    database.close()
    answer = viewer.get("/overview")
    assert answer.status_code == 503
    assert "schema version 99" in answer.text
    assert "Install the newer version" in answer.text


def test_a_mapping_that_is_wrong_is_told_with_its_line_and_read_anew_once_it_is_mended(
    home: Path, world: World, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pair(**KARI)
    (home / "mappings").mkdir()
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(home / "mappings"))
    file = home / "mappings" / "customers.yaml"
    file.write_text("entity: customers\nnonsense: 1\n")
    answer = viewer.get("/overview")
    assert answer.status_code == 503
    assert "customers.yaml, line" in answer.text
    from tests.sync.world import MAPPINGS

    file.write_text((MAPPINGS / "customers.yaml").read_text())
    assert viewer.get("/overview").status_code == 200


@pytest.mark.parametrize(
    "path", ["/nothing", "/plans/999", "/plans/x", "/runs/none", "/record/nonsense", "/runs/none/undo"]
)
def test_an_address_that_leads_nowhere_is_told_on_a_page_of_the_console(
    world: World, viewer: Browser, path: str
) -> None:
    world.run()
    answer = viewer.get(path)
    assert answer.status_code in (404, 409)
    assert "<h1>" in answer.text
    assert "Overview</a>" in answer.text  # and the way on


def test_an_entity_that_there_is_not_is_told(viewer: Browser) -> None:
    answer = viewer.get("/overview", prefix="/samklang/orders")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_a_page_that_begins_nowhere_is_told(world: World, viewer: Browser) -> None:
    world.run()
    assert viewer.get("/runs?after=nonsense").status_code == 404


def test_a_mistake_of_ours_is_told_without_the_words_that_may_quote_a_record(
    world: World, viewer: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from samklang.console.pages import runs as page

    def fails(*_args: Any, **_options: Any) -> Any:
        raise ValueError("kari@post.example")

    world.run()
    monkeypatch.setattr(page.lists, "runs", fails)
    answer = viewer.get("/runs")
    assert answer.status_code == 500
    assert "ValueError in" in answer.text
    assert "kari@post.example" not in answer.text + caplog.text


def test_a_dry_run_says_that_nothing_of_it_is_written(world: World, viewer: Browser) -> None:
    world.left.add(**KARI)
    world.run(dry_run=True)
    assert "A dry run" in text_of(viewer.page("/plans/1"))
    with world.database.read() as connection:
        assert connection.execute(plans.select()).one().state == "dry"


def _token(*place: Any) -> str:
    import base64

    import orjson

    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/{page}?after={token}"
            for page in ("runs", "plans", "conflicts", "matches", "quarantine", "plans/1")
            for token in ("x", "%FF", "W10", "bnVsbA", _token("a"), _token(-1), _token(2**63), _token(2**63, 2**63),
                          _token(-1, -1), _token("\0"), _token("\0", "\0"), _token("\0", "\0", "\0"), _token([1]))
        ),
        "/plans/0", "/plans/-1", "/plans/99999999999", "/plans/99999999999999999999999", "/plans/x",
        "/record/powerofficego:%00", "/record/%00", "/record?id=%00", "/matches?search=%00", "/runs/%00",
        "/record/nowhere:1", "/runs/nowhere",
    ],
)  # fmt: skip
def test_an_address_that_no_page_gave_is_no_failure_of_ours(
    edited: tuple[World, str, str], viewer: Browser, path: str
) -> None:
    """Tokens of other lists, numbers beyond what a database holds and NULs were HTTP 500 and 503."""
    assert viewer.get(path).status_code < 500
