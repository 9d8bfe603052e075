"""What may come in: who sends a form or a file, and how much of it, is judged before anything of it is read.

FastAPI parses a body, and keeps a file that comes with it on disk, before it asks any dependency who sent it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import HTTPException, Request, Response, UploadFile
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.types import Message, Receive

from samklang.console.access import Entity, actor, asker, reader

LARGEST_FORM = 2**20
LARGEST_FILE = 16 * 2**20
"""Bytes of a whole request. A line of a match file has about a hundred."""
_SECONDS = 120
"""For all of a body to come in."""
_bearer = HTTPBearer(auto_error=False)


class Checked(APIRoute):
    """A route of the console. Its dependencies ask the same once more; here it is before the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        needed = list(_all(self.dependant))
        acts = any(one.call is actor for one in needed)
        files = any(one.field_info.annotation is UploadFile for part in needed for one in part.body_params)
        most = LARGEST_FILE if files else LARGEST_FORM

        async def checked(request: Request) -> Response:
            user = await get_user(request, None, await _bearer(request))
            await run_in_threadpool(_let_in, request, user, acts)
            return await handle(_Form(request.scope, _bounded(request, most)))

        return checked


class _Form(Request):
    """A request whose form has only characters that every database takes."""

    async def form(self, **limits: Any) -> FormData:  # type: ignore[override]  # FastAPI awaits it, no more
        """:raises HTTPException: 422, there is a NUL in it. Files are looked at by who reads them."""
        form = await super().form(**limits)
        if any("\0" in text for _, text in form.multi_items() if isinstance(text, str)):
            raise HTTPException(422, "A character of this is none of any text.")
        return form


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _all(one)


def _let_in(request: Request, user: Any, acts: bool) -> None:
    """:raises HTTPException: 403, 404."""
    name = request.path_params["entity"]
    if name not in set(Entity):
        raise HTTPException(404)
    entity = Entity(name)
    visitor = asker(request, reader(entity, user))
    if acts:
        actor(entity, visitor)


def _bounded(request: Request, most: int) -> Receive:
    """What a request brings, up to `most` bytes. :raises HTTPException: 413; 408, it has not come in time."""
    too_large = HTTPException(
        413, f"This is larger than {most // 2**20} MB. Keep the lines with a decision, and the first line."
    )
    told = request.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > most:
        raise too_large
    until = asyncio.get_running_loop().time() + _SECONDS
    came = 0

    async def receive() -> Message:
        nonlocal came
        try:
            async with asyncio.timeout_at(until):
                message = await request.receive()
        except TimeoutError:
            raise HTTPException(408, "This took too long to come in. Try again.") from None
        came += len(message.get("body", b""))
        if came > most:
            raise too_large
        return message

    return receive
