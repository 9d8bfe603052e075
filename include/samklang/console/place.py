"""What the pages work on: the mapping, the link store and the staged files of this Airflow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from samklang.airflow.context import find_store, open_staging
from samklang.connections import terms_of
from samklang.console.access import Entity, Visitor
from samklang.core.mapping import Mapping as EntityMapping
from samklang.errors import StoreError
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.settings import STORE_CONNECTION, staging_url
from samklang.staging import Staging
from samklang.store.address import is_missing
from samklang.store.database import Database
from samklang.sync.act import act, note
from samklang.sync.decide import Desk
from samklang.sync.explain import Terms

T = TypeVar("T")
_PATIENCE = 10
"""Seconds that a page waits for a lock: meanwhile it keeps one of the threads that Airflow's own API needs too."""


@dataclass(frozen=True, slots=True)
class Place:
    mapping: EntityMapping
    database: Database
    staging: Staging

    @property
    def terms(self) -> Terms:
        return terms_of(self.mapping)

    def act(
        self, what: str, visitor: Visitor, decide: Callable[[Desk], T], detail: Mapping[str, Any] | None = None
    ) -> T:
        """One decision of a person; see `sync.act`."""
        return act(self.database, self.terms, what, decide, person=visitor.name, via="console", detail=detail)

    def note_export(self, visitor: Visitor, detail: Mapping[str, Any]) -> None:
        """Keep who takes a file of people's data out, before it is made."""
        note(self.database, self.terms, "export", person=visitor.name, via="console", detail=detail)


def place_of(entity: Entity) -> Place:
    """:raises SamklangError: the mapping file is wrong, or the store cannot be opened."""
    mapping = load_mapping(entity.value, mappings_folder(os.environ))
    database = _database()
    return Place(mapping, database, open_staging(staging_url(os.environ), database))


@cache  # one pool of connections for each process; an error is not kept
def _database() -> Database:
    url = find_store(STORE_CONNECTION)
    if is_missing(url):  # looking makes none: this may be the wrong machine for it
        raise StoreError(
            "There is no link store yet.",
            remedy="The first run makes it: trigger sync_customers or sync_products. If they have run, set the "
            f"connection {STORE_CONNECTION}: their tasks keep a file of their own, where this server does not see it.",
        )
    return Database(url, patience=_PATIENCE)
