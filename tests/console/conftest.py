"""The console as Airflow mounts it, with Airflow's own users, over the store of two systems in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from tests.sync.world import MAPPINGS, World, customers

PATH = "/samklang/customers"
OURS = {"X-Samklang-Console": "1", "HX-Request": "true", "Sec-Fetch-Site": "same-origin"}
"""What our own pages send with an action."""

KARI: dict[str, str | None] = {
    "email": "kari@post.example", "first": "Kari", "last": "Lie", "line1": "Storgata 1", "city": "Moss", "zip": "1530",
    "country": "NO",
}  # fmt: skip


@dataclass
class Browser:
    """Somebody at the console. :param role: in Airflow's simple auth manager; None: not signed in at all."""

    client: TestClient
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, prefix: str = PATH, **headers: str) -> Response:
        return self.client.get(f"{prefix}{path}", headers=self.headers | headers, follow_redirects=False)

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str | None) -> Response:
        """:param headers: `None` leaves one of ours out; underscores are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {n: v for n, v in (OURS | named).items() if v is not None}
        return self.client.post(f"{PATH}{path}", data=data, headers=self.headers | sent, follow_redirects=False)

    def page(self, path: str) -> str:
        """:raises AssertionError: it is not shown."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="session")
def auth_manager(airflow_imported: None) -> Any:
    """Airflow's database with its DAGs' tables, and its simple auth manager."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.utils.db import initdb

    initdb()
    return create_auth_manager()


@pytest.fixture(autouse=True)
def home(airflow_imported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, staged files and mappings of the test's own."""
    from samklang.console import place

    for name in list(os.environ):
        if name.startswith(("AIRFLOW_CONN_", "SAMKLANG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(MAPPINGS))
    monkeypatch.setenv("SAMKLANG_STAGING", str(tmp_path / "staging"))
    store = {"conn_type": "sqlite", "host": str(tmp_path / "store.db")}
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", json.dumps(store))
    place._database.cache_clear()
    return tmp_path


@pytest.fixture
def world(home: Path) -> World:
    return World(home, customers())


@pytest.fixture
def edited(world: World) -> tuple[World, str, str]:
    """A pair of which run-2 wrote the last name and the city to Shopify."""
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg", city="Oslo")
    world.run()
    return world, a, b


@pytest.fixture
def airflow_at(auth_manager: Any) -> Callable[[str], FastAPI]:
    """An Airflow with the console, served at a path."""

    def made(root_path: str = "") -> FastAPI:
        from samklang.console.address import MOUNT
        from samklang.console.mount import Console

        app = FastAPI(root_path=root_path)
        app.mount(MOUNT, Console())
        return app

    return made


@pytest.fixture
def sign_in(auth_manager: Any, airflow_at: Callable[..., FastAPI]) -> Iterator[Callable[..., Browser]]:
    """Gives a browser in which somebody with a role is signed in: `sign_in("viewer")`."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    client = TestClient(airflow_at(), base_url="http://airflow.example")

    def signed_in(role: str | None, *, name: str = "kim", cookie: bool = False) -> Browser:
        token = auth_manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role))
        return Browser(client, {"Cookie": f"_token={token}"} if cookie else {"Authorization": f"Bearer {token}"})

    with client:
        yield signed_in


@pytest.fixture
def nobody(airflow_at: Callable[..., FastAPI]) -> Browser:
    return Browser(TestClient(airflow_at(), base_url="http://airflow.example"))


@pytest.fixture
def viewer(sign_in: Callable[..., Browser]) -> Browser:
    return sign_in("viewer")


@pytest.fixture
def user(sign_in: Callable[..., Browser]) -> Browser:
    """Kim, who may edit the DAGs."""
    return sign_in("user")
