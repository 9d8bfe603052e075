"""Creates whose answer never came: whether the record was made, by its key and by what tells it from others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samklang.core.clocks import earlier
from samklang.core.mapping import Field
from samklang.core.records import Record
from samklang.core.values import normal_form
from samklang.errors import RemoteError
from samklang.store import ledger, seen
from samklang.sync.commit import Committer
from samklang.sync.context import Sync
from samklang.sync.extract import OVERLAP
from samklang.sync.sifting import may_be_one_record, sift

_PARKED = "a record that may be the one whose creation was not confirmed"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Of one side. :param outcomes: counted here, as each row is settled."""

    sync: Sync
    side: str
    plan_id: int
    committer: Committer
    outcomes: Counter[str] = field(repr=False)

    def settle(self, rows: Mapping[int, Row], intended_at: Mapping[int, str]) -> set[int]:
        """Whoever holds the key of a row is its twin; the intents of the others are taken on by this plan.

        :param rows: by their number. :param intended_at: when those were first meant to be made that may have been.
        :returns: the rows that are settled; the others were not made.
        :raises RemoteError: nobody knows who holds their keys.
        """
        unsure = [row for n, row in rows.items() if n in intended_at]
        settled = self._look_up(unsure, intended_at) if unsure else set()
        again = [row["key"] for row in unsure if row["n"] not in settled]
        if again:
            with self.sync.database.begin() as connection:
                ledger.renew_intents(connection, self.sync.entity, self.side, again, self.plan_id)
        return settled

    def _look_up(self, rows: Sequence[Row], intended_at: Mapping[int, str]) -> set[int]:
        settled: set[int] = set()
        found = self.sync.system(self.side).find_by_key([row["key"] for row in rows])
        for row in rows:
            holders, since = found.get(row["key"], []), earlier(intended_at[row["n"]], OVERLAP)
            if not holders and not self._has_lookalike(row, since):
                continue  # from the database, not a search: it was not made
            settled.add(row["n"])
            if len(holders) == 1 and (self._proves_origin(row, holders[0]) or self._is_ours(row, holders[0], since)):
                self.outcomes["created" if self.committer.found(row, holders[0]) else "linked"] += 1
            else:
                self.committer.parked(row, _PARKED)
                self.outcomes["parked"] += 1
        return settled

    def close(self, planned: Collection[str | None]) -> RemoteError | None:
        """Intents of earlier runs that no plan takes up again, because the record is out of scope by now, say.

        :param planned: keys that this plan takes up. :returns: why the system could not be asked; a key that fails
            alone stays open, and is looked up by the next run.
        """
        with self.sync.database.read() as connection:
            unresolved = ledger.unresolved_intents(connection, self.sync.entity, self.side)
        old = [key for key, intent in unresolved.items() if intent["state"] == "open" and key not in planned]
        if not old:
            return None
        system = self.sync.system(self.side)

        def look(keys: Sequence[str]) -> dict[str, RemoteError]:
            try:
                found = system.find_by_key(keys)
            except RemoteError as error:
                if error.final:
                    raise
                return dict.fromkeys(keys, error)
            for key in keys:
                self.committer.give_up(key, found.get(key, []))
            return {}

        failed = look(old)
        outage = next((error for error in failed.values() if not may_be_one_record(error)), None)
        return outage or sift(failed, look, is_alive=not failed, ask=system.describe).outage

    # --- who is who

    def _proves_origin(self, row: Row, holder: Record) -> bool:
        """Whether a key that only we set is this record's own: a part of what we made may have been replaced since."""
        return self.sync.system(self.side).rules.key_proves_origin and holder.key == row["key"]

    def _is_ours(self, row: Row, holder: Record, since: str) -> bool:
        """Whether who holds a key that anybody may type was made since, and as it was sent."""
        mapping, values = self.sync.mapping, {c["field"]: c["value"] for c in row["changes"]}

        def normal(f: Field, value: str | None) -> str | None:
            return normal_form(f.kind, value, mapping.region)

        return holder.created >= since and all(
            normal(f, values.get(f.name)) == normal(f, holder.values.get(f.names[self.side])) for f in self._telling()
        )

    def _telling(self) -> list[Field]:
        """What tells one record from another: match keys, and what no record is without."""
        mapping = self.sync.mapping
        needed = {name for need in self.sync.system(self.side).rules.create_needs for name in need}
        return [f for f in mapping.fields if f.name in mapping.match or f.names[self.side] in needed]

    def _has_lookalike(self, row: Row, since: str) -> bool:
        """Whether a record without our key was made since, with the same name and match keys."""
        mapping = self.sync.mapping
        values = {c["field"]: c["value"] for c in row["changes"]}
        wanted = {f.name: normal_form(f.kind, values.get(f.name), mapping.region) for f in self._telling()}
        with self.sync.database.read() as connection:
            others = seen.unlinked_since(connection, self.sync.entity, self.side, since)
        return any(wanted.values()) and any(all(o.get(n) == v for n, v in wanted.items()) for o in others)
