"""`python -m simulation.guards`: each guard of the engine is taken away in turn; the simulation must then fail.

Nothing of this is a switch of the product: what is taken away is replaced here, from outside, for one world at a time.
Where two guards cover the same fault, each says who stands behind it, and both are taken away together.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pandas as pd
from rich.console import Console
from rich.table import Table

from samklang.core import conflicts, creation, keys, matching, merge, plan_pairs, prices, values
from samklang.core.derive import by_field
from samklang.core.mapping import Mapping, Vat
from samklang.core.records import Scope
from samklang.core.rules import EntityRules
from samklang.store import clashes, journal, ledger, links, seen
from samklang.sync import (
    bases,
    extract,
    load,
    observe,
    put_back,
    rejudge,
    review,
    sifting,
    transform,
    unread,
    unshown,
    waited,
)
from samklang.systems.powerofficego import customers, lag, patch, products, writing
from samklang.systems.shopify import contacts as shop_contacts
from samklang.systems.shopify import creating, updating
from samklang.systems.shopify import customers as shop_customers
from samklang.systems.shopify import products as shop_products
from samklang.systems.shopify import reading as shop_reading
from simulation import rules_broken, small_traces
from simulation.guard_traces import (
    both_edit,
    busy_desks,
    corrected_keys,
    corrected_keys_in_times_ahead,
    denied_fields,
    forgotten_product,
    frozen_meanwhile,
    hidden_edit,
    lagging_reads,
    late_edits,
    lost_answers,
    moved_on_meanwhile,
    old_loads,
    only_in,
    redacted_meanwhile,
    refused_without_words,
    remapped_meanwhile,
    unheard_write,
    unreadable,
)
from simulation.guards_of_people import OF_PEOPLE
from simulation.guards_of_swaps import OF_SWAPS
from simulation.machine import Machine
from simulation.maker import make_plain_trace
from simulation.run import play
from simulation.trace import Trace

MOST = 3000
"""Seeds after which a guard counts as one that nothing depends on."""


@dataclass(frozen=True, slots=True)
class Guard:
    """:param without: takes it away. :param missed_by: a seed that notices. :param traces: where to look."""

    name: str
    without: Callable[[ExitStack], None]
    missed_by: int = 0
    traces: Callable[[int], Trace] = make_plain_trace


def _put(stack: ExitStack, owner: Any, **replacements: Any) -> None:
    for name, replacement in replacements.items():
        stack.enter_context(mock.patch.object(owner, name, replacement))


# --- what is taken away


def _no_intents(stack: ExitStack) -> None:
    """Nothing is written down before a create. Behind it stands the look-up of keys, which is gone too."""
    _put(stack, ledger, open_intent=lambda *_a, **_k: None, unresolved_intents=lambda *_a, **_k: {})
    _no_key_lookup(stack)


def _no_key_lookup(stack: ExitStack) -> None:
    """A create is sent without looking whether somebody holds its key."""

    def prepare(self: Any, creations: Any) -> Sequence[str]:
        del creations
        creating.ensure_definition(self._client, self.owner, self._memory)
        return ()

    _put(stack, creating.Creating, _prepare=prepare)
    for kind in (customers.PowerOfficeGoCustomers, products.PowerOfficeGoProducts):
        _put(stack, kind, _look_up=lambda _self, _keys: {})
    _put(stack, shop_reading.Reading, find_by_key=lambda _self, _keys: {})


def _no_overlap(stack: ExitStack) -> None:
    """A window begins where the last one ended."""
    _put(stack, extract, earlier=lambda text, _by: text)


def _no_revisit(stack: ExitStack) -> None:
    """What a write found changed, or may have written, is not looked at again."""
    _put(stack, seen, add_revisit=lambda *_a, **_k: None)


def _no_expectation(stack: ExitStack) -> None:
    """A write does not care what stands at the target."""
    build = patch.build_patch

    def build_patch(*arguments: Any, **options: Any) -> Any:
        return build(*arguments, **{**options, "with_tests": False})

    _put(stack, writing, has_moved=lambda *_a: False, build_patch=build_patch)
    _put(stack, updating.Updating, _has_moved=lambda *_a: False)


def _no_base(stack: ExitStack) -> None:
    """What both sides held when they were last in tune is forgotten."""
    create = links.create

    def without_bases(connection: Any, *, sides: Any, **values: Any) -> int:
        return create(connection, sides=[links.LinkSide(s.side, s.record_id, {}) for s in sides], **values)

    _put(stack, links, create=without_bases)
    _put(stack, links, _columns=lambda _base: {name: {} for name in ("raw", "normal", "form")})


def _absent_is_empty(stack: ExitStack) -> None:
    """A field that an answer lacks is taken for an empty one. Behind it stands the look at the source before a write,
    which is gone too."""

    def filled(mapping: Mapping, side: str, values: Any) -> dict[str, str | None]:
        return {f.name: None for f in mapping.fields} | by_field(mapping, side, values)

    _put(stack, observe, by_field=filled)
    _put(stack, extract, by_field=filled)
    _put(stack, load, still_true=lambda _sync, _side, _committer, rows: (rows, Counter()))


def _first_of_several(stack: ExitStack) -> None:
    """A key that is held twice links the first of its holders."""
    judge = matching._judge  # noqa: SLF001

    def careless(sides: Any, waiting: Any, frame: pd.DataFrame) -> Any:
        return judge(sides, waiting, frame.drop_duplicates(["side", "value"]) if len(frame) else frame)

    _put(stack, matching, _judge=careless)


def _no_matching(stack: ExitStack) -> None:
    """Nobody is known by a key that people type. Behind it stands the look-up of keys, which is gone too."""

    def nobody(sides: Any, unlinked: Any, holders: Any) -> matching.Matches:
        del holders
        return matching.Matches(alone=[(side, i) for side in sides for i in unlinked[side]])

    _put(stack, transform, match=nobody)
    _no_key_lookup(stack)


def _nothing_read_out(stack: ExitStack) -> None:
    """Who holds a key in a form that cannot be one is made anew, and so is who has that key."""
    _put(stack, creation, is_no_key=lambda *_a: False)
    for room in (transform, rejudge):
        _put(stack, room, shared_in_part=lambda *_a: {})


def _all_is_seen(stack: ExitStack) -> None:
    """Characters that nobody sees are a part of keys and numbers."""
    _put(stack, values, seen_text=values.tidy)
    _put(stack, keys, seen_text=values.tidy)


def _no_second_look(stack: ExitStack) -> None:
    """What was not shown is waited for until somebody edits it."""
    _put(stack, unshown, example=lambda *_a: None)


def _no_limits(stack: ExitStack) -> None:
    """No plan is ever held for a person."""
    _put(stack, review, beyond_limits=lambda *_a: [])


def _not_known_to_be_erased(stack: ExitStack) -> None:
    """A redacted customer passes for one whose fields somebody has emptied."""
    _put(stack, EntityRules, is_erased=lambda _self, _shown: False)


def _erased_while_planned(stack: ExitStack) -> None:
    """Neither end of a write is looked at again for an erasure since the plan was made."""
    _put(stack, load, still_true=lambda _sync, _side, _committer, rows: (rows, Counter()))
    _put(stack, updating.Job, erase=lambda _self: None)


def _words_are_believed(stack: ExitStack) -> None:
    """A refusal that says nothing is about the value itself."""
    _put(stack, writing.Writing, _is_held_by_another=lambda *_a: False)


def _half_groups(stack: ExitStack) -> None:
    """Of an address, what can be written is written."""

    def one_by_one(_mapping: Mapping, changes: Any, _refused: Any) -> Any:
        return list(changes), []

    def without_them(changes: Any, refused: Any) -> Any:
        return tuple(change for change in changes if change.field not in refused)

    _put(stack, plan_pairs, whole_groups=one_by_one)
    _put(stack, creation, whole_groups=one_by_one)
    _put(stack, Mapping, together=lambda _self, names: set(names))
    _put(stack, updating, without=without_them)
    _put(stack, writing, without=without_them)


def _defaults_are_edits(stack: ExitStack) -> None:
    """What a system fills in by itself beside our write passes for somebody's edit."""
    _put(stack, bases.Bases, add_defaults=lambda *_a: None, is_default=lambda *_a: False)
    _put(stack, plan_pairs, is_default=lambda *_a: False)


