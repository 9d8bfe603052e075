"""Customers: create, update, upsert, delete. (sheet 2.2 to 2.4)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samklang.simulators.shopify import addresses, metafields
from samklang.simulators.shopify.naming import camel, number_of, words
from samklang.simulators.shopify.problems import Problem, problem, under
from samklang.simulators.shopify.records import CompanyContact, Customer
from samklang.simulators.shopify.store import Store
from samklang.simulators.shopify.texts import (
    MAX_NOTE,
    MAX_TAGS,
    MAX_TEXT,
    clean,
    clean_email,
    clean_tags,
    email_problems,
    is_locale,
    parse_phone,
    phone_problems,
    too_long,
)

LIMITS = {"first_name": MAX_TEXT, "last_name": MAX_TEXT, "note": MAX_NOTE}
NO_CUSTOMER = "Customer does not exist"

Values = dict[str, Any]
Payload = dict[str, Any]


def create(store: Store, values: Values) -> Payload:
    """`customerCreate`."""
    if values.get("id"):
        return _refused([problem(["id"], "Cannot specify ID on creation")])
    for name, what in (("addresses", "address"), ("metafields", "metafield")):
        for at, row in enumerate(values.get(name) or ()):
            if row.get("id"):  # recorded: customer-create-rejects-nested-ids
                return _refused([problem([name, at, "id"], f"Cannot specify {what} ID on creation")])
    return _save(store, None, values)


def update(store: Store, values: Values) -> Payload:
    """`customerUpdate`."""
    customer = by_id(store, values.get("id"))
    if customer is None:
        return _refused([problem(["id"], NO_CUSTOMER)])
    return _save(store, customer, values)


def upsert(store: Store, values: Values, identifier: Values | None = None) -> Payload:
    """`customerSet`. (sheet 2.3; recorded: customer-set-parity, customer-set-custom-id)"""
    if not identifier:
        customer = by_id(store, values.get("id"))
        if values.get("id") and customer is None:
            return _refused([_not_found()])
        return _save(store, customer, values, whole=True)
    if values.get("id"):
        message = "The id field is not allowed if identifier is provided."
        return _refused([problem(["input"], message, "ID_NOT_ALLOWED")])
    if "custom_id" in identifier:
        found = metafields.by_custom_id(store, "CUSTOMER", identifier["custom_id"])
        customer = found if isinstance(found, Customer) else None
        return _save(store, customer, values, custom_id=identifier["custom_id"], whole=True)
    if "id" in identifier:
        customer = by_id(store, identifier["id"])
        return _save(store, customer, values, whole=True) if customer else _refused([_not_found()])
    name = "email" if "email" in identifier else "phone"
    if not values.get(name):
        message = "The input field corresponding to the identifier is required."
        return _refused([problem(["input"], message, "MISSING_FIELD_REQUIRED")])
    wanted = _identity(store, name, identifier[name])
    if wanted != _identity(store, name, values[name]):
        message = "The identifier value does not match the value of the corresponding field in the input."
        return _refused([problem(["input"], message, "INPUT_MISMATCH")])
    known = store.emails if name == "email" else store.phones
    return _save(store, known.get(wanted), values, whole=True)


def delete(store: Store, id: str) -> Payload:  # noqa: A002 - the argument's name in the API
    """`customerDelete`."""
    customer = by_id(store, id)
    if customer is None:
        wrong = [problem(["id"], NO_CUSTOMER)]
    elif not customer.can_delete:
        wrong = [problem(["id"], "Customer can’t be deleted because they have associated orders")]
    else:
        store.remove_customer(customer)
        store.log("delete", "customers", customer.id, [])
        return {"deletedCustomerId": customer.id, "shop": store.shop, "userErrors": []}
    return {"deletedCustomerId": None, "shop": store.shop, "userErrors": wrong}


def redact(store: Store, customer: Customer) -> None:
    """The shop erases a customer's personal data: what identifies is emptied, the record stays.

    That the addresses stay as empty records is a guess. (sheet 7, item 12)
    """
    before = customer.snapshot()
    customer.first_name = customer.last_name = customer.email = customer.phone = customer.note = None
    for address in customer.address_book:
        addresses.change(address, dict.fromkeys(addresses.CONTENT))
    _index(store, before, customer)
    store.remember(before)
    store.touch(customer)
    store.log("redact", "customers", customer.id, [])


def set_company(store: Store, customer: Customer, is_contact: bool) -> None:
    """Make a customer the contact of a company, or no longer. That this moves the customer's clock is a guess."""
    store.remember(customer)
    customer.company_contact_profiles = [CompanyContact(**store.fresh("CompanyContact"))] if is_contact else []
    store.touch(customer)
    store.log("update", "customers", customer.id, ["companyContactProfiles"])


