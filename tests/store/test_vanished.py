"""Connections whose other end is gone: machines that vanish, databases that are restarted or made anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from samklang.store import lanes
from samklang.store.database import Database

AT = "2026-11-01T12:00:00.0000000Z"
LONGEST = 120
"""Seconds after which a machine that has vanished must have been noticed."""


def end_all(database: Database, url: str) -> None:
    """As a restart does."""
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    admin.dispose()


def test_a_database_that_was_restarted_fails_no_reader(new_postgres_url: Callable[[], str]) -> None:
    url = new_postgres_url()
    database = Database(url)
    with ExitStack() as stack:  # several connections in the pool
        for _ in range(2):
            stack.enter_context(database.read())
    end_all(database, url)
    for _ in range(3):
        with database.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    with database.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    database.close()


def test_the_server_watches_over_the_machine_that_holds_a_load_s_lock(new_postgres_url: Callable[[], str]) -> None:
    """PostgreSQL asks by itself whether it is still there, and lets go of the lock soon after it has gone."""
    database = Database(new_postgres_url())
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: said.append(a[2]))
    with lanes.take(database, "customers", "shopify", run_id="run-1", at=AT, sleep=lambda _: None):
        (number,) = [n for n, statement in enumerate(said) if "pg_try_advisory_xact_lock" in statement]
    database.close()
    asked = dict(re.findall(r"SET LOCAL (tcp_\w+) = (\d+)", said[number - 1]))
    assert noticed(asked["tcp_keepalives_idle"], asked["tcp_keepalives_interval"], asked["tcp_keepalives_count"])
    assert int(asked["tcp_user_timeout"]) <= LONGEST * 1000


def test_a_task_notices_that_its_database_has_vanished(new_postgres_url: Callable[[], str]) -> None:
    database = Database(new_postgres_url())
    with database.read() as connection:
        given = connection.connection.dbapi_connection.info.dsn_parameters  # type: ignore[union-attr]
    database.close()
    assert noticed(given["keepalives_idle"], given["keepalives_interval"], given["keepalives_count"])
    assert int(given["tcp_user_timeout"]) <= LONGEST * 1000
    assert int(given["connect_timeout"]) <= LONGEST


def test_what_the_connection_says_goes_before_that(new_postgres_url: Callable[[], str]) -> None:
    url = make_url(new_postgres_url()).update_query_dict({"keepalives_idle": "7"})
    database = Database(url.render_as_string(hide_password=False))
    with database.read() as connection:
        given = connection.connection.dbapi_connection.info.dsn_parameters  # type: ignore[union-attr]
    database.close()
    assert given["keepalives_idle"] == "7"


def noticed(idle: str, interval: str, count: str) -> bool:
    return 0 < int(idle) + int(interval) * int(count) <= LONGEST
