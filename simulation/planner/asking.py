"""The planner itself, asked about many pairs in one call, and its plan told pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from samklang.core.compare import field_arrays
from samklang.core.derive import derive_all
from samklang.core.jsontext import dumps
from samklang.core.merge import merge
from samklang.core.plan import Plan, Refusals, Refused, Row, fingerprint
from samklang.core.plan_pairs import plan_pairs
from samklang.core.waves import order
from simulation.planner.pairs import NOW, Pair
from simulation.planner.reading import Change, Clash, Expected
from simulation.planner.terms import SIDES, Terms
from simulation.planner.words import word


@dataclass(slots=True)
class Told:
    """A plan, pair by pair and in the words of `reading`; and what it counts."""

    pairs: list[Expected]
    rows: list[list[Row]]
    drift: int
    waiting: int
    unknown: dict[str, int]


def ask(terms: Terms, pairs: list[Pair]) -> Told:
    """The plan for all these pairs; their ids are their positions."""
    plan = _plan(terms, pairs)
    told = [Expected() for _ in pairs]
    rows: list[list[Row]] = [[] for _ in pairs]
    for row in plan.rows:
        side, n = SIDES.index(row.side), int(row.source_id)
        rows[n].append(row)
        told[n].rows[side].update({c.field: Change(c.expected, c.value, c.why, c.source) for c in row.changes})
        if row.op != "update" or row.id != row.source_id:
            told[n].waits["row"] = "another record than the twin would be written"
    for tuned in plan.tuned:
        n = int(tuned.ids[0])
        told[n].tuned.update(tuned.bases)
        told[n].drop.update(tuned.drop)
        if tuned.matched is not None:
            told[n].waits["matched"] = tuned.matched
    for held in plan.held:
        told[int(held.source_id)].held.add((SIDES.index(held.side), held.field, held.reason))
    for clash in plan.clashes:
        winner = None if clash.winner is None else SIDES.index(clash.winner)
        told[int(clash.ids[0])].clashes.append(
            Clash(clash.field, clash.kind, clash.rule, winner, clash.certain, clash.raw, clash.base, clash.clocks)
        )
    return Told(told, rows, plan.drift, plan.waiting, plan.unknown)


def in_waves(terms: Terms, rows: list[Row]) -> list[Row]:
    """The rows of one world in the order in which they may be written."""
    unique = {
        view.name: frozenset(f.name for f in terms.mapping.fields if view.rules.accepts(f.names[view.name]).unique)
        for view in terms.views
    }
    kinds = {f.name: f.kind for f in terms.mapping.fields}
    return order(
        rows, unique, lambda name, value: word(kinds[name], value, terms.mapping.region, terms.mapping.region).normal
    )


def _plan(terms: Terms, pairs: list[Pair]) -> Plan:
    frame = _frame(terms, pairs)
    refused = {
        (SIDES[side], str(n), name): Refused(fingerprint(content), retry_at, "refused", "Change it.")
        for n, pair in enumerate(pairs)
        for (side, name), (content, retry_at) in pair.refused.items()
    }
    arrays = field_arrays(terms.mapping, frame)
    merged = merge(terms.mapping, frame, arrays)
    plan = Plan()
    plan_pairs(terms.mapping, terms.views, frame, arrays, merged, Refusals(refused, NOW), plan)
    return plan


def _frame(terms: Terms, pairs: list[Pair]) -> pd.DataFrame:
    ids = [str(n) for n in range(len(pairs))]
    columns: dict[str, list[Any]] = {"matched": [pair.matched for pair in pairs]}
    for n, side in enumerate(SIDES):
        derived = derive_all(
            terms.mapping, terms.views[n], [pair.raw[n] for pair in pairs], [dict(pair.facts[n]) for pair in pairs]
        )
        columns |= {
            f"{side}_id": ids,
            f"{side}_revision": [0] * len(pairs),
            f"{side}_facts": [dumps(pair.facts[n]) for pair in pairs],
            f"{side}_clock": [pair.clocks[n] for pair in pairs],
            f"{side}_group_clocks": [
                dumps({"address": pair.group_clocks[n]}) if pair.group_clocks[n] else "{}" for pair in pairs
            ],
            f"{side}_changed_after": [pair.unchanged_until[n] for pair in pairs],
            f"{side}_raw": [dumps(pair.raw[n]) for pair in pairs],
            f"{side}_normal": [dumps(one.normal) for one in derived],
            f"{side}_form": [dumps(one.form) for one in derived],
        }
        for part, name in enumerate(("raw", "normal", "form")):
            columns[f"{side}_base_{name}"] = [
                dumps({f: both[n][part] for f, both in pair.base.items()}) for pair in pairs
            ]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
