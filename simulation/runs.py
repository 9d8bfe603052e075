"""Runs of the shipped engine, as Airflow does them: tasks in their order, tried again, cleared, and dying."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy.exc import OperationalError

from samklang.core.clocks import from_datetime, to_datetime
from samklang.core.mapping import Mapping
from samklang.errors import SamklangError
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.sync import review
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from samklang.systems.base import System
from simulation.clock import Clock
from simulation.happenings import Happenings, Killed
from simulation.machine import Machine
from simulation.memory_path import Disk, MemoryPath
from simulation.opening import open_system
from simulation.oracle import Oracle
from simulation.people import People
from simulation.trace import Edit, Step
from simulation.values import SIDES
from simulation.wire import Wire

BETWEEN_RUNS = timedelta(minutes=15)
WAITING = timedelta(minutes=40)
"""Until the next thing that happens while a plan waits for a person."""


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

    def read_at(self) -> float:
        """Seconds, when the older one of its reads began."""
        return min(to_datetime(read["started_at"]).timestamp() for read in self.reads.values())


class Runs:
    """One store, and all runs that work on it."""

    mapping: Mapping
    machine: Machine
    clock: Clock
    disk: Disk
    oracle: Oracle
    happenings: Happenings
    wire: Wire
    people: People

    def __init__(self, seed: int) -> None:
        self.crashes: list[str] = []
        self.errors: list[str] = []
        self.done: list[Task] = []
        self.lengths: list[int] = []  # how many things each run did
        self._runs = 0
        self._random = Random(seed)
        self._answer = "yes"
        self._overtaken = ""
        self._waits: tuple[Edit, ...] = ()
        self._waiting = WAITING.total_seconds()

    def run(self, step: Step) -> Task:
        """One run, from extract to settle; a task that fails or dies is tried again as its retries say."""
        self._runs += 1
        self.clock.sleep(BETWEEN_RUNS.total_seconds())
        self.happenings.begin(step.events)
        options = dict(step.options)
        self._answer = options.pop("review", "yes")
        self._overtaken = options.pop("overtaken", "")
        self._waits = options.pop("waits", ())
        self._waiting = options.pop("waiting", WAITING.total_seconds())
        if options.get("kind") == "backfill":
            now = self.clock.now()
            options["window"] = (from_datetime(now - timedelta(hours=1)), from_datetime(now))
        task = Task(Run(f"run-{self._runs}", **options))
        self.oracle.begin_run()
        try:
            self._work(task)
        except TaskFailed as failed:
            task.failed.append(str(failed))
        self.happenings.end()
        self.lengths.append(self.happenings.at)
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
            self.oracle.plan_made(self.clock.seconds())
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
            for edit in self._waits:
                self.clock.sleep(self._waiting)
                self.happenings.count("done while a plan waited")
                self.act(edit)
            asked = bool(review.beyond_limits(self.mapping, plan["counts"]))
            self.oracle.may_write = None if asked else self._limits()
            state = "rejected" if asked and self._answer == "no" else "approved"
            with self.machine.database.begin() as connection:
                by = {"decided_by": "olga", "decided_at": from_datetime(self.clock.now())} if asked else {}
                journal.set_plan(connection, plan["plan"], state=state, **by)
        return state

    def _limits(self) -> dict[str, int]:
        return {"create": self.mapping.limits.creates, "update": self.mapping.limits.updates}

    def _load_both(self, task: Task) -> None:
        """The two lanes; the second one may begin, and end, while the first one is at work."""
        first, second = SIDES if self._random.random() < 0.5 else SIDES[::-1]
        started: list[str] = []

        def lane(side: str) -> None:
            started.append(side)
            self.oracle.load_begins(task.run.id, task.read_at(), self.clock.seconds())
            try:
                task.written[side] = self._attempt(f"load_{side}", lambda: load(self._sync(), side, task.plan or {}))
            except TaskFailed as failed:
                task.written[side] = None
                task.failed.append(str(failed))
            finally:
                self.oracle.load_ends()

        self.happenings.other_lane = lambda: lane(second) if second not in started else None
        lane(first)
        if second not in started:
            lane(second)
        self.happenings.other_lane = None

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
        self.happenings.count("task of an old run cleared")
        self.oracle.may_write = None  # somebody said yes to its plan then
        with suppress(TaskFailed):
            match name.partition("_"):
                case ("extract", _, side):
                    task.reads[side] = self._attempt(name, lambda: self.extract(task, side))
                case ("transform", _, _) if len(task.reads) == len(SIDES):
                    task.plan = self._attempt(name, lambda: transform(self._sync(), task.run, [*task.reads.values()]))
                case ("load", _, side) if task.plan is not None:
                    self.oracle.load_begins(task.run.id, task.read_at(), self.clock.seconds())
                    try:
                        self._attempt(name, lambda: load(self._sync(), side, task.plan or {}))
                    finally:
                        self.oracle.load_ends()
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
        return Sync(self.mapping, self.machine.database, self.staging(), self.open, self.clock.now)

    def staging(self) -> Staging:
        return Staging(MemoryPath(self.disk, "/staging"), self.machine.database.store_id())

    def act(self, edit: Edit) -> None:
        raise NotImplementedError

    def open(self, side: str) -> System:
        return self.open_with(side, self.mapping)

    def open_with(self, side: str, mapping: Mapping, store: Database | None = None) -> System:
        memory = StoredMemory(store or self.machine.database, side)
        return open_system(side, mapping, memory, self.wire, self.clock, self._random.random)
