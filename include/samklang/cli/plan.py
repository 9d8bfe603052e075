"""Plan: what a run would write now. Both sides are read and the plan is made as in a run, in a copy of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from samklang.core.clocks import from_datetime
from samklang.core.mapping import Mapping
from samklang.core.records import Page
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.copying import copied
from samklang.store.database import Database
from samklang.store.journal import PLAN_ONLY
from samklang.sync import plan_lines
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.review import beyond_limits
from samklang.sync.transform import Pair, transform
from samklang.systems.base import System

OpenSystem = Callable[[str, Database], System]
"""(side, the store that keeps what is learned about the system)."""
OnRows = Callable[[str, int], None]
"""(side, how many rows more)."""


def make_plan(
    mapping: Mapping,
    database: Database,
    open_system: OpenSystem,
    now: Callable[[], datetime],
    *,
    limit: int | None = None,
    on_rows: OnRows = lambda _side, _rows: None,
) -> dict[str, Any]:
    """Read and plan, and forget both: the store is as it was, whatever mapping was tried.

    :param limit: how many of each list; None: all.
    :returns: `counts`, `beyond_limits`, and the lists `rows`, `links`, `held`, `conflicts`, `verdicts`; with a limit
        also `more`, how many of each were left out.
    :raises RemoteError: a side cannot be read.
    """
    with (
        copied(database) as copy,
        planned(mapping, copy, open_system, now, on_rows=on_rows) as (sync, reference),
    ):
        return _document(sync, reference, limit)


@contextmanager
def planned(
    mapping: Mapping,
    database: Database,
    open_system: OpenSystem,
    now: Callable[[], datetime],
    *,
    given: Sequence[Pair] = (),
    on_rows: OnRows = lambda _side, _rows: None,
) -> Iterator[tuple[Sync, dict[str, Any]]]:
    """Both sides read, and a dry plan, which is staged for as long as the block runs.

    :param given: see `sync.transform`. :raises RemoteError: a side cannot be read.
    """
    run = Run(f"plan__{from_datetime(now())}", kind=PLAN_ONLY, dry_run=True)
    with TemporaryDirectory(prefix="samklang-") as folder:
        sync = Sync(
            mapping,
            database,
            Staging(Path(folder), database.store_id()),
            lambda side: _counted(open_system(side, database), on_rows),
            now,
        )
        state = "failed"
        try:
            reads = [extract(sync, side, run) for side in mapping.sides]
            reference = transform(sync, run, reads, given)
            state = "dry"
            yield sync, reference
        finally:
            with database.begin() as connection:
                journal.finish_run(connection, mapping.entity, run.id, state, {}, sync.clock())
                if state == "dry":
                    journal.set_plan(connection, reference["plan"], folder="")


def _document(sync: Sync, reference: dict[str, Any], limit: int | None) -> dict[str, Any]:
    mapping = sync.mapping
    clashes = sync.staging.read_lines(reference["folder"], "clashes")
    decided = {(*line["ids"], line["field"]) for line in clashes}
    shape = {
        "rows": ("rows", lambda line: plan_lines.row(mapping, line, decided)),
        "links": ("tuned", lambda line: plan_lines.link(mapping, line)),
        "held": ("held", lambda line: line),
        "conflicts": ("clashes", lambda line: plan_lines.conflict(mapping, line)),
        "verdicts": ("verdicts", lambda line: line),
    }
    lists = {
        name: _first(map(shown, sync.staging.read_lines(reference["folder"], file)), limit)
        for name, (file, shown) in shape.items()
    }
    return {
        "entity": mapping.entity,
        "counts": reference["counts"],
        "beyond_limits": beyond_limits(mapping, reference["counts"]),
        **{name: rows for name, (rows, _) in lists.items()},
        **({} if limit is None else {"more": {name: more for name, (_, more) in lists.items()}}),
    }


def _first(items: Iterable[dict[str, Any] | None], limit: int | None) -> tuple[list[dict[str, Any]], int]:
    kept: list[dict[str, Any]] = []
    more = 0
    for item in items:
        if item is None:
            continue
        if limit is None or len(kept) < limit:
            kept.append(item)
        else:
            more += 1
    return kept, more


@dataclass(frozen=True, slots=True)
class _Counted:
    """A system that tells how many rows it has given."""

    system: System
    on_rows: OnRows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.system, name)

    def read_all(self) -> Iterator[Page]:
        return self._told(self.system.read_all())

    def read_changes(self, since: str) -> Iterator[Page]:
        return self._told(self.system.read_changes(since))

    def _told(self, pages: Iterator[Page]) -> Iterator[Page]:
        for page in pages:
            self.on_rows(self.system.side, len(page.records))
            yield page


def _counted(system: System, on_rows: OnRows) -> System:
    return cast(System, _Counted(system, on_rows))
