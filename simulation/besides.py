"""What a write of ours must not do besides: to records that are none of ours, and to what no mapping names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulation.desks import Desk
from simulation.versions import Record

SOON = 60.0
"""Seconds in which a write may still not know what people just did."""
MARKUP = ("<img", "<table")
"""What plain text cannot say."""
Shown = tuple[str | None, str | None, str, bool]
"""The address's country and its province, the description, and whether it is on sale for nothing."""


@dataclass(slots=True)
class Besides:
    """Told of each write. :param outside: since when a record is out of what is synchronised."""

    desks: Mapping[str, Desk]
    outside: dict[Record, float] = field(default_factory=dict)
    _shown: dict[Record, Shown] = field(default_factory=dict)

    def looked(self, side: str, who: str, at: float) -> list[str]:
        """After somebody wrote on a side. :returns: what must not have come of it."""
        desk, found = self.desks[side], list[str]()
        for i, values in desk.records().items():
            country = values.get("MailAddress.CountryCode")
            now = country, desk.province(i), desk.description(i), desk.is_for_nothing(i)
            before = self._shown.get((side, i), (None, None, "", False))
            self._shown[side, i] = now
            if who == "human" and desk.is_outside(i):
                self.outside.setdefault((side, i), at)
            if who == "api":
                found += [f"{told} {side} {i}" for told in _faults(before, now)]
        return found

    def meddles(self, ends: Iterable[Record], read_at: Mapping[Record, float], at: float) -> list[str]:
        """After we wrote onto one of these, or made it."""
        return [
            f"meddled: we wrote for {side} {i}, which is none that is synchronised"
            for side, i in ends
            if (since := self.outside.get((side, i))) is not None
            and (read_at.get((side, i), 0.0) > since or at - since > SOON)
        ]


def _faults(before: Shown, now: Shown) -> list[str]:
    country, province, description, was_free = before
    found = []
    if province and now[1] == province and now[0] != country:
        found.append("province: the country has changed, and the province of the one before stands in")
    if any(mark in description and mark not in now[2] for mark in MARKUP):
        found.append("wiped: text took the place of pictures or tables in")
    if now[3] and not was_free:
        found.append("for nothing: we put on sale, without a price,")
    return found
