"""The rules of the merge read slowly: one pair at a time, one field after the other, in plain Python.

Nothing here comes from the planner but the types of its inputs. It says what a plan must hold; `running` compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from samklang.core.mapping import Field, Vat
from samklang.core.rules import Accepts
from simulation.planner.pairs import NOW, Based, Pair
from simulation.planner.terms import SIDES, Terms
from simulation.planner.words import Word, is_amount, shown, word

PRICES = ("money", "cost")


class Change(NamedTuple):
    """:param value: what is written; of a price, what the shop must show then. :param factor: of that price."""

    expected: str | None
    value: str | None
    why: str
    source: Based
    factor: str = ""


class Clash(NamedTuple):
    field: str
    kind: str
    rule: str
    winner: int | None
    certain: bool
    raw: tuple[str | None, str | None]
    base: tuple[str | None, str | None] | None
    clocks: tuple[str, str]


@dataclass(slots=True)
class Expected:
    """What the plan of one pair must be; sides are 0 and 1.

    :param rows: by side, what is written there.
    :param tuned: fields whose base moves without a write. :param drop: fields whose base is forgotten.
    :param held: (side, field, reason). :param waits: fields left alone on purpose, and why.
    """

    rows: tuple[dict[str, Change], dict[str, Change]] = field(default_factory=lambda: ({}, {}))
    tuned: dict[str, tuple[Based, Based]] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    held: set[tuple[int, str, str]] = field(default_factory=set)
    waits: dict[str, str] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)
    drift: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Cell:
    """One field of both records, as the rules see it.

    :param figures: what is compared: normal forms, and of prices the figure that the shop shows.
    """

    raw: tuple[str | None, str | None]
    words: tuple[Word, Word]
    forms: tuple[str, str]
    base: tuple[Based, Based] | None
    figures: tuple[str | None, str | None]
    based: bool = False
    changed: tuple[bool, bool] = (False, False)
    moved: bool = True

    @property
    def equal(self) -> bool:
        return self.figures[0] == self.figures[1]

    @property
    def empty(self) -> tuple[bool, bool]:
        return self.figures[0] is None, self.figures[1] is None

    @property
    def conflict(self) -> bool:
        """Changed on both sides to different values; without a base, different and none of them empty."""
        if self.equal:
            return False
        return all(self.changed) if self.based else not any(self.empty)


def plan(terms: Terms, pair: Pair) -> Expected:
    """What a plan for this pair must say."""
    expected = Expected()
    cells: dict[str, Cell] = {}
    regions = (region_of(terms, pair, 0), region_of(terms, pair, 1))
    for f in terms.mapping.fields:
        cell = _look(terms, pair, f, regions, expected)
        if cell is not None:
            cells[f.name] = cell
    writes = _decide(terms, pair, cells, expected)
    for target in (0, 1):
        changes = {}
        failing = []
        sent = {name for name, to in writes.items() if to == target}
        along = _first_address(terms, pair, cells, sent, target, expected) - writes.keys()
        for f in terms.mapping.fields:
            if f.name in sent or f.name in along:
                change = _change(terms, pair, f, cells[f.name], target, expected)
                if change is None:
                    failing.append(f)
                elif f.name in along:
                    changes[f.name] = change._replace(why="fill")
                else:
                    changes[f.name] = change
        _all_or_nothing(terms, target, changes, failing, expected)
        written = _whole_record(terms, pair, target, changes, expected)
        _all_or_nothing(terms, target, written, [terms.mapping.field(n) for n in changes if n not in written], expected)
        expected.rows[target].update(_not_refused(pair, target, written, expected))
    return expected


# --- looking ----------------------------------------------------------------------------------------------------------


def form_of(terms: Terms, pair: Pair, f: Field, side: int) -> str:
    """In which terms a value is compared. Prices know four, and three reasons to be held."""
    skipped = pair.facts[side].get("skip")
    if isinstance(skipped, dict) and f.names[SIDES[side]] in skipped:
        return "skip:several_variants"
    if f.kind not in PRICES:
        return f.kind
    currency = terms.views[1].facts.get("currency")
    if currency != terms.mapping.currency:
        return "held:currency_differs"
    if side == 0 and not (pair.raw[0].get(f.name) or "").strip():
        return "held:inherited"
    if f.kind == "cost" or not terms.views[1].facts["prices_include_tax"]:
        return f"{f.kind}*1"
    if side == 1:
        return "held:not_taxable" if pair.facts[1].get("taxable") is False else "money*1"
    return taxed(terms.mapping.vat, terms.views[0].facts, pair.facts[0])


def taxed(vat: Vat, known: Mapping[str, object], product: Mapping[str, object]) -> str:
    """The form of a price without VAT. The sales account goes first, the product's own or its group's.

    :param known: what PowerOffice Go says of itself: the accounts of its groups, if it does.
    """
    accounts, group, own = known.get("tax_accounts"), product.get("tax_group_id"), product.get("tax_account")
    rates = {name.upper(): rate for name, rate in vat.by_group.items()}
    told = isinstance(accounts, dict) and group in accounts
    groups = accounts[group] if isinstance(accounts, dict) and told else None
    if own is None and group is not None and not told and vat.by_account:
        return "held:sales_account_unknown"
    deciding = groups if own is None else own
    if deciding in vat.by_account:
        rate: Decimal | None = vat.by_account[str(deciding)]
    elif own not in (None, groups):
        return "held:own_sales_account"
    else:
        rate = rates.get(str(product.get("tax_group") or "").upper().strip(), vat.default)
    return "held:vat_rate_missing" if rate is None else f"money*{1 + rate}"


def normal_of(terms: Terms, pair: Pair, f: Field, side: int) -> str | None:
    return word(f.kind, pair.raw[side][f.name], region_of(terms, pair, side), terms.mapping.region).normal


def region_of(terms: Terms, pair: Pair, side: int) -> str:
    """The country of the address, else the mapping's."""
    country = pair.raw[side].get(terms.country) if terms.country else None
    return word("country", country, "", "").normal or terms.mapping.region


