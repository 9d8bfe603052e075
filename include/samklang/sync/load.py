"""Load: carry out one side of a plan.

An intent is committed before each create and an expectation goes with each update; the outcome, the new bases and what
the system answered are committed per record. So running a load again does what is left, and nothing twice. Two at once
take turns, see `store.lanes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from samklang.core.records import Record
from samklang.errors import (
    AccessError,
    RejectedError,
    RemoteError,
    StagingError,
    StoreError,
    TemporaryError,
)
from samklang.store import journal, lanes, ledger, links, seen, tombstones
from samklang.sync import rejudge, taken
from samklang.sync.adopt import adopt
from samklang.sync.commit import Committer
from samklang.sync.context import Sync
from samklang.sync.forgotten import is_about_forgotten
from samklang.sync.freeing import WAITS, Freeing
from samklang.sync.meter import NOTHING, Meter, Used
from samklang.sync.sifting import may_be_one_record, sift
from samklang.sync.sources import still_true
from samklang.sync.unconfirmed import Unconfirmed
from samklang.sync.waited import OUTDATED, check_plan
from samklang.systems.base import Change, Creation, Outcome, Update

_CHUNK = 50
_TRIES_WITHOUT_A_FIELD = 4

Rows = dict[int, dict[str, Any]]
"""Rows of a plan by their number."""
Failed = dict[int, RemoteError]
"""Why rows failed, by their number."""


@dataclass(slots=True)
class Report:
    """What a load did: rows by outcome, why rows failed, and what it asked of the system."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    used: Used = field(default_factory=lambda: dict(NOTHING))

    def as_json(self) -> dict[str, Any]:
        return {"outcomes": dict(self.outcomes), "reasons": dict(self.reasons), "used": self.used}


def load(sync: Sync, side: str, plan_reference: dict[str, Any]) -> dict[str, Any]:
    """Write one side's rows of an approved plan, once no other load of this side is at work.

    :returns: rows by outcome. :raises RemoteError: something that another try may mend; what was done is kept.
    :raises OutdatedError: a newer plan has been carried out since, or this load has lost its turn to another.
    :raises LaneBusyError: another load was at work for as long as one may wait.
    :raises StagingError: the plan's files have expired.
    """
    with sync.database.read() as connection:
        plan = journal.plan(connection, plan_reference["plan"], folder=plan_reference["folder"])
    if plan["state"] == "dry":
        return Report().as_json()
    if plan["state"] not in ("approved", OUTDATED):
        raise StoreError(
            f"Plan {plan['id']} is {plan['state']}, not approved.", remedy="Approve it in the task review first."
        )
    with lanes.take(sync.database, sync.entity, side, run_id=plan["run_id"], at=sync.clock(), sleep=sync.sleep) as turn:
        sync = replace(sync, database=turn.database)
        try:
            meter = Meter(sync, side)
            descriptions, rows = check_plan(sync, side, plan, plan_reference)
            adopt(sync, plan, descriptions)
            committer = Committer(sync, side, plan, sync.views(descriptions))
            report = _Lane(sync, side, plan, committer, turn.confirm).run(rows)
            report.used = meter.read()
            return report.as_json()
        except StagingError:
            with sync.database.begin() as connection:  # of a plan that is outdated as well, that is what to say
                journal.take_over(connection, sync.entity, plan["id"])
            raise


