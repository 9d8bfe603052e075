"""What is served without a login answers to names that nobody can register: no page elsewhere reads it as its own."""

from __future__ import annotations

import importlib.util
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient

from samklang.demo.airflow_server import AIRFLOW_FOR_A_SHELL, sign_in_as
from samklang.local_names import is_anybodys
from samklang.simulators.http import served
from samklang.simulators.powerofficego import PowerOfficeGoSimulator

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "localhost", "localhost:8080", "[::1]:8080", "samklang.localhost:6563", "192.168.1.7",
     "api-server:8080", "airflow.example:443", "AIRFLOW.example.", ""],
)  # fmt: skip
def test_names_that_are_ours(host: str) -> None:
    assert not is_anybodys(host, {"airflow.example"})


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example.", "[::1",
     "user@evil.example", "airflow.example.evil.example", "evil.example@127.0.0.1", "localhost:80.evil.example",
     "127.0.0.1/evil.example", "evil\u3002example", "localhost\\.evil.example", "localhost evil.example"],
)  # fmt: skip
def test_names_that_anybody_may_register(host: str) -> None:
    assert is_anybodys(host, {"airflow.example"})


def test_a_page_elsewhere_that_leads_its_name_here_reads_no_simulator() -> None:
    with served(PowerOfficeGoSimulator()) as url:
        path = f"{url}/_control/state"
        assert requests.get(path, headers={"Host": "evil.example"}, timeout=10).status_code == 421
        assert requests.get(path, timeout=10).status_code != 421


def served_by_airflow(monkeypatch: pytest.MonkeyPatch, *, all_admins: bool) -> TestClient:
    """As Airflow puts a plugin's middlewares around all that it serves."""
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", str(all_admins))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.example:8080")
    spec = importlib.util.spec_from_file_location("console_plugin", ROOT / "plugins" / "samklang_console.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = FastAPI()
    app.get("/api")(lambda: "all of it")
    for one in module.SamklangConsolePlugin.fastapi_root_middlewares:
        app.add_middleware(one["middleware"], **one["kwargs"])
    return TestClient(app)


@pytest.mark.usefixtures("airflow_imported")
def test_an_airflow_that_lets_everybody_in_answers_to_its_own_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    client = served_by_airflow(monkeypatch, all_admins=True)
    assert client.get("/api", headers={"Host": "evil.example"}).status_code == 421
    for host in ("127.0.0.1:8080", "airflow.example:8080", "api-server:8080"):
        assert client.get("/api", headers={"Host": host}).status_code == 200


@pytest.mark.usefixtures("airflow_imported")
def test_an_airflow_with_a_login_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    client = served_by_airflow(monkeypatch, all_admins=False)
    assert client.get("/api", headers={"Host": "behind.a-proxy.example"}).status_code == 200


def test_an_airflow_for_real_keys_has_a_password_in_a_file_of_its_owner(tmp_path: Path) -> None:
    first = sign_in_as("admin", "one", tmp_path / "airflow")
    variables = sign_in_as("admin", "two", tmp_path / "airflow")
    path = Path(variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert json.loads(path.read_text()) == {"admin": "two"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first == variables


@pytest.mark.parametrize("demo", [True, False])
def test_only_the_demo_goes_without_a_password(
    demo: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With real keys, whoever was on the machine, or led a name to it, was an admin."""
    from contextlib import nullcontext
    from types import SimpleNamespace

    from rich.console import Console

    from samklang.demo import __main__ as up

    started: list[dict[str, str]] = []

    def airflow(_home: Path, _database: str, variables: dict[str, str], *, port: int) -> Any:
        started.append(variables)
        shell = dict.fromkeys(AIRFLOW_FOR_A_SHELL, "")
        return nullcontext(SimpleNamespace(url=f"http://127.0.0.1:{port}", environment=shell))

    server = SimpleNamespace(url="http://127.0.0.1:9", connections=dict)
    monkeypatch.setattr(up, "_UP", tmp_path / "up")
    monkeypatch.setattr(up, "FOLDER", tmp_path / "demo")
    monkeypatch.setattr(up, "PostgreSQL", lambda _folder: nullcontext(SimpleNamespace(url=lambda _name: "")))
    monkeypatch.setattr(
        up,
        "Simulators",
        lambda *_a, **_k: nullcontext(SimpleNamespace(powerofficego=server, shopify=server, connections=dict)),
    )
    monkeypatch.setattr(up, "store_connection", lambda _postgres: {})
    monkeypatch.setattr(up, "AirflowServer", airflow)
    monkeypatch.setattr(up.signal, "pause", lambda: None)

    assert up._up(Console(), demo=demo, port=8080, records=1) == 0

    told = capsys.readouterr().out
    assert ("no password" in told) == demo
    if not demo:
        path = Path(started[0]["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
        password = json.loads(path.read_text())["admin"]
        assert len(password) == 16
        assert told.count(password) == 1
        assert password not in str(started)