def _look(terms: Terms, pair: Pair, f: Field, regions: tuple[str, str], expected: Expected) -> Cell | None:
    """The field, or None where it is not compared at present."""
    name, (left, right) = f.name, pair.raw
    base = pair.base.get(name)
    known = name in left and name in right
    forms = (
        form_of(terms, pair, f, 0) if name in left else "",
        form_of(terms, pair, f, 1) if name in right else "",
    )
    if not known:
        expected.unknown.add(name)
    if forms[0].startswith("skip:") or forms[1].startswith("skip:"):
        if base is not None:
            expected.drop.add(name)
        return None
    if not known:
        return None
    values = (left[name], right[name])
    home = terms.mapping.region
    words = (word(f.kind, values[0], regions[0], home), word(f.kind, values[1], regions[1], home))
    figures = (_figure(f, values[0], words[0].normal, forms[0]), _figure(f, values[1], words[1].normal, forms[1]))
    if forms[0].startswith("held:") or forms[1].startswith("held:"):
        if figures[0] != figures[1]:
            reason = next(form for form in forms if form.startswith("held:")).removeprefix("held:")
            unsent = base is not None and base[0][2] == "unsent"
            expected.held.add((1, name, "needs_price" if unsent and reason == "inherited" else reason))
        return None
    cell = Cell(values, words, (forms[0], forms[1]), base, figures)
    if base is not None:
        (raw_a, normal_a, form_a), (raw_b, normal_b, form_b) = base
        old = (_figure(f, raw_a, normal_a, form_a), _figure(f, raw_b, normal_b, form_b))
        edited = (values[0] != raw_a, values[1] != raw_b)
        counts = ((form_a == forms[0] or old[0] is None), (form_b == forms[1] or old[1] is None))
        cell.based = counts[0] and counts[1]
        cell.moved = edited[0] or edited[1] or (form_a, form_b) != forms
        if cell.based:
            cell.changed = (edited[0] and figures[0] != old[0], edited[1] and figures[1] != old[1])
    return cell


def _figure(f: Field, raw: str | None, normal: str | None, form: str) -> str | None:
    """A price as the shop shows it, where that is known; of everything else the normal form."""
    if f.kind not in PRICES:
        return normal
    _, star, factor = form.partition("*")
    if not star:
        return normal
    figure = shown(raw, factor)
    return normal if figure is None else figure


# --- deciding ---------------------------------------------------------------------------------------------------------


def _decide(terms: Terms, pair: Pair, cells: dict[str, Cell], expected: Expected) -> dict[str, int]:
    """The side that each field is written to."""
    writes: dict[str, int] = {}
    for members in _together(terms):
        group = [f for f in members if f.name in cells]
        contested = [f for f in group if cells[f.name].conflict]
        for f in group:
            cell = cells[f.name]
            settled = cell.equal or (cell.based and not any(cell.changed))
            if settled:
                if cell.moved or (cell.equal and not cell.based):
                    expected.tuned[f.name] = (_now(cell, 0), _now(cell, 1))
                continue
            if cell.conflict or (contested and any(cell.changed)):
                asked = [g for g in group if g.policy == "ask" and (g in contested or _edited(cells[g.name]))]
                source = _contest(terms, pair, f, (asked or contested)[0], cell, expected)
                if source is None:
                    expected.waits[f.name] = "ask"
                    continue
                if not _open(f, 1 - source):
                    expected.waits[f.name] = "waiting:direction"
                    continue
            else:
                source = cell.changed.index(True) if cell.based else cell.empty.index(False)
                if not _open(f, 1 - source):
                    if not cell.based or (cell.base is not None and cell.base[source][2] == "unsent"):
                        expected.waits[f.name] = "waiting:direction"  # the other side never had it from here
                        continue
                    expected.drift.add(f.name)  # put back
                    source = 1 - source
            if not terms.mapping.shares(SIDES[1 - source]):
                expected.waits[f.name] = "waiting:share_off"
            elif cell.empty[source] and not f.clear:
                expected.waits[f.name] = "waiting:clear_off"
            else:
                writes[f.name] = 1 - source
    return writes


