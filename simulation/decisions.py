"""People at the console and the command line: what they decide, through the functions that both of these call.

Each decision is compared with what it says of itself: one that was refused, or that found nothing to do, leaves the
store as it was; one that is sent twice is taken once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from samklang.cli.plan import make_plan, planned
from samklang.connections import terms_of
from samklang.core.clocks import from_datetime
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping as EntityMapping
from samklang.errors import DecisionError, SamklangError
from samklang.store import dossier, schema
from samklang.sync import (
    conflicts,
    exclude,
    explain,
    export,
    forget,
    freezing,
    match_file,
    quarantine,
    report,
    takeover,
    undo,
)
from samklang.sync.act import act, rehearse
from samklang.sync.decide import Decision as Decided
from samklang.sync.decide import Desk, Done
from simulation.promises import Pair, Stand
from simulation.runs import Runs
from simulation.trace import DECISIONS, Edit
from simulation.values import ADDRESS, POWEROFFICEGO, SHOPIFY, SIDES, normal, other
from simulation.versions import Record

AGAIN_IS_NOTHING = frozenset(DECISIONS) - {"make anew", "adopt", "look", "forget", "import"}
"""Decisions that say themselves, when they are sent twice, that there is nothing left to do."""
_NOT_CONTENT = ("lanes",)  # who holds a lock
_NO_PLAN = "0"  # that none is in force yet, which only says what to lock
_WHO = "simulation"

Content = dict[str, list[Any]]


class Nobody(Exception):  # noqa: N818 - it is no error
    """There is nobody, or nothing, to decide about."""


class Decisions:
    """Whoever decides, in one world."""

    def __init__(self, world: Runs) -> None:
        self._world = world
        self._database = world.machine.database
        self._oracle = world.oracle
        self._promises = world.oracle.promises
        self._chosen: Record | None = None  # by who presses a button twice

    def act(self, edit: Edit) -> None:
        """Somebody decides something; every third time they press the button twice."""
        point, self._database.point = self._database.point, lambda _kind: []  # the databases' faults are for runs
        self._chosen = None
        try:
            for time in range(2 if edit.number % 3 == 0 else 1):
                self._once(edit, again=time > 0)
        finally:
            self._database.point = point

    def _once(self, edit: Edit, *, again: bool) -> None:
        before = self.content()
        try:
            changed = self._decide(edit)
        except Nobody:
            return
        except DecisionError:
            self._world.happenings.count(f"{edit.kind}: refused")
            changed = False
        except Exception as error:  # people would find a traceback
            self._fault(f"crash: {edit.kind}: {type(error).__name__}: {error}")
            return
        else:
            self._world.happenings.count(f"{edit.kind}: {'done' if changed else 'nothing to do'}")
        if again and changed and edit.kind in AGAIN_IS_NOTHING:
            self._fault(f"twice: {edit.kind} was sent twice, and taken twice")
        if not changed and edit.kind != "adopt" and (table := difference(before, self.content())):
            self._fault(f"not nothing: {edit.kind} did nothing, and {table} changed")

    def _fault(self, told: str) -> None:
        self._promises.faults.append(told)

    def content(self) -> Content:
        """All that stands in the store."""
        with self._database.read() as connection:
            cursor: Any = connection.connection.driver_connection
            return {
                table.name: [
                    row
                    for row in cursor.execute(f"SELECT * FROM {table.name} ORDER BY rowid")
                    if not (table is schema.meta and row[1] == _NO_PLAN)
                ]
                for table in schema.metadata.tables.values()
                if table.name not in _NOT_CONTENT
            }

    # --- what is decided

    def _decide(self, edit: Edit) -> bool:
        """:returns: whether it did anything. :raises DecisionError: it is refused. :raises Nobody: about whom."""
        return bool(getattr(self, "_" + edit.kind.replace(" ", "_"))(edit))

    def _act(self, what: str, decide: Callable[[Desk], Any]) -> Any:
        return act(self._database, self._terms(), what, decide, person=_WHO, via="cli")

    def _terms(self) -> explain.Terms:
        return replace(terms_of(self._world.mapping), now=from_datetime(self._world.clock.now()))

    def _one(self, edit: Edit) -> Record:
        return edit.side, self._id(edit.side, edit.person)

    def _id(self, side: str, person: int) -> str:
        try:
            return self._world.people.record(side, person)
        except KeyError:
            raise Nobody from None

    def _text(self, edit: Edit) -> str:
        return ":".join(self._one(edit))

    def _listed(self, edit: Edit, listed: Iterable[Record]) -> Record:
        """One that a list shows; now and then somebody who does not stand there."""
        if self._chosen is not None:
            return self._chosen
        records = sorted(set(listed))
        self._chosen = records[edit.number % len(records)] if records and edit.number % 5 else self._one(edit)
        return self._chosen

    def _exclude(self, edit: Edit) -> bool:
        record = self._one(edit)
        twins = self._links()
        done = self._act("exclude", lambda desk: exclude.exclude(desk, [record]))
        if done.done:
            self._promises.set_apart([record, *([twins[record]] if record in twins else [])])
        return bool(done.done)

    def _include(self, edit: Edit) -> bool:
        record = self._listed(edit, self._promises.now.apart)
        twin = self._links("excluded").get(record)
        done = self._act("include", lambda desk: exclude.include(desk, [record]))
        if done.done and twin is not None and self._links().get(record) != twin:  # else they are linked as before
            self._promises.match_again(record, twin, self._world.clock.seconds())
        if done.done:
            self._promises.set_free([record])
        return bool(done.done)

    def _unlink(self, edit: Edit) -> bool:
        return self._decided(self._act("unlink", lambda desk: desk.unlink(self._text(edit))))

    def _match_again(self, edit: Edit) -> bool:
        record = self._one(edit)
        twin = (self._links() | self._links("excluded")).get(record)
        done = self._act("unlink", lambda desk: desk.unlink(self._text(edit), keep_apart=False))
        if twin is not None:
            self._promises.match_again(record, twin, self._world.clock.seconds())
        return self._decided(done)

    def _decided(self, done: Decided) -> bool:
        if done.apart:
            self._promises.set_apart(done.apart)
        self._promises.set_free(done.free)
        return True

    def _link(self, edit: Edit) -> bool:
        """With their own twin, or, now and then, with somebody else."""
        somebody = edit.person if edit.number % 4 else self._other_person(edit)
        one, two = self._one(edit), (other(edit.side), self._id(other(edit.side), somebody))
        were_twins = self._links().get(one) == two
        done = self._act("link", lambda desk: desk.relink(*(desk.find_one(":".join(end)) for end in (one, two))))
        if not were_twins:
            self._promises.link(one, two, done.apart)
        return not were_twins

    def _other_person(self, edit: Edit) -> int:
        persons = sorted({p for (side, _), p in self._oracle.persons.items() if side != edit.side} - {edit.person})
        if not persons:
            raise Nobody
        return persons[edit.number % len(persons)]

    def _make_anew(self, edit: Edit) -> bool:
        record = self._one(edit)
        made = self._promises.made_and_parted(record, self._oracle.made_by_us)
        self._act("relink", lambda desk: desk.make_anew(desk.find_one(":".join(record))))
        if any(self._oracle.desks[side].origin(i) == record[1] for side, i in made - self._oracle.deleted):
            self._fault(f"beside: {record[1]} was to be made anew, and what was made for it says so")
        self._promises.want_anew(record)
        return True

    def _undo(self, edit: Edit) -> bool:
        written = {
            (row["side"], row["record_id"]) for row in self._rows(schema.history) if row["op"] in ("update", "create")
        }
        return self._undone(None, self._listed(edit, written))

    def _undo_run(self, edit: Edit) -> bool:
        runs = self._rows(schema.runs)
        if not runs:
            raise Nobody
        return self._undone(str(runs[edit.number % len(runs)]["run_id"]), None)

    def _undone(self, run: str | None, record: Record | None) -> bool:
        """As the command does it: what is shown first is what is taken back."""
        with self._database.read() as connection:
            found = undo.preview(connection, self._world.mapping, run_id=run, record=record)
        if not (found.fields or found.made):
            return False
        of_run = run or next((one.of_run for one in found.fields), None)
        links = self._links()
        done = self._act("undo", lambda desk: undo.undo(desk, run_id=of_run, record=record))
        for told in sorted(done.done, key=lambda told: " = " not in told):  # pairs that are parted come first
            first, equal, last = told.partition(" = ")
            if equal:
                self._promises.set_apart([_record_of(first), _record_of(last)])
                continue
            place, _, name = told.partition(" ")
            self._put_back(_record_of(place), name, of_run, links)
        return bool(done.done)

    def _put_back(self, record: Record, name: str, run: str | None, links: dict[Record, Record]) -> None:
        twin, written = links.get(record), self._oracle.written_by(run or "", record, name)
        pair = _pair(record, twin) if twin else None
        if pair is None:
            return
        self._promises.decide(pair, name, self._world.clock.seconds())
        if twin is None or written is None or not self._is_shown(pair, name):
            self._promises.now.stands.pop((pair, name), None)
            return  # somebody has typed there since the last read: the plan will say so
        if self._value(record, name) != written[1]:
            self._fault(f"moved: {name} of {record[1]} was to be put back, which is not what the run had written")
        values = {record: written[0], twin: self._value(twin, name)}
        self._promises.stand(Stand("undo", pair, name, self._world.clock.seconds(), (values[pair[0]], values[pair[1]])))

    def _release(self, edit: Edit) -> bool:
        undone = [(pair[0], name) for pair, name in self._promises.now.stands]
        record = self._listed(edit, [record for record, _ in undone])
        name = next((name for one, name in undone if one == record), edit.field)
        twin = self._links().get(record)
        done = self._act("release", lambda desk: undo.release(desk, ":".join(record), name))
        if done.done and twin:
            pair = _pair(record, twin)
            self._promises.decide(pair, name, self._world.clock.seconds())
            self._promises.now.stands.pop((pair, name), None)
        return bool(done.done)

    def _take(self, edit: Edit) -> bool:
        return self._taken(edit, None)

    def _take_side(self, edit: Edit) -> bool:
        return self._taken(edit, edit.side)

    def _taken(self, edit: Edit, side: str | None) -> bool:
        rows = self._conflicts()
        chosen = rows[edit.number % len(rows)]
        done = self._act("take", lambda desk: conflicts.take(desk, [chosen["id"]], side))
        told = {int(one.split()[1]) for one in done.done}
        for row in rows:
            if row["id"] in told:
                self._stands(row, side or _other_of(chosen))
        return bool(done.done)

    def _stands(self, row: Mapping[str, Any], winner: str) -> None:
        a, b = loads(row["record_ids"])
        pair: Pair = ((POWEROFFICEGO, a), (SHOPIFY, b))
        name, raw = row["field"], loads(row["raw"])
        self._promises.decide(pair, name, self._world.clock.seconds())
        for one in ADDRESS if name in ADDRESS else (name,):
            self._promises.now.stands.pop((pair, one), None)
        value = normal(name, winner, raw[winner])
        if row["state"] == "open" and value is None:
            value = normal(name, other(winner), raw[other(winner)])
        if self._is_shown(pair, name):
            self._promises.stand(Stand("take", pair, name, self._world.clock.seconds(), (value, value)))

    def _keep(self, edit: Edit) -> bool:
        rows = self._conflicts()
        number = rows[edit.number % len(rows)]["id"]
        return bool(self._act("keep", lambda desk: conflicts.keep(desk, [number])).done)

    def _freeze(self, edit: Edit) -> bool:
        return self._frozen(edit, edit.field)

    def _freeze_all(self, edit: Edit) -> bool:
        return self._frozen(edit, None)

    def _frozen(self, edit: Edit, name: str | None) -> bool:
        record = self._one(edit)
        twin = self._links().get(record)
        done = self._act("freeze", lambda desk: freezing.freeze(desk, ":".join(record), name))
        if done.done and twin:
            self._promises.now.frozen.add((_pair(record, twin), name or ""))
        return bool(done.done)

    def _unfreeze(self, edit: Edit) -> bool:
        """A field, or all that is frozen of the two."""
        record = self._listed(edit, [pair[0] for pair, _ in self._promises.now.frozen])
        name = edit.field if edit.number % 2 else None
        twin = self._links().get(record)
        done = self._act("unfreeze", lambda desk: freezing.unfreeze(desk, ":".join(record), name))
        if done.done and twin:
            pair, frozen = _pair(record, twin), self._promises.now.frozen
            frozen -= {(p, f) for p, f in frozen if p == pair and name in (None, f)}
        return bool(done.done)

    def _retry(self, edit: Edit) -> bool:
        return self._tried(edit, quarantine.retry)

    def _skip(self, edit: Edit) -> bool:
        return self._tried(edit, quarantine.skip)

    def _tried(self, edit: Edit, how: Callable[[Desk, list[quarantine.Held]], Done]) -> bool:
        held = [(other(row["side"]), row["source_id"]) for row in self._rows(schema.holds) if row["by_system"]]
        record = self._listed(edit, held)

        def decide(desk: Desk) -> Done:
            link = desk.link_of(record)
            ends = link["ids"] if link else {record[0]: record[1]}
            held = dossier.held(desk.connection, desk.mapping.entity, desk.mapping.sides, ends)
            return how(desk, [quarantine.Held(one["side"], one["source_id"], one["field"]) for one in held])

        return bool(self._act(how.__name__, decide).done)

    def _import(self, edit: Edit) -> bool:
        """A file of matches, with a decision for two of its lines; rehearsed before it is carried out."""
        mapping = self._world.mapping
        what = match_file.DECISIONS[edit.number % len(match_file.DECISIONS)]
        ids = [f"{side}:{self._id(side, edit.person)}" for side in SIDES]
        file = io.StringIO()
        file.write(";".join((*mapping.sides, "decision")) + "\n")
        file.write(";".join((*ids, what)) + "\n")
        file.write(";".join((f"{POWEROFFICEGO}:0", "", "exclude")) + "\n")
        file.seek(0)
        lines = match_file.read(mapping, file)
        links, apart = self._links(), self._apart()
        before = self.content()
        shown = rehearse(self._database, self._terms(), lambda desk: match_file.carry_out(desk, lines))
        if table := difference(before, self.content()):
            self._fault(f"not nothing: an import was rehearsed, and {table} changed")
        done = self._act("import", lambda desk: match_file.carry_out(desk, lines))
        if shown != done:
            self._fault("unlike: an import did something else than what was shown")
        if done.done:
            self._imported(what, _pair(*map(_record_of, ids)), links, apart)
        return bool(done.done)

    def _imported(self, what: str, pair: Pair, links: dict[Record, Record], apart: dict[Record, Record]) -> None:
        twins = {**links, **apart}
        match what:
            case "link" | "relink":
                self._promises.link(*pair, [twins[end] for end in pair if end in twins and twins[end] not in pair])
            case "unlink":
                self._promises.set_apart(pair)
            case "exclude":
                for end in pair:
                    self._promises.set_apart([end, *([twins[end]] if end in twins else [])])
            case _:
                self._promises.set_free([end for end in pair if end not in links])

    def _forget(self, edit: Edit) -> bool:
        database, terms = self._database, self._terms()
        done = forget.forget(database, terms, self._world.staging(), self._text(edit), who=_WHO, via="cli")
        self._promises.forget(done.records, self._world.clock.seconds())
        return True

    def _lift(self, edit: Edit) -> bool:
        record = self._listed(edit, self._promises.now.forgotten)
        self._act("lift", lambda desk: forget.lift(desk, ":".join(record)))
        self._promises.lift(record)
        return True

    def _adopt(self, edit: Edit) -> bool:
        """What both systems have is linked, now and then with a pair that a file names."""
        given = [(self._id(POWEROFFICEGO, edit.person), self._id(SHOPIFY, edit.person))]
        links = self._links()
        self._oracle.may_write = {"create": 0, "update": 0}
        try:
            world, of_file = self._world, given if edit.number % 2 else ()
            read = planned(
                world.mapping, self._database, lambda side, _: world.open(side), world.clock.now, given=of_file
            )
            with read as (sync, reference):
                takeover.look(sync, reference)
                linked = takeover.take_over(sync, reference, person=_WHO, via="cli")
        except DecisionError:
            raise
        except SamklangError:
            return True  # a side cannot be read; what was read stays
        finally:
            self._oracle.may_write = None
        if linked and edit.number % 2 and given[0][0] not in {i for _, i in links}:
            one, two = (POWEROFFICEGO, given[0][0]), (SHOPIFY, given[0][1])
            if self._links().get(one) == two and links.get(one) != two:
                self._promises.link(one, two, [])
        return True

    def _look(self, edit: Edit) -> bool:
        """All that only shows."""
        record, mapping, terms = self._one(edit), self._world.mapping, self._terms()
        with self._database.read() as connection:
            explain.explain(connection, terms, explain.find(connection, mapping, ":".join(record)))
            forget.look(connection, mapping, ":".join(record))
            undo.preview(connection, mapping, record=record)
        report.status(self._database, mapping)
        export.export(self._database, mapping, self._world.staging(), ":".join(record))
        return False

    def try_out(self, mapping: EntityMapping) -> None:
        """`samklang plan`, with the mapping file as it is to be: what it would do, and nothing else."""
        world, before, point = self._world, self.content(), self._database.point
        self._oracle.may_write = {"create": 0, "update": 0}
        self._database.point = lambda _kind: []
        try:
            make_plan(
                mapping, self._database, lambda side, store: world.open_with(side, mapping, store), world.clock.now
            )
        except SamklangError:
            pass  # a side cannot be read
        except Exception as error:
            self._fault(f"crash: plan: {type(error).__name__}: {error}")
        finally:
            self._oracle.may_write = None
            self._database.point = point
        if table := difference(before, self.content()):
            self._fault(f"not nothing: a plan was shown, and {table} changed")

    # --- what the store shows them

    def _rows(self, table: Any) -> list[dict[str, Any]]:
        with self._database.read() as connection:
            found = connection.execute(select(table).where(table.c.entity == self._oracle.entity)).mappings()
            return [dict(row) for row in found]

    def _conflicts(self) -> list[dict[str, Any]]:
        """In an order that no decision changes, so that a button which is pressed twice is the same one's.

        :raises Nobody: there are none.
        """
        if not (rows := self._rows(schema.conflicts)):
            raise Nobody
        return sorted(rows, key=lambda row: row["id"])

    def _links(self, state: str = "linked") -> dict[Record, Record]:
        """Who is whose twin."""
        states = {row["id"]: row["state"] for row in self._rows(schema.links)}
        ends: dict[int, list[Record]] = {}
        for row in self._rows(schema.link_sides):
            if states[row["link_id"]] == state:
                ends.setdefault(row["link_id"], []).append((row["side"], row["record_id"]))
        return {end: twin for pair in ends.values() if len(pair) == 2 for end, twin in (pair, pair[::-1])}

    def _apart(self) -> dict[Record, Record]:
        return self._links("excluded")

    def _is_shown(self, pair: Pair, name: str) -> bool:
        """Whether what people are shown of a field is what stands there."""
        shown = {(row["side"], row["id"]): loads(row["raw"]) for row in self._rows(schema.seen)}
        return all(
            name in shown.get(end, {}) and normal(name, end[0], shown[end][name]) == self._value(end, name)
            for end in pair
        )

    def _value(self, record: Record, name: str) -> str | None:
        return self._oracle.cells[record][name].version.value


def difference(before: Content, after: Content) -> str:
    """The tables that differ."""
    return ", ".join(name for name in before if before[name] != after[name])


def _pair(one: Record, two: Record) -> Pair:
    return (one, two) if one[0] == POWEROFFICEGO else (two, one)


def _other_of(conflict: Mapping[str, Any]) -> str:
    """The side that lost; once a person has chosen, the one that they chose."""
    winner: str = conflict["winner"]
    return winner if conflict["rule"] == "person" else other(winner)


def _record_of(text: str) -> Record:
    side, _, record_id = text.partition(":")
    return side, record_id
