"""Quarantine: what is held back or was refused, why, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from samklang.console.access import Actor, Entity, Reader, Visitor
from samklang.console.incoming import Checked
from samklang.console.pages.view import Flash, flash_of, page
from samklang.console.place import place_of
from samklang.errors import DecisionError
from samklang.store import lists
from samklang.sync.decide import Desk, Done
from samklang.sync.exclude import exclude
from samklang.sync.quarantine import Held, matching, retry, skip

router = APIRouter(route_class=Checked)
KINDS = {"quarantined": True, "held": False}
_TOLD = {
    "retry": "Tried again by the next run",
    "skip": "Skipped until somebody edits one of the two records",
    "exclude": "Kept out of the sync",
}
Choice = Annotated[str, Query(max_length=100)]


@router.get("/quarantine")
def quarantine(
    request: Request,
    entity: Entity,
    visitor: Reader,
    show: Choice = "quarantined",
    reason: Choice = "",
    side: Choice = "",
    after: str | None = None,
) -> HTMLResponse:
    """:param show: `quarantined`: whole records; `held`: fields. :param side: where it cannot go."""
    return _page(request, entity, visitor, {"show": show, "reason": reason, "side": side}, after)


@router.get("/quarantine/{side}/{source_id}")
def history(request: Request, entity: Entity, visitor: Reader, side: str, source_id: str) -> HTMLResponse:
    """Every attempt of one record that was refused."""
    place = place_of(entity)
    if side not in place.mapping.sides:
        raise HTTPException(404)
    with place.database.read() as connection:
        attempts = lists.refusals(connection, entity.value, side, source_id)
        held = lists.holds(connection, place.mapping, side=side, record_id=source_id).rows
        end = (place.mapping.other(side), source_id)
        shown = lists.shown(connection, place.mapping, [end])[end]
    return page(request, visitor, entity, "attempts.html", attempts=attempts, held=held, shown=shown, towards=side)


@router.post("/quarantine")
def decide(
    request: Request,
    entity: Entity,
    visitor: Actor,
    action: Annotated[str, Form(pattern="^(retry|skip|exclude)$")],
    which: Annotated[list[str] | None, Form()] = None,
    scope: Annotated[str, Form(pattern="^(chosen|all)$")] = "chosen",
    show: Annotated[str, Form(max_length=20)] = "quarantined",
    reason: Annotated[str, Form(max_length=100)] = "",
    side: Annotated[str, Form(max_length=20)] = "",
) -> HTMLResponse:
    """:param which: each as `side source_id field`. :param scope: `all`: whatever the filters find."""
    place, asked = place_of(entity), {"show": show, "reason": reason, "side": side}
    if scope == "all":
        with place.database.read() as connection:
            chosen = matching(
                connection,
                entity.value,
                reason=reason or None,
                side=side or None,
                quarantined=KINDS.get(show),
            )
    else:
        chosen = [_held(place.mapping.sides, one) for one in which or []]
    if not chosen:
        return _page(request, entity, visitor, asked, None, Flash("Choose records first.", bad=True))
    records = [(place.mapping.other(one.side), one.source_id) for one in chosen]

    def carry_out(desk: Desk) -> Done:
        if action == "exclude":
            return exclude(desk, records)
        return (retry if action == "retry" else skip)(desk, chosen)

    try:
        done = place.act(
            action,
            visitor,
            carry_out,
            {name: value for name, value in (("reason", reason), ("scope", scope)) if value},
        )
        flash = flash_of(done, _TOLD[action])
    except DecisionError as error:
        flash = Flash(str(error), bad=True)
    return _page(request, entity, visitor, asked, None, flash)


def _held(sides: Sequence[str], text: str) -> Held:
    """:raises HTTPException: 422 for what no page of ours sends."""
    parts = text.split(" ", 2)
    if len(parts) != 3 or parts[0] not in sides:
        raise HTTPException(422, "A record is chosen by its side, id and field.")
    return Held(*parts)


def _page(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    asked: dict[str, str],
    after: str | None,
    flash: Flash | None = None,
) -> HTMLResponse:
    place = place_of(entity)
    asked = {**asked, "show": asked["show"] if asked["show"] in KINDS else "quarantined"}
    whole = KINDS[asked["show"]]
    with place.database.read() as connection:
        found = lists.holds(
            connection,
            place.mapping,
            quarantined=whole,
            reason=asked["reason"] or None,
            side=asked["side"] if asked["side"] in place.mapping.sides else None,
            after=after,
        )
        reasons = lists.hold_reasons(connection, entity.value)
    counts = {name: sum(n for *_, w, n in reasons if w == kind) for name, kind in KINDS.items()}
    return page(
        request,
        visitor,
        entity,
        "quarantine.html",
        rows=found,
        asked=asked,
        first=after is None,
        reasons=[(name, towards, n) for name, towards, w, n in reasons if w == whole],
        counts=counts,
        sides=place.mapping.sides,
        flash=flash,
    )
