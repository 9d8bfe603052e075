"""What a shop stores. Attributes and methods carry the names of the schema's fields, in snake_case.

So one way of reading serves GraphQL and bulk operations alike: take the attribute; call it when it has arguments.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Self

from samklang.simulators.shopify.countries import country_name, province_name
from samklang.simulators.shopify.naming import gid
from samklang.simulators.shopify.paging import Connection, connection
from samklang.simulators.shopify.texts import formatted_phone

APP_NAMESPACE = "app--1842763"


def full_namespace(namespace: str | None) -> str:
    """`$app` and an omitted namespace stand for the app's own. (sheet 4)"""
    text = namespace or "$app"
    return text.replace("$app:", f"{APP_NAMESPACE}--").replace("$app", APP_NAMESPACE)


@dataclass(eq=False)
class Identified:
    """Anything with a number."""

    typename: ClassVar[str] = ""
    number: int
    created_at: str
    updated_at: str

    @property
    def id(self) -> str:
        return gid(self.typename, self.number)

    @property
    def legacy_resource_id(self) -> str:
        return str(self.number)


@dataclass(eq=False)
class Metafield(Identified):
    """:param type: `id`, `single_line_text_field` …; :param value: always text."""

    typename = "Metafield"
    owner_type: str = ""
    namespace: str = ""
    key: str = ""
    type: str = ""
    value: str = ""

    @property
    def compare_digest(self) -> str:
        return hashlib.sha256(f"{self.type}\0{self.value}".encode()).hexdigest()


@dataclass(eq=False)
class Owner(Identified):
    """Anything that can hold metafields. :param fields: by namespace and key."""

    owner_type: ClassVar[str] = ""
    fields: dict[tuple[str, str], Metafield] = field(default_factory=dict)

    def metafield(self, key: str, namespace: str | None = None) -> Metafield | None:
        """A key may carry its namespace: `namespace.key`."""
        if namespace is None and "." in key:
            namespace, _, key = key.partition(".")
        return self.fields.get((full_namespace(namespace), key))

    def metafields(self, namespace: str | None = None, keys: list[str] | None = None, **page: Any) -> Connection:
        wanted = None if namespace is None else full_namespace(namespace)
        rows = [
            row
            for (space, key), row in self.fields.items()
            if wanted in (None, space) and (keys is None or f"{space}.{key}" in keys)
        ]
        return connection(rows, **page)

    def snapshot(self) -> Self:
        """As a search index keeps it."""
        return copy.copy(self)


@dataclass(eq=False)
class Definition(Identified):
    """A metafield definition. :param unique: its values are unique among all owners."""

    typename = "MetafieldDefinition"
    name: str = ""
    namespace: str = ""
    key: str = ""
    owner_type: str = ""
    type_name: str = ""
    description: str | None = None
    unique: bool = False

    @property
    def type(self) -> dict[str, str]:
        return {"name": self.type_name, "category": "ID" if self.type_name == "id" else "TEXT"}

    @property
    def capabilities(self) -> dict[str, Any]:
        return {"uniqueValues": {"enabled": self.unique, "eligible": True}}


@dataclass(eq=False)
class Shop(Identified):
    """The shop itself. :param country: decides how phone numbers without a country are read."""

    typename = "Shop"
    name: str = ""
    myshopify_domain: str = ""
    email: str = ""
    currency_code: str = "NOK"
    taxes_included: bool = True
    country: str = "NO"
    iana_timezone: str = "Europe/Oslo"

    def money(self, amount: Decimal) -> dict[str, str]:
        """`MoneyV2`: at least one decimal, no more than needed (sheet 3)."""
        text = f"{amount.quantize(Decimal('0.01')):f}"
        return {"amount": text[:-1] if text.endswith("0") else text, "currencyCode": self.currency_code}


@dataclass(eq=False)
class Address(Identified):
    """One address of a customer; `province_code` only where the country has zones."""

    typename = "MailingAddress"
    customer: Customer | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province_code: str | None = None
    country_code: str | None = None
    phone: str | None = None

    @property
    def country_code_v2(self) -> str | None:
        return self.country_code

    @property
    def country(self) -> str | None:
        return country_name(self.country_code)

    @property
    def province(self) -> str | None:
        return province_name(self.country_code, self.province_code)

    @property
    def name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None

    @property
    def formatted_area(self) -> str | None:
        """`Ottawa ON, Canada` (recorded: customer-address-lifecycle)."""
        town = " ".join(filter(None, (self.city, self.province_code)))
        return ", ".join(filter(None, (town, self.country))) or None

    def formatted(self, with_name: bool = False, with_company: bool = True) -> list[str]:
        lines = [
            self.name if with_name else None,
            self.company if with_company else None,
            self.address1,
            self.address2,
            " ".join(filter(None, (self.zip, self.city, self.province_code))),
            self.country,
        ]
        return [line for line in lines if line]


@dataclass(eq=False)
class CompanyContact(Identified):
    """That a customer buys for a company (B2B)."""

    typename = "CompanyContact"
    is_main_contact: bool = False


@dataclass(eq=False)
class Customer(Owner):
    """:param address_book: in the order made; :param default_address: one of them, if there is any."""

    typename = "Customer"
    owner_type = "CUSTOMER"
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    tax_exempt: bool = False
    tax_exemptions: list[str] = field(default_factory=list)
    state: str = "DISABLED"
    verified_email: bool = True
    orders: int = 0
    address_book: list[Address] = field(default_factory=list)
    default_address: Address | None = None
    currency: str = "NOK"
    company_contact_profiles: list[CompanyContact] = field(default_factory=list)

    @property
    def display_name(self) -> str:
        name = " ".join(filter(None, (self.first_name, self.last_name)))
        return name or self.email or formatted_phone(self.phone) or ""

    @property
    def default_email_address(self) -> dict[str, str] | None:
        return {"emailAddress": self.email} if self.email else None

    @property
    def default_phone_number(self) -> dict[str, str] | None:
        return {"phoneNumber": self.phone} if self.phone else None

    @property
    def number_of_orders(self) -> str:
        return str(self.orders)

    @property
    def can_delete(self) -> bool:
        return self.orders == 0

    @property
    def amount_spent(self) -> dict[str, str]:
        return {"amount": f"{self.orders * 499}.0", "currencyCode": self.currency}

    def addresses(self, first: int | None = None) -> list[Address]:
        return self.address_book[:first]

    def addresses_v2(self, **page: Any) -> Connection:
        return connection(self.address_book, **page)
