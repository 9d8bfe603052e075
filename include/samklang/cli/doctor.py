"""Doctor: each thing that a first run needs, and what to do about what is missing. Nothing here raises."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy.engine import make_url

from samklang.airflow.context import open_staging
from samklang.cli.environment import airflow_may_know, find_connection, find_store, lend_connection
from samklang.cli.systems import fields_of
from samklang.connections import DEFAULT_CONNECTIONS, Fields, open_system
from samklang.core.mapping import Mapping as EntityMapping
from samklang.core.mapping_file import ENTITIES
from samklang.errors import SamklangError
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.settings import STORE_CONNECTION, shared_trouble, staging_url
from samklang.store import journal
from samklang.store.address import is_missing, place
from samklang.store.database import Database
from samklang.systems.base import Check, Description

T = TypeVar("T")
Environment = Mapping[str, str]

_AIRFLOW = "3.3"


def diagnose(environ: Environment) -> list[Check]:
    """Everything, in the order in which it is best mended."""
    mappings, checks = _mappings(environ)
    checks = [_airflow(), *checks]
    opened: dict[str, Fields] = {}
    for side, conn_id in DEFAULT_CONNECTIONS.items():
        fields, failed = _try(f"connection {conn_id}", partial(fields_of, side, environ))
        checks += failed or [Check(f"connection {conn_id}", True, "present")]
        if fields is not None:
            opened[side] = fields
    tenants: dict[str, Description] = {}
    with ThreadPoolExecutor() as pool:  # one that does not answer is tried for a while
        answers = pool.map(lambda side: _system(side, opened[side], mappings), opened)
        for side, (description, found) in zip(opened, answers, strict=True):
            checks += found
            if description is not None:
                tenants[side] = description
    checks += _store(environ, tenants)
    return [*checks, _staging(environ), *_machines(environ)]


def _airflow() -> Check:
    try:
        version = metadata.version("apache-airflow")
    except metadata.PackageNotFoundError:
        version = "none"
    ok = version.startswith(f"{_AIRFLOW}.")
    remedy = "" if ok else f"Install apache-airflow {_AIRFLOW} into the Python that runs this."
    return Check("Airflow", ok, f"version {version}", remedy)


def _mappings(environ: Environment) -> tuple[list[EntityMapping], list[Check]]:
    folder, checks = _try("mapping files", partial(mappings_folder, environ))
    mappings: list[EntityMapping] = []
    if folder is None:
        return mappings, checks
    for entity in ENTITIES:
        mapping, failed = _try(f"mapping {entity}", partial(load_mapping, entity, folder))
        checks += failed
        if mapping is not None:
            mappings.append(mapping)
            checks.append(Check(f"mapping {entity}", True, f"{len(mapping.fields)} fields, from {folder}"))
    return mappings, checks


def _system(side: str, fields: Fields, mappings: list[EntityMapping]) -> tuple[Description | None, list[Check]]:
    """Keys, scopes and privileges for all entities, each thing once; and which tenant answers."""
    found: dict[str, Check] = {}
    description = None
    with _scratch() as database:
        for mapping in mappings:
            system, failed = _try(f"{side} {mapping.entity}", partial(open_system, side, mapping, fields, database))
            checks = failed
            if system is not None:
                answered, failed = _try(f"{side} {mapping.entity}", system.check)
                checks = failed or answered or []
                if all(check.ok for check in checks) and description is None:
                    description, failed = _try(f"{side} tenant", system.describe)
                    checks += failed
            for check in checks:
                found.setdefault(check.name, check)
            if checks and not checks[0].ok:
                break  # nobody is let in: the other entities would fail alike
    return description, list(found.values())


@contextmanager
def _scratch() -> Iterator[Database]:
    """What a client remembers of a system does not outlive the check."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'check.db'}")
        try:
            yield database
        finally:
            database.close()


