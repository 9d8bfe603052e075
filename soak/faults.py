"""What breaks in a round, when, and how often it really did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from samklang.demo.processes import Control
from soak.place import DAGS, SIDES, Place

_TASKS = {
    "load_shopify": 6, "load_powerofficego": 6, "transform": 4, "extract_shopify": 2, "extract_powerofficego": 2,
    "settle": 2, "review": 1,
}  # fmt: skip
_FULL = 6.0
_SLOW = 5.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a task has been at work for so long, or has carried out so many writes.

    :param writes: to both systems since the task was first seen at work; 0: only time counts.
    """

    task: str
    seconds: float
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Working:
    """A task that is at work: the id of this try, its task id."""

    id: str
    task: str


@dataclass(slots=True)
class Fault:
    """One fault. It strikes once, at its moment; `count` is what it really did."""

    name: ClassVar[str]

    place: Place
    chance: Random = field(repr=False)
    entities: list[str] = field(repr=False)
    entity: str = ""
    moment: Moment = Moment("", 0)
    count: int = 0
    struck: bool = False
    _since: float = 0.0
    _writes: int = 0

    def __post_init__(self) -> None:
        task = self.chance.choices(list(_TASKS), list(_TASKS.values()))[0]
        writes = self.chance.choice((0, 1, 3, 8, 15)) if task.startswith("load") else 0
        self.entity = self.chance.choice(self.entities)
        self.moment = Moment(task, round(self.chance.uniform(0, 2.0), 2), writes)

    def watch(self, working: list[Working], writes: int) -> None:
        """Strike when the moment has come, or at the next chance after it.

        :param working: the tasks that are at work; :param writes: by us, in this round.
        """
        mine = [one for one in working if one.task == f"{DAGS[self.entity]}.{self.moment.task}"]
        if self.struck or not (mine or self._since):
            return
        if not self._since:
            self._since, self._writes = time.monotonic(), writes
        if self.moment.writes and mine:
            due = writes - self._writes >= self.moment.writes
        else:
            due = time.monotonic() - self._since >= self.moment.seconds
        if due:
            self.struck = self.strike(mine or working)

    def strike(self, working: list[Working]) -> bool:
        """:param working: the task that the moment names, else others that are at work. :returns: whether it hit."""
        raise NotImplementedError

    def tend(self) -> None:
        """Called again and again after it has struck, for what lasts a while."""

    def end(self) -> None:
        """Everything works again; `count` is final after this."""


class Killed(Fault):
    """SIGKILL to the process that a task runs in, as by the kernel when memory runs out."""

    name = "task killed"

    def strike(self, working: list[Working]) -> bool:
        processes = self.place.tasks_at_work()
        for process in (processes[task.id] for task in working if task.id in processes):
            process.kill()
            self.count = 1
            return True
        return False


class WorkerKilled(Fault):
    """SIGKILL to the worker above a task: Airflow knows no more of it and starts another try, while it works on."""

    name = "worker killed"

    def strike(self, working: list[Working]) -> bool:
        processes = self.place.tasks_at_work()
        for process in (processes[task.id] for task in working if task.id in processes):
            worker = process.parent()
            if worker and worker.ppid() == self.place.airflow.pid("scheduler"):
                worker.kill()
                self.count = 1
                return True
        return False


class StoreRestarted(Fault):
    """The PostgreSQL of the link store is cut off, and comes back."""

    name = "store restarted"

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self.place.store.restart()
        self.count = 1
        return True


class AirflowDatabaseRestarted(Fault):
    """The PostgreSQL of Airflow is cut off and comes back; what of Airflow ends with that is started anew."""

    name = "Airflow's database restarted"

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self.place.airflow_database.restart()
        self.count = 1
        return True


class DiskFull(Fault):
    """The disk of the staged files is full for a while. It counts where a task has met it."""

    name = "disk full"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        task = self.chance.choice(("extract_shopify", "extract_powerofficego", "transform"))
        self.moment = Moment(task, 0)

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self.place.disk.fill()
        self._since = time.monotonic()
        return True

    def tend(self) -> None:
        if time.monotonic() - self._since > _FULL:
            self.place.disk.free()

    def end(self) -> None:
        self.place.disk.free()


