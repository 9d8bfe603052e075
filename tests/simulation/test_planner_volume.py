"""The planner against a plain reading of the rules, at volume; and that reading finds a planner that breaks one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulation.planner import asking, matching
from simulation.planner.running import BLOCK, Outcome, Violation, blocks, run_block

from samklang.core import compare, conflicts, creation, derive, plan, plan_pairs
from samklang.core.mapping import Mapping

ROOT = Path(__file__).parents[2]
TRACES = 6_000
PER_BLOCK = 150
"""Many terms say more than many worlds under the same ones."""
WITHIN = 4_000
"""Worlds within which a broken rule must be found."""


def some_of(block: int) -> range:
    return range(block * BLOCK, block * BLOCK + PER_BLOCK)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    total = Outcome()
    for block in range(TRACES // PER_BLOCK):
        total.add(run_block(some_of(block)))
    return total


def test_thousands_of_small_worlds_are_planned_as_the_rules_say(outcome: Outcome) -> None:
    assert outcome.violations == []
    assert outcome.traces == TRACES


def test_the_worlds_meet_every_situation(outcome: Outcome) -> None:
    rules = ("latest", "tie", "policy", "ask", "direction", "not_empty", "group")
    wanted = {f"conflict (edit): {rule}" for rule in rules}
    wanted |= {f"conflict (link): {rule}" for rule in ("latest", "tie", "policy", "ask")}
    wanted |= {f"left alone: {reason}" for reason in ("ask", "share_off", "clear_off", "direction")}
    wanted |= {"drift", "unknown fields", "ambiguous", "ambiguous, nobody on the other side", "linked by a key"}
    wanted |= {"made anew", "held: phone_unparsable", "held: incomplete_address", "held: last_identity"}
    wanted |= {"held: inherited", "held: vat_rate_missing", "held: refused", "base forgotten: several variants"}
    assert {situation for situation in wanted if not outcome.seen[situation]} == set()


def test_a_world_depends_on_its_seed_alone() -> None:
    whole = run_block(range(50))
    (alone,) = [run_block(seeds) for seeds in blocks(17, 1)]
    again = run_block(range(50))

    assert whole.seen == again.seen
    assert alone.seen.keys() <= whole.seen.keys()
    assert list(blocks(990, 20)) == [range(990, 1000), range(1000, 1010)]


# --- the reading has teeth --------------------------------------------------------------------------------------------

Patch = pytest.MonkeyPatch


def empty_may_win(patch: Patch) -> None:
    patch.setattr(conflicts, "_never_empty", lambda rule, winner, _state, _pair: (rule, winner))


def groups_fall_apart(patch: Patch) -> None:
    patch.setattr(conflicts, "_groups", lambda mapping: [[f] for f in mapping.fields])


def no_base_counts(patch: Patch) -> None:
    patch.setattr(compare, "_counts", lambda arrays, _side: np.zeros(len(arrays.raw[0]), dtype=bool))


def every_base_counts(patch: Patch) -> None:
    patch.setattr(compare, "_counts", lambda arrays, side: arrays.base_form[side] != compare.ABSENT)


def direction_is_forgotten_in_conflicts(patch: Patch) -> None:
    patch.setattr(conflicts, "_one_way", lambda _field, _mapping, rule, winner: (rule, winner))


def unknown_is_empty(patch: Patch) -> None:
    def arrays_of(*arguments: Any) -> Any:
        arrays = compare.field_arrays(*arguments)
        for one in arrays.values():
            for values in (*one.raw, *one.normal):
                values[values == compare.ABSENT] = None
            for n in (0, 1):
                one.form[n][one.form[n] == compare.ABSENT] = "text"
        return arrays

    patch.setattr(asking, "field_arrays", arrays_of)


def the_earlier_clock_wins(patch: Patch) -> None:
    judge = conflicts._judge
    patch.setattr(conflicts, "_judge", lambda f, mapping, clocks: judge(f, mapping, clocks[::-1]))


def there_is_no_tie(patch: Patch) -> None:
    patch.setattr(conflicts, "_TIE_SECONDS", -1.0)


def every_order_is_certain(patch: Patch) -> None:
    patch.setattr(conflicts, "_certain", lambda *_: True)


def a_side_that_is_not_shared_is_written(patch: Patch) -> None:
    patch.setattr(Mapping, "shares", lambda _mapping, _side: True)


def spelling_is_an_edit(patch: Patch) -> None:
    normal = derive.normal_forms
    patch.setattr(
        derive, "normal_forms", lambda kind, raw, *where: raw if kind == "text" else normal(kind, raw, *where)
    )


def prices_know_no_tax(patch: Patch) -> None:
    patch.setattr(derive, "price_form", lambda **_: "1")


def anything_is_sent(patch: Patch) -> None:
    patch.setattr(plan_pairs, "refusal", lambda *_, **__: None)


def half_an_address_is_sent(patch: Patch) -> None:
    patch.setattr(plan_pairs, "lacks_needs", lambda *_: False)


def refusals_are_forgotten(patch: Patch) -> None:
    patch.setattr(plan.Refusals, "standing", lambda *_: None)


def everything_is_written_at_once(patch: Patch) -> None:
    patch.setattr(asking, "order", lambda rows, *_: rows)


def linked_records_hold_no_keys(patch: Patch) -> None:
    match = matching.match
    patch.setattr(
        matching,
        "match",
        lambda sides, unlinked, holders: match(
            sides, unlinked, {name: frame[~frame["linked"].astype(bool)] for name, frame in holders.items()}
        ),
    )


def a_doubled_key_is_no_matter_alone(patch: Patch) -> None:
    match = matching.match

    def lenient(*arguments: Any) -> Any:
        found = match(*arguments)
        for who, (_, candidates) in list(found.ambiguous.items()):
            if not all(candidates.values()):
                del found.ambiguous[who]
                found.alone.append(who)
        return found

    patch.setattr(matching, "match", lenient)


def archived_records_are_made(patch: Patch) -> None:
    judge = creation._not_created

    def lenient(mapping: Mapping, *rest: Any) -> str:
        return judge(replace(mapping, create_archived=True), *rest)

    patch.setattr(creation, "_not_created", lenient)


BREAKS = (
    empty_may_win,
    groups_fall_apart,
    no_base_counts,
    every_base_counts,
    direction_is_forgotten_in_conflicts,
    unknown_is_empty,
    the_earlier_clock_wins,
    there_is_no_tie,
    every_order_is_certain,
    a_side_that_is_not_shared_is_written,
    spelling_is_an_edit,
    prices_know_no_tax,
    anything_is_sent,
    half_an_address_is_sent,
    refusals_are_forgotten,
    everything_is_written_at_once,
    linked_records_hold_no_keys,
    a_doubled_key_is_no_matter_alone,
    archived_records_are_made,
)


@pytest.mark.parametrize("break_a_rule", BREAKS, ids=lambda rule: rule.__name__)
def test_a_planner_that_breaks_a_rule_is_found(break_a_rule: Callable[[Patch], None], monkeypatch: Patch) -> None:
    break_a_rule(monkeypatch)

    assert first_violation() is not None


def first_violation() -> Violation | None:
    for block in range(WITHIN // PER_BLOCK):
        outcome = run_block(some_of(block))
        if outcome.violations:
            return outcome.violations[0]
    return None


def test_a_violation_is_told_with_the_command_that_replays_it() -> None:
    broken = (
        "import sys; from samklang.core import conflicts; from simulation.planner import __main__;"
        "conflicts._TIE_SECONDS = 1e9;"
        "sys.argv = ['planner', '--traces', '200', '--workers', '1']; sys.exit(__main__.main())"
    )
    answer = run_python("-c", broken)

    assert answer.returncode == 1, answer.stderr
    assert "replay: python -m simulation.planner --traces 1 --first-seed " in answer.stdout
    fine = run_python("-m", "simulation.planner", "--traces", "20", "--workers", "1")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "20 traces" in fine.stdout
    assert "0 violations" in fine.stdout


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
