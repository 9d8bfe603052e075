"""Plans: what each run would write, or wrote, record by record and field by field, and what came back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse

from samklang.console.access import Entity, Reader
from samklang.console.incoming import Checked
from samklang.console.pages.view import page
from samklang.console.place import place_of
from samklang.errors import StagingError
from samklang.store import lists
from samklang.sync.planned import Book
from samklang.sync.review import beyond_limits

router = APIRouter(route_class=Checked)
_PARTS = ("rows", "links", "conflicts", "held", "ambiguous", "excluded")
_WHYS = ("edit", "fill", "clear", "conflict", "drift", "create", "undo", "take")
_OUTCOMES = (
    "waiting",
    "written",
    "created",
    "moved",
    "refused",
    "unclear",
    "unread",
    "outdated",
    "linked",
    "parked",
    "gone",
    "erased",
    "failed",
)


@router.get("/plans")
def plans(request: Request, entity: Entity, visitor: Reader, after: str | None = None) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        found = lists.runs(connection, entity.value, after=after)
    return page(request, visitor, entity, "plans.html", runs=found, after=after)


@router.get("/plans/{plan_id}")
def plan(
    request: Request,
    entity: Entity,
    visitor: Reader,
    plan_id: Annotated[int, Path(ge=0, lt=2**31)],
    part: str = "rows",
    side: str = "",
    op: str = "",
    field: str = "",
    why: str = "",
    outcome: str = "",
    record: Annotated[str, Query(pattern="^[0-9]*$", max_length=30)] = "",
    reason: str = "",
    after: str | None = None,
) -> HTMLResponse:
    """One plan. :param part: of `_PARTS`. :param record: an id on either side."""
    place = place_of(entity)
    asked = {"part": part if part in _PARTS else "rows", "side": side, "op": op, "field": field, "why": why,
             "outcome": outcome, "record": record, "reason": reason}  # fmt: skip
    with place.database.read() as connection:
        one = lists.plan(connection, entity.value, plan_id)
        if one is None:
            raise HTTPException(404)
        book = Book(connection, place.staging, place.mapping, one)
        expired = ""
        try:
            rows = _rows(book, asked, after)
        except StagingError as error:
            rows, expired = lists.Page(), str(error)
    return page(
        request,
        visitor,
        entity,
        "plan.html",
        plan=one,
        asked=asked,
        rows=rows,
        expired=expired,
        beyond=beyond_limits(place.mapping, one.counts),
        sides=place.mapping.sides,
        fields=[f.name for f in place.mapping.fields],
        whys=_WHYS,
        outcomes=_OUTCOMES,
        dag_id=entity.dag_id,
        after=after,
    )


def _rows(book: Book, asked: dict[str, str], after: str | None) -> lists.Page:  # type: ignore[type-arg]
    side, reason = asked["side"] or None, asked["reason"] or None
    match asked["part"]:
        case "links":
            return book.links(after=after)
        case "conflicts":
            return book.clashes(field=asked["field"] or None, after=after)
        case "held":
            return book.held(reason=reason, side=side, record_id=asked["record"] or None, after=after)
        case "ambiguous":
            return book.ambiguous(after=after)
        case "excluded":
            return book.excluded(reason=reason, side=side, after=after)
        case _:
            return book.rows(
                side=side,
                op=asked["op"] or None,
                field=asked["field"] or None,
                why=asked["why"] or None,
                outcome=asked["outcome"] or None,
                among=[(one, asked["record"]) for one in book.mapping.sides] if asked["record"] else None,
                after=after,
            )
