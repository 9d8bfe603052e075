"""What a person decides, carried out in the store and kept with who decided it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from samklang.cli.environment import open_store, user_name
from samklang.connections import terms_of
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.store.database import Database
from samklang.sync.act import act, note
from samklang.sync.decide import Desk, Done, Record
from samklang.sync.explain import Terms, find

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """The link store of this machine, with what decisions about one entity follow from."""

    database: Database
    terms: Terms

    def act(self, what: str, decide: Callable[[Desk], T], detail: Mapping[str, Any] | None = None) -> T:
        """One decision of whoever is at this terminal; see `sync.act`."""
        return act(self.database, self.terms, what, decide, person=user_name(), via="cli", detail=detail)

    def note_export(self, detail: Mapping[str, Any]) -> None:
        """Keep who takes a file of people's data out, before it is written."""
        note(self.database, self.terms, "export", person=user_name(), via="cli", detail=detail)


@contextmanager
def opened(entity: str) -> Iterator[Store]:
    """:raises SamklangError: the store cannot be opened, or the mapping file is wrong."""
    terms = terms_of(load_mapping(entity, mappings_folder(os.environ)))
    database = open_store(os.environ)
    try:
        yield Store(database, terms)
    finally:
        database.close()


def pointed_at(desk: Desk, text: str) -> Record:
    """The record that a text means; of two twins with the same e-mail or code, either will do.

    :raises DecisionError: it means none, or several that are no twins.
    """
    found = find(desk.connection, desk.mapping, text)
    links = {(desk.link_of(record) or {}).get("id") for record in found}
    if len(found) > 1 and len(links) == 1 and None not in links:
        return found[0]
    return desk.find_one(text)


def told(entity: str, done: Done) -> dict[str, Any]:
    """As `--json` prints it: `done` and `left`, the latter with `what` and `reason`."""
    return {
        "entity": entity,
        "done": done.done,
        "left": [{"what": what, "reason": reason} for what, reason in done.left],
    }
