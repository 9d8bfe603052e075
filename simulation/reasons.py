"""When each reason for not acting is true, in the oracle's own words: a reason is checked, not believed.

A record without a twin has a verdict, a field that does not travel a hold; each names a reason. What it says must be so
in the two systems, as they stand in the end. A reason without a statement here is never true: write one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from samklang.core.mapping import Mapping
from simulation.oracle import Oracle
from simulation.store_view import Hold, StoreView, Verdict
from simulation.values import ADDRESS, FIELDS, FREE, POWEROFFICEGO, PRICES, SHOPIFY, other
from simulation.versions import Cell, Record

_E164 = re.compile(r"\+[1-9]\d{7,14}")
_ADDRESS_IN = re.compile(r"[^\s<>,;:|/\"'()]+@[^\s<>,;:|/\"'()]+")
_WAITS_FOR = "waits_for_"
_NAMES = {"customers": ("FirstName", "LastName"), "products": ("Name",)}
_IDENTITY = ("FirstName", "LastName", "EmailAddress", "PhoneNumber")


@dataclass(frozen=True, slots=True)
class Reasons:
    """:param was_denied: whether a system has not shown something at some time.
    :param bad: records that make requests fail.
    """

    oracle: Oracle
    store: StoreView
    mapping: Mapping
    was_denied: bool = False
    bad: frozenset[Record] = frozenset()

    def violations(self) -> list[str]:
        found = []
        for record, verdict in self.store.verdicts.items():
            if self.is_there(record) and not self._is_so(record, verdict):
                found.append(
                    f"unfounded: {record[0]} {record[1]} has no twin because {verdict.reason}, which is not so"
                )
        for hold in self.store.reasons:
            source = (other(hold.side), hold.source)
            paused = not all(self.is_active(one) for one in self.store.pair_of(source) or (source,))
            if not paused and not self._holds(source, hold):
                what = f"{hold.field or 'all'} of {source[0]} {source[1]}"
                found.append(f"unfounded: {what} is held because {hold.reason}, which is not so")
        return found

    def _is_so(self, record: Record, verdict: Verdict) -> bool:
        statement = VERDICTS.get(verdict.reason)
        if statement is not None:
            return statement(self, record)
        if verdict.reason.endswith("_held_more_than_once"):
            name = verdict.reason.removesuffix("_held_more_than_once")
            key = self.value(record, name)
            return key is not None and any(len(self.holders(side, name, key)) > 1 for side in self.oracle.desks)
        if verdict.reason.endswith("_is_no_key"):
            name = verdict.reason.removesuffix("_is_no_key")
            return name in self.mapping.match and self._is_misshapen(record, name)
        if verdict.reason.endswith("_shared_in_part"):
            return self._can_be_read_out(record)
        if verdict.reason.endswith("_is_held"):
            return self._is_unfit(record, verdict.reason.removesuffix("_is_held"))
        if verdict.reason.startswith("lacks_"):
            return self._lacks(record, verdict.reason.removeprefix("lacks_").split(","))
        twin = self.twin_of(record)
        return verdict.verdict in ("twin_gone", "twin_erased") and (twin is None or not self.is_active(twin))

    def _holds(self, source: Record, hold: Hold) -> bool:
        if {source, self.twin_of(source)} & self.bad:
            return True
        if hold.field == "":  # a record that the system refuses as a whole
            return hold.reason in ("taken", "frozen_by_a_person") or (
                hold.reason == "parked" and _may_have_been_made(self, source, hold)
            )
        if hold.field not in FIELDS[self.mapping.entity]:
            return True  # no field that values are followed through
        if hold.reason.startswith(_WAITS_FOR):
            return _waits_for(self, hold)
        statement = HOLDS.get(hold.reason)
        return hold.field in self.oracle.mapped and statement is not None and statement(self, source, hold)

    # --- what stands in the systems

    def is_there(self, record: Record) -> bool:
        return record in self.oracle.cells and record not in self.oracle.deleted

    def is_active(self, record: Record) -> bool:
        there = self.is_there(record) and record not in self.oracle.redacted
        return there and self.oracle.desks[record[0]].is_active(record[1])

    def value(self, record: Record, name: str) -> str | None:
        return self.oracle.cells[record][name].version.value

    def holders(self, side: str, name: str, value: str | None) -> list[Record]:
        """Who has it; a record that is gone counts as it was last shown, for it takes a while to be sure of that."""
        cells = self.oracle.cells.items()
        return [r for r, mine in cells if r[0] == side and value and value in self._held(r, mine[name])]

    def _held(self, record: Record, cell: Cell) -> set[str | None]:
        shown = [version.value for version in cell.all if version.seen][-1:] if record in self.oracle.deleted else []
        return {cell.version.value, *shown}

    def theirs(self, record: Record) -> list[Record]:
        """Who has a key of this record on the other side."""
        side = other(record[0])
        return [one for name in self.mapping.match for one in self.holders(side, name, self.value(record, name))]

    def is_one_unread(self, side: str) -> bool:
        """Whether somebody is there whom we were never shown, and who may have any key."""
        return any(
            one[0] == side and self.is_there(one) and one not in self.oracle.read_at for one in self.oracle.cells
        )

    def twin_of(self, record: Record) -> Record | None:
        return next((one for one in self.store.pair_of(record) or () if one != record), None)

    def is_orphan(self, record: Record) -> bool:
        """It bears our key, and whom it was made for cannot be its twin; or what was made for it has another one."""
        origin = self.oracle.desks[record[0]].origin(record[1])
        if origin is None:
            made = [one for one, source in self.oracle.made_by_us.items() if source == record]
            return any(one in self.oracle.deleted or self.store.pair_of(one) for one in made)
        source = (other(record[0]), origin)
        return not self.is_active(source) or bool(self.store.pair_of(source)) or self.was_decided(source)

    def is_settled(self, record: Record) -> bool:
        return self.store.pair_of(record) is not None or self.was_decided(record)

    def was_decided(self, record: Record) -> bool:
        return record in self.oracle.promises.now.apart or record in self.oracle.promises.ever_decided

    def had_one_who_is_gone(self, record: Record) -> bool:
        """Whether somebody who was its twin, or may have been by a key that both ever had, is deleted."""
        keys = {version.value for version in self.oracle.cells[record][self.oracle.key].all} - {None}
        made = self.oracle.made_by_us
        return any(
            record in (made.get(one), self.oracle.promises.now.twins.get(one))
            or made.get(record) == one
            or keys & {version.value for version in self.oracle.cells[one][self.oracle.key].all}
            for one in self.oracle.deleted
            if one[0] != record[0]
        )

    def _lacks(self, record: Record, names: list[str]) -> bool:
        """Nothing stands in one of them that the other system would take, or the mapping would let go there."""
        writable = self.oracle.files.now.sides
        names = [self.oracle.key] if names == ["a_key"] else names
        held = {hold.field for hold in self.store.reasons if (other(hold.side), hold.source) == record}
        return any(
            name in held
            or other(record[0]) not in writable.get(name, ())
            or self.value(record, name) is None
            or self._is_no_value(record)
            for name in names
        )

    def _is_no_value(self, record: Record) -> bool:
        """A key that is no key, of a record that is to have one."""
        key = self.value(record, self.oracle.key)
        return self.oracle.key == "EmailAddress" and key is not None and not _ADDRESS_IN.fullmatch(key)

    def _is_unfit(self, record: Record, name: str) -> bool:
        """Something stands there that the other system cannot take, or that somebody has there."""
        value = self.value(record, name) if name in self.oracle.cells[record] else None
        return self._is_misshapen(record, name) or bool(self.holders(other(record[0]), name, value))

    def _is_misshapen(self, record: Record, name: str) -> bool:
        """Something stands there that is no phone number, or no e-mail address."""
        value = self.value(record, name) if name in self.oracle.cells[record] else None
        form = {"PhoneNumber": _E164, "EmailAddress": _ADDRESS_IN}.get(name)
        return value is not None and form is not None and not form.fullmatch(value)

    def _can_be_read_out(self, record: Record) -> bool:
        """An address that can be read in its key can be read in somebody's on the other side, too."""
        mine = set(_ADDRESS_IN.findall(self.value(record, self.oracle.key) or ""))
        others = (one for one in self.oracle.cells if one[0] != record[0])
        return any(mine & set(_ADDRESS_IN.findall(self.value(one, self.oracle.key) or "")) for one in others)