def by_id(store: Store, text: str | None) -> Customer | None:
    """A customer by global id."""
    return store.customers.get(number_of("Customer", text) or 0)


def find(store: Store, identifier: Values) -> Customer | None:
    """`customerByIdentifier`: from the database, with the e-mail brought to normal form (sheet 2.1).

    :raises GraphQLError: a custom id without its definition.
    """
    if "custom_id" in identifier:
        found = metafields.by_custom_id(store, "CUSTOMER", identifier["custom_id"])
        return found if isinstance(found, Customer) else None
    if "id" in identifier:
        return by_id(store, identifier["id"])
    if "email_address" in identifier:
        return store.emails.get(_identity(store, "email", identifier["email_address"]))
    return store.phones.get(_identity(store, "phone", identifier["phone_number"]))


def _identity(store: Store, name: str, text: str) -> str:
    if name == "email":
        return (clean_email(text) or "").lower()
    return parse_phone(text, store.shop.country) or text


def _not_found() -> Problem:
    return problem(["input"], "Resource matching the identifier was not found.", "NOT_FOUND")


def _refused(problems: Sequence[Problem]) -> Payload:
    return {"customer": None, "userErrors": list(problems)}


def _save(
    store: Store, customer: Customer | None, values: Values, custom_id: Values | None = None, whole: bool = False
) -> Payload:
    """Check, then write. :param whole: customerSet: errors lie under `input`, and addresses are replaced."""
    result, problems = _read(store, customer, values)
    rows, wrong = _read_metafields(store, customer, values.get("metafields") or ())
    problems += wrong
    if problems:
        return _refused(under(["input"], problems) if whole else problems)
    new = customer is None
    target = customer or Customer(**store.fresh("Customer"), currency=store.shop.currency_code)
    before = target.snapshot()
    for name, value in result.items():
        setattr(target, name, value)
    if values.get("addresses") is not None:
        write_addresses = addresses.replace_all if whole else addresses.merge_all
        problems = write_addresses(store, target, values["addresses"])
        if problems:  # they come last because they take names from the customer
            for name in result:
                setattr(target, name, getattr(before, name))
            return _refused(under(["input"], problems) if whole else problems)
    _index(store, before, target)
    for row in rows:
        store.set_metafield(target, row["namespace"], row["key"], row["type"], row["value"])
    if custom_id is not None:
        metafields.write_custom_id(store, target, custom_id)
    _finish(store, target, before, values, new)
    return {"customer": target, "userErrors": []}


def _finish(store: Store, target: Customer, before: Customer, values: Values, new: bool) -> None:
    if new:
        store.customers[target.number] = target
    store.remember(target if new else before, new=new)
    store.touch(target)
    names = [camel(name) for name in values if name not in ("id", "addresses")]
    for row in values.get("addresses") or ():
        names += [f"addresses.{camel(name)}" for name in row]
    store.log("create" if new else "update", "customers", target.id, set(names))


def _index(store: Store, before: Customer, after: Customer) -> None:
    if before.email:
        store.emails.pop(before.email.lower(), None)
    if before.phone:
        store.phones.pop(before.phone, None)
    if after.email:
        store.emails[after.email.lower()] = after
    if after.phone:
        store.phones[after.phone] = after


