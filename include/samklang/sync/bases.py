"""What becomes the base of a field, on either side, once a write is answered or shown by a read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import HELD, PRICES, UNSENT
from samklang.core.jsontext import loads
from samklang.core.plan import RETURNED, ROLLED_BACK, Based
from samklang.core.prices import common_form
from samklang.core.values import normal_form
from samklang.store import seen
from samklang.sync.context import Sync


@dataclass(frozen=True, slots=True)
class Bases:
    """Of writes to one side. Rows are those of a plan; `now` is what `record_answer` says of the target."""

    sync: Sync
    side: str

    @property
    def _source(self) -> str:
        return self.sync.mapping.other(self.side)

    def written(self, changes: list[dict[str, Any]], now: dict[str, Any]) -> dict[str, dict[str, Based]]:
        """What the source had when the plan was made, and what the target says that it stores.

        Of what was emptied and given back, the source's stays: its edit is still to come. Of what was rolled back, it
        is what the target has again, since by then it was the edit's own.
        """
        based = [c for c in changes if not travels_on(c)]
        unmeant: Based = (None, None, UNSENT)
        return {
            self._source: {
                c["field"]: unmeant if self._shows_another_price(c, now) else _of_source(c, now)
                for c in based
                if c["why"] != RETURNED
            },
            self.side: {c["field"]: _based(now, c["field"]) for c in based},
        }

    def _shows_another_price(self, change: dict[str, Any], now: dict[str, Any]) -> bool:
        """Whether the figure that was sent means another price, in the terms that the answer shows to hold.

        Which tax group a new record falls into is known only then. It counts as not sent, and the next plan corrects
        it.
        """
        name, (raw, _, form) = change["field"], change["source"]
        if self.sync.mapping.field(name).kind not in PRICES or change.get("order") is not None:
            return False  # what a person puts back is another price than the source's on purpose
        factors = [one.partition("*")[2] for one in (form, now["form"][name])]
        return all(factors) and common_form(raw, factors[0]) != common_form(change["value"], factors[1])

    def _begun_with(self, changes: list[dict[str, Any]], now: dict[str, Any]) -> set[str]:
        """The other fields of groups that these changes were the first of: what stands there now, the system put there
        beside what we wrote. Where another line is filled in, people have had an address there."""
        group_of = {f.name: f.group for f in self.sync.mapping.fields}
        begun = {group_of[c["field"]] for c in changes if c["value"] is not None}
        begun -= {group_of[c["field"]] for c in changes if (c["expected"] or "").strip()}
        others = group_of.keys() - {c["field"] for c in changes}
        filled = {name for name in others if (now["raw"].get(name) or "").strip() and not self.is_default(name, now)}
        begun -= {group_of[name] for name in filled}
        return {name for name in others if group_of[name] and group_of[name] in begun}

    def filled_in(self, changes: list[dict[str, Any]], now: dict[str, Any]) -> set[str]:
        """Of these, what the system is known to fill in: anything else was typed between our look and our write."""
        return {name for name in self._begun_with(changes, now) if self.is_default(name, now)}

    def is_default(self, name: str, now: dict[str, Any]) -> bool:
        default = self.sync.system(self.side).rules.accepts(self.sync.mapping.field(name).names[self.side]).default
        return default is not None and now["raw"].get(name) == default

    def add_defaults(
        self,
        connection: Connection,
        bases: dict[str, dict[str, Based]],
        row: dict[str, Any],
        now: dict[str, Any],
        filled: set[str],
    ) -> None:
        """What a system filled in by itself is base there, and no edit. :param filled: fields that may be such."""
        for name, source, target in self.unsent(connection, row["source_id"], now, row["changes"]):
            if name in filled and target[1] is not None:
                bases[self._source][name], bases[self.side][name] = source, target

    def unsent(
        self, connection: Connection, source_id: str, now: dict[str, Any], sent: list[dict[str, Any]]
    ) -> Iterator[tuple[str, Based, Based]]:
        """(field, source's base, target's base) of what a new record was made without.

        Empty in the source, they are in tune as they stand, whatever default the target put there. A value that was
        held back, or does not go to this side, has an empty base, so that a default never looks like an edit that could
        win against it.
        """
        source = seen.known(connection, self.sync.entity, self._source, [source_id])[source_id]
        raw, normal, form = (loads(source[name]) for name in ("raw", "normal", "form"))
        names_sent = {c["field"] for c in sent}
        for f in self.sync.mapping.fields:
            name = f.name
            if name in names_sent or name not in raw or name not in now["answered"]:
                continue
            if normal[name] is None and not form[name].startswith(HELD):
                yield name, (raw[name], None, form[name]), _based(now, name)
            elif now["normal"][name] is not None:
                yield name, (None, None, UNSENT), _based(now, name)

    def is_as_sent(self, change: dict[str, Any], now: dict[str, Any]) -> bool:
        mapping, name = self.sync.mapping, change["field"]
        as_sent = normal_form(mapping.field(name).kind, change["value"], mapping.region)
        return bool(as_sent == now["normal"][name])

    def already_there(self, row: dict[str, Any], raw: Mapping[str, str | None]) -> list[dict[str, Any]]:
        """The changes of an update that the target shows as they were to be written."""
        if row["op"] == "create":
            return []
        mapping = self.sync.mapping

        def normal(name: str, value: str | None) -> str | None:
            return normal_form(mapping.field(name).kind, value, mapping.region)

        return [
            c
            for c in row["changes"]
            if (name := c["field"]) in raw and normal(name, raw[name]) == normal(name, c["value"])
        ]


def travels_on(change: Mapping[str, Any]) -> bool:
    """A value that a person took from a conflict is put back where it was typed, and is an edit there like any other:
    without a base, the next plan carries it over."""
    return bool(change["why"] == "take")


def _of_source(change: dict[str, Any], now: dict[str, Any]) -> Based:
    raw, normal, form = change["source"]
    if change["why"] == ROLLED_BACK:
        raw, normal = now["raw"][change["field"]], now["normal"][change["field"]]
    return raw, normal, form


def _based(now: dict[str, Any], name: str) -> Based:
    return now["raw"][name], now["normal"][name], now["form"][name]
