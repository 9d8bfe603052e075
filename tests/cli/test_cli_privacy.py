"""`samklang export` and `samklang forget`."""

from __future__ import annotations

import json
import os
import pwd
import stat
from pathlib import Path

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World
from typer.testing import CliRunner

from samklang.cli.app import app
from samklang.staging import Staging

KARI = {"email": "canary@post.example", "first": "Canary", "last": "Lie"}


@pytest.fixture
def pair(world: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """powerofficego:11 and shopify:21, linked by a run whose files are where the commands look for them."""
    sync = world.sync

    def here() -> object:
        made = sync()
        made.staging = Staging(home / "samklang-staging", world.database.store_id())
        return made

    monkeypatch.setattr(world, "sync", here)
    world.left.add(id="11", **KARI)
    world.right.add(id="21", **KARI)
    world.run()
    return world


def traces(home: Path) -> list[Path]:
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if b"canary" in path.read_bytes().lower()]


def test_export_prints_what_the_store_and_staged_files_hold(pair: World, samklang: Command) -> None:
    result = samklang("export", "customers", "canary@post.example")

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert sorted(found["records"]) == ["powerofficego:11", "shopify:21"]
    assert [row["values"]["FirstName"] for row in found["last_seen"]] == ["Canary", "Canary"]
    assert found["exported_at"].startswith("20")
    assert any("/customers/run-1-" in one["file"] for one in found["staged_files"])


def test_export_writes_a_file_for_its_owner_alone(pair: World, samklang: Command, tmp_path: Path) -> None:
    path = tmp_path / "kari.json"
    path.write_text("older")
    path.chmod(0o644)

    result = samklang("export", "customers", "21", "--output", str(path))

    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes())["records"] == ["shopify:21", "powerofficego:11"]


def test_export_says_what_to_do_about_a_file_that_cannot_be_written(pair: World, samklang: Command) -> None:
    result = samklang("export", "customers", "21", "--output", "/nowhere/kari.json")

    assert result.exit_code == 1
    assert "/nowhere/kari.json cannot be written" in result.stderr


def test_export_of_nobody_says_so(samklang: Command) -> None:
    result = samklang("export", "customers", "nobody@post.example")

    assert result.exit_code == 1
    assert "No record of customers" in result.stderr


def test_forget_asks_erases_and_says_what_is_left_to_do(pair: World, home: Path) -> None:
    assert traces(home)

    result = CliRunner().invoke(app, ["forget", "customers", "canary@post.example"], input="y\n")

    assert result.exit_code == 0, result.output
    assert "powerofficego:11, shopify:21: " in result.stderr
    assert "Forgotten: powerofficego:11, shopify:21." in result.stdout
    assert "Neither system was written: erase what stands in PowerOffice Go and Shopify there." in result.stdout
    assert traces(home) == []
    assert (len(pair.left.records), len(pair.right.records), pair.writes()) == (1, 1, 0)


def test_forget_does_nothing_without_a_yes(pair: World, home: Path) -> None:
    result = CliRunner().invoke(app, ["forget", "customers", "11"], input="n\n")

    assert result.exit_code == 1
    assert traces(home)
    assert pair.status()["linked"] == 1


def test_who_was_forgotten_is_not_found_and_can_be_let_in_again(pair: World, samklang: Command, answer: Answer) -> None:
    done = answer("forget", "customers", "11", "--yes")
    assert (done["forgotten"], done["rows"]["seen"]) == (["powerofficego:11", "shopify:21"], 2)
    pair.run(mode="full")
    assert pair.status()["linked"] == 0
    assert samklang("explain", "customers", "canary@post.example").exit_code == 1
    again = samklang("forget", "customers", "canary@post.example", "--yes")
    assert "forgotten already" in again.stderr
    assert "--lift" in again.stderr

    result = samklang("forget", "customers", "--lift", "shopify:21")

    assert "The next whole read takes the person in again" in result.stdout
    pair.run(mode="full")
    assert pair.status()["linked"] == 1


def test_forget_names_others_who_share_the_key(pair: World, samklang: Command) -> None:
    pair.left.add(id="12", **KARI | {"first": "Ola"})
    pair.run()

    result = samklang("forget", "customers", "powerofficego:11", "--yes")

    assert "Not touched, though with the same e-mail or code: powerofficego:12." in result.stdout


@pytest.mark.parametrize("words", [[], ["11", "--lift", "11"]])
def test_forget_takes_a_record_or_one_to_lift(samklang: Command, words: list[str]) -> None:
    assert samklang("forget", "customers", *words).exit_code == 2


def test_who_exported_a_person_is_kept(
    pair: World, samklang: Command, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    samklang("export", "customers", "21")
    samklang("matches", "customers", "--csv", str(tmp_path / "m.csv"))
    samklang("undo", "customers", "--run", "run-1", "--preview", "--csv", str(tmp_path / "made.csv"))

    done = answer("actions", "customers")["actions"]

    me = pwd.getpwuid(os.getuid()).pw_name
    assert [(one["what"], one["person"], one["via"]) for one in done] == [("export", me, "cli")] * 3
    assert [one["detail"] for one in done[:2]] == [
        {"file": "made.csv", "run": "run-1"},
        {"file": "matches.csv", "list": "all"},
    ]
    assert set(done[2]["records"]) == {"powerofficego:11", "shopify:21"}
    assert samklang("forget", "customers", "21", "-y").exit_code == 0
    assert "powerofficego:11" not in str(answer("actions", "customers")["actions"])