def _undone_price_is_another(stack: ExitStack) -> None:
    """A price that a person has put back counts as not sent."""
    shows = bases.Bases._shows_another_price  # noqa: SLF001
    _put(stack, bases.Bases, _shows_another_price=lambda self, change, now: shows(self, {**change, "order": None}, now))


def _default_put_back(stack: ExitStack) -> None:
    """What a system filled in by itself goes out along a one-way field, over what the new record was made for."""
    _put(stack, merge, UNSENT="nothing")


def _province_stays(stack: ExitStack) -> None:
    """A customer moves to another country, and the province stays behind."""
    _put(stack, shop_customers.ShopifyCustomers, _left_behind=lambda *_a: None)


def _asked_about_in_vain(stack: ExitStack) -> None:
    """The first line of an address that is in conflict decides over all of it, whatever the others say."""

    def first(members: Any, states: Any, pair: int) -> Any:
        return next(f for f in members if states[f.name].conflict[pair])

    _put(stack, conflicts, _decides=first)


def _lone_country_waits(stack: ExitStack) -> None:
    """A country alone is an address that lacks the rest."""
    _put(stack, plan_pairs, is_country_alone=lambda *_a: False)
    _put(stack, creation, is_country_alone=lambda *_a: False)


def _no_sending_apart(stack: ExitStack) -> None:
    """What a batch meets, all of it meets: nobody asks which record is to blame."""
    for module in (load, sifting):
        _put(stack, module, may_be_one_record=lambda _error: False)


