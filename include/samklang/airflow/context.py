"""From Airflow's context to what the engine is given: the run, and the sync with everything it works on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook, ObjectStoragePath, conf
from airflow.sdk.exceptions import AirflowNotFoundException

from samklang.airflow.discretion import mask
from samklang.airflow.hooks import HOOKS
from samklang.core.clocks import from_datetime
from samklang.errors import ConfigurationError
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.settings import default_store_url, shared_trouble, staging_url
from samklang.staging import Staging
from samklang.store.address import store_url
from samklang.store.database import Database
from samklang.sync.context import Run, Sync
from samklang.systems.base import System

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context


@contextmanager
def open_sync(entity: str, conn_ids: Mapping[str, str], store_conn_id: str) -> Iterator[Sync]:
    """Everything that one step of an entity's sync works on; the store is closed at the end.

    :param conn_ids: the connection of each system, by side.
    :raises ConfigurationError: a connection, a setting or the mapping file is wrong.
    """
    database = open_store(store_conn_id)
    try:
        mapping = load_mapping(entity, mappings_folder(os.environ))

        def open_system(side: str) -> System:
            return HOOKS[side](conn_ids[side]).system(mapping, database)

        yield Sync(
            mapping, database, open_staging(staging_url(os.environ), database), open_system, lambda: datetime.now(UTC)
        )
    finally:
        database.close()


def open_store(conn_id: str) -> Database:
    """The link store of a connection, or the embedded one. :raises ConfigurationError: see `find_store`."""
    return Database(find_store(conn_id))


def find_store(conn_id: str) -> str:
    """The address of the link store.

    :raises ConfigurationError: tasks may run on several machines, and the store or the staged files are on one.
    """
    connection = _find_connection(conn_id)
    trouble = sharing_trouble(connection)
    if trouble:
        raise ConfigurationError("Tasks may run on several machines here.", remedy=" ".join(trouble))
    if connection and connection.password:
        mask(connection.password)
    return store_url(connection) if connection else default_store_url(os.environ)


def _find_connection(conn_id: str) -> Connection | None:
    """The connection, or None where Airflow has none of that id."""
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def sharing_trouble(store: Connection | None) -> list[str]:
    """What to set where tasks run on several machines; empty where everything is in order."""
    is_shared = store is not None and store.conn_type != "sqlite"
    return shared_trouble(os.environ, executor=conf.get("core", "executor"), has_store=is_shared)


def open_staging(url: str, database: Database) -> Staging:
    """
    :param url: a path or `file://` URL of this machine, or any other that Airflow's object storage opens.
    :param database: the link store whose files these are.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return Staging(Path(parts.path).expanduser().absolute(), database.store_id())
    root = ObjectStoragePath(url)
    # it lives as long as the process does, and would not see what others write after it has listed a folder
    root.fs.dircache.use_listings_cache = False
    root.fs.invalidate_cache()
    return Staging(root, database.store_id())


def run_of(context: Context) -> Run:
    """The run as the engine sees it. Of a backfill it has a window; a manual one may have no dates at all.

    :raises ConfigurationError: a backfill without a data interval.
    """
    dag_run: Any = context["dag_run"]
    params = context["params"]
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    window = None
    if kind == "backfill":
        if dag_run.data_interval_start is None or dag_run.data_interval_end is None:
            raise ConfigurationError(
                "This backfill has no data interval, so there is no window to fill.",
                remedy="Give the DAG a timetable with intervals, such as CronDataIntervalTimetable.",
            )
        window = (from_datetime(dag_run.data_interval_start), from_datetime(dag_run.data_interval_end))
    return Run(dag_run.run_id, kind=kind, mode=params["mode"], dry_run=params["dry_run"], window=window)
