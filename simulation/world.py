"""One world: both simulators, people at their desks, a link store, and runs of the shipped engine as Airflow does them.

Nothing here decides anything: which faults come when is in the trace, whether that was right is the oracle's.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import Any

from sqlalchemy.exc import OperationalError

from samklang.core.clocks import from_datetime
from samklang.errors import SamklangError
from samklang.simulators.control import Controlled
from samklang.staging import Staging
from samklang.store import journal, seen
from samklang.store.journal import StoredMemory
from samklang.sync import review, unshown
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from samklang.systems.base import System
from simulation.clock import Clock
from simulation.desks import Desk, PowerOfficeGoDesk, ShopifyDesk
from simulation.machine import Machine
from simulation.mappings import mapping_of
from simulation.memory_path import Disk, MemoryPath
from simulation.opening import GO, open_system
from simulation.oracle import Oracle, StoreView
from simulation.people import People
from simulation.store_view import broken_promises, read_store
from simulation.trace import DEATHS, DISK_FAULTS, LANES, STORE_FAULTS, WIRE_FAULTS, Event, Step, Trace
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES
from simulation.wire import Wire

QUIET_RUNS = 6
"""Runs without people and faults after which nothing may be left to do."""
MOST_REQUESTS = 12
"""Of a run that has nothing to do, besides one for each page."""
WHOLE_READ = 6
"""Requests of one with a bulk operation, after a look whether it is called for."""
BETWEEN_RUNS = timedelta(minutes=15)


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


class TaskFailed(Exception):  # noqa: N818 - as Airflow says it
    """A task has had its tries."""


@dataclass(slots=True)
class Task:
    """What a task of a run returned, to be pulled by later ones, or by the same one when it is cleared."""

    run: Run
    reads: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan: dict[str, Any] | None = None
    written: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


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
        self.people = People(trace.entity, self.desks, self.oracle, machine.skews)
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
        self._answer = "yes"
        self._overtaken = ""
        self._other_lane: Callable[[], object] | None = None
        self._backup: sqlite3.Connection | None = None
        self._told = StoreView()  # by a store that was replaced

    # --- the whole trace

    def play(self) -> list[str]:
        """Everything that must not have happened, in words; empty when all is well."""
        for person in self.trace.people:
            self.clock.sleep(3.0)
            self.people.arrive(person)
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
                self.people.act(step.edit)
            case "run":
                self.run(step)
            case "again" if self.done:
                self._again(step.task, step.options.get("run"))
            case "backup":
                self._backup = self.machine.copy_store()
                self.oracle.store_saved()
            case "restore" if self._backup is not None:
                self._count("store restored from a backup")
                self._told = self.store_view()
                self.oracle.store_replaced()
                self.machine.database.point = lambda _kind: []
                self.machine.put_store(self._backup)
                self.machine.database.point = self.point

    def _quieten(self) -> list[str]:
        """Runs without any fault, until one has nothing to write; sometimes one more, which must not find anything."""
        found = self.crashes
        for number in range(QUIET_RUNS):
            writes = self._quiet_run()
            if writes and not number and self.trace.seed % 2 and not self.oracle.violations(self.store_view()):
                break  # in tune already; every other trace also shows that the next run writes nothing
            if self.done[-1].failed:
                return [*found, f"stuck: {', '.join(self.done[-1].failed)} failed without any fault"]
            if not writes:
                break
        else:
            return [*found, *self.oracle.faults, f"restless: still writing after {QUIET_RUNS} quiet runs"]
        # what was refused is tried again when that is due
        if self.trace.seed % 4 == 0 and not self.store_view().holds and self._quiet_run():
            found.append("echo: a run after one that wrote nothing wrote something")
        return found + self.oracle.violations(self.store_view()) + broken_promises(self.machine.database)

    def _quiet_run(self) -> int:
        """:returns: how many writes it made."""
        writes, before, most = self._writes(), self.requests, self._most_requests()
        self.run(Step("run"))
        writes = self._writes() - writes
        if not writes and self.requests - before > most:
            self.crashes.append(f"busy: {self.requests - before} requests for nothing")
        return writes

    def _most_requests(self) -> int:
        """Of a run that has nothing to do. A side that the store knows nothing of may be read twice; one that shows
        again what was denied is read whole after its window."""
        sync, most = self._sync(), MOST_REQUESTS
        for side, desk in self.desks.items():
            with self.machine.database.read() as connection:
                is_first = not seen.count_present(connection, self.trace.entity, side)
            pages = len(desk.records()) // self.trace.page_size
            most += pages * (2 if is_first else 1)
            most += WHOLE_READ if unshown.example(sync, side) else 0
        return most

    def _writes(self) -> int:
        return sum(1 for simulator in self.machine.simulators.values() for w in simulator.writes() if w["who"] == "api")

    # --- runs, as Airflow does them

    def run(self, step: Step) -> Task:
        """One run, from extract to settle; a task that fails or dies is tried again as its retries say."""
        self._runs += 1
        self.clock.sleep(BETWEEN_RUNS.total_seconds())
        self._at = 0
        self._pending = list(step.events)
        options = dict(step.options)
        self._answer = options.pop("review", "yes")
        self._overtaken = options.pop("overtaken", "")
        if options.get("kind") == "backfill":
            now = self.clock.now()
            options["window"] = (from_datetime(now - timedelta(hours=1)), from_datetime(now))
        task = Task(Run(f"run-{self._runs}", **options))
        self.oracle.begin_run()
        try:
            self._work(task)
        except TaskFailed as failed:
            task.failed.append(str(failed))
        self._pending = []
        if self.oracle.forgotten:
            self.oracle.linked(self.store_view().links)
        self.lengths.append(self._at)
        self.done.append(task)
        return task

    def _work(self, task: Task) -> None:
        """All tasks, in their order; `settle` runs whatever happened before it. :raises TaskFailed: one has failed."""
        try:
            for side in SIDES:
                task.reads[side] = self._attempt(f"extract_{side}", lambda side=side: self.extract(task, side))
            reads = list(task.reads.values())
            if self._overtaken and self.done:
                self._again(self._overtaken, -1)
            task.plan = self._attempt("transform", lambda: transform(self._sync(), task.run, reads))
            self.oracle.plan_made()
            answer = self._attempt("review", lambda: self._review(task))
            if answer == "approved":
                self.oracle.plan_carried_out()
            if answer != "rejected":
                self._load_both(task)
        except TaskFailed as failed:
            task.failed.append(str(failed))
        self._attempt("settle", lambda: self._settle(task))

    def extract(self, task: Task, side: str) -> dict[str, Any]:
        return extract(self._sync(), side, task.run)

    def _review(self, task: Task) -> str:
        """As the task `review` does it: a plan beyond a limit waits for a person, who says yes or no."""
        plan = task.plan or {}
        state = str(plan["state"])
        if state == "proposed":
            asked = bool(review.beyond_limits(self.mapping, plan["counts"]))
            self.oracle.may_write = None if asked else self._limits()
            state = "rejected" if asked and self._answer == "no" else "approved"
            with self.machine.database.begin() as connection:
                journal.set_plan(connection, plan["plan"], state=state)
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

    def _again(self, name: str, number: int | None) -> None:
        """A task of an earlier run is cleared: it runs once more, with what its run had handed on."""
        task = self.done[self._random.randrange(len(self.done)) if number is None else number]
        self._count("task of an old run cleared")
        self.oracle.may_write = None  # somebody said yes to its plan then
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

    def _open(self, side: str) -> System:
        memory = StoredMemory(self.machine.database, side)
        return open_system(side, self.mapping, memory, self.wire, self.clock, self._random.random)

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
                self.people.act(happening.edit)
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
            if entity == self.trace.entity:
                self.oracle.wrote(side, who, action, record_id, self.clock.seconds())

        return log_write

    def store_view(self) -> StoreView:
        """What the link store tells people, and what one that was replaced has told them of conflicts."""
        view = read_store(self.machine.database, self.mapping)
        for place, (told, _) in self._told.conflicts.items():
            values, is_open = view.conflicts.get(place, (set[str | None](), False))
            view.conflicts[place] = (values | told, is_open)
            view.told_before.setdefault(place[2], set()).update(told)
        return view


def _fits(happening: Event, kind: str) -> bool:
    if happening.what in WIRE_FAULTS:
        return kind.startswith("request") and (not happening.side or kind.endswith(happening.side))
    if happening.what in STORE_FAULTS:
        return kind == "commit"
    if happening.what in DISK_FAULTS:
        return kind == "file"
    return happening.what in DEATHS
