"""What is committed for each outcome of a load: result, bases, seen values, history, holds, in one transaction each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from samklang.core.clocks import from_datetime
from samklang.core.derive import SideView
from samklang.core.jsontext import loads
from samklang.core.plan import fingerprint
from samklang.store import ledger, links, seen
from samklang.sync.context import Sync
from samklang.sync.observe import record_answer
from samklang.systems.base import Outcome, Problem

_RETRY_FIRST, _RETRY_LAST = timedelta(hours=1), timedelta(days=1)
_REMEDIES = {
    "taken": "Another record has this value already: change it there or here; it is tried again by itself.",
    "invalid": "Correct the value in the system where it was entered; it is tried again as soon as it changes.",
    "too_long": "Shorten the value in the system where it was entered.",
}
_REMEDY = "Correct the record in the system where it was entered; it is tried again as soon as it changes."


@dataclass(slots=True)
class Committer:
    """Commits outcomes of one side of one plan.

    Rows are those of the plan with their number `n`; updates carry their `link_id`.
    """

    sync: Sync
    side: str
    plan: dict[str, Any]
    views: tuple[SideView, SideView]

    @property
    def _view(self) -> SideView:
        return next(view for view in self.views if view.name == self.side)

    @property
    def _source(self) -> str:
        return self.sync.mapping.other(self.side)

    def updated(self, row: dict[str, Any], outcome: Outcome) -> None:
        """An update was stored: both bases move, for the fields that the answer named.

        :raises OutdatedError: another plan wrote this side meanwhile; only what is seen was committed.
        """
        assert outcome.record is not None
        refused = self._refused_fields(outcome.problems)
        with self.sync.database.begin() as connection:
            now, _ = record_answer(connection, self.sync, self._view, outcome.record, self.sync.clock())
        written = [c for c in row["changes"] if c["field"] not in refused and c["field"] in now["raw"]]
        with self.sync.database.begin() as connection:
            if row["op"] != "free":
                links.advance(
                    connection,
                    row["link_id"],
                    self._bases(written, now),
                    written=(self.side, row["revision"]),
                )
            self._history(connection, row["link_id"], row["op"], row["id"], written, now)
            self._hold_problems(connection, row, outcome.problems)
            ledger.drop_holds(
                connection, self.sync.entity, self.side, row["source_id"], ["", *(c["field"] for c in written)]
            )
            self.close_in(connection, row, "written")

    def created(self, row: dict[str, Any], outcome: Outcome) -> None:
        """A record was made, or found by its key: it becomes the twin."""
        assert outcome.record is not None
        at = self.sync.clock()
        with self.sync.database.begin() as connection:
            now, _ = record_answer(connection, self.sync, self._view, outcome.record, at)
            if links.of_records(connection, self.sync.entity, self._source, [row["source_id"]]):
                ledger.close_intent(connection, self.sync.entity, self.side, row["key"], state="done", at=at)
                self.close_in(connection, row, "linked", "it has a twin by now")
                return
            known = [c for c in row["changes"] if c["field"] in now["raw"]]
            bases = self._bases(known, now)
            link_id = links.create(
                connection,
                entity=self.sync.entity,
                origin="created",
                run_id=self.plan["run_id"],
                at=at,
                sides=[
                    links.LinkSide(self._source, row["source_id"], bases[self._source]),
                    links.LinkSide(self.side, outcome.record.id, bases[self.side]),
                ],
            )
            self._base_the_rest(connection, link_id, row["source_id"], now, {c["field"] for c in known})
            self._history(connection, link_id, "create", outcome.record.id, known, now)
            ledger.close_intent(connection, self.sync.entity, self.side, row["key"], state="done", at=at)
            ledger.drop_holds(connection, self.sync.entity, self.side, row["source_id"], [""])
            self.close_in(connection, row, "created")

    def moved(self, row: dict[str, Any], outcome: Outcome) -> None:
        """The target no longer holds what the plan saw: the next plan looks at it anew."""
        with self.sync.database.begin() as connection:
            if outcome.record is not None:
                record_answer(connection, self.sync, self._view, outcome.record, self.sync.clock())
            seen.add_revisit(connection, self.sync.entity, self.side, [row["id"]], "gone" if outcome.gone else "moved")
            self.close_in(connection, row, "gone" if outcome.gone else "moved")

    def refused(self, row: dict[str, Any], outcome: Outcome) -> None:
        """Nothing of the row was taken: the refused fields are held, or the whole record is."""
        with self.sync.database.begin() as connection:
            fields = [p for p in outcome.problems if p.field is not None]
            if row["op"] == "update" and fields:
                self._hold_problems(connection, row, fields)
            else:
                problems = outcome.problems or (Problem(None, "rejected", str(outcome.error or "refused")),)
                self._hold(connection, row, "", problems[0], {c["field"]: c["value"] for c in row["changes"]})
            if row["op"] == "create":
                at = self.sync.clock()
                ledger.close_intent(
                    connection, self.sync.entity, self.side, row["key"], state="failed", at=at, note=_code(outcome)
                )
            self.close_in(connection, row, "refused", _code(outcome))

    def parked(self, row: dict[str, Any], note: str) -> None:
        """A person has to say whether the record that holds the key is ours."""
        with self.sync.database.begin() as connection:
            at = self.sync.clock()
            ledger.close_intent(connection, self.sync.entity, self.side, row["key"], state="parked", at=at, note=note)
            content = {c["field"]: c["value"] for c in row["changes"]}
            self._hold(connection, row, "", Problem(None, "parked", note), content)
            self.close_in(connection, row, "parked", note)

    def hold_fields(self, row: dict[str, Any], outcome: Outcome) -> None:
        """Fields that a create goes without."""
        with self.sync.database.begin() as connection:
            self._hold_problems(connection, row, outcome.problems)

    def look_again(self, record_id: str, reason: str) -> None:
        with self.sync.database.begin() as connection:
            seen.add_revisit(connection, self.sync.entity, self.side, [record_id], reason)

    def close(self, row: dict[str, Any], outcome: str, reason: str) -> None:
        with self.sync.database.begin() as connection:
            self.close_in(connection, row, outcome, reason)

    def close_in(self, connection: Connection, row: dict[str, Any], outcome: str, reason: str | None = None) -> None:
        ledger.put_result(
            connection, self.plan["id"], self.side, row["n"], outcome, reason=reason, at=self.sync.clock()
        )

    def _bases(self, changes: list[dict[str, Any]], now: dict[str, Any]) -> dict[str, links.Base]:
        """What the source had when the plan was made, and what the target says that it stores."""
        return {
            self._source: {c["field"]: tuple(c["source"]) for c in changes},
            self.side: {c["field"]: _based(now, c["field"]) for c in changes},
        }

    def _base_the_rest(
        self, connection: Connection, link_id: int, source_id: str, now: dict[str, Any], done: set[str]
    ) -> None:
        """Fields that were empty on both sides of a new pair, or got a default there, are in tune as they stand."""
        source = seen.known(connection, self.sync.entity, self._source, [source_id])[source_id]
        raw, normal, form = (loads(source[name]) for name in ("raw", "normal", "form"))
        rest = [
            f.name
            for f in self.sync.mapping.fields
            if f.name not in done and f.name in raw and f.name in now["raw"] and normal[f.name] is None
        ]
        if rest:
            links.advance(
                connection,
                link_id,
                {
                    self._source: {name: (raw[name], normal[name], form[name]) for name in rest},
                    self.side: {name: _based(now, name) for name in rest},
                },
            )

    def _history(
        self,
        connection: Connection,
        link_id: int,
        op: str,
        record_id: str,
        changes: list[dict[str, Any]],
        now: dict[str, Any],
    ) -> None:
        ledger.add_history(
            connection,
            entity=self.sync.entity,
            link_id=link_id,
            side=self.side,
            record_id=record_id,
            op=op,
            before={c["field"]: c["expected"] for c in changes},
            after={c["field"]: now["raw"][c["field"]] for c in changes},
            run_id=self.plan["run_id"],
            plan_id=self.plan["id"],
            at=self.sync.clock(),
        )

    def _hold_problems(self, connection: Connection, row: dict[str, Any], problems: Any) -> None:
        values = {c["field"]: c["value"] for c in row["changes"]}
        canonical = {f.names[self.side]: f.name for f in self.sync.mapping.fields}
        for problem in problems:
            name = canonical.get(problem.field or "")
            if name is not None and name in values:
                self._hold(connection, row, name, problem, values[name])

    def _hold(self, connection: Connection, row: dict[str, Any], name: str, problem: Problem, content: Any) -> None:
        attempts = 1 + ledger.attempts(connection, self.sync.entity, self.side, row["source_id"], name)
        wait = min(_RETRY_FIRST * 2 ** (attempts - 1), _RETRY_LAST)
        ledger.put_system_hold(
            connection,
            entity=self.sync.entity,
            side=self.side,
            source_id=row["source_id"],
            field=name,
            reason=problem.code,
            remedy=_REMEDIES.get(problem.code, _REMEDY),
            fingerprint=fingerprint(content),
            retry_at=from_datetime(self.sync.now() + wait),
            run_id=self.plan["run_id"],
            at=self.sync.clock(),
            attempts=attempts,
        )

    def _refused_fields(self, problems: tuple[Problem, ...]) -> set[str]:
        canonical = {f.names[self.side]: f.name for f in self.sync.mapping.fields}
        return {canonical[p.field] for p in problems if p.field in canonical}


def _based(now: dict[str, Any], name: str) -> tuple[str | None, str | None, str]:
    return now["raw"][name], now["normal"][name], now["form"][name]


def _code(outcome: Outcome) -> str:
    if outcome.problems:
        return outcome.problems[0].code
    return type(outcome.error).__name__ if outcome.error else "rejected"
