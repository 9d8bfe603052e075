"""Load: carry out one side of a plan.

An intent is committed before each create and an expectation goes with each update; the outcome, the new bases and what
the system answered are committed per record. So running a load again does what is left, and nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from samklang.errors import OutdatedError, RemoteError, StoreError
from samklang.store import journal, ledger, links
from samklang.sync.adopt import adopt
from samklang.sync.commit import Committer
from samklang.sync.context import Sync, from_json
from samklang.systems.base import Change, Creation, Outcome, Update

_CHUNK = 50
_TRIES_WITHOUT_A_FIELD = 4


@dataclass(slots=True)
class Report:
    """What a load did: rows by outcome, and why rows failed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {"outcomes": dict(self.outcomes), "reasons": dict(self.reasons)}


def load(sync: Sync, side: str, plan_reference: dict[str, Any]) -> dict[str, Any]:
    """Write one side's rows of an approved plan.

    :returns: rows by outcome. :raises RemoteError: something that another try may mend; what was done is kept.
    :raises OutdatedError: a newer plan has been carried out since.
    """
    with sync.database.read() as connection:
        plan = journal.plan(connection, plan_reference["plan"])
    if plan["state"] == "dry":
        return Report().as_json()
    if plan["state"] != "approved":
        raise StoreError(
            f"Plan {plan['id']} is {plan['state']}, not approved.", remedy="Approve it in the task review first."
        )
    descriptions = {read["side"]: from_json(read["description"]) for read in plan_reference["reads"]}
    adopt(sync, plan)
    return _Lane(sync, side, plan, Committer(sync, side, plan, sync.views(descriptions))).run().as_json()


