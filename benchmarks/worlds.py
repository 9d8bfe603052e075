"""Linked customers in a store, as a run finds them: everything seen, everything with a base, some of it edited."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from samklang.core.derive import SideView, by_field, derive_all
from samklang.core.jsontext import dumps
from samklang.core.mapping import Mapping
from samklang.core.rules import EntityRules
from samklang.mapping_files import load_mapping
from samklang.simulators.people import person
from samklang.staging import Staging
from samklang.store import schema
from samklang.store.database import Database
from samklang.sync.context import Sync
from samklang.systems.base import Description

SIDES = ("powerofficego", "shopify")
ROOT = Path(__file__).parents[1]
Values = dict[str, str | None]


class Silent:
    """A system that only says what it takes: planning needs no more."""

    reads_whole = False
    entity = "customers"
    rules = EntityRules()

    def __init__(self, side: str) -> None:
        self.side = side

    def key_for(self, source_id: str, source: Description, values: Any) -> str:  # noqa: ARG002
        return f"{source.id}-{source_id}"


def mapping() -> Mapping:
    return load_mapping("customers", ROOT / "include" / "mappings")


def pair(number: int) -> tuple[Values, Values]:
    """The same person as each system writes it."""
    who = person(1, number % 20_000)
    email = f"{number}.{who.email}"
    national = who.phone.removeprefix("+47")
    go: Values = {
        "EmailAddress": email, "MailAddress.AddressLine1": who.address1,
        "MailAddress.AddressLine2": who.address2 or None,
        "MailAddress.City": who.city, "MailAddress.CountryCode": who.country, "MailAddress.ZipCode": who.zip,
        "PhoneNumber": national, "FirstName": who.first_name, "LastName": who.last_name,
    }  # fmt: skip
    shop: Values = {
        "email": email.lower(), "addresses.address1": who.address1, "addresses.address2": who.address2 or None,
        "addresses.city": who.city, "addresses.country": who.country, "addresses.zip": who.zip, "phone": who.phone,
        "firstName": who.first_name, "lastName": who.last_name,
    }  # fmt: skip
    return go, shop


def edited(values: Values, side: str, number: int) -> Values:
    name = "LastName" if side == SIDES[0] else "firstName"
    return values | {name: f"{values[name]} {number}"}


def build(folder: Path, count: int, part_edited: float) -> Sync:
    """:param part_edited: of the pairs, edited on each side since they were in tune (other pairs on each side)."""
    rules = mapping()
    database = Database(f"sqlite:///{folder / 'store.db'}")
    edits = round(count * part_edited)
    with database.begin() as connection:
        connection.execute(
            schema.links.insert(),
            [
                {
                    "id": n + 1,
                    "entity": "customers",
                    "state": "linked",
                    "origin": "matched",
                    "run_id": "b",
                    "created_at": "",
                }
                for n in range(count)
            ],
        )
    for side_number, side in enumerate(SIDES):
        view = SideView(side, {}, {}, EntityRules())
        raw = [by_field(rules, side, pair(n)[side_number]) for n in range(count)]
        base = derive_all(rules, view, raw, [{}] * count)
        first = 0 if side == SIDES[0] else count - edits
        now = [
            by_field(rules, side, edited(pair(n)[side_number], side, n)) if first <= n < first + edits else raw[n]
            for n in range(count)
        ]
        seen = derive_all(rules, view, now, [{}] * count)
        with database.begin() as connection:
            connection.execute(
                schema.link_sides.insert(),
                [
                    {
                        "link_id": n + 1, "side": side, "entity": "customers", "record_id": str(n + 1), "revision": 0,
                        "raw": dumps(raw[n]), "normal": dumps(base[n].normal), "form": dumps(base[n].form),
                    }
                    for n in range(count)
                ],
            )  # fmt: skip
            connection.execute(
                schema.seen.insert(),
                [
                    {
                        "entity": "customers", "side": side, "id": str(n + 1), "raw": dumps(now[n]),
                        "normal": dumps(seen[n].normal), "form": dumps(seen[n].form), "facts": "{}", "scope": "active",
                        "created": "2024-01-01T00:00:00.0000000Z", "clock": "2026-01-01T00:00:00.0000000Z",
                        "group_clocks": "{}", "ticket": 1, "missing": 0,
                    }
                    for n in range(count)
                ],
            )  # fmt: skip
    return Sync(
        rules,
        database,
        Staging(folder / "staging", database.store_id()),
        Silent,
        lambda: datetime(2026, 1, 2, tzinfo=UTC),
    )


def descriptions() -> dict[str, Description]:
    return {side: Description(side, side, {}) for side in SIDES}
