"""`samklang doctor`: each thing that a first run needs, and each of them missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Answer, Command, Systems
from tests.sync.world import MAPPINGS

from samklang.settings import default_store_url
from samklang.store import journal
from samklang.store.database import Database

Diagnose = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def failures(samklang: Command) -> Diagnose:
    """What is missing, by name; something must be."""

    def run() -> dict[str, dict[str, Any]]:
        result = samklang("doctor", "--json")
        assert result.exit_code == 1, result.output
        found = json.loads(result.stdout)
        assert found["ok"] is False
        missing = {check["name"]: check for check in found["checks"] if not check["ok"]}
        assert all(check["remedy"] for check in missing.values())
        return missing

    return run


def test_everything_is_here(systems: Systems, answer: Answer, samklang: Command) -> None:
    found = answer("doctor")

    assert found["ok"] is True
    assert {
        "Airflow", "mapping customers", "mapping products", "connection powerofficego_default", "PowerOffice Go: keys",
        "PowerOffice Go: privilege Customer_Full", "PowerOffice Go: privilege Product_Full",
        "connection shopify_default", "Shopify: token", "Shopify: scope write_customers",
        "Shopify: scope write_products", "store", "staging", "executor",
    } <= {check["name"] for check in found["checks"]}  # fmt: skip
    assert "Everything that a first run needs is here." in samklang("doctor").stdout


def test_looking_leaves_nothing_behind(systems: Systems, answer: Answer, home: Path) -> None:
    answer("doctor")

    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert [*systems.go.writes(), *systems.shop.writes()] == []


def test_on_a_bare_machine_it_names_both_connections_in_a_table(samklang: Command) -> None:
    result = samklang("doctor")

    assert result.exit_code == 1
    assert "no connection powerofficego_default" in result.stdout
    assert "AIRFLOW_CONN_SHOPIFY_DEFAULT" in result.stdout


@pytest.mark.parametrize("version", ["2.11.0", "3.2.1", None])
def test_another_airflow(
    systems: Systems, failures: Diagnose, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    def installed(name: str) -> str:
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr("samklang.cli.doctor.metadata.version", installed)

    assert set(failures()) == {"Airflow"}


def test_no_folder_of_mapping_files(systems: Systems, failures: Diagnose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMKLANG_MAPPINGS", "/nowhere/at/all")

    assert "SAMKLANG_MAPPINGS" in failures()["mapping files"]["remedy"]


def test_a_mapping_file_that_is_wrong(
    systems: Systems, failures: Diagnose, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (MAPPINGS / "customers.yaml").read_text()
    line = text.splitlines().index("policy: latest") + 1
    (tmp_path / "customers.yaml").write_text(text.replace("policy: latest", "policy: newest"))
    (tmp_path / "products.yaml").write_text((MAPPINGS / "products.yaml").read_text())
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(tmp_path))

    missing = failures()

    assert set(missing) == {"mapping customers"}
    assert f"customers.yaml, line {line}:" in missing["mapping customers"]["detail"]


def test_a_field_that_a_system_does_not_have(
    systems: Systems, failures: Diagnose, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (MAPPINGS / "customers.yaml").read_text().replace("powerofficego: PhoneNumber,", "powerofficego: Telephone,")
    (tmp_path / "customers.yaml").write_text(text)
    (tmp_path / "products.yaml").write_text((MAPPINGS / "products.yaml").read_text())
    monkeypatch.setenv("SAMKLANG_MAPPINGS", str(tmp_path))

    missing = failures()

    assert "Telephone" in missing["powerofficego customers"]["detail"]


@pytest.mark.parametrize("side", ["powerofficego", "shopify"])
def test_no_connection(systems: Systems, failures: Diagnose, side: str) -> None:
    systems.monkeypatch.delenv(f"AIRFLOW_CONN_{side.upper()}_DEFAULT")

    assert set(failures()) == {f"connection {side}_default"}


def test_a_connection_that_cannot_be_read(systems: Systems, failures: Diagnose) -> None:
    systems.monkeypatch.setenv("AIRFLOW_CONN_SHOPIFY_DEFAULT", '{"password": "shpat_x"')

    assert "AIRFLOW_CONN_SHOPIFY_DEFAULT" in failures()["connection shopify_default"]["detail"]


def test_a_connection_without_a_key(systems: Systems, failures: Diagnose) -> None:
    del systems.connections["powerofficego"]["extra"]["subscription_key"]
    systems.connect()

    assert "subscription_key" in failures()["powerofficego customers"]["detail"]


@pytest.mark.parametrize(("side", "check"), [("powerofficego", "PowerOffice Go: keys"), ("shopify", "Shopify: token")])
def test_keys_that_the_system_refuses(systems: Systems, failures: Diagnose, side: str, check: str) -> None:
    systems.connections[side]["password"] = "shpat_not_ours"
    systems.connect()

    assert set(failures()) == {check}


def test_a_missing_privilege(systems: Systems, failures: Diagnose) -> None:
    systems.go.switches({"privileges": ["Customer_Full", "Product"]})

    assert set(failures()) == {"PowerOffice Go: privilege Product_Full"}


def test_a_missing_scope(systems: Systems, failures: Diagnose) -> None:
    systems.shop.switches({"scopes": ["read_customers", "write_products"]})

    assert set(failures()) == {"Shopify: scope write_customers"}


def test_another_kind_of_database(systems: Systems, failures: Diagnose) -> None:
    systems.monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", "mysql://me:secret@db.example/samklang")

    assert "PostgreSQL or SQLite" in failures()["store"]["detail"]


def test_a_database_that_does_not_answer(systems: Systems, failures: Diagnose) -> None:
    systems.monkeypatch.setenv("AIRFLOW_CONN_SAMKLANG_STORE", "postgres://me:hidden@127.0.0.1:1/samklang")

    missing = failures()["store"]

    assert "cannot be opened" in missing["detail"]
    assert "hidden" not in json.dumps(missing)


def test_a_store_that_nobody_can_make(systems: Systems, failures: Diagnose, home: Path) -> None:
    home.write_text("a file where a folder should be")

    assert str(home) in failures()["store"]["remedy"]


def test_a_store_of_another_shop(systems: Systems, failures: Diagnose, home: Path) -> None:
    database = Database(default_store_url({"AIRFLOW_HOME": str(home)}))
    with database.begin() as connection:
        journal.bind(connection, "shopify", "1", "the other shop")
    database.close()

    missing = failures()

    assert set(missing) == {"store of shopify"}
    assert "belongs to shopify 1" in missing["store of shopify"]["detail"]


def test_a_store_of_a_newer_version(systems: Systems, failures: Diagnose, home: Path) -> None:
    url = default_store_url({"AIRFLOW_HOME": str(home)})
    database = Database(url)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '999' WHERE name = 'schema_version'")
    database.close()

    assert "999" in failures()["store"]["detail"]


def test_staging_where_nothing_can_be_written(systems: Systems, failures: Diagnose, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    systems.monkeypatch.setenv("SAMKLANG_STAGING", str(tmp_path / "file"))

    missing = failures()

    assert set(missing) == {"staging"}
    assert "SAMKLANG_STAGING" in missing["staging"]["remedy"]


def test_several_machines_with_files_on_one(systems: Systems, samklang: Command) -> None:
    systems.monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")

    result = samklang("doctor", "--json")

    store, staging = [check["remedy"] for check in json.loads(result.stdout)["checks"] if not check["ok"]]
    assert result.exit_code == 1
    assert "samklang_store" in store
    assert "SAMKLANG_STAGING" in staging


def test_two_schedulers_are_two_machines(systems: Systems, failures: Diagnose) -> None:
    systems.monkeypatch.setattr("samklang.cli.doctor._schedulers", lambda _: {"one.example", "other.example"})

    assert "executor" in failures()


def test_one_scheduler_is_one_machine(systems: Systems, samklang: Command) -> None:
    systems.monkeypatch.setattr("samklang.cli.doctor._schedulers", lambda _: {"one.example"})

    assert samklang("doctor", "--json").exit_code == 0


def test_an_error_that_nobody_foresaw_is_one_more_check(systems: Systems, failures: Diagnose) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("with a key in it: shpat_x")

    systems.monkeypatch.setattr("samklang.systems.shopify.ShopifyProducts.check", burst)

    missing = failures()

    assert missing["shopify products"]["detail"] == "failed (RuntimeError)"
    assert "shpat_x" not in json.dumps(missing)