def _contest(terms: Terms, pair: Pair, f: Field, judged_by: Field, cell: Cell, expected: Expected) -> int | None:
    """Who wins a conflict, this field's own or that of its group; kept for the record."""
    clocks = tuple((pair.group_clocks[i] if judged_by.group else None) or pair.clocks[i] for i in (0, 1))
    if judged_by.policy == "ask":
        rule, winner = "ask", None
    else:
        if judged_by.policy in SIDES:
            rule, winner = "policy", SIDES.index(judged_by.policy)
        elif abs((_moment(clocks[0]) - _moment(clocks[1])).total_seconds()) <= 1:
            rule, winner = "tie", 0
        else:
            rule, winner = "latest", int(clocks[1] > clocks[0])
        if not cell.conflict:
            rule = "group"
        if f.direction != "both" and not _open(f, 1 - winner):
            rule, winner = "direction", 1 - winner
        if cell.conflict and cell.empty[winner]:
            rule, winner = "not_empty", 1 - winner
    lost_edit = winner is None or not cell.changed[winner]
    if cell.conflict or lost_edit:
        certain = any((until := pair.unchanged_until[own]) is not None and clocks[1 - own] < until for own in (0, 1))
        base = (cell.base[0][0], cell.base[1][0]) if cell.based and cell.base else None
        kind = "edit" if cell.based else "link"
        expected.clashes.append(
            Clash(f.name, kind, rule, winner, certain and cell.based, cell.raw, base, (clocks[0], clocks[1]))
        )
    return winner


def _edited(cell: Cell) -> bool:
    """Whether a decision over its group would decide over this field too."""
    return not cell.equal and any(cell.changed)


def _open(f: Field, target: int) -> bool:
    return f.direction in ("both", f"to_{SIDES[target]}")


def _together(terms: Terms) -> list[list[Field]]:
    """Fields that are decided together."""
    groups: dict[str, list[Field]] = {}
    for f in terms.mapping.fields:
        groups.setdefault(f.group or f"only {f.name}", []).append(f)
    return list(groups.values())


def _moment(clock: str) -> datetime:
    return datetime.fromisoformat(clock[:26] + "+00:00")


def _now(cell: Cell, side: int) -> Based:
    """What becomes the base."""
    return cell.raw[side], cell.figures[side], cell.forms[side]


# --- writing whole addresses -----------------------------------------------------------------------------------------


def _first_address(
    terms: Terms, pair: Pair, cells: dict[str, Cell], sent: set[str], target: int, expected: Expected
) -> set[str]:
    """Where the target takes an address only whole, and has none: what the source has of it goes along, changed or not;
    and where the source has nothing but a country, there is nothing to write yet.

    :param sent: the fields that are to be written; a lone country is taken out. :returns: the fields that go along.
    """
    along: set[str] = set()
    for group in terms.views[target].rules.group_needs:
        members = [f for f in terms.mapping.fields if f.group == group]
        if not any(f.name in sent for f in members) or any(_filled(pair.raw[target].get(f.name)) for f in members):
            continue
        has = [f for f in members if _filled(pair.raw[1 - target].get(f.name))]
        if has and all(f.kind == "country" for f in has):
            for f in has:
                if f.name in sent:
                    sent.discard(f.name)
                    expected.tuned[f.name] = (_now(cells[f.name], 0), _now(cells[f.name], 1))
            continue
        along |= {
            f.name
            for f in has
            if f.name in cells and f.name not in sent and f.name not in expected.waits and _open(f, target)
        }
    return along


def _all_or_nothing(
    terms: Terms, target: int, changes: dict[str, Change], failing: list[Field], expected: Expected
) -> None:
    """Where a field of a group cannot be written, the others wait for it: of several, for the first by its name."""
    for name in list(changes):
        group = terms.mapping.field(name).group
        culprits = [f.name for f in failing if group and f.group == group]
        if culprits:
            expected.held.add((target, name, f"waits_for_{min(culprits)}"))
            del changes[name]


