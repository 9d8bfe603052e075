"""Opening the store, migrations, and who may read it."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, update

from samklang.errors import ConfigurationError, StoreError
from samklang.store import journal, ledger
from samklang.store.database import Database
from samklang.store.migrations import STEPS
from samklang.store.schema import holds, meta, metadata
from samklang.store.tickets import next_ticket


def test_a_new_store_has_every_table_and_the_newest_version(database: Database) -> None:
    with database.read() as connection:
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
        version = connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar_one()

    assert version == str(len(STEPS))


def test_a_store_that_is_opened_again_keeps_what_it_had(database: Database, url: str) -> None:
    journal.StoredMemory(database, "x")["a"] = "1"

    again = Database(url)

    assert dict(journal.StoredMemory(again, "x")) == {"a": "1"}
    again.close()


def test_a_store_of_a_newer_version_is_refused(database: Database, url: str) -> None:
    with database.begin() as connection:
        connection.execute(update(meta).where(meta.c.name == "schema_version").values(value=str(len(STEPS) + 1)))

    with pytest.raises(StoreError, match="newer version"):
        Database(url)


def test_a_store_of_the_first_version_ends_in_the_schema_of_a_new_one(database: Database, url: str) -> None:
    new = schema_of(database)
    with database.begin() as connection:
        for table in ("freezes", "actions", "orders", "refusals", "tombstones"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for index in ("conflicts_of_records", "history_run", "history_record", "links_entity", "links_run"):
            connection.exec_driver_sql(f"DROP INDEX {index}")
        for table, column in (("conflicts", "reviewed_by"), ("conflicts", "reviewed_at"), ("history", "lag")):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        for column in ("named", "last_edits"):
            connection.exec_driver_sql(f"ALTER TABLE holds DROP COLUMN {column}")
        connection.execute(
            insert(holds).values(
                entity="customers", side="shopify", source_id="1", field="Phone", reason="taken", remedy="Change it.",
                by_system=True, fingerprint="f", attempts=3, retry_at="2027", run_id="r", since="t",
            )
        )  # fmt: skip
        connection.execute(update(meta).where(meta.c.name == "schema_version").values(value="1"))
    assert schema_of(database) != new

    again = Database(url)

    assert schema_of(again) == new
    with again.read() as connection:
        (kept,) = ledger.system_holds(connection, "customers")
        assert (kept["attempts"], kept["named"], kept["last_edits"]) == (3, None, None)
        version = connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar_one()
    assert version == str(len(STEPS))
    again.close()


def schema_of(database: Database) -> dict[str, tuple[dict[str, tuple[str, bool]], set[str | None]]]:
    """Type of each column, and whether it may be null; and the names of the indexes: by table."""
    with database.read() as connection:
        look = inspect(connection)
        return {
            table: (
                {column["name"]: (str(column["type"]), column["nullable"]) for column in look.get_columns(table)},
                {index["name"] for index in look.get_indexes(table)},
            )
            for table in look.get_table_names()
        }


def test_two_processes_may_open_an_empty_store_at_once(url: str) -> None:
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(Database(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 4
    for database in opened:
        database.close()


def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    def bind_and_fail() -> None:
        with database.begin() as connection:
            journal.bind(connection, "shopify", "1", "shop")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        bind_and_fail()

    with database.read() as connection:
        assert journal.tenants(connection) == {}


def test_tickets_rise_whoever_takes_them(database: Database) -> None:
    taken: list[int] = []

    def take() -> None:
        for _ in range(5):
            with database.begin() as connection:
                taken.append(next_ticket(connection))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == list(range(1, 21))


def test_only_its_owner_may_read_a_store_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.db"
    database = Database(f"sqlite:///{path}")
    journal.StoredMemory(database, "x")["a"] = "1"

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    database.close()

    assert set(modes.values()) == {0o600}
    assert "store.db" in modes


def test_a_store_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(mode=0o644)

    Database(f"sqlite:///{path}").close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_databases_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="mysql"):
        Database("mysql://somebody:secret@127.0.0.1/store")


def test_a_store_that_cannot_be_reached_is_named_without_its_password() -> None:
    with pytest.raises(StoreError) as caught:
        Database("postgresql://somebody:secret@127.0.0.1:1/store")

    assert "samklang_store" in str(caught.value)
    assert "secret" not in str(caught.value)
