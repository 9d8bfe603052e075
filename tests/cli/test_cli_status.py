"""`samklang status`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import Answer, Command
from tests.sync.world import World, customers

from samklang.store.database import Database

COUNTS = [
    "linked", "in_sync", "held", "ambiguous", "quarantined", "excluded", "conflicts", "pending_intents", "gone",
    "erased",
]  # fmt: skip


def test_a_fresh_machine_has_nothing_and_gets_no_store_from_looking(answer: Answer, home: Path) -> None:
    counts = answer("status")

    assert list(counts) == ["customers", "products"]
    assert all(list(one) == [*COUNTS, "last_run"] for one in counts.values())
    assert set(counts["customers"].values()) == {0, None}
    assert not home.exists()


def test_counts_follow_what_the_runs_did(answer: Answer, world: World) -> None:
    world.left.add(email="a@b.example", first="A", last="B")
    world.left.add(email="double@b.example", first="A", last="B")
    world.left.add(email="double@b.example", first="C", last="D")
    world.run()

    counts = answer("status")["customers"]

    assert (counts["linked"], counts["in_sync"], counts["ambiguous"]) == (1, 1, 2)
    assert counts["last_run"]["run_id"] == "run-1"
    assert counts["last_run"]["state"] == "success"


def test_whoever_looks_into_a_store_that_no_run_has_used_is_told_which_one_it_is(
    samklang: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["status"], ["runs", "customers"], ["holds", "customers"], ["matches", "customers"]):
        told = samklang(*words).stderr.splitlines()
        assert len(told) == 1
        assert f"sqlite, {home / 'samklang.db'} (the default: there is no connection samklang_store)" in told[0]
        assert "AIRFLOW_CONN_SAMKLANG_STORE or AIRFLOW_HOME" in told[0]
    Database(f"sqlite:///{tmp_path / 'other.db'}").close()
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", f"sqlite:///{tmp_path / 'other.db'}")

    told = samklang("status", "--json").stderr.splitlines()

    assert len(told) == 1
    assert f"No run has used this link store yet: sqlite, {tmp_path / 'other.db'}. " in told[0]


def test_a_store_that_a_run_has_used_is_looked_into_without_a_word(samklang: Command, world: World) -> None:
    world.run()

    assert samklang("status").stderr == ""


def test_the_tables_say_the_same_as_the_json(samklang: Command, world: World) -> None:
    world.left.add(email="a@b.example", first="A", last="B")
    world.run()

    result = samklang("status")

    assert result.exit_code == 0
    assert ["linked", "1", "0"] in [line.split() for line in result.stdout.splitlines()]
    assert "run-1" in result.stdout


@pytest.mark.parametrize(
    "store", [lambda file: json.dumps({"conn_type": "sqlite", "host": file}), lambda file: f"sqlite:///{file}"]
)
def test_a_store_connection_in_the_environment_is_used(
    answer: Answer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store: Callable[[str], str],
) -> None:
    there = World(tmp_path, customers(), url=f"sqlite:///{tmp_path / 'Elsewhere.db'}")
    there.left.add(email="a@b.example", first="A", last="B")
    there.run()
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", store(str(tmp_path / "Elsewhere.db")))

    assert answer("status")["customers"]["linked"] == 1


def test_a_store_that_only_airflow_knows_of_is_found_too(home: Path, tmp_path: Path) -> None:
    there = World(tmp_path, customers(), url=f"sqlite:///{tmp_path / 'there.db'}")
    there.left.add(email="a@b.example", first="A", last="B")
    there.run()
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"samklang_store": {"conn_type": "sqlite", "host": str(tmp_path / "there.db")}}))
    backend = {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(secrets)}),
    }

    done = subprocess.run(
        [sys.executable, "-m", "samklang", "status", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **backend},
        check=True,
    )

    assert json.loads(done.stdout)["customers"]["linked"] == 1


def test_another_kind_of_database_is_refused_in_one_line(samklang: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", "mysql://me:s3cret@db.example/samklang")

    result = samklang("status")

    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "PostgreSQL or SQLite" in result.stderr
    assert "s3cret" not in result.stderr


def test_an_unreadable_connection_is_named_without_its_content(
    samklang: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", '{"conn_type": "postgres", "password": "s3cret"')

    result = samklang("status")

    assert result.exit_code == 1
    assert "AIRFLOW_CONN_SAMKLANG_STORE" in result.stderr
    assert "s3cret" not in result.stderr


def test_it_runs_as_a_module_without_loading_airflow(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "samklang", "status", "--json"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )

    assert json.loads(done.stdout)["customers"]["linked"] == 0
    assert not [line for line in done.stderr.splitlines() if line.rsplit("|")[-1].strip().startswith("airflow")]