@dataclass(slots=True)
class _Lane:
    sync: Sync
    side: str
    plan: dict[str, Any]
    committer: Committer
    report: Report = field(default_factory=Report)
    failure: RemoteError | None = None

    def run(self) -> Report:
        rows = [
            {**row, "n": n}
            for n, row in enumerate(self.sync.staging.read_lines(self.plan["folder"], "rows"))
            if row["side"] == self.side
        ]
        with self.sync.database.read() as connection:
            done = ledger.results(connection, self.plan["id"], self.side)
        for outcome in done.values():
            self.report.outcomes[outcome] += 1
        left = [row for row in rows if row["n"] not in done]
        for wave in sorted({row["wave"] for row in left}):
            mine = [row for row in left if row["wave"] == wave]
            for chunk in _chunks([row for row in mine if row["op"] != "create"]):
                self._update(chunk)
            for chunk in _chunks([row for row in mine if row["op"] == "create"]):
                self._create(chunk)
        if self.failure is not None:
            raise self.failure
        return self.report

    def _count(self, outcome: str, reason: str = "") -> None:
        self.report.outcomes[outcome] += 1
        if reason:
            self.report.reasons[reason] += 1

    def _failed(self, error: RemoteError) -> None:
        """Keep the first failure that another try may mend; the rest of the chunk goes on."""
        self._count("failed", type(error).__name__)
        self.failure = self.failure or error

    # --- updates -------------------------------------------------------------------------------------------------

    def _update(self, chunk: list[dict[str, Any]]) -> None:
        with self.sync.database.read() as connection:
            found = links.of_records(connection, self.sync.entity, self.side, [row["id"] for row in chunk])
        names = {f.name: f.names[self.side] for f in self.sync.mapping.fields}
        current: dict[int, dict[str, Any]] = {}
        for row in chunk:
            link_id, revision = found.get(row["id"], (None, -1))
            if link_id is None or revision != row["revision"]:
                self.committer.close(row, "outdated", "written since this plan was made")
                self._count("outdated")
            else:
                current[row["n"]] = {**row, "link_id": link_id}
        updates = [
            Update(
                ref=n,
                id=row["id"],
                changes=tuple(Change(names[c["field"]], c["expected"], c["value"]) for c in row["changes"]),
                facts=row["facts"],
            )
            for n, row in current.items()
        ]
        for outcome in self._send(lambda: self.sync.system(self.side).update(updates)) if updates else ():
            self._commit_update(current[outcome.ref], outcome)

    def _commit_update(self, row: dict[str, Any], outcome: Outcome) -> None:
        if outcome.error is not None and not outcome.error.final:
            self._failed(outcome.error)
            self.committer.look_again(row["id"], "unclear")
        elif outcome.moved or outcome.gone:
            self.committer.moved(row, outcome)
            self._count("gone" if outcome.gone else "moved")
        elif outcome.record is None:
            self.committer.refused(row, outcome)
            self._count("refused", _reason(outcome))
        else:
            try:
                self.committer.updated(row, outcome)
            except OutdatedError:
                self.committer.close(row, "outdated", "written since this plan was made")
                self._count("outdated")
            else:
                self._count("freed" if row["op"] == "free" else "written")
                for problem in outcome.problems:
                    self.report.reasons[f"{problem.code}"] += 1

    # --- creates -------------------------------------------------------------------------------------------------

    def _create(self, chunk: list[dict[str, Any]]) -> None:
        open_before = self._open_intents(chunk)
        waiting = {row["n"]: row for row in chunk if row["n"] in open_before}
        known = [row for row in waiting.values() if open_before[row["n"]]]
        if known:
            self._resolve(known, waiting)
        for _ in range(_TRIES_WITHOUT_A_FIELD):
            if not waiting:
                return
            waiting = self._create_once(waiting)

    def _open_intents(self, chunk: list[dict[str, Any]]) -> dict[int, bool]:
        """Commit an intent per row, before anything is sent. By row: was there an open one already?"""
        source_side = self.sync.mapping.other(self.side)
        result: dict[int, bool] = {}
        with self.sync.database.begin() as connection:
            linked = links.of_records(connection, self.sync.entity, source_side, [row["source_id"] for row in chunk])
            already = ledger.open_intents(connection, self.sync.entity, self.side)
            for row in chunk:
                if row["source_id"] in linked:
                    self.committer.close_in(connection, row, "linked", "it has a twin by now")
                    self._count("linked")
                    continue
                holder = already.get(row["key"])
                if holder is not None and holder["source_id"] != row["source_id"]:
                    self.committer.close_in(connection, row, "refused", "another record is being made with this key")
                    self._count("refused", "key_taken")
                    continue
                ledger.open_intent(
                    connection,
                    entity=self.sync.entity,
                    side=self.side,
                    key=row["key"],
                    source_id=row["source_id"],
                    run_id=self.plan["run_id"],
                    plan_id=self.plan["id"],
                    at=self.sync.clock(),
                )
                result[row["n"]] = holder is not None
                row["intended_at"] = holder["created_at"] if holder else self.sync.clock()
        return result

    def _resolve(self, rows: list[dict[str, Any]], waiting: dict[int, dict[str, Any]]) -> None:
        """Rows whose create may have happened: whoever holds the key is the twin; nothing is sent blindly."""
        system = self.sync.system(self.side)
        found = system.find_by_key([row["key"] for row in rows])
        for row in rows:
            holders = found.get(row["key"], [])
            if not holders:
                continue  # from the database, not a search: it was not made
            del waiting[row["n"]]
            ours = system.rules.key_proves_origin or holders[0].created >= row["intended_at"]
            if len(holders) == 1 and ours:
                self.committer.created(row, Outcome(ref=row["n"], record=holders[0]))
                self._count("created")
            else:
                self.committer.parked(row, "another record holds the key of a create whose outcome is unknown")
                self._count("parked")

    def _create_once(self, waiting: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """:returns: rows to send once more, without the fields that the system refused."""
        names = {f.name: f.names[self.side] for f in self.sync.mapping.fields}
        creations = [
            Creation(
                ref=n,
                key=row["key"],
                values={names[c["field"]]: c["value"] for c in row["changes"]},
                options=row["options"],
            )
            for n, row in waiting.items()
        ]
        again: dict[int, dict[str, Any]] = {}
        for outcome in self._send(lambda: self.sync.system(self.side).create(creations)):
            row = waiting[outcome.ref]
            if outcome.error is not None and not outcome.error.final:
                self._failed(outcome.error)
            elif outcome.record is not None:
                self.committer.created(row, outcome)
                self._count("created")
            elif (reduced := self._without_refused(row, outcome)) is not None:
                again[row["n"]] = reduced
            else:
                self.committer.refused(row, outcome)
                self._count("refused", _reason(outcome))
        return again

    def _without_refused(self, row: dict[str, Any], outcome: Outcome) -> dict[str, Any] | None:
        """The row without the refused fields, which are held; None where it cannot do without them.

        A refused match key is never left out: a record with that key exists, and a second one would be its double.
        """
        mapping, rules = self.sync.mapping, self.sync.system(self.side).rules
        canonical = {f.names[self.side]: f.name for f in mapping.fields}
        refused = {canonical.get(p.field or "") for p in outcome.problems}
        if not refused or None in refused or refused & set(mapping.match):
            return None
        kept = [c for c in row["changes"] if c["field"] not in refused]
        names = {f.names[self.side] for f in mapping.fields if any(c["field"] == f.name for c in kept)}
        if len(kept) == len(row["changes"]) or not any(names.issuperset(need) for need in rules.create_needs):
            return None
        self.committer.hold_fields(row, outcome)
        return {**row, "changes": kept}

    def _send(self, call: Any) -> Iterator[Outcome]:
        """Outcomes one by one; a failure of the whole batch ends it and is raised when the lane is through."""
        try:
            yield from call()
        except RemoteError as error:
            if error.final:
                raise
            self._failed(error)


def _reason(outcome: Outcome) -> str:
    if outcome.problems:
        return outcome.problems[0].code
    return type(outcome.error).__name__ if outcome.error else "rejected"


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
