"""A shell beside `make up` looks at the same store, once it has sourced the file that `make up` names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from samklang.demo.__main__ import for_a_shell
from samklang.demo.airflow_server import AIRFLOW_FOR_A_SHELL
from samklang.demo.place import write_environment


def status(environment: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "SAMKLANG_"))}
    command = f"source '{environment}' && '{sys.executable}' -m samklang status --json"
    return subprocess.run(
        ["bash", "-c", command], env={**known, **variables}, capture_output=True, text=True, check=True
    )


def test_a_shell_that_sources_the_file_looks_at_the_store_of_make_up(tmp_path: Path) -> None:
    store = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "it's here.db")})

    environment = write_environment(tmp_path, {"AIRFLOW_CONN_SAMKLANG_STORE": store})

    assert f"No run has used this link store yet: sqlite, {tmp_path / 'it'}'s here.db." in status(environment).stderr
    assert environment.stat().st_mode & 0o777 == 0o600


def test_up_gives_a_shell_its_store_its_simulators_and_none_of_its_passwords() -> None:
    ours = {"AIRFLOW_CONN_SAMKLANG_STORE": "{}", "SAMKLANG_MAPPINGS": "m", "AIRFLOW__API__SECRET_KEY": "s3cret"}
    airflow = {**dict.fromkeys(AIRFLOW_FOR_A_SHELL, "x"), **ours, "AIRFLOW_CONN_SHOPIFY_DEFAULT": "mine", "PATH": "p"}

    needed, yours = for_a_shell(airflow, {"AIRFLOW_CONN_SHOPIFY_DEFAULT": "mine"}, {"SHOPIFY": "http://127.0.0.1:1"})

    expected = {"AIRFLOW_CONN_SAMKLANG_STORE", "SAMKLANG_MAPPINGS", "SHOPIFY", *AIRFLOW_FOR_A_SHELL}
    assert (set(needed), yours) == (expected, ["AIRFLOW_CONN_SHOPIFY_DEFAULT"])


def test_keys_that_you_set_are_not_written_down_and_their_lack_is_said(tmp_path: Path) -> None:
    environment = write_environment(tmp_path, {"AIRFLOW_HOME": str(tmp_path)}, ["AIRFLOW_CONN_SAMKLANG_STORE"])

    lacking, set_here = (status(environment, **here) for here in ({}, {"AIRFLOW_CONN_SAMKLANG_STORE": "sqlite:////x"}))

    assert lacking.stderr.startswith("AIRFLOW_CONN_SAMKLANG_STORE is set where make up runs, and not here")
    assert "is set where make up runs" not in set_here.stderr
