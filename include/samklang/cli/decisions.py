"""Unlink and relink: what a person decides, carried out in the store, with what the next run makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from samklang.cli.environment import open_store, user_name
from samklang.connections import terms_of
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.sync.act import act
from samklang.sync.decide import Decision, Desk, Record, named
from samklang.sync.explain import explain


def decided(what: str, entity: str, decide: Callable[[Desk], Decision], environ: Mapping[str, str]) -> dict[str, Any]:
    """Decide, in one transaction.

    :returns: `linked`, `apart` and `free`, each a list of records as `side:id`; and `next`, for each record or pair
        that the next run looks at: `records` and `outlook`, as `explain` has it.
    :raises DecisionError: it cannot be done; nothing was changed.
    """
    mapping = load_mapping(entity, mappings_folder(environ))
    terms = terms_of(mapping)
    database = open_store(environ)
    done = act(database, terms, what, decide, person=user_name(), via="cli")
    with database.read() as connection:
        answers = explain(connection, terms, [*done.free, *done.linked])
    return {
        "entity": entity,
        "linked": [named(one) for one in done.linked],
        "apart": [named(one) for one in done.apart],
        "free": [named(one) for one in done.free],
        "next": [_next(answer, done) for answer in answers],
    }


def question(entity: str, record: str, twin: str, environ: Mapping[str, str]) -> tuple[str, list[Record]]:
    """What is asked before two records are linked, and who loses a twin by it.

    :raises DecisionError: one of them is not known.
    """
    mapping = load_mapping(entity, mappings_folder(environ))
    terms = terms_of(mapping)
    with open_store(environ).read() as connection:
        desk = Desk(connection, mapping, terms.rules, "", terms.now)
        ends = [desk.find_one(text) for text in (record, twin)]
        losing = desk.former_twins(*ends)
    ends_too = f" {_listed(losing)} will lose that twin, and be kept apart." if losing else ""
    return f"Link {named(ends[0])} with {named(ends[1])}?{ends_too}", losing


def _next(answer: dict[str, Any], done: Decision) -> dict[str, Any]:
    records = [named((side, record_id)) for side, record_id in answer["records"].items()]
    outlook = answer["outlook"]
    if done.ours:
        others = {side: [i] for side, i in done.free if side not in answer["records"]}
        outlook = {"decision": "link", "reason": "our_key", "candidates": others}
    return {"records": records, "outlook": outlook}


def _listed(records: list[Record]) -> str:
    return ", ".join(map(named, records))
