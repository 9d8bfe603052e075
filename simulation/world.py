"""One world: both simulators, people at their desks, a link store, and runs of the shipped engine as Airflow does them.

Nothing here decides anything: which faults come when is in the trace, whether that was right is the oracle's.
"""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import requests
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import OperationalError

from samklang.core.clocks import from_datetime, to_datetime
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.errors import SamklangError
from samklang.simulators.control import Controlled
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from samklang.staging import Staging
from samklang.store import journal, schema
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.sync import review
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
    paging,
)
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts, documents, reading
from simulation.clock import Clock
from simulation.desks import Desk, PowerOfficeGoDesk, ShopifyDesk
from simulation.memory_path import Disk, MemoryPath
from simulation.oracle import Oracle, StoreView
from simulation.trace import DEATHS, DISK_FAULTS, LANES, STORE_FAULTS, WIRE_FAULTS, Edit, Event, Person, Step, Trace
from simulation.values import FIELDS, FREE, POWEROFFICEGO, SHOPIFY, SIDES, normal, typed
from simulation.wire import Wire

GO, SHOP = "http://127.0.0.1:9101", "http://127.0.0.1:9102"
MAPPINGS = Path(__file__).parents[1] / "include" / "mappings"
TRIES = 3
QUIET_RUNS = 6
"""Runs without people and faults after which nothing may be left to do."""
MOST_REQUESTS = 12
"""Of a run that has nothing to do."""
LATE = 400.0
"""Seconds: less than the overlap of two windows."""
BETWEEN_RUNS = timedelta(minutes=15)


class Killed(BaseException):  # noqa: N818 - an event, not a mistake
    """The process is gone, in the middle of whatever it did."""


class TaskFailed(Exception):  # noqa: N818
    """A task has had its tries."""


class WatchedDatabase(Database):
    """The shipped store; somebody is told before and after each commit."""

    def __init__(self, url: str) -> None:
        self.point: Callable[[str], list[str]] = lambda _kind: []
        super().__init__(url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        faults = self.point("commit")
        if "database busy" in faults:
            raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))
        with super().begin() as connection:
            yield connection
            if "commit lost" in faults:
                raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))
        if "commit unconfirmed" in faults:
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("the connection broke"))
        self.point("committed")


