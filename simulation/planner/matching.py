"""The planner asked who is whose twin and who is made anew, in many small worlds at once."""

from __future__ import annotations

from typing import Any

import pandas as pd

from samklang.core.creation import Candidate, plan_creation
from samklang.core.derive import Derived, derive_all, match_keys
from samklang.core.matching import Matches, match
from samklang.core.plan import Plan, Refusals
from simulation.planner.pairs import NOW
from simulation.planner.people import Expected, Terms, World
from simulation.planner.terms import SIDES


def ask(terms: Terms, worlds: list[World]) -> list[Expected]:
    """The plan for all these worlds, in the words of `people`."""
    derived = _derive(terms, worlds)
    matches = match(SIDES, _unlinked(worlds), _holders(terms, worlds, derived))
    told = [Expected() for _ in worlds]
    _tell_matches(matches, told)
    plan = Plan()
    for side, record in matches.alone:
        world, n = _place(record)
        person, one = worlds[world].people[n], derived[record]
        source = SIDES.index(side)
        candidate = Candidate(
            side, record, person.scope, person.created, person.raw, one.normal, one.form, person.facts
        )
        plan_creation(
            terms.mapping,
            terms.views[source],
            terms.views[1 - source],
            candidate,
            first_created=terms.first_created[source],
            key_for=lambda i, _: None if _place(i)[1] in worlds[_place(i)[0]].keyless else f"key of {i}",
            refusals=Refusals({}, NOW),
            plan=plan,
        )
    for verdict in plan.verdicts:
        world, n = _place(verdict.id)
        told[world].excluded[n] = verdict.reason
    for held in plan.held:
        world, n = _place(held.source_id)
        told[world].held.add((n, held.field, held.reason))
    for row in plan.rows:
        world, n = _place(row.source_id)
        told[world].made[n] = {change.field: (str(change.value), "") for change in row.changes}
    return told


def _tell_matches(matches: Matches, told: list[Expected]) -> None:
    for a, b, key in matches.pairs:
        (world, n), (other_world, twin) = _place(a), _place(b)
        told[world].pairs.add((n, twin if world == other_world else -1, key))
    for (_, record), (key, candidates) in matches.ambiguous.items():
        world, n = _place(record)
        holders = [frozenset(_place(i)[1] for i in candidates[side]) for side in SIDES]
        told[world].ambiguous[n] = (key, (holders[0], holders[1]))
    for (_, record), (key, reason, holder) in matches.blocked.items():
        world, n = _place(record)
        told[world].blocked[n] = (key, reason, _place(holder)[1])


def _derive(terms: Terms, worlds: list[World]) -> dict[str, Derived]:
    found: dict[str, Derived] = {}
    for side in (0, 1):
        people = [
            (f"{w}.{n}", person)
            for w, world in enumerate(worlds)
            for n, person in enumerate(world.people)
            if person.side == side
        ]
        derived = derive_all(
            terms.mapping, terms.views[side], [p.raw for _, p in people], [dict(p.facts) for _, p in people]
        )
        found.update(zip((i for i, _ in people), derived, strict=True))
    return found


def _unlinked(worlds: list[World]) -> dict[str, pd.Index]:
    found: dict[str, list[str]] = {side: [] for side in SIDES}
    for w, world in enumerate(worlds):
        for n, person in enumerate(world.people):
            if person.twin is None and person.scope != "outside":
                found[SIDES[person.side]].append(f"{w}.{n}")
    return {side: pd.Index(ids, dtype=object) for side, ids in found.items()}


def _holders(terms: Terms, worlds: list[World], derived: dict[str, Derived]) -> dict[str, pd.DataFrame]:
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in terms.mapping.match}
    for w, world in enumerate(worlds):
        for n, person in enumerate(world.people):
            for name, value in match_keys(terms.mapping, derived[f"{w}.{n}"].normal):
                if name in rows:
                    # the key of one world is none in the next
                    held = (SIDES[person.side], f"{w}.{n}", f"{w} {value}", person.scope, person.twin is not None)
                    rows[name].append(held)
    columns = ["side", "id", "value", "scope", "linked"]
    return {name: pd.DataFrame(found, columns=columns) for name, found in rows.items()}


def _place(record: str) -> tuple[int, int]:
    world, _, n = record.partition(".")
    return int(world), int(n)
