"""What a database says about a value that it refuses does not carry the value."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.sync.postgres import new_postgres_url

from samklang.errors import StoreError, StoreUnavailableError
from samklang.store.database import Database

__all__ = ["new_postgres_url"]

VALUE = "kari@kanari.example"


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tried (value) VALUES (:value)",
        "INSERT INTO tried (value, number) VALUES ('another', CAST(:value AS integer) / 0)",
        "UPDATE tried SET number = :value",
        "SELECT * FROM nowhere WHERE value = :value",
    ],
)
def test_a_refused_value_stands_in_no_error_and_no_traceback(
    dialect: str, statement: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if dialect == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        url = make()
    database = Database(url)
    try:
        with database.begin() as connection:
            strict = " STRICT" if dialect == "sqlite" else ""
            connection.exec_driver_sql(f"CREATE TABLE tried (value TEXT PRIMARY KEY, number INTEGER){strict}")
            connection.execute(text("INSERT INTO tried (value) VALUES (:value)"), {"value": VALUE})
        try:
            with database.begin() as connection:
                connection.execute(text(statement), {"value": VALUE})
        except DBAPIError as error:
            told = "".join(traceback.format_exception(error))
            assert "Error" in told or "Violation" in told
            assert VALUE not in told
        else:
            # a division by nothing is null in SQLite
            assert dialect == "sqlite"
            assert "/ 0" in statement
    finally:
        database.close()


def test_a_lock_that_is_held_is_told_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.store.database._BUSY_SECONDS", 0.1)
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    try:
        with database.begin(), pytest.raises(StoreUnavailableError, match="SQLITE_BUSY"), database.begin():
            pass
    finally:
        database.close()


def test_a_database_that_refuses_the_password_is_told_without_it() -> None:
    url = f"postgresql://samklang:{'kan' + 'ari'}%40password@127.0.0.1:1/samklang"  # tracebacks show lines of code
    with pytest.raises(StoreError) as caught:
        Database(url)
    told = "".join(traceback.format_exception(caught.value))
    assert "kanari" not in told
    assert "samklang_store" in told