# --- writing ----------------------------------------------------------------------------------------------------------


def _change(terms: Terms, pair: Pair, f: Field, cell: Cell, target: int, expected: Expected) -> Change | None:
    """What is written of one field, or None where the target cannot take it (rule 10)."""
    source, view = 1 - target, terms.views[target]
    accepts = view.rules.accepts(f.names[view.name])
    value, factor = None, ""
    meant = word(f.kind, cell.raw[source], region_of(terms, pair, source), terms.mapping.region)
    if not accepts.writable:
        reason = "not_writable"
    elif meant.normal is None:
        reason = "" if accepts.clearable else "not_clearable"
    elif f.kind in PRICES:
        value, factor = cell.figures[source], cell.forms[target].partition("*")[2]
        valid = value is not None and is_amount(value) and not value.startswith("-")
        reason = "" if valid else "money_invalid"
    else:
        value = meant.written
        reason = _fault(accepts, meant)
    if not reason:
        reason = _refused_before(pair, target, f.name, value, factor)
    if reason:
        expected.held.add((target, f.name, reason))
        return None
    if f.name in expected.drift:
        why = "drift"
    elif value is None:
        why = "clear"
    else:
        unsent = cell.base is not None and cell.base[source][2] == "unsent"
        default = unsent and cell.base is not None and cell.raw[target] == cell.base[target][0]
        why = "first" if default else "fill" if cell.base is None else "edit"
    return Change(cell.raw[target], value, why, _now(cell, source), factor)


def _fault(accepts: Accepts, meant: Word) -> str:
    if accepts.form == "country":
        return "" if meant.normal in accepts.choices else "country_unknown"
    if accepts.form in ("email", "phone"):
        return meant.fault
    too_long = accepts.max_length is not None and len(meant.written or "") > accepts.max_length
    return "too_long" if too_long else ""


def _refused_before(pair: Pair, target: int, name: str, value: str | None, factor: str) -> str:
    """A refusal stands while the content is the same and its next try is not due."""
    found = pair.refused.get((target, name))
    if found is None or found[1] <= NOW:
        return ""
    content = found[0]
    same = shown(str(content), factor) == value if factor and content is not None else content == value
    return "refused" if same else ""


def _whole_record(
    terms: Terms, pair: Pair, target: int, changes: dict[str, Change], expected: Expected
) -> dict[str, Change]:
    """Without a last identity that would go, and without half an address."""
    if not changes:
        return {}
    rules, side = terms.views[target].rules, SIDES[target]
    by_name = {f.names[side]: f for f in terms.mapping.fields}
    before = {name: pair.raw[target].get(f.name) for name, f in by_name.items()}
    after = {name: changes[f.name].value if f.name in changes else before[name] for name, f in by_name.items()}
    held: dict[str, str] = {}
    identity = rules.identity if set(rules.identity) <= set(by_name) else ()
    if identity and not any(_filled(after[name]) for name in identity):
        held |= {
            by_name[name].name: "last_identity"
            for name in identity
            if by_name[name].name in changes and after[name] is None
        }
    for group, needs in rules.group_needs.items():
        members = [name for name, f in by_name.items() if f.group == group]
        if not any(_filled(after[name]) for name in members):
            continue
        begun = not any(_filled(before[name]) for name in members)
        if any(not _filled(after.get(need)) and (begun or _filled(before.get(need))) for need in needs):
            held |= {by_name[name].name: "incomplete_address" for name in members if by_name[name].name in changes}
    expected.held |= {(target, name, reason) for name, reason in held.items()}
    return {name: change for name, change in changes.items() if name not in held}


def _not_refused(pair: Pair, target: int, left: dict[str, Change], expected: Expected) -> dict[str, Change]:
    """Nothing, where the same was refused as a whole."""
    standing = pair.refused.get((target, ""))
    if left and standing is not None and standing[1] > NOW and _same_row(standing[0], left):
        expected.held.add((target, "", "refused"))
        return {}
    return left


def _same_row(content: object, changes: dict[str, Change]) -> bool:
    if not isinstance(content, dict) or content.keys() != changes.keys():
        return False
    return all(
        shown(str(content[name]), change.factor) == change.value if change.factor else content[name] == change.value
        for name, change in changes.items()
    )


def _filled(value: str | None) -> bool:
    return value is not None and bool(value.strip())


def half_decided(expected: Expected) -> bool:
    """Whether a group was decided, and a field of it could not be written: the next plan judges that one anew."""
    return any(
        clash.field not in expected.rows[1 - clash.winner]
        for clash in expected.clashes
        if clash.winner is not None and clash.rule in ("group", "direction")
    )
