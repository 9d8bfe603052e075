"""Who sends much, or takes it slowly, keeps nobody else from the store, the console or Airflow's API."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TextIO

import pytest
from fastapi import FastAPI
from tests.console.conftest import OURS, PATH, Browser
from tests.sync.world import World

from samklang.store.database import Database
from samklang.store.schema import actions
from samklang.sync.match_file import read

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
MANY = 40
BOUNDARY = b"----b"
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Call:
    """One request, as a server hands it to the application. :param take: called with each piece of the answer."""

    def __init__(
        self, app: FastAPI, method: str, path: str, headers: dict[str, str],
        body: Iterator[bytes] | None = None, take: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.app, self.body, self.take, self.came, self.status, self.answer = app, body or iter(()), take, 0, 0, b""
        where, _, query = path.partition("?")
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": where, "raw_path": where.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()], "client": ("127.0.0.1", 1),
            "server": ("airflow.example", 80), "state": {},
        }  # fmt: skip

    async def run(self) -> Call:
        await self.app(self.scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        piece = next(self.body, None)
        if piece is None and self.came:
            await asyncio.sleep(3600)  # as a server does until the client has gone
        self.came += len(piece or b"")
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.answer += message.get("body", b"")
        if self.take and message["type"] == "http.response.body":
            await self.take(message)


def file_of(megabytes: int) -> Iterator[bytes]:
    yield b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="m.csv"\r\n\r\n'
    for _ in range(megabytes):
        yield b"x" * 2**20
    yield b"\r\n--" + BOUNDARY + b"--\r\n"


def field_of(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"which=" + b"x" * 1000 + b"&"
        yield b"which=x&" * 2**17


@pytest.fixture
def app(airflow_at: Callable[[], FastAPI], world: World) -> FastAPI:
    world.pair(**KARI)
    return airflow_at()


@pytest.mark.parametrize(("path", "kind", "body"), [("/matches/file", MULTIPART, file_of(50)),
                                                    ("/matches/file/carry-out", MULTIPART, file_of(50)),
                                                    ("/matches/unlink", FORM, field_of(50))])  # fmt: skip
def test_nothing_is_read_of_what_somebody_sends_who_may_not(
    app: FastAPI, viewer: Browser, path: str, kind: dict[str, str], body: Iterator[bytes]
) -> None:
    """2,000 MB were kept on disk for somebody who had not signed in."""
    for who, status in ({}, 401), (viewer.headers, 403), ({"Authorization": "Bearer nonsense"}, 403):
        call = asyncio.run(Call(app, "POST", PATH + path, OURS | kind | who, body).run())
        assert (call.status, call.came) == (status, 0)


@pytest.mark.parametrize(("path", "kind", "body", "most"), [("/matches/file", MULTIPART, file_of(50), 18),
                                                            ("/matches/unlink", FORM, field_of(50), 3)])  # fmt: skip
@pytest.mark.parametrize("told", [True, False])
def test_a_large_body_is_refused_before_it_is_read_to_its_end(
    app: FastAPI, user: Browser, path: str, kind: dict[str, str], body: Iterator[bytes], most: int, told: bool
) -> None:
    headers = OURS | kind | user.headers | ({"content-length": str(50 * 2**20)} if told else {})
    call = asyncio.run(Call(app, "POST", PATH + path, headers, body).run())
    assert call.status == 413
    assert b"is larger than" in call.answer
    assert call.came <= (0 if told else most * 2**20)


def test_a_body_that_drips_is_given_up(app: FastAPI, user: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.console import incoming

    monkeypatch.setattr(incoming, "_SECONDS", 0.2)
    call = Call(app, "POST", f"{PATH}/matches/file", OURS | MULTIPART | user.headers, iter([b"--"]))
    call._receive = lambda: asyncio.sleep(3600)  # type: ignore[method-assign, assignment, return-value]
    assert asyncio.run(call.run()).status == 408


def test_a_look_at_a_file_keeps_no_run_waiting(
    app: FastAPI, world: World, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview of 30 MB held the write lock for half an hour, and both extracts hung."""
    from samklang.console.pages import match_file

    begun, over = threading.Event(), threading.Event()
    inner = match_file.carry_out

    def slowly(*args: Any) -> Any:
        done = inner(*args)
        begun.set()
        over.wait(30)
        return done

    monkeypatch.setattr(match_file, "carry_out", slowly)
    content = b"powerofficego,shopify,decision\npowerofficego:1,,unlink\n"
    answers: list[Any] = []

    def look() -> None:
        files = {"file": ("m.csv", content)}
        answers.append(user.client.post(f"{PATH}/matches/file", files=files, headers=user.headers | OURS))

    one = threading.Thread(target=look)
    one.start()
    assert begun.wait(30)
    monkeypatch.setattr("samklang.store.database._BUSY_SECONDS", 0.1)
    other = Database(str(world.database.engine.url))
    with other.begin() as connection:  # as an extract does
        connection.execute(actions.delete())
    other.close()
    look()  # and a second one is told so at once, instead of making one more copy
    over.set()
    one.join(30)
    busy, looked = answers
    assert busy.status_code == 429
    assert "Try again in a minute" in busy.text
    assert "Would be carried out" in looked.text