def _unread_is_absent(stack: ExitStack) -> None:
    """A record that a read had to leave out counts as one that is not there."""
    _put(stack, observe, shows_everybody=lambda read: read["whole"])
    _put(stack, unread, hides_keys=lambda *_a: False, note=lambda *_a: None)


def _reads_are_believed(stack: ExitStack) -> None:
    """What a read of PowerOffice Go shows is taken for what there is, however soon after a write it comes."""
    _put(stack, lag.Lag, let_pass=lambda _self: None, settle=lambda _self: None)
    _put(stack, lag.Lag, read=lambda _self, record_id, read: read(record_id))
    _put(stack, observe, is_outdated=lambda *_a: False)


class _AnyNumber(int):
    """Equal to every revision."""

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _no_fence(stack: ExitStack) -> None:
    """An old plan is carried out though a newer one has been. Behind it stands the look whether the source was edited
    since, which is gone too."""
    _updates_are_believed(stack)
    _put(stack, journal, take_over=lambda *_a: None)
    of_records = links.of_records

    def any_revision(connection: Any, entity: str, side: str, ids: Any) -> Any:
        return {
            i: (link, _AnyNumber(revision)) for i, (link, revision) in of_records(connection, entity, side, ids).items()
        }

    _put(stack, load.links, of_records=any_revision)
    _put(stack, links, _count_write=lambda *_a: None)


def _no_catching_up(stack: ExitStack) -> None:
    """A plan that waited is carried out on what was read before it waited."""
    _put(stack, waited, _is_old=lambda *_a: False)


def _their_clock_is_ours(stack: ExitStack) -> None:
    """When a system was read last is told by its own clock."""
    _put(stack, waited.seen, read_since=lambda *where: seen.newest_taken_in(*where)[1])


def _matches_are_believed(stack: ExitStack) -> None:
    """Links and creates rest on the keys that stood there when the plan was made."""
    _put(stack, rejudge, matches=lambda _connection, _sync, _descriptions, lines: list(lines))
    _put(stack, rejudge, outdated_creates=lambda *_a: {})


def _updates_are_believed(stack: ExitStack) -> None:
    """A row is written though its source was edited, paused, frozen or released since."""
    _put(stack, rejudge, outdated_updates=lambda *_a: {})


def _lines_move_on(stack: ExitStack) -> None:
    """A line of an address is written though another one of its source was edited since."""
    _put(stack, rejudge, _is_touched=lambda *_a: False)


def _any_mapping(stack: ExitStack) -> None:
    """A plan is carried out under whatever mapping there is by then."""
    _put(stack, waited, mapping_mark=lambda _mapping: "")
    _put(stack, transform, mapping_mark=lambda _mapping: "")


def _no_shelf(stack: ExitStack) -> None:
    """The base of a field that left the mapping is forgotten."""
    shelve = links.shelve
    _put(
        stack,
        links,
        shelve=lambda connection, entity, left, _back, **page: shelve(connection, entity, left, {}, **page),
    )


def _parted_as_they_are(stack: ExitStack) -> None:
    """Undoing a run that linked two records parts them, and leaves what it wrote to them."""
    these = links.these

    def linked(*arguments: Any, state: str = "linked") -> Any:
        return these(*arguments) if state == "linked" else {}

    _put(stack, links, these=linked)


def _decided_anew(stack: ExitStack) -> None:
    """A conflict whose winner waits is decided by the clocks of today, in each run."""
    _put(stack, clashes, unsettled=lambda *_a: {})


def _spelling_ends_an_undo(stack: ExitStack) -> None:
    """What was put back is over as soon as a base of the field is spelt anew."""

    def stands(self: Any, pair: Any, order: Any) -> bool:
        values = {order["side"]: order["stored"], self.sync.mapping.other(order["side"]): order["other"]}
        return bool(put_back._still(pair, "base_raw", values, order["field"]))  # noqa: SLF001

    _put(stack, put_back._Planner, _stands=stands)  # noqa: SLF001


