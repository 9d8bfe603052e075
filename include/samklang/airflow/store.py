"""The link store behind an Airflow connection."""

from __future__ import annotations

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy import URL

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
}
"""What an extra may hand on to PostgreSQL."""


def find_connection(conn_id: str) -> Connection | None:
    """The connection, or None where Airflow has none of that id."""
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def store_url(connection: Connection) -> str:
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


def _postgresql(connection: Connection) -> URL:
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


def _sqlite(connection: Connection) -> URL:
    """The path stands in the host field; in a connection given as a URI Airflow puts it into the schema."""
    path = connection.host or connection.schema
    if not path or not path.startswith("/"):
        raise ConfigurationError(
            f"The connection {connection.conn_id} does not name a SQLite file by its whole path.",
            remedy="Put the path into the field Host, beginning with a slash.",
        )
    return URL.create("sqlite", database=path)
