"""The page Matches: before the first write and later, one or many, and by a file."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.console.conftest import OURS, PATH, Browser
from tests.sync.world import World

from samklang.store.schema import actions, link_sides

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
Look = Callable[[str], str]
Post = Callable[..., str]


def read(page: str) -> str:
    """The text of a page, as one reads it: with single blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("<main", 1)[-1])).split())


@pytest.fixture
def look(user: Browser) -> Look:
    return lambda path: read(user.page(f"/{path}"))


@pytest.fixture
def post(user: Browser) -> Post:
    """Do something on the page; gives the text of what is shown then."""

    def shown(path: str, status: int = 200, **form: Any) -> str:
        answer = user.post(f"/{path}", form)
        assert answer.status_code == status, answer.text
        return read(answer.text)

    return shown


@pytest.fixture
def pair(world: World) -> World:
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    return world


@pytest.fixture
def ambiguous(world: World) -> World:
    world.left.add(id="11", **KARI)
    world.left.add(id="12", **{**KARI, "first": "Karin"})
    world.right.add(id="21", **KARI)
    world.right.add(id="22", **OLA)
    world.run()
    return world


def linked(world: World) -> set[tuple[int, str, str]]:
    return {(row["link_id"], row["side"], row["record_id"]) for row in world.rows(link_sides)}


def test_before_the_first_write_the_page_shows_what_the_plan_would_do(world: World, look: Look) -> None:
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.left.add(id="12", **OLA)
    world.right.add(id="22", email="only@post.example")
    world.run(dry_run=True)

    first = look("matches")
    assert "would link 1 pair, create 1 record and leave 1 record alone; 0 of those are ambiguous" in first
    assert "Kari Lie 11 kari@post.example Kari Lie 21" in first
    assert "Ola Dal 12" in look("matches?show=plan_creates")
    assert "not in create in" in look("matches?show=plan_excluded")
    assert "No records are linked yet." in look("matches?show=linked")
    world.run()
    assert "is not carried out" not in look("matches")


def test_an_ambiguous_key_shows_all_candidates_side_by_side(ambiguous: World, look: Look) -> None:
    text = look("matches?show=ambiguous")

    assert "EmailAddress kari@post.example is held by 2 in PowerOffice Go and 1 in Shopify" in text
    assert "FirstName Kari Karin Kari" in text
    assert "Scope active active active" in text


def test_two_candidates_are_linked_and_the_rest_waits(ambiguous: World, post: Post, look: Look) -> None:
    text = post("matches/link", which=["powerofficego:11", "shopify:21"], show="ambiguous")

    assert "Linked: powerofficego:11 = shopify:21." in text
    assert "Link linked none linked" in look("matches?show=ambiguous")
    assert [(row["what"], row["person"], row["via"]) for row in ambiguous.rows(actions)] == [("link", "kim", "console")]


def test_nobody_loses_a_twin_by_chance(pair: World, post: Post) -> None:
    pair.right.add(id="22", **OLA)
    pair.run()
    before = linked(pair)

    told = post("matches/link", which=["powerofficego:11", "shopify:22"], show="linked")
    assert "shopify:21 would lose that twin" in told
    assert linked(pair) == before
    assert "Linked:" in post("matches/link", which=["powerofficego:11", "shopify:22"], anyway="true", show="linked")


def test_a_link_takes_one_record_of_each_side(ambiguous: World, post: Post) -> None:
    assert "Choose one record of each side" in post("matches/link", 409, which=["powerofficego:11"])
    assert "same side" in post("matches/link", 409, which=["powerofficego:11", "powerofficego:12"])


def test_many_are_unlinked_and_included_again(pair: World, post: Post, look: Look) -> None:
    pair.left.add(id="12", **OLA)
    pair.run()
    which = ["powerofficego:11", "powerofficego:12"]

    assert "Taken apart: 2." in post("matches/unlink", which=which, show="linked")
    assert "Ola Dal 12" in look("matches?show=kept_apart")
    again = post("matches/unlink", which=which, show="linked")
    assert "2 left as they are" in again
    assert "kept apart already" in again
    assert "Let in again: 2." in post("matches/include", which=which, show="kept_apart")
    assert "Nobody keeps any records apart." in look("matches?show=kept_apart")


def test_a_record_of_one_side_is_excluded_with_its_reason_shown(ambiguous: World, post: Post, look: Look) -> None:
    assert "excluded not in create in" in look("matches?show=only_shopify")

    assert "Left alone from now on: shopify:22." in post("matches/exclude", which=["shopify:22"], show="only_shopify")
    assert "Ola Dal 22" not in look("matches?show=only_shopify")


def test_a_search_stays_in_one_list_and_out_of_the_address(ambiguous: World, post: Post, user: Browser) -> None:
    assert "Ola Dal 22" in post("matches/search", show="only_shopify", text="ola@post.example")
    assert "Nothing in this list is about that record." in post(
        "matches/search", show="linked", text="ola@post.example"
    )
    assert user.get("/matches/search?text=ola@post.example").status_code in (404, 405)


