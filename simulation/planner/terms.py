"""Under which terms small worlds are kept in tune: mappings and what both sides take, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal

from samklang.core.derive import SideView
from samklang.core.mapping import Field, Mapping, Vat
from samklang.core.rules import Accepts, EntityRules

FIRST, SECOND = SIDES = ("powerofficego", "shopify")
BLOCK = 1_000
"""So many worlds in a row share their terms, and go through the planner in one call."""
_POLICIES = ("latest", "latest", "latest", FIRST, SECOND, "ask")
_DIRECTIONS = ("both", "both", "both", "both", f"to_{FIRST}", f"to_{SECOND}")
_ADDRESS = ("Line", "City", "Country", "Zip")
GROUP_ACCOUNTS = {"1": "3000", "2": "3100", "3": "3200", "4": None}
"""The sales accounts of groups by their number; those of group 5 are not told."""
_KINDS = {"Mail": "email", "Country": "country", "Phone": "phone", "Price": "money", "Cost": "cost"}


@dataclass(frozen=True, slots=True)
class Terms:
    """:param views: of both sides. :param one_policy: whether the fields of the group share their policy.

    :param tidies: how the second system stores what it is sent: `lower` e-mails, `blank` for an emptied value.
    :param country: the field that says where a phone number without a country belongs.
    """

    mapping: Mapping
    views: tuple[SideView, SideView]
    one_policy: bool
    tidies: frozenset[str]
    country: str | None

    def shuffled(self, rng: random.Random) -> Terms:
        """The same terms, with the fields in another order."""
        fields = tuple(rng.sample(self.mapping.fields, len(self.mapping.fields)))
        return replace(self, mapping=replace(self.mapping, fields=fields))


def terms_of(block: int) -> Terms:
    """The terms of one block of worlds."""
    rng = random.Random(f"terms {block}")
    names = ["Mail", *rng.sample(("Phone", "Name", "Price", "Cost"), rng.choice((1, 2, 2, 3)))]
    if rng.random() < 0.7:
        names[rng.randrange(len(names) + 1) : 0] = rng.sample(_ADDRESS, rng.choice((2, 3, 4)))
    group_policy, one_policy = rng.choice(_POLICIES), rng.random() < 0.85
    fields = tuple(
        Field(
            names={FIRST: name, SECOND: name.lower()},
            kind=_KINDS.get(name, "text"),
            origin="extension",
            group="address" if name in _ADDRESS else None,
            direction=rng.choice(_DIRECTIONS),
            policy=group_policy if name in _ADDRESS and one_policy else rng.choice(_POLICIES),
            clear=rng.random() < 0.85,
        )
        for name in names
    )
    taxed = rng.random() < 0.75
    rates = rng.choice(((None, {}), ("0.25", {}), ("0.25", {"FOOD": "0.15", "BOOKS": "0"}), (None, {"FOOD": "0.15"})))
    accounts = rng.choice(({}, {}, {"3000": "0.25"}, {"3000": "0.12", "3100": "0"}))
    mapping = Mapping(
        entity="customers",
        sides=SIDES,
        schedule="@hourly",
        match=("Mail",),
        fields=fields,
        create_in=frozenset({SECOND}),
        share={side: rng.random() < 0.9 for side in SIDES},
        region=rng.choice(("NO", "NO", "SE")),
        vat=Vat(
            rates[0] and Decimal(rates[0]),
            {group: Decimal(rate) for group, rate in rates[1].items()},
            {account: Decimal(rate) for account, rate in accounts.items()},
        ),
    )
    return Terms(
        mapping,
        _views(rng, taxed=taxed),
        one_policy,
        frozenset(habit for habit in ("lower", "blank") if rng.random() < 0.4),
        "Country" if "Country" in names else None,
    )


def _views(rng: random.Random, *, taxed: bool) -> tuple[SideView, SideView]:
    own: dict[str, object] = {"prices_include_tax": False}
    if rng.random() < 0.8:
        own["tax_accounts"] = GROUP_ACCOUNTS
    shop = {"prices_include_tax": taxed, "currency": "NOK" if rng.random() < 0.9 else "EUR"}
    money = Accepts(form="money", inherits=True, clearable=False)
    first = EntityRules(
        fields={
            "Country": Accepts(form="country", choices=frozenset({"NO", "SE", "DK"})),
            "Price": money,
            "Cost": money,
            "Name": Accepts(clearable=False),
            "Line": Accepts(writable=rng.random() < 0.9),
        },
        group_needs={"address": ("City", "Zip")} if rng.random() < 0.8 else {},
    )
    second = EntityRules(
        fields={
            "mail": Accepts(form="email", unique=True),
            "phone": Accepts(form="phone", unique=True),
            "country": Accepts(form="country", choices=frozenset({"NO", "SE"})),
            "price": Accepts(form="money", clearable=False),
            "cost": Accepts(form="money"),
            **{name: Accepts(max_length=30) for name in ("name", "city", "line")},
        },
        identity=rng.choice((("mail", "phone", "name"), ("mail",), ("mail", "phone"), ())),
    )
    return SideView(FIRST, own, shop, first), SideView(SECOND, shop, own, second)
