"""From a seed to its trace: who is there, what they do, and what goes wrong, each by its weight."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Any

from simulation.situations import situated
from simulation.trace import (
    DEATHS,
    DISK_FAULTS,
    LANES,
    STORE_FAULTS,
    WIRE_FAULTS,
    Edit,
    Event,
    Person,
    Step,
    Trace,
)
from simulation.values import FIELDS, POWEROFFICEGO, SHOPIFY, SIDES
from simulation.widening import widened

EDIT_WEIGHTS = {
    "type": 40,  # a new value
    "clear": 8,
    "back": 8,  # what stood there before
    "agree": 6,  # the same new value on both sides
    "respell": 5,
    "garbage": 5,  # what the other side cannot take
    "touch": 6,  # a field that is not synchronised
    "late": 4,  # the system's clock lags: the edit looks older than it is
    "archive": 3,
    "reopen": 4,
    "company": 2,
    "person": 2,
    "delete": 2,
    "new": 8,
    "again": 2,  # what was deleted is made anew, with the same keys
}
GUESSES = {
    "page_size_above_maximum": "refused",
    "pagination_header": "absent",
    "page_past_the_end": "empty_array",
    "unselected_fields": "null",
    "error_names": "pascal",
    "problem_details": "absent",
    "retry_after": "absent",
    "test_operation": "ignored",
    "patch_path_case": "ignored_unless_pascal",
    "product_code": "free",
    "address_country": "empty",
}
"""What is not known of PowerOffice Go, in its other position."""


def make_trace(seed: int, *, entity: str | None = None, situations: Collection[str] | None = None) -> Trace:
    """The trace of a seed. :param situations: that it is in, and no other; None: those that its seed gives it."""
    trace = _Maker(Random(seed)).make(seed, entity)
    return situated(widened(trace, situations), situations)


def make_plain_trace(seed: int, *, entity: str | None = None) -> Trace:
    """The same, in no situation: what it plays changes with none of them."""
    return make_trace(seed, entity=entity, situations=())


class _Maker:
    def __init__(self, pick: Random) -> None:
        self._pick = pick
        self._numbers = 0

    def make(self, seed: int, entity: str | None) -> Trace:
        pick = self._pick
        self._entity = entity or ("products" if pick.random() < 0.25 else "customers")
        self._fields = tuple(FIELDS[self._entity])
        count = pick.randint(2, 5)
        people = tuple(self._person(number) for number in range(count))
        self._people = count
        self._numbers = 100  # what people have in the beginning is numbered below
        steps: list[Step] = []
        for _ in range(pick.choice((1, 1, 1, 2, 2, 3))):
            steps += [Step("edit", self._edit()) for _ in range(pick.randint(0, 4))]
            if pick.random() < 0.15:
                steps.append(Step("backup"))
            steps.append(self._run())
            if pick.random() < 0.15:
                steps.append(Step("restore"))
            if pick.random() < 0.2:
                tasks = ("extract_powerofficego", "extract_shopify", "transform", "load_shopify", "load_powerofficego")
                steps.append(Step("again", task=pick.choice((*tasks, "settle"))))
        return Trace(
            seed,
            self._entity,
            self._mapping(),
            self._switches(),
            {side: pick.choice((0.0, 0.0, 0.0, 40.0, -45.0, 600.0, -600.0)) for side in SIDES},
            pick.choice((2, 3, 50)),
            people,
            tuple(steps),
        )

    def _mapping(self) -> tuple[str, ...]:
        pick = self._pick
        lines = ["create_in: " + pick.choice(("[shopify, powerofficego]",) * 4 + ("[shopify]", "[powerofficego]"))]
        lines.append("policy: " + pick.choice(("latest",) * 5 + ("powerofficego", "shopify", "ask")))
        if pick.random() < 0.06:
            lines.append(f"share: {{{pick.choice(SIDES)}: false}}")
        if pick.random() < 0.1:
            lines.append("clear: false")
        if pick.random() < 0.15:
            lines.append("full_every: 1m")
        if pick.random() < 0.15:
            lines.append(f"limits: {{creates: {pick.randint(0, 2)}, updates: {pick.randint(0, 2)}, clears: 0}}")
        return tuple(lines)

    def _switches(self) -> dict[str, dict[str, Any]]:
        pick = self._pick
        go = {name: other for name, other in GUESSES.items() if pick.random() < 0.08}
        shop: dict[str, Any] = {"customers_updated_at": pick.choice(("day", "second"))}
        if pick.random() < 0.3:
            shop["index_lag_seconds"] = pick.choice((5.0, 60.0))
        if pick.random() < 0.2:
            shop |= {"bucket_size": 200.0, "restore_rate": 50.0}
        return {POWEROFFICEGO: go, SHOPIFY: shop}

    def _person(self, number: int) -> Person:
        pick = self._pick
        sides = pick.choice(((POWEROFFICEGO,), (SHOPIFY,), SIDES, SIDES))
        differs = tuple(name for name in self._fields if sides == SIDES and pick.random() < 0.12)
        lacks = tuple(name for name in self._fields if pick.random() < 0.08)
        dirty = pick.choice(("",) * 9 + ("garbage phone", "several e-mails", "company", "double", "archived"))
        return Person(number, sides, differs, lacks, dirty)

    def _edit(self) -> Edit:
        pick = self._pick
        kind = pick.choices(list(EDIT_WEIGHTS), list(EDIT_WEIGHTS.values()))[0]
        self._numbers += 1
        person = pick.randrange(self._people)
        if kind == "new":
            person = self._people
            self._people += 1
        return Edit(kind, pick.choice(SIDES), person, pick.choice(self._fields), self._numbers)

    def _run(self) -> Step:
        pick = self._pick
        events = []
        for _ in range(pick.choice((0, 1, 1, 2, 3, 5, 8))):
            kinds = pick.choices(
                (WIRE_FAULTS, ("edit",), DEATHS, STORE_FAULTS, DISK_FAULTS, LANES), (50, 25, 10, 8, 3, 6)
            )
            what = pick.choice(kinds[0])
            edit = self._edit() if what == "edit" else None
            events.append(Event(pick.randrange(90), what, pick.choice((*SIDES, "")), edit))
        options: dict[str, Any] = {}
        chance = pick.random()
        if chance < 0.05:
            options["dry_run"] = True
        elif chance < 0.1:
            options["review"] = "no"
        elif chance < 0.2:
            options["mode"] = pick.choice(("full", "changes"))
        elif chance < 0.25:
            options["kind"] = "backfill"
        elif chance < 0.35:
            options["overtaken"] = pick.choice(("load_shopify", "load_powerofficego"))
        return Step("run", events=tuple(sorted(events, key=lambda event: event.at)), options=options)
