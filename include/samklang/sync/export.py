"""Export: everything that is kept about one person, for their own eyes. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.errors import DecisionError
from samklang.staging import Staging
from samklang.store import person
from samklang.store.database import Database
from samklang.sync import staged
from samklang.sync.decide import Record, named
from samklang.sync.explain import find, meant
from samklang.sync.forget import EARLIER_FILES

_SECTIONS = {
    "seen": "last_seen",
    "seen_keys": "match_keys",
    "links": "links",
    "link_sides": "last_synchronised",
    "conflicts": "conflicts",
    "holds": "held",
    "refusals": "refusals",
    "freezes": "frozen",
    "verdicts": "why_without_a_twin",
    "intents": "creations",
    "history": "history",
    "orders": "put_back",
    "revisit": "to_read_again",
    "actions": "actions",
}
_NAMES = {
    "raw": "values",
    "normal": "values_as_compared",
    "form": "compared_as",
    "clock": "last_changed",
    "group_clocks": "last_changed_by_group",
    "clocks": "last_changed",
    "our_key": "key_of_ours",
    "missing": "whole_reads_without_it",
    "source_id": "of_record",
    "op": "what",
    "at": "when",
    "lag": "seconds_after_the_edit",
}
"""What a column is called where its name says too little."""

_JSON = {"raw", "normal", "form", "facts", "group_clocks", "base", "clocks", "before", "after", "candidates"}
_JSON |= {"record_ids", "records", "detail"}


def export(database: Database, mapping: Mapping, staging: Staging, text: str) -> dict[str, Any]:
    """All that the store and the staged files hold about a record, its twin, and whoever else the text names.

    :param text: an id as `explain` takes it; given as `side:id` the record need not be known.
    :returns: `entity`, `asked_for`, `records`, a list for each kind of thing that is kept, `staged_files`, and
        `not_looked_at`: where there may be more.
    :raises DecisionError: it names nobody.
    """
    with database.read() as connection:
        who = _everybody(connection, mapping, text)
        rows = person.held(connection, mapping.entity, mapping.sides, who)
    return {
        "entity": mapping.entity,
        "asked_for": text,
        "records": [named(record) for record in who.records],
        "fields": {f.name: dict(f.names) for f in mapping.fields},
        **{section: [_told(row) for row in rows[table]] for table, section in _SECTIONS.items()},
        "not_looked_at": [EARLIER_FILES.format(entity=mapping.entity)] if staging.has_earlier(mapping.entity) else [],
        "staged_files": [
            {"file": found.file, "line": found.line, "content": found.content}
            for found in staged.lines_about(staging, mapping, who)
        ],
    }


def _everybody(connection: Connection, mapping: Mapping, text: str) -> person.Person:
    records: Sequence[Record] = find(connection, mapping, text) or meant(mapping, text)
    if not records:
        raise DecisionError(
            f"No record of {mapping.entity} that has been read so far has this id, e-mail or code.",
            remedy="Give it as powerofficego:ID or shopify:ID.",
        )
    return person.person(connection, mapping.entity, records)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A row, with its maps unpacked, and without what is empty or the same in all of them."""
    return {
        _NAMES.get(name, name): loads(value) if name in _JSON else value
        for name, value in row.items()
        if value is not None and name != "entity"
    }
