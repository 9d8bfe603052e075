"""Overview: how an entity is doing, and what needs a person, first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from samklang.console import airflow_side
from samklang.console.access import Entity, Reader
from samklang.console.pages.view import page
from samklang.console.place import Place, place_of
from samklang.console.show import seconds_of
from samklang.store import ledger, lists
from samklang.sync.report import status
from samklang.sync.review import beyond_limits

router = APIRouter()
_RUNS = 30
_CREATED, _UPDATED = ("created",), ("written", "freed")
_FAILED = ("refused", "failed", "parked")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person. :param page: where to see to it, below the console; :param href: elsewhere."""

    text: str
    page: str = ""
    part: str = ""
    query: str = ""
    href: str = ""


@router.get("")
@router.get("/", include_in_schema=False)
def first(request: Request, entity: Entity, _visitor: Reader) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/{entity.value}/overview")


@router.get("/overview")
def overview(request: Request, entity: Entity, visitor: Reader) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        live = ledger.counts(connection, entity.value)
        runs = lists.runs(connection, entity.value, limit=_RUNS).rows
    last = next((run for run in runs if run.state != "running"), None)
    health = next((run.summary["health"] for run in runs if run.summary.get("health")), None)
    return page(
        request,
        visitor,
        entity,
        "overview.html",
        health={**(health or status(place.database, place.mapping)), **live},
        needs=_needs(place, entity, live, health or {}, runs),
        last=last,
        lag=next((run.summary["lag"] for run in runs if run.summary.get("lag")), None),
        chart=[_bar(run) for run in reversed(runs) if run.state != "running"],
        schedule=airflow_side.schedule(entity.dag_id),
        dag_id=entity.dag_id,
    )


def _needs(
    place: Place, entity: Entity, live: dict[str, int], health: dict[str, Any], runs: list[lists.Run]
) -> list[Need]:
    needs = []
    newest = runs[0] if runs else None
    if newest and newest.state == "running" and newest.plan and newest.plan.state == "proposed":
        reasons = beyond_limits(place.mapping, newest.plan.counts)
        if reasons:
            where = f"/dags/{entity.dag_id}/runs/{newest.run_id}/tasks/review/required_actions"
            needs.append(Need(f"Plan {newest.plan.id} waits for your answer: {'; '.join(reasons)}", href=where))
            needs.append(Need(f"Look at plan {newest.plan.id} before you answer", "plans", str(newest.plan.id)))
    if newest and newest.state == "failed":
        needs.append(Need("The last run failed", "runs", newest.run_id))
    if live["conflicts"]:
        needs.append(Need(f"{live['conflicts']} conflicts wait for a decision", "conflicts", query="open"))
    if live["quarantined"]:
        needs.append(Need(f"{live['quarantined']} records are quarantined", "quarantine"))
    if live["ambiguous"]:
        needs.append(Need(f"{live['ambiguous']} records are ambiguous", "matches", query="ambiguous"))
    needs += [
        Need(f"{health[what]} records are {what} on one side", "matches", query="linked")
        for what in ("gone", "erased")
        if health.get(what)
    ]
    return needs


def _bar(run: lists.Run) -> dict[str, Any]:
    """One run of the chart."""
    outcomes: dict[str, int] = {}
    for report in (run.summary.get("loads") or {}).values():
        for name, number in (report["outcomes"] if report else {}).items():
            outcomes[name] = outcomes.get(name, 0) + number
    created = sum(outcomes.get(name, 0) for name in _CREATED)
    updated = sum(outcomes.get(name, 0) for name in _UPDATED)
    failed = sum(outcomes.get(name, 0) for name in _FAILED)
    requests = run.summary.get("requests") or {}
    return {
        "at": run.started_at,
        "run_id": run.run_id,
        "state": run.state,
        "created": created,
        "updated": updated,
        "failed": failed,
        "skipped": sum(outcomes.values()) - created - updated - failed,
        "seconds": seconds_of(run.started_at, run.finished_at),
        "requests": requests,
    }