@dataclass(slots=True)
class _Lane:
    sync: Sync
    side: str
    plan: dict[str, Any]
    committer: Committer
    confirm: Callable[[], None]
    freeing: Freeing = field(init=False)
    unconfirmed: Unconfirmed = field(init=False)
    report: Report = field(default_factory=Report)
    failure: RemoteError | None = None
    is_down: bool = False

    def __post_init__(self) -> None:
        self.unconfirmed = Unconfirmed(self.sync, self.side, self.plan["id"], self.committer, self.report.outcomes)

    def run(self, rows: list[dict[str, Any]]) -> Report:
        with self.sync.database.read() as connection:
            done = ledger.results(connection, self.plan["id"], self.side)
            entombed = tombstones.known(connection, self.sync.entity)  # nobody is forgotten while a load is at work
        if entombed:
            rows = [row for row in rows if not is_about_forgotten(self.sync.mapping, entombed, row)]
        for outcome in done.values():
            self.report.outcomes[outcome] += 1
        left = [row for row in rows if row["n"] not in done]
        self.freeing = Freeing(self.sync, self.side, self.plan["id"], rows)
        for wave in sorted({row["wave"] for row in left}):
            mine = self._in_turn([row for row in left if row["wave"] == wave])
            for chunk in _chunks([row for row in mine if row["op"] != "create"]):
                self._carry_out(self._update, chunk)
            for chunk in _chunks([row for row in mine if row["op"] == "create"]):
                self._carry_out(self._create, chunk)
        for back in self.freeing.to_return():
            for chunk in _chunks(back):
                self._carry_out(self._update, chunk)
        taken.note_holders(self.sync, self.side)
        if self.failure is None and (outage := self.unconfirmed.close({row["key"] for row in rows})):
            self._failed(outage)
        if self.failure is not None:
            raise self.failure
        return self.report

    def _in_turn(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Without those that take a value which was to become free, and did not."""
        ready, later, held = self.freeing.split(rows)
        for row, fields in held:
            self.committer.waits(row, fields)
            self.report.reasons["taken"] += len(fields)
        are_held = {row["n"] for row, _ in held}
        for row in later:
            outcome = "refused" if row["n"] in are_held else "outdated"
            self.committer.close(row, outcome, WAITS)
            self._count(outcome)
        return ready

    def _carry_out(self, write: Callable[[list[dict[str, Any]]], None], chunk: list[dict[str, Any]]) -> None:
        """Send one chunk, having made sure that it is still this load's turn and that no newer plan has taken over.

        A turn that is lost after that, while the chunk is under way, is noticed by its next commit, which comes with
        the next answer: a few requests may be out by then.

        :raises OutdatedError: it is not.
        """
        if self.is_down or isinstance(self.failure, AccessError | TemporaryError):
            return  # the system is out of reach
        try:
            chunk, lost = still_true(self.sync, self.side, self.committer, chunk)
        except RemoteError as error:
            if error.final:
                raise
            self._failed(error)
            return
        self.report.outcomes.update(lost)
        if not chunk:
            return
        self.confirm()
        with self.sync.database.begin() as connection:
            journal.take_over(connection, self.sync.entity, self.plan["id"])
        write(chunk)

    def _count(self, outcome: str, reason: str = "") -> None:
        self.report.outcomes[outcome] += 1
        if reason:
            self.report.reasons[reason] += 1

    def _failed(self, error: RemoteError) -> None:
        """Keep the first failure that is none of the record's own; it is raised when the lane is through."""
        self._count("failed", type(error).__name__)
        self.failure = self.failure or error

    def _send_apart(self, rows: Rows, send: Callable[[Rows], Failed]) -> None:
        """Send rows, what failed once more in parts; a row that fails alone is quarantined, and the others go through.

        :param send: changes the rows that it had to reduce. :returns: those that failed.
        """
        failed = send(rows)
        suspects = {n: error for n, error in failed.items() if may_be_one_record(error)}

        def again(part: Sequence[int]) -> Failed:
            self.confirm()
            return send({n: rows[n] for n in part})

        if len(suspects) == len(failed):
            found = sift(
                suspects, again, is_alive=len(failed) < len(rows), ask=lambda: self.sync.system(self.side).describe()
            )
            for n, error in found.bad.items():
                self.committer.unclear(rows[n], error, self.freeing.meant(rows[n]))
                self._count("unclear", type(error).__name__)
            if found.outage is None:
                return
            self.is_down, failed = True, dict.fromkeys(found.lost, found.outage)
        for n, error in failed.items():
            self._failed(error)
            if rows[n]["op"] != "create":
                self.committer.look_again(rows[n]["id"], "unclear")

    # --- updates -------------------------------------------------------------------------------------------------

    def _update(self, chunk: list[dict[str, Any]]) -> None:
        rows = self._current(chunk)
        if rows:
            self._send_apart(rows, lambda part: self._until_taken(rows, part, self._update_once))

    def _until_taken(self, rows: Rows, part: Rows, send: Callable[[Rows, Failed], Rows]) -> Failed:
        """Send rows, again without the fields that the system refused. :param rows: keeps those without them."""
        failed: Failed = {}
        for _ in range(_TRIES_WITHOUT_A_FIELD):
            if part:
                part = send(part, failed)
                rows |= part
        return failed

    def _current(self, chunk: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """The rows whose target is the twin of the same record still, and was not written since the plan was made."""
        source_side = self.sync.mapping.other(self.side)
        with self.sync.database.read() as connection:
            found = links.of_records(connection, self.sync.entity, self.side, [row["id"] for row in chunk])
            twins = links.of_records(connection, self.sync.entity, source_side, [row["source_id"] for row in chunk])
        current: dict[int, dict[str, Any]] = {}
        for row in chunk:
            link_id, revision = found.get(row["id"], (None, -1))
            twin_link_id = twins.get(row["source_id"], (None, -1))[0]
            if link_id is None or link_id != twin_link_id or revision != row["revision"]:
                self._outdated(row, "written since this plan was made")
            else:
                current[row["n"]] = {**row, "link_id": link_id}
        for n, reason in rejudge.outdated_updates(self.sync, self.side, list(current.values())).items():
            self._outdated(current.pop(n), reason)
        return current

    def _outdated(self, row: dict[str, Any], reason: str) -> None:
        """The next plan judges it anew."""
        self.committer.close(row, "outdated", reason)
        self._count("outdated")

    def _update_once(self, waiting: Rows, failed: Failed) -> Rows:
        """:returns: rows to send once more, without the fields that the system refused."""
        names = {f.name: f.names[self.side] for f in self.sync.mapping.fields}
        groups = {f.name: f.group for f in self.sync.mapping.fields}
        updates = [
            Update(
                ref=n,
                id=row["id"],
                changes=tuple(
                    Change(names[c["field"]], c["expected"], c["value"], groups.get(c["field"])) for c in row["changes"]
                ),
                facts=row["facts"],
            )
            for n, row in waiting.items()
        ]
        again: Rows = {}
        for outcome in self._send(lambda: self.sync.system(self.side).update(updates), waiting, failed):
            row = waiting[outcome.ref]
            if outcome.error is not None and not isinstance(outcome.error, RejectedError):
                failed[outcome.ref] = outcome.error
            elif outcome.moved or outcome.gone or outcome.erased:
                self._count(self.committer.moved(row, outcome))
            elif outcome.record is not None:
                self._commit_update(row, outcome, outcome.record)
            elif (reduced := self._without_refused(row, outcome)) is not None:
                again[row["n"]] = reduced
            else:
                self.committer.refused(row, outcome)
                self._count("refused", _reason(outcome))
        return again

    def _commit_update(self, row: dict[str, Any], outcome: Outcome, record: Record) -> None:
        self.freeing.kept(row, self.committer.refusing.refused_fields(outcome.problems))
        if self.committer.updated(row, outcome, record):
            self._count("freed" if row["op"] == "free" else "written")
            self.report.reasons.update([*(problem.code for problem in outcome.problems), *outcome.doubts])
        else:
            self._count("outdated")

    # --- creates -------------------------------------------------------------------------------------------------

    def _create(self, chunk: list[dict[str, Any]]) -> None:
        opened_at = self.sync.clock()
        stale = rejudge.outdated_creates(self.sync, self.side, chunk)
        for row in chunk:
            if row["n"] in stale:
                self._outdated(row, stale[row["n"]])
        rows, intended_at = self._open_intents([row for row in chunk if row["n"] not in stale])
        if not rows:
            return

        def send(part: Rows) -> Failed:
            try:
                settled = self.unconfirmed.settle(part, intended_at)
            except RemoteError as error:
                if error.final:
                    raise
                return dict.fromkeys(part, error)  # nobody knows who holds their keys: nothing is sent
            left = {n: row for n, row in part.items() if n not in settled}
            failed = self._until_taken(rows, left, self._create_once)
            intended_at.update({n: opened_at for n in failed if n not in intended_at})
            return failed

        self._send_apart(rows, send)

    def _open_intents(self, chunk: list[dict[str, Any]]) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
        """Commit an intent per row, before anything is sent.

        :returns: the rows to create; and when those were first meant to be made whose outcome is not known.
        """
        source_side = self.sync.mapping.other(self.side)
        rows: dict[int, dict[str, Any]] = {}
        before: dict[int, str] = {}
        with self.sync.database.begin() as connection:
            # A person who links one of these by hand meanwhile waits here, or is waited for.
            seen.known(connection, self.sync.entity, source_side, [row["source_id"] for row in chunk], lock=True)
            linked = links.of_records(connection, self.sync.entity, source_side, [row["source_id"] for row in chunk])
            unresolved = ledger.unresolved_intents(connection, self.sync.entity, self.side)
            for row in chunk:
                if row["source_id"] in linked:
                    self.committer.close_in(connection, row, "linked", "it has a twin by now")
                    self._count("linked")
                    continue
                holder = unresolved.get(row["key"])
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
                rows[row["n"]] = row
                if holder is not None:
                    before[row["n"]] = holder["created_at"]
        return rows, before

    def _create_once(self, waiting: Rows, failed: Failed) -> Rows:
        """:returns: rows to send once more, without the fields that the system refused."""
        names = {f.name: f.names[self.side] for f in self.sync.mapping.fields}
        creations = [
            Creation(
                ref=n,
                key=row["key"],
                values={names[c["field"]]: c["value"] for c in row["changes"]},
                options=row["options"],
                groups={f.names[self.side]: f.group for f in self.sync.mapping.fields if f.group},
            )
            for n, row in waiting.items()
        ]
        again: Rows = {}
        for outcome in self._send(lambda: self.sync.system(self.side).create(creations), waiting, failed):
            row = waiting[outcome.ref]
            if outcome.error is not None and not isinstance(outcome.error, RejectedError):
                failed[outcome.ref] = outcome.error
            elif outcome.record is not None:
                self._count("created" if self.committer.created(row, outcome, outcome.record) else "linked")
                self.report.reasons.update(problem.code for problem in outcome.problems)
            elif (reduced := self._without_refused(row, outcome)) is not None:
                again[row["n"]] = reduced
            else:
                self.committer.refused(row, outcome)
                self._count("refused", _reason(outcome))
        return again

    def _without_refused(self, row: dict[str, Any], outcome: Outcome) -> dict[str, Any] | None:
        """The row without the refused fields, which are held; None where it cannot do without them.

        A refused match key is never left out of a new record: somebody has that key, and it would be a double.
        """
        mapping = self.sync.mapping
        canonical = {f.names[self.side]: f.name for f in mapping.fields}
        refused = {canonical.get(p.field or "") for p in outcome.problems}
        left_out = mapping.together(name for name in refused if name)
        kept = [c for c in row["changes"] if c["field"] not in left_out]
        if not refused or None in refused or not kept or len(kept) == len(row["changes"]):
            return None
        if row["op"] == "create":
            names = {mapping.field(c["field"]).names[self.side] for c in kept}
            needs = self.sync.system(self.side).rules.create_needs
            if refused & set(mapping.match) or (needs and not any(names.issuperset(need) for need in needs)):
                return None
        self.committer.hold_fields(row, outcome)
        self.freeing.kept(row, {str(name) for name in refused})
        return {**row, "changes": kept}

    def _send(self, call: Callable[[], Iterator[Outcome]], waiting: Rows, failed: Failed) -> Iterator[Outcome]:
        """Outcomes one by one; a failure of the whole batch is one of each row that has none."""
        left = set(waiting)
        try:
            for outcome in call():
                left.discard(outcome.ref)
                yield outcome
        except RemoteError as error:
            if error.final:
                raise
            failed |= dict.fromkeys(left, error)


def _reason(outcome: Outcome) -> str:
    if outcome.problems:
        return outcome.problems[0].code
    return type(outcome.error).__name__ if outcome.error else "rejected"


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
