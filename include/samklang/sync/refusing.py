"""Refusing: what a system does not take becomes a hold, tried again while that can help.

A refusal is a hold: of the field that the system named, or, where nothing of the row can be written, of the whole
record (field ""); so is a record that a system fails over whenever it is sent or asked for, for which there is no
answer: it is *unclear*. The planner tries it again as soon as anybody edits either record. Until then it is tried again
after an hour, and while the cause may pass by itself in growing steps, at last once a day, for as long as it takes:
one request a day is cheaper than data that never arrive. A cause that cannot pass is tried once more and then
skipped: after the same failure twice, of the same content and without another failure in between. A later success
clears it. All of these stay in the store out of tune, so each plan lists them and no watermark waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from samklang.core.clocks import from_datetime
from samklang.core.holds import waits_for
from samklang.core.plan import GIVEN_BACK, fingerprint
from samklang.store import ledger, orders, refusals
from samklang.sync.context import Sync
from samklang.systems.base import Problem

_RETRY_FIRST, _RETRY_LAST, _DOUBLINGS = timedelta(hours=1), timedelta(days=1), 5
_LASTING = frozenset({"invalid", "too_long", "missing"})
"""Refusals that only another content can end. All others may pass though neither record changes: the holder of a taken
value is a third record, and of a code that we do not know we cannot say that it lasts."""
_REMEDIES = {
    "taken": "Another record has this value already: change it there or here; it is tried again by itself.",
    "in_use": "The target system still uses what this would replace; it is tried again by itself.",
    "not_found": "The target system lacks what this belongs to; it is tried again by itself.",
    "unclear": "A system fails whenever this record is sent or asked for: see there what is wrong with it, or ask "
    "the system's support. It is tried again by itself, and as soon as it changes.",
    "parked": "Another record may be this one already: enter the same match key in both, or delete the other one.",
    "invalid": "Correct the value in the system where it was entered; it is tried again as soon as it changes.",
    "too_long": "Shorten the value in the system where it was entered.",
    "missing": "Fill in what the target system asks for; it is tried again as soon as the record changes.",
}
_REMEDY = "Correct the record in the system where it was entered; it is tried again as soon as it changes."


@dataclass(frozen=True, slots=True)
class Refusing:
    """Holds for one side of one plan. :param run_id: of the plan."""

    sync: Sync
    side: str
    run_id: str

    def hold_problems(self, connection: Connection, row: dict[str, Any], problems: Any) -> None:
        """Hold the fields that a system named, and what waits in a group with them; of a value that a person had put
        back, end the order."""
        changes = {c["field"]: c for c in row["changes"]}
        self._hold_groups(connection, row, [self.canonical.get(problem.field or "", "") for problem in problems])
        for problem in problems:
            change = changes.get(self.canonical.get(problem.field or "", ""))
            if change is not None and change.get("order") is not None:
                orders.close(connection, change["order"], orders.REFUSED, self.sync.clock())
            elif change is not None and change["why"] not in GIVEN_BACK:
                self.hold(connection, row, change["field"], problem, change["value"])

    def _hold_groups(self, connection: Connection, row: dict[str, Any], refused: list[str]) -> None:
        """Until the next plan says so: it knows the refusals, and holds whole groups."""
        group_of = {f.name: f.group for f in self.sync.mapping.fields}
        for name in refused:
            waiting = [
                c["field"]
                for c in row["changes"]
                if group_of.get(name) and c["field"] not in refused and group_of[c["field"]] == group_of[name]
            ]
            hold = waits_for(name)
            ledger.add_planner_holds(
                connection,
                self.sync.entity,
                [
                    {
                        "side": self.side,
                        "source_id": row["source_id"],
                        "field": field,
                        "reason": hold.reason,
                        "remedy": hold.remedy,
                        "run_id": self.run_id,
                        "since": self.sync.clock(),
                    }
                    for field in waiting
                ],
            )

    def hold(self, connection: Connection, row: dict[str, Any], name: str, problem: Problem, content: Any) -> None:
        """:param name: the field; "": the whole record. :param content: what was refused."""
        refused, last_edits = fingerprint(content), row["last_edits"]
        last = ledger.last_refusal(connection, self.sync.entity, self.side, row["source_id"], name)
        if last is not None and (last["fingerprint"] != refused or last["last_edits"] not in (None, last_edits)):
            last = None  # of something else
        attempts = 1 + (last["attempts"] if last else 0)
        wait = timedelta(0) if (problem.code, attempts) == ("unclear", 1) else pause(attempts)
        skip = problem.code in _LASTING and last is not None and last["reason"] == problem.code
        place = {"entity": self.sync.entity, "side": self.side, "source_id": row["source_id"], "field": name}
        attempt: dict[str, Any] = {
            "reason": problem.code,
            "named": None if name else self.canonical.get(problem.field or ""),
            "run_id": self.run_id,
            "at": self.sync.clock(),
            "said": problem.message or None,
        }
        refusals.add(connection, **place, **attempt)
        ledger.put_system_hold(
            connection,
            **place,
            **attempt,
            remedy=_REMEDIES.get(problem.code, _REMEDY),
            fingerprint=refused,
            retry_at=None if skip else from_datetime(self.sync.now() + wait),
            attempts=attempts,
            last_edits=last_edits,
        )

    @property
    def canonical(self) -> dict[str, str]:
        """The mapping's name of a field, by this system's."""
        return {f.names[self.side]: f.name for f in self.sync.mapping.fields}

    def refused_fields(self, problems: tuple[Problem, ...]) -> set[str]:
        return {self.canonical[p.field] for p in problems if p.field in self.canonical}


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts in vain."""
    wait: timedelta = _RETRY_FIRST * 2 ** min(attempts - 1, _DOUBLINGS)
    return min(wait, _RETRY_LAST)
