"""Both simulators as people see them: what stands in each record, and typing into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from simulation.values import FIELDS

Values = dict[str, Any]


class Desk(Protocol):
    """One side. Ids are those that the engine uses."""

    def records(self) -> dict[str, Values]:
        """What stands in each field, by record and by the mapping's name."""

    def origin(self, record_id: str) -> str | None:
        """The record on the other side that this one says it was made for; None: it does not say."""

    def is_active(self, record_id: str) -> bool: ...

    def shares_title(self, record_id: str) -> bool:
        """Whether others have its name, by being variants of one product."""

    def siblings(self, record_id: str) -> str:
        """What is the same for all variants of one product."""

    def is_taxable(self, record_id: str) -> bool:
        """Whether there is tax on it, where prices include tax."""

    def is_outside(self, record_id: str) -> bool:
        """Whether it is none that is ever synchronised: who buys for a company, a gift card."""

    def province(self, record_id: str) -> str | None:
        """What stands beside the address's country, where there is such a thing."""

    def description(self, record_id: str) -> str:
        """Of goods, as it is stored."""

    def is_for_nothing(self, record_id: str) -> bool:
        """Whether anybody can buy it for nothing."""

    def settle_in(self, record_id: str, country: str, province: str) -> None:
        """:raises ValueError: the system does not know such a thing."""

    def buys_for_company(self, record_id: str) -> None:
        """:raises ValueError: the system does not know such a thing."""

    def make(self, values: Mapping[str, Any]) -> str:
        """A new record. :raises ValueError: the system refuses it."""

    def type_in(self, record_id: str, values: Mapping[str, Any]) -> None:
        """:raises ValueError: the system refuses it. :raises KeyError: there is no such record."""

    def touch(self, record_id: str, number: int) -> None:
        """An edit of a field that is not synchronised."""

    def archive(self, record_id: str, *, on: bool) -> None: ...

    def turn(self, record_id: str, *, person: bool) -> None:
        """Make a person of a company, or a company of a person."""

    def delete(self, record_id: str) -> None: ...

    def redact(self, record_id: str) -> None:
        """Erase what identifies a customer. :raises ValueError: the system does not know such a thing."""


class PowerOfficeGoDesk:
    def __init__(self, simulator: PowerOfficeGoSimulator, entity: str) -> None:
        self._simulator = simulator
        self._entity = entity
        self._fields = tuple(FIELDS[entity])

    def _objects(self) -> dict[int, Values]:
        return self._simulator.ledger.objects[self._entity]

    def records(self) -> dict[str, Values]:
        return {
            str(number): {name: _inside(dto, name) for name in self._fields} for number, dto in self._objects().items()
        }

    def origin(self, record_id: str) -> str | None:
        reference = self._objects()[int(record_id)].get("ExternalImportReference")
        return reference.rpartition(":")[2] if reference and reference.startswith("shopify:") else None

    def is_active(self, record_id: str) -> bool:
        dto = self._objects()[int(record_id)]
        return not dto["IsArchived"] and (self._entity == "products" or bool(dto["IsPerson"] and dto["IsActive"]))

    def shares_title(self, record_id: str) -> bool:
        del record_id
        return False

    def siblings(self, record_id: str) -> str:
        return record_id

    def is_taxable(self, record_id: str) -> bool:
        del record_id
        return True

    def is_outside(self, record_id: str) -> bool:
        del record_id
        return False

    def province(self, record_id: str) -> str | None:
        del record_id
        return None

    def description(self, record_id: str) -> str:
        return str(self._objects()[int(record_id)].get("Description") or "")

    def is_for_nothing(self, record_id: str) -> bool:
        del record_id
        return False

    def settle_in(self, record_id: str, country: str, province: str) -> None:
        raise ValueError(record_id, country, province)

    def buys_for_company(self, record_id: str) -> None:
        raise ValueError(record_id)

    def make(self, values: Mapping[str, Any]) -> str:
        made = self._simulator.edit({"entity": self._entity, "create": dict(values)})
        return str(made["Id"])

    def type_in(self, record_id: str, values: Mapping[str, Any]) -> None:
        self._simulator.edit({"entity": self._entity, "id": record_id, "set": dict(values)})

    def touch(self, record_id: str, number: int) -> None:
        name = "WebsiteUrl" if self._entity == "customers" else "Description"
        self.type_in(record_id, {name: f"https://example.no/{number}"})

    def archive(self, record_id: str, *, on: bool) -> None:
        self.type_in(record_id, {"IsArchived": on})

    def turn(self, record_id: str, *, person: bool) -> None:
        self.type_in(record_id, {"IsPerson": person, "Name": "Berg AS"})

    def delete(self, record_id: str) -> None:
        self._simulator.edit({"entity": self._entity, "id": record_id, "delete": True})

    def redact(self, record_id: str) -> None:
        raise ValueError(record_id)


