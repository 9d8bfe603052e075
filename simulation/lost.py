"""Edits that are gone: each version that nobody typed over must stand on both sides, or be accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulation.oracle import Oracle
from simulation.store_view import StoreView
from simulation.values import ADDRESS
from simulation.versions import Cell, Record, Version


@dataclass(frozen=True, slots=True)
class Lost:
    oracle: Oracle
    store: StoreView

    def of(self, pair: tuple[Record, Record], name: str, ends: list[Cell]) -> list[str]:
        """Versions that nobody typed over and that stand nowhere, nor in the list of conflicts."""
        typed = list(dict.fromkeys(version for end in ends for version in end.all))
        standing = {end.version.value for end in ends}
        told = self.store.told(pair, name)
        told_of_others = self.store.told_of_any(pair, name)  # it was another record's twin, and lost to that one
        unseen = {id(loss.version) for loss in self.oracle.losses}
        found = []
        for version in typed:
            if self._may_vanish(name, version):
                continue
            if version.at is None or version.value in standing or any(version.came_before(later) for later in typed):
                continue
            if self.oracle.promises.had_its_day(pair, name, version) or self._stands_at_home(pair, name, version):
                continue
            if version.at <= max(self.oracle.promises.ever_forgotten.get(end, 0.0) for end in pair):
                continue  # whatever was told of it has been forgotten with the person
            if version.at <= self.oracle.files.turned_at.get(name, 0.0):
                continue
            linked_at = self.store.linked_at.get((pair[0][1], pair[1][1]), 0.0)
            before_link = version.at < max(self.oracle.files.new_for(name, linked_at), self._compared_at(pair, name))
            if version.value is None and (before_link or told or not _were_equal(ends, version.at)):
                continue  # without a base, an empty field is filled and never cleared
            older = any(version.was_typed_over(end.version) for end in ends)
            nobody_knows = version.over_ours and version.value in told
            if older and name not in ADDRESS and not before_link and not nobody_knows:
                found.append(f"reversed: {name} of {pair[0][1]} and {pair[1][1]} is again what an edit had replaced")
                continue
            if (
                id(version) in unseen
                or version.value in told | told_of_others
                or any(version.value in self.store.told_before.get((record, name), ()) for record in pair)
            ):
                continue
            found.append(f"lost: {name} of {pair[0][1]} and {pair[1][1]}: an edit in {version.side} is gone")
        return found

    def _stands_at_home(self, pair: tuple[Record, Record], name: str, version: Version) -> bool:
        """Whether it came from a former twin, say by a link that was undone, and stands there, where it was typed."""
        cells = [(one, cells[name]) for one, cells in self.oracle.cells.items() if one[0] == version.side]
        return any(
            cell.version is version and one not in (*pair, *self.oracle.deleted) and cell.changed_at == version.at
            for one, cell in cells
        )

    def _compared_at(self, pair: tuple[Record, Record], name: str) -> float:
        """When both ends had been read since the field meant something else, or was shown at all, or a person linked
        them: until then there is no base. What a system never showed it did not answer to our own write of it either,
        so nobody can tell whose value that is which stands there in the end."""
        planned = 0.0
        if self.oracle.promises.ever_linked.issuperset(pair):  # what a person links is compared by the next plan
            linked_at = self.store.linked_at.get((pair[0][1], pair[1][1]), 0.0)
            planned = min((at for at in self.oracle.plans if at > linked_at), default=inf)
        new_at = max(self.oracle.files.new_at.get(name, 0.0), self.oracle.hidden_until.get(name, 0.0))
        if not new_at:
            return planned
        reads = ([t for t in self.oracle.reads.get(record, ()) if t >= new_at] for record in pair)
        return max(planned, *(min(times, default=inf) for times in reads))

    def _may_vanish(self, name: str, version: Version) -> bool:
        """What is typed on the wrong side of a one-way field is put back, and who empties one that is not to be emptied
        may find it filled."""
        said = self.oracle.files.now
        _, direction, _ = said.terms[name]
        return direction == f"to_{version.side}" or (version.value is None and name not in said.empties)


def _were_equal(ends: list[Cell], until: float) -> bool:
    """Whether both ever held the same before: else nothing has become their base, say while one of them is archived."""
    return any(
        one.value == other.value and since < until
        for cell, twin in (ends, ends[::-1])
        for one, since in zip(cell.all, cell.times, strict=True)
        for other in [v for v, at in zip(twin.all, twin.times, strict=True) if at <= since][-1:]
    )
