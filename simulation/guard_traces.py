"""Where to look for a guard that was taken away: traces that call for it more than others do. See `guards`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from simulation.maker import make_plain_trace, make_trace
from simulation.mapping_changes import shipped, written_line
from simulation.trace import Edit, Event, Person, Step, Trace
from simulation.values import FIELDS, POWEROFFICEGO, SHOPIFY, SIDES


def only_in(*situations: str) -> Callable[[int], Trace]:
    """Traces in these situations, and in no other."""
    return partial(make_trace, situations=situations)


def twins(seed: int, *steps: Step) -> Trace:
    """Three customers on both sides, linked by a first run, and then this."""
    people = tuple(Person(number, SIDES) for number in range(3))
    switches: dict[str, dict[str, str]] = {side: {} for side in SIDES}
    mapping = ("create_in: [shopify, powerofficego]",)
    return Trace(seed, "customers", mapping, switches, dict.fromkeys(SIDES, 0.0), 50, people, (Step("run"), *steps))


def set_clock(seconds: int) -> Event:
    return Event(30, "edit", SHOPIFY, Edit("clock", SHOPIFY, 0, "", seconds))


def lost_answers(seed: int) -> Trace:
    """Products are made in a PowerOffice Go that takes a code twice, and answers get lost on the way."""
    trace = make_plain_trace(seed, entity="products")
    lost = tuple(Event(at, "timeout after", POWEROFFICEGO) for at in range(20, 90, 10))
    steps = tuple(replace(step, events=lost, options={}) if step.what == "run" else step for step in trace.steps)
    switches = {**trace.switches, POWEROFFICEGO: {"product_code": "free"}}
    return replace(trace, steps=steps, switches=switches, mapping=("create_in: [powerofficego]",))


def lagging_reads(seed: int) -> Trace:
    """Lost answers, where reads are almost two seconds behind."""
    trace = lost_answers(seed)
    go = {**trace.switches[POWEROFFICEGO], "replica_lag_seconds": 1.9}
    return replace(trace, switches={**trace.switches, POWEROFFICEGO: go})


def busy_desks(seed: int) -> Trace:
    """People type all the time, also while runs write."""
    trace, pick = make_plain_trace(seed), Random(seed)
    steps = []
    for number, step in enumerate(trace.steps):
        edits = [
            Event(at, "edit", "", Edit("type", side, person.number, pick.choice(list(FIELDS[trace.entity])), 500 + at))
            for person in trace.people
            for side in SIDES
            for at in (pick.randrange(40, 90) + number,)
        ]
        steps.append(replace(step, events=(*step.events, *edits), options={}) if step.what == "run" else step)
    return replace(trace, steps=tuple(steps), mapping=("create_in: [shopify, powerofficego]",))


def late_edits(seed: int) -> Trace:
    """An edit whose clock is older than what the last read had seen."""
    now = Event(1, "edit", SHOPIFY, Edit("type", SHOPIFY, 0, "LastName", 501))
    late = Edit("late", SHOPIFY, 1, "FirstName", 502)
    return twins(seed, Step("run", events=(now,)), Step("edit", late), Step("run"))


def unheard_write(seed: int) -> Trace:
    """The answer to a write gets lost, and then the shop; its clock was slow, so that no window shows what was written.
    Before the next run the edit is taken back that the write had carried."""
    lost, refused = (
        Event(71, "timeout after", SHOPIFY),
        Event(73, "forbidden", SHOPIFY),
    )  # the write, and what follows it
    return twins(
        seed,
        Step("edit", Edit("type", POWEROFFICEGO, 1, "MailAddress.City", 501)),
        Step("run", events=(set_clock(-3000), lost, refused)),
        Step("edit", set_clock(3000).edit),
        Step("edit", Edit("back", POWEROFFICEGO, 1, "MailAddress.City", 502)),
        Step("run"),
    )


def denied_fields(seed: int) -> Trace:
    """Shopify does not show every field all the time."""
    denied = tuple(Event(at, "field denied", SHOPIFY) for at in range(1, 30, 3))
    touch = Step("edit", Edit("touch", SHOPIFY, 1, "", 500 + seed))
    return twins(seed, touch, Step("run", events=denied), touch, Step("run", events=denied))


def hidden_edit(seed: int) -> Trace:
    """Shopify does not show a phone number in the one run that reads its edit; the next window begins after it."""
    now = Event(1, "edit", SHOPIFY, Edit("type", SHOPIFY, 0, "LastName", 502))
    denied = tuple(Event(at, "field denied", SHOPIFY) for at in range(1, 30, 3))
    edit = Step("edit", Edit("type", SHOPIFY, 1, "PhoneNumber", 501))
    return twins(seed, edit, Step("run", events=(now, *denied)))


def forgotten_product(seed: int) -> Trace:
    """A product is made in a PowerOffice Go that takes a code twice, and the store forgets it."""
    switches: dict[str, dict[str, Any]] = {POWEROFFICEGO: {"product_code": "free"}, SHOPIFY: {}}
    steps = (Step("backup"), Step("run"), Step("restore"))
    mapping, skews = ("create_in: [powerofficego]",), dict.fromkeys(SIDES, 0.0)
    return Trace(seed, "products", mapping, switches, skews, 50, (Person(0, (SHOPIFY,)),), steps)


def old_loads(seed: int) -> Trace:
    """A load that failed is cleared when a newer plan has been carried out, and its reason is gone."""
    failing = Event(30, "forbidden", SHOPIFY)  # the first request of the load
    return twins(
        seed,
        Step("edit", Edit("type", POWEROFFICEGO, 1, "LastName", 501)),
        Step("run", events=(failing,)),
        Step("edit", Edit("back", POWEROFFICEGO, 1, "LastName", 502)),
        Step("run"),
        Step("again", task="load_shopify", options={"run": 1}),
    )


def both_edit(seed: int) -> Trace:
    """Both sides edit one name, one line of an address, and one clears what the other types."""
    kinds = (
        ("type", SHOPIFY, "MailAddress.AddressLine1"),
        ("type", SHOPIFY, "MailAddress.City"),
        ("type", SHOPIFY, "LastName"),
        ("type", SHOPIFY, "PhoneNumber"),
        ("type", POWEROFFICEGO, "MailAddress.AddressLine1"),
        ("type", POWEROFFICEGO, "LastName"),
        ("clear", POWEROFFICEGO, "PhoneNumber"),
    )
    edits = [Edit(kind, side, 1, name, 500 + n) for n, (kind, side, name) in enumerate(kinds)]
    return twins(seed, *(Step("edit", edit) for edit in edits), Step("run"))


# --- plans that wait for a person


def waiting_run(*waits: Edit, each: float = 3600.0, events: tuple[Event, ...] = ()) -> Step:
    """A run whose plan waits while this is done. :param each: seconds before each of them."""
    return Step("run", events=events, options={"waits": waits, "waiting": each})


def corrected_keys(seed: int) -> Trace:
    """Two people share an address by mistake when the first plan is made; before it is approved, that is corrected."""
    people = (Person(0, (POWEROFFICEGO,)), Person(1, (SHOPIFY,)))
    shared = (Edit("share", side, number, "EmailAddress", 0) for number, side in enumerate(SIDES))
    corrected, later = (Edit("type", POWEROFFICEGO, 0, name, 501) for name in ("EmailAddress", "LastName"))
    steps = (*(Step("edit", edit) for edit in shared), waiting_run(corrected, later))
    trace = twins(seed)
    return replace(trace, people=people, steps=steps)


def corrected_keys_in_times_ahead(seed: int) -> Trace:
    """The same where the clock of both systems is ahead of ours for as long as the plan waits, and longer."""
    trace = corrected_keys(seed)
    skews, steps = dict.fromkeys(SIDES, 4 * 3600.0), (Step("run"), *trace.steps)  # the clock is known from a run before
    return replace(trace, mapping=("create_in: []",), skews=skews, steps=steps)


def frozen_meanwhile(seed: int) -> Trace:
    """A field is frozen while the plan waits that would write it."""
    edit = Edit("type", POWEROFFICEGO, 1, "LastName", 501)
    return twins(seed, Step("edit", edit), waiting_run(Edit("freeze", SHOPIFY, 1, "LastName", 502)))


def remapped_meanwhile(seed: int) -> Trace:
    """A field goes in one direction only from the moment on in which a plan waits that would write it in the other."""
    fields = [
        {**one, "direction": "to_powerofficego"} if one["powerofficego"] == "LastName" else one
        for one in shipped("customers")["fields"]
    ]
    edit = Edit("type", POWEROFFICEGO, 1, "LastName", 501)
    return twins(seed, Step("edit", edit), waiting_run(Edit("mapping", "", 0, written_line("fields", fields), 0)))


def redacted_meanwhile(seed: int) -> Trace:
    """The shop erases a customer while a plan waits, so shortly that nothing is read again, that writes to its twin."""
    edit = Edit("type", SHOPIFY, 1, "LastName", 501)
    waits = (Edit("redact", SHOPIFY, 1, "", 0), Edit("type", SHOPIFY, 2, "LastName", 502))
    return twins(seed, Step("edit", edit), waiting_run(*waits, each=100.0))


def refused_without_words(seed: int) -> Trace:
    """A code moves on to the next product; PowerOffice Go, where the first one keeps it, refuses it without a word."""
    switches: dict[str, dict[str, Any]] = {POWEROFFICEGO: {"problem_details": "absent"}, SHOPIFY: {}}
    people = tuple(Person(number, SIDES) for number in range(2))
    steps = (Step("run"), Step("edit", Edit("give", SHOPIFY, 0, "Code", 501)), Step("run"))
    return replace(twins(seed), entity="products", switches=switches, people=people, steps=steps)


def unreadable(seed: int) -> Trace:
    """PowerOffice Go fails over one of its customers from the beginning, and the shop has the same person."""
    bad = {"side": POWEROFFICEGO, "person": 1, "alone": False, "unreadable": True}
    return replace(twins(seed), conditions={"bad": bad})


def moved_on_meanwhile(seed: int) -> Trace:
    """A line of an address is to be written; while the plan waits, another one is emptied, which the target needs."""
    waits = (Edit("clear", SHOPIFY, 1, "MailAddress.ZipCode", 502), Edit("type", SHOPIFY, 2, "LastName", 503))
    return twins(seed, Step("edit", Edit("type", SHOPIFY, 1, "MailAddress.AddressLine1", 501)), waiting_run(*waits))
