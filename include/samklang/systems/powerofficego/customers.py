"""PowerOffice Go's person customers as a `base.System` (sheet: 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from samklang.core.records import Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.errors import ProtocolError
from samklang.systems.base import Creation, Description
from samklang.systems.parallel import in_parallel
from samklang.systems.powerofficego.client import SYSTEM, Json
from samklang.systems.powerofficego.schema import ADDRESS, CUSTOMER
from samklang.systems.powerofficego.values import read_address, read_clock, read_flag, read_id, read_values
from samklang.systems.powerofficego.writing import Writing

LONGEST_KEY = 50
"""`ExternalImportReference`, in characters."""


class PowerOfficeGoCustomers(Writing):
    """Customers; companies are read too, as holders of their keys, and are out of scope.

    Our key is `<other side>:<tenant id>:<record id>` in `ExternalImportReference`, which the API keeps unique.
    """

    entity = "customers"
    reads_whole = True
    path = "/Customers"
    privilege = "Customer"
    schema = CUSTOMER
    own_properties = (
        "Id",
        "IsPerson",
        "IsActive",
        "IsArchived",
        "CustomerCreatedDateTimeOffset",
        "LastChangedDateTimeOffset",
        "ExternalImportReference",
    )
    text_property = "LastName"
    key_property = "ExternalImportReference"
    rules = EntityRules(
        fields={name: known.accepts for name, known in CUSTOMER.items()},
        create_needs=(("FirstName", "LastName"),),
        group_needs={"address": (f"{ADDRESS}.City", f"{ADDRESS}.ZipCode")},
    )

    def read_changes(self, since: str) -> Iterator[Page]:
        """Everything: the change filter does not see edits of an address (sheet: 4), and a whole read is cheap.

        :param since: not needed.
        """
        del since
        yield from self.read_all()

    def _look_up(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        found = in_parallel(self._holders, dict.fromkeys(keys), self._workers)
        return {key: records for key, records in found if records}

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        del values
        key = f"{self._other_side}:{source.id}:{source_id}"
        return key if self._is_ours(key) else None

    def _holders(self, key: str) -> tuple[str, list[Record]]:
        """A filter that the server ignored or read loosely changes nothing: the key itself is compared."""
        pages = self._read({"externalImportReference": key})
        return key, [record for page in pages for record in page.records if record.key == key]

    def _own_values(self, creation: Creation) -> Json:
        return {"IsPerson": True, "ExternalImportReference": creation.key}

    def _is_ours(self, reference: object) -> bool:
        """Others may use the one slot too; what does not look like ours is theirs."""
        return (
            isinstance(reference, str)
            and len(reference) <= LONGEST_KEY
            and re.fullmatch(rf"{re.escape(self._other_side)}:[^:\s]+:[^:\s]+", reference) is not None
        )

    def _record(self, dto: Json) -> Record:
        if "IsPerson" not in dto:
            raise ProtocolError("A customer came without IsPerson.", system=SYSTEM)
        created = "CustomerCreatedDateTimeOffset"
        reference = dto.get("ExternalImportReference")
        address = read_address(dto)
        clocks, facts = {}, {}
        if self._reads_address and ADDRESS in dto:
            facts["has_address"] = address is not None
            # it does not move the customer's own clock (sheet: 4)
            if address is not None and address.get("LastChangedDateTimeOffset") is not None:
                clocks["address"] = read_clock(address, "LastChangedDateTimeOffset")
        return Record(
            id=str(read_id(dto)),
            values=read_values(dto, self._fields),
            scope=_scope(dto),
            created=read_clock(dto, created) if dto.get(created) is not None else "",
            clock=read_clock(dto, "LastChangedDateTimeOffset"),
            group_clocks=clocks,
            key=reference if self._is_ours(reference) else None,
            facts=facts,
        )


def _scope(dto: Json) -> Scope:
    if not read_flag(dto, "IsPerson", default=False):
        return Scope.OUTSIDE
    if read_flag(dto, "IsArchived", default=False) or not read_flag(dto, "IsActive", default=True):
        return Scope.ARCHIVED
    return Scope.ACTIVE