VERDICTS: dict[str, Callable[[Reasons, Record], bool]] = {
    "not_in_create_in": lambda w, record: other(record[0]) not in w.mapping.create_in,
    "share_off": lambda w, record: not w.mapping.share[other(record[0])],
    "archived": lambda w, record: not w.is_active(record),
    "before_the_first_run": lambda w, record: not w.mapping.full_sync[other(record[0])],
    "match_key_unknown": lambda w, _: w.was_denied,
    "match_key_unknown_on_the_other_side": lambda w, record: w.was_denied or w.is_one_unread(other(record[0])),
    "made_for_a_record_that_is_not_there": lambda w, record: w.is_orphan(record),
    "its_former_twin_is_gone": lambda w, record: w.was_decided(record) and w.had_one_who_is_gone(record),
    "kept_apart_by_a_person": lambda w, record: w.was_decided(record),
    "key_held_by_a_linked_record": lambda w, record: any(w.is_settled(one) for one in w.theirs(record)),
    "key_held_by_a_company": lambda w, record: any(not w.is_active(one) for one in w.theirs(record)),
    "key_held_by_a_settled_record": lambda w, record: bool(w.theirs(record)),
}
"""When a record rightly has no twin."""


def _is_incomplete(w: Reasons, source: Record, hold: Hold) -> bool:
    """A country alone is no address that anything could be missing from."""
    if not any(w.value(source, name) for name in ADDRESS if name not in FREE and name in w.oracle.mapped):
        return False
    needed = ("MailAddress.City", "MailAddress.ZipCode")
    written = w.oracle.files.now.sides
    lacks = [name for name in needed if not w.value(source, name) or hold.side not in written.get(name, ())]
    return hold.side == POWEROFFICEGO and hold.field in ADDRESS and bool(lacks)