def test_a_list_goes_on_where_the_page_ended(world: World, user: Browser) -> None:
    for n in range(60):
        world.left.add(**{**KARI, "email": f"k{n}@post.example"})
        world.right.add(**{**KARI, "email": f"k{n}@post.example"})
    world.run()

    first = user.page("/matches?show=linked")
    address = html.unescape(first.split('rel="next" href="')[1].split('"')[0])
    second = user.page(address.removeprefix(PATH))

    def ids(page: str) -> set[str]:
        return set(re.findall('name="which" value="([^"]+)"', page))

    assert (len(ids(first)), len(ids(second))) == (50, 10)
    assert ids(first).isdisjoint(ids(second))


def test_a_link_made_by_hand_to_no_list_shows_the_first_one(pair: World, look: Look) -> None:
    assert "Kari Lie 11" in look("matches?show=nonsense")


def test_two_that_a_plan_would_link_are_excluded_together(world: World, user: Browser, post: Post, look: Look) -> None:
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run(dry_run=True)
    (pair,) = re.findall('name="which" value="([^"]+)"', user.page("/matches?show=plan_links"))

    assert "Left alone from now on: 2." in post("matches/exclude", which=[pair], show="plan_links")
    world.run()
    assert world.status()["linked"] == 0
    assert world.writes() == 0


# --- a file -----------------------------------------------------------------------------------------------------------


def decided(user: Browser, show: str, **decisions: str) -> bytes:
    """The file as somebody has gone through it. :param decisions: by id, `_` for `:`."""
    answer = user.get(f"/matches/file.csv?show={show}")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    for row in rows:
        for name, decision in decisions.items():
            if name.replace("_", ":") in row.values():
                row["decision"] = decision
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def send(user: Browser, path: str, content: bytes, **form: str) -> tuple[int, str, str]:
    answer = user.client.post(
        f"{PATH}/matches/{path}", files={"file": ("m.csv", content)}, data=form, headers=user.headers | OURS
    )
    seen = answer.text.split('name="seen" value="')
    return answer.status_code, read(answer.text), seen[1].split('"')[0] if len(seen) > 1 else ""


def test_a_file_is_looked_at_before_it_is_carried_out(ambiguous: World, user: Browser) -> None:
    content = decided(user, "only_shopify", shopify_22="exclude", shopify_21="unlink")
    before = linked(ambiguous)

    _, found, seen = send(user, "file", content)

    assert "Would be carried out 1" in found
    assert "exclude shopify:22" in found
    assert "unlink shopify:21: shopify:21 has no twin." in found
    assert linked(ambiguous) == before
    _, done, _ = send(user, "file/carry-out", content, seen=seen)
    assert "Carried out 1" in done
    assert linked(ambiguous) != before


def test_a_file_that_was_changed_after_the_look_is_not_carried_out(ambiguous: World, user: Browser) -> None:
    content = decided(user, "only_shopify", shopify_22="exclude")
    _, _, seen = send(user, "file", content)
    before = linked(ambiguous)

    status, told, _ = send(user, "file/carry-out", content + b"\n", seen=seen)

    assert status == 409
    assert "not the file that you have looked at" in told
    assert linked(ambiguous) == before


def test_a_file_that_is_none_is_refused_in_words(pair: World, user: Browser) -> None:
    for content in (b"a,b\n1,2\n", b"\xff\xfe\x00", b""):
        status, told, _ = send(user, "file", content)
        assert status >= 400
        assert "no column" in told or "cannot be read" in told


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["link", "unlink", "exclude", "include"])
def test_who_may_only_look_changes_nothing(pair: World, viewer: Browser, what: str) -> None:
    before = linked(pair), pair.rows(actions)

    answer = viewer.post(f"/matches/{what}", {"which": ["powerofficego:11"]})

    assert answer.status_code == 403
    assert (linked(pair), pair.rows(actions)) == before


def test_who_may_only_look_reads_no_file_in(pair: World, viewer: Browser) -> None:
    content = b"powerofficego,shopify,decision\npowerofficego:11,,exclude\n"

    assert send(viewer, "file", content)[0] == 403
    assert send(viewer, "file/carry-out", content, seen=hashlib.sha256(content).hexdigest())[0] == 403


@pytest.mark.parametrize("what", ["matches/unlink", "matches/search"])
def test_another_site_can_make_nobody_do_or_ask_anything(pair: World, user: Browser, what: str) -> None:
    before = linked(pair)
    form = {"which": "powerofficego:11", "text": "kari@post.example"}

    assert user.post(f"/{what}", form, X_Samklang_Console=None).status_code == 403
    assert user.post(f"/{what}", form, Sec_Fetch_Site="cross-site").status_code == 403
    assert linked(pair) == before


def test_who_may_only_look_sees_why_the_buttons_are_off(pair: World, viewer: Browser) -> None:
    page = viewer.page("/matches?show=linked")

    assert 'data-denied title="This needs edit access to the DAG">Unlink' in page


def test_nobody_sees_a_page_or_a_file(pair: World, nobody: Browser) -> None:
    for path in ("/matches", "/matches/file", "/matches/file.csv"):
        assert nobody.get(path).status_code == 401
