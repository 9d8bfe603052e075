"""The reading half of both PowerOffice Go systems, and what they say about themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from samklang.core.records import Page, Record
from samklang.core.rules import EntityRules
from samklang.errors import ConfigurationError, ProtocolError
from samklang.systems.base import Check, Description, Memory, Usage
from samklang.systems.parallel import in_parallel
from samklang.systems.powerofficego.checks import check_access
from samklang.systems.powerofficego.client import SYSTEM, Json, PowerOfficeGoClient, read_object
from samklang.systems.powerofficego.lag import Lag
from samklang.systems.powerofficego.paging import ListReader
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.schema import ADDRESS, Property, select
from samklang.systems.powerofficego.values import read_id

FEW = 50
"""Up to so many records are read one by one; for more, one whole read costs fewer requests. What it lacks is asked for
by its id all the same: only the answer to that says that a record is gone."""


class Reading(ABC):
    """One entity of one PowerOffice Go client.

    :param fields: the mapped field names, `MailAddress.City` for a line of the address.
    :param workers: requests under way at a time; 1 works inline and in order.
    :param other_side: the first word of the keys of records that are made here.
    :raises ConfigurationError: a field is not one of this entity's.
    """

    side = "powerofficego"
    entity: str
    rules: EntityRules
    reads_whole: bool
    path: str
    privilege: str
    schema: Mapping[str, Property]
    own_properties: tuple[str, ...]
    """What is read besides the mapped fields: id, clocks, scope, keys, facts."""

    def __init__(
        self,
        client: PowerOfficeGoClient,
        fields: Sequence[str],
        memory: Memory,
        workers: int = 4,
        other_side: str = "shopify",
    ) -> None:
        self._client = client
        self._fields = select(self.schema, fields, self.entity)
        self._memory = memory
        self._workers = workers
        self._other_side = other_side
        # nested names are not known to work in `Fields`, so an address is asked for as a whole
        wanted = dict.fromkeys([*self.own_properties, *(name.partition(".")[0] for name in fields)])
        self._list = ListReader(client, self.path, tuple(wanted), memory)
        self._reads_address = ADDRESS in wanted
        self._lag = Lag(client, memory)

    @abstractmethod
    def _record(self, dto: Json) -> Record:
        """:raises ProtocolError: the object lacks what every record has."""

    @property
    def usage(self) -> Usage:
        return self._client.usage

    def describe(self) -> Description:
        info = self._client.get_object("/ClientIntegrationInformation")
        client_id, name = info.get("ClientId"), info.get("ClientName")
        if not isinstance(client_id, str) or not client_id:
            raise ProtocolError("GET /ClientIntegrationInformation: the answer has no ClientId.", system=SYSTEM)
        # prices stand without VAT (sheet: 3, inheritance and VAT)
        facts = {"prices_include_tax": False}
        return Description(client_id, name if isinstance(name, str) else "", facts)

    def check(self) -> list[Check]:
        return check_access(self._client, self.path, self.privilege)

    def read_all(self) -> Iterator[Page]:
        self._lag.settle()
        yield from self._read({})

    def read_ids(self, ids: Sequence[str]) -> Iterator[Page]:
        self._lag.settle()
        wanted = dict.fromkeys(ids)
        if len(wanted) > FEW:
            for page in self.read_all():
                found = tuple(record for record in page.records if record.id in wanted)
                unread = tuple(record_id for record_id in page.unread if record_id in wanted)
                for record_id in (*unread, *(one.id for one in found)):
                    del wanted[record_id]
                yield Page(found, unread=unread)
        for record in in_parallel(self._read_one, wanted, self._workers):
            if record is not None:
                yield Page((record,))

    def _read(self, filters: Mapping[str, str]) -> Iterator[Page]:
        for part in self._list.read(filters):
            unread = tuple(str(row_id) for row_id in part.unread)
            yield Page(tuple(self._record(row) for row in part.rows), part.total, unread=unread)

    def _read_one(self, record_id: str) -> Record | None:
        """The record, or None where the system says that it does not know the id."""
        try:
            dto = read_object(self._client.get(self._path_of(record_id)))
        except RefusedError as error:
            if self._is_gone(error):
                return None
            raise
        if str(read_id(dto)) != record_id:
            raise ProtocolError(f"GET {self.path}: another record than the one asked for came.", system=SYSTEM)
        return self._record(dto)

    def _path_of(self, record_id: str) -> str:
        if not record_id.isascii() or not record_id.isdigit():
            raise ConfigurationError(f"PowerOffice Go {self.entity} have numeric ids.")
        return f"{self.path}/{record_id}"

    def _is_gone(self, error: RefusedError) -> bool:
        """Whether a 404 means the record. One without the API's own words may mean a wrong path: then the list tells.

        :raises RefusedError, ProtocolError: the list is not there either.
        """
        if error.status != 404:
            return False
        if not error.problem.known:
            self._client.get(self.path, {"PageSize": "1", "PageNumber": "1"})
        return True
