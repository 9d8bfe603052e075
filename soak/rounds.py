"""One round: a world, people at work, a run of the DAGs while things break, and the verdict once all is quiet."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import requests
from sqlalchemy import select

from samklang.connections import Fields, open_system
from samklang.mapping_files import load_mapping
from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.schema import metadata
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from soak import edits, faults
from soak.judge import judge
from soak.place import DAGS, SIDES, Place

_TICK = 0.1
_LONGEST = 240.0
_PATIENCE = 60.0
_ORPHANS = 30.0
_FURTHER = 3

Result = TypeVar("Result")


@dataclass(slots=True)
class Verdict:
    """How a round went. :param fired: how often each fault really struck; :param evidence: kept where it went wrong."""

    seed: int
    fired: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    writes: int = 0
    demands: int = 0
    runs: int = 0
    kind: str = ""
    evidence: Path | None = None


class Round:
    """:param kinds: faults of these kinds only, instead of those that the seed chooses."""

    def __init__(self, place: Place, seed: int, kinds: Sequence[type[faults.Fault]] = ()) -> None:
        self._place = place
        self._kinds = kinds
        self._chance = Random(f"round {seed}")
        self._linked = self._chance.random() < 0.5
        self._entities = self._chance.choice((["customers"], ["products"], ["customers", "products"]))
        self._clears = self._chance.random() < 0.6
        self._api = place.airflow.api
        self._runs: list[tuple[str, str]] = []
        self.verdict = Verdict(seed)
        self.verdict.kind = f"{'linked' if self._linked else 'first'} {'+'.join(self._entities)}"

    def play(self) -> Verdict:
        """:returns: the verdict; whatever goes wrong in between is a violation too."""
        started = time.monotonic()
        try:
            self._play()
        except Exception as error:  # one bad round must not end the night
            self.verdict.violations.append(f"{type(error).__name__}: {error}")
        self.verdict.seconds = time.monotonic() - started
        self.verdict.runs = len(self._runs)
        if self.verdict.violations:
            self.verdict.evidence = self._keep()
        self._forget()
        return self.verdict

    def _play(self) -> None:
        place, seed = self._place, self.verdict.seed
        place.latency = self._chance.choice((0.0, 0.02, 0.05))
        place.reset(seed)
        if self._linked:
            for entity in self._entities:
                _link(place, entity)
        people = edits.plan(seed, self._entities, *place.state(), linked=self._linked)
        for control in place.controls().values():
            control.clear_log()
        breaking = faults.choose(seed, place, self._entities, self._kinds)
        self._work(people, 0)
        try:
            runs = self._trigger()
            self._drive(runs, breaking, people)
        finally:
            for fault in breaking:
                fault.end()
        self._recover(runs)
        self._work(people, None)
        self._until_quiet()
        self._count(breaking)
        made = edits.demands(people)
        self.verdict.demands = len(made)
        self.verdict.writes = sum(map(len, place.writes().values()))
        self._wait_for_orphans()
        self.verdict.violations += judge(place, self._entities, self._runs, made)

    # --- runs ----------------------------------------------------------------------------------------------------

    def _trigger(self) -> list[tuple[str, str]]:
        mode = self._chance.choice(("auto", "auto", "full"))
        runs = [(DAGS[e], _eventually(self._trigger_one, DAGS[e], mode)) for e in self._entities]
        self._runs += runs
        return runs

    def _trigger_one(self, dag_id: str, mode: str) -> str:
        return self._api.trigger(dag_id, on_guard="proceed", mode=mode)

    def _drive(self, runs: list[tuple[str, str]], breaking: list[faults.Fault], people: list[edits.Edit]) -> None:
        """Until the runs have ended: people work, faults strike, tasks that wait for another try get it at once.

        :raises TimeoutError: they do not end.
        """
        started = time.monotonic()
        while True:
            tasks = _eventually(self._tasks, runs)
            self._work(people, time.monotonic() - started)
            working = [
                faults.Working(t["id"], f"{t['dag_id']}.{t['task_id']}") for t in tasks if t["state"] == "running"
            ]
            if breaking:
                writes = sum(map(len, self._place.writes().values()))
                for fault in breaking:
                    fault.watch(working, writes)
                    if fault.struck:
                        fault.tend()
            self._place.airflow.revive()
            for task in tasks:
                if task["state"] == "up_for_retry":
                    _eventually(self._clear, task, False)
            if not any(_eventually(self._is_running, *run) for run in runs):
                return
            if time.monotonic() - started > _LONGEST:
                states = {f"{t['dag_id']}.{t['task_id']}": t["state"] for t in tasks}
                raise TimeoutError(f"a run did not end in {_LONGEST:.0f} seconds: {states}")
            time.sleep(_TICK)

    def _recover(self, runs: list[tuple[str, str]]) -> None:
        """What failed is cleared, as a person would; or left to the next run, as the message says it may be."""
        failed = [t for t in _eventually(self._tasks, runs) if t["state"] == "failed" and t["task_id"] != "settle"]
        if failed and self._clears:
            for task in failed:
                _eventually(self._clear, task, True)
            self._drive(runs, [], [])

    def _until_quiet(self) -> None:
        for _ in range(_FURTHER):
            before = sum(map(len, self._place.writes().values()))
            runs = self._trigger()
            self._drive(runs, [], [])
            states = [_eventually(self._api.run_state, *run) for run in runs]
            if states != ["success"] * len(runs):
                self._recover(runs)
            elif sum(map(len, self._place.writes().values())) == before:
                return
        self.verdict.violations.append(f"not quiet: the last of {_FURTHER} further runs still wrote, or failed")

    def _tasks(self, runs: list[tuple[str, str]]) -> list[dict[str, Any]]:
        return [task for run in runs for task in self._api.tasks(*run)]

    def _clear(self, task: dict[str, Any], downstream: bool) -> None:
        self._api.clear(task["dag_id"], task["dag_run_id"], task["task_id"], downstream=downstream)

    def _is_running(self, dag_id: str, run_id: str) -> bool:
        return self._api.run_state(dag_id, run_id) not in ("success", "failed")

    def _work(self, people: list[edits.Edit], seconds: float | None) -> None:
        """Make the edits whose moment has come. :param seconds: None: all that are left."""
        for edit in people:
            if not edit.made and (seconds is None or edit.moment <= seconds):
                edits.carry_out(edit, self._place.controls())

    def _wait_for_orphans(self) -> None:
        deadline = time.monotonic() + _ORPHANS
        while self._place.tasks_at_work() and time.monotonic() < deadline:
            time.sleep(_TICK)

    # --- what is counted and kept --------------------------------------------------------------------------------

    def _count(self, breaking: list[faults.Fault]) -> None:
        for fault in breaking:
            if isinstance(fault, faults.DiskFull) and fault.struck:
                logs = (path.read_text(errors="replace") for path in self._logs())
                fault.count = sum(text.count("No space left on device") > 0 for text in logs)
            if fault.count:
                self.verdict.fired[fault.name] += fault.count

    def _logs(self) -> list[Path]:
        folder = self._place.folder / "airflow" / "logs"
        return [path for dag, run in self._runs for path in (folder / f"dag_id={dag}" / f"run_id={run}").rglob("*.log")]

    def _keep(self) -> Path:
        """Logs, records and the store of a round that went wrong."""
        folder = self._place.folder / f"round-{self.verdict.seed}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_text(json.dumps(_plain(self.verdict), indent=1))
        for path in self._logs():
            kept = folder / "tasks" / path.relative_to(self._place.folder / "airflow" / "logs")
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept)
        shutil.copytree(self._place.disk.folder, folder / "staging", ignore=shutil.ignore_patterns("ballast"))
        for side, control in self._place.controls().items():
            for name, read in (("state", control.state), ("writes", control.writes), ("requests", control.requests)):
                (folder / f"{side}-{name}.json").write_text(json.dumps(read(), indent=1, ensure_ascii=False))
        with self._place.database() as database, database.read() as connection:
            tables = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }
        (folder / "store.json").write_text(json.dumps(tables, indent=1, ensure_ascii=False, default=str))
        return folder

    def _forget(self) -> None:
        folder = self._place.folder / "airflow" / "logs"
        for dag, run in self._runs:
            shutil.rmtree(folder / f"dag_id={dag}" / f"run_id={run}", ignore_errors=True)


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in ("seed", "kind", "fired", "violations", "seconds", "runs")}


def _eventually(call: Callable[..., Result], *arguments: Any) -> Result:
    """Ask Airflow until it answers: while its database is away it cannot."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return call(*arguments)
        except requests.RequestException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _link(place: Place, entity: str) -> None:
    """A first run in this process: both systems are in tune when the round begins."""
    mapping = load_mapping(entity, place.mappings)
    connections = place.simulators.connections()
    values = {"powerofficego": connections[POWEROFFICEGO_CONNECTION], "shopify": connections[SHOPIFY_CONNECTION]}
    with place.database() as database:

        def open_side(side: str) -> Any:
            one = values[side]
            fields = Fields(one["host"], one.get("login"), one["password"], one.get("extra", {}))
            return open_system(side, mapping, fields, database)

        sync = Sync(
            mapping, database, Staging(place.disk.folder, database.store_id()), open_side, lambda: datetime.now(UTC)
        )
        run = Run("before the round")
        reads = [extract(sync, side, run) for side in SIDES]
        plan = transform(sync, run, reads)
        with database.begin() as connection:
            journal.set_plan(connection, plan["plan"], state="approved")
        written = {side: load(sync, side, plan) for side in SIDES}
        settle(sync, run, reads=reads, plan=plan, written=written, failed=[])