def _goes_with_another(w: Reasons, _: Record, hold: Hold) -> bool:
    mine = [
        one for one in w.store.reasons if (one.side, one.source) == (hold.side, hold.source) and one.field in ADDRESS
    ]
    return hold.field in ADDRESS and any(one.reason != hold.reason for one in mine)


def _waits_for(w: Reasons, hold: Hold) -> bool:
    """Another line of the address is held, and not for its sake."""
    name = hold.reason.removeprefix(_WAITS_FOR)
    others = [one for one in w.store.reasons if (one.side, one.source, one.field) == (hold.side, hold.source, name)]
    return hold.field in ADDRESS and any(not one.reason.startswith(_WAITS_FOR) for one in others)


def _no_place(w: Reasons, source: Record, hold: Hold) -> bool:
    """The shop takes no pictures in a line of an address."""
    value = w.value(source, hold.field) or ""
    return hold.side == SHOPIFY and hold.field in ADDRESS and any(ord(sign) > 0xFFFF for sign in value)


def _is_the_last(w: Reasons, source: Record, hold: Hold) -> bool:
    return hold.side == SHOPIFY and not any(w.value(source, name) for name in _IDENTITY if name in w.oracle.mapped)


def _is_taken(w: Reasons, source: Record, hold: Hold) -> bool:
    value = w.value(source, hold.field)
    holders = w.holders(hold.side, hold.field, value)
    # an erased one had it when it was refused: nobody is seen with it now, so that it is tried again by the time
    erased = [one for one in w.oracle.redacted if one[0] == hold.side]
    holders += [one for one in erased if value in {version.value for version in w.oracle.cells[one][hold.field].all}]
    return any(one != w.twin_of(source) for one in holders) and not _is_in_a_circle(w, source, hold)


