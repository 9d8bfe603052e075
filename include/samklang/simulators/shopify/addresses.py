"""Addresses of customers: what is refused, what is kept, and the four mutations.

Behaviour and messages: sheet 2.4, recorded in customer-address-lifecycle; guesses say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samklang.simulators.shopify.countries import UNKNOWN, WITH_ZONES, country_code, province_code
from samklang.simulators.shopify.naming import camel, number_of
from samklang.simulators.shopify.problems import Problem, problem, refuse_id, under
from samklang.simulators.shopify.records import Address, Customer
from samklang.simulators.shopify.store import Store
from samklang.simulators.shopify.texts import address_problems, clean, parse_phone

LINES = ("first_name", "last_name", "company", "address1", "address2", "city", "zip")
LIMITED = ("address1", "address2", "city", "company", "zip")
CONTENT = (*LINES, "province_code", "country_code", "phone")

Values = dict[str, Any]


def read(
    values: Values, customer: Customer, shop_country: str, old: Address | None = None
) -> tuple[Values, list[Problem]]:
    """What an input makes of an address, by attribute, and why it is refused.

    :param old: the address that is updated; a new one takes missing names from the customer.
    """
    result = {name: clean(values[name]) for name in LINES if name in values}
    problems = [
        problem([name], message) for name in LIMITED for message in address_problems(name, result.get(name) or "")
    ]
    problems += [problem(["phone"], message) for message in address_problems("phone", values.get("phone") or "")]
    if old is None:
        result["first_name"] = result.get("first_name") or customer.first_name
        result["last_name"] = result.get("last_name") or customer.last_name
    problems += _read_place(values, result, old)
    if "phone" in values:
        # what cannot be read is stored as it came
        text = clean(values["phone"])
        result["phone"] = (parse_phone(text, result["country_code"] or shop_country) or text) if text else None
    return result, problems


def _read_place(values: Values, result: Values, old: Address | None) -> list[Problem]:
    country = old.country_code if old else None
    if values.get("country_code"):
        country = None if values["country_code"] == UNKNOWN else values["country_code"]
    elif clean(values.get("country")):
        country = country_code(values["country"].strip())
    elif "country_code" in values or "country" in values:
        country = None
    asked = clean(values.get("country_code")) or clean(values.get("country"))
    result["country_code"] = country
    if asked and country is None:
        return [problem(["country"], "Country is invalid")]
    given = "province_code" in values or "province" in values
    text = clean(values.get("province_code")) or clean(values.get("province"))
    if not given and old is not None:
        return []  # what is left out keeps what stands there, whatever the country is now (sheet: found since)
    result["province_code"] = None
    if text and country in WITH_ZONES:
        result["province_code"] = province_code(country, text)
        if result["province_code"] is None and given:
            return [problem(["province"], "Province is invalid")]
    return []


def is_blank(values: Values) -> bool:
    """Nothing but white space was sent."""
    return not any(clean(value) for name, value in values.items() if name != "id")


def same(address: Address, values: Values) -> bool:
    """Whether an address already is what these values would make."""
    return all(getattr(address, name) == values.get(name) for name in CONTENT)


def add(store: Store, customer: Customer, values: Values) -> Address:
    """Store a new address; the first one becomes the default."""
    address = Address(**store.fresh("MailingAddress"), customer=customer, **values)
    store.addresses[address.number] = address
    customer.address_book.append(address)
    customer.default_address = customer.default_address or address
    return address


def drop(store: Store, customer: Customer, address: Address) -> None:
    """Remove an address; the oldest one left takes over as default (recorded)."""
    customer.address_book.remove(address)
    del store.addresses[address.number]
    if customer.default_address is address:
        customer.default_address = next(iter(customer.address_book), None)


def replace_all(store: Store, customer: Customer, rows: Sequence[Values]) -> list[Problem]:
    """customerSet: these addresses and no others, with new ids, equal ones once. (sheet 2.3)

    A blank one is taken, and is empty throughout (recorded: customer-address-input-validation,
    `customerSetNestedBlank`).
    """
    empty: tuple[Values, list[Problem]] = (dict.fromkeys(CONTENT), [])
    read_rows = [empty if is_blank(row) else read(row, customer, store.shop.country) for row in rows]
    problems = [found for at, (_, wrong) in enumerate(read_rows) for found in under(["addresses", at], wrong)]
    if problems:
        return problems
    for address in list(customer.address_book):
        drop(store, customer, address)
    for values, _ in read_rows:
        if not any(same(address, values) for address in customer.address_book):
            add(store, customer, values)
    return []


def merge_all(store: Store, customer: Customer, rows: Sequence[Values]) -> list[Problem]:
    """customerCreate and customerUpdate: rows with an id update, others are new, the rest goes. (sheet 2.3)

    Of equal new ones the first is made (recorded: customer-input-addresses-parity, `update`).
    """
    by_number = {address.number: address for address in customer.address_book}
    plan: list[tuple[Address | None, Values]] = []
    problems: list[Problem] = []
    for at, row in enumerate(rows):
        old = by_number.get(number_of("MailingAddress", row.get("id")) or 0)
        if row.get("id") and old is None:
            problems.append(problem(["addresses", at, "id"], "Customer address does not exist"))
        elif is_blank(row):
            problems.append(problem(["addresses", at], "Customer address cannot be blank."))
        else:
            values, wrong = read(row, customer, store.shop.country, old)
            problems += under(["addresses", at], wrong)
            plan.append((old, values))
    if problems:
        return problems
    kept = {old for old, _ in plan}
    for address in by_number.values():
        if address not in kept:
            drop(store, customer, address)
    for old, values in plan:
        if old is None and not any(same(address, values) for address in customer.address_book):
            add(store, customer, values)
        elif old is None:
            continue
        else:
            change(old, values)
    return []


def change(address: Address, values: Values) -> None:
    """Write what an input said."""
    for name, value in values.items():
        setattr(address, name, value)


def _log(store: Store, customer: Customer, names: Iterable[str]) -> None:
    store.touch(customer)
    store.log("update", "customers", customer.id, [f"addresses.{camel(name)}" for name in names])


def create(store: Store, customer_id: str, address: Values, set_as_default: bool | None = None) -> dict[str, Any]:
    """`customerAddressCreate`."""
    customer = store.customers.get(number_of("Customer", customer_id) or 0)
    if customer is None:
        return {"address": None, "userErrors": [problem(["customer_id"], "Customer does not exist")]}
    values, problems = read(address, customer, store.shop.country)
    if not problems and any(same(known, values) for known in customer.address_book):
        problems = [problem(None, "Address already exists")]
    if problems:
        return {"address": None, "userErrors": under(["address"], problems)}
    store.remember(customer)
    made = add(store, customer, values)
    if set_as_default:
        customer.default_address = made
    _log(store, customer, address)
    return {"address": made, "userErrors": []}


def update(
    store: Store, customer_id: str, address_id: str, address: Values, set_as_default: bool | None = None
) -> dict[str, Any]:
    """`customerAddressUpdate`."""
    customer, known, problems = _find(store, customer_id, address_id)
    if known is not None and "id" in address and number_of("MailingAddress", address["id"]) != known.number:
        problems = [problem(["address_id"], "The id of the address does not match the id in the input")]
    if customer is None or known is None or problems:
        return {"address": None, "userErrors": problems}
    values, problems = read(address, customer, store.shop.country, known)
    after = {name: values.get(name, getattr(known, name)) for name in CONTENT}
    # that an update may not make two equal addresses is a guess
    if not problems and any(same(other, after) for other in customer.address_book if other is not known):
        problems = [problem(None, "Address already exists")]
    if problems:
        return {"address": None, "userErrors": under(["address"], problems)}
    store.remember(customer)
    change(known, values)
    if set_as_default:
        customer.default_address = known
    _log(store, customer, address)
    return {"address": known, "userErrors": []}


def delete(store: Store, customer_id: str, address_id: str) -> dict[str, Any]:
    """`customerAddressDelete`."""
    customer, known, problems = _find(store, customer_id, address_id)
    if customer is None or known is None or problems:
        return {"deletedAddressId": None, "userErrors": problems}
    store.remember(customer)
    drop(store, customer, known)
    _log(store, customer, ["deleted"])
    return {"deletedAddressId": known.id, "userErrors": []}


def set_default(store: Store, customer_id: str, address_id: str) -> dict[str, Any]:
    """`customerUpdateDefaultAddress`: the customer is answered even when the address is another's (recorded)."""
    customer, known, problems = _find(store, customer_id, address_id)
    if customer is not None and known is not None and not problems:
        store.remember(customer)
        customer.default_address = known
        _log(store, customer, ["default"])
    return {"customer": customer, "userErrors": problems}


def _find(store: Store, customer_id: str, address_id: str) -> tuple[Customer | None, Address | None, list[Problem]]:
    """:raises GraphQLError: the address is nobody's."""
    address = store.addresses.get(number_of("MailingAddress", address_id) or 0)
    if address is None:
        refuse_id()
    customer = store.customers.get(number_of("Customer", customer_id) or 0)
    if customer is None:
        return None, None, [problem(["customer_id"], "Customer does not exist")]
    if address.customer is not customer:
        return customer, None, [problem(["address_id"], "Address does not exist")]
    return customer, address, []
