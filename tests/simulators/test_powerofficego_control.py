"""The simulator's own controls: fresh data, the state, human edits, logs, switches and faults."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from powerofficego_company import ADDRESS, PERSON, Company, content, replace

from samklang.simulators.http import ResponseLost

CLOCK = "LastChangedDateTimeOffset"


def control(company: Company, method: str, verb: str, body: Any = None) -> tuple[int, Any]:
    response = company.send(method, f"/_control/{verb}", body=orjson.dumps(body) if body is not None else b"")
    return response.status, content(response)


def edit(company: Company, number: int, **order: Any) -> Any:
    status, record = control(company, "POST", "edit", {"entity": "customers", "id": str(number), **order})
    assert status == 200, record
    return record


# --- data


def test_the_state_is_every_record_as_the_api_shows_it() -> None:
    company = Company(records=30)
    status, state = control(company, "GET", "state")
    assert status == 200
    assert state == company.simulator.state()
    assert state == {name: company.good("GET", f"/{name}") for name in ("customers", "products")}


def test_a_state_that_is_changed_changes_nothing() -> None:
    company = Company(records=3)
    taken = company.simulator.state()
    for row in taken["customers"]:
        row["ContactGroupIds"].append(5)
        (row["MailAddress"] or {})["City"] = "Moss"
    assert company.simulator.state() != taken


def test_a_reset_starts_over_and_keeps_the_switches() -> None:
    company = Company(records=5, dates="date_time")
    company.customer()
    assert control(company, "POST", "reset", {"records": 3, "seed": 2, "overlap": 0.5}) == (200, {})
    assert len(company.simulator.state()["products"]) == 3
    assert company.simulator.requests() == company.simulator.writes() == []
    assert company.simulator.switches()["dates"] == "date_time"
    assert company.call("GET", "/Customers").status == 401  # tokens are gone too
    assert control(company, "POST", "reset", {"colour": 1})[0] == 400


# --- a human at the desk


def test_a_human_edits_a_customer_and_moves_its_clock() -> None:
    company = Company()
    before = company.customer(MailAddress=ADDRESS)
    company.pass_time(60)
    after = edit(company, before["Id"], set={"EmailAddress": "a@example.no; b@example.no"})
    assert after["EmailAddress"] == "a@example.no; b@example.no"
    assert after[CLOCK] == "2026-11-23T12:01:00.1234560Z"
    assert after["MailAddress"] == before["MailAddress"]
    assert company.good("GET", f"/Customers/{before['Id']}") == after


def test_a_human_edit_of_an_address_moves_only_the_clock_of_the_address() -> None:
    company = Company()
    before = company.customer(MailAddress=ADDRESS)
    company.pass_time(60)
    after = edit(company, before["Id"], set={"MailAddress.City": "Hamar", "MailAddress.ZipCode": "2317"})
    assert (after["MailAddress"]["City"], after["MailAddress"]["AddressLine1"]) == ("Hamar", "Storgata 1")
    assert after[CLOCK] == before[CLOCK]
    assert after["MailAddress"][CLOCK] == "2026-11-23T12:01:00.1234560Z"
    assert edit(company, before["Id"], set={"MailAddress": None})["MailAddress"] is None


def test_a_human_gives_a_customer_its_first_address() -> None:
    company = Company()
    after = edit(company, company.customer()["Id"], set={"MailAddress.City": "Hamar"})
    assert (after["MailAddress"]["City"], after["MailAddress"]["CountryCode"]) == ("Hamar", "NO")
    assert after["MailAddress"]["Id"]


def test_a_human_makes_archives_deactivates_and_deletes() -> None:
    company = Company()
    order = {"entity": "customers", "create": {"FirstName": "Kari", "LastName": "Li", "MailAddress.City": "Oslo"}}
    status, made = control(company, "POST", "edit", order)
    assert (status, made["IsPerson"], made["Name"], made["MailAddress"]["City"]) == (200, True, "Kari Li", "Oslo")
    number = made["Id"]
    company.ledger.in_use.add(number)
    company.ledger.balances.add(number)
    assert edit(company, number, archive=True)["IsArchived"]
    assert not edit(company, number, archive=False)["IsArchived"]
    assert not edit(company, number, set={"IsActive": False})["IsActive"]
    assert edit(company, number, delete=True) == {}
    assert company.refused("GET", f"/Customers/{number}")[0] == 404
    assert [(row["who"], row["action"]) for row in company.simulator.writes()] == [
        ("human", action) for action in ("create", "update", "update", "update", "delete")
    ]


def test_a_human_edits_products() -> None:
    company = Company()
    made = company.simulator.edit({"entity": "products", "create": {"Name": "Kopp", "Code": "A-1", "UnitPrice": 99.5}})
    order = {"entity": "products", "id": made["Id"]}
    assert company.simulator.edit({**order, "set": {"UnitPrice": None}})["UnitPrice"] is None
    assert company.simulator.edit({**order, "archive": True})["IsArchived"]
    assert company.ids("/Products", codes="a-1") == [made["Id"]]


@pytest.mark.parametrize(
    ("order", "status", "message"),
    [
        ({"entity": "orders"}, 400, "entity is customers, products or productgroups"),
        ({"entity": "customers", "id": "5", "set": {}}, 404, "there is no record 5"),
        ({"entity": "customers", "set": {"PhoneNumber": "1"}}, 400, "id is the number of a record"),
        ({"id": 1, "set": {"Colour": 1}}, 400, "there is no field Colour; known are Allowance"),
        ({"id": 1, "set": {"Id": 1}}, 400, "there is no field Id"),
        ({"id": 1, "set": {"MailAddress.Id": 1}}, 400, "there is no field MailAddress.Id"),
        ({"id": 1, "set": {"Name.City": "x"}}, 400, "there is no field Name.City"),
        ({"id": 1, "set": {"PhoneNumber": 5}}, 400, "The value '5' is invalid"),
        ({"id": 1, "set": {"FirstName": None}}, 400, "FirstName is required."),
        ({"id": 1, "set": {"ExternalImportReference": "taken"}}, 400, "already in use"),
        ({"id": 1, "paint": True}, 400, "one of set, create, delete, archive"),
        ({"entity": "customers", "create": {"FirstName": "Kari"}}, 400, "LastName is required."),
        ([], 400, "the body is an object"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why_and_changes_nothing(order: Any, status: int, message: str) -> None:
    company = Company()
    company.customer(ExternalImportReference="taken")
    target = company.customer(MailAddress=ADDRESS)["Id"]
    if isinstance(order, dict) and order.get("id") == 1:
        order = {"entity": "customers", **order, "id": target}
    before = company.simulator.state()
    answered, body = control(company, "POST", "edit", order)
    assert answered == status
    assert message in body["error"]
    assert company.simulator.state() == before


# --- logs


def test_every_write_is_logged_with_who_and_what() -> None:
    company = Company()
    number = company.customer(MailAddress=ADDRESS)["Id"]
    company.patch(f"/Customers/{number}", replace("/PhoneNumber", "1"), replace("/MailAddress/City", "Moss"))
    edit(company, number, set={"LastName": "Li"})
    company.call("DELETE", f"/Customers/{number}")
    writes = control(company, "GET", "log/writes")[1]
    assert [(row["who"], row["action"], row["fields"]) for row in writes] == [
        ("api", "create", ["FirstName", "IsPerson", "LastName", "MailAddress"]),
        ("api", "update", ["MailAddress", "PhoneNumber"]),
        ("human", "update", ["LastName"]),
        ("api", "delete", []),
    ]
    assert {(row["entity"], row["id"], row["time"]) for row in writes} == {
        ("customers", str(number), company.time.isoformat())
    }


def test_every_request_is_logged_with_its_status_and_the_log_can_be_forgotten() -> None:
    company = Company()
    company.call("GET", "/Customers", PageSize="5")
    company.call("POST", "/Customers", {})
    requests = control(company, "GET", "log/requests")[1]
    assert [(row["operation"], row["query"], row["status"]) for row in requests] == [
        ("GET /v2/Customers", {"PageSize": ["5"]}, 204),
        ("POST /v2/Customers", {}, 400),
    ]
    assert control(company, "DELETE", "log")[0] == 200
    assert control(company, "GET", "log/requests")[1] == []


# --- switches


def test_an_unknown_switch_is_refused_with_the_known_ones() -> None:
    company = Company()
    before = company.simulator.switches()
    status, body = control(company, "PUT", "switches", {"dates": "date_time", "nonsense": 1})
    assert status == 400
    assert body["error"].startswith("there is no switch nonsense; known are address_country, application_key,")
    assert control(company, "GET", "switches") == (200, before)
    with pytest.raises(ValueError, match="there is no switch nonsense"):
        company.simulator.switches({"nonsense": 1})


def test_switches_are_read_and_set() -> None:
    company = Company()
    status, after = control(company, "PUT", "switches", {"token_seconds": 60})
    assert (status, after["token_seconds"]) == (200, 60)
    assert control(company, "GET", "switches")[1] == after


@pytest.mark.parametrize(
    "change", [{"dates": "never"}, {"token_seconds": "60"}, {"token_seconds": -1}, {"client_key": 5}]
)
def test_a_value_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    assert control(Company(), "PUT", "switches", change)[0] == 400


def test_faults_do_not_touch_the_controls() -> None:
    company = Company(fail_next=[{"match": "GET /", "status": 500, "times": 1}])
    assert control(company, "GET", "state")[0] == 200
    assert company.call("GET", "/Customers").status == 500


# --- faults


def test_a_request_that_fails_before_it_is_carried_out_changes_nothing() -> None:
    company = Company()
    company.simulator.switches({"fail_next": [{"match": "POST /v2/Customers", "status": 503, "body": "gone"}]})
    answer = company.call("POST", "/Customers", PERSON)
    assert (answer.status, answer.body) == (503, b"gone")
    assert company.simulator.writes() == []
    assert company.call("POST", "/Customers", PERSON).status == 201


def test_a_request_that_fails_after_it_was_carried_out_has_changed_everything() -> None:
    company = Company()
    fault = {"match": "POST /v2/Customers", "status": 500, "after_commit": True, "times": 2, "body": {"title": "x"}}
    company.simulator.switches({"fail_next": [fault]})
    assert [company.call("POST", "/Customers", PERSON).status for _ in range(3)] == [500, 500, 201]
    assert len(company.ids("/Customers")) == 3
    assert [row["status"] for row in company.simulator.requests()] == [500, 500, 201, 200]


def test_a_fault_can_name_a_prefix_and_headers_and_other_requests_pass() -> None:
    company = Company()
    number = company.customer()["Id"]
    fault = {"match": "GET /v2/Customers", "status": 429, "headers": {"Retry-After": "7"}}
    company.simulator.switches({"fail_next": [fault]})
    assert company.call("GET", "/Products").status == 204
    refused = company.call("GET", f"/Customers/{number}")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
    assert company.simulator.switches()["fail_next"] == []


@pytest.mark.parametrize("faults", [[{"macth": "GET /"}], ["GET /"], {"match": "GET /"}])
def test_a_fault_that_says_nothing_is_refused(faults: Any) -> None:
    assert control(Company(), "PUT", "switches", {"fail_next": faults})[0] == 400


def test_an_answer_can_be_lost_after_the_write_and_reads_are_left_alone() -> None:
    company = Company(lose_response_after_commit=1)
    assert company.call("GET", "/Customers").status == 204
    assert company.call("POST", "/Customers", {}).status == 400
    with pytest.raises(ResponseLost):
        company.call("POST", "/Customers", PERSON)
    (number,) = company.ids("/Customers")
    assert company.call("PATCH", f"/Customers/{number}", [replace("/PhoneNumber", "1")]).status == 200
    assert company.simulator.switches()["lose_response_after_commit"] == 0
