"""A home of Airflow without anything in it, and the commands run against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Answer, Command, Systems
from tests.sync.world import MAPPINGS, World, customers
from typer.testing import CliRunner

from samklang.cli.app import app
from samklang.simulators.http import served
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from samklang.simulators.shopify.access import STATIC_TOKEN


@pytest.fixture(autouse=True)
def home(airflow_imported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`AIRFLOW_HOME`, with nothing set besides."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW_", "SAMKLANG_", "ASTRONOMER_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("AIRFLOW_HOME", str(home))
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(MAPPINGS))
    return home


@pytest.fixture
def samklang() -> Command:
    """Run a command: `samklang("status")`."""
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def answer(samklang: Command) -> Answer:
    """What a command prints with `--json`; it must succeed."""

    def run(*words: str) -> Any:
        result = samklang(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def world(home: Path, tmp_path: Path) -> World:
    """Two systems with the embedded store of this home between them."""
    home.mkdir()
    return World(tmp_path, customers(), url=f"sqlite:///{home / 'samklang.db'}")


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch) -> Iterator[Systems]:
    """Simulators of both systems, empty, with the connections that lead to them."""
    go = PowerOfficeGoSimulator(switches={"requests_per_second": 0})
    shop = ShopifySimulator()
    with served(go) as go_url, served(shop) as shop_url:
        connections: dict[str, dict[str, Any]] = {
            "powerofficego": {
                "conn_type": "powerofficego",
                "host": f"{go_url}/v2",
                "login": "app",
                "password": "client",
                "extra": {
                    "subscription_key": "sub", "token_url": f"{go_url}/OAuth/Token", "requests_per_second": 1000,
                },
            },
            "shopify": {"conn_type": "shopify", "host": shop_url, "password": STATIC_TOKEN},
        }  # fmt: skip
        found = Systems(go, shop, connections, monkeypatch)
        found.connect()
        yield found
