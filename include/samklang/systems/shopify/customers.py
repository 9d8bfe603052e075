"""Shopify's customers as a `base.System`. (sheet: Shopify 2)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from samklang.core.records import Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.errors import ProtocolError
from samklang.systems.base import Change, Creation, Problem, Update
from samklang.systems.shopify import contacts, documents
from samklang.systems.shopify.answers import SYSTEM, Json, objects
from samklang.systems.shopify.documents import ADDRESS_ID, COMPANY_CONTACTS, Call, Path, selection
from samklang.systems.shopify.fields import CUSTOMER, Field
from samklang.systems.shopify.paging import Ordered, Rows, follow
from samklang.systems.shopify.reading import WINDOW_PAGES
from samklang.systems.shopify.updating import Job, Part, Updating
from samklang.systems.shopify.values import dig, number_of, read_clock, read_key, read_values, to_gid, to_input

_IDENTITY = ("firstName", "lastName", "email", "phone")


_COUNTRY, _PROVINCE = "addresses.country", "addresses.provinceCode"
_OF_A_TOWN = ("addresses.city", "addresses.zip")
CHECK_PROVINCE = "check_province"


class ShopifyCustomers(Updating):
    """Customers, each with its default address of the moment; contacts of companies are out of scope, like companies.

    Other addresses are never touched: the list is not sent with an update, because it would replace them all.
    """

    entity = "customers"
    kind = "Customer"
    root = "customers"
    count_root = "customersCount"
    owner = "CUSTOMER"
    known_fields = CUSTOMER
    always_read = _IDENTITY
    part_order = ("address", "customer")
    rules = EntityRules(
        fields={name: known.accepts for name, known in CUSTOMER.items()},
        create_needs=tuple((name,) for name in _IDENTITY),
        identity=_IDENTITY,
        can_be_erased=True,
    )

    # --- reading

    def read_all(self) -> Iterator[Page]:
        contacts.forget(self._memory)
        self._forget_fragments()
        yield from super().read_all()

    def _read_newest(self, since: str) -> Iterator[Page]:
        """From the newest on, without a filter: a filter matches whole days and reads an index that lags.

        A long window goes on with a bulk operation, which does filter: what the index lacks yet is among the newest.
        """
        order = Ordered(lambda node: read_clock(node, "updatedAt"), falling=True)
        pages = follow(self._fetch_newest(None), self._fetch_newest)
        denied = frozenset[tuple[str, ...]]()
        for rows in islice(pages, WINDOW_PAGES):
            denied = rows.denied
            page = self._to_page(order.new(rows.nodes), rows.denied, unread=rows.unread)
            changed = tuple(record for record in page.records if record.clock >= since)
            yield replace(page, records=changed)
            if rows.cursor is None or len(changed) < len(page.records):
                return
        yield from self._bulk(since, None, denied)

    def _fetch_newest(self, after: str | None) -> Rows:
        return self._fetch("UPDATED_AT", after, "ReadChangedCustomers", reverse=True)

    def _paths(self, unknown: frozenset[str] = frozenset()) -> list[Path]:
        asked = (known.read for name, known in self._asked.items() if name not in unknown)
        paths = [*documents.CUSTOMER, *asked]
        if contacts.may_ask(self._client, self._memory):
            paths.append(COMPANY_CONTACTS)
        return [*paths, ADDRESS_ID, CUSTOMER[_PROVINCE].read] if self._address_fields() else paths

    def _make_fragments(self) -> dict[str, str]:
        address: list[Path] = [
            ("id",),
            ("provinceCode",),
            *(known.read[1:] for known in self._address_fields().values()),
        ]
        return {
            "CustomerParts": f"on Customer {{ {selection(self._paths())} }}",
            "AddressParts": f"on MailingAddress {{ {selection(address)} }}",
        }

    def _address_fields(self) -> dict[str, Field]:
        return {name: known for name, known in self._fields.items() if known.part == "address"}

    def _record(self, node: Json, unknown: frozenset[str] = frozenset()) -> Record:
        facts = {}
        address = node.get("defaultAddress")
        if isinstance(address, dict):
            facts["address_id"] = address.get("id")
        elif "defaultAddress" in node and unknown.isdisjoint(self._address_fields()):
            facts["address_id"] = None
        return Record(
            id=number_of(node.get("id")),
            values=read_values(node, self._fields, unknown),
            scope=self._scope(node, unknown),
            created=read_clock(node, "createdAt"),
            clock=read_clock(node, "updatedAt"),
            key=read_key(node),
            facts=facts,
        )

    def _scope(self, node: Json, unknown: frozenset[str]) -> Scope:
        if self.rules.is_erased(self._identity(node, unknown)):
            return Scope.ERASED
        return Scope.CONTACT if node.get(COMPANY_CONTACTS[0]) else Scope.ACTIVE

    def _identity(self, node: Json, unknown: frozenset[str] = frozenset()) -> dict[str, str | None]:
        return read_values(node, {name: self._asked[name] for name in _IDENTITY}, unknown)

    def _look_closer(self, nodes: Sequence[Json]) -> None:
        """No default address, while others stand in the book, says nothing about the one that was there."""
        bare = [node for node in nodes if self._address_fields() and node.get("defaultAddress", ...) is None]
        if not bare:
            return
        call = documents.books_of([str(node["id"]) for node in bare])
        answer = self._client.run([call], operation="ReadAddressBooks")
        books = {book.get("id"): book for book in objects(answer.call(0), "nodes")}
        for node in bare:
            if dig(books.get(node["id"]), ("addressesV2", "nodes")):
                del node["defaultAddress"]

    def _holder_call(self, key: str) -> Call:
        return documents.by_key("customerByIdentifier", "CustomerIdentifierInput", key, "...CustomerParts")

    def _holders(self, found: Json, unknown: frozenset[str]) -> list[Record]:
        return [self._record(found, unknown)]

    # --- writing

    def _has_moved(self, update: Update, fresh: Record) -> bool:
        """A default address that has changed is an edit of all its fields."""
        if super()._has_moved(update, fresh):
            return True
        before, now = update.facts.get("address_id"), fresh.facts.get("address_id")
        has_address = any(self._fields[change.field].part == "address" for change in update.changes)
        return has_address and "address_id" in update.facts and _number(before) != _number(now)

    def _call(self, job: Job, part: Part) -> Call:
        customer, values = to_gid("Customer", job.update.id), to_input(part.changes, self._fields)
        address = job.fresh.facts.get("address_id")
        if part.name == "customer":
            return documents.customer_update(customer, values)
        if part.twin is not None:
            return documents.default_address(customer, part.twin)
        if address is None:
            return documents.address_create(customer, {name: value for name, value in values.items() if value})
        if self._left_behind(job, part):
            values["provinceCode"] = None  # what is left out keeps what stands there (sheet: found since)
        return documents.address_update(customer, str(address), values)

    def _stored(self, job: Job, part: Part, payload: Json, unknown: frozenset[str]) -> Record:
        if part.name == "customer" or part.twin is not None:
            node = _object(payload, "customer")
            record = self._record(node, unknown)
            return replace(record, scope=Scope.ERASED) if self._was_erased_meanwhile(job, part, node) else record
        address = _object(payload, "address")
        self._tell_of_province(job, part, address)
        values = read_values({"defaultAddress": address}, self._address_fields(), unknown)
        return replace(job.fresh, values=values, facts={"address_id": address.get("id")})

    def _left_behind(self, job: Job, part: Part) -> str | None:
        """The province that stands at an address which moves to another country, where nothing maps it."""
        moves = any(change.field == _COUNTRY for change in part.changes)
        province = dig(job.node, CUSTOMER[_PROVINCE].read)
        return province if moves and _PROVINCE not in self._fields and isinstance(province, str) else None

    def _tell_of_province(self, job: Job, part: Part, address: Json) -> None:
        names = {change.field for change in part.changes}
        if province := self._left_behind(job, part):
            job.emptied[_PROVINCE] = province
        elif (
            address.get("provinceCode") and not names.isdisjoint(_OF_A_TOWN) and names.isdisjoint((_COUNTRY, _PROVINCE))
        ):
            job.doubts.append(CHECK_PROVINCE)

    def _was_erased_meanwhile(self, job: Job, part: Part, node: Json) -> bool:
        """Whether all that is left is what we wrote: the customer was erased between our look and our write."""
        written = {change.field for change in part.changes}

        def others(found: Json) -> bool:
            return any(value for name, value in self._identity(found).items() if name not in written)

        return others(job.node) and not others(node)

    def _settle(self, job: Job, part: Part, problems: Sequence[Problem]) -> bool:
        """An address that exists already becomes the default one."""
        if part.name != "address" or part.twin is not None or any(p.code != "taken" for p in problems):
            return False
        wanted = {change.field: change.value for change in part.changes}
        fields = self._address_fields()
        wanted = {name: wanted.get(name, job.fresh.values.get(name)) for name in fields}
        call = documents.addresses_of(to_gid("Customer", job.update.id), "...AddressParts")
        answer = self._client.run([call], operation="ReadAddresses", fragments=self._fragments)
        for address in objects(dig(answer.call(0), ("addressesV2", "nodes")) or [], "addressesV2"):
            values = read_values({"defaultAddress": address}, fields)
            if all(_same(values.get(name), value) for name, value in wanted.items()):
                part.twin = str(address.get("id"))
                return True
        return False

    def _create_call(self, creation: Creation) -> Call:
        changes = [Change(name, None, value) for name, value in creation.values.items()]
        address = to_input((c for c in changes if self._fields[c.field].part == "address"), self._fields)
        values = to_input((c for c in changes if self._fields[c.field].part == "customer"), self._fields)
        return documents.customer_set(creation.key, {**values, **({"addresses": [address]} if address else {})})

    def _created(self, payload: Json, unknown: frozenset[str]) -> Record:
        return self._record(_object(payload, "customer"), unknown)


def _object(payload: Json, name: str) -> Json:
    found = payload.get(name)
    if not isinstance(found, dict):
        raise ProtocolError(f"A write was answered without its {name}.", system=SYSTEM)
    return found


def _same(one: str | None, other: str | None) -> bool:
    """The shop trims what it stores."""
    return (one or "").strip() == (other or "").strip()


def _number(gid: object) -> str | None:
    """The part of a global id that says which; its query string may differ."""
    return number_of(gid) if gid is not None else None
