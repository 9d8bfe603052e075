"""Two systems in memory, a store and the shipped engine between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, event, select
from tests.sync.memory_system import MemorySystem

from samklang.core.clocks import from_datetime
from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.core.rules import Accepts, EntityRules
from samklang.errors import OutdatedPlanError
from samklang.staging import Staging
from samklang.store import journal
from samklang.store.database import Database
from samklang.sync.context import Run, Sync
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.report import status
from samklang.sync.review import WITHIN_LIMITS
from samklang.sync.settle import settle
from samklang.sync.transform import transform

LEFT, RIGHT = SIDES = ("powerofficego", "shopify")
MAPPINGS = Path(__file__).parents[2] / "include" / "mappings"
SHORT = {
    "EmailAddress": "email",
    "MailAddress.AddressLine1": "line1",
    "MailAddress.AddressLine2": "line2",
    "MailAddress.City": "city",
    "MailAddress.CountryCode": "country",
    "MailAddress.ZipCode": "zip",
    "PhoneNumber": "phone",
    "FirstName": "first",
    "LastName": "last",
    "WebsiteUrl": "note",
    "Name": "title",
    "Code": "code",
    "UnitPrice": "price",
}
COUNTRIES = frozenset({"NO", "SE", "DK", "GB"})
RULES = {
    ("customers", LEFT): EntityRules(
        fields={
            "EmailAddress": Accepts(max_length=100),
            "FirstName": Accepts(clearable=False),
            "LastName": Accepts(clearable=False),
            "MailAddress.CountryCode": Accepts(form="country", choices=COUNTRIES, default="NO"),
        },
        create_needs=(("FirstName", "LastName"),),
        group_needs={"address": ("MailAddress.City", "MailAddress.ZipCode")},
    ),
    ("customers", RIGHT): EntityRules(
        fields={
            "email": Accepts(form="email", unique=True),
            "phone": Accepts(form="phone", unique=True),
            "addresses.country": Accepts(form="country", choices=COUNTRIES),
            "firstName": Accepts(max_length=20),
        },
        create_needs=(("firstName",), ("lastName",), ("email",), ("phone",)),
        identity=("firstName", "lastName", "email", "phone"),
        can_be_erased=True,
    ),
    ("products", LEFT): EntityRules(
        fields={"UnitPrice": Accepts(form="money", inherits=True, clearable=False), "Name": Accepts(clearable=False)},
        create_needs=(("Name", "Code"),),
        key_proves_origin=False,
    ),
    ("products", RIGHT): EntityRules(
        fields={"price": Accepts(form="money", clearable=False), "title": Accepts(clearable=False)},
        create_needs=(("title",),),
    ),
}
"""As the two real systems ask, in little."""


def mapping_of(entity: str, *lines: str, add: tuple[str, ...] = (), **fields: str) -> Mapping:
    """The shipped mapping with these lines in the place of those of the same key.

    :param add: lines for the end of `fields`. :param fields: by short name, what to add inside a field's braces.
    """
    text = (MAPPINGS / f"{entity}.yaml").read_text()
    for line in lines:
        key = line.split(":")[0]
        text, found = re.subn(rf"(?m)^{key}:.*(?:\n +.*)*", line, text)
        if not found:
            text = text.replace("\nfields:", f"\n{line}\n\nfields:")
    for short, extra in fields.items():
        name = next(name for name, one in SHORT.items() if one == short)
        text = text.replace(f"{{powerofficego: {name},", f"{{{extra}, powerofficego: {name},")
    return parse_mapping("\n".join([text, *(f"  - {line}" for line in add)]) + "\n", file=f"{entity}.yaml")


customers = partial(mapping_of, "customers")
products = partial(mapping_of, "products")
NOTE = "{powerofficego: WebsiteUrl, shopify: note, kind: text, origin: extension}"
NO_LIMITS = "limits: {creates: 100000, updates: 100000, clears: 100000, link_conflicts: 100000, part: 100%}"


def do_not_wait_for_the_disk(database: Database) -> None:
    """No test pulls the plug of the machine, and each record written is a commit."""

    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(database.engine, "connect", relax)
    database.close()


@dataclass
class World:
    folder: Path
    mapping: Mapping
    url: str = ""
    moment: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)
    runs: int = 0
    left: MemorySystem = field(init=False)
    right: MemorySystem = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.url or f"sqlite:///{self.folder}/store.db")
        if self.database.dialect == "sqlite":
            do_not_wait_for_the_disk(self.database)
        self.left, self.right = (self._system(side) for side in SIDES)
        if self.mapping.entity == "products":
            self.left.facts = {"prices_include_tax": False}
            self.right.facts = {"currency": "NOK", "prices_include_tax": True}

    def _system(self, side: str) -> MemorySystem:
        names = {SHORT[f.name]: f.names[side] for f in self.mapping.fields}
        rules = RULES[self.mapping.entity, side]
        unique = tuple(name for name, accepts in rules.fields.items() if accepts.unique)
        return MemorySystem(side, names, self.tick, self.mapping.entity, rules, unique=unique)

    def tick(self) -> datetime:
        """Two seconds pass: no two edits are simultaneous by chance."""
        self.moment += timedelta(seconds=2)
        return self.moment

    def remap(self, mapping: Mapping) -> None:
        """Another mapping file, from the next run on; fields that are new to a system are empty there."""
        self.mapping = mapping
        for system in (self.left, self.right):
            system.names = {SHORT[f.name]: f.names[system.side] for f in mapping.fields}
            for record in list(system.records.values()):
                empty = dict.fromkeys(system.names.values())
                system.records[record.id] = type(record)(
                    record.id, {**empty, **record.values}, record.scope, record.created, record.clock,
                    record.group_clocks, record.key, record.facts,
                )  # fmt: skip

    def sync(self) -> Sync:
        systems: dict[str, Any] = {LEFT: self.left, RIGHT: self.right}
        return Sync(
            self.mapping,
            self.database,
            Staging(self.folder / "staging", self.database.store_id()),
            systems.__getitem__,
            self._now,
        )

    def _now(self) -> datetime:
        return self.moment

    # --- runs

    def begin(self, **options: Any) -> Run:
        self.runs += 1
        self.moment += timedelta(minutes=15)
        return Run(f"run-{self.runs}", **options)

    def read(self, run: Run) -> list[dict[str, Any]]:
        sync = self.sync()
        return [extract(sync, side, run) for side in SIDES]

    def plan(self, run: Run, reads: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        return transform(self.sync(), run, self.read(run) if reads is None else reads)

    def approve(self, plan: dict[str, Any], state: str = "approved", by: str = WITHIN_LIMITS) -> None:
        at = from_datetime(self.moment)
        with self.database.begin() as connection:
            journal.set_plan(connection, plan["plan"], state=state, decided_by=by, decided_at=at)

    def load(self, plan: dict[str, Any], *sides: str) -> dict[str, dict[str, Any] | None]:
        return {side: load(self.sync(), side, plan) for side in sides or (RIGHT, LEFT)}

    def settle(self, run: Run, plan: dict[str, Any], written: dict[str, Any], failed: list[str]) -> dict[str, Any]:
        return settle(self.sync(), run, reads=plan["reads"], plan=plan, written=written, failed=failed)

    def run(
        self, *, between: Callable[[], object] | None = None, by: str = WITHIN_LIMITS, **options: Any
    ) -> dict[str, Any]:
        """One run from extract to settle; `between` happens after the plan and before the loads.

        :param by: who approves the plan. :returns: the summary.
        """
        run = self.begin(**options)
        plan = self.plan(run)
        if between:
            between()
        if plan["state"] == "proposed":
            self.approve(plan, by=by)
        return self.carry_out(run, plan)

    def carry_out(self, run: Run, plan: dict[str, Any]) -> dict[str, Any]:
        """Approve, load and settle; a load that dies leaves the run failed."""
        with self.database.read() as connection:
            is_open = journal.plan(connection, plan["plan"])["state"] == "proposed"
        if is_open:
            self.approve(plan)
        written: dict[str, Any] = {}
        failed = []
        for side in (RIGHT, LEFT):
            try:
                written |= self.load(plan, side)
            except OutdatedPlanError:
                written[side] = None  # its task is skipped
            except Exception as error:
                written[side] = None
                failed.append(f"load_{side}: {type(error).__name__}")
        return self.settle(run, plan, written, failed)

    def pair(self, **values: str | None) -> tuple[str, str]:
        """Two records with the same values, linked by a run."""
        ids = self.left.add(**values), self.right.add(**values)
        self.run()
        return ids

    # --- what came of it

    def status(self) -> dict[str, Any]:
        return status(self.database, self.mapping)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def writes(self) -> int:
        return len(self.left.writes) + len(self.right.writes)

    def forget_writes(self) -> None:
        self.left.writes.clear()
        self.right.writes.clear()
