"""What is committed for each outcome of a load: result, bases, seen values, history, holds, in one transaction each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from samklang.core.clocks import seconds_between
from samklang.core.derive import SideView, by_field
from samklang.core.freed import freed_base
from samklang.core.jsontext import dumps
from samklang.core.plan import GIVEN_BACK, RETURNED, ROLLED_BACK, Based, join_clocks
from samklang.core.records import Record, Scope
from samklang.errors import OutdatedError, RemoteError
from samklang.store import clashes, ledger, links, orders, seen
from samklang.sync.bases import Bases, travels_on
from samklang.sync.context import Sync
from samklang.sync.observe import record_answer
from samklang.sync.refusing import Refusing
from samklang.systems.base import Outcome, Problem

UNCLEAR = "unclear"
"""The outcome of a row that may have been written; a later read may still tell."""


@dataclass(slots=True)
class Committer:
    """Commits outcomes of one side of one plan.

    Rows are those of the plan with their number `n`; updates carry their `link_id`.
    """

    sync: Sync
    side: str
    plan: dict[str, Any]
    views: tuple[SideView, SideView]
    refusing: Refusing = field(init=False)
    bases: Bases = field(init=False)
    _held: set[str] = field(default_factory=set)  # records that are being made without a refused field

    def __post_init__(self) -> None:
        self.refusing = Refusing(self.sync, self.side, self.plan["run_id"])
        self.bases = Bases(self.sync, self.side)

    @property
    def _view(self) -> SideView:
        return next(view for view in self.views if view.name == self.side)

    @property
    def _source(self) -> str:
        return self.sync.mapping.other(self.side)

    def updated(self, row: dict[str, Any], outcome: Outcome, record: Record) -> bool:
        """An update was stored: both bases move, for the fields that the answer named.

        :returns: False where another plan wrote this side meanwhile; then only what is seen was committed.
        """
        refused = self.sync.mapping.together(self.refusing.refused_fields(outcome.problems))
        try:
            with self.sync.database.begin() as connection:
                ours = [c["field"] for c in row["changes"] if not travels_on(c)]
                now = record_answer(connection, self.sync, self._view, record, self.sync.clock(), written=ours)
                written = [c for c in row["changes"] if c["field"] not in refused and c["field"] in now["answered"]]
                self._advance(connection, row, written, now, answer=outcome)
                self.refusing.hold_problems(connection, row, outcome.problems)
                self._drop_holds(connection, row, written)
                self.close_in(connection, row, "written", ", ".join(outcome.doubts) or None)
        except OutdatedError:
            with self.sync.database.begin() as connection:
                record_answer(connection, self.sync, self._view, record, self.sync.clock())
                self.close_in(connection, row, "outdated", "written since this plan was made")
            return False
        return True

    def created(self, row: dict[str, Any], outcome: Outcome, record: Record) -> bool:
        """A record was made: it becomes the twin. :returns: False where either of them has a twin by now."""
        refused = self.sync.mapping.together(self.refusing.refused_fields(outcome.problems))
        with self.sync.database.begin() as connection:
            now = record_answer(connection, self.sync, self._view, record, self.sync.clock())
            known = [c for c in row["changes"] if c["field"] not in refused and c["field"] in now["answered"]]
            bases = self.bases.written(known, now)
            for name, source, target in self.bases.unsent(connection, row["source_id"], now, known):
                bases[self._source][name], bases[self.side][name] = source, target
            link_id = self._link(connection, row, record.id, bases)
            if link_id is None:
                return False
            self._history(connection, link_id, "create", record.id, known, now)
            self.refusing.hold_problems(connection, row, outcome.problems)
            self._drop_holds(connection, row, known)
            if outcome.problems or row["source_id"] in self._held:
                last_edits = join_clocks(row["last_edits"], now["clock"], now["group_clocks"])
                ledger.set_last_edits(connection, self.sync.entity, self.side, row["source_id"], last_edits)
        return True

    def found(self, row: dict[str, Any], record: Record) -> bool:
        """A record that we made before was found by its key. Somebody may have edited it since: a base is only what
        it holds as it was sent, or left empty; the rest is judged like any new link."""
        with self.sync.database.begin() as connection:
            now = record_answer(connection, self.sync, self._view, record, self.sync.clock())
            return self._link_found(connection, row, record.id, now)

    def found_as_seen(self, row: dict[str, Any], record_id: str, now: dict[str, Any]) -> bool:
        """The same for a record that a read showed. :param now: see `record_answer`."""
        with self.sync.database.begin() as connection:
            return self._link_found(connection, row, record_id, now)

    def settled(self, row: dict[str, Any], now: dict[str, Any]) -> bool:
        """An update that we never heard of, if a read shows the target as it was to be written.

        :param now: see `record_answer`. :returns: whether it does.
        """
        there = self.bases.already_there(row, now["raw"])
        if not there:
            return False
        try:
            with self.sync.database.begin() as connection:
                self._advance(connection, row, there, now)
                self._drop_holds(connection, row, there)
                self.close_in(connection, row, "written", "found so by a later read")
        except OutdatedError:
            return False  # a load has settled it a moment ago
        return True

    def _link_found(self, connection: Connection, row: dict[str, Any], record_id: str, now: dict[str, Any]) -> bool:
        as_sent = [c for c in row["changes"] if c["field"] in now["answered"] and self.bases.is_as_sent(c, now)]
        bases = self.bases.written(as_sent, now)
        for name, source, target in self.bases.unsent(connection, row["source_id"], now, row["changes"]):
            if target[1] is None or self.bases.is_default(name, now):
                bases[self._source][name], bases[self.side][name] = source, target
        link_id = self._link(connection, row, record_id, bases)
        if link_id is not None:
            self._history(connection, link_id, "create", record_id, as_sent, now)
            self._drop_holds(connection, row, as_sent)
        return link_id is not None

    def _advance(
        self,
        connection: Connection,
        row: dict[str, Any],
        changes: list[dict[str, Any]],
        now: dict[str, Any],
        answer: Outcome | None = None,
    ) -> None:
        """Both bases move, for these fields; of what is freed, that of the target alone, and the write that takes its
        place is still to come.

        :param answer: to the write itself; None: a read has shown it. :raises OutdatedError: another plan wrote this
            side meanwhile.
        """
        if row["op"] == "free":
            freed = {c["field"]: freed_base(now["raw"].get(c["field"]), c["expected"]) for c in row["changes"]}
            unwritten = {self.side: row["revision"]}
            links.advance(connection, row["link_id"], {self.side: freed}, unwritten=unwritten)
        else:
            bases = self.bases.written(changes, now)
            self.bases.add_defaults(connection, bases, row, now, self.bases.filled_in(changes, now))
            links.advance(connection, row["link_id"], bases, written=(self.side, row["revision"]))
            edits = [c for c in changes if c["why"] not in GIVEN_BACK]
            self._close_conflicts(connection, row, edits)
            self._close_orders(connection, edits, now)
            for c in changes:
                if c["why"] == ROLLED_BACK:  # until whoever has that value now lets go of it
                    self.refusing.hold(connection, row, c["field"], Problem(None, "taken", ""), c["expected"])
        emptied = answer.emptied if answer else None
        self._history(connection, row["link_id"], row["op"], row["id"], changes, now, emptied)

    def _link(
        self, connection: Connection, row: dict[str, Any], record_id: str, bases: dict[str, dict[str, Based]]
    ) -> int | None:
        at, entity = self.sync.clock(), self.sync.entity
        ends = ((self._source, row["source_id"]), (self.side, record_id))
        taken = any(links.of_records(connection, entity, side, [i]) for side, i in ends)
        ledger.close_intent(connection, entity, self.side, row["key"], state="done", at=at)
        ledger.forget_wish(connection, entity, self.side, row["source_id"])
        self.close_in(connection, row, "linked" if taken else "created", "it has a twin by now" if taken else None)
        if taken:
            return None
        return links.create(
            connection,
            entity=entity,
            origin="created",
            run_id=self.plan["run_id"],
            at=at,
            sides=[links.LinkSide(side, i, bases[side]) for side, i in ends],
        )

    def moved(self, row: dict[str, Any], outcome: Outcome) -> str:
        """The target no longer holds what the plan saw, or was erased: the next plan looks at it anew.

        Fields that hold what was to be written are in tune: most likely we wrote them, and died or never heard of it.
        Without a base they would pass for edits made at the target, later than any that people really made.

        :returns: `moved`, `gone` or `erased`.
        """
        raw = by_field(self.sync.mapping, self.side, outcome.record.values) if outcome.record is not None else {}
        there = [] if outcome.erased else self.bases.already_there(row, raw)
        try:
            return self._commit_moved(row, outcome, there)
        except OutdatedError:  # another load settled that a moment ago
            return self._commit_moved(row, outcome, [])

    def _commit_moved(self, row: dict[str, Any], outcome: Outcome, there: list[dict[str, Any]]) -> str:
        came = "erased" if outcome.erased else "gone" if outcome.gone else "moved"
        with self.sync.database.begin() as connection:
            if outcome.record is not None:
                ours = [c["field"] for c in there if not travels_on(c)]
                now = record_answer(connection, self.sync, self._view, outcome.record, self.sync.clock(), written=ours)
                if there:
                    self._advance(connection, row, there, now)
            # An id that is not known proves nothing yet: only whole reads count absences.
            seen.add_revisit(connection, self.sync.entity, self.side, [row["id"]], came)
            self.close_in(connection, row, came)
        return came

    def source_lost(self, row: dict[str, Any], record: Record | None) -> str:
        """The record that a row comes from was erased, does not show what the row rests on, or is not known any more
        (None); nothing is sent. :returns: `erased`, `moved` or `gone`."""
        side = self._source
        came = "gone" if record is None else "erased" if record.scope == Scope.ERASED else "moved"
        view = next(view for view in self.views if view.name == side)
        with self.sync.database.begin() as connection:
            if record is not None:
                record_answer(connection, self.sync, view, record, self.sync.clock(), whole=True)
            else:
                seen.add_revisit(connection, self.sync.entity, side, [row["source_id"]], came)
            self.close_in(connection, row, came, f"{came} in {side} since this plan was made")
        return came

    def waits(self, row: dict[str, Any], fields: Iterable[str]) -> None:
        """Values stand with another record of the target that keeps them for now: they are held as taken."""
        mapping, wanted = self.sync.mapping, set(fields)
        problems = [
            Problem(mapping.field(c["field"]).names[self.side], "taken", "")
            for c in row["changes"]
            if c["field"] in wanted and c.get("order") is None
        ]
        with self.sync.database.begin() as connection:
            if row["op"] == "update":
                self.refusing.hold_problems(connection, row, problems)
            elif problems:
                self.refusing.hold(connection, row, "", problems[0], _content(row))

    def source_unread(self, row: dict[str, Any], *, is_new: bool) -> None:
        """Its system fails over the record that a row comes from; nothing is sent.

        :param is_new: it was asked for just now: quarantined. Else it is already.
        """
        with self.sync.database.begin() as connection:
            if is_new:
                self.refusing.hold(connection, row, "", Problem(None, "unclear", ""), _content(row))
            self.close_in(connection, row, "unread", f"{self._source} fails over the record that it comes from")

    def refused(self, row: dict[str, Any], outcome: Outcome) -> None:
        """Nothing of the row was taken: the refused fields are held, or the whole record is."""
        with self.sync.database.begin() as connection:
            content = _content(row)
            named = [p for p in outcome.problems if p.field in self.refusing.canonical]
            if row["op"] == "free" or not content:
                pass  # the next plan tries again: nobody's edit is held by that
            elif row["op"] == "update" and any(self.refusing.canonical[str(p.field)] in content for p in named):
                self.refusing.hold_problems(connection, row, named)
            elif all(c.get("order") is not None for c in row["changes"]):
                for c in row["changes"]:
                    orders.close(connection, c["order"], orders.REFUSED, self.sync.clock())
            else:
                problems = (*named, *outcome.problems) or (Problem(None, "rejected", "refused"),)
                self.refusing.hold(connection, row, "", problems[0], content)
            if row["op"] == "create":
                at = self.sync.clock()
                ledger.close_intent(
                    connection, self.sync.entity, self.side, row["key"], state="failed", at=at, note=_code(outcome)
                )
            self.close_in(connection, row, "refused", _code(outcome))

    def unclear(self, row: dict[str, Any], error: RemoteError, meant: dict[str, Any]) -> None:
        """The system fails over this record alone, again and again: quarantined, and looked at before it is sent again.

        The row stays open: what a later read shows as it was to be written is taken for written, see `sync.unheard`.

        :param meant: the row whose way was to be cleared, where this one only empties a value; else the same.
        """
        with self.sync.database.begin() as connection:
            content = _content(meant)
            self.refusing.hold(connection, row, "", Problem(None, "unclear", error.message), content)
            if row["op"] != "create":
                seen.add_revisit(connection, self.sync.entity, self.side, [row["id"]], "unclear")
            self.close_in(connection, row, UNCLEAR, type(error).__name__)

    def parked(self, row: dict[str, Any], note: str) -> None:
        """A person has to say whether the record that holds the key is ours."""
        with self.sync.database.begin() as connection:
            at = self.sync.clock()
            ledger.close_intent(connection, self.sync.entity, self.side, row["key"], state="parked", at=at, note=note)
            content = {c["field"]: c["value"] for c in row["changes"]}
            self.refusing.hold(connection, row, "", Problem(None, "parked", note), content)
            self.close_in(connection, row, "parked", note)

    def give_up(self, key: str, holders: list[Record]) -> None:
        """Nobody makes a record with this key any more; one that was made after all is matched like any other."""
        with self.sync.database.begin() as connection:
            for record in holders:
                record_answer(connection, self.sync, self._view, record, self.sync.clock())
            state, note = ("done", "found by its key") if holders else ("failed", "never made")
            ledger.close_intent(
                connection, self.sync.entity, self.side, key, state=state, at=self.sync.clock(), note=note
            )

    def hold_fields(self, row: dict[str, Any], outcome: Outcome) -> None:
        """Fields that a write goes without."""
        self._held.add(row["source_id"])
        with self.sync.database.begin() as connection:
            self.refusing.hold_problems(connection, row, outcome.problems)

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

    def _close_conflicts(self, connection: Connection, row: dict[str, Any], changes: list[dict[str, Any]]) -> None:
        """What waited for a person is in tune again."""
        ids = {self.side: row["id"], self._source: row["source_id"]}
        record_ids = dumps([ids[side] for side in self.sync.mapping.sides])
        clashes.close(connection, self.sync.entity, record_ids, [c["field"] for c in changes])

    def _close_orders(self, connection: Connection, changes: list[dict[str, Any]], now: dict[str, Any]) -> None:
        """What a person has put back is there: an undo is held from now on, the other travels on."""
        for c in changes:
            if c.get("order") is not None:
                state = orders.DONE if travels_on(c) else orders.STANDING
                orders.close(connection, c["order"], state, self.sync.clock(), stored=now["raw"][c["field"]])

    def _drop_holds(self, connection: Connection, row: dict[str, Any], changes: list[dict[str, Any]]) -> None:
        """A later success clears them; that something was emptied or given back on the way is none."""
        edits = [c["field"] for c in changes if c["why"] not in ("free", *GIVEN_BACK)]
        fields = ["", *edits] if edits or not changes else []
        ledger.drop_holds(connection, self.sync.entity, self.side, row["source_id"], fields)

    def _history(
        self,
        connection: Connection,
        link_id: int,
        op: str,
        record_id: str,
        changes: list[dict[str, Any]],
        now: dict[str, Any],
        emptied: Mapping[str, str] | None = None,
    ) -> None:
        """What was written, and what that replaced, before we emptied it where we did; what a person had put back, and
        what we give back, is a line of its own. :param emptied: see `Outcome`."""
        beside = dict(emptied or {})
        by_op: dict[str, list[dict[str, Any]]] = {}
        for c in changes:
            own = RETURNED if c["why"] in GIVEN_BACK else c["why"] if c.get("order") is not None else op
            by_op.setdefault(own, []).append(c)
        at = self.sync.clock()
        for this, these in (by_op or {op: []}).items():
            ledger.add_history(
                connection,
                entity=self.sync.entity,
                link_id=link_id,
                side=self.side,
                record_id=record_id,
                op=this,
                before={
                    c["field"]: c["expected"] if this == RETURNED else c.get("freed") or c["expected"] for c in these
                }
                | beside,
                after={c["field"]: now["raw"].get(c["field"]) for c in these} | dict.fromkeys(beside),
                run_id=self.plan["run_id"],
                plan_id=self.plan["id"],
                at=at,
                lag=_lag(these, at),
            )
            beside = {}


def _content(row: Mapping[str, Any]) -> dict[str, str | None]:
    """What a refusal of a whole record is about, see `core.plan.row_content`."""
    return {c["field"]: c["value"] for c in row["changes"] if c["why"] not in GIVEN_BACK}


def _lag(changes: list[dict[str, Any]], now: str) -> float | None:
    """Seconds from the earliest of the edits that these changes carry on; None where they carry on none.

    Two clocks are compared, the source's and ours: where ours is behind, the edit counts as made just now.
    """
    edits = [edited for c in changes if (edited := c.get("edited"))]
    return max(0.0, seconds_between(now, min(edits))) if edits else None


def _code(outcome: Outcome) -> str:
    if outcome.problems:
        return outcome.problems[0].code
    return type(outcome.error).__name__ if outcome.error else "rejected"
