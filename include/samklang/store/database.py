"""Opening the link store: which database, its settings, and transactions that wait their turn."""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from samklang.errors import ConfigurationError, StoreUnavailableError
from samklang.store.migrations import STORE_ID, is_current, migrate
from samklang.store.schema import meta

_BUSY_SECONDS = 60
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED", "LockNotAvailable")
_WATCHED = {
    "connect_timeout": "30",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "90000",
}
_WATCH = (
    "SET LOCAL tcp_keepalives_idle = 60; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; "
    "SET LOCAL tcp_user_timeout = 90000"
)
"""A machine that vanishes without a word is noticed after a minute and a half, by us and by the server: by default it
would keep its locks for two hours. What the connection sets itself goes before ours."""


class Database:
    """An engine on SQLite or PostgreSQL whose schema is current.

    :param url: a SQLAlchemy URL; any other dialect is refused.
    :param patience: seconds after which a wait for a lock, or for one of our own connections, ends with an error;
        None: a minute.
    :raises StoreUnavailableError: it cannot be reached; also from every transaction.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        self.engine = _engine(url, _BUSY_SECONDS if patience is None else patience)
        self.before_write: Callable[[Connection], None] | None = None
        self._migrate()

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """A write transaction. SQLite takes its write lock at once, so that two writers wait instead of failing.

        :param durable: False: PostgreSQL need not have it on its disk before the transaction counts as committed.
        :raises StoreUnavailableError: it was broken off; whether it was committed after all, only the store can tell.
        """
        with named_trouble(), self.engine.begin() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            if self.before_write is not None:
                self.before_write(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with named_trouble(), self.engine.connect() as connection:
            yield connection

    def store_id(self) -> str:
        """The random name of this store, which no other one has; asked for each time, since a store can be replaced."""
        with self.read() as connection:
            return str(connection.execute(select(meta.c.value).where(meta.c.name == STORE_ID)).scalar_one())

    def fenced(self, check: Callable[[Connection], None]) -> Database:
        """The same store, of which each write transaction begins with `check`, which raises to forbid it."""
        other = copy.copy(self)
        other.before_write = check
        return other

    def refresh_statistics(self) -> None:
        """Tell the database how large its tables are by now: after a first read it would guess, and choose a plan that
        takes minutes instead of milliseconds."""
        command = "ANALYZE seen, seen_keys, links, link_sides" if self.dialect == "postgresql" else "PRAGMA optimize"
        with self.begin() as connection:
            connection.exec_driver_sql(command)

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.read() as connection:
            if is_current(connection):
                return
        with self.begin() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = '10min'")  # while another process migrates
                name = func.concat(func.current_schema(), ".migrations")
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
            migrate(connection)


@contextmanager
def named_trouble() -> Iterator[None]:
    """Turn what a database may get over by itself (a restart, a cut connection, a deadlock) into an error of ours.

    :raises StoreUnavailableError: it names the kind of trouble, and neither a statement nor a value.
    """
    try:
        yield
    except PoolTimeoutError:
        raise StoreUnavailableError(
            "All of this process's connections to the link store are in use.", remedy="Try again in a moment."
        ) from None
    except DBAPIError as error:
        kind = getattr(error.orig, "sqlite_errorname", None) or type(error.orig).__name__
        passes = error.connection_invalidated or isinstance(error, OperationalError)
        if not passes or kind == "SQLITE_ERROR":  # that one is a statement that SQLite does not understand
            raise
        if kind.startswith(_LOCKED):
            raise StoreUnavailableError(
                f"Somebody else has kept a lock in the link store for longer than this could wait ({kind}); nothing "
                "was changed here.",
                remedy="Try again when that has ended: look for a run, a command or a database session that is at "
                "work for long.",
            ) from None
        raise StoreUnavailableError(
            f"The link store cannot be opened or broke off ({kind}).",
            remedy="Check the connection samklang_store: host, database, user, and that the database is running and "
            "its disk has room. What was committed is kept, and running the task again goes on from there.",
        ) from None


def _engine(url: str, patience: float) -> Engine:
    engine = _make_engine(url, patience)
    event.listen(engine, "handle_error", _keep_to_the_kind)
    return engine


def _keep_to_the_kind(context: ExceptionContext) -> None:
    """Take values out of what the database says: PostgreSQL quotes them ("Key (value)=(…) already exists")."""
    told, cause = context.sqlalchemy_exception, context.original_exception
    if not isinstance(told, DBAPIError) or isinstance(told, OperationalError | InterfaceError):
        return  # connections, locks, full disks: without values, and worth reading
    words = f"{type(cause).__name__} {getattr(cause, 'pgcode', None) or ''}".strip()
    cause.args = told.args = (words,)


def _make_engine(url: str, patience: float) -> Engine:
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg2", query={**_WATCHED, **parsed.query}),
            pool_size=2, max_overflow=8, pool_timeout=patience, hide_parameters=True,
            pool_pre_ping=True,  # a connection that a restart or a remade database has ended is no failure
        )  # fmt: skip

        @event.listens_for(engine, "begin")
        def _wait_no_longer(connection: Connection) -> None:
            # for the transaction alone: behind a pooler, the session is others' afterwards
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(patience * 1000) or 1}; {_WATCH}")

        return engine
    if backend != "sqlite":
        raise ConfigurationError(
            f"samklang_store names a {backend} database.",
            remedy="Use PostgreSQL, or SQLite on a single machine.",
        )
    if parsed.database and parsed.database != ":memory:":
        _make_private(Path(parsed.database))
        return _sqlite_engine(url, patience, pool_timeout=patience)
    return _sqlite_engine(url, patience)


def _make_private(path: Path) -> None:
    """The store holds personal data: only its owner may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def _sqlite_engine(url: str, patience: float, **pool: float) -> Engine:
    # hide_parameters: values of records have no place in an error
    engine = create_engine(
        url, connect_args={"timeout": patience, "check_same_thread": False}, hide_parameters=True, **pool
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by us, see Database.begin
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