class _OfSystem(Fault):
    """A fault of one of the systems."""

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        self.side = self.chance.choice(SIDES)
        self.times = self.chance.randint(1, 4)

    side: str = ""
    times: int = 0

    @property
    def control(self) -> Control:
        return self.place.controls()[self.side]


class ResponseLost(_OfSystem):
    """Writes are carried out, and their answers never arrive."""

    name = "response lost"

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self.control.switch(lose_response_after_commit=self.times)
        return True

    def end(self) -> None:
        if self.struck:
            self.count = self.times - int(self.control.switches()["lose_response_after_commit"])
            self.control.switch(lose_response_after_commit=0)


class _Refusing(_OfSystem):
    """Answers that are errors."""

    def faults(self) -> list[dict[str, Any]]:
        """As `fail_next` takes them."""
        raise NotImplementedError

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self.control.switch(fail_next=self.faults())
        return True

    def end(self) -> None:
        if self.struck:
            left = sum(fault.get("times", 1) for fault in self.control.switches()["fail_next"])
            self.count = sum(fault["times"] for fault in self.faults()) - left
            self.control.switch(fail_next=[])


class ServerErrors(_Refusing):
    """HTTP 500, 502 or 503; half of them after the request was carried out all the same."""

    name = "server error"

    def faults(self) -> list[dict[str, Any]]:
        matches = {
            "powerofficego": ("POST /v2", "PATCH /v2", "GET /v2"),
            "shopify": ("CreateCustomers", "UpdateCustomers", "CreateProducts", "UpdateProducts", "POST /admin"),
        }[self.side]
        return [
            {
                "match": match,
                "status": 500 + n % 4 - (n % 4 == 1),
                "after_commit": (n + self.times) % 2 == 0,
                "times": 1,
            }
            for n, match in enumerate(matches[: self.times + 1])
        ]


class Throttled(_Refusing):
    """A storm of 429."""

    name = "429"

    def faults(self) -> list[dict[str, Any]]:
        matches = {"powerofficego": ("GET /v2", "POST /v2", "PATCH /v2"), "shopify": ("POST /admin",)}[self.side]
        return [
            {"match": match, "status": 429, "headers": {"Retry-After": "1"}, "times": 1 + self.times // 2}
            for match in matches
        ]


class Slow(_OfSystem):
    """Answers that take most of a second; each counts."""

    name = "slow answer"
    _before = 0

    def strike(self, working: list[Working]) -> bool:  # noqa: ARG002
        self._since, self._before = time.monotonic(), len(self.control.requests())
        self.control.switch(latency_seconds=0.25 * self.times)
        return True

    def tend(self) -> None:
        if time.monotonic() - self._since > _SLOW:
            self.end()

    def end(self) -> None:
        if self.struck and not self.count:
            self.count = len(self.control.requests()) - self._before
            self.control.switch(latency_seconds=self.place.latency)


KINDS: tuple[type[Fault], ...] = (
    Killed, StoreRestarted, ResponseLost, ServerErrors, DiskFull, WorkerKilled, Slow, Throttled,
    AirflowDatabaseRestarted,
)  # fmt: skip
_WEIGHTS = (5, 2, 3, 2, 1, 2, 1, 1, 0)


def choose(seed: int, place: Place, entities: list[str], kinds: Sequence[type[Fault]] = ()) -> list[Fault]:
    """One to four faults; seeds that follow each other go through all kinds.

    :param kinds: these instead, each once.
    """
    chance = Random(f"faults {seed}")
    some = [KINDS[seed % len(KINDS)], *chance.choices(KINDS, _WEIGHTS, k=chance.choice((0, 1, 2, 3)))]
    found: list[Fault] = []
    for kind in kinds or some:
        fault = kind(place, chance, entities)
        cannot = isinstance(fault, DiskFull) and place.disk.trouble
        repeats = isinstance(fault, Killed | WorkerKilled | StoreRestarted)
        if not cannot and (repeats or _switch(fault) not in map(_switch, found)):  # one switch holds one fault
            found.append(fault)
    return found


def _switch(fault: Fault) -> Any:
    kind = _Refusing if isinstance(fault, _Refusing) else type(fault)
    return kind, getattr(fault, "side", "")
