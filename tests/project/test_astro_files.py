"""The files that the Astro CLI reads. No Astro CLI is needed: its own rules are written out here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

# Keys of a deployment file: the structs of cloud/deployment/inspect/inspect.go in astronomer/astro-cli (1.45).
DEPLOYMENT = {
    "environment_variables",
    "configuration",
    "worker_queues",
    "metadata",
    "alert_emails",
    "hibernation_schedules",
}
CONFIGURATION = {
    "name",
    "description",
    "runtime_version",
    "dag_deploy_enabled",
    "ci_cd_enforcement",
    "scheduler_size",
    "is_high_availability",
    "is_development_mode",
    "executor",
    "scheduler_au",
    "scheduler_count",
    "cluster_name",
    "workspace_name",
    "deployment_type",
    "cloud_provider",
    "region",
    "default_task_pod_cpu",
    "default_task_pod_memory",
    "resource_quota_cpu",
    "resource_quota_memory",
    "default_worker_type",
    "workload_identity",
    "remote_execution",
}
WORKER_QUEUE = {
    "name",
    "max_worker_count",
    "min_worker_count",
    "worker_concurrency",
    "worker_type",
    "pod_cpu",
    "pod_ram",
    "pod_ephemeral_storage",
}
ENVIRONMENT_VARIABLE = {"is_secret", "key", "updated_at", "value"}
EXECUTORS = {"CELERY", "KUBERNETES", "ASTRO", "CeleryExecutor", "KubernetesExecutor", "AstroExecutor"}

# Keys of airflow_settings.yaml: settings/types.go in the same repository.
CONNECTION = {
    "conn_id",
    "conn_type",
    "conn_host",
    "conn_schema",
    "conn_login",
    "conn_password",
    "conn_port",
    "conn_uri",
    "conn_extra",
}

CONNECTION_IDS = {"powerofficego_default", "shopify_default", "samklang_store"}


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "astro.yaml").read_text())["deployment"]


def dotenv() -> dict[str, str]:
    """The values of .env.example, those commented out included, read the way the Astro CLI reads .env."""
    found = {}
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, equals, value = line.removeprefix("# ").partition("=")
        if equals and name.isidentifier() and name.isupper():
            found[name] = value[1:-1] if value[:1] == value[-1:] == "'" else value
    return found


def runtime() -> str:
    first = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM "))
    return first.partition("@")[0].rpartition(":")[2]


def test_the_deployment_file_has_only_keys_that_astro_knows(deployment: dict[str, Any]) -> None:
    assert set(deployment) <= DEPLOYMENT
    assert set(deployment["configuration"]) <= CONFIGURATION
    for queue in deployment["worker_queues"]:
        assert set(queue) <= WORKER_QUEUE
    for variable in deployment["environment_variables"]:
        assert set(variable) <= ENVIRONMENT_VARIABLE


def test_the_deployment_file_has_what_astro_requires(deployment: dict[str, Any]) -> None:
    assert deployment["configuration"]["name"]
    assert deployment["configuration"]["executor"] in EXECUTORS
    assert "default" in {queue["name"] for queue in deployment["worker_queues"]}
    assert all(queue["worker_type"] for queue in deployment["worker_queues"])
    # `create` refuses a variable without a value, be it a secret
    assert all(isinstance(variable["value"], str) for variable in deployment["environment_variables"])


def test_the_deployment_file_names_each_connection_as_a_secret_and_holds_none(deployment: dict[str, Any]) -> None:
    variables = {variable["key"]: variable for variable in deployment["environment_variables"]}
    connections = {key for key in variables if key.startswith("AIRFLOW_CONN_")}
    assert connections == {f"AIRFLOW_CONN_{name.upper()}" for name in CONNECTION_IDS}
    assert all(variables[key]["is_secret"] and variables[key]["value"] == "" for key in connections)
    assert {"SAMKLANG_STAGING", "SAMKLANG_MAPPINGS"} <= set(variables)
    assert not variables["SAMKLANG_STAGING"]["value"].startswith(("/", "file:"))


def test_the_deployment_and_the_image_are_of_one_runtime(deployment: dict[str, Any]) -> None:
    assert deployment["configuration"]["runtime_version"] == runtime() == "3.3-2"


def test_the_image_has_the_package_on_its_path() -> None:
    assert "ENV PYTHONPATH=/usr/local/airflow/include:" in (ROOT / "Dockerfile").read_text()


def test_the_subscription_key_is_hidden_in_airflows_api() -> None:
    setting = "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES"
    assert f"ENV {setting}=subscription_key" in (ROOT / "Dockerfile").read_text()
    assert dotenv()[setting] == "subscription_key"


def test_the_settings_example_has_the_form_that_astro_imports() -> None:
    settings = yaml.safe_load((ROOT / "airflow_settings.example.yaml").read_text())
    assert set(settings) == {"airflow"}
    assert set(settings["airflow"]) == {"connections", "pools", "variables"}
    connections = settings["airflow"]["connections"]
    assert {connection["conn_id"] for connection in connections} == CONNECTION_IDS
    for connection in connections:
        assert set(connection) <= CONNECTION
        assert connection["conn_type"]


def test_the_connections_of_the_environment_example_open_in_airflow() -> None:
    from airflow.sdk import Connection

    for conn_id in CONNECTION_IDS:
        value = dotenv()[f"AIRFLOW_CONN_{conn_id.upper()}"]
        assert isinstance(json.loads(value), dict)
        connection = Connection.from_json(value, conn_id=conn_id)
        assert connection.conn_type in {"http", "postgres"}
        assert connection.host
        assert connection.password


def test_the_environment_example_and_the_settings_example_say_the_same() -> None:
    settings = yaml.safe_load((ROOT / "airflow_settings.example.yaml").read_text())
    for connection in settings["airflow"]["connections"]:
        other = json.loads(dotenv()[f"AIRFLOW_CONN_{connection['conn_id'].upper()}"])
        assert other == {
            name.removeprefix("conn_"): value
            for name, value in connection.items()
            if name not in ("conn_id", "conn_type")
        } | {"conn_type": connection["conn_type"]}


def test_no_system_package_is_asked_for() -> None:
    # The runtime hands every word of this file to apt: a comment would be taken for packages.
    assert (ROOT / "packages.txt").read_text() == ""


def test_dags_and_plugins_find_the_package_where_only_the_projects_root_is_on_the_path(tmp_path: Path) -> None:
    """Astro's mode without Docker: nothing of ours is installed and PYTHONPATH is the project's root."""
    files = sorted(str(file) for folder in ("dags", "plugins") for file in (ROOT / folder).glob("*.py"))
    assert files
    program = (
        "import runpy, sys\n"
        f"sys.path = [entry for entry in sys.path if entry != {str(ROOT / 'include')!r}]\n"
        "for file in sys.argv[1:]:\n"
        "    runpy.run_path(file)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *files],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
