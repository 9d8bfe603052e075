"""Nothing is sent that PowerOffice Go's own description does not know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from go import CUSTOMER, PRODUCT, Go, Records
from scripted import Answer

from samklang.core.rules import Accepts
from samklang.simulators.http import Request
from samklang.systems.base import Change, Creation, Update
from samklang.systems.powerofficego import PowerOfficeGoCustomers, PowerOfficeGoProducts
from samklang.systems.powerofficego.schema import CUSTOMER as CUSTOMER_SCHEMA
from samklang.systems.powerofficego.schema import PRODUCT as PRODUCT_SCHEMA
from samklang.systems.powerofficego.schema import Property

Json = dict[str, Any]
CUSTOMER_FIELDS = [name for name, known in CUSTOMER_SCHEMA.items() if known.writable]
PRODUCT_FIELDS = [name for name, known in PRODUCT_SCHEMA.items() if known.writable]
FLAGS = ("IsPerson", "IsArchived")
SAMPLES = {"text": "x", "number": "1.5", "integer": "3", "boolean": "true", "date": "2026-01-01"}


@pytest.fixture(scope="session")
def openapi(shared_apis: Path) -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: Json = yaml.load((shared_apis / "poweroffice-openapi.yaml").read_text(), Loader=loader)
    return document


@pytest.fixture(scope="session")
def patchable(shared_apis: Path) -> dict[str, set[str]]:
    """The PATCH column of the tables in the fact sheet, by heading."""
    found: dict[str, set[str]] = {"customers": set(), "address": set(), "products": set()}
    table = ""
    for line in (shared_apis / "poweroffice.md").read_text().splitlines():
        if line.startswith("### CustomerDto"):
            table = "customers"
        elif line.startswith("MailAddress = ContactAddressDto"):
            table = "address"
        elif line.startswith("### Inheritance and VAT"):
            table = "products"
        elif line.startswith(("Delivery addresses", "ProductGroup:", "###")):
            table = ""
        cells = [cell.strip() for cell in line.split("|")]
        if table and line.startswith("|") and len(cells) > 8 and cells[7] == "yes":
            found[table].add(cells[1])
    return found


def dto(openapi: Json, name: str) -> Json:
    properties: Json = openapi["components"]["schemas"][name]["properties"]
    return properties


def resolved(openapi: Json, node: Json) -> Json:
    while "$ref" in node:
        node = openapi["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    if "allOf" in node:
        node = resolved(openapi, node["allOf"][0])
    return node


def check_request(openapi: Json, request: Request) -> None:
    path = re.sub(r"/\d+$", "/{id}", request.path.removeprefix("/v2"))
    operation = openapi["paths"][path][request.method.lower()]
    known: set[str] = set()
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "query":
            continue
        schema = resolved(openapi, parameter.get("schema", {}))
        # an object in the query is flattened into its properties
        known |= set(schema.get("properties", {})) or {parameter["name"]}
    assert set(request.query) <= known, f"{request.method} {path}"
    if request.method != "GET":
        assert request.headers["content-type"] in operation["requestBody"]["content"]


def blank(dto: Json, fields: list[str]) -> Json:
    """A record without a value in any of these fields."""
    empty = {**dto, **{name: None for name in fields if name not in FLAGS and "." not in name}}
    inner = [name.rpartition(".")[2] for name in fields if "." in name]
    return {**empty, "MailAddress": dict.fromkeys(inner)} if inner else empty


def exercise_customers() -> Go:
    go = Go(Records(blank(CUSTOMER, CUSTOMER_FIELDS)))
    system = PowerOfficeGoCustomers(go.client, CUSTOMER_FIELDS, {}, workers=1)
    values = {name: SAMPLES[CUSTOMER_SCHEMA[name].type] for name in CUSTOMER_FIELDS if name not in FLAGS}
    list(system.create([Creation(1, "shopify:1:2", values)]))
    changes = tuple(Change(name, None, value) for name, value in values.items())
    list(system.update([Update(1, "7", changes, {"has_address": True})]))
    list(system.read_all())
    list(system.read_changes("2026-01-01T00:00:00.0000000Z"))
    list(system.read_ids(["7"]))
    system.find_by_key(["shopify:1:2"])
    system.check()
    return go


def exercise_products() -> Go:
    go = Go(Records(blank(PRODUCT, PRODUCT_FIELDS)))
    system = PowerOfficeGoProducts(go.client, PRODUCT_FIELDS, {}, workers=1)
    values = {name: SAMPLES[PRODUCT_SCHEMA[name].type] for name in PRODUCT_FIELDS if name not in FLAGS}
    list(system.create([Creation(1, "x", values)]))
    changes = tuple(Change(name, None, value) for name, value in values.items())
    list(system.update([Update(1, "9", changes, {})]))
    list(system.read_all())
    list(system.read_changes("2026-01-01T00:00:00.0000000Z"))
    list(system.read_ids(["9"]))
    system.find_by_key(["x", "a,b"])
    system.check()
    return go


@pytest.mark.parametrize("exercise", [exercise_customers, exercise_products])
def test_every_path_parameter_and_content_type_is_described(openapi: Json, exercise: Any) -> None:
    go = exercise()
    kinds = {(r.method, r.path.count("/")) for r in go.sent}
    assert {("GET", 2), ("GET", 3), ("POST", 2), ("PATCH", 3)} <= kinds
    for request in go.sent:
        check_request(openapi, request)


@pytest.mark.parametrize(
    ("exercise", "name"), [(exercise_customers, "CustomerPostDto"), (exercise_products, "ProductPostDto")]
)
def test_every_property_of_a_new_record_is_described(openapi: Json, exercise: Any, name: str) -> None:
    (body,) = exercise().bodies("POST")
    described = dto(openapi, name)
    assert set(body) <= set(described)
    if "MailAddress" in body:
        assert set(body["MailAddress"]) <= set(resolved(openapi, described["MailAddress"])["properties"])


@pytest.mark.parametrize("name", ["customers", "products"])
def test_every_patched_property_can_be_patched(patchable: dict[str, set[str]], name: str) -> None:
    go = exercise_customers() if name == "customers" else exercise_products()
    paths = [operation["path"] for body in go.bodies("PATCH") for operation in body]
    assert len(paths) > 20
    allowed = {f"/{p}" for p in patchable[name]} | {f"/MailAddress/{p}" for p in patchable["address"]}
    assert set(paths) <= allowed


KINDS = {
    ("string", None): "text",
    ("string", "uuid"): "text",
    ("string", "date"): "date",
    ("string", "date-time"): "timestamp",
    ("number", "double"): "number",
    ("integer", "int64"): "integer",
    ("integer", "int32"): "integer",
    ("boolean", None): "boolean",
}


@pytest.mark.parametrize(
    ("schema", "name", "left_out"),
    [
        (CUSTOMER_SCHEMA, "CustomerDto", {"ContactGroupIds", "MailAddress", "NationalIdNumber"}),
        (PRODUCT_SCHEMA, "ProductDto", set()),
    ],
)
def test_every_property_that_can_be_mapped_is_as_described(
    openapi: Json, schema: dict[str, Property], name: str, left_out: set[str]
) -> None:
    described = dict(dto(openapi, name))
    for inner, node in dto(openapi, "ContactAddressDto").items() if name == "CustomerDto" else ():
        described[f"MailAddress.{inner}"] = node
    assert set(described) - left_out == set(schema)
    for field, known in schema.items():
        node = resolved(openapi, described[field])
        assert KINDS[node["type"], node.get("format")] == known.type, field
        if described[field].get("readOnly"):
            assert not known.writable, field
        if "maxLength" in node and known.writable:
            assert known.accepts.max_length == node["maxLength"], field


@pytest.mark.parametrize(("schema", "name"), [(CUSTOMER_SCHEMA, "customers"), (PRODUCT_SCHEMA, "products")])
def test_what_counts_as_writable_is_what_can_be_patched(
    patchable: dict[str, set[str]], schema: dict[str, Property], name: str
) -> None:
    writable = {field for field, known in schema.items() if known.accepts != Accepts(writable=False)}
    allowed = set(patchable[name])
    if name == "customers":
        # ours alone, lists, whole objects, and what reads back as "hidden"
        allowed -= {"ExternalImportReference", "ContactGroupIds", "MailAddress", "NationalIdNumber"}
        allowed |= {f"MailAddress.{inner}" for inner in patchable["address"]}
    assert writable == allowed


def test_the_probe_is_a_described_operation(openapi: Json) -> None:
    go = exercise_products()
    operations = {operation["op"] for body in go.bodies("PATCH") for operation in body}
    text = orjson.dumps(openapi["paths"]["/Products/{id}"]["patch"]).decode() + orjson.dumps(openapi).decode()
    assert operations == {"test", "replace"}
    assert all(f'"{op}"' in text for op in operations)


def test_an_undescribed_parameter_would_be_noticed(openapi: Json) -> None:
    go = Go(lambda _: Answer(204))
    go.client.get("/Customers", {"emails": "x"})
    with pytest.raises(AssertionError):
        check_request(openapi, go.sent[0])
