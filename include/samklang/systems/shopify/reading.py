"""The reading half of both Shopify systems, and what they say about themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from samklang.core.clocks import earlier
from samklang.core.records import Page, Record
from samklang.core.rules import EntityRules
from samklang.errors import AccessError, ProtocolError, TemporaryError
from samklang.systems.base import Check, Description, Memory, Usage
from samklang.systems.shopify import documents
from samklang.systems.shopify.answers import NOT_FOUND, PROTECTED_DATA, SYSTEM, Answer, Json, error_of, objects
from samklang.systems.shopify.budget import Room
from samklang.systems.shopify.bulk import read_bulk
from samklang.systems.shopify.checks import check_access
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import Call, Path
from samklang.systems.shopify.fields import Field, select
from samklang.systems.shopify.paging import Denied, DisorderError, Ordered, Rows, follow, in_batches, read_connection
from samklang.systems.shopify.parts import PageParts
from samklang.systems.shopify.values import number_of, to_gid, unknown_fields

BULK_FROM = 2500
"""Records from which a bulk operation is quicker than pages."""
BULK_PAGE = 5000
WINDOW_PAGES = 2
"""Pages of a change window before a bulk operation takes over."""
ORDER_TRIES = 3
"""How often a list of the newest is begun."""
IDS, KEYS = 100, 20
"""How many records are looked up with one document; each costs up to six points, and a document 1000 at most."""
_SEARCHED = timedelta(days=1)
"""How much earlier than its window a search begins: it may match whole days in the shop's own time zone."""


