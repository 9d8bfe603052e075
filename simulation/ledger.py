"""Whether conflicts were decided as the rules say: judged by what stands in the ledger, and by what really happened."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from simulation.oracle import Oracle
from simulation.store_view import Clash, StoreView
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES, normal, other
from simulation.versions import Record

SOON = 120.0
"""Seconds in which a decision is carried out, where it is not held up."""
TIE = 1.0
"""Seconds within which two clocks count as one."""


@dataclass(frozen=True, slots=True)
class Ledger:
    oracle: Oracle
    store: StoreView

    def violations(self) -> list[str]:
        found = []
        for clash in self.store.clashes:
            where = f"{clash.field} of {clash.ids[0]} and {clash.ids[1]}"
            found += [f"{what} {where}" for what in self._of_one(clash)]
        return found + self._turned() + self._addresses()

    def _of_one(self, clash: Clash) -> list[str]:
        found = []
        values = {side: normal(clash.field, side, raw) for side, raw in clash.raw.items()}
        if (
            clash.winner
            and values[clash.winner] is None
            and values[other(clash.winner)] is not None
            and not clash.one_way
            and not self._was_empty(clash, clash.winner)
        ):
            found.append("empty: an empty value won:")
        go, shop = (clash.clocks[side] for side in SIDES)
        if clash.rule == "latest" and go is not None and shop is not None:
            later = POWEROFFICEGO if go > shop else SHOPIFY
            if clash.winner != later or abs(go - shop) <= TIE:
                found.append("earlier: not the later edit won:")
        if clash.rule == "tie" and clash.winner != POWEROFFICEGO:
            found.append("earlier: of two edits at once, not PowerOffice Go's won:")
        files = self.oracle.files
        if clash.field in files.now.asks and clash.rule in ("latest", "tie", "policy") and clash.at > files.changed_at:
            found.append("unasked: a person was to decide, and we did:")
        for side, record_id in zip(SIDES, clash.ids, strict=True):
            told, known = clash.clocks[side], self.oracle.touched.get((side, record_id), [])
            told_by_parts = self.oracle.entity == "products"  # a product's clock moves with its group and variants, too
            if told is not None and not told_by_parts and not any(abs(told - moment) <= TIE for moment in known):
                found.append(f"clock: {side} never had the clock that is kept of")
        if clash.certain and not self._is_ordered(clash, values):
            found.append("certain: nobody can know which edit came first:")
        return found

    def _was_empty(self, clash: Clash, side: str) -> bool:
        """Of an address that is decided as one: whether nobody had emptied this line, which was so when both were last
        in tune. Then it is in no conflict itself, and goes as the rest."""
        cell = self.oracle.cells[side, clash.ids[SIDES.index(side)]][clash.field]
        linked_at = self.store.linked_at.get(clash.ids, 0.0)
        stood = [v for v, t in zip(cell.all, cell.times, strict=True) if t <= clash.at]
        typed_at = stood[-1].at if stood else None
        return clash.rule == "group" and clash.kind == "edit" and (typed_at is None or typed_at < linked_at)

    def _is_ordered(self, clash: Clash, values: dict[str, str | None]) -> bool:
        """Between the two edits we were shown one of the two records: then one is known to be the older. The edits are
        the last ones that gave the values of the ledger, before it was written."""
        edits = []
        for side, record_id in zip(SIDES, clash.ids, strict=True):
            cell = self.oracle.cells[side, record_id][clash.field]
            times = [t for v, t in zip(cell.all, cell.times, strict=True) if t <= clash.at and v.value == values[side]]
            if not times:
                return True  # read in part; another promise's business
            edits.append(times[-1])
        first, last = sorted(edits)
        reads = [t for end in zip(SIDES, clash.ids, strict=True) for t in self.oracle.reads.get(end, ())]
        return clash.kind == "edit" and any(first <= t <= last for t in reads)

    def _turned(self) -> list[str]:
        """What was decided stays so, until somebody changes one of the two values."""
        by_place: dict[tuple[tuple[str, str], str], list[Clash]] = defaultdict(list)
        for clash in sorted(self.store.clashes, key=lambda clash: clash.at):
            if clash.rule in ("latest", "tie"):
                by_place[clash.ids, clash.field].append(clash)
        return [
            f"turned: another side won without an edit: {name} of {ids[0]} and {ids[1]}"
            for (ids, name), clashes in by_place.items()
            for one, next_one in pairwise(clashes)
            if one.raw == next_one.raw
            and one.winner != next_one.winner
            and not self._changed(ids, name, one.at, next_one.at)
        ]

    def _changed(self, ids: tuple[str, str], name: str, since: float, until: float) -> bool:
        """Whether a value of the two, or of those that are decided with it, was another one in between. A plan knows
        what was there when it read."""
        together = self.oracle.files.together(until)
        cells = (
            self.oracle.cells[end][one]
            for end in zip(SIDES, ids, strict=True)
            for one in (together if name in together else (name,))
        )
        return any(since - SOON <= at <= until for cell in cells for at in cell.times)

    def _addresses(self) -> list[str]:
        """An address is decided as one: what the side that lost had changed in its other lines is listed, too."""
        found = []
        decided: dict[tuple[tuple[str, str], int], list[Clash]] = defaultdict(list)
        for clash in self.store.clashes:
            if clash.field in self.oracle.files.together(clash.at):
                decided[clash.ids, clash.plan].append(clash)
        for (ids, _), clashes in decided.items():
            winners = {clash.winner for clash in clashes if clash.rule in ("latest", "tie", "policy", "group")}
            if len(winners) > 1:
                found.append(f"mixed: the address of {ids[0]} and {ids[1]} was decided line by line")
            elif winners and winners != {None} and not any(clash.one_way for clash in clashes):
                found += self._of_the_loser(clashes, str(winners.pop()))
        return found

    def _of_the_loser(self, clashes: list[Clash], winner: str) -> list[str]:
        ends = dict(zip(SIDES, clashes[0].ids, strict=True))
        at, listed = clashes[0].at, {clash.field for clash in clashes}
        lost, won = (other(winner), ends[other(winner)]), (winner, ends[winner])
        if any(clash.kind == "link" for clash in clashes):
            return []
        found = []
        for name in self.oracle.files.together(at):
            if name in listed or name not in self.oracle.mapped:
                continue
            theirs, ours = self._stood(lost, name, at), self._stood(won, name, at)
            if theirs is None or ours is None or theirs[0] == ours[0]:
                continue
            version_at = theirs[1]
            if version_at is not None and self._was_carried(won, name, theirs[0], at):
                found.append(
                    f"mixed: {name} of {lost[0]} {lost[1]} went into an address that had lost to the other one"
                )
        return found

    def _stood(self, record: Record, name: str, at: float) -> tuple[str | None, float | None] | None:
        cell = self.oracle.cells[record][name]
        before = [(v.value, v.at) for v, t in zip(cell.all, cell.times, strict=True) if t <= at]
        return before[-1] if before else None

    def _was_carried(self, record: Record, name: str, value: str | None, at: float) -> bool:
        """Whether we wrote this value there soon after."""
        cell = self.oracle.cells[record][name]
        return any(
            v.value == value and v.side != record[0] and at <= t <= at + SOON
            for v, t in zip(cell.all, cell.times, strict=True)
        )
