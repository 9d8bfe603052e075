"""PowerOffice Go's products as a `base.System` (sheet: 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from samklang.core.records import Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.errors import AccessError, RemoteError
from samklang.systems.base import Creation, Description, Outcome, Problem
from samklang.systems.powerofficego.client import Json
from samklang.systems.powerofficego.paging import ListReader
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.schema import PRODUCT
from samklang.systems.powerofficego.values import read_clock, read_flag, read_id, read_values
from samklang.systems.powerofficego.writing import Writing

LONGEST_QUERY = 1500
"""Characters of codes in one URL: a longer URL than about 2000 is answered with a misleading 404 (sheet: 4)."""
LONGEST_CODE = 100
_ACCOUNT = ("StandardSalesAccount", "StandardSalesAccountId")
_GROUP = ("Id", *_ACCOUNT)


class PowerOfficeGoProducts(Writing):
    """Products. Nothing on them is ours alone, so `Code` is the key: looked up before every creation."""

    entity = "products"
    reads_whole = False
    path = "/Products"
    privilege = "Product"
    schema = PRODUCT
    own_properties = (
        "Id",
        "Code",
        "IsArchived",
        "CreatedDateTimeOffset",
        "LastChangedDateTimeOffset",
        "ProductGroupCode",
        "ProductGroupId",
        "StandardSalesAccount",
        "StandardSalesAccountId",
    )
    text_property = "Name"
    key_property = "Code"
    rules = EntityRules(
        fields={name: known.accepts for name, known in PRODUCT.items()},
        create_needs=(("Name", "Code"),),
        key_proves_origin=False,
    )

    def describe(self) -> Description:
        """With the sales account of each product group, which decides on the VAT of its products; see `core.prices`.

        They are few and come with one request. A group may change without a sign on its products, so what is told is
        what holds now. (sheet: 3, inheritance and VAT; 10)
        """
        known = super().describe()
        if "UnitPrice" not in self._fields:
            return known
        reader = ListReader(self._client, "/ProductGroups", _GROUP, self._memory)
        try:
            groups = [group for part in reader.read() for group in part.rows]
        except (AccessError, RefusedError):
            return known  # which account decides is not known then, and prices that it matters for are held
        accounts = {str(read_id(group)): _sales_account(group) for group in groups}
        return replace(known, facts={**known.facts, "tax_accounts": accounts})

    def read_changes(self, since: str) -> Iterator[Page]:
        self._lag.settle()
        yield from self._read({"lastChangedDateTimeOffsetGreaterThan": since})

    def _look_up(self, keys: Sequence[str]) -> dict[str, list[Record]]:
        """Products by `Code`, case kept, blanks around it ignored."""
        # the list of codes is separated by commas, so a code with one can only be looked for in the whole list
        listable = [key for key in dict.fromkeys(keys) if "," not in key]
        others = [key for key in dict.fromkeys(keys) if "," in key]
        found: dict[str, list[Record]] = {}
        for chunk in chunks(listable):
            found |= _by_key(chunk, self._read({"codes": ",".join(chunk)}))
        if others:
            found |= _by_key(others, self.read_all())
        return found

    def key_for(self, source_id: str, source: Description, values: Mapping[str, str]) -> str | None:
        del source_id, source
        code = (values.get("Code") or "").strip()
        return code if 0 < len(code) <= LONGEST_CODE else None

    def create(self, creations: Sequence[Creation]) -> Iterator[Outcome]:
        """Look the codes up, then make those that nobody holds. Whether the server minds a second one is not known."""
        waiting = {creation.key: creation for creation in reversed(creations)}
        for creation in creations:
            if waiting[creation.key] is not creation:
                yield _taken(creation)
        failure: RemoteError | None = None
        for chunk in chunks(list(waiting)):
            batch = [waiting[key] for key in chunk]
            if failure is None:
                try:
                    held = self._look_up(chunk)
                except RemoteError as error:
                    failure = error
            if failure is not None:
                yield from (Outcome(creation.ref, error=failure) for creation in batch)
                continue
            yield from (_taken(creation) for creation in batch if creation.key in held)
            yield from super().create([creation for creation in batch if creation.key not in held])

    def _own_values(self, creation: Creation) -> Json:
        return {"Code": creation.key}

    def _record(self, dto: Json) -> Record:
        created = "CreatedDateTimeOffset"
        code = dto.get("Code")
        return Record(
            id=str(read_id(dto)),
            values=read_values(dto, self._fields),
            scope=Scope.ARCHIVED if read_flag(dto, "IsArchived", default=False) else Scope.ACTIVE,
            created=read_clock(dto, created) if dto.get(created) is not None else "",
            clock=read_clock(dto, "LastChangedDateTimeOffset"),
            key=(code.strip() or None) if isinstance(code, str) else None,
            facts={
                name: None if dto[given] is None else str(dto[given])
                for name, given in (("tax_group", "ProductGroupCode"), ("tax_group_id", "ProductGroupId"))
                if given in dto
            }
            | ({"tax_account": _sales_account(dto)} if {*_ACCOUNT} & dto.keys() else {}),
        )


def _sales_account(dto: Json) -> str | None:
    """The number of the standard sales account, by which people know it; its id where the answer has no number."""
    return next((str(dto[name]) for name in _ACCOUNT if dto.get(name) is not None), None)


def chunks(codes: Sequence[str]) -> Iterator[list[str]]:
    """The codes in lists that fit into one URL each."""
    chunk: list[str] = []
    length = 0
    for code in codes:
        size = len(quote(code, safe="")) + len("%2C")
        if chunk and length + size > LONGEST_QUERY:
            yield chunk
            chunk, length = [], 0
        chunk.append(code)
        length += size
    if chunk:
        yield chunk


def _by_key(keys: Iterable[str], pages: Iterable[Page]) -> dict[str, list[Record]]:
    """What came, by key: a filter that the server read loosely changes nothing."""
    wanted = {key.strip(): key for key in keys}
    found: dict[str, list[Record]] = {}
    for page in pages:
        for record in page.records:
            if record.key in wanted:
                found.setdefault(wanted[record.key], []).append(record)
    return found


def _taken(creation: Creation) -> Outcome:
    return Outcome(creation.ref, problems=(Problem(None, "taken", "A product with this code exists."),))
