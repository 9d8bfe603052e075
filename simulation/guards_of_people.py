"""What keeps the promises made to those who decide, change the mapping, and price goods: each is taken away in turn.

See `guards`. Every trace is made for its guard, so that the first one shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import ROUND_DOWN, Decimal
from typing import Any
from unittest import mock

from samklang.cli import plan
from samklang.core import prices
from samklang.core.mapping import Mapping
from samklang.store import apart, links, orders, tombstones
from samklang.sync import conflicts, exclude, put_back, transform, undo
from simulation.trace import Edit, Person, Step, Trace
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES


def _put(stack: ExitStack, owner: Any, **replacements: Any) -> None:
    for name, replacement in replacements.items():
        stack.enter_context(mock.patch.object(owner, name, replacement))


# --- what is taken away


def _excluded_stays_linked(stack: ExitStack) -> None:
    """An excluded record's link goes on."""
    _put(stack, exclude.apart, set_apart=lambda *_a: None)


def _unlinked_stays_linked(stack: ExitStack) -> None:
    _put(stack, links, set_apart=lambda *_a: None)


def _excluded_is_judged(stack: ExitStack) -> None:
    """A record that is alone is made anew though it is excluded."""
    _put(stack, apart, keep_alone=lambda _c, _e, records, **_k: [0] * len(records))


def _gone_is_made_again(stack: ExitStack) -> None:
    """Nobody asks whether the twin is gone that a record had until a person let the two be matched anew."""
    _put(stack, apart, left_by_gone=lambda *_a: {})


def _undo_falls(stack: ExitStack) -> None:
    """What was put back is put forward again by the next run."""

    def stand(self: Any, order: Any, pair: Any) -> None:
        del pair
        self.plan.closed.append(put_back.Closed(order["id"], orders.DONE))

    _put(stack, put_back._Planner, stand=stand)  # noqa: SLF001


def _parted_is_frozen(stack: ExitStack) -> None:
    """What was written to a pair that an undo parts stays, since the pair had been frozen."""
    carry_out = put_back._Planner.carry_out  # noqa: SLF001

    def unless_frozen(self: Any, order: Any, pair: Any) -> None:
        if not {(order["link_id"], ""), (order["link_id"], order["field"])} & self.frozen:
            carry_out(self, order, pair)

    _put(stack, put_back._Planner, carry_out=unless_frozen)  # noqa: SLF001


def _undo_of_what_moved(stack: ExitStack) -> None:
    """An undo takes back what has been edited since."""
    _put(stack, undo, _why_not=lambda *_a: "")


def _undo_in_vain(stack: ExitStack) -> None:
    """An undo says that it is done, and nobody hears of it."""
    _put(stack, orders, add=lambda *_a: None)


def _take_in_vain(stack: ExitStack) -> None:
    _put(stack, conflicts, _put_back=lambda *_a: None, _choose=lambda *_a: None)


def _freeze_in_vain(stack: ExitStack) -> None:
    _put(stack, transform, freeze_fields=lambda *_a: [])


def _no_tombstones(stack: ExitStack) -> None:
    """Who was forgotten is taken in again by the next read."""
    _put(stack, tombstones, add=lambda *_a: 0)


def _shares_anyway(stack: ExitStack) -> None:
    """A side that is only to be read is written."""
    _put(stack, Mapping, shares=lambda *_a: True)


def _made_anyway(stack: ExitStack) -> None:
    """Records are made on sides that the mapping does not name."""
    kept = Mapping.__dict__["create_in"]  # what is read meanwhile is kept for others
    _put(stack, Mapping, create_in=property(lambda _mapping: frozenset(SIDES), kept.__set__))


def _plan_in_the_store(stack: ExitStack) -> None:
    """A plan that is only looked at is made in the store itself."""

    @contextmanager
    def same(database: Any) -> Iterator[Any]:
        yield database

    _put(stack, plan, copied=same)


def _cut_off(stack: ExitStack) -> None:
    """Prices are cut off, not rounded."""
    _put(stack, prices, two_decimals=lambda amount: str(amount.quantize(Decimal("0.01"), ROUND_DOWN)))


def _currencies_alike(stack: ExitStack) -> None:
    """An amount is the same in any currency."""
    form = prices.price_form

    def any_currency(**given: Any) -> str:
        given |= {name: {**given[name], "currency": ""} for name in ("own", "other")}
        return form(**given)

    for module in _users_of(form):
        _put(stack, module, price_form=any_currency)


def _inherited_is_empty(stack: ExitStack) -> None:
    """A price that comes from the product group is taken for a missing one."""
    form = prices.price_form
    for module in _users_of(form):
        _put(stack, module, price_form=lambda **given: form(**{**given, "inherits": False}))