def _is_in_a_circle(w: Reasons, source: Record, hold: Hold) -> bool:
    """Whether nothing but one another keeps people from changing places, in a shop that can be without each of these
    values for a moment."""
    taken = {
        one.source for one in w.store.reasons if (one.side, one.field, one.reason) == (hold.side, hold.field, "taken")
    }
    met: list[Record] = []
    while source not in met:
        met.append(source)
        holders = w.holders(hold.side, hold.field, w.value(source, hold.field))
        twins = [w.twin_of(one) for one in holders if one != w.twin_of(source)]
        others = [name for name in _IDENTITY if name != hold.field and name in w.oracle.mapped]
        if len(twins) != 1 or twins[0] is None or twins[0][1] not in taken or hold.side != SHOPIFY:
            return False
        if not any(w.value(source, name) for name in others):
            return False
        source = twins[0]
    return source == met[0]


def _may_have_been_made(w: Reasons, source: Record, hold: Hold) -> bool:
    """Nobody has heard whether its twin was made, and somebody stands there whom nothing tells from that twin: of the
    same name, and with the same keys."""
    telling = {*w.mapping.match, *_NAMES[w.mapping.entity]} & w.oracle.mapped

    def had(one: Record, name: str) -> set[str | None]:
        return {version.value for version in w.oracle.cells[one][name].all}

    unheard = (hold.side, hold.source) in w.store.unconfirmed and w.store.pair_of(source) is None
    return unheard and any(
        all(had(one, name) & had(source, name) for name in telling) for one in w.oracle.cells if one[0] == hold.side
    )


def _is_untaxed(w: Reasons, source: Record, hold: Hold) -> bool:
    """The shop's prices include tax, and its variant says that there is none on it."""
    shop = next((one for one in w.store.pair_of(source) or (source,) if one[0] == SHOPIFY), None)
    return hold.field == "UnitPrice" and shop is not None and not w.oracle.desks[SHOPIFY].is_taxable(shop[1])


HOLDS: dict[str, Callable[[Reasons, Record, Hold], bool]] = {
    "taken": _is_taken,
    "phone_unparsable": lambda w, source, hold: not _E164.fullmatch(w.value(source, hold.field) or ""),
    "several_emails": lambda w, source, hold: (w.value(source, hold.field) or "").count("@") > 1,
    "email_invalid": lambda w, source, hold: not _ADDRESS_IN.fullmatch(w.value(source, hold.field) or ""),
    "no_key": lambda w, source, hold: not _ADDRESS_IN.fullmatch(w.value(source, hold.field) or ""),
    "not_clearable": lambda w, source, hold: w.value(source, hold.field) is None,
    "last_identity": _is_the_last,
    "incomplete_address": _is_incomplete,
    "missing": _is_incomplete,  # said by PowerOffice Go itself, of a line that is in no group
    "address_waits": _goes_with_another,
    "invalid": _no_place,
    "inherited": lambda w, source, hold: hold.field == "UnitPrice" and w.value(source, hold.field) is None,
    "needs_price": lambda w, source, hold: hold.field == "UnitPrice" and w.value(source, hold.field) is None,
    "currency_differs": lambda w, _source, hold: hold.field == "UnitPrice" and w.oracle.foreign_since is not None,
    "not_taxable": _is_untaxed,
    "own_sales_account": lambda w, source, hold: (
        hold.field == "UnitPrice"
        and any(end in w.oracle.unrated for end in w.store.pair_of(source) or (source,))
        and PRICES["factor"] != 1
    ),
    "frozen_by_a_person": lambda w, source, hold: w.oracle.promises.is_frozen(
        w.store.pair_of(source) or (source, source), hold.field
    ),
    "undone": lambda w, source, hold: (w.store.pair_of(source), hold.field) in w.oracle.promises.now.decided_at,
    "ping_pong": lambda w, source, hold: len(w.oracle.cells[source][hold.field].all) > 2,
}
"""When a field rightly does not travel."""
