"""What lists and single GETs are answered from: a copy that is a little behind (docs; sheet 10)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Dto = dict[str, Any]


@dataclass(slots=True)
class Replica:
    """:param now: the simulator's clock. :param lag: how many seconds it is behind; writes are not."""

    now: Callable[[], datetime]
    lag: Callable[[], float]
    _before: deque[tuple[datetime, str, int, Dto | None]] = field(default_factory=deque)

    def note(self, path: str, number: int, dto: Dto | None) -> None:
        """To be called before a change, with the object as it is. :param dto: None: there is none yet."""
        if self.lag():
            parts = {name: value.copy() for name, value in (dto or {}).items() if isinstance(value, dict | list)}
            self._before.append((self.now(), path, number, None if dto is None else dto | parts))

    def shown(self, path: str, objects: dict[int, Dto]) -> dict[int, Dto]:
        """The objects of a resource as they were a moment ago. :param objects: as they are; given back where equal."""
        since = self.now() - timedelta(seconds=self.lag())
        while self._before and self._before[0][0] <= since:
            self._before.popleft()
        earlier: dict[int, Dto | None] = {}
        for _, of, number, dto in self._before:
            if of == path:
                earlier.setdefault(number, dto)
        if not earlier:
            return objects
        known = {**objects, **earlier}
        return {number: dto for number in sorted(known) if (dto := known[number]) is not None}
