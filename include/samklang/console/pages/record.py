"""Record: everything known of one record or pair, its timeline, and what a person can do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse

from samklang.console import airflow_side
from samklang.console.access import Actor, Asker, Entity, Reader, Visitor
from samklang.console.incoming import Checked
from samklang.console.pages.undo_preview import undo_page
from samklang.console.pages.view import Flash, flash_of, page
from samklang.console.place import Place, place_of
from samklang.errors import DecisionError
from samklang.store import actions, lists, seen
from samklang.store.undo import last_run
from samklang.sync.decide import Desk, Done, named
from samklang.sync.explain import explain, find
from samklang.sync.freezing import freeze, unfreeze
from samklang.sync.undo import preview, release, undo

router = APIRouter(route_class=Checked)
_SHOWN = 20
"""Records that one search shows at most; many may share an e-mail."""

Text = Annotated[str, Form(max_length=400)]


@router.get("/record")
def search(request: Request, entity: Entity, visitor: Reader) -> HTMLResponse:
    return page(request, visitor, entity, "record.html", answers=[], wrote={}, who={}, names={}, asked=None, more=False)


@router.post("/record")
def found(request: Request, entity: Entity, visitor: Asker, text: Text = "") -> HTMLResponse:
    """What a search finds; the text, which may be an e-mail, stays out of addresses and logs."""
    return _found(request, entity, visitor, text)


@router.get("/record/{record}")
def record(request: Request, entity: Entity, visitor: Reader, record: str) -> HTMLResponse:
    """:param record: `side:id`."""
    return _found(request, entity, visitor, record, linked_to=True)


@router.post("/record/{record}/freeze")
def freeze_(request: Request, entity: Entity, visitor: Actor, record: str, field: Text = "") -> HTMLResponse:
    return _act(request, entity, visitor, record, "freeze", "Frozen", lambda desk: freeze(desk, record, field or None))


@router.post("/record/{record}/unfreeze")
def unfreeze_(request: Request, entity: Entity, visitor: Actor, record: str, field: Text = "") -> HTMLResponse:
    return _act(
        request, entity, visitor, record, "unfreeze", "Let go", lambda desk: unfreeze(desk, record, field or None)
    )


@router.post("/record/{record}/release")
def release_(request: Request, entity: Entity, visitor: Actor, record: str, field: Text = "") -> HTMLResponse:
    return _act(request, entity, visitor, record, "release", "Let go", lambda desk: release(desk, record, field))


@router.get("/record/{record}/undo")
def undo_preview(request: Request, entity: Entity, visitor: Reader, record: str, run: str) -> HTMLResponse:
    """What an undo of that run would do to the pair; nothing is done yet."""
    place = place_of(entity)
    with place.database.read() as connection:
        desk = Desk(connection, place.mapping, place.terms.rules, "", place.terms.now)
        found = preview(connection, place.mapping, run_id=run, record=desk.find_one(record))
        return undo_page(request, entity, visitor, place, connection, found, run_id=run, record=record)


@router.post("/record/{record}/undo")
def undo_(request: Request, entity: Entity, visitor: Actor, record: str, run: Text = "") -> HTMLResponse:
    """What a run wrote to the pair is put back. :param run: the one that was shown; another may have written since."""
    if not run:
        raise DecisionError("Which run is to be undone is not said.", remedy="Look at the record again.")
    done = place_of(entity).act(
        "undo", visitor, lambda desk: undo(desk, run_id=run, record=desk.find_one(record)), {"run": run}
    )
    return _found(request, entity, visitor, record, flash=flash_of(done, "The next run puts back"), linked_to=True)


@router.post("/record/{record}/unlink")
def unlink(request: Request, entity: Entity, visitor: Actor, record: str) -> HTMLResponse:
    def decide(desk: Desk) -> Done:
        decision = desk.unlink(record)
        return Done([*map(named, decision.apart), *map(named, decision.free)])

    return _act(request, entity, visitor, record, "unlink", "Taken apart", decide)


@router.post("/record/{record}/sync")
def sync_now(request: Request, entity: Entity, visitor: Actor, record: str) -> HTMLResponse:
    """Read both records again and start a run of the DAG."""
    if not visitor.may_run:
        raise HTTPException(403, "You may not start a run of this DAG.")
    place = place_of(entity)

    def decide(desk: Desk) -> Done:
        side, record_id = desk.find_one(record)
        link = desk.link_of((side, record_id))
        ends = sorted(link["ids"].items()) if link else [(side, record_id)]
        for one, i in ends:
            seen.add_revisit(desk.connection, place.mapping.entity, one, [i], "asked")
        desk.note(link["id"] if link else 0, "sync", ends)
        return Done([named(end) for end in ends])

    place.act("sync", visitor, decide)
    try:
        run_id = airflow_side.trigger(entity.dag_id, {"mode": "changes"}, person=visitor.name, now=datetime.now(UTC))
        flash = Flash(f"Run {run_id} has been started; it reads these records again.")
    except DecisionError as error:
        flash = Flash(f"The next run reads these records again. {error}", bad=True)
    return _found(request, entity, visitor, record, flash=flash, linked_to=True)


def _act(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    record: str,
    what: str,
    told: str,
    decide: Callable[[Desk], Done],
) -> HTMLResponse:
    done = place_of(entity).act(what, visitor, decide)
    return _found(request, entity, visitor, record, flash=flash_of(done, told), linked_to=True)


def _found(
    request: Request,
    entity: Entity,
    visitor: Visitor,
    text: str,
    *,
    flash: Flash | None = None,
    linked_to: bool = False,
) -> HTMLResponse:
    """:param linked_to: nothing found is an address that leads nowhere, not a search that found nothing."""
    place = place_of(entity)
    terms = place.terms
    with place.database.read() as connection:
        records = find(connection, place.mapping, text)
        if not records and linked_to:
            raise HTTPException(404)
        answers = explain(connection, terms, records[:_SHOWN])
        who = actions.named(connection, sorted({row["run_id"] for one in answers for row in one["history"]}))
        names = lists.shown(connection, place.mapping, [end for one in answers for end in one["records"].items()])
        wrote = {
            one["link"]["id"]: last_run(connection, entity.value, one["link"]["id"]) for one in answers if one["link"]
        }
    return page(
        request,
        visitor,
        entity,
        "record.html",
        answers=[_told(place, one) for one in answers],
        wrote=wrote,
        who=who,
        names=names,
        asked=text,
        more=len(records) > _SHOWN,
        flash=flash,
    )


def _told(place: Place, answer: dict[str, Any]) -> dict[str, Any]:
    """With the fields that are frozen, or were put back, by name; and with what happened, in order."""
    frozen = {row["field"]: row for row in answer["frozen"]}
    standing = {row["field"] for row in answer["orders"] if row["state"] in ("wanted", "standing")}
    side, record_id = next(iter(answer["records"].items()))
    return {
        **answer,
        "id": f"{side}:{record_id}",
        "frozen_fields": frozen,
        "put_back": standing,
        "sides_in_order": place.mapping.sides,
        "timeline": _timeline(answer["history"]),
    }


def _timeline(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newest first. A decision about a pair, which is kept for both records, is told once."""
    told: dict[Any, dict[str, Any]] = {}
    for row in history:
        what = row["id"] if row["after"] else (row["run_id"], row["op"], *row["before"])
        told.setdefault(what, row)
    return list(told.values())
