"""Small worlds of a few records without twins, and a plain reading of who is whose twin and who is made anew.

Linking by keys, what is created and what is not, and which values it gets: one record at a time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

from samklang.core.derive import SideView
from samklang.core.mapping import Field, Mapping, Vat
from samklang.core.rules import Accepts, EntityRules
from simulation.planner import reading
from simulation.planner.reading import PRICES
from simulation.planner.terms import FIRST, GROUP_ACCOUNTS, SECOND, SIDES
from simulation.planner.words import NO_KEYS, POOLS, Word, is_amount, shown, word

CREATED = ("2024-01-01T00:00:00.0000000Z", "2025-01-01T00:00:00.0000000Z", "2026-01-01T00:00:00.0000000Z")
_LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwll"
_KEYS = {
    "Mail": (None, "", "kari@post.no", " Kari@Post.NO ", "ola@post.no", "OLA@post.no", "kari@post.no, ola@post.no",
             "Kari <kari@post.no>", "ka\u200bri@post.no", "kari at post"),
    "Code": (None, "", "Moss", " Moss ", "moss", "Oslo", "Mo\u00adss", "\u00ad", _LONG),
}  # fmt: skip
_NAMES = {"Jumper": "Jumper - M", "Jumper of wool and silk, for the winter": "Jumper of wool and… - M / Blue"}
"""What one of several is called, by the name of the whole: both, and no more than thirty characters."""


@dataclass(frozen=True, slots=True)
class Terms:
    """:param first_created: by side, the newest record there when the first run began; None: that is now."""

    mapping: Mapping
    views: tuple[SideView, SideView]
    first_created: tuple[str | None, str | None]


@dataclass(slots=True)
class Person:
    """One record. :param raw: a field that is missing is unknown. :param twin: the number of its twin in the world."""

    side: int
    raw: dict[str, str | None]
    scope: str
    created: str
    facts: dict[str, object] = field(default_factory=dict)
    twin: int | None = None


@dataclass(slots=True)
class World:
    """:param keyless: records that no key of ours can be made for."""

    seed: int
    rng: random.Random
    people: list[Person]
    keyless: set[int] = field(default_factory=set)
    told: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Expected:
    """What the plan of one world must be; records by their number.

    :param pairs: twins and the key that they share. :param ambiguous: the key, and all holders by side.
    :param blocked: the key, why, and who holds it. :param excluded: why a record is not made on the other side.
    :param made: what is made of a record: the values (price: what is shown), and the factors of prices.
    :param held: (record, field, reason).
    """

    pairs: set[tuple[int, int, str]] = field(default_factory=set)
    ambiguous: dict[int, tuple[str, tuple[frozenset[int], frozenset[int]]]] = field(default_factory=dict)
    blocked: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    excluded: dict[int, str] = field(default_factory=dict)
    made: dict[int, dict[str, tuple[str, str]]] = field(default_factory=dict)
    held: set[tuple[int, str, str]] = field(default_factory=set)


def terms_of(block: int) -> Terms:
    """The terms of one block of worlds."""
    rng = random.Random(f"people {block}")
    names = {"Mail": "email", "Code": "text", "Name": "text"}
    names |= {n: k for n, k in (("Phone", "phone"), ("Price", "money")) if rng.random() < 0.6}
    if rng.random() < 0.6:
        names |= {"City": "text", "Zip": "text", "Country": "country"}
    fields = tuple(
        Field(
            {FIRST: name, SECOND: name.lower()},
            kind,
            "extension",
            group="address" if name in ("City", "Zip", "Country") else None,
            direction="both" if rng.random() < 0.8 else rng.choice((f"to_{FIRST}", f"to_{SECOND}")),
        )
        for name, kind in names.items()
    )
    mapping = Mapping(
        entity="customers",
        sides=SIDES,
        schedule="@hourly",
        match=rng.choice((("Mail",), ("Code",), ("Mail", "Code"), ("Code", "Mail"))),
        fields=fields,
        create_in=frozenset(rng.choice(((SECOND,), (SECOND,), (FIRST,), SIDES, SIDES, ()))),
        create_archived=rng.random() < 0.3,
        share={side: rng.random() < 0.9 for side in SIDES},
        full_sync={side: rng.random() < 0.7 for side in SIDES},
        vat=Vat(Decimal("0.25") if rng.random() < 0.7 else None, {"FOOD": Decimal("0.15")}, {"3100": Decimal("0.12")}),
    )
    marks = (rng.choice((None, *CREATED)), rng.choice((None, *CREATED)))
    return Terms(mapping, _views(rng), marks)


def _views(rng: random.Random) -> tuple[SideView, SideView]:
    own = {"prices_include_tax": False, "tax_accounts": GROUP_ACCOUNTS}
    shop = {"prices_include_tax": rng.random() < 0.7, "currency": "NOK" if rng.random() < 0.85 else "EUR"}
    first = EntityRules(
        fields={"Price": Accepts(form="money", inherits=True, clearable=False),
                "Name": Accepts(max_length=30),
                "Country": Accepts(form="country", choices=frozenset({"NO", "SE", "DK"}))},
        create_needs=rng.choice(((("Name", "Code"),), (("Name",),))),
        group_needs={"address": ("City", "Zip")},
    )  # fmt: skip
    second = EntityRules(
        fields={
            "mail": Accepts(form="email", unique=True),
            "phone": Accepts(form="phone", unique=True),
            "price": Accepts(form="money", clearable=False),
            "country": Accepts(form="country", choices=frozenset({"NO", "SE"})),
            "name": Accepts(max_length=30),
            "code": Accepts(max_length=30),
        },
        create_needs=rng.choice(((("name",),), (("name",), ("mail",)), (("name", "mail"), ("mail", "code")))),
    )
    return SideView(FIRST, own, shop, first), SideView(SECOND, shop, own, second)


def new_world(seed: int, terms: Terms) -> World:
    rng = random.Random(seed)
    world = World(seed, rng, [])
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5))):
        _add(world, terms)
    for number, person in enumerate(world.people):
        if rng.random() < 0.15:
            world.keyless.add(number)
        if rng.random() < 0.15:
            _link(world, number, person)
    return world


def _link(world: World, number: int, person: Person) -> None:
    for other, candidate in enumerate(world.people):
        if candidate.side != person.side and candidate.twin is None and person.twin is None:
            candidate.twin, person.twin = number, other


def _add(world: World, terms: Terms) -> None:
    """Somebody makes a record."""
    rng = world.rng
    raw = {f.name: rng.choice(_KEYS.get(f.name) or POOLS[f.kind]) for f in terms.mapping.fields}
    if rng.random() < 0.1:
        raw.pop(rng.choice(list(raw)))
    side = rng.randrange(2)
    facts: dict[str, object] = (
        {
            "tax_group": rng.choice((None, "FOOD")),
            "tax_group_id": rng.choice((None, "1", "2")),
            "tax_account": rng.choice((None, None, "3000", "3100")),
        }
        if side == 0
        else {"taxable": rng.random() < 0.85}
    )
    if side == 1 and rng.random() < 0.1:
        facts["skip"] = {"name": "several_variants"}
        facts["parts"] = {
            "name": rng.choice((["Jumper", "M"], ["Jumper of wool and silk, for the winter", "M / Blue"]))
        }
    scope = rng.choice(("active", "active", "active", "active", "archived", "outside"))
    world.people.append(Person(side, raw, scope, rng.choice(CREATED), facts))


def disturb(world: World, terms: Terms) -> None:
    """One or two things happen."""
    for _ in range(world.rng.choice((1, 1, 2))):
        act = world.rng.choice(_ACTS)
        act(world, terms)
        world.told.append(act.__name__.strip("_"))


def _retype_key(world: World, terms: Terms) -> None:
    person = world.rng.choice(world.people)
    name = world.rng.choice(terms.mapping.match)
    person.raw[name] = world.rng.choice(_KEYS[name])


def _copy_key(world: World, terms: Terms) -> None:
    """Two records come to share a key."""
    one, other = world.rng.choice(world.people), world.rng.choice(world.people)
    for name in terms.mapping.match:
        if name in one.raw:
            other.raw[name] = one.raw[name]


def _rescope(world: World, terms: Terms) -> None:
    world.rng.choice(world.people).scope = world.rng.choice(("active", "active", "archived", "outside"))


def _retype(world: World, terms: Terms) -> None:
    f = world.rng.choice(terms.mapping.fields)
    if f.name not in terms.mapping.match:
        world.rng.choice(world.people).raw[f.name] = world.rng.choice(POOLS[f.kind])


def _leave(world: World, terms: Terms) -> None:
    """Nothing happens."""


_ACTS = (_retype_key, _retype_key, _copy_key, _copy_key, _rescope, _retype, _add, _leave)


# --- the rules, read slowly -------------------------------------------------------------------------------------------


def plan(terms: Terms, world: World) -> Expected:
    """Who is whose twin, who is not, and who is made anew."""
    expected = Expected()
    waiting = {n for n, person in enumerate(world.people) if person.twin is None and person.scope != "outside"}
    for key in terms.mapping.match:
        verdicts = {n: _judge(terms, world, n, key, waiting) for n in sorted(waiting)}
        for n, verdict in verdicts.items():
            match verdict:
                case int(twin):
                    pair = (n, twin) if world.people[n].side == 0 else (twin, n)
                    expected.pairs.add((*pair, key))
                case (str(reason), int(holder)):
                    expected.blocked[n] = (key, reason, holder)
                case (frozenset() as left, frozenset() as right):
                    expected.ambiguous[n] = (key, (left, right))
        waiting -= {n for n, verdict in verdicts.items() if verdict is not None}
    for n in sorted(waiting):
        _make(terms, world, n, expected)
    return expected


def _judge(
    terms: Terms, world: World, n: int, key: str, waiting: set[int]
) -> int | tuple[str, int] | tuple[frozenset[int], frozenset[int]] | None:
    """The twin; why there is none, and who is in the way; all holders of a key that is held twice; or nothing."""
    me = world.people[n]
    value = _key_of(terms, me, key)
    if value is None:
        return None
    holders = (set[int](), set[int]())
    for number, person in enumerate(world.people):
        if _key_of(terms, person, key) == value:
            holders[person.side].add(number)
    if max(map(len, holders)) > 1:
        return frozenset(holders[0]), frozenset(holders[1])
    if not holders[1 - me.side]:
        return None
    (other,) = holders[1 - me.side]
    if other in waiting:
        return other
    if world.people[other].twin is not None:
        return "key_held_by_a_linked_record", other
    outside = world.people[other].scope == "outside"
    return ("key_held_by_a_company" if outside else "key_held_by_a_settled_record"), other


def _key_of(terms: Terms, person: Person, key: str) -> str | None:
    return _word(terms, person, terms.mapping.field(key)).key if key in person.raw else None


def _word(terms: Terms, person: Person, f: Field) -> Word:
    return word(f.kind, person.raw[f.name], _region(terms, person), terms.mapping.region)


def _region(terms: Terms, person: Person) -> str:
    return word("country", person.raw.get("Country"), "", "").normal or terms.mapping.region


def _make(terms: Terms, world: World, n: int, expected: Expected) -> None:
    person = world.people[n]
    target = terms.views[1 - person.side]
    reason = _never(terms, person, target.name)
    if reason:
        expected.excluded[n] = reason
        return
    values, held = _values(terms, person, target)
    if reason := _unknown_by(terms, person, target, held):
        expected.excluded[n] = reason
        noise = set(_noise(terms, person, target).items())
        expected.held |= {(n, key, why) for key, why in noise or held if key in terms.mapping.match}
        return
    filled = _named(terms, target, values)
    lacking = [[need for need in needs if need not in filled] for needs in target.rules.create_needs]
    if lacking and all(lacking):
        nearest = min(lacking, key=len)
        names = [next(f.name for f in terms.mapping.fields if f.names[target.name] == name) for name in nearest]
        useful = {name for needs in target.rules.create_needs for name in needs}
        refused = [f.name for f in terms.mapping.fields if f.names[target.name] in useful and f.name in dict(held)]
        expected.excluded[n] = f"{refused[0]}_is_held" if refused else f"lacks_{','.join(names)}"
        expected.held |= {(n, name, why) for name, why in held if name in refused}
    elif n in world.keyless:
        expected.excluded[n] = "lacks_a_key"
    else:
        expected.made[n] = values
        expected.held |= {(n, name, why) for name, why in held}


def _noise(terms: Terms, person: Person, target: SideView) -> dict[str, str]:
    """Key fields that hold something nobody can be told apart by, and why the target does not take it either."""
    found = {}
    for f in map(terms.mapping.field, terms.mapping.match):
        meant = _word(terms, person, f)
        if meant.normal is not None and meant.fault in NO_KEYS:
            found[f.name] = _fault(target, f, meant) or "no_key"
    return found


def _unknown_by(terms: Terms, person: Person, target: SideView, held: set[tuple[str, str]]) -> str:
    """Why the new record would be one that nobody can tell apart."""
    for key in terms.mapping.match:
        if key in _noise(terms, person, target):
            return f"{key}_is_no_key"
    kept_back = {name for name, _ in held}
    return next((f"{key}_is_held" for key in terms.mapping.match if key in kept_back), "")


def _named(terms: Terms, target: SideView, values: dict[str, tuple[str, str]]) -> set[str]:
    return {terms.mapping.field(name).names[target.name] for name in values}


def _never(terms: Terms, person: Person, target: str) -> str:
    mapping = terms.mapping
    mark = terms.first_created[person.side]
    if target not in mapping.create_in:
        return "not_in_create_in"
    if not mapping.share[target]:
        return "share_off"
    if person.scope == "archived" and not mapping.create_archived:
        return "archived"
    if not mapping.full_sync[target] and (mark is None or person.created <= mark):
        return "before_the_first_run"
    return "" if all(key in person.raw for key in mapping.match) else "match_key_unknown"


def _values(terms: Terms, person: Person, target: SideView) -> tuple[dict[str, tuple[str, str]], set[tuple[str, str]]]:
    """What the new record gets, each value with the factor of a price, and what is held back."""
    values: dict[str, tuple[str, str]] = {}
    held: set[tuple[str, str]] = set()
    needed = {name for needs in target.rules.create_needs for name in needs}
    for f in terms.mapping.fields:
        if f.direction not in ("both", f"to_{target.name}") or f.name not in person.raw:
            continue
        if f.names[SIDES[person.side]] in person.facts.get("skip", {}):  # type: ignore[operator]
            if f.names[target.name] in needed and _word(terms, person, f).normal is not None:
                values[f.name] = (_NAMES[person.facts["parts"]["name"][0]], "")  # type: ignore[index]
            continue
        if f.kind in PRICES:
            value, factor, reason = _price(terms, person, f.name)
        else:
            meant, factor = _word(terms, person, f), ""
            value, reason = meant.written, "" if meant.normal is None else _fault(target, f, meant)
        if reason:
            held.add((f.name, reason))
        elif value is not None:
            values[f.name] = (value, factor)
    return _whole(terms, person, target, values, held), held


def _whole(
    terms: Terms,
    person: Person,
    target: SideView,
    values: dict[str, tuple[str, str]],
    held: set[tuple[str, str]],
) -> dict[str, tuple[str, str]]:
    """The values without half a group; :param held: gets what is left out."""
    group_of = {f.name: f.group for f in terms.mapping.fields}
    missing = {name for name, _ in held}
    kept = {}
    for name, value in values.items():
        group = group_of[name]
        culprit = min((n for n in group_of if group and group_of[n] == group and n in missing), default=None)
        if culprit:
            held.add((name, f"waits_for_{culprit}"))
        else:
            kept[name] = value
    for group, needs in target.rules.group_needs.items():
        members = {name for name in kept if group_of[name] == group}
        if not _named(terms, target, kept).issuperset(needs):
            if _kinds(terms, person, group) != {"country"}:  # that alone is no address
                held |= {(name, "incomplete_address") for name in members}
            kept = {name: value for name, value in kept.items() if name not in members}
    return kept


def _kinds(terms: Terms, person: Person, group: str) -> set[str]:
    """Of what a record has of a group."""
    has = [f for f in terms.mapping.fields if f.group == group and f.name in person.raw]
    return {f.kind for f in has if _word(terms, person, f).normal is not None}


def _fault(target: SideView, f: Field, meant: Word) -> str:
    accepts = target.rules.accepts(f.names[target.name])
    match accepts.form:
        case "country":
            return "" if meant.normal in accepts.choices else "country_unknown"
        case "email" | "phone":
            return meant.fault
    return "too_long" if accepts.max_length and len(meant.written or "") > accepts.max_length else ""


def _price(terms: Terms, person: Person, name: str) -> tuple[str | None, str, str]:
    """What the new record's price shows in the shop, the factor there, and why there is none."""
    shop, vat = terms.views[1].facts, terms.mapping.vat
    if shop["currency"] != terms.mapping.currency:
        return None, "", "currency_differs"
    empty = not (person.raw[name] or "").strip()
    taxed = bool(shop["prices_include_tax"])
    if empty and not (person.side == 1 and taxed and person.facts.get("taxable") is False):
        return None, "", "needs_price"
    own, new = "1", "1"
    if taxed and person.side == 0:
        form = reading.taxed(vat, terms.views[0].facts, person.facts)
        if form.startswith("held:"):
            return None, "", form.removeprefix("held:")
        own = form.removeprefix("money*")
    elif taxed:
        if person.facts.get("taxable") is False:
            return None, "", "not_taxable"
        if vat.default is None:
            return None, "", "vat_rate_missing"
        new = str(1 + vat.default)
    figure = shown(person.raw[name], own) or ""
    if not is_amount(figure) or figure.startswith("-"):
        return None, "", "money_invalid"
    return figure, new, ""


def apply(world: World, expected: Expected, sent: dict[int, dict[str, str]]) -> None:
    """Both systems carry it out: twins are linked, new records exist."""
    for a, b, _ in expected.pairs:
        world.people[a].twin, world.people[b].twin = b, a
    for n in expected.made:
        origin = world.people[n]
        origin.twin = len(world.people)
        raw: dict[str, str | None] = {**dict.fromkeys(origin.raw), **sent[n]}
        facts: dict[str, object] = {"tax_group": None} if origin.side else {"taxable": True}
        world.people.append(Person(1 - origin.side, raw, "active", CREATED[-1], facts, twin=n))
