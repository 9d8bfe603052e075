"""The matches as a file: taken out, gone through at one's desk, looked at, and read in."""

from __future__ import annotations

import hashlib
import io
from typing import Annotated, TextIO

from fastapi import APIRouter, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse

from samklang.console.access import Actor, Entity, Reader
from samklang.console.download import Download, Slots
from samklang.console.incoming import Checked
from samklang.console.pages.view import page
from samklang.console.place import place_of
from samklang.console.show import count
from samklang.core.mapping import Mapping
from samklang.errors import ConfigurationError, DecisionError
from samklang.sync.act import rehearse
from samklang.sync.match_file import Line, carry_out, in_stretches, read
from samklang.sync.match_lists import NAMES, Matches

router = APIRouter(route_class=Checked)
_SHOWN = 200
_MOST = 10_000
"""Decisions of one file: with more, a browser would wait too long."""
_LOOKS = Slots(1, "Somebody else is looking at a file at the moment.")
"""Each looks at a copy of the store."""


@router.get("/matches/file.csv")
def export(entity: Entity, visitor: Reader, show: str = "") -> Download:
    """:param show: a list; empty: all."""
    place = place_of(entity)

    def write(file: TextIO) -> None:
        place.note_export(visitor, {"file": "matches.csv", "list": show or "all"})
        with place.database.read() as connection:
            file.writelines(Matches(connection, place.mapping, place.staging).as_csv(NAMES, only=show or None))

    return Download(f"{entity.value}-matches.csv", write)


@router.get("/matches/file")
def ask_for_file(request: Request, entity: Entity, visitor: Reader) -> HTMLResponse:
    return page(request, visitor, entity, "match_file.html", found=None, done=None, seen="", shown=_SHOWN)


@router.post("/matches/file")
def look(request: Request, entity: Entity, visitor: Actor, file: Annotated[UploadFile, File()]) -> HTMLResponse:
    """What each line would do; nothing is done yet."""
    place, content = place_of(entity), file.file.read()
    with _LOOKS.taken():
        lines = _lines(place.mapping, content)
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
    place, content = place_of(entity), file.file.read()
    if _digest(content) != seen:
        raise DecisionError("This is not the file that you have looked at.", remedy="Look at it first.")
    with _LOOKS.taken():
        lines = _lines(place.mapping, content)
    done = in_stretches(lines, lambda decide, lines: place.act("import", visitor, decide, {"lines": lines}))
    return page(request, visitor, entity, "match_file_found.html", found=None, done=done, seen="", shown=_SHOWN)


def _lines(mapping: Mapping, content: bytes) -> list[Line]:
    """:raises HTTPException: 422, the file is none, or has too many decisions."""
    try:
        lines = read(mapping, io.StringIO(content.decode("utf-8-sig"), newline=""), _MOST + 1)
    except UnicodeDecodeError:
        raise HTTPException(422, "The file cannot be read. Save it as CSV, UTF-8.") from None
    except ConfigurationError as error:
        raise HTTPException(422, str(error)) from None
    if len(lines) > _MOST:
        raise HTTPException(
            422,
            f"The file has more than {count(_MOST, 'decision')}, which is all that this page takes. Take it apart, or "
            f"use the command line: samklang matches {mapping.entity} --import FILE",
        )
    return lines


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
