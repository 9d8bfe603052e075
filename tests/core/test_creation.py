"""Whether a record without a twin gets one, and with which values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from samklang.core.creation import Candidate, plan_creation
from samklang.core.derive import SideView, derive
from samklang.core.mapping import Field, Mapping
from samklang.core.plan import Plan, Refusals, Refused, fingerprint
from samklang.core.records import Scope
from samklang.core.rules import Accepts, EntityRules

FIRST, SECOND = SIDES = ("powerofficego", "shopify")
FIELDS = (
    Field({FIRST: "Mail", SECOND: "email"}, "email", "specification"),
    Field({FIRST: "Name", SECOND: "title"}, "text", "extension"),
    Field({FIRST: "Phone", SECOND: "phone"}, "phone", "specification"),
)
MAPPING = Mapping("customers", SIDES, "@hourly", ("Mail",), FIELDS, frozenset({SECOND}))
RULES = EntityRules(fields={"phone": Accepts(form="phone")}, create_needs=(("title",), ("email",)))
KARI = {"Mail": "kari@post.example", "Name": " Kari ", "Phone": "22 33 44 55"}


def plan_for(
    raw: dict[str, str | None],
    mapping: Mapping = MAPPING,
    *,
    scope: str = Scope.ACTIVE,
    first_created: str | None = "2026",
    key: str | None = "our-key",
    refusals: Refusals | None = None,
    rules: EntityRules = RULES,
    facts: dict[str, Any] | None = None,
) -> Plan:
    views = SideView(FIRST, {}, {}, EntityRules()), SideView(SECOND, {}, {}, rules)
    derived = derive(mapping, views[0], raw, facts or {})
    candidate = Candidate(FIRST, "1", scope, "2026", raw, derived.normal, derived.form, facts or {})
    plan = Plan()
    plan_creation(
        mapping,
        *views,
        candidate,
        first_created=first_created,
        key_for=lambda _id, _values: key,
        refusals=refusals or Refusals({}, "2026"),
        plan=plan,
    )
    return plan


def excluded(plan: Plan) -> str:
    assert plan.rows == []
    (verdict,) = plan.verdicts
    assert (verdict.side, verdict.id, verdict.verdict) == (FIRST, "1", "excluded")
    return verdict.reason


def test_a_new_record_gets_the_filled_values_in_the_form_that_the_target_wants() -> None:
    (row,) = plan_for({**KARI, "Mail": None}).rows

    assert (row.side, row.op, row.source_id, row.key) == (SECOND, "create", "1", "our-key")
    assert {change.field: change.value for change in row.changes} == {"Name": "Kari", "Phone": "+4722334455"}
    assert {change.field: change.source for change in row.changes}["Phone"] == ("22 33 44 55", "+4722334455", "phone")


@pytest.mark.parametrize(
    ("mapping", "options", "reason"),
    [
        (replace(MAPPING, create_in=frozenset()), {}, "not_in_create_in"),
        (replace(MAPPING, share={SECOND: False}), {}, "share_off"),
        (MAPPING, {"scope": Scope.ARCHIVED}, "archived"),
        (replace(MAPPING, full_sync={SECOND: False}), {"first_created": None}, "before_the_first_run"),
        (replace(MAPPING, full_sync={SECOND: False}), {"first_created": "2026"}, "before_the_first_run"),
        (MAPPING, {"key": None}, "lacks_a_key"),
    ],
)
def test_who_is_not_made_is_told_why(mapping: Mapping, options: dict[str, Any], reason: str) -> None:
    assert excluded(plan_for(KARI, mapping, **options)) == reason


def test_what_came_after_the_first_run_is_made_without_full_sync() -> None:
    mapping = replace(MAPPING, full_sync={SECOND: False})

    assert len(plan_for(KARI, mapping, first_created="2025").rows) == 1


def test_a_match_key_that_was_not_answered_stops_the_creation() -> None:
    assert excluded(plan_for({"Name": "Kari"})) == "match_key_unknown"


def test_the_nearest_of_the_targets_needs_is_named() -> None:
    rules = replace(RULES, create_needs=(("title", "email"), ("title", "email", "phone")))

    assert excluded(plan_for({"Mail": None, "Name": "Kari"}, rules=rules)) == "lacks_Mail"


def test_a_value_that_cannot_go_is_held_and_does_not_count_as_there() -> None:
    plan = plan_for({"Mail": None, "Name": None, "Phone": "ring me"})
    assert excluded(plan).startswith("lacks_")

    plan = plan_for({**KARI, "Phone": "ring me"})
    assert [(h.field, h.reason) for h in plan.held] == [("Phone", "phone_unparsable")]
    assert [change.field for change in plan.rows[0].changes] == ["Mail", "Name"]


def test_fields_that_do_not_go_this_way_stay_behind() -> None:
    fields = (FIELDS[0], replace(FIELDS[1], direction=f"to_{FIRST}"))

    (row,) = plan_for(KARI, replace(MAPPING, fields=fields)).rows

    assert [change.field for change in row.changes] == ["Mail"]


@pytest.mark.parametrize(
    ("field", "content"),
    [("", {"Mail": "kari@post.example", "Name": "Kari", "Phone": "+4722334455"}), ("Phone", "+4722334455")],
)
def test_what_was_refused_before_is_not_sent_again(field: str, content: object) -> None:
    known = {(SECOND, "1", field): Refused(fingerprint(content), "2027", "taken", "Change it.")}

    plan = plan_for(KARI, refusals=Refusals(known, "2026"))

    assert [(h.side, h.field, h.reason) for h in plan.held] == [(SECOND, field, "taken")]
    assert len(plan.rows) == (1 if field else 0)


def name_of(*parts: str | None, longest: int | None = None) -> str | None:
    needs = EntityRules(fields={"title": Accepts(max_length=longest)}, create_needs=(("title",),))
    facts = {"skip": {"Name": "several_variants"}, "parts": {"Name": list(parts)}}
    (row,) = plan_for({**KARI, "Name": "Jumper"}, rules=needs, facts=facts).rows
    return next(change.value for change in row.changes if change.field == "Name")


def test_one_of_several_is_made_under_a_name_of_its_own() -> None:
    assert name_of("Jumper", "M / Blue") == "Jumper - M / Blue"
    assert name_of("Jumper", " ") == name_of("Jumper", None) == "Jumper"
    assert name_of() == "Jumper"


def test_a_name_that_is_too_long_keeps_what_tells_the_parts_from_each_other() -> None:
    assert name_of("Jumper of wool", "M", longest=14) == "Jumper of… - M"
    assert name_of("Jumper", "M" * 30, longest=20) == "M" * 20
