"""Runs: what each did, and its undo."""

from __future__ import annotations

from typing import TextIO

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from samklang.console.access import Actor, Entity, Reader, Visitor
from samklang.console.download import Download
from samklang.console.incoming import Checked
from samklang.console.pages.undo_preview import undo_page
from samklang.console.pages.view import Flash, flash_of, page
from samklang.console.place import place_of
from samklang.console.show import count, seconds_of
from samklang.core.spreadsheet import Sheet
from samklang.errors import DecisionError
from samklang.store import actions, lists
from samklang.store.undo import Size, size
from samklang.sync.undo import preview, undo

router = APIRouter(route_class=Checked)
_MOST = 100_000
"""Records and links of a run that is undone from here: with more, judging each would keep the browser waiting."""


@router.get("/runs")
def runs(request: Request, entity: Entity, visitor: Reader, after: str | None = None) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        found = lists.runs(connection, entity.value, after=after)
        done = actions.newest(connection, entity.value, limit=20)
        undone_by = actions.undone_by(connection, entity.value, [one.run_id for one in found.rows if one.undone])
    return page(
        request,
        visitor,
        entity,
        "runs.html",
        runs=found,
        actions=done,
        undone_by=undone_by,
        seconds_of=seconds_of,
        dag_id=entity.dag_id,
        after=after,
    )


@router.get("/runs/{run_id}")
def run(request: Request, entity: Entity, visitor: Reader, run_id: str) -> HTMLResponse:
    return _run(request, entity, visitor, run_id)


@router.get("/runs/{run_id}/undo")
def undo_preview(request: Request, entity: Entity, visitor: Reader, run_id: str) -> HTMLResponse:
    """What an undo would do; nothing is done yet."""
    place = place_of(entity)
    with place.database.read() as connection:
        _refuse_large(size(connection, entity.value, run_id), entity, run_id)
        found = preview(connection, place.mapping, run_id=run_id)
        return undo_page(request, entity, visitor, place, connection, found, run_id=run_id)


@router.get("/runs/{run_id}/made.csv")
def made(entity: Entity, visitor: Reader, run_id: str) -> Download:
    """The records that a run linked or made: what its undo keeps apart and does not delete."""
    place = place_of(entity)

    def write(file: TextIO) -> None:
        place.note_export(visitor, {"file": "made.csv", "run": run_id})
        with place.database.read() as connection:
            found = preview(connection, place.mapping, run_id=run_id)
        sheet = Sheet(file)
        sheet.line([*(f"{side}_id" for side in place.mapping.sides), "origin"])
        for one in found.made:
            sheet.line([*(one.ids.get(side, "") for side in place.mapping.sides), one.origin])

    return Download(f"{entity.value}-made.csv", write)


@router.post("/runs/{run_id}/undo")
def undo_run(request: Request, entity: Entity, visitor: Actor, run_id: str) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        _refuse_large(size(connection, entity.value, run_id), entity, run_id)
    done = place.act("undo", visitor, lambda desk: undo(desk, run_id=run_id), {"run": run_id})
    what = flash_of(done, "The next run puts back, or keeps apart", "Nothing is left to put back.")
    return _run(request, entity, visitor, run_id, what)


def _refuse_large(done: Size, entity: Entity, run_id: str) -> None:
    """:raises DecisionError: the run did more than can be undone from here."""
    if done.writes + done.links > _MOST:
        raise DecisionError(
            f"This run wrote to {count(done.writes, 'record')} and made {count(done.links, 'link')}: too much to be "
            "judged while you wait.",
            remedy=f"Look at it, and undo it, on the command line: samklang undo {entity.value} --run {run_id}",
        )


def _run(request: Request, entity: Entity, visitor: Visitor, run_id: str, flash: Flash | None = None) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        one = lists.run(connection, entity.value, run_id)
        if one is None:
            raise HTTPException(404)
        done = size(connection, entity.value, run_id)
        undone_by = actions.undone_by(connection, entity.value, [run_id]).get(run_id, [])
    return page(
        request,
        visitor,
        entity,
        "run.html",
        run=one,
        done=done,
        undone_by=undone_by,
        flash=flash,
        seconds=seconds_of(one.started_at, one.finished_at),
        dag_id=entity.dag_id,
    )
