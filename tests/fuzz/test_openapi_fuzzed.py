"""PowerOffice Go's own description makes up requests, and judges what the simulator answers."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
import yaml
from garbage import FEWER
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from samklang.simulators.http import Request, Response, asgi, json_response
from samklang.simulators.powerofficego import PowerOfficeGoSimulator

OPERATIONS = (
    ("GET", "/ClientIntegrationInformation"),
    ("GET", "/Customers"),
    ("POST", "/Customers"),
    ("GET", "/Customers/{id}"),
    ("PATCH", "/Customers/{id}"),
    ("DELETE", "/Customers/{id}"),
    ("GET", "/Products"),
    ("POST", "/Products"),
    ("GET", "/Products/{id}"),
    ("PATCH", "/Products/{id}"),
    ("DELETE", "/Products/{id}"),
    ("GET", "/ProductGroups"),
)
UNNAMED = {
    404,  # an id that is no number finds no route; the description knows 404 for most operations
    415,  # a body of another type; the description does not say
}
"""Statuses that the server may answer though the description leaves them out."""


class Company:
    """A simulated company behind ASGI, with the headers that every request needs."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.simulator = PowerOfficeGoSimulator(5, switches={"requests_per_second": 0, "error_names": "pascal"})
        self.schema = schemathesis.openapi.from_dict(document)
        self.schema.app = asgi(self.simulator)
        self.schema.config.update(base_url="http://127.0.0.1:9101/v2")
        self.headers = {"Ocp-Apim-Subscription-Key": "sub", "Authorization": f"Bearer {self._token()}"}

    def _token(self) -> str:
        headers = {
            "ocp-apim-subscription-key": "sub",
            "authorization": f"Basic {b64encode(b'app:client').decode()}",
            "content-type": "application/x-www-form-urlencoded",
        }
        request = Request(
            "POST", "/OAuth/Token", {}, headers, b"grant_type=client_credentials", "http://127.0.0.1:9101"
        )
        return str(orjson.loads(self.simulator.handle(request).body)["access_token"])


@pytest.fixture(scope="module")
def company(shared_apis: Path) -> Company:
    text = (shared_apis / "poweroffice-openapi.yaml").read_text()
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for operations in document["paths"].values():
        for operation in operations.values():
            del operation["responses"]["default"]  # it allows any status, so it would judge nothing
    # a reference cannot be nullable in OpenAPI 3.0; that a customer may have no address is seen
    customer = document["components"]["schemas"]["CustomerDto"]["properties"]
    customer["MailAddress"] = {"allOf": [customer["MailAddress"]], "nullable": True}
    return Company(document)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda one: one)
@FEWER
@given(data=st.data())
def test_the_simulator_answers_as_described(company: Company, method: str, path: str, data: st.DataObject) -> None:
    case = data.draw(company.schema[path][method].as_strategy())
    if "id" in case.path_parameters and data.draw(st.booleans()):
        objects = company.simulator.ledger.objects[path.split("/")[1].lower()]
        case.path_parameters["id"] = data.draw(st.sampled_from(sorted(objects) or [1]))

    judge(company, case)


def judge(company: Company, case: Any) -> None:
    """:raises FailureGroup: the answer is not as described."""
    response = case.call(headers=company.headers)
    assert response.status_code < 500
    if response.status_code not in UNNAMED:
        case.validate_response(
            response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
        )


@pytest.mark.parametrize("answer", [Response(418), json_response([{"Id": "one"}]), json_response({"Id": 1})])
def test_an_answer_that_is_not_described_is_found(
    company: Company, answer: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company.simulator, "answer", lambda _: answer)

    with pytest.raises(FailureGroup):
        judge(company, company.schema["/Customers"]["GET"].Case())
