"""What an undo would do, of a whole run or of one record in it; nothing is done yet."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from samklang.console.access import Entity, Visitor
from samklang.console.pages.view import page
from samklang.console.place import Place
from samklang.store import lists
from samklang.sync.undo import Undo

_SHOWN = 200
"""Rows of each list on the page; the download of a run has all."""


def undo_page(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    place: Place,
    connection: Connection,
    found: Undo,
    *,
    run_id: str,
    record: str | None = None,
) -> HTMLResponse:
    """:param record: `side:id`; None: the whole run."""
    who = [(one.side, one.record_id) for one in (*found.fields[:_SHOWN], *found.moved[:_SHOWN])]
    who += [end for one in found.made[:_SHOWN] for end in one.ids.items()]
    return page(
        request,
        visitor,
        entity,
        "undo.html",
        run_id=run_id,
        record=record,
        undo=found,
        names=lists.shown(connection, place.mapping, who),
        sides=place.mapping.sides,
        shown=_SHOWN,
    )
