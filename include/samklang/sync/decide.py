"""Decide: a person takes twins apart, links two records, or says that a record may be made anew.

Only the store is written, within the caller's transaction, and each step is kept in the history. A load that is under
way meets the changed revision, or no link at all, and leaves these records to the next plan.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import dumps
from samklang.core.mapping import Mapping
from samklang.core.records import IN_SCOPE, Scope, scope_in_words
from samklang.core.rules import EntityRules
from samklang.errors import DecisionError
from samklang.store import clashes, dossier, journal, ledger, links, seen
from samklang.sync.explain import find

Record = tuple[str, str]
"""Side and id."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done.

    :param linked: two records that are twins from now on; empty otherwise.
    :param apart: records that are left alone until a person relinks them.
    :param free: records that the next run judges as any record without a twin.
    :param ours: one of two free records was made for the other, and carries our key: that links them again.
    """

    linked: list[Record] = field(default_factory=list)
    apart: list[Record] = field(default_factory=list)
    free: list[Record] = field(default_factory=list)
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did to several records or fields.

    :param done: of each, what people call it: `side:id`, with the field after a blank.
    :param left: the same, with the reason why it was left as it is.
    """

    done: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a person decides; see `sync.act`.

    :param connection: within a write transaction. :param rules: of both systems, by side.
    :param run_id: what the history calls this decision. :param at: our time. :param person: who decides.
    :param touched: records that something was decided about so far.
    """

    connection: Connection
    mapping: Mapping
    rules: MappingOf[str, EntityRules]
    run_id: str
    at: str
    person: str = ""
    touched: list[Record] = field(default_factory=list)

    # --- which record is meant

    def find_one(self, text: str) -> Record:
        """:param text: an id as `explain` takes it. :raises DecisionError: it names no record, or several."""
        found = self._find(text)
        if len(found) != 1:
            raise _unclear(self.mapping.entity, found)
        return found[0]

    def find_link(self, text: str) -> tuple[Record, dict[str, Any]]:
        """The record and its link; an e-mail or a code may name both twins.

        :raises DecisionError: it names no record, one without a twin, or several that are not twins.
        """
        found = self._find(text)
        if not found:
            raise _unclear(self.mapping.entity, found)
        link = self.link_of(found[0])
        if any((self.link_of(other) or {}).get("id") != (link or {}).get("id") for other in found[1:]):
            raise _unclear(self.mapping.entity, found)
        if link is None:
            if len(found) > 1:
                raise _unclear(self.mapping.entity, found)
            raise DecisionError(
                f"{named(found[0])} has no twin.",
                remedy=f"For why, see: samklang explain {self.mapping.entity} {named(found[0])}",
            )
        return found[0], link

    def link_of(self, record: Record) -> dict[str, Any] | None:
        return dossier.link_of(self.connection, self.mapping.entity, *record)

    # --- what is decided

    def unlink(self, text: str, *, keep_apart: bool | None = None) -> Decision:
        """Take twins apart.

        :param keep_apart: leave both alone from now on, or let the next run judge them anew. None: keep them apart
            while both are there, since their keys would link them again; else free the one that is left.
        :raises DecisionError: there is nothing to take apart.
        """
        journal.hold_plans(self.connection, self.mapping.entity)
        record, link = self.find_link(text)
        ends = sorted(link["ids"].items())
        there = [end for end in ends if self._scope(end) != Scope.GONE]
        if keep_apart is None:
            keep_apart = len(there) == len(ends)
            if link["state"] != "linked":
                raise DecisionError(
                    f"{named(record)} is kept apart already.",
                    remedy="Link it with relink, or give the option --match-again.",
                )
        self.note(link["id"], "unlink", ends)
        self._close_conflicts(link)
        if keep_apart:
            links.set_apart(self.connection, link["id"])
            return Decision(apart=there)
        links.end(self.connection, link["id"])
        if len(there) < len(ends):
            for survivor in there:
                self._want(survivor)
        ours = link["origin"] != "matched" and len(there) == len(ends) and any(map(self._carries_our_key, there))
        return Decision(free=there, ours=ours)

    def former_twins(self, *records: Record) -> list[Record]:
        """The records that lose their twin when these become twins of each other."""
        found = []
        for record in records:
            link = self.link_of(record)
            others = [end for end in sorted(link["ids"].items()) if end not in records] if link else []
            found += [end for end in others if self._scope(end) != Scope.GONE]
        return found

    def relink(self, one: Record, other: Record) -> Decision:
        """Make two records twins, without a base. Twins that they had until now are kept apart, if they are there.

        :raises DecisionError: they are of one side, not in scope, or a run may be making a twin of one of them.
        """
        journal.hold_plans(self.connection, self.mapping.entity)
        if one[0] == other[0]:
            raise DecisionError(f"{named(one)} and {named(other)} are on the same side; twins are on different sides.")
        ends = sorted((one, other), key=lambda end: self.mapping.sides.index(end[0]))
        for end in ends:
            self._check(end)
        link = self.link_of(one)
        if link and link["state"] == "linked" and link["ids"].get(other[0]) == other[1]:
            return Decision(linked=ends)
        lonely = self.former_twins(*ends)
        revisions = {end: self._revision(end) for end in ends}
        for end in ends:
            self._take_out(end)
        link_id = links.create(
            self.connection,
            entity=self.mapping.entity,
            origin="relinked",
            run_id=self.run_id,
            at=self.at,
            # counted on, so that what was planned for a twin before is never written to this one
            sides=[links.LinkSide(*end, {}, revisions[end] + 1) for end in ends],
        )
        for end in ends:
            target = self.mapping.other(end[0])
            ledger.close_intents_of(self.connection, self.mapping.entity, target, end[1], self.at)
            ledger.drop_holds(self.connection, self.mapping.entity, target, end[1], [""])
        self.note(link_id, "relink", ends)
        return Decision(linked=ends, apart=lonely)

    def make_anew(self, record: Record) -> Decision:
        """Let the next run make a twin of a record: one that is kept apart, or whose creation was left to a person.

        :raises DecisionError: it is linked, not in scope, or a run may be making its twin right now.
        """
        journal.hold_plans(self.connection, self.mapping.entity)
        entity, target = self.mapping.entity, self.mapping.other(record[0])
        self._check(record)
        link = self.link_of(record)
        if link and link["state"] == "linked":
            twin = [end for end in link["ids"].items() if end != record]
            raise DecisionError(
                f"{named(record)} is linked with {', '.join(map(named, twin))}.",
                remedy=f"Take them apart first: samklang unlink {entity} {named(record)}",
            )
        for other in sorted(link["ids"].items()) if link and link["origin"] == "created" else ():
            if other != record and self._carries_our_key(other):
                raise DecisionError(
                    f"{named(other)} carries our key for {named(record)}, so no other record can be made for it.",
                    remedy="Link the two again, or remove that key by hand in the system where it stands first.",
                )
        self._take_out(record)
        for key, state in ledger.intents_of(self.connection, entity, target, record[1]).items():
            if state == "parked":
                note = "a person said that it may be made anew"
                ledger.close_intent(self.connection, entity, target, key, state="failed", at=self.at, note=note)
        ledger.drop_holds(self.connection, entity, target, record[1], [""])
        self._want(record)
        return Decision(free=[record])

    # --- inside

    def _find(self, text: str) -> list[Record]:
        """What is gone and was taken apart is only meant where nothing else is."""
        found = find(self.connection, self.mapping, text)
        left = [record for record in found if self._scope(record) != Scope.GONE or self.link_of(record)]
        return left or found

    def _scope(self, record: Record) -> str | None:
        side, record_id = record
        return seen.known(self.connection, self.mapping.entity, side, [record_id]).get(record_id, {}).get("scope")

    def _carries_our_key(self, record: Record) -> bool:
        side, record_id = record
        row = seen.known(self.connection, self.mapping.entity, side, [record_id])[record_id]
        return self.rules[side].key_proves_origin and row["our_key"] is not None

    def _check(self, record: Record) -> None:
        """:raises DecisionError: the record cannot have a twin, or a run may be making one right now."""
        side, record_id = record
        entity, target = self.mapping.entity, self.mapping.other(side)
        row = seen.known(self.connection, entity, side, [record_id], lock=True)[record_id]
        if row["scope"] not in IN_SCOPE:
            raise DecisionError(f"{named(record)} is {scope_in_words(row['scope'])}.")
        if "open" in ledger.intents_of(self.connection, entity, target, record_id).values():
            raise DecisionError(
                f"A run may be making a twin of {named(record)} in {target} right now.",
                remedy="Try again after the run; the next one settles what an interrupted run has left open.",
            )

    def _revision(self, record: Record) -> int:
        side, record_id = record
        found = links.of_records(self.connection, self.mapping.entity, side, [record_id])
        return found[record_id][1] if record_id in found else 0

    def _take_out(self, record: Record) -> None:
        """Out of whatever link the record has; a twin that is there is set apart, alone."""
        link = self.link_of(record)
        if link is None:
            return
        if link["state"] == "linked":
            self.note(link["id"], "unlink", sorted(link["ids"].items()))
            self._close_conflicts(link)
        if any(end != record and self._scope(end) != Scope.GONE for end in link["ids"].items()):
            links.leave(self.connection, link["id"], record[0])
        else:
            links.end(self.connection, link["id"])

    def _want(self, record: Record) -> None:
        ledger.want(
            self.connection,
            entity=self.mapping.entity,
            side=self.mapping.other(record[0]),
            source_id=record[1],
            run_id=self.run_id,
            at=self.at,
        )

    def _close_conflicts(self, link: dict[str, Any]) -> None:
        if len(link["ids"]) == len(self.mapping.sides):
            record_ids = dumps([link["ids"][side] for side in self.mapping.sides])
            clashes.close_all(self.connection, self.mapping.entity, record_ids)

    def note(self, link_id: int, op: str, ends: list[Record], name: str = "") -> None:
        """Keep a decision about these records in the history.

        :param link_id: 0 where they have none. :param name: the field that it is about; "": the record.
        """
        self.touched.extend(ends)
        about: dict[str, str | None] = {name: None} if name else {}
        for side, record_id in ends:
            ledger.add_history(
                self.connection, entity=self.mapping.entity, link_id=link_id, side=side, record_id=record_id, op=op,
                before=about, after={}, run_id=self.run_id, plan_id=0, at=self.at,
            )  # fmt: skip

    def note_all(self, op: str, about: Sequence[tuple[int, Record, str]]) -> None:
        """`note`, of many: link, record and field of each."""
        self.touched.extend(record for _, record, _ in about)
        ledger.add_notes(self.connection, self.mapping.entity, op, about, run_id=self.run_id, at=self.at)


def named(record: Record) -> str:
    """As `explain` takes it."""
    return f"{record[0]}:{record[1]}"


def _unclear(entity: str, found: list[Record]) -> DecisionError:
    if not found:
        return DecisionError(
            f"No record of {entity} that has been read so far has this id, e-mail or code.",
            remedy="Give it as powerofficego:ID or shopify:ID; a new record is known after the next run.",
        )
    return DecisionError(
        f"That names {len(found)} records: {', '.join(map(named, found))}.", remedy="Give one of them."
    )