def _store(environ: Environment, tenants: Mapping[str, Description]) -> list[Check]:
    """It opens, and belongs to the systems that the connections lead to."""
    url, failed = _try("store", partial(find_store, environ))
    if url is None:
        return failed
    if is_missing(url):
        file = Path(make_url(url).database or "")
        _, failed = _try("store", partial(_write_in, file.parent), remedy=f"Let this user write to {file.parent}.")
        return failed or [Check("store", True, f"the first run makes {file}")]
    database, failed = _try("store", partial(Database, url))
    if database is None:
        return failed
    with database.read() as connection:
        unused = "" if journal.has_run(connection) else "; no run has used it yet"
    checks = [Check("store", True, place(url) + unused)]
    for side, description in tenants.items():
        _, failed = _try(f"store of {side}", partial(_bound, database, side, description))
        checks += failed or [Check(f"store of {side}", True, f"{description.name} ({description.id})")]
    database.close()
    return checks


def _bound(database: Database, side: str, description: Description) -> None:
    """:raises StoreError: the store belongs to another tenant."""
    with database.read() as connection:
        if side in journal.tenants(connection):
            journal.bind(connection, side, description.id, description.name)


def _staging(environ: Environment) -> Check:
    url = staging_url(environ)
    remedy = "Let this user write there, or set SAMKLANG_STAGING to a place where it may."
    earlier: list[str] | None = None
    _, failed = _try("staging", partial(lend_connection, environ))
    if not failed:
        earlier, failed = _try("staging", partial(_stage_one, url), remedy=remedy)
    told = "".join(
        f"; remove {name} there: an earlier version staged it, and nothing reads it" for name in earlier or []
    )
    return failed[0] if failed else Check("staging", True, f"writable, {url}{told}")


def _stage_one(url: str) -> list[str]:
    """As a store of its own. :returns: folders that an earlier version left there."""
    with _scratch() as database:
        staging = open_staging(url, database)
    folder = staging.folder("doctor", "doctor", "probe")
    staging.write_lines(folder, "probe", [{}])
    list(staging.read_lines(folder, "probe"))
    staging.drop_all()
    return [entity for entity in ENTITIES if staging.has_earlier(entity)]


def _write_in(folder: Path) -> None:
    """:raises OSError: the folder cannot be made, or nothing can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".samklang-{uuid.uuid4().hex}"
    probe.touch()
    probe.unlink()


def _machines(environ: Environment) -> list[Check]:
    """Files do for one machine only."""
    executor, failed = _try("executor", _executor)
    connection, unreadable = _try("executor", partial(find_connection, STORE_CONNECTION, environ))
    if executor is None or unreadable:
        return failed
    is_shared = connection is not None and connection.conn_type != "sqlite"
    schedulers, _ = _try("executor", partial(_schedulers, environ))  # without Airflow's database nobody knows
    trouble = shared_trouble(environ, executor=executor, has_store=is_shared, schedulers=schedulers or ())
    if not trouble:
        return [Check("executor", True, executor)]
    return [Check("executor", False, f"{executor}: tasks may run on several machines", step) for step in trouble]


def _schedulers(environ: Environment) -> set[str]:
    """The machines on which a scheduler is at work: each runs the tasks of its own LocalExecutor."""
    if not airflow_may_know(environ):
        return set()
    from airflow.jobs.job import Job
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        jobs = session.scalars(select(Job).where(Job.job_type == "SchedulerJob", Job.state == "running")).all()
        return {str(job.hostname) for job in jobs if job.is_alive()}


def _executor() -> str:
    from airflow.sdk import conf

    return str(conf.get("core", "executor"))


def _try(name: str, action: Callable[[], T], *, remedy: str = "") -> tuple[T | None, list[Check]]:
    """What an action gives, or the check that its failure is."""
    try:
        return action(), []
    except SamklangError as error:
        return None, [Check(name, False, error.message, error.remedy)]
    except Exception as error:  # its text may hold keys: the kind has to do
        return None, [Check(name, False, f"failed ({type(error).__name__})", remedy or "See Airflow's own log.")]