def _made_is_matched(stack: ExitStack) -> None:
    """A pair that we made counts as matched once it was parted and linked again."""
    create = links.create
    _put(stack, links, create=lambda *a, **v: create(*a, **{**v, "origin": "matched"}))


def _any_variant_is_ours(stack: ExitStack) -> None:
    """Our key is credited to each variant of a product that we made, and a key that several carry proves something."""
    _put(stack, shop_products, _came_with=lambda *_a: True)
    _put(stack, seen, shared_our_keys=lambda *_a: set())


def _variants_share_a_name(stack: ExitStack) -> None:
    """Each variant that is made in PowerOffice Go is called what its product is called."""
    _put(stack, creation, _name_of_a_part=lambda *_a: "")


def _no_sales_accounts(stack: ExitStack) -> None:
    """The product group alone decides on the rate of VAT."""

    def by_group(vat: Vat, _accounts: Any, facts: Any) -> str:
        rate = vat.rate(facts.get("tax_group"))
        return "held:vat_rate_missing" if rate is None else str(1 + rate)

    _put(stack, prices, _taxed=by_group)


def _prices_are_believed(stack: ExitStack) -> None:
    """A price that was sent at the rate of another tax group than the new record falls into stays as it is."""
    _put(stack, bases.Bases, _shows_another_price=lambda *_a: False)


def _on_sale_for_nothing(stack: ExitStack) -> None:
    """A product is made with the status that the mapping names, whether it has a price or not."""
    _put(stack, shop_products, _status=lambda creation: creation.options.get("status", "DRAFT"))


def _all_are_customers(stack: ExitStack) -> None:
    """Who buys for a company is a customer like any other."""
    _put(stack, shop_contacts, may_ask=lambda *_a: False)


def _all_are_goods(stack: ExitStack) -> None:
    """Gift cards and parents of combined listings are products like any other."""
    archived = {True: Scope.ARCHIVED, False: Scope.ACTIVE}
    _put(stack, shop_products, _scope=lambda product: archived[product.get("status") == "ARCHIVED"])


def _text_over_markup(stack: ExitStack) -> None:
    """A text is written whatever the description holds that it takes the place of."""
    _put(stack, plan_pairs, loses_markup=lambda *_a: None)


