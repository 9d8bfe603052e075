"""What no page of ours sends is answered as such, on the database that takes less: it is no failure of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import make_url
from tests.console.conftest import KARI, OURS, PATH, Browser
from tests.sync.postgres import new_postgres_url
from tests.sync.world import World, customers

__all__ = ["new_postgres_url"]


@pytest.fixture
def on_postgres(
    home: Path, new_postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> tuple[World, str, str]:
    """A pair whose last name and city run-2 wrote to Shopify."""
    url = new_postgres_url()
    at = make_url(url)
    connection = {"conn_type": "postgres", "host": at.query.get("host") or at.host} | {
        "login": at.username, "schema": at.database,
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", json.dumps(connection))
    world = World(home, customers(), url=url)
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg", city="Oslo")
    world.run()
    return world, a, b


TEXTS = [
    b"\0", b"powerofficego:\0", b"shopify 1 \0", b"powerofficego:1=shopify:\0", b"\xed\xa0\x80", b"\xff\xfe", b"-1",
    b"9" * 400, b"x" * 5000, b"1e999", b"a:1=shopify:2=x:3", b"shopify:\xef\xbc\x91", b"shopify:" + b"9" * 200, b"%s%n",
    b"*", b"",
]  # fmt: skip
FILES = [*TEXTS, b"x" * 200_000, b"powerofficego,shopify,decision\n" + b"1" * 200_000 + b",,exclude\n",
         b"powerofficego,shopify,decision\npowerofficego:1\0,,exclude\n", b"\xef\xbb\xbf\n", b'"']  # fmt: skip
KNOWN = {"action": "retry", "ids": "1", "which": "shopify:1", "scope": "all"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def forms(app: Any) -> Iterator[tuple[str, list[str]]]:
    """Of each POST of the console: its path, and the names of its fields."""

    def names(one: Any) -> Iterator[str]:
        yield from (field.alias for field in one.body_params)
        for part in one.dependencies:
            yield from names(part)

    for route in app.routes:
        if isinstance(route, APIRoute) and "POST" in (route.methods or ()):
            yield route.path, list(names(route.dependant))
        elif inner := getattr(route, "routes", None):
            yield from forms(SimpleNamespace(routes=inner))


def test_a_form_that_no_page_of_ours_sends_is_no_failure_of_ours(
    on_postgres: tuple[World, str, str], user: Browser
) -> None:
    """A NUL in a filter, a search or a chosen record was HTTP 500."""
    from samklang.console.app import create_app

    failed, sent = [], 0
    for path, fields in forms(create_app()):
        if "file" in fields:
            continue
        for text in TEXTS:
            encoded = quote_from_bytes(text, safe="")
            for name in [*fields, "record"] if "{record}" in path else fields:
                where = path.replace("/{entity}", PATH).replace(
                    "{record}", encoded if name == "record" else "shopify:1"
                )
                known = KNOWN | ({"action": "take"} if "conflicts" in path else {})
                body = "&".join(f"{one}={encoded if one == name else known.get(one, '')}" for one in fields)
                headers = user.headers | OURS | FORM
                answer = user.client.post(where.replace("{run_id}", "run-1"), content=body, headers=headers)
                sent += 1
                if answer.status_code >= 500:
                    failed.append((path, name, text[:30], answer.status_code))
    assert sent > 200
    assert failed == []


@pytest.mark.parametrize("path", ["/matches/file", "/matches/file/carry-out"])
def test_a_file_that_is_no_match_file_is_no_failure_of_ours(
    on_postgres: tuple[World, str, str], user: Browser, path: str
) -> None:
    """HTTP 503 said that the server was down; a line without an end and a NUL were 500."""
    for content in FILES:
        form = {"seen": hashlib.sha256(content).hexdigest()}
        answer = user.client.post(PATH + path, files={"file": content}, data=form, headers=user.headers | OURS)
        assert answer.status_code == 422, content[:60]


def test_a_place_in_a_list_that_no_page_gave_is_no_failure_of_ours(
    on_postgres: tuple[World, str, str], viewer: Browser
) -> None:
    """Numbers that fit a token and no column, and texts that are no id."""
    from samklang.store.lists.pages import to_cursor

    kinds: tuple[Any, ...] = (2**63 - 1, 0, "9" * 400)
    tokens = [to_cursor(place) for one in kinds for place in ([one], [one, one], [one, 1], ["x", one], [one, one, one])]
    pages = ["runs", "plans", "conflicts", "conflicts?show=decided", "matches", "quarantine", "quarantine?show=held"]
    pages += [f"matches?show={name}" for name in ("ambiguous", "only_shopify", "kept_apart", "excluded", "plan_links")]
    pages += [f"plans/1?part={name}" for name in ("rows", "links", "conflicts", "held", "ambiguous", "excluded")]
    failed = []
    for page in pages:
        for token in tokens:
            answer = viewer.get(f"/{page}{'&' if '?' in page else '?'}after={token}")
            if answer.status_code >= 500:
                failed.append((page, token, answer.status_code))
    assert failed == []
