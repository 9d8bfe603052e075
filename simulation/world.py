"""One world: both simulators, people at their desks, a link store, and runs of the shipped engine as Airflow does them.

Nothing here decides anything: which faults come when is in the trace, whether that was right is the oracle's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from samklang.errors import MappingError
from samklang.simulators.control import Controlled
from samklang.simulators.http import Request
from samklang.store import seen
from samklang.sync import unshown
from simulation.clock import Clock
from simulation.decisions import Decisions
from simulation.desks import Desk, PowerOfficeGoDesk, ShopifyDesk
from simulation.goods import Goods
from simulation.happenings import Happenings
from simulation.machine import Machine
from simulation.mapping_changes import Files, replaced, said
from simulation.mappings import mapping_of
from simulation.memory_path import Disk
from simulation.opening import GO
from simulation.oracle import Oracle
from simulation.outcome import violations
from simulation.people import People
from simulation.runs import Runs, Task
from simulation.situations import HIDDEN
from simulation.store_view import StoreView, broken_promises, read_store
from simulation.trace import DECISIONS, GOODS, MAPPINGS, Edit, Step, Trace
from simulation.values import FIELDS, POWEROFFICEGO, PRICES, SHOPIFY
from simulation.versions import Record
from simulation.wire import Wire

MOST_OF_GOODS = 12
"""Besides, of products: their groups and accounts are read twice, and a refused code is tried in several ways."""
QUIET_RUNS = 6
"""Runs without people and faults after which nothing may be left to do."""
MOST_REQUESTS = 15
"""Of a run that has nothing to do, besides one for each page: three tasks of each side ask for a token and describe the
system, each side is read, and a shop is asked about contacts of companies."""
WHOLE_READ = 6
"""Requests of one with a bulk operation, after a look whether it is called for."""
PATIENCE = 10
"""Requests about a record over which a system fails, half a minute long, and one whether the system answers at all."""


class World(Runs):
    """See the module. :param machine: emptied, and used until the next world is made."""

    def __init__(self, trace: Trace, machine: Machine) -> None:
        super().__init__(trace.seed)
        self.trace = trace
        self.machine = machine
        self.mapping = mapping_of(trace.entity, trace.mapping)
        self._lines = trace.mapping
        machine.clock = self.clock = Clock()
        machine.skews.update(trace.skews)
        for side, simulator in machine.simulators.items():
            simulator.switches({**machine.defaults[side], **trace.switches.get(side, {})})
            simulator.reset()
            simulator.log_write = self._watch_writes(side, simulator)  # type: ignore[method-assign]
        PRICES["rate"] = Decimal(trace.conditions.get("rate", "0.25"))
        machine.database.point = lambda _kind: []
        machine.put_store(machine.empty)
        self.desks: dict[str, Desk] = {
            POWEROFFICEGO: PowerOfficeGoDesk(machine.go, trace.entity),
            SHOPIFY: ShopifyDesk(machine.shop, trace.entity),
        }
        self.oracle = Oracle(
            self.desks,
            trace.entity,
            enforces=trace.switches[POWEROFFICEGO].get("test_operation") != "ignored",
            mapped=frozenset(field.name for field in self.mapping.fields) & FIELDS[trace.entity].keys(),
            key=self.mapping.match[0],
            skews=machine.skews,
        )
        self.oracle.files = Files(trace.entity, said(trace.entity, trace.mapping))
        self.people = People(trace.entity, self.desks, self.oracle, machine.skews)
        self.happenings = Happenings(self.clock, self.oracle, self.act)
        self.fired = self.happenings.fired
        self.wire = Wire(
            machine.simulators,
            lambda url: POWEROFFICEGO if url.startswith(GO) else SHOPIFY,
            self.happenings,
            is_bad=self._is_bad,
            is_unreadable=self._is_unreadable,
            offsets=trace.conditions.get("offsets"),
        )
        machine.database.point = self.happenings.point
        self.disk = Disk(lambda _name: self.happenings.file())
        self.decisions = Decisions(self)
        self.goods = Goods(self)
        self._log = blake2b(digest_size=16)
        self._backup: sqlite3.Connection | None = None
        self._told = StoreView()  # by a store that was replaced

    # --- the whole trace

    def play(self) -> list[str]:
        """Everything that must not have happened, in words; empty when all is well."""
        for person in self.trace.people:
            self.clock.sleep(3.0)
            self.people.arrive(person)
        for step in self.trace.steps:
            self._take(step)
        return self._quieten()

    def digest(self) -> str:
        """Of all requests, in order, with their times."""
        return self._log.hexdigest()

    def _take(self, step: Step) -> None:
        match step.what:
            case "edit" if step.edit:
                self.clock.sleep(7.0)
                self.act(step.edit)
            case "run":
                self.run(step)
            case "again" if self.done:
                self._again(step.task, step.options.get("run"))
            case "backup":
                self._backup = self.machine.copy_store()
                self.oracle.store_saved(self.clock.seconds())
            case "restore" if self._backup is not None:
                self.happenings.count("store restored from a backup")
                self._told = self.store_view()
                self.oracle.store_replaced()
                self.machine.database.point = lambda _kind: []
                self.machine.put_store(self._backup)
                self.machine.database.point = self.happenings.point

    def act(self, edit: Edit) -> None:
        """Somebody does something, at a desk or at the console."""
        if edit.kind in MAPPINGS:
            self._remap(edit)
        elif edit.kind in GOODS:
            self.goods.act(edit)
        else:
            (self.decisions if edit.kind in DECISIONS else self.people).act(edit)

    def _remap(self, edit: Edit) -> None:
        """Somebody changes a line of the mapping file, or looks what that would do."""
        lines = replaced(self._lines, edit.field)
        try:
            mapping = mapping_of(self.trace.entity, lines)
        except MappingError:  # two changes that do not go together: the file is put back as it was
            self.happenings.count("mapping: refused")
            return
        self.happenings.count(f"mapping: {edit.field.partition(':')[0]}" if edit.kind == "mapping" else "trial plan")
        if edit.kind == "plan":
            self.decisions.try_out(mapping)
            return
        self._lines, self.mapping = lines, mapping
        self.oracle.files.changed(said(self.trace.entity, lines), self.clock.seconds())
        self.oracle.mapped = frozenset(self.oracle.files.now.sides) & FIELDS[self.trace.entity].keys()

    def _is_bad(self, side: str, asked: Request) -> bool:
        """Whether a request names the record that makes all of them fail, or changes the one that fails alone."""
        bad = self.trace.conditions.get("bad")
        if not bad or bad["side"] != side:
            return False
        ids = [i for (at, i), person in self.oracle.persons.items() if at == side and person == bad["person"]]
        if side == POWEROFFICEGO:
            named = asked.method != "GET" if bad["alone"] else True
            found = named and asked.path.rpartition("/")[2] in ids
        else:
            kind = "Customer" if self.trace.entity == "customers" else "ProductVariant"
            found = any(f'gid://shopify/{kind}/{i}"'.encode() in asked.body for i in ids)
        if found:
            self.happenings.count("request with a bad record")
        return found

    def _is_unreadable(self, side: str, ids: set[str]) -> bool:
        """Whether an answer holds the record that cannot be read."""
        bad = self.trace.conditions.get("bad")
        if not bad or not bad.get("unreadable") or bad["side"] != side:
            return False
        return any(
            (side, i) not in self.oracle.made_by_us and self.oracle.persons.get((side, i)) == bad["person"] for i in ids
        )

    def _quieten(self) -> list[str]:
        """Runs without any fault, until one has nothing to write; sometimes one more, which must not find anything."""
        found = self.crashes
        for name in self.trace.switches[SHOPIFY].get("denied_fields", ()):
            self.oracle.hidden_until[HIDDEN[self.trace.entity][name]] = self.clock.seconds()
        self.machine.shop.switches({"denied_fields": []})
        for number in range(QUIET_RUNS):
            writes = self._quiet_run()
            if writes and not number and self.trace.seed % 2 and not self._violations():
                break  # in tune already; every other trace also shows that the next run writes nothing
            if self.done[-1].failed:
                return [*found, f"stuck: {', '.join(self.done[-1].failed)} failed without any fault"]
            if not writes:
                break
        else:
            return [*found, *self.oracle.faults, f"restless: still writing after {QUIET_RUNS} quiet runs"]
        # what was refused is tried again when that is due
        if self.trace.seed % 4 == 0 and not self.store_view().holds and self._quiet_run():
            found.append("echo: a run after one that wrote nothing wrote something")
        return found + self._violations() + broken_promises(self.machine.database)

    def _violations(self) -> list[str]:
        denied = self.trace.switches[SHOPIFY].get("denied_fields") or self.fired.get("field denied")
        return violations(self.oracle, self.store_view(), was_denied=bool(denied), bad=frozenset(self._bad_records()))

    def _bad_records(self) -> list[Record]:
        bad = self.trace.conditions.get("bad")
        if not bad:
            return []
        return [r for r, person in self.oracle.persons.items() if r[0] == bad["side"] and person == bad["person"]]

    def _quiet_run(self) -> int:
        """:returns: how many writes it made."""
        writes, before, most = self._writes(), self.happenings.requests, self._most_requests()
        self.run(Step("run"))
        writes = self._writes() - writes
        most = max(most, self._most_requests())  # a restored store learns in this run what is refused
        if not writes and self.happenings.requests - before > most:
            self.crashes.append(f"busy: {self.happenings.requests - before} requests for nothing")
        return writes

    def _most_requests(self) -> int:
        """Of a run that has nothing to do. A side that the store knows nothing of may be read twice; one that shows
        again what was denied is read whole after its window."""
        sync, most = self._sync(), MOST_REQUESTS + (MOST_OF_GOODS if self.trace.entity == "products" else 0)
        for side, desk in self.desks.items():
            with self.machine.database.read() as connection:
                is_first = not seen.count_present(connection, self.trace.entity, side)
            pages = len(desk.records()) // self.trace.page_size
            pages += sum(desk.shares_title(record_id) for record_id in desk.records())
            most += pages * (2 if is_first else 1)
            most += WHOLE_READ if unshown.example(sync, side) else 0
        ends = {end for a, b in self.store_view().links for end in ((POWEROFFICEGO, a), (SHOPIFY, b))}
        if ends & self.oracle.deleted:
            most += len(self.desks)  # only a whole read counts as absence; until then each load looks for it once more
        if self.trace.conditions.get("bad"):
            most += 2 * PATIENCE  # in each load, as what is written and as where it comes from
        elif self.store_view().holds:
            most += 2 * WHOLE_READ  # what was refused is looked at, and tried again when that is due
        return most

    def run(self, step: Step) -> Task:
        task = super().run(step)
        if self.oracle.forgotten:
            self.oracle.linked(self.store_view().links)
        return task

    def _writes(self) -> int:
        return sum(1 for simulator in self.machine.simulators.values() for w in simulator.writes() if w["who"] == "api")

    def _watch_writes(self, side: str, simulator: Controlled) -> Callable[..., None]:
        plain = type(simulator).log_write

        def log_write(who: str, action: str, entity: str, record_id: str, fields: Any = ()) -> None:
            plain(simulator, who, action, entity, record_id, fields)
            self._log.update(f"{side} {who} {action} {record_id} {self.clock.seconds()}\n".encode())
            if entity == self.trace.entity:
                self.oracle.wrote(side, who, action, record_id, self.clock.seconds())

        return log_write

    def store_view(self) -> StoreView:
        """What the link store tells people, and what one that was replaced has told them of conflicts."""
        view = read_store(self.machine.database, self.mapping)
        for place, (told, _) in self._told.conflicts.items():
            values, is_open = view.conflicts.get(place, (set[str | None](), False))
            view.conflicts[place] = (values | told, is_open)
            for record in ((POWEROFFICEGO, place[0]), (SHOPIFY, place[1])):
                view.told_before.setdefault((record, place[2]), set()).update(told)
        return view