class Reading(ABC):
    """One entity of one shop.

    :param fields: the mapped field names, `addresses.city` for a line of the default address.
    :param workers: requests under way at a time; 1 works inline and in order.
    :raises ConfigurationError: a field is not one of this entity's.
    """

    side = "shopify"
    entity: str
    rules: EntityRules
    reads_whole = False
    known_fields: Mapping[str, Field]
    always_read: tuple[str, ...] = ()
    """Fields that are asked for whether the mapping names them or not."""
    kind: str
    """The type of a record, as in its global id."""
    root: str
    count_root: str
    owner: str
    """What our key stands on: `CUSTOMER` or `PRODUCT`."""

    def __init__(self, client: ShopifyClient, fields: Sequence[str], memory: Memory, workers: int = 4) -> None:
        self._client = client
        self._fields = select(self.known_fields, fields, self.entity)
        self._asked = select(self.known_fields, dict.fromkeys((*fields, *self.always_read)), self.entity)
        self._memory = memory
        self._workers = workers

    @cached_property
    def _fragments(self) -> dict[str, str]:
        return self._make_fragments()

    def _forget_fragments(self) -> None:
        self.__dict__.pop("_fragments", None)

    @abstractmethod
    def _make_fragments(self) -> dict[str, str]:
        """By name, what is read of a record and its parts."""

    @abstractmethod
    def _paths(self, unknown: frozenset[str] = frozenset()) -> list[Path]:
        """Everything that is read of a record, without fields that are refused."""

    @abstractmethod
    def _record(self, node: Json, unknown: frozenset[str] = frozenset()) -> Record:
        """:raises ProtocolError: the node lacks what every record has."""

    @abstractmethod
    def _holder_call(self, key: str) -> Call:
        """Who holds a key."""

    @abstractmethod
    def _holders(self, found: Json, unknown: frozenset[str]) -> list[Record]:
        """The records that `_holder_call` found."""

    @abstractmethod
    def _read_newest(self, since: str) -> Iterator[Page]:
        """From what was changed last on, back to a clock; see `read_changes`."""

    # --- the shop

    @property
    def usage(self) -> Usage:
        return self._client.usage

    def describe(self) -> Description:
        shop = self._client.run([documents.SHOP], operation="Describe").call(0)
        if not isinstance(shop, dict) or not isinstance(shop.get("taxesIncluded"), bool):
            raise ProtocolError("Describe: the answer does not describe a shop.", system=SYSTEM)
        facts = {"currency": str(shop.get("currencyCode")), "prices_include_tax": shop["taxesIncluded"]}
        return Description(number_of(shop.get("id")), str(shop.get("name") or shop.get("myshopifyDomain")), facts)

    def check(self) -> list[Check]:
        return check_access(self._client, self.entity, self.owner, list(self._fields))

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        del values
        return f"{source.id}-{source_id}"

    # --- reading

    def read_all(self) -> Iterator[Page]:
        """By pages, or with a bulk operation where there are many."""
        count, total, first = self._first()
        if first.cursor is not None and count > BULK_FROM:
            try:
                yield from self._bulk(None, total, first.denied)
                return
            except TemporaryError as error:
                if not error.is_server_fault:
                    raise  # else it may have failed over one record: by pages, that one can be left out
        yield from self._by_pages(first, total)

    def _by_pages(self, first: Rows, total: int | None) -> Iterator[Page]:
        order = Ordered(lambda node: int(number_of(node.get("id"))))
        for rows in follow(first, self._fetch_more):
            yield self._to_page(order.new(rows.nodes), rows.denied, total, rows.unread)

    def _first(self) -> tuple[int, int | None, Rows]:
        """How many records there are, see `_read_count`, and the first page of them."""
        counting, operation = documents.count(self.count_root), f"Read{self.kind}s"
        try:
            answer = self._client.run([counting, self._page("ID")], operation=operation, fragments=self._fragments)
        except TemporaryError as error:
            if not error.is_server_fault:
                raise
            counted = self._client.run([counting], operation=f"Count{self.kind}s").call(0)
            return *_read_count(counted), self._fetch("ID", None, operation)
        return *_read_count(answer.call(0)), read_connection(answer.call(1), self.root, answer.denied)

    def read_changes(self, since: str) -> Iterator[Page]:
        """Read again from the start where a record changed while its page was put together; records may come twice.

        Where the shop fails over this list, all records are read, which can do without one that it fails over.
        """
        for tries_left in reversed(range(ORDER_TRIES)):
            try:
                yield from self._read_newest(since)
            except DisorderError:
                if not tries_left:
                    raise
                self._client.sleep(1.0)
            except TemporaryError as error:
                if not error.is_server_fault:
                    raise
                _, _, first = self._first()
                for page in self._by_pages(first, None):
                    yield replace(page, records=tuple(record for record in page.records if record.clock >= since))
                return
            else:
                return

    def read_ids(self, ids: Sequence[str]) -> Iterator[Page]:
        for chunk in in_batches(dict.fromkeys(ids), IDS):
            answer = self._look_up(chunk, f"Read{self.kind}sById")
            nodes = [node for node in answer.call(0) if node is not None]
            self._look_closer(nodes)
            yield self._to_page(nodes, answer.denied)

    def _look_closer(self, nodes: Sequence[Json]) -> None:
        """Take out of records that were asked for by id what they do not really say."""
        del nodes

    def find_by_key(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        found, _ = self._find(keys)
        return found

    def _find(self, keys: Sequence[str]) -> tuple[dict[str, list[Record]], bool]:
        """Holders by key, and whether the key has a definition: without one nobody holds it."""
        held: dict[str, list[Record]] = {}
        defined = True
        for chunk in in_batches(dict.fromkeys(keys), KEYS):
            operation = f"Find{self.kind}sByKey"
            calls = [self._holder_call(key) for key in chunk]
            answer = self._client.run(calls, operation=operation, fragments=self._fragments, partial=True)
            unknown, _ = self._unknown(answer.denied)
            for number, key in enumerate(chunk):
                fault = answer.fault(number)
                if fault is not None and fault.code != NOT_FOUND:
                    raise error_of([fault], operation, True)
                defined = defined and fault is None
                if answer.call(number) is not None:
                    (found,) = objects([answer.call(number)], operation)
                    held[key] = self._holders(found, unknown)
        return held, defined

    def _look_up(self, ids: Iterable[str], operation: str, room: Room | None = None) -> Answer:
        """These records, in this order, null for an unknown one."""
        wanted = [to_gid(self.kind, record_id) for record_id in ids]
        call = documents.nodes(wanted, f"...{self.kind}Parts")
        answer = self._client.run([call], operation=operation, fragments=self._fragments, room=room)
        nodes = answer.call(0)
        if not isinstance(nodes, list) or len(nodes) != len(wanted):
            raise ProtocolError(f"{operation}: not every id was answered.", system=SYSTEM)
        objects([node for node in nodes if node is not None], operation)
        if any(node is not None and node.get("id") != gid for node, gid in zip(nodes, wanted, strict=True)):
            raise ProtocolError(f"{operation}: other records than those asked for came.", system=SYSTEM)
        return answer

    def _page(self, sort: str, *, reverse: bool = False, after: str | None = None, node: str | None = None) -> Call:
        return documents.page(self.root, node or f"...{self.kind}Parts", sort=sort, reverse=reverse, after=after)

    def _fetch_more(self, after: str) -> Rows:
        return self._fetch("ID", after, f"ReadMore{self.kind}s")

    def _fetch(self, sort: str, after: str | None, operation: str, *, reverse: bool = False) -> Rows:
        """A page of records; where the shop fails over it, without the records that it fails over."""
        try:
            return self._fetch_call(self._page(sort, reverse=reverse, after=after), operation)
        except TemporaryError as error:
            if not error.is_server_fault:
                raise
            failure = error
        parts = PageParts(self._client, operation, f"...{self.kind}Parts", self._fragments)
        return parts.read(self._page(sort, reverse=reverse, after=after, node="id"), failure)

    def _fetch_call(self, call: Call, operation: str) -> Rows:
        answer = self._client.run([call], operation=operation, fragments=self._fragments)
        return read_connection(answer.call(0), call.root, answer.denied)

    def _bulk(self, since: str | None, total: int | None, denied: Denied = frozenset()) -> Iterator[Page]:
        """Everything, or what changed since a clock, by a bulk operation.

        :param denied: left out of the query, because a single field that is refused fails the whole operation.
        """
        unknown, reasons = self._unknown(denied)
        search = documents.updated_since(earlier(since, _SEARCHED)[:10]) if since else None
        query = documents.bulk_query(self.root, documents.selection(self._paths(unknown)), search)
        seen: set[str] = set()
        for chunk in in_batches(read_bulk(self._client, query), BULK_PAGE):
            records = [self._record(node, unknown) for node in chunk]
            if not seen.isdisjoint(record.id for record in records) or len({r.id for r in records}) < len(records):
                raise ProtocolError("A bulk file holds a record twice.", system=SYSTEM)
            seen.update(record.id for record in records)
            yield Page(tuple(r for r in records if since is None or r.clock >= since), total, reasons)

    def _to_page(
        self, nodes: Iterable[Json], denied: Denied, total: int | None = None, unread: tuple[str, ...] = ()
    ) -> Page:
        unknown, reasons = self._unknown(denied)
        return Page(tuple(self._record(node, unknown) for node in nodes), total, reasons, unread)

    def _unknown(self, denied: Denied) -> tuple[frozenset[str], dict[str, str]]:
        """The fields that the app may not see, and why. :raises AccessError: it may not even see what we need."""
        try:
            unknown = unknown_fields(denied, self._asked)
        except LookupError as error:
            raise AccessError(f"Access to {error} is denied.", remedy=PROTECTED_DATA, system=SYSTEM) from None
        return unknown, dict.fromkeys(sorted(unknown), PROTECTED_DATA)


def _read_count(found: Any) -> tuple[int, int | None]:
    """How many there are, and the same as a total if that is exact."""
    if not isinstance(found, dict) or not isinstance(found.get("count"), int):
        return 0, None
    return found["count"], found["count"] if found.get("precision") == "EXACT" else None
