"""Whatever PowerOffice Go answers: records, or a typed error that quotes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from garbage import BYTES, CANARY, FEWER, JSON, fits, mutated, typed
from go import CUSTOMER, PRODUCT, Go
from hypothesis import given
from hypothesis import strategies as st
from scripted import Answer

from samklang.core.records import Page, Record
from samklang.errors import SamklangError
from samklang.simulators.http import Request
from samklang.systems.base import Change, Creation, Outcome, Update
from samklang.systems.powerofficego import PowerOfficeGoCustomers, PowerOfficeGoProducts
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.schema import CUSTOMER as CUSTOMER_FIELDS
from samklang.systems.powerofficego.schema import PRODUCT as PRODUCT_FIELDS

SENT = "zqxsent"
FILLED = {
    **CUSTOMER,
    "FirstName": f"{CANARY}Kari",
    "EmailAddress": f"{CANARY}@example.no",
    "ExternalImportReference": "shopify:4242:1",
    "MailAddress": {**CUSTOMER["MailAddress"], "AddressLine1": f"{CANARY} 1"},
}
OBJECTS = {"customers": FILLED, "products": {**PRODUCT, "Name": f"{CANARY} Kopp"}}
INFORMATION = {"ClientId": "c-1", "ClientName": f"{CANARY} AS", "ValidPrivileges": ["Customer_Full"]}
PAGINATION = (
    '{"nextPageLink": ""}', '{"TotalCount": 1, "nextPageLink": null}', '{"totalCount": 1e400}', "[", '"x"', "null",
    '{"totalCount": -5}', '{"totalCount": 99999999999999999999999}', '{"1": {}}',
)  # fmt: skip


@st.composite
def headers(draw: Any) -> dict[str, str]:
    drawn = draw(st.one_of(st.none(), st.sampled_from(PAGINATION), JSON.filter(fits)))
    text = drawn if drawn is None or isinstance(drawn, str) else orjson.dumps(drawn).decode("latin-1")
    return {} if text is None else {"X-Pagination": text}


STATUSES = st.sampled_from([302, 400, 401, 403, 404, 405, 409, 415, 422, 429, 500, 503])
DATES = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT")
WAITS = st.sampled_from([None, "1", "-1", "x", "", "1e999", "nan", "-inf", *DATES])


@st.composite
def refusals(draw: Any, echo: str) -> Answer:
    """:param echo: what the server quotes of the request."""
    problem = {"title": "No", "detail": f"The value {echo} is bad.", "errors": {"$": [echo]}}
    body = draw(st.one_of(BYTES, JSON.filter(fits), mutated(problem).filter(fits)))
    wait = draw(WAITS)
    return Answer(draw(STATUSES), body, {} if wait is None else {"Retry-After": wait})


def bodies(*valid: Any) -> st.SearchStrategy[Any]:
    """Bodies of answers under 200."""
    return st.one_of(BYTES, JSON.filter(fits), st.sampled_from(valid).flatmap(mutated).filter(fits))


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "describe": lambda system: system.describe(),
    "check": lambda system: system.check(),
    "read all": lambda system: list(system.read_all()),
    "read changes": lambda system: list(system.read_changes("2026-01-01T00:00:00.0000000Z")),
    "read these": lambda system: list(system.read_ids(["7", "9"])),
    "find": lambda system: system.find_by_key(["shopify:4242:1", "A1"]),
    "create": lambda system: list(system.create([Creation(1, "shopify:4242:1", made(system), {})])),
    "update": lambda system: list(system.update([Update(1, "7", (changed(system),), {"has_address": True})])),
}


def made(system: Any) -> dict[str, str]:
    return {"FirstName": SENT, "LastName": SENT} if system.entity == "customers" else {"Name": SENT, "Code": SENT}


def changed(system: Any) -> Change:
    return Change("FirstName" if system.entity == "customers" else "Name", f"{CANARY}Kari", SENT)


def system_of(entity: str, handler: Callable[[Request], Answer]) -> Any:
    kind, fields = (
        (PowerOfficeGoCustomers, CUSTOMER_FIELDS) if entity == "customers" else (PowerOfficeGoProducts, PRODUCT_FIELDS)
    )
    return kind(Go(handler).client, list(fields), {}, workers=1)


@pytest.mark.parametrize("entity", ["customers", "products"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
@FEWER
@given(data=st.data())
def test_any_answer_is_read_or_is_an_error_without_values(entity: str, operation: str, data: st.DataObject) -> None:
    valid = OBJECTS[entity]
    left = [3]

    def answer(request: Request) -> Answer:
        """Up to three answers are drawn; then the server is a quiet one."""
        left[0] -= 1
        if left[0] < 0:
            return Answer(204)
        if data.draw(st.integers(0, 3)) == 0:
            return data.draw(refusals(SENT if SENT.encode() in request.body else "x"))
        if request.path.endswith("Information"):
            return Answer(200, data.draw(bodies(INFORMATION)))
        status = data.draw(st.sampled_from([200, 200, 200, 201, 204, 206]))
        return Answer(status, data.draw(bodies(valid, [valid], [valid, {**valid, "Id": 8}])), data.draw(headers()))

    found = typed(lambda: OPERATIONS[operation](system_of(entity, answer)), quoting=RefusedError)
    for outcome in found if isinstance(found, list) else []:
        check_outcome(outcome)


def check_outcome(found: Any) -> None:
    """Pages of records with text in them, or outcomes that quote nothing that was sent."""
    if isinstance(found, Page):
        for record in found.records:
            check_record(record)
    elif isinstance(found, Outcome):
        for problem in found.problems:
            assert SENT not in problem.message
        assert found.error is None or (isinstance(found.error, SamklangError) and SENT not in str(found.error))
        if found.record is not None:
            check_record(found.record)


def check_record(record: Record) -> None:
    assert record.id.lstrip("-").isdigit()
    assert all(value is None or isinstance(value, str) for value in record.values.values())
    assert len(record.clock) == len("2026-08-01T09:27:26.0000000Z")
    assert all(isinstance(clock, str) for clock in record.group_clocks.values())


@given(st.one_of(BYTES, JSON.filter(fits), mutated({"access_token": "t", "expires_in": 1200}).filter(fits)))
def test_any_answer_to_a_sign_in_is_a_token_or_an_error(body: Any) -> None:
    go = Go(lambda _: Answer(204))
    go.server.handler = lambda _: Answer(200, body)

    typed(go.client.sign_in)


@given(st.sampled_from(sorted(CUSTOMER_FIELDS)), JSON)
def test_any_value_in_a_property_is_text_or_refused(name: str, value: Any) -> None:
    if not fits(value):
        return
    parent, _, inner = name.rpartition(".")
    dto = {**FILLED, parent: {**FILLED["MailAddress"], inner: value}} if parent else {**FILLED, name: value}
    system = system_of("customers", lambda _: Answer(200, [dto], {"X-Pagination": '{"nextPageLink": ""}'}))

    found = typed(lambda: list(system.read_all()))
    for page in found if isinstance(found, list) else []:
        check_outcome(page)
