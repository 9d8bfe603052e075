"""Conflicts: both values, what decided between them, and a person's last word."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from samklang.console.access import Actor, Entity, Reader, Visitor
from samklang.console.incoming import Checked
from samklang.console.pages.view import Flash, flash_of, page
from samklang.console.place import place_of
from samklang.errors import DecisionError
from samklang.store import lists
from samklang.sync.conflicts import keep, take

router = APIRouter(route_class=Checked)
STATES = ("open", "decided", "reviewed")
_RULES = ("latest", "tie", "policy", "group", "not_empty", "direction", "ask", "person", "agreed", "unlinked")
Choice = Annotated[str, Query(max_length=100)]


@router.get("/conflicts")
def conflicts(
    request: Request,
    entity: Entity,
    visitor: Reader,
    show: Choice = "",
    field: Choice = "",
    kind: Choice = "",
    rule: Choice = "",
    after: str | None = None,
) -> HTMLResponse:
    """:param show: of `STATES`; by default what waits for a person, else what nobody has looked at."""
    return _page(request, entity, visitor, {"show": show, "field": field, "kind": kind, "rule": rule}, after)


@router.post("/conflicts")
def decide(
    request: Request,
    entity: Entity,
    visitor: Actor,
    action: Annotated[str, Form(pattern="^(take|keep)$")],
    ids: Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]] | None, Form()] = None,
    side: Annotated[str, Form(max_length=20)] = "",
    show: Annotated[str, Form(max_length=20)] = "",
    field: Annotated[str, Form(max_length=100)] = "",
    kind: Annotated[str, Form(max_length=20)] = "",
    rule: Annotated[str, Form(max_length=20)] = "",
) -> HTMLResponse:
    """:param ids: of conflicts. :param side: whose value stands; of decided conflicts empty: the one that lost."""
    chosen, asked = ids or [], {"show": show, "field": field, "kind": kind, "rule": rule}
    if not chosen:
        return _page(request, entity, visitor, asked, None, Flash("Choose conflicts first.", bad=True))
    place = place_of(entity)
    try:
        if action == "keep":
            flash = flash_of(place.act("keep", visitor, lambda desk: keep(desk, chosen)), "Kept as decided")
        else:
            done = place.act("take", visitor, lambda desk: take(desk, chosen, side or None))
            flash = flash_of(done, "Taken, and written by the next run")
    except DecisionError as error:
        flash = Flash(str(error), bad=True)
    return _page(request, entity, visitor, asked, None, flash)


def _page(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    asked: dict[str, str],
    after: str | None,
    flash: Flash | None = None,
) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        if asked["show"] not in STATES:
            waiting = lists.conflicts(connection, place.mapping, state="open", limit=1).rows
            asked = {**asked, "show": "open" if waiting else "decided"}
        found = lists.conflicts(
            connection,
            place.mapping,
            state=asked["show"],
            field=asked["field"] or None,
            kind=asked["kind"] or None,
            rule=asked["rule"] or None,
            after=after,
        )
    return page(
        request,
        visitor,
        entity,
        "conflicts.html",
        rows=found,
        asked=asked,
        first=after is None,
        states=STATES,
        rules=_RULES,
        sides=place.mapping.sides,
        fields=[f.name for f in place.mapping.fields],
        flash=flash,
    )