def _read(store: Store, customer: Customer | None, values: Values) -> tuple[Values, list[Problem]]:
    """What an input makes of a customer, by attribute, and why it is refused."""
    result: Values = {}
    problems: list[Problem] = []
    for name, limit in LIMITS.items():
        if name in values:
            # a blank note stays as it is (recorded: customer-input-validation-parity, `blankScalarNormalization`)
            result[name] = values[name] if name == "note" else clean(values[name])
            if len(result[name] or "") > limit:
                problems.append(problem([name], too_long(words(name), limit), "TOO_LONG"))
    problems += _read_email(store, customer, values, result)
    problems += _read_phone(store, customer, values, result)
    problems += _read_rest(values, result)
    names = ("first_name", "last_name", "email", "phone")
    if not problems and not any(result[name] if name in result else getattr(customer, name, None) for name in names):
        problems.append(problem(None, "A name, phone number, or email address must be present", "BLANK"))
    return result, problems


def _read_email(store: Store, customer: Customer | None, values: Values, result: Values) -> list[Problem]:
    if "email" not in values:
        return []
    email = result["email"] = clean_email(values["email"])
    if email is None:
        return []
    wrong = email_problems(email)
    if wrong:
        return [problem(["email"], message, "TOO_LONG" if "long" in message else "INVALID") for message in wrong]
    if store.emails.get(email.lower()) not in (None, customer):
        return [problem(["email"], "Email has already been taken", "TAKEN")]
    return []


def _read_phone(store: Store, customer: Customer | None, values: Values, result: Values) -> list[Problem]:
    if "phone" not in values:
        return []
    text = clean(values["phone"])
    result["phone"] = None
    if text is None:
        return []
    result["phone"] = parse_phone(text, _country(store, customer, values))
    if result["phone"] is None:
        messages = phone_problems(text)
        return [problem(["phone"], message, "TOO_LONG" if "long" in message else "INVALID") for message in messages]
    if store.phones.get(result["phone"]) not in (None, customer):
        return [problem(["phone"], "Phone has already been taken", "TAKEN")]
    return []


def _country(store: Store, customer: Customer | None, values: Values) -> str:
    """Where a number without `+` is dialled: the address's country, else the shop's. (sheet 2.4)"""
    sent = next((row["country_code"] for row in values.get("addresses") or () if row.get("country_code")), None)
    default = customer.default_address if customer else None
    return sent or (default.country_code if default else None) or store.shop.country


def _read_rest(values: Values, result: Values) -> list[Problem]:
    problems = []
    if values.get("locale"):
        result["locale"] = values["locale"]
        if not is_locale(values["locale"]):
            problems.append(problem(["locale"], "Locale is invalid", "INVALID"))
    if "tags" in values:
        result["tags"] = clean_tags(values["tags"] or ())
        if len(result["tags"]) > MAX_TAGS:
            problems.append(problem(["tags"], f"Tags cannot be more than {MAX_TAGS}", "TOO_LONG"))
        if any(len(tag) > MAX_TEXT for tag in result["tags"]):
            problems.append(problem(["tags"], too_long("Tags", MAX_TEXT), "TOO_LONG"))
    if "tax_exempt" in values:
        result["tax_exempt"] = values["tax_exempt"]
        if values["tax_exempt"] is None:
            message = "Tax exempt is of unexpected type NilClass"  # recorded: customer-set-parity
            problems.append(problem(["tax_exempt"], message, "INVALID"))
    if "tax_exemptions" in values:
        result["tax_exemptions"] = list(values["tax_exemptions"] or ())
    return problems


def _read_metafields(
    store: Store, customer: Customer | None, rows: Sequence[Values]
) -> tuple[list[Values], list[Problem]]:
    complete: list[Values] = []
    problems: list[Problem] = []
    for at, row in enumerate(rows):
        read, wrong = metafields.check(store, customer, "CUSTOMER", row)
        complete.append(read)
        problems += under(["metafields", at], wrong)
    return complete, problems
