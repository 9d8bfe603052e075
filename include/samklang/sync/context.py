"""What every step of a sync is given from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from samklang.core.clocks import from_datetime
from samklang.core.derive import SideView
from samklang.core.mapping import Mapping
from samklang.staging import Staging
from samklang.store.database import Database
from samklang.systems.base import Description, System


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an entity's DAG.

    :param kind: `scheduled`, `manual`, `backfill` or `asset_triggered`, as Airflow calls it.
    :param mode: `auto`, `changes` or `full`.
    :param window: of a backfill: [start, end), as `core.clocks` writes it; only records last changed in it take part.
    """

    id: str
    kind: str = "manual"
    mode: str = "auto"
    dry_run: bool = False
    window: tuple[str, str] | None = None


@dataclass(slots=True)
class Sync:
    """One entity of one pair of systems.

    :param open_system: makes the system of a side, without sending a request; called when it is first needed.
    :param now: an aware time.
    :param sleep: for a given number of seconds, while another run has its turn; see `store.lanes`.
    """

    mapping: Mapping
    database: Database
    staging: Staging
    open_system: Callable[[str], System]
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    _systems: dict[str, System] = field(default_factory=dict)

    @property
    def entity(self) -> str:
        return self.mapping.entity

    def system(self, side: str) -> System:
        if side not in self._systems:
            self._systems[side] = self.open_system(side)
        return self._systems[side]

    def clock(self) -> str:
        return from_datetime(self.now())

    def views(self, descriptions: dict[str, Description]) -> tuple[SideView, SideView]:
        """Both sides as values are judged by them, first side first."""
        first, second = (
            SideView(
                side, descriptions[side].facts, descriptions[self.mapping.other(side)].facts, self.system(side).rules
            )
            for side in self.mapping.sides
        )
        return first, second


def to_json(description: Description) -> dict[str, Any]:
    return {"id": description.id, "name": description.name, "facts": dict(description.facts)}


def from_json(values: dict[str, Any]) -> Description:
    return Description(**values)
