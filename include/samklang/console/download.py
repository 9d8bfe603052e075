"""Downloads: made whole first, then sent: who reads slowly keeps neither a connection to the store nor a thread."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import IO, TextIO

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SECONDS = 600
STALL = 30
"""For the whole of a download, and for one piece of it to be taken."""
_PIECE = 2**17


class Slots:
    """How many may do something costly at once, in this process; one more is told so at once, and does not wait."""

    def __init__(self, number: int, what: str) -> None:
        self._free = BoundedSemaphore(number)
        self._what = what

    @contextmanager
    def taken(self) -> Iterator[None]:
        """:raises HTTPException: 429."""
        if not self._free.acquire(blocking=False):
            raise HTTPException(429, f"{self._what} Try again in a minute.")
        try:
            yield
        finally:
            self._free.release()


_DOWNLOADS = Slots(4, "Others are downloading files at the moment.")


class Download(Response):
    """A CSV file. :param write: writes it; called in a worker thread, and over before the first byte is sent."""

    media_type = "text/csv"

    def __init__(self, name: str, write: Callable[[TextIO], object]) -> None:
        super().__init__(headers={"Content-Disposition": f'attachment; filename="{name}"'})
        del self.headers["Content-Length"]
        self._write = write

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """:raises TimeoutError: the client took too long; what it has is cut short, and it can tell by the length."""
        with _DOWNLOADS.taken(), TemporaryFile() as file:  # nameless, so for nobody else, and gone with this process
            self.headers["Content-Length"] = str(await run_in_threadpool(self._make, file))
            async with asyncio.timeout(SECONDS):
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                piece = b"?"
                while piece:
                    piece = await run_in_threadpool(file.read, _PIECE)
                    async with asyncio.timeout(STALL):
                        await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})

    def _make(self, file: IO[bytes]) -> int:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._write(text)
        text.flush()
        text.detach()
        size = file.tell()
        file.seek(0)
        return size
