"""A trace: two systems with people at both desks, and runs with faults between them, all from one seed.

It is plain data, so that it can be printed, replayed, and cut down to the few steps that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

WIRE_FAULTS = (
    "refused",
    "timeout before",
    "timeout after",
    "reset after",
    "cut body",
    "500 before",
    "500 after",
    "502 after",
    "503 with Retry-After",
    "504 after",
    "429",
    "429 without Retry-After",
    "429 storm",
    "throttled",
    "login page",
    "empty answer",
    "no content",
    "half a JSON",
    "token ended",
    "token endpoint down",
    "forbidden",
    "server error in the body",
    "field denied",
    "slow answer",
)
STORE_FAULTS = ("database busy", "commit lost", "commit unconfirmed")
DISK_FAULTS = ("disk full",)
DEATHS = ("killed",)
LANES = ("other lane",)
DECISIONS = (
    "exclude",
    "include",
    "unlink",
    "match again",
    "link",
    "make anew",
    "undo",
    "undo run",
    "release",
    "take",
    "take side",
    "keep",
    "freeze",
    "freeze all",
    "unfreeze",
    "retry",
    "skip",
    "import",
    "forget",
    "lift",
    "adopt",
    "look",
)
"""What people decide: kinds of `Edit`, of which `person`, `side` and `field` say about what, and `number` which."""
GOODS = (
    "price",
    "inherit",
    "taxable",
    "shop terms",
    "vat",
    "add variant",
    "remove variant",
    "reorder",
    "recreate",
    "move skus",
    "own account",
    "gift card",
    "markup",
    "text",
)
"""What people do with products and prices besides: kinds of `Edit`."""
MAPPINGS = ("mapping", "plan")
"""Kinds of `Edit`: a line of the mapping file, its `field`, is changed, or tried out with `samklang plan`."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person does at one desk.

    :param kind: see `maker.EDIT_WEIGHTS`; besides, `clock`: a system's clock is set by `number` seconds.
    :param number: makes the value that is typed; see `values.typed`.
    """

    kind: str
    side: str
    person: int
    field: str
    number: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens during a run, at the `at`th thing it does (request, commit, file) or the next that fits.

    :param what: one of the faults, or `edit`. :param side: of the system whose request fails; "" is either.
    """

    at: int
    what: str
    side: str = ""
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """:param what: `edit`, `run`, `again` (a task of an earlier run is cleared), `backup`, `restore`.

    :param task: which task of an earlier run is run again.
    :param options: of the run; besides, `review`: what a person answers to a plan that passes a limit; `overtaken`: a
        task of the last run that is cleared while this one has read and not yet planned; `waits`: what people do while
        its plan waits for a person, and `waiting`: seconds before each. Of `again`: `run`, its number.
    """

    what: str
    edit: Edit | None = None
    events: tuple[Event, ...] = ()
    task: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is there in the beginning. :param sides: where; :param differs: fields in which the two sides differ."""

    number: int
    sides: tuple[str, ...]
    differs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    dirty: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """:param skews: seconds by which each system's clock is ahead. :param situations: see `situations`.
    :param conditions: `offsets`: minutes, by side, of the zone in which a system writes its times. `bad`: a record that
        cannot be asked for or written: `side`, `person`, and whether it fails `alone` or all who share its request; of
        one that is `unreadable`, PowerOffice Go fails over each answer that would show it, lists included.
        `rate`: of VAT, where that is not the 25 % that the mapping has by default.
    """

    seed: int
    entity: str
    mapping: tuple[str, ...]
    switches: dict[str, dict[str, Any]]
    skews: dict[str, float]
    page_size: int
    people: tuple[Person, ...]
    steps: tuple[Step, ...]
    conditions: dict[str, Any] = field(default_factory=dict)
    situations: tuple[str, ...] = ()

    def parts(self) -> int:
        """How many steps and events could be left out."""
        return sum(1 + len(step.events) for step in self.steps) + len(self.people)

    def without(self, keeps: Callable[[int], bool]) -> Trace:
        """The trace with those parts only whose number is kept."""
        numbers: Iterator[int] = iter(range(self.parts()))
        steps = []
        for step in self.steps:
            kept = keeps(next(numbers))
            events = tuple(event for event in step.events if keeps(next(numbers)))
            if kept:
                steps.append(replace(step, events=events))
        people = tuple(person for person in self.people if keeps(next(numbers)))
        return replace(self, steps=tuple(steps), people=people)
