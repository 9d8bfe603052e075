"""What the commands work on, found without Airflow where that is possible: importing it costs seconds."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import typer

from samklang.errors import ConfigurationError
from samklang.settings import STORE_CONNECTION, airflow_home, default_store_url, staging_url
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.address import is_missing, place, store_url
from samklang.store.database import Database

_PREFIX = "AIRFLOW_CONN_"
_TYPES = {"postgresql": "postgres"}


@dataclass(frozen=True, slots=True)
class EnvironmentConnection:
    """A connection that an environment variable holds, with the names that Airflow's own class has."""

    conn_id: str
    conn_type: str
    host: str | None = None
    login: str | None = field(repr=False, default=None)
    password: str | None = field(repr=False, default=None)
    schema: str | None = None
    port: int | None = None
    extra_dejson: dict[str, Any] = field(repr=False, default_factory=dict)


def find_connection(conn_id: str, environ: Mapping[str, str]) -> Any:
    """A connection from the environment, else from wherever Airflow keeps them; None: it is nowhere.

    :returns: an `EnvironmentConnection` or Airflow's own class.
    :raises ConfigurationError: it cannot be read.
    """
    text = environ.get(_PREFIX + conn_id.upper(), "").strip()
    if text.startswith("{"):
        return _from_json(conn_id, text)
    if text.count("://") == 1:
        return _from_uri(conn_id, text)
    if not text and not airflow_may_know(environ):
        return None
    return _from_airflow(conn_id)


def open_store(environ: Mapping[str, str], *, make: bool = False, quiet: bool = False) -> Database:
    """The link store. Where no run has used it yet, a line on stderr says so: it may be another one that is meant.

    :param make: False: where there is no embedded one yet, an empty one in memory, so that looking makes no file.
    :param quiet: say nothing.
    :raises SamklangError: it cannot be opened.
    """
    url = find_store(environ)
    database = Database("sqlite://" if is_missing(url) and not make else url)
    if not (make or quiet):
        with database.read() as connection:
            is_unused = not journal.has_run(connection)
        if is_unused:
            typer.echo(_unused(url, environ), err=True)
    return database


def _unused(url: str, environ: Mapping[str, str]) -> str:
    why, home = "", ""
    if url == default_store_url(environ):
        why, home = f" (the default: there is no connection {STORE_CONNECTION})", " or AIRFLOW_HOME"
    return (
        f"No run has used this link store yet: {place(url)}{why}. Name another one by {_PREFIX}"
        f"{STORE_CONNECTION.upper()}{home}; that of `make up` by the line `source ...` that it prints."
    )


def open_staging(environ: Mapping[str, str], database: Database) -> Staging:
    """Where the plans of a link store are staged."""
    parts = urlsplit(staging_url(environ))
    if parts.scheme in ("", "file"):
        return Staging(Path(parts.path).expanduser().absolute(), database.store_id())
    from samklang.airflow.context import open_staging as open_anywhere

    lend_connection(environ)
    return open_anywhere(staging_url(environ), database)


def lend_connection(environ: Mapping[str, str]) -> None:
    """Let Airflow's object storage find the connection that `SAMKLANG_STAGING` names, as it does in a task.

    Outside a task it would look into the environment only, and go on without keys.

    :raises ConfigurationError: there is none of that name.
    """
    conn_id = unquote(urlsplit(staging_url(environ)).username or "")
    variable = _PREFIX + conn_id.upper()
    if not conn_id or environ.get(variable):
        return
    connection = find_connection(conn_id, environ)
    if connection is None:
        raise ConfigurationError(
            f"SAMKLANG_STAGING names the connection {conn_id}, and there is none.",
            remedy="Add it in Airflow, or write the address without it for the machine's own keys.",
        )
    os.environ[variable] = connection.as_json()


def user_name() -> str:
    """Whom the operating system knows to be at this terminal; `LOGNAME` and `USER` are what anybody sets them to."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user without a name
        return f"uid {uid}"


def find_store(environ: Mapping[str, str]) -> str:
    """The address of the link store.

    :raises ConfigurationError: its connection cannot be read, or is of another kind of database.
    """
    connection = find_connection(STORE_CONNECTION, environ)
    return default_store_url(environ) if connection is None else store_url(connection)


def _from_json(conn_id: str, text: str) -> EnvironmentConnection:
    try:
        content = json.loads(text)
        extra = content.get("extra") or {}
        return EnvironmentConnection(
            conn_id=conn_id,
            conn_type=_conn_type(content.get("conn_type") or ""),
            host=content.get("host"),
            login=content.get("login"),
            password=content.get("password"),
            schema=content.get("schema"),
            port=int(content["port"]) if content.get("port") else None,
            extra_dejson=json.loads(extra) if isinstance(extra, str) else dict(extra),
        )
    except (ValueError, TypeError, AttributeError):
        raise _unreadable(conn_id, "JSON") from None  # the cause would show the keys


def _from_uri(conn_id: str, text: str) -> EnvironmentConnection:
    """As Airflow takes a URI apart: everything percent-encoded, extras as the query."""
    try:
        parts = urlsplit(text)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return EnvironmentConnection(
            conn_id=conn_id,
            conn_type=_conn_type(parts.scheme),
            host=_host(parts.netloc),
            login=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            schema=unquote(parts.path[1:]),
            port=parts.port,
            extra_dejson=json.loads(query["__extra__"]) if "__extra__" in query else query,
        )
    except ValueError:
        raise _unreadable(conn_id, "a URI") from None


def _host(netloc: str) -> str:
    """In its own case: it may be the path of a socket or a file, percent-encoded."""
    host = netloc.rpartition("@")[2]
    return host[1:].partition("]")[0] if host.startswith("[") else unquote(host.partition(":")[0])


def _conn_type(text: str) -> str:
    name = text.replace("-", "_")
    return _TYPES.get(name, name)


def _unreadable(conn_id: str, form: str) -> ConfigurationError:
    return ConfigurationError(
        f"The environment variable {_PREFIX}{conn_id.upper()} cannot be read as {form}.",
        remedy="Print one that Airflow takes with: airflow connections get CONN_ID -o json.",
    )


def airflow_may_know(environ: Mapping[str, str]) -> bool:
    """Whether there is an Airflow here that could hold a connection: its database, or a secrets backend."""
    home = airflow_home(environ)
    return (
        any(name.startswith(("AIRFLOW__DATABASE__", "AIRFLOW__SECRETS__")) for name in environ)
        or "AIRFLOW_CONFIG" in environ
        or any((home / name).exists() for name in ("airflow.cfg", "airflow.db"))
    )


def _from_airflow(conn_id: str) -> Any:
    """As Airflow's own command line does; `airflow.sdk` would not ask its database, since this is no task."""
    from airflow.models import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get_connection_from_secrets(conn_id)  # noqa: AIR311 - see above
    except AirflowNotFoundException:
        return None