def test_a_file_with_too_many_decisions_is_not_read_to_its_end(world: World) -> None:
    """16 MB of them were half a million objects before anybody counted, and took a minute of the console's process."""
    file = io.StringIO("powerofficego,shopify,decision\n" + "powerofficego:1,,exclude\n" * 100_000, newline="")
    assert len(read(world.mapping, file, 3)) == 3
    assert file.tell() < 100_000


def test_a_file_with_too_many_decisions_is_not_begun(
    app: FastAPI, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console.pages import match_file

    monkeypatch.setattr(match_file, "_MOST", 2)
    content = b"powerofficego,shopify,decision\n" + b"powerofficego:1,,exclude\n" * 3
    answer = user.client.post(f"{PATH}/matches/file", files={"file": ("m.csv", content)}, headers=user.headers | OURS)
    assert answer.status_code == 422
    assert "samklang matches customers --import" in answer.text


def test_downloads_that_stall_keep_neither_the_store_nor_a_thread(
    app: FastAPI, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen of them took the console down, and Airflow's API to 27 seconds an answer."""
    from samklang.console import download, place

    monkeypatch.setattr(download, "STALL", 1)
    pages: list[Call] = []

    async def stall(_message: dict[str, Any]) -> None:
        await asyncio.sleep(3600)

    async def all_at_once() -> list[Any]:
        calls = [Call(app, "GET", f"{PATH}/matches/file.csv", viewer.headers, take=stall) for _ in range(MANY)]
        tasks = [asyncio.create_task(call.run()) for call in calls]
        while sum(call.answer != b"" for call in calls) < MANY:
            await asyncio.sleep(0.01)
        assert place._database().engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        pages.append(await asyncio.wait_for(Call(app, "GET", f"{PATH}/matches", viewer.headers).run(), 10))
        assert sorted({call.status for call in calls}) == [200, 429]
        assert sum(call.status == 200 for call in calls) == 4
        assert not download._DOWNLOADS._free.acquire(blocking=False)
        await asyncio.sleep(1.5)
        again = await asyncio.wait_for(Call(app, "GET", f"{PATH}/matches/file.csv", viewer.headers).run(), 10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [again]

    (again,) = asyncio.run(all_at_once())
    assert pages[0].status == 200
    assert b"Kari" in pages[0].answer
    assert again.answer.startswith(b"list,reason,")  # those that stalled were given up, and their places are free


def test_a_download_tells_its_length_so_that_one_cut_short_is_no_whole_one(app: FastAPI, viewer: Browser) -> None:
    answer = viewer.get("/matches/file.csv")
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_download_that_cannot_be_made_says_why_on_a_page(
    app: FastAPI, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.console.download import Download
    from samklang.errors import StoreUnavailableError

    def fail(_self: Download, _file: TextIO) -> int:
        raise StoreUnavailableError("All of this process's connections to the link store are in use.", remedy="Wait.")

    monkeypatch.setattr(Download, "_make", fail)
    answer = viewer.get("/matches/file.csv")
    assert answer.status_code == 503
    assert "connections to the link store are in use" in answer.text
