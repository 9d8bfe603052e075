"""From the connection `samklang_store` to the address of a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, make_url

from samklang.errors import ConfigurationError

_LIBPQ = {
    "application_name",
    "connect_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
}
"""What an extra may hand on to PostgreSQL."""


class StoreConnection(Protocol):
    """An Airflow connection, as far as it is looked at here."""

    @property
    def conn_id(self) -> str: ...
    @property
    def conn_type(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def login(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def schema(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def extra_dejson(self) -> dict[str, Any]: ...


def store_url(connection: StoreConnection) -> str:
    """The SQLAlchemy URL of a connection of type `postgres` or `sqlite`.

    :raises ConfigurationError: another dialect, or no database is named.
    """
    if connection.conn_type in ("postgres", "postgresql"):
        url = _postgresql(connection)
    elif connection.conn_type == "sqlite":
        url = _sqlite(connection)
    else:
        raise ConfigurationError(
            f"The connection {connection.conn_id} is of type {connection.conn_type}; the link store is kept in "
            "PostgreSQL or SQLite.",
            remedy="Make it a postgres connection, or a sqlite one on a single machine.",
        )
    return url.render_as_string(hide_password=False)


def is_missing(url: str) -> bool:
    """Whether a store is a SQLite file that nobody has made yet."""
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()


def place(url: str) -> str:
    """Where a store lies, for people: without user and password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite, {parsed.database}"
    host = parsed.host or parsed.query.get("host") or "this machine"
    return f"postgresql, {parsed.database} on {host}" + (f":{parsed.port}" if parsed.port else "")


def _postgresql(connection: StoreConnection) -> URL:
    if not connection.schema:
        raise ConfigurationError(
            f"The connection {connection.conn_id} names no database.", remedy="Put its name into the field Database."
        )
    query = {name: str(value) for name, value in connection.extra_dejson.items() if name in _LIBPQ}
    host = connection.host or None
    if host and host.startswith("/"):  # the folder of a Unix socket
        query["host"], host = host, None
    return URL.create(
        "postgresql",
        username=connection.login or None,
        password=connection.password or None,
        host=host,
        port=connection.port,
        database=connection.schema,
        query=query,
    )


def _sqlite(connection: StoreConnection) -> URL:
    """The path stands in the host field; in a connection given as a URI Airflow puts it into the schema."""
    path = connection.host or connection.schema
    if not path or not path.startswith("/"):
        raise ConfigurationError(
            f"The connection {connection.conn_id} does not name a SQLite file by its whole path.",
            remedy="Put the path into the field Host, beginning with a slash.",
        )
    return URL.create("sqlite", database=path)