class ShopifyDesk:
    def __init__(self, simulator: ShopifySimulator, entity: str) -> None:
        self._simulator = simulator
        self._entity = entity
        self._names = FIELDS[entity]

    def records(self) -> dict[str, Values]:
        store = self._simulator.store
        if self._entity == "customers":
            return {str(number): _customer(record) for number, record in store.customers.items()}
        return {
            str(number): {"Name": variant.product.title, "Code": variant.inventory_item.sku, "UnitPrice": variant.price}
            for number, variant in store.variants.items()
        }

    def origin(self, record_id: str) -> str | None:
        store = self._simulator.store
        if self._entity == "products":
            variant = store.variants[int(record_id)]
            if variant.created_at != variant.product.created_at:
                return None  # added to the product later on, by whomever
        owner = store.customers[int(record_id)] if self._entity == "customers" else self._product(record_id)
        key = owner.fields.get(("samklang", "powerofficego_id"))
        return key.value.rpartition("-")[2] if key else None

    def is_active(self, record_id: str) -> bool:
        if self.is_outside(record_id):
            return False
        return self._entity == "customers" or self._product(record_id).status != "ARCHIVED"

    def is_outside(self, record_id: str) -> bool:
        if self._entity == "customers":
            return bool(self._simulator.store.customers[int(record_id)].company_contact_profiles)
        return bool(self._product(record_id).is_gift_card)

    def province(self, record_id: str) -> str | None:
        if self._entity == "products":
            return None
        place = self._simulator.store.customers[int(record_id)].default_address
        return place and place.province_code

    def description(self, record_id: str) -> str:
        return str(self._product(record_id).description_html or "") if self._entity == "products" else ""

    def describe(self, record_id: str, html: str) -> None:
        self._set(record_id, {"descriptionHtml": html})

    def is_for_nothing(self, record_id: str) -> bool:
        if self._entity == "customers":
            return False
        is_free = not float(self._simulator.store.variants[int(record_id)].price or 0)
        return is_free and self._product(record_id).status == "ACTIVE"

    def settle_in(self, record_id: str, country: str, province: str) -> None:
        self._set(record_id, {"addresses.countryCode": country, "addresses.provinceCode": province})

    def buys_for_company(self, record_id: str) -> None:
        self._simulator.edit({"entity": self._entity, "id": record_id, "company": True})

    def product(self, record_id: str) -> Any:
        """Of a variant."""
        return self._product(record_id)

    def set_variant(self, record_id: str, values: Values) -> None:
        variant = self._simulator.store.variants[int(record_id)]
        self._set(record_id, {**values, "variant": variant.id})

    def shares_title(self, record_id: str) -> bool:
        return self._entity == "products" and len(self._product(record_id).variant_list) > 1

    def siblings(self, record_id: str) -> str:
        return self._number(record_id)

    def is_taxable(self, record_id: str) -> bool:
        return bool(self._simulator.store.variants[int(record_id)].taxable)

    def _product(self, record_id: str) -> Any:
        return self._simulator.store.variants[int(record_id)].product

    def _number(self, record_id: str) -> str:
        return record_id if self._entity == "customers" else str(self._product(record_id).number)

    def make(self, values: Mapping[str, Any]) -> str:
        made = self._simulator.edit({"entity": self._entity, "create": self._named(values)})
        return str(made["legacyResourceId"] if self._entity == "customers" else made["variants"][0]["legacyResourceId"])

    def type_in(self, record_id: str, values: Mapping[str, Any]) -> None:
        if self._entity == "products":
            self.set_variant(record_id, self._named(values))
        else:
            self._set(record_id, self._named(values))

    def touch(self, record_id: str, number: int) -> None:
        self._set(record_id, {"tags": [f"tag-{number}"]})

    def archive(self, record_id: str, *, on: bool) -> None:
        if self._entity == "products":
            self._set(record_id, {"status": "ARCHIVED" if on else "ACTIVE"})

    def turn(self, record_id: str, *, person: bool) -> None:
        """The shop knows no companies."""

    def delete(self, record_id: str) -> None:
        self._simulator.edit({"entity": self._entity, "id": self._number(record_id), "delete": True})

    def redact(self, record_id: str) -> None:
        self._simulator.edit({"entity": self._entity, "id": record_id, "redact": True})

    def _set(self, record_id: str, values: Values) -> None:
        self._simulator.edit({"entity": self._entity, "id": self._number(record_id), "set": values})

    def _named(self, values: Mapping[str, Any]) -> Values:
        return {self._names[name]: value for name, value in values.items()}


def _inside(dto: Values, name: str) -> Any:
    head, _, tail = name.partition(".")
    value = dto.get(head)
    return (value or {}).get(tail) if tail else value


def _customer(record: Any) -> Values:
    place = record.default_address
    return {
        "EmailAddress": record.email,
        "MailAddress.AddressLine1": place and place.address1,
        "MailAddress.AddressLine2": place and place.address2,
        "MailAddress.City": place and place.city,
        "MailAddress.CountryCode": place and place.country_code,
        "MailAddress.ZipCode": place and place.zip,
        "PhoneNumber": record.phone,
        "FirstName": record.first_name,
        "LastName": record.last_name,
    }
