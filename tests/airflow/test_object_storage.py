"""Staged files in a bucket, on a real S3 server (moto's) behind an Airflow connection."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from tests.sync.world import World, customers

from samklang.errors import ConfigurationError
from samklang.sync.expire import KEEP, expire

pytestmark = pytest.mark.airflow

RUN = "manual__2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def server(airflow_imported: None) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys(server: str) -> dict[str, Any]:
    return {
        "conn_type": "aws",
        "login": "a-key-of-tests",
        "password": "a-secret-of-tests",
        "extra": {"endpoint_url": server, "region_name": "eu-north-1"},
    }


@pytest.fixture
def bucket(server: str, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A new one, with a connection of its own that leads to it."""
    import boto3

    name = f"bucket-{uuid4().hex[:12]}"
    where = boto3.resource(
        "s3",
        endpoint_url=server,
        region_name="eu-north-1",
        aws_access_key_id=keys["login"],
        aws_secret_access_key=keys["password"],
    )
    made = where.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("SAMKLANG_STAGING", f"s3://{conn_id(made)}@{name}/samklang")
    monkeypatch.setenv(variable_of(made), json.dumps(keys))
    return made


def conn_id(bucket: Any) -> str:
    return f"aws_{bucket.name[-12:]}"


def variable_of(bucket: Any) -> str:
    return f"AIRFLOW_CONN_{conn_id(bucket).upper()}"


def stored(bucket: Any) -> list[str]:
    return [entry.key for entry in bucket.objects.all()]


def open_it() -> Any:
    from samklang.cli.environment import open_staging

    return open_staging(os.environ, SimpleNamespace(store_id=lambda: "one"))  # type: ignore[arg-type]


def test_what_one_task_stages_in_a_bucket_the_next_one_reads(bucket: Any) -> None:
    staging = open_it()
    folder = staging.folder("customers", RUN, "plan-1")
    staging.write_table(folder, "part-1", [{"n": "1", "m": None}])
    staging.write_lines(folder, "rows", [{"a": 1}, {"a": 2}])
    assert list(open_it().read_tables(folder)) == [[{"n": "1", "m": None}]]
    assert list(open_it().read_lines(folder, "rows")) == [{"a": 1}, {"a": 2}]
    assert list(open_it().folders("customers")) == [folder]


def test_what_is_written_after_a_folder_was_looked_at_is_seen(bucket: Any) -> None:
    """Readers live on while others write: no listing may be remembered."""
    staging = open_it()
    folder = staging.folder("customers", RUN, "plan-1")
    staging.write_lines(folder, "rows", [{"a": 1}])
    assert list(staging.folders("customers")) == [folder]
    assert staging.files(folder) == ["rows.jsonl"]
    (first,) = stored(bucket)
    body = bucket.Object(first).get()["Body"].read()
    bucket.Object(first.replace("plan-1/rows", "plan-2/rows")).put(Body=body)
    bucket.Object(first.replace("rows", "more")).put(Body=body)
    assert len(list(staging.folders("customers"))) == 2
    assert staging.files(folder) == ["more.jsonl", "rows.jsonl"]


def test_a_file_is_written_anew_in_a_bucket(bucket: Any) -> None:
    staging = open_it()
    folder = staging.folder("customers", RUN, "plan-1")
    staging.write_lines(folder, "rows", [{"a": 1}, {"a": 2}])
    with staging.open_file(folder, "rows.jsonl") as file:
        *kept, _ = file.read().splitlines(keepends=True)
    staging.replace_file(folder, "rows.jsonl", kept)
    staging.drop_unfinished(folder)
    assert list(staging.read_lines(folder, "rows")) == [{"a": 1}]
    assert len(stored(bucket)) == 1


def test_old_runs_are_removed_from_a_bucket_and_every_run_after_that_ends_well(bucket: Any, tmp_path: Path) -> None:
    world = World(tmp_path, customers())
    world.run()
    world.moment += KEEP + timedelta(days=1)
    world.run()
    sync = replace(world.sync(), staging=open_it())
    for run in ("run-1", "run-2"):
        for step in ("read-1", "plan-1"):
            sync.staging.write_lines(sync.staging.folder("customers", run, step), "rows", [{"a": 1}])
    assert expire(sync) == 1
    assert [key for key in stored(bucket) if "run-1" in key] == []
    assert len([key for key in stored(bucket) if "run-2" in key]) == 2
    assert expire(sync) == 0


def test_doctor_finds_that_a_bucket_can_be_written_and_leaves_nothing_there(bucket: Any) -> None:
    from samklang.cli import doctor

    check = doctor._staging(os.environ)
    assert check.ok, check
    assert stored(bucket) == []


def test_the_command_line_finds_a_connection_that_only_airflow_has(
    bucket: Any, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import Connection

    from samklang.cli import doctor, environment

    monkeypatch.delenv(variable_of(bucket))
    monkeypatch.setattr(environment, "airflow_may_know", lambda _: True)
    known = Connection.from_json(json.dumps(keys), conn_id=conn_id(bucket))
    monkeypatch.setattr(environment, "_from_airflow", {conn_id(bucket): known}.get)
    try:
        assert doctor._staging(os.environ).ok
        staging = open_it()
        staging.write_lines(staging.folder("customers", RUN, "plan-1"), "rows", [])
        assert len(stored(bucket)) == 1
    finally:
        os.environ.pop(variable_of(bucket), None)


def test_a_connection_that_is_nowhere_is_named(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.cli import doctor, environment

    monkeypatch.delenv(variable_of(bucket))
    monkeypatch.setattr(environment, "_from_airflow", lambda _: None)
    with pytest.raises(ConfigurationError, match=conn_id(bucket)):
        open_it()
    assert conn_id(bucket) in doctor._staging(os.environ).detail
