"""The matches as a file: taken out, gone through at one's desk, looked at, and read in."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse

from samklang.console.access import Actor, Entity, Reader
from samklang.console.pages.view import page
from samklang.console.place import Place, place_of
from samklang.errors import ConfigurationError, DecisionError
from samklang.sync.act import rehearse
from samklang.sync.match_file import carry_out, read
from samklang.sync.match_lists import NAMES, Matches

router = APIRouter()
_LARGEST = 64 * 2**20
_SHOWN = 200


@router.get("/matches/file.csv")
def export(entity: Entity, _visitor: Reader, show: str = "") -> StreamingResponse:
    """:param show: a list; empty: all."""
    place = place_of(entity)
    headers = {"Content-Disposition": f'attachment; filename="{entity.value}-matches.csv"'}
    return StreamingResponse(_lines(place, show), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/matches/file")
def ask_for_file(request: Request, entity: Entity, visitor: Reader) -> HTMLResponse:
    return page(request, visitor, entity, "match_file.html", found=None, done=None, seen="", shown=_SHOWN)


@router.post("/matches/file")
def look(request: Request, entity: Entity, visitor: Actor, file: Annotated[UploadFile, File()]) -> HTMLResponse:
    """What each line would do; nothing is done yet."""
    place, content = place_of(entity), _content(file)
    lines = read(place.mapping, _text(content))
    found = rehearse(place.database, place.terms, lambda desk: carry_out(desk, lines))
    return page(
        request, visitor, entity, "match_file_found.html", found=found, done=None, seen=_digest(content), shown=_SHOWN
    )


@router.post("/matches/file/carry-out")
def carry_out_(
    request: Request,
    entity: Entity,
    visitor: Actor,
    file: Annotated[UploadFile, File()],
    seen: Annotated[str, Form(max_length=64)] = "",
) -> HTMLResponse:
    """:param seen: of the file that was looked at."""
    place, content = place_of(entity), _content(file)
    if _digest(content) != seen:
        raise DecisionError("This is not the file that you have looked at.", remedy="Look at it first.")
    lines = read(place.mapping, _text(content))
    done = place.act("import", visitor, lambda desk: carry_out(desk, lines), {"lines": len(lines)})
    return page(request, visitor, entity, "match_file_found.html", found=None, done=done, seen="", shown=_SHOWN)


def _content(file: UploadFile) -> bytes:
    content = file.file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ConfigurationError(
            "The file is too large.", remedy="Keep the lines with a decision, and the first line, and try again."
        )
    return content


def _text(content: bytes) -> io.StringIO:
    try:
        return io.StringIO(content.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise ConfigurationError("The file cannot be read.", remedy="Save it as CSV, UTF-8.") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lines(place: Place, show: str) -> Iterator[str]:
    """A few hundred lines at a time, however many there are."""
    with place.database.read() as connection:
        matches = Matches(connection, place.mapping, place.staging)
        yield from matches.as_csv(NAMES, only=show or None)