GUARDS = (
    Guard("the later edit wins", rules_broken.earlier_edit_wins, traces=both_edit),
    Guard("an empty value wins over none", rules_broken.empty_value_wins, traces=both_edit),
    Guard("an address is decided as one", rules_broken.lines_decided_singly, traces=both_edit),
    Guard("an order is certain only if it is known", rules_broken.order_always_certain, traces=both_edit),
    Guard("a reason for making nobody is so", rules_broken.nobody_is_made),
    Guard("a reason for holding a field is so", rules_broken.names_stay),
    Guard("intent before create, and looking the key up", _no_intents, missed_by=1, traces=lost_answers),
    Guard("looking the key up before a create", _no_key_lookup, missed_by=1, traces=lost_answers),
    Guard("overlap of two windows", _no_overlap, traces=late_edits),
    Guard("revisit list", _no_revisit, traces=unheard_write),
    Guard("expectation of a write", _no_expectation, missed_by=3, traces=busy_desks),
    Guard("base", _no_base, missed_by=22),
    Guard("absent is not empty", _absent_is_empty, traces=denied_fields),
    Guard("doubled keys are ambiguous", _first_of_several, missed_by=18),
    Guard("matching by keys after a restore", _no_matching, traces=forgotten_product),
    Guard("no record is made beside a key that can be read out of a field", _nothing_read_out, missed_by=10),
    Guard("what nobody sees is no part of a key", _all_is_seen, missed_by=147),
    Guard("second look at what was not shown", _no_second_look, traces=hidden_edit),
    Guard("limits", _no_limits, missed_by=9),
    Guard("an erased customer is known as such", _not_known_to_be_erased, missed_by=6, traces=only_in("redaction")),
    Guard("looking for an erasure before a write", _erased_while_planned, traces=redacted_meanwhile),
    Guard("a refusal without words is looked into", _words_are_believed, traces=refused_without_words),
    Guard("an address goes whole or waits whole", _half_groups, traces=small_traces.EMOJI),
    Guard("defaults of a system are no edits", _defaults_are_edits, traces=small_traces.DEFAULT_COUNTRY),
    Guard("an undone price stands", _undone_price_is_another, traces=small_traces.UNDONE_PRICE),
    Guard("a default does not win along a one-way field", _default_put_back, traces=small_traces.ONE_WAY_PRICE),
    Guard("a province goes with its country", _province_stays, traces=small_traces.PROVINCE),
    Guard("one line of an address is asked about", _asked_about_in_vain, traces=small_traces.ASKED),
    Guard("a country alone is no address", _lone_country_waits, traces=small_traces.LONE_COUNTRY),
    Guard("fence against old plans", _no_fence, traces=old_loads),
    Guard(
        "what failed is sent again in parts", _no_sending_apart, missed_by=1, traces=only_in("record that fails alone")
    ),
    Guard("a record that could not be read is not absent", _unread_is_absent, traces=unreadable),
    Guard("reads that lag are waited for", _reads_are_believed, missed_by=21, traces=lagging_reads),
    Guard("reading again under a plan that waited", _no_catching_up, traces=corrected_keys),
    Guard("a plan that waited goes by our own clock", _their_clock_is_ours, traces=corrected_keys_in_times_ahead),
    Guard("links and creates judged again at load", _matches_are_believed, traces=corrected_keys),
    Guard("updates judged again at load", _updates_are_believed, traces=frozen_meanwhile),
    Guard("an address is judged again as a whole at load", _lines_move_on, traces=moved_on_meanwhile),
    Guard("a plan is refused under another mapping", _any_mapping, traces=remapped_meanwhile),
    Guard("bases kept for fields that come back", _no_shelf, traces=small_traces.EMPTIED_MEANWHILE),
    Guard(
        "undo puts back what a run wrote to pairs that it linked",
        _parted_as_they_are,
        traces=small_traces.PARTED_BY_UNDO,
    ),
    Guard("a conflict stays decided", _decided_anew, traces=small_traces.DECIDED),
    Guard("an undo stands though a side is spelt anew", _spelling_ends_an_undo, traces=small_traces.RESPELT_UNDO),
    Guard("who was made is known as made", _made_is_matched, traces=small_traces.MADE),
    Guard("our key belongs to the variant that we made", _any_variant_is_ours, traces=small_traces.NEW_VARIANT),
    Guard("variants have names of their own", _variants_share_a_name, traces=small_traces.VARIANTS),
    Guard("the sales account decides on the rate", _no_sales_accounts, traces=small_traces.OWN_ACCOUNT),
    Guard("a price at another rate is corrected", _prices_are_believed, traces=small_traces.OTHER_RATE),
    Guard("nothing is on sale without a price", _on_sale_for_nothing, traces=small_traces.NO_PRICE),
    Guard("text takes the place of no markup", _text_over_markup, traces=small_traces.MARKUP),
    *(Guard(name, taken_away, traces=traces) for name, taken_away, traces in OF_PEOPLE),
    *(Guard(name, taken_away, seed, traces) for name, taken_away, traces, seed in OF_SWAPS),
    Guard("contacts of companies are out of scope", _all_are_customers, traces=small_traces.CONTACT),
    Guard("gift cards and combined listings are out of scope", _all_are_goods, traces=small_traces.GIFT_CARD),
)


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """The product, without one guard."""
    with ExitStack() as stack:
        guard.without(stack)
        yield


def seeds_to_kill(guard: Guard, machine: Machine, *, first_seed: int = 0, most: int = MOST) -> tuple[int, str] | None:
    """How many seeds it took, and the promise that broke; None: it never did."""
    with without(guard):
        for number in range(most):
            result = play(guard.traces(first_seed + number), machine)
            if result.violations:
                return number + 1, result.violations[0]
    return None


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m simulation.guards", description=__doc__)
    parser.add_argument("--most", type=int, default=MOST, help="seeds to try for each guard")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    machine = Machine()
    console = Console(width=120)
    table = Table("guard taken away", "seeds until it showed", "what broke")
    alive = 0
    guards = [guard for guard in GUARDS if options.only in guard.name]
    for guard in guards:
        found = seeds_to_kill(guard, machine, first_seed=options.first_seed, most=options.most)
        alive += found is None
        console.print(f"{guard.name}: {'missed after ' + str(found[0]) if found else 'nothing showed'}", style="dim")
        table.add_row(guard.name, str(found[0]) if found else f"none in {options.most}", found[1] if found else "")
    console.print(table)
    console.print(f"{len(guards) - alive} of {len(guards)} guards were missed")
    sys.exit(1 if alive else 0)


if __name__ == "__main__":
    main()
