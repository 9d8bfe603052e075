"""Two systems in memory, a store and the shipped engine between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.database import Database
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.report import status
from samklang.sync.settle import settle
from samklang.sync.transform import transform
from tests.sync.memory_system import MemorySystem

LEFT, RIGHT = "powerofficego", "shopify"
MAPPINGS = Path(__file__).parents[2] / "include" / "mappings"


def customers(*lines: str, **replaced: str) -> Mapping:
    """The shipped mapping of customers with these lines in the place of those of the same key."""
    text = (MAPPINGS / "customers.yaml").read_text()
    for line in lines:
        key = line.split(":")[0]
        text = "\n".join(line if old.split(":")[0] == key else old for old in text.splitlines())
    for old, new in replaced.items():
        text = text.replace(old, new)
    return parse_mapping(text, file="customers.yaml")


@dataclass
class World:
    folder: Path
    mapping: Mapping
    left: MemorySystem = field(default_factory=lambda: MemorySystem(LEFT))
    right: MemorySystem = field(default_factory=lambda: MemorySystem(RIGHT))
    moment: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)
    url: str = ""
    runs: int = 0

    def __post_init__(self) -> None:
        self.database = Database(self.url or f"sqlite:///{self.folder}/store.db")

    def sync(self) -> Sync:
        systems: dict[str, Any] = {LEFT: self.left, RIGHT: self.right}
        staging = Staging(self.folder / "staging")
        return Sync(self.mapping, self.database, staging, systems.__getitem__, lambda: self.moment)

    def plan(self, run: Run) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        sync = self.sync()
        reads = [extract(sync, side, run) for side in (LEFT, RIGHT)]
        return reads, transform(sync, run, reads)

    def run(self, *, between: Callable[[], None] | None = None, **options: Any) -> dict[str, Any]:
        """One run from extract to settle; `between` happens after the plan and before the loads."""
        self.runs += 1
        self.moment += timedelta(minutes=15)
        run = Run(f"run-{self.runs}", **options)
        reads, plan = self.plan(run)
        if between:
            between()
        return self.carry_out(run, reads, plan)

    def carry_out(self, run: Run, reads: list[dict[str, Any]], plan: dict[str, Any]) -> dict[str, Any]:
        sync = self.sync()
        if not run.dry_run:
            with self.database.begin() as connection:
                journal.set_plan(connection, plan["plan"], state="approved")
        reports = {side: load(sync, side, plan) for side in (RIGHT, LEFT)}
        return settle(sync, run, reads=reads, plan=plan, written=reports, failed=[])

    def status(self) -> dict[str, Any]:
        return status(self.database, self.mapping)

    def rows(self, table: Any) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def writes(self) -> int:
        return len(self.left.writes) + len(self.right.writes)