def _users_of(function: Any) -> list[Any]:
    import sys  # whoever has imported it

    name = function.__name__
    modules = [module for key, module in sys.modules.items() if key.startswith("samklang.")]
    return [module for module in modules if getattr(module, name, None) is function]


# --- where to look


def _customers(*steps: Step, people: tuple[Person, ...] = (), lines: tuple[str, ...] = ()) -> Callable[[int], Trace]:
    """Three customers on both sides, linked by a first run, and then this."""
    return _traces("customers", people or tuple(Person(number, SIDES) for number in range(3)), steps, lines)


def _products(*steps: Step) -> Callable[[int], Trace]:
    return _traces("products", (Person(0, SIDES), Person(1, SIDES)), steps, ())


def _traces(
    entity: str, people: tuple[Person, ...], steps: tuple[Step, ...], lines: tuple[str, ...]
) -> Callable[[int], Trace]:
    def of(seed: int) -> Trace:
        switches: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
        skews, mapping = dict.fromkeys(SIDES, 0.0), lines or ("create_in: [shopify, powerofficego]",)
        return Trace(seed, entity, mapping, switches, skews, 50, people, (_RUN, *steps))

    return of


_RUN = Step("run")


def _type(field: str, number: int, side: str = POWEROFFICEGO) -> Step:
    return Step("edit", Edit("type", side, 1, field, number))


def _does(kind: str, number: int = 5, field: str = "LastName", side: str = POWEROFFICEGO, person: int = 1) -> Step:
    return Step("edit", Edit(kind, side, person, field, number))


def _says(line: str) -> Step:
    return Step("edit", Edit("mapping", "", 0, line, 0))


_CLASH = (_type("LastName", 501), _type("LastName", 502, SHOPIFY), _RUN)
_ALONE = (Person(0, SIDES), Person(1, (POWEROFFICEGO,)))

OF_PEOPLE = (
    ("excluded twins are left alone", _excluded_stays_linked, _customers(_does("exclude"), _type("LastName", 501))),
    ("unlinked twins are left alone", _unlinked_stays_linked, _customers(_does("unlink"), _type("LastName", 501))),
    (
        "an excluded record gets no twin",
        _excluded_is_judged,
        _customers(
            _does("exclude"), _says("create_in: [shopify, powerofficego]"), people=_ALONE, lines=("create_in: []",)
        ),
    ),
    (
        "who is gone is made again only when a person says so",
        _gone_is_made_again,
        _customers(
            _does("undo run"), _does("delete"), _RUN, _does("include", side=SHOPIFY), people=(Person(1, (SHOPIFY,)),)
        ),
    ),
    ("an undo stands", _undo_falls, _customers(_type("LastName", 501), _RUN, _does("undo"), _RUN, _RUN)),
    (
        "an undo leaves alone what has moved",
        _undo_of_what_moved,
        _customers(_type("LastName", 501), _RUN, _type("LastName", 502, SHOPIFY), _RUN, _does("undo run", 1)),
    ),
    (
        "an undo of a first run reaches who is frozen",
        _parted_is_frozen,
        _customers(_does("freeze all"), _does("undo run"), people=(Person(1, SIDES, ("LastName",)),)),
    ),
    ("an undo is carried out", _undo_in_vain, _customers(_type("LastName", 501), _RUN, _does("undo"))),
    ("the value that is taken stands", _take_in_vain, _customers(*_CLASH, _does("take"))),
    ("a frozen field is left alone", _freeze_in_vain, _customers(_does("freeze"), _type("LastName", 501))),
    ("who is forgotten stays forgotten", _no_tombstones, _customers(_does("forget"), _does("touch"))),
    (
        "a side that is only read is not written",
        _shares_anyway,
        _customers(_says("share: {shopify: false}"), _type("LastName", 501)),
    ),
    (
        "records are made where the mapping says",
        _made_anyway,
        _customers(_says("create_in: []"), Step("edit", Edit("new", SHOPIFY, 9, "", 501))),
    ),
    (
        "a trial plan leaves the store alone",
        _plan_in_the_store,
        _customers(_type("LastName", 501), _does("plan", 0, "")),
    ),
    ("prices are rounded half up", _cut_off, _products(_does("price", 3000))),
    (
        "amounts are not converted",
        _currencies_alike,
        _products(_does("shop terms", 0), _type("UnitPrice", 501)),
    ),
    (
        "an inherited price is not written over",
        _inherited_is_empty,
        _products(_does("inherit"), _RUN, _type("UnitPrice", 501, SHOPIFY)),
    ),
)
"""Name, what takes it away, and the traces to look in."""
