"""Records without a twin: may one be made on the other side, and with which values?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from samklang.core.derive import HELD, SKIP, SideView
from samklang.core.holds import INCOMPLETE_ADDRESS, NEEDS_PRICE, NO_KEY, NOT_WRITABLE, Hold, refusal
from samklang.core.keys import is_no_key
from samklang.core.mapping import Field, Mapping
from samklang.core.plan import FieldChange, Held, Plan, Refusals, Row, Verdict, row_content
from samklang.core.prices import common_form, from_common, price_form, price_hold
from samklang.core.records import Scope
from samklang.core.together import is_country_alone, whole_groups
from samklang.core.values import tidy, written_form

KeyFor = Callable[[str, MappingOf[str, str]], str | None]
"""(source id, values under the target's names) → our key."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record in scope that nobody on the other side matches; maps are by the mapping's field names.

    :param last_edits: see `core.plan.join_clocks`.
    """

    side: str
    id: str
    scope: str
    created: str
    raw: MappingOf[str, str | None]
    normal: MappingOf[str, str | None]
    form: MappingOf[str, str]
    facts: MappingOf[str, Any]
    last_edits: str = ""


def plan_creation(
    mapping: Mapping,
    source: SideView,
    target: SideView,
    candidate: Candidate,
    *,
    first_created: str | None,
    key_for: KeyFor,
    refusals: Refusals,
    plan: Plan,
) -> None:
    """Add a creation to the plan, or the reason why there is none.

    :param first_created: the newest record on the source side when the first run began; None: that is now.
    """
    reason = _not_created(mapping, target.name, candidate, first_created)
    if reason:
        plan.verdicts.append(Verdict(candidate.side, candidate.id, "excluded", reason))
        return
    changes, held = _values(mapping, source, target, candidate, refusals)
    if reason := _without_key(mapping, candidate, held):
        plan.verdicts.append(Verdict(candidate.side, candidate.id, "excluded", reason))
        plan.held.extend(key_holds(mapping, target, candidate) or [h for h in held if h.field in mapping.match])
        return
    if first_created is not None and candidate.created > first_created:
        for change in changes:
            change.edited = candidate.created
    values = {mapping.field(c.field).names[target.name]: str(c.value) for c in changes}
    missing = _missing(target, values)
    if missing:
        plan.verdicts.append(
            Verdict(candidate.side, candidate.id, "excluded", _lacking(mapping, target, missing, held))
        )
        plan.held.extend(_needed(mapping, target, held))
        return
    standing = refusals.standing(target.name, candidate.id, "", row_content(changes), candidate.last_edits)
    if standing is not None:
        plan.held.append(Held(target.name, candidate.id, "", standing.reason, standing.remedy))
        return
    key = key_for(candidate.id, values)
    if key is None:
        plan.verdicts.append(Verdict(candidate.side, candidate.id, "excluded", "lacks_a_key"))
        return
    plan.held.extend(held)
    options = {"status": mapping.new_product_status} if mapping.entity == "products" else {}
    plan.rows.append(
        Row(
            side=target.name,
            op="create",
            source_id=candidate.id,
            changes=changes,
            key=key,
            options=options,
            last_edits=candidate.last_edits,
        )
    )


def key_holds(mapping: Mapping, target: SideView, candidate: Candidate) -> list[Held]:
    """What to do about key fields that hold something no key can be made of."""
    held = []
    for f in map(mapping.field, mapping.match):
        raw = candidate.raw.get(f.name)
        if is_no_key(f.kind, candidate.normal.get(f.name)):
            accepts, region = target.rules.accepts(f.names[target.name]), _region(mapping, candidate)
            hold = refusal(f.kind, raw, accepts=accepts, region=region, home=mapping.region) or NO_KEY
            held.append(Held(target.name, candidate.id, f.name, hold.reason, hold.remedy))
    return held


def _without_key(mapping: Mapping, candidate: Candidate, held: list[Held]) -> str:
    """Why a record would be made without the key that it is to be known by: a second one would come beside the one
    that has it, and no correction would bring the two together."""
    for name in mapping.match:
        if is_no_key(mapping.field(name).kind, candidate.normal.get(name)):
            return f"{name}_is_no_key"
    kept_back = {h.field for h in held if h.reason != NOT_WRITABLE.reason}
    return next((f"{name}_is_held" for name in mapping.match if name in kept_back), "")


def _not_created(mapping: Mapping, target: str, candidate: Candidate, first_created: str | None) -> str:
    if target not in mapping.create_in:
        return "not_in_create_in"
    if not mapping.shares(target):
        return "share_off"
    if candidate.scope == Scope.ARCHIVED and not mapping.create_archived:
        return "archived"
    if not mapping.syncs_all(target) and (first_created is None or candidate.created <= first_created):
        return "before_the_first_run"
    if any(name not in candidate.raw for name in mapping.match):
        return "match_key_unknown"
    return ""


def _values(
    mapping: Mapping, source: SideView, target: SideView, candidate: Candidate, refusals: Refusals
) -> tuple[list[FieldChange], list[Held]]:
    changes: list[FieldChange] = []
    held: list[Held] = []
    for f in mapping.fields:
        if f.direction not in ("both", f"to_{target.name}") or f.name not in candidate.raw:
            continue
        value, hold = _value(f, mapping, source, target, candidate)
        if hold is None and value is not None:
            hold = refusals.standing(target.name, candidate.id, f.name, value, candidate.last_edits)
        if hold is not None:
            held.append(Held(target.name, candidate.id, f.name, hold.reason, hold.remedy))
        elif value is not None:
            raw, normal = candidate.raw[f.name], candidate.normal[f.name]
            changes.append(FieldChange(f.name, None, value, "create", (raw, normal, candidate.form[f.name])))
    changes, waiting = whole_groups(mapping, changes, [h.field for h in held])
    held.extend(Held(target.name, candidate.id, name, hold.reason, hold.remedy) for name, hold in waiting)
    incomplete = _incomplete_groups(mapping, target, changes)
    filled = [name for name, normal in candidate.normal.items() if normal is not None]
    held.extend(
        Held(target.name, candidate.id, change.field, INCOMPLETE_ADDRESS.reason, INCOMPLETE_ADDRESS.remedy)
        for change in changes
        if (group := mapping.field(change.field).group) in incomplete and not is_country_alone(mapping, group, filled)
    )
    return [c for c in changes if mapping.field(c.field).group not in incomplete], held


def _value(
    f: Field, mapping: Mapping, source: SideView, target: SideView, candidate: Candidate
) -> tuple[str | None, Hold | None]:
    form, raw = candidate.form[f.name], candidate.raw[f.name]
    accepts = target.rules.accepts(f.names[target.name])
    needed = any(f.names[target.name] in alternative for alternative in target.rules.create_needs)
    if form.startswith(SKIP):
        if not needed:
            return None, None
        parts = candidate.facts.get("parts", {}).get(f.names[source.name])
        raw = _name_of_a_part(parts, accepts.max_length) or raw
    if form.startswith(HELD):
        hold = price_hold(form)
        return None, NEEDS_PRICE if hold and hold.reason == "inherited" and f.kind == "money" else hold
    if candidate.normal[f.name] is None or raw is None:
        return None, NEEDS_PRICE if f.kind == "money" else None
    region = _region(mapping, candidate)
    if f.kind not in ("money", "cost"):
        where = {"region": region, "home": mapping.region}
        hold = refusal(f.kind, raw, accepts=accepts, **where)
        # of a description that shows pictures only, or nothing that is let through, nothing is left to write
        return (None, hold) if hold else (written_form(f.kind, raw, accepts=accepts, **where) or None, None)
    value, hold = _converted(f, mapping, source, target, candidate)
    if value is not None:
        hold = hold or refusal(f.kind, value, accepts=accepts, region=region)
    return (None, hold) if hold else (value, None)


def _name_of_a_part(parts: Sequence[str | None] | None, longest: int | None) -> str:
    """`Jumper - M / Blue`: what a record is called that is one of several in its own system, or "".

    Where that is too long, the end stays: it tells the parts of one record from each other.
    """
    filled = [tidy(part) for part in parts or () if part and part.strip()]
    name = " - ".join(filled)
    if longest is None or len(name) <= longest:
        return name
    end = f"… - {filled[-1]}" if len(filled) > 1 else ""
    return f"{name[: longest - len(end)]}{end}" if len(end) < longest else filled[-1][:longest]


def _converted(
    f: Field, mapping: Mapping, source: SideView, target: SideView, candidate: Candidate
) -> tuple[str | None, Hold | None]:
    """The price as the new record will show it: its form there follows from the record it is made from."""
    factor = candidate.form[f.name].partition("*")[2]
    common = common_form(candidate.raw[f.name], factor)
    its_form = price_form(
        kind=f.kind, mapping=mapping, own=target.facts, other=source.facts, facts={}, raw="0", inherits=False
    )
    if its_form.startswith(HELD):
        return None, price_hold(its_form)
    try:
        return from_common(common or "", its_form), None
    except (ValueError, ArithmeticError):
        return None, Hold("money_invalid", "Enter an amount of 0 or more, as a plain number.")


def _incomplete_groups(mapping: Mapping, target: SideView, changes: list[FieldChange]) -> set[str | None]:
    filled = {mapping.field(c.field).names[target.name] for c in changes}
    groups = {mapping.field(c.field).group for c in changes}
    return {
        group for group, needs in target.rules.group_needs.items() if group in groups and not filled.issuperset(needs)
    }


def _missing(target: SideView, values: MappingOf[str, str]) -> list[str]:
    """What the best alternative of the target's needs lacks; empty when one is met."""
    if not target.rules.create_needs:
        return []
    return min(([n for n in need if n not in values] for need in target.rules.create_needs), key=len)


def _needed(mapping: Mapping, target: SideView, held: list[Held]) -> list[Held]:
    """What is held back of that which a new record needs: it is there, and the target cannot take it."""
    needs = {name for need in target.rules.create_needs for name in need}
    return [h for h in held if mapping.field(h.field).names[target.name] in needs]


def _lacking(mapping: Mapping, target: SideView, missing: list[str], held: list[Held]) -> str:
    if needed := _needed(mapping, target, held):
        return f"{needed[0].field}_is_held"
    named = {f.names[target.name]: f.name for f in mapping.fields}
    return f"lacks_{','.join(named.get(name, name) for name in missing)}"


def _region(mapping: Mapping, candidate: Candidate) -> str:
    for f in mapping.fields:
        if f.kind == "country":
            return candidate.normal.get(f.name) or mapping.region
    return mapping.region
