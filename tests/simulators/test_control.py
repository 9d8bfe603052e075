"""What both simulators have besides an API: switches, faults, logs and `/_control/`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from samklang.simulators.control import Controlled, Switch
from samklang.simulators.http import Request, Response, ResponseLost, Simulator, json_response


class Counter(Controlled):
    """Counts: every POST is a write."""

    def __init__(self, **switches: Any) -> None:
        known = {"step": Switch(1), "word": Switch("a", ("a", "b")), "names": Switch([])}
        super().__init__(known, lambda: datetime(2026, 11, 23, tzinfo=UTC), switches)
        self.count = 0

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.count += self.switch("step")
            self.log_write("api", "update", "counters", "1", {"count"})
        return json_response(self.count)

    def reset(self, records: int = 0, seed: int = 1, overlap: float = 0.6) -> None:
        self.count = records
        self.clear_log()

    def state(self) -> dict[str, Any]:
        return {"customers": [self.count], "products": []}

    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if "id" not in order:
            raise ValueError("there is no such counter")
        raise KeyError(order["id"])


def send(simulator: Simulator, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    response = simulator.handle(Request(method, path, body=data))
    return response.status, orjson.loads(response.body)


@pytest.mark.parametrize("verb", ["create", "set"])
def test_an_edit_whose_values_are_no_object_is_told_so(verb: str) -> None:
    status, said = send(Counter(), "POST", "/_control/edit", {"entity": "products", verb: None})
    assert status == 400
    assert "object" in said["error"]


def test_the_same_verbs_work_in_the_process_and_over_http() -> None:
    counter = Counter()
    assert send(counter, "POST", "/_control/reset", {"records": 5, "seed": 2, "overlap": 0.5}) == (200, {})
    assert send(counter, "GET", "/_control/state") == (200, counter.state())
    send(counter, "POST", "/x")
    assert send(counter, "GET", "/_control/log/requests") == (200, counter.requests())
    assert send(counter, "GET", "/_control/log/writes") == (200, counter.writes())
    assert send(counter, "GET", "/_control/switches") == (200, counter.switches())
    assert send(counter, "PUT", "/_control/switches", {"step": 3})[1] == counter.switches()
    assert send(counter, "DELETE", "/_control/log") == (200, {})
    assert counter.requests() == counter.writes() == []


def test_controls_are_no_requests_of_the_api() -> None:
    counter = Counter()
    send(counter, "POST", "/_control/reset", {})
    send(counter, "GET", "/_control/state")
    assert counter.requests() == []


@pytest.mark.parametrize(
    ("method", "verb", "body", "status", "message"),
    [
        ("GET", "nonsense", None, 404, "there is no GET nonsense under /_control/"),
        ("DELETE", "state", None, 404, "there is no DELETE state"),
        ("POST", "reset", b"{", 400, "unexpected end of data"),
        ("POST", "reset", [1], 400, "the body is an object"),
        ("POST", "reset", {"colour": 1}, 400, "colour"),
        ("POST", "edit", {}, 400, "there is no such counter"),
        ("POST", "edit", {"id": 7}, 404, "there is no record 7"),
        (
            "PUT",
            "switches",
            {"colour": 1},
            400,
            "there is no switch colour; known are fail_next, latency_seconds, lose",
        ),
        ("PUT", "switches", {"word": "c"}, 400, "word is one of a, b"),
        ("PUT", "switches", {"step": "1"}, 400, "step takes a number from 0 on"),
        ("PUT", "switches", {"step": True}, 400, "step takes a number from 0 on"),
        ("PUT", "switches", {"step": -1}, 400, "step takes a number from 0 on"),
        ("PUT", "switches", {"names": "a"}, 400, "names takes a value like []"),
        ("PUT", "switches", {"fail_next": [{}]}, 400, "fail_next takes a list of"),
        ("PUT", "switches", {"fail_next": [{"match": "GET /", "times": None}]}, 400, "fail_next takes a list of"),
        ("PUT", "switches", {"fail_next": [{"match": "GET /", "status": 99}]}, 400, "fail_next takes a list of"),
        ("PUT", "switches", {"fail_next": [{"match": "GET /", "headers": {"A": 1}}]}, 400, "fail_next takes a list of"),
    ],
)
def test_what_cannot_be_done_is_said(method: str, verb: str, body: Any, status: int, message: str) -> None:
    counter = Counter()
    before = counter.switches()
    answered, content = send(counter, method, f"/_control/{verb}", body)
    assert answered == status
    assert message in content["error"]
    assert counter.switches() == before


def test_either_all_switches_are_set_or_none() -> None:
    counter = Counter()
    with pytest.raises(ValueError, match="word is one of a, b"):
        counter.switches({"step": 5, "word": "c"})
    assert counter.switches()["step"] == 1
    assert counter.switches({"step": 5, "word": "b"})["word"] == "b"
    assert counter.switch("step") == 5


def test_switches_can_be_set_at_the_start() -> None:
    assert Counter(step=4).switch("step") == 4
    with pytest.raises(ValueError, match="there is no switch stride"):
        Counter(stride=4)


def test_two_simulators_share_no_switches() -> None:
    one, other = Counter(), Counter()
    one.switches({"fail_next": [{"match": "POST /x", "status": 500}]})
    assert send(other, "POST", "/x") == (200, 1)


@pytest.mark.parametrize(("after", "count"), [(False, 0), (True, 1)])
def test_a_fault_comes_before_or_after_the_request_is_carried_out(after: bool, count: int) -> None:
    counter = Counter(fail_next=[{"match": "POST /x", "status": 503, "after_commit": after, "body": {"error": "gone"}}])
    assert send(counter, "POST", "/x/y") == (503, {"error": "gone"})
    assert counter.count == count
    assert [row["status"] for row in counter.requests()] == [503]
    assert send(counter, "POST", "/x/y") == (200, count + 1)


def test_faults_are_used_up_in_their_order() -> None:
    faults = [{"match": "POST /x", "status": 500, "times": 2}, {"match": "POST /", "status": 502}]
    counter = Counter(fail_next=faults)
    statuses = [counter.handle(Request("POST", "/x")).status for _ in range(4)]
    assert statuses == [500, 500, 502, 200]
    assert faults[0]["times"] == 2


def test_a_fault_without_a_body_is_plain_and_empty() -> None:
    failed = Counter(fail_next=[{"match": "GET /"}]).handle(Request("GET", "/"))
    assert (failed.status, failed.body, failed.headers) == (500, b"", {"Content-Type": "text/plain"})


def test_answers_to_writes_are_lost_as_often_as_asked_for() -> None:
    counter = Counter(lose_response_after_commit=2)
    assert send(counter, "GET", "/x") == (200, 0)
    for _ in range(2):
        with pytest.raises(ResponseLost):
            send(counter, "POST", "/x")
    assert send(counter, "POST", "/x") == (200, 3)
    assert len(counter.requests()) == 4


def test_latency_is_told_to_the_server() -> None:
    assert Counter().latency() == 0
    assert Counter(latency_seconds=0.25).latency() == 0.25


def test_writes_say_who_what_and_when() -> None:
    counter = Counter()
    send(counter, "POST", "/x")
    assert counter.writes() == [
        {
            "who": "api",
            "action": "update",
            "entity": "counters",
            "id": "1",
            "fields": ["count"],
            "time": "2026-11-23T00:00:00+00:00",
        }
    ]
