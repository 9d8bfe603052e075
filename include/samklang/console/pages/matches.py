"""Matches: who is whose twin, who cannot be told apart, who has nobody; before the first write and later."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from samklang.console.access import Actor, Asker, Entity, Reader, Visitor
from samklang.console.incoming import Checked
from samklang.console.pages.view import Flash, flash_of, page
from samklang.console.place import Place, place_of
from samklang.core.sides import title
from samklang.errors import DecisionError
from samklang.store import lists
from samklang.store.lists import PAGE, Page, Record
from samklang.sync.decide import Desk, Done, named
from samklang.sync.exclude import exclude, include
from samklang.sync.explain import find
from samklang.sync.match_lists import NAMES, PLANNED, Matches

router = APIRouter(route_class=Checked)
_FOUND = 200
"""Rows that a search shows at most; it has one page."""
_PLANNED = {"links": "To link", "creates": "To create", "ambiguous": "Ambiguous", "excluded": "To leave"}

Which = Annotated[list[str], Form(max_length=10_000)]
Text = Annotated[str, Form(max_length=400)]
"""`show` is a list by its name, `plan_` before it for what the plan would do."""


@router.get("/matches")
def matches(
    request: Request, entity: Entity, visitor: Reader, show: str = "", reason: str = "", after: str | None = None
) -> HTMLResponse:
    return _matches(request, entity, visitor, show, reason=reason, after=after)


@router.post("/matches/search")
def search(request: Request, entity: Entity, visitor: Asker, show: Text = "", text: Text = "") -> HTMLResponse:
    """Of one list what is about a record; the text, which may be an e-mail, stays out of addresses and logs."""
    return _matches(request, entity, visitor, show, text=text)


@router.post("/matches/unlink")
def unlink(request: Request, entity: Entity, visitor: Actor, which: Which = [], show: Text = "") -> HTMLResponse:  # noqa: B006
    def decide(desk: Desk) -> Done:
        done = Done()
        for record in which:
            try:
                with desk.connection.begin_nested():
                    decision = desk.unlink(record)
            except DecisionError as error:
                done.left.append((record, str(error)))
            else:
                done.done.append(" and ".join(map(named, decision.apart or decision.free)) or record)
        return done

    flash = flash_of(place_of(entity).act("unlink", visitor, decide), "Taken apart")
    return _matches(request, entity, visitor, show, flash=flash)


@router.post("/matches/exclude")
def exclude_(request: Request, entity: Entity, visitor: Actor, which: Which = [], show: Text = "") -> HTMLResponse:  # noqa: B006
    done = place_of(entity).act("exclude", visitor, lambda desk: exclude(desk, _records(which)))
    return _matches(request, entity, visitor, show, flash=flash_of(done, "Left alone from now on"))


@router.post("/matches/include")
def include_(request: Request, entity: Entity, visitor: Actor, which: Which = [], show: Text = "") -> HTMLResponse:  # noqa: B006
    done = place_of(entity).act("include", visitor, lambda desk: include(desk, _records(which)))
    return _matches(request, entity, visitor, show, flash=flash_of(done, "Let in again"))


@router.post("/matches/link")
def link(
    request: Request,
    entity: Entity,
    visitor: Actor,
    which: Which = [],  # noqa: B006
    anyway: Annotated[bool, Form()] = False,
    show: Text = "",
) -> HTMLResponse:
    """:param which: two records, as `explain` takes them. :param anyway: also where one of them has another twin."""
    texts = [text for text in which if text.strip()]
    if len(texts) != 2:
        raise DecisionError("Choose one record of each side.")

    def decide(desk: Desk) -> Done:
        ends = [desk.find_one(text) for text in texts]
        what, losing = " = ".join(map(named, ends)), desk.former_twins(*ends)
        if losing and not anyway:
            taken = ", ".join(map(named, losing))
            return Done(left=[(what, f"{taken} would lose that twin; to link them all the same, tick the box for it")])
        desk.relink(*ends)
        return Done([what])

    done = place_of(entity).act("link", visitor, decide)
    return _matches(request, entity, visitor, show, flash=flash_of(done, "Linked", "Nobody was linked."))


# --- one list ---------------------------------------------------------------------------------------------------------


def _matches(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    show: str,
    *,
    reason: str = "",
    text: str | None = None,
    after: str | None = None,
    flash: Flash | None = None,
) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        among = find(connection, place.mapping, text) if text is not None else None
        found = Matches(connection, place.mapping, place.staging, among)
        book = found.book()
        tabs = {
            **({f"{PLANNED}{name}": title for name, title in _PLANNED.items()} if book else {}),
            **_tabs(place),
        }
        turns = found.turns(NAMES)
        if book:
            turns |= {f"{PLANNED}{name}": turn for name, turn in found.proposed(book, NAMES).items()}
        if show not in tabs:
            show = next(iter(tabs))
        rows: Page[Any]
        if show == "excluded" and text is None:
            rows = lists.excluded(connection, place.mapping, reason=reason or None, after=after)
        else:
            rows = turns[show](after, _FOUND if text is not None else PAGE)
        reasons = lists.excluded_reasons(connection, entity.value) if show == "excluded" else {}
    return page(
        request,
        visitor,
        entity,
        "matches.html",
        tabs=tabs,
        show=show,
        kind=show.removeprefix(PLANNED),
        plan=book.plan if book else None,
        planned=PLANNED,
        rows=rows,
        reason=reason,
        reasons=_by_reason(reasons),
        searched=text is not None,
        after=after,
        sides=place.mapping.sides,
        fields=[f.name for f in place.mapping.fields],
        flash=flash,
    )


def _tabs(place: Place) -> dict[str, str]:
    return {
        "linked": "Linked",
        "ambiguous": "Ambiguous",
        **{f"only_{side}": f"Only in {title(side)}" for side in place.mapping.sides},
        "kept_apart": "Kept apart",
        "excluded": "Excluded",
    }


def _by_reason(reasons: dict[tuple[str, str], int]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (reason, _), number in reasons.items():
        totals[reason] = totals.get(reason, 0) + number
    return totals


def _records(which: list[str]) -> list[Record]:
    """:param which: as `side:id`, or two of them with `=` between."""
    ends = [end.partition(":") for one in which for end in one.split("=")]
    return [(side, record_id) for side, _, record_id in ends]