@dataclass(slots=True)
class Task:
    """What a task of a run returned, to be pulled by later ones, or by the same one when it is cleared."""

    run: Run
    reads: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan: dict[str, Any] | None = None
    written: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class Machine:
    """What is costly to make and serves one world after another."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.skews: dict[str, float] = dict.fromkeys(SIDES, 0.0)
        self.go = PowerOfficeGoSimulator(now=lambda: self._now(POWEROFFICEGO))
        self.shop = ShopifySimulator(now=lambda: self._now(SHOPIFY))
        self.defaults = {POWEROFFICEGO: self.go.switches(), SHOPIFY: self.shop.switches()}
        self._folder = tempfile.TemporaryDirectory(prefix="samklang-simulation-", dir=_quick_folder())
        self.database = WatchedDatabase(f"sqlite:///{self._folder.name}/store.db")
        _do_not_wait_for_the_disk(self.database)
        self.empty = self.copy_store()

    @property
    def simulators(self) -> dict[str, Controlled]:
        return {POWEROFFICEGO: self.go, SHOPIFY: self.shop}

    def _now(self, side: str) -> Any:
        return self.clock.now() + timedelta(seconds=self.skews[side])

    def copy_store(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with self.database.read() as connection:
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        return copy

    def put_store(self, copy: sqlite3.Connection) -> None:
        self.database.close()
        with self.database.read() as connection:
            copy.backup(connection.connection.driver_connection)  # type: ignore[arg-type]

    def close(self) -> None:
        self.database.close()
        self._folder.cleanup()


class World:
    """See the module. :param machine: emptied, and used until the next world is made."""

    def __init__(self, trace: Trace, machine: Machine) -> None:
        self.trace = trace
        self.machine = machine
        self.mapping = mapping_of(trace.entity, trace.mapping)
        machine.clock = self.clock = Clock()
        machine.skews.update(trace.skews)
        for side, simulator in machine.simulators.items():
            simulator.switches({**machine.defaults[side], **trace.switches.get(side, {})})
            simulator.reset()
            simulator.log_write = self._watch_writes(side, simulator)  # type: ignore[method-assign]
        machine.database.point = lambda _kind: []
        machine.put_store(machine.empty)
        machine.database.point = self.point
        self.disk = Disk(lambda _name: self._file())
        self.desks: dict[str, Desk] = {
            POWEROFFICEGO: PowerOfficeGoDesk(machine.go, trace.entity),
            SHOPIFY: ShopifyDesk(machine.shop, trace.entity),
        }
        self.oracle = Oracle(
            self.desks, trace.entity, enforces=trace.switches[POWEROFFICEGO].get("test_operation") != "ignored"
        )
        self.wire = Wire(machine.simulators, lambda url: POWEROFFICEGO if url.startswith(GO) else SHOPIFY, self)
        self.fired: dict[str, int] = {}
        self.crashes: list[str] = []
        self.errors: list[str] = []
        self.done: list[Task] = []
        self.lengths: list[int] = []  # how many things each run did
        self.requests = 0
        self._log = blake2b(digest_size=16)
        self._runs = 0
        self._at = 0
        self._pending: list[Event] = []
        self._random = Random(trace.seed)
        self._other_lane: Callable[[], object] | None = None
        self._backup: sqlite3.Connection | None = None
        self._told: dict[tuple[str, str, str], tuple[set[str | None], bool]] = {}  # what a store said that is gone

    # --- the whole trace

    def play(self) -> list[str]:
        """Everything that must not have happened, in words; empty when all is well."""
        for person in self.trace.people:
            self._arrive(person)
        for step in self.trace.steps:
            self._take(step)
        return self._quieten()

    def digest(self) -> str:
        """Of all requests, in order, with their times."""
        return self._log.hexdigest()

    def _take(self, step: Step) -> None:
        match step.what:
            case "edit" if step.edit:
                self.clock.sleep(7.0)
                self.edit(step.edit)
            case "run":
                self.run(step)
            case "again" if self.done:
                self._again(step.task)
            case "backup":
                self._backup = self.machine.copy_store()
            case "restore" if self._backup is not None:
                self._count("store restored from a backup")
                self._told = self.store_view().conflicts
                self.machine.database.point = lambda _kind: []
                self.machine.put_store(self._backup)
                self.machine.database.point = self.point

    def _quieten(self) -> list[str]:
        """Runs without any fault, until one has nothing to write; sometimes one more, which must not find anything."""
        found = self.crashes
        for _ in range(QUIET_RUNS):
            writes = self._quiet_run()
            if self.done[-1].failed:
                return [*found, f"stuck: {', '.join(self.done[-1].failed)} failed without any fault"]
            if not writes:
                break
        else:
            return [*found, *self.oracle.faults, f"restless: still writing after {QUIET_RUNS} quiet runs"]
        if self.trace.seed % 4 == 0 and self._quiet_run():
            found.append("echo: a run after one that wrote nothing wrote something")
        return found + self.oracle.violations(self.store_view()) + self._integrity()

    def _quiet_run(self) -> int:
        """:returns: how many writes it made."""
        writes, before = self._writes(), self.requests
        self.run(Step("run"))
        writes = self._writes() - writes
        pages = sum(len(desk.records()) // self.trace.page_size for desk in self.desks.values())
        if not writes and self.requests - before > MOST_REQUESTS + pages:
            self.crashes.append(f"busy: {self.requests - before} requests for nothing")
        return writes

    def _writes(self) -> int:
        return sum(1 for simulator in self.machine.simulators.values() for w in simulator.writes() if w["who"] == "api")

    # --- people

    def _arrive(self, person: Person) -> None:
        self.clock.sleep(3.0)
        for number, side in enumerate(person.sides):
            values = {}
            for index, name in enumerate(FIELDS[self.trace.entity]):
                if name in person.lacks and name not in ("FirstName", "LastName", "Name", "UnitPrice"):
                    continue
                same = person.number * 16 + index + 1
                values[name] = typed(name, side, same + 50 * number * (name in person.differs), person.number)
            self._make(side, person.number, self._dirty(values, person, side))
            if person.dirty == "double":
                self._make(side, person.number, values)
            if person.dirty == "archived":
                self._try(lambda side=side: self.desks[side].archive(self._record(side, person.number), on=True))

    def _dirty(self, values: dict[str, Any], person: Person, side: str) -> dict[str, Any]:
        if self.trace.entity == "customers" and side == POWEROFFICEGO:
            if person.dirty == "garbage phone":
                return values | {"PhoneNumber": "ring etter kl 16"}
            if person.dirty == "several e-mails":
                return values | {"EmailAddress": f"{values.get('EmailAddress', 'x@example.no')}; post@example.no"}
        return values

    def _make(self, side: str, person: int, values: dict[str, Any]) -> None:
        def make() -> None:
            record_id = self.desks[side].make(values)
            self.oracle.typed(side, record_id, person)

        self._try(make)

    def edit(self, edit: Edit) -> None:
        """Somebody does something at a desk; what the system refuses did not happen."""
        self._try(lambda: self._edit(edit))

    def _edit(self, edit: Edit) -> None:
        desk, side, name = self.desks[edit.side], edit.side, edit.field
        if edit.kind in ("new", "again"):
            values = {
                f: typed(f, side, edit.number if edit.kind == "new" else edit.person * 16 + n + 1, edit.person)
                for n, f in enumerate(FIELDS[self.trace.entity])
            }
            if edit.kind == "new" or self._is_deleted(side, edit.person):
                self._make(side, edit.person, values)
            return
        record_id = self._record(side, edit.person)
        match edit.kind:
            case "type":
                desk.type_in(record_id, {name: typed(name, side, edit.number, edit.person)})
            case "clear":
                desk.type_in(record_id, {name: None})
            case "agree":
                other = SIDES[1 - SIDES.index(side)]
                number = edit.number
                desk.type_in(record_id, {name: typed(name, side, number, edit.person)})
                self.desks[other].type_in(
                    self._record(other, edit.person), {name: typed(name, other, number, edit.person)}
                )
            case "respell":
                raw = desk.records()[record_id][name]
                if isinstance(raw, str) and name not in FREE:
                    desk.type_in(record_id, {name: f" {raw} "})
            case "back":
                before = self.oracle.before(side, record_id, name)
                if before is not None:
                    desk.type_in(record_id, {name: before})
            case "late":
                self.machine.skews[side] -= LATE
                try:
                    desk.type_in(record_id, {name: typed(name, side, edit.number, edit.person)})
                finally:
                    self.machine.skews[side] += LATE
            case "company" | "person" if side == POWEROFFICEGO and self.trace.entity == "customers":
                desk.type_in(record_id, {"IsPerson": edit.kind == "person", "Name": "Berg AS"})
            case "garbage" if self.trace.entity == "customers":
                phone = {"PhoneNumber": "12 34 eller kveld"} if side == POWEROFFICEGO else {"PhoneNumber": None}
                desk.type_in(record_id, phone)
            case "touch":
                desk.touch(record_id, edit.number)
            case "archive" | "reopen":
                desk.archive(record_id, on=edit.kind == "archive")
            case "delete":
                desk.delete(record_id)

    def _try(self, act: Callable[[], object]) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            act()

    def _record(self, side: str, person: int) -> str:
        """:raises KeyError: that person has no record there."""
        alive = self.desks[side].records()
        for (at, record_id), who in reversed(self.oracle.persons.items()):
            if at == side and who == person and record_id in alive:
                return record_id
        raise KeyError(person)

    def _is_deleted(self, side: str, person: int) -> bool:
        records = [r for r, p in self.oracle.persons.items() if p == person and r[0] == side]
        return bool(records) and all(record in self.oracle.deleted for record in records)

    # --- runs, as Airflow does them

    def run(self, step: Step) -> Task:
        """One run, from extract to settle; a task that fails or dies is tried again as its retries say."""
        self._runs += 1
        self.clock.sleep(BETWEEN_RUNS.total_seconds())
        self._at = 0
        self._pending = list(step.events)
        options = dict(step.options)
        answer = options.pop("review", "yes")
        if options.get("kind") == "backfill":
            now = self.clock.now()
            options["window"] = (from_datetime(now - timedelta(hours=1)), from_datetime(now))
        task = Task(Run(f"run-{self._runs}", **options))
        self.oracle.begin_run()
        try:
            for side in SIDES:
                task.reads[side] = self._attempt(f"extract_{side}", lambda side=side: self.extract(task, side))
            task.plan = self._attempt("transform", lambda: transform(self._sync(), task.run, list(task.reads.values())))
            if self._attempt("review", lambda: self._review(task, answer)) != "rejected":
                self._load_both(task)
        except TaskFailed as failed:
            task.failed.append(str(failed))
        with suppress(TaskFailed):
            self._attempt("settle", lambda: self._settle(task))
        self._pending = []
        self.lengths.append(self._at)
        self.done.append(task)
        return task

    def extract(self, task: Task, side: str) -> dict[str, Any]:
        return extract(self._sync(), side, task.run)

    def _review(self, task: Task, answer: str) -> str:
        """As the task `review` does it: a plan beyond a limit waits for a person, who says yes or no."""
        assert task.plan is not None
        state = str(task.plan["state"])
        if state == "proposed":
            asked = bool(review.beyond_limits(self.mapping, task.plan["counts"]))
            self.oracle.may_write = None if asked else self._limits()
            state = "rejected" if asked and answer == "no" else "approved"
            with self.machine.database.begin() as connection:
                journal.set_plan(connection, task.plan["plan"], state=state)
        return state

    def _limits(self) -> dict[str, int]:
        return {"create": self.mapping.limits.creates, "update": self.mapping.limits.updates}

    def _load_both(self, task: Task) -> None:
        """The two lanes; the second one may begin, and end, while the first one is at work."""
        first, second = SIDES if self._random.random() < 0.5 else SIDES[::-1]
        started: list[str] = []

        def lane(side: str) -> None:
            started.append(side)
            try:
                task.written[side] = self._attempt(f"load_{side}", lambda: load(self._sync(), side, task.plan or {}))
            except TaskFailed as failed:
                task.written[side] = None
                task.failed.append(str(failed))

        self._other_lane = lambda: lane(second) if second not in started else None
        lane(first)
        if second not in started:
            lane(second)
        self._other_lane = None

    def _settle(self, task: Task) -> dict[str, Any]:
        written = {side: task.written.get(side) for side in SIDES}
        return settle(
            self._sync(),
            task.run,
            reads=list(task.reads.values()),
            plan=task.plan,
            written=written,
            failed=list(task.failed),
        )

    def _again(self, name: str) -> None:
        """A task of the last run is cleared: it runs once more, with what its run had handed on."""
        task = self.done[self._random.randrange(len(self.done))]
        self._count("task of an old run cleared")
        with suppress(TaskFailed):
            match name.partition("_"):
                case ("extract", _, side):
                    task.reads[side] = self._attempt(name, lambda: self.extract(task, side))
                case ("transform", _, _) if len(task.reads) == len(SIDES):
                    task.plan = self._attempt(name, lambda: transform(self._sync(), task.run, [*task.reads.values()]))
                case ("load", _, side) if task.plan is not None:
                    self._attempt(name, lambda: load(self._sync(), side, task.plan or {}))
                case ("settle", _, _):
                    self._attempt(name, lambda: self._settle(task))

    def _attempt(self, name: str, work: Callable[[], Any]) -> Any:
        """:raises TaskFailed: it failed for good, or had its tries."""
        for wait in (30.0, 60.0, None):
            try:
                return work()
            except Killed:
                pass
            except SamklangError as error:
                self.errors.append(f"{name}: {error}")
                if error.final:
                    raise TaskFailed(name) from None
            except (OperationalError, OSError):
                pass
            except Exception as error:  # a user would find a traceback
                self.crashes.append(f"crash: {name}: {type(error).__name__}: {error}")
                raise TaskFailed(name) from error
            if wait is not None:
                self.clock.sleep(wait)
        raise TaskFailed(name)

    def _sync(self) -> Sync:
        return Sync(
            self.mapping, self.machine.database, Staging(MemoryPath(self.disk, "/staging")), self._open, self.clock.now
        )

    def _open(self, side: str) -> Any:
        session = requests.Session()
        session.mount("http://", self.wire)
        memory = StoredMemory(self.machine.database, side)
        names = self.mapping.names(side)
        seams = {"sleep": self.clock.sleep, "clock": self.clock.seconds, "wall": self.clock.seconds}
        if side == POWEROFFICEGO:
            extra = {"subscription_key": "sub", "token_url": f"{GO}/OAuth/Token"}
            config = PowerOfficeGoConfig.from_connection(f"{GO}/v2", "app", "client", extra)
            go_kind = {"customers": PowerOfficeGoCustomers, "products": PowerOfficeGoProducts}[self.trace.entity]
            client = PowerOfficeGoClient(config, session, random=self._random.random, **seams)  # type: ignore[arg-type]
            return go_kind(client, names, memory, workers=1)
        shop_config = ShopifyConfig.from_connection(SHOP, "client", "secret", {"grant_type": "client_credentials"})
        shop_kind: Any = {"customers": ShopifyCustomers, "products": ShopifyProducts}[self.trace.entity]
        shop = ShopifyClient(shop_config, session, random=self._random.random, **seams)  # type: ignore[arg-type]
        return shop_kind(shop, names, memory, workers=1)

    # --- what happens on the way

    def point(self, kind: str) -> list[str]:
        """One more thing is done. :returns: the faults that it meets. :raises Killed: that was the last one."""
        self._at += 1
        met: list[str] = []
        for happening in list(self._pending):
            if happening.at > self._at or not _fits(happening, kind):
                continue
            self._pending.remove(happening)
            self._count(happening.what)
            if happening.what == "killed":
                raise Killed
            met.append(happening.what)
        return met

    def request(self, side: str) -> list[str]:
        self.requests += 1
        kind = f"request {side}"
        met: list[str] = []
        for happening in [e for e in self._pending if e.at <= self._at + 1 and e.what in ("edit", *LANES)]:
            if happening not in self._pending:
                continue  # it happened inside another one
            self._pending.remove(happening)
            self._count("edit during a run" if happening.edit else happening.what)
            if happening.edit is not None:
                self.edit(happening.edit)
            elif self._other_lane is not None:
                self._other_lane()
        met += self.point(kind)
        return met

    def answered(self, side: str, ids: set[str]) -> None:
        self.oracle.read(side, ids, self.clock.seconds())
        self.point("answered")

    def passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def _file(self) -> None:
        if "disk full" in self.point("file"):
            raise OSError(errno.ENOSPC, "No space left on device")

    def _count(self, what: str) -> None:
        self.fired[what] = self.fired.get(what, 0) + 1

    def _watch_writes(self, side: str, simulator: Controlled) -> Callable[..., None]:
        plain = type(simulator).log_write

        def log_write(who: str, action: str, entity: str, record_id: str, fields: Any = ()) -> None:
            plain(simulator, who, action, entity, record_id, fields)
            self._log.update(f"{side} {who} {action} {record_id} {self.clock.seconds()}\n".encode())
            self.oracle.wrote(side, who, action, record_id, self.clock.seconds())

        return log_write

    # --- what the store says

    def store_view(self) -> StoreView:
        entity = self.trace.entity
        with self.machine.database.read() as connection:

            def rows(table: Any) -> list[dict[str, Any]]:
                found = connection.execute(select(table).where(table.c.entity == entity)).mappings()
                return [dict(row) for row in found]

            ends: dict[int, dict[str, str]] = {}
            for row in rows(schema.link_sides):
                ends.setdefault(row["link_id"], {})[row["side"]] = row["record_id"]
            linked = {
                row["id"]: to_datetime(row["created_at"]).timestamp()
                for row in rows(schema.links)
                if row["state"] == "linked"
            }
            apart = {row["id"] for row in rows(schema.links)} - linked.keys()
            holds = {(row["side"], row["source_id"], row["field"]) for row in rows(schema.holds)}
            accounted = {(row["side"], row["record_id"]) for row in rows(schema.verdicts)}
            accounted |= {(_other(side), source) for side, source, _ in holds}
            accounted |= {
                (_other(row["side"]), row["source_id"])
                for row in rows(schema.intents)
                if row["state"] in ("open", "parked")
            }
            accounted |= {(side, record) for link in apart for side, record in ends[link].items()}
            conflicts = {place: (set(told), False) for place, (told, _) in self._told.items()}
            for row in rows(schema.conflicts):
                first, second = loads(row["record_ids"])
                told, is_open = conflicts.get((first, second, row["field"]), (set(), False))
                told |= {normal(row["field"], side, raw) for side, raw in loads(row["raw"]).items()}
                conflicts[first, second, row["field"]] = (told, is_open or row["state"] == "open")
        one_way = {
            f.name
            for f in self.mapping.fields
            if f.direction != "both" or not f.clear or not all(self.mapping.share.values())
        }
        pairs = {(ends[link][POWEROFFICEGO], ends[link][SHOPIFY]): at for link, at in sorted(linked.items())}
        return StoreView(list(pairs), accounted, holds, conflicts, pairs, one_way)

    def _integrity(self) -> list[str]:
        with self.machine.database.read() as connection:
            open_intents = connection.execute(
                select(schema.intents.c.key).where(schema.intents.c.state == "open")
            ).all()
            halves = connection.exec_driver_sql(
                "SELECT link_id FROM link_sides GROUP BY link_id HAVING count(*) <> 2"
            ).all()
        found = [f"open: {len(open_intents)} intents are never closed"] if open_intents else []
        return found + (["half: a link has one side"] if halves else [])


def _other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]


def _fits(happening: Event, kind: str) -> bool:
    if happening.what in WIRE_FAULTS:
        return kind.startswith("request") and (not happening.side or kind.endswith(happening.side))
    if happening.what in STORE_FAULTS:
        return kind == "commit"
    if happening.what in DISK_FAULTS:
        return kind == "file"
    return happening.what in DEATHS


def mapping_of(entity: str, lines: tuple[str, ...]) -> Mapping:
    """The shipped mapping with these lines, without limits, and with VAT."""
    known = _MAPPINGS.get((entity, lines))
    if known is None:
        text = (MAPPINGS / f"{entity}.yaml").read_text()
        replaced = list(lines)
        if not any(line.startswith("limits:") for line in lines):
            replaced.append("limits: {creates: 9999, updates: 9999, clears: 9999, link_conflicts: 9999, part: 100%}")
        if entity == "products":
            replaced.append("vat: {default: 25%}")
        kept = _without_blocks(text, {line.partition(":")[0] for line in replaced})
        known = _MAPPINGS[entity, lines] = parse_mapping(kept + "\n".join(replaced) + "\n", file=f"{entity}.yaml")
    return known


_MAPPINGS: dict[tuple[str, tuple[str, ...]], Mapping] = {}


def _without_blocks(text: str, keys: set[str]) -> str:
    """The file without these top-level keys and what is indented under them."""
    kept, skipping = [], False
    for line in text.splitlines():
        if line and not line.startswith((" ", "#", "-")):
            skipping = line.partition(":")[0] in keys
        if not skipping or line.startswith("#"):
            kept.append(line)
    return "\n".join(kept) + "\n"


def _quick_folder() -> str | None:
    """Memory, where there is such a folder: no test pulls the plug of the machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def _do_not_wait_for_the_disk(database: Database) -> None:
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(database.engine, "connect", relax)
    database.close()


@contextmanager
def small_pages(size: int) -> Iterator[None]:
    """Few rows a page, so that a few records make several, and call for a bulk operation."""
    before = paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM
    paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM = (size, size), size, 2 * size
    try:
        yield
    finally:
        paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM = before
