"""Extract: read one side and stage what came. Nothing is judged here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from samklang.core.clocks import earlier, to_datetime
from samklang.core.derive import by_field
from samklang.core.jsontext import dumps
from samklang.core.records import Page, Record
from samklang.errors import ProtocolError, RemoteError
from samklang.store import journal, seen, tombstones
from samklang.store.seen import is_storable_id, storable_key
from samklang.store.tombstones import Tombstones
from samklang.sync import unread, unshown
from samklang.sync.context import Run, Sync, to_json
from samklang.sync.forgotten import left_out
from samklang.sync.meter import Meter
from samklang.sync.observe import known_twins
from samklang.sync.sifting import read_apart
from samklang.systems.base import Description

OVERLAP = timedelta(minutes=10)
"""How far a window reaches back before the watermark: rows committed late, with an earlier clock, are seen again."""

log = logging.getLogger(__name__)

_PART_ROWS = 20_000
_LOOKED_UP_AT_ONCE = 50
_CONFIRMED_ROWS = 20_000
_SHORT_PART, _SHORT_ROWS = 0.2, 10


@dataclass(slots=True)
class _Staged:
    """What went into the staged files; those who were forgotten never do."""

    sync: Sync
    side: str
    folder: str
    entombed: Tombstones
    ids: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    unstorable: set[str] = field(default_factory=set)
    max_clock: str = ""
    max_created: str = ""
    total: int | None = None
    denied: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _parts: int = 0

    def add(self, pages: Iterable[Page]) -> None:
        """Pages of a read of the side."""
        for page in pages:
            self.total = page.total if page.total is not None else self.total
            self.max_clock = max([self.max_clock, *(record.clock for record in page.records)])
            self.max_created = max([self.max_created, *(record.created for record in page.records)])
            self._keep(page)

    def add_by_id(self, ids: list[str]) -> set[str]:
        """Read these by id. They say nothing about how far the side was read.

        Where the system fails over one of them, the others are read all the same.

        :returns: those that it does not know.
        """
        found = set[str]()

        def keep(page: Page) -> None:
            found.update(record.id for record in page.records)
            self._keep(page)

        self.unread |= read_apart(self.sync.system(self.side), ids, keep)
        return set(ids) - found - self.unread

    def name_unread(self) -> None:
        """Leave out of those that could not be read who was read after all, and who was forgotten."""
        self.unread -= self.ids
        if self.unread and self.entombed:
            told = ((i, None, dict[str, str | None]()) for i in self.unread)
            with self.sync.database.read() as connection:
                out = left_out(connection, self.sync.mapping, self.entombed, self.side, told)
            self.left_out |= out
            self.unread -= out

    def _keep(self, page: Page) -> None:
        self.denied.update(page.denied)
        self.unread.update(page.unread)
        odd = {record.id for record in page.records if not is_storable_id(record.id)}
        self.unstorable |= odd
        records = [record for record in self._remembered(page) if record.id not in odd]
        self.ids.update(record.id for record in records)
        self._rows.extend(_row(self.sync, self.side, record) for record in records)
        if len(self._rows) >= _PART_ROWS:
            self.flush()

    def _remembered(self, page: Page) -> Sequence[Record]:
        if not self.entombed:
            return page.records
        mapping = self.sync.mapping
        told = ((r.id, r.key, by_field(mapping, self.side, r.values)) for r in page.records)
        with self.sync.database.read() as connection:
            out = left_out(connection, mapping, self.entombed, self.side, told)
        self.left_out |= out
        return [record for record in page.records if record.id not in out]

    def flush(self) -> None:
        if self._rows:
            self._parts += 1
            self.sync.staging.write_table(self.folder, f"part-{self._parts:05}", self._rows)
            self._rows = []


def extract(sync: Sync, side: str, run: Run) -> dict[str, Any]:
    """Read a side, whole or by window, and the records to revisit; stage them.

    A window is followed by the whole side where fields are shown that an earlier read was denied.

    :returns: the reference that `transform` takes: ticket, folder, counts, which tenant it is; and `gone`: absent from
        this whole read and the one before it, and not known by id either. `complete`: every record of the side came.
    :raises RemoteError: the read failed or came short; nothing is lost, the next run reads the same again.
    """
    meter = Meter(sync, side)
    description = sync.system(side).describe()
    with sync.database.begin() as connection:
        journal.bind(connection, side, description.id, description.name)
        journal.start_run(connection, sync.entity, run.id, run.kind, sync.clock())
        mark = journal.watermark(connection, sync.entity, side)
    since = "" if mark is None or _whole_is_due(sync, side, run, mark) else _since(mark["clock"], run)
    return _read(sync, side, run, since, description, meter)


def catch_up(sync: Sync, read: dict[str, Any], run: Run, description: Description) -> dict[str, Any]:
    """Read what changed on a side since an earlier read of it, and nothing else. No watermark follows from this.

    :param read: what `extract` returned. :raises RemoteError: see `extract`.
    """
    side = read["side"]
    with sync.database.read() as connection:
        mark = journal.watermark(connection, sync.entity, side)
    clock = read["max_clock"] or (mark["clock"] if mark else "")
    return _read(sync, side, run, earlier(clock, OVERLAP) if clock else "", description, Meter(sync, side))


def _read(sync: Sync, side: str, run: Run, since: str, description: Description, meter: Meter) -> dict[str, Any]:
    """:param since: empty: the whole side."""
    system = sync.system(side)
    whole = system.reads_whole or not since
    with sync.database.begin() as connection:
        started_at = sync.clock()
        other = journal.watermark(connection, sync.entity, sync.mapping.other(side))
        ticket = seen.start_read(
            connection,
            entity=sync.entity,
            side=side,
            run_id=run.id,
            whole=whole,
            started_at=started_at,
            other_clock=other["clock"] if other else None,
        )
        unreadable = unread.of(connection, sync, side)
        due = {i for i, hold in unreadable.items() if unread.is_due(hold, started_at)}
        revisit = sorted({*seen.to_revisit(connection, sync.entity, side), *due} - (unreadable.keys() - due))
        entombed = tombstones.known(connection, sync.entity)
    staged = _Staged(sync, side, sync.staging.folder(sync.entity, run.id, f"read-{ticket}-{side}"), entombed)
    if not whole:
        staged.add(system.read_changes(since))
        staged.add_by_id([i for i in revisit if i not in staged.ids | staged.unread])
        whole = run.window is None and _is_shown_again(staged)
    gone: list[str] = []  # only a whole read can tell; what is not known by id stays on the revisit list
    if whole:
        with sync.database.read() as connection:
            missing_before = seen.missing_before(connection, sync.entity, side)
            present = seen.count_present(connection, sync.entity, side)
        staged.add(system.read_all())
        _check_complete(sync, side, staged, present)
        staged.name_unread()
        if not staged.unread:
            gone = _look_up_missing(sync, staged, sorted(missing_before - staged.ids))
    staged.flush()
    staged.name_unread()
    if staged.unread:
        log.warning("%s: %d records could not be read; they count as last seen", side, len(staged.unread))
    max_clock = _safe_watermark(staged.max_clock, sync.now() - to_datetime(started_at))
    with sync.database.begin() as connection:
        seen.finish_read(connection, ticket, whole=whole, rows=len(staged.ids), max_clock=max_clock)
        unread.note(connection, sync, side, staged.unread, run.id)
    return {
        "side": side,
        "ticket": ticket,
        "whole": whole,
        "complete": whole and not staged.unread,
        "rows": len(staged.ids),
        "forgotten": len(staged.left_out),
        "unstorable": len(staged.unstorable),
        "fields": ",".join(sync.mapping.names(side)),
        "folder": staged.folder,
        "started_at": started_at,
        "max_clock": max_clock,
        "max_created": staged.max_created,
        "gone": gone,
        "denied": staged.denied,
        "description": to_json(description),
        "used": meter.read(),
    }


def _whole_is_due(sync: Sync, side: str, run: Run, mark: dict[str, Any]) -> bool:
    """The first time, when asked, when the mapping names other fields, and in mode `auto` when it has been long."""
    if run.mode == "full" or not mark["whole_at"] or not mark["clock"]:
        return True
    if mark["fields"] != ",".join(sync.mapping.names(side)):
        return True
    known = known_twins(sync)  # what a dry run under another mapping has read since, it read without our fields
    if known and any(known.get(f.name) != dict(f.names) for f in sync.mapping.fields):
        return True
    age = sync.now() - to_datetime(mark["whole_at"])
    return run.mode == "auto" and run.window is None and age >= sync.mapping.full_every


def _is_shown_again(staged: _Staged) -> bool:
    """Whether fields that an earlier read was denied are shown by now: then the side has to be read whole."""
    example = unshown.example(staged.sync, staged.side)
    if example is None:
        return False
    if example not in staged.ids:
        staged.add_by_id([example])
    return bool(staged.ids) and not staged.denied


def _since(watermark: str, run: Run) -> str:
    since = earlier(watermark, OVERLAP)
    return min(since, run.window[0]) if run.window else since


def _safe_watermark(max_clock: str, took: timedelta) -> str:
    """What changed behind the read's back is later than this: the largest clock seen, less the time that it took.

    In the source's own time; only the length of the read is measured here.
    """
    return earlier(max_clock, took) if max_clock else ""


def _check_complete(sync: Sync, side: str, staged: _Staged, present: int) -> None:
    """Far fewer rows than are known is a fault of the read, unless the system's own total, or a second read, agrees.

    So is none at all. And a first read of a system that names no total is made twice, as long as that costs a page or
    two: whoever it lacks would be made anew here.
    """
    everybody = staged.ids | staged.left_out | staged.unstorable | staged.unread
    known = staged.ids | staged.unread  # nobody who was forgotten counts as known
    came, lacking = len(everybody), present - len(known)
    few = lacking >= _SHORT_ROWS and lacking > present * _SHORT_PART
    is_first = not present and staged.total is None and came <= _CONFIRMED_ROWS
    if came and not few and not is_first:
        return
    if staged.total == came:
        return
    if staged.total is None:
        again = {i for page in sync.system(side).read_all() for i in (*page.unread, *(r.id for r in page.records))}
        if again == everybody:
            return
    raise ProtocolError(
        f"{side} answered a whole read of {sync.entity} with {came} records; {present} are known.",
        remedy="Nothing was changed. If they were really deleted there, run again with mode full once the system "
        "answers steadily.",
        system=side,
    )


def _look_up_missing(sync: Sync, staged: _Staged, missing: list[str]) -> list[str]:
    """Ask for each record by its id that two whole reads in a row did not have; those that answer are staged.

    Stops as soon as more are unknown than the mapping lets us believe. A look-up that fails proves nothing: the record
    stays as it is, and the next whole read asks again.

    :returns: ids that the system does not know.
    """
    unknown: set[str] = set()
    for start in range(0, len(missing), _LOOKED_UP_AT_ONCE):
        if len(unknown) > sync.mapping.limits.gone:
            log.warning("%s: %d more missing records were not looked up", staged.side, len(missing) - start)
            break
        ids = missing[start : start + _LOOKED_UP_AT_ONCE]
        try:
            unknown |= staged.add_by_id(ids)
        except RemoteError as error:
            log.warning(
                "%s: %d records are missing again and could not be looked up by id (%s); they count as there",
                staged.side,
                len(ids),
                type(error).__name__,
            )
    return sorted(unknown)


def _row(sync: Sync, side: str, record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "raw": dumps(by_field(sync.mapping, side, record.values)),
        "facts": dumps(dict(record.facts)),
        "scope": str(record.scope),
        "created": record.created,
        "clock": record.clock,
        "group_clocks": dumps(dict(record.group_clocks)),
        "our_key": storable_key(record.key),
    }
