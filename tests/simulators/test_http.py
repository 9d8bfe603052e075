"""The seam between a simulator and the world: in the process, over a socket, and as a program of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from samklang.simulators.__main__ import main
from samklang.simulators.http import InProcess, Request, Response, ResponseLost, json_response, parse_url, served

BASE = "http://127.0.0.1:9101"


class Echo:
    """Answers with what it was asked."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds
        self.asked: list[Request] = []
        self.busy = 0

    def handle(self, request: Request) -> Response:
        self.busy += 1
        assert self.busy == 1, "two requests at once"
        self.asked.append(request)
        time.sleep(0.001)
        self.busy -= 1
        if request.path == "/lost":
            raise ResponseLost
        if request.path == "/empty":
            return Response(204, {"X-Kind": "empty"})
        return json_response({"path": request.path, "query": request.query}, 201, {"X-Kind": "echo"})

    def latency(self) -> float:
        return self.seconds


@contextmanager
def in_process(simulator: Echo) -> Iterator[tuple[requests.Session, str]]:
    session = requests.Session()
    session.mount(BASE, InProcess(simulator))
    yield session, BASE


@contextmanager
def over_a_socket(simulator: Echo) -> Iterator[tuple[requests.Session, str]]:
    with served(simulator) as url, requests.Session() as session:
        yield session, url


@pytest.fixture(params=[in_process, over_a_socket])
def way(request: pytest.FixtureRequest) -> Callable[[Echo], Any]:
    """Both ways to reach a simulator."""
    chosen: Callable[[Echo], Any] = request.param
    return chosen


def test_a_request_arrives_as_it_was_sent(way: Callable[[Echo], Any]) -> None:
    echo = Echo()
    with way(echo) as (session, url):
        query = {"a": ["x y+z", "æ"], "b": ""}
        session.patch(f"{url}/v2/Sjø%20og%20land", params=query, data=b"\x00body", headers={"X-Own": "1"})
    (request,) = echo.asked
    assert (request.method, request.path, request.body) == ("PATCH", "/v2/Sjø og land", b"\x00body")
    assert request.query == {"a": ["x y+z", "æ"], "b": [""]}
    assert request.headers["x-own"] == "1"
    assert request.base_url == url


def test_an_answer_arrives_as_it_was_given(way: Callable[[Echo], Any]) -> None:
    with way(Echo()) as (session, url):
        answer = session.get(f"{url}/a", params={"b": "1"})
        empty = session.delete(f"{url}/empty")
    assert (answer.status_code, answer.json()) == (201, {"path": "/a", "query": {"b": ["1"]}})
    assert (answer.headers["x-kind"], answer.headers["Content-Type"]) == ("echo", "application/json; charset=utf-8")
    assert (empty.status_code, empty.content, empty.headers["X-Kind"]) == (204, b"", "empty")


def test_a_body_of_text_arrives_as_utf_8(way: Callable[[Echo], Any]) -> None:
    echo = Echo()
    with way(echo) as (session, url):
        session.post(f"{url}/a", data="æøå".encode(), headers={"Content-Type": "text/plain"})
        session.post(f"{url}/a", json={"name": "Åse"})
    assert [request.body for request in echo.asked] == ["æøå".encode(), b'{"name": "\\u00c5se"}']


def test_a_lost_answer_is_a_broken_connection(way: Callable[[Echo], Any]) -> None:
    echo = Echo()
    with way(echo) as (session, url):
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.post(f"{url}/lost")
        assert session.get(f"{url}/a").status_code == 201
    assert [request.path for request in echo.asked] == ["/lost", "/a"]


def test_only_bytes_and_text_can_be_sent_in_the_process() -> None:
    with in_process(Echo()) as (session, url), pytest.raises(TypeError, match="cannot be sent"):
        session.post(f"{url}/a", data=iter([b"a"]))


def test_requests_are_answered_one_at_a_time_however_many_come() -> None:
    echo = Echo()
    with served(echo) as url, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: requests.get(f"{url}/{number}", timeout=10), range(24)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(echo.asked) == 24


def test_latency_is_waited_for_over_a_socket_and_never_by_the_controls() -> None:
    with served(Echo(seconds=0.6)) as url:
        started = time.monotonic()
        requests.get(f"{url}/_control/state", timeout=10)
        controls = time.monotonic() - started
        requests.get(f"{url}/a", timeout=10)
        assert time.monotonic() - started - controls >= 0.6
        assert controls < 0.6
    with in_process(Echo(seconds=60)) as (session, base):
        assert session.get(f"{base}/a").status_code == 201


def test_nothing_answers_once_it_has_ended() -> None:
    with served(Echo()) as url:
        assert requests.get(url, timeout=10).status_code == 201
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)


def test_urls_are_taken_apart_as_servers_do() -> None:
    request = parse_url("get", "https://host:1/a%2Fb?x=1&x=2&y=a%2Bb+c&z=", {"X-A": "1"}, b"")
    assert (request.method, request.path, request.base_url) == ("GET", "/a/b", "https://host:1")
    assert request.query == {"x": ["1", "2"], "y": ["a+b c"], "z": [""]}
    assert request.headers == {"x-a": "1"}


# --- python -m samklang.simulators


@pytest.mark.parametrize("system", ["powerofficego", "shopify"])
def test_each_system_can_be_started_alone(system: str) -> None:
    command = [sys.executable, "-m", "samklang.simulators", system, "--port", "0", "--records", "7", "--seed", "3"]
    with subprocess.Popen([*command, "--switch", "latency_seconds=0.01"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            name, _, url = process.stdout.readline().strip().partition(" at ")
            assert name == system
            assert url.startswith("http://127.0.0.1:")
            assert len(requests.get(f"{url}/_control/state", timeout=10).json()["products"]) == 7
            assert requests.get(f"{url}/_control/switches", timeout=10).json()["latency_seconds"] == 0.01
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["powerofficego"], "--port"),
        (["fiken", "--port", "0"], "invalid choice"),
        (["powerofficego", "--port", "0", "--switch", "nonsense=1"], "there is no switch nonsense; known are"),
        (["powerofficego", "--port", "0", "--switch", "dates"], "--switch takes NAME=VALUE, not dates"),
        (["shopify", "--port", "0", "--switch", "latency_seconds=soon"], "latency_seconds takes a number"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
