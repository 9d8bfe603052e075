"""Overview: how an entity is doing, and what needs a person, first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from samklang.airflow.names import REVIEW
from samklang.console import airflow_side
from samklang.console.access import Entity, Reader
from samklang.console.incoming import Checked
from samklang.console.pages.view import page, root
from samklang.console.place import Place, place_of
from samklang.console.show import count, seconds_of
from samklang.store import ledger, lists
from samklang.sync.report import status
from samklang.sync.review import beyond_limits

router = APIRouter(route_class=Checked)
_RUNS = 30
_CREATED, _UPDATED = ("created",), ("written", "freed")
_FAILED = ("refused", "unclear", "unread", "failed", "parked")
_WAITING: tuple[tuple[str, str, tuple[str, str], str, dict[str, str]], ...] = (
    ("conflicts", "conflict", ("waits for a decision.", "wait for a decision."), "conflicts", {"show": "open"}),
    ("quarantined", "record", ("is quarantined.", "are quarantined."), "quarantine", {}),
    ("ambiguous", "record", ("is ambiguous.", "are ambiguous."), "matches", {"show": "ambiguous"}),
    ("gone", "record", ("is gone on one side.", "are gone on one side."), "matches", {"show": "linked"}),
    ("erased", "record", ("was erased on one side.", "were erased on one side."), "matches", {"show": "linked"}),
)
"""What the store counts; as one says it of one and of many; and the page where to see to it."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person.

    :param page: of the console, where to see to it; :param parts: of its address; :param query: likewise.
    :param answer: a page of Airflow where it is answered.
    """

    text: str
    page: str = ""
    parts: tuple[str, ...] = ()
    query: MappingOf[str, str] = field(default_factory=dict)
    answer: str = ""


@router.get("")
@router.get("/")
def first(request: Request, entity: Entity, _visitor: Reader) -> RedirectResponse:
    return RedirectResponse(f"{root(request)}/{entity.value}/overview")


@router.get("/overview")
def overview(request: Request, entity: Entity, visitor: Reader) -> HTMLResponse:
    place = place_of(entity)
    with place.database.read() as connection:
        live = ledger.counts(connection, entity.value)
        runs = lists.runs(connection, entity.value, limit=_RUNS).rows
        reasons = lists.excluded_reasons(connection, entity.value)
        parked = [
            lists.run(connection, entity.value, run_id) for run_id in airflow_side.waiting_for_answer(entity.dag_id)
        ]
    ended = [run for run in runs if run.state != "running"]
    # what takes a look at every link is counted by the runs; the rest is counted now
    known = next((run.summary["health"] for run in ended if run.summary.get("health")), None)
    health = {**(known or status(place.database, place.mapping)), **live}
    return page(
        request,
        visitor,
        entity,
        "overview.html",
        health=health,
        excluded=_by_reason(reasons),
        needs=[*_parked(place, entity, parked), *_needs(health, ended)],
        last=ended[0] if ended else None,
        running=runs[0] if runs and runs[0].state == "running" else None,
        lag=next((run.summary["lag"] for run in ended if run.summary.get("lag")), None),
        chart=[_bar(run) for run in reversed(ended)],
        schedule=airflow_side.schedule(entity.dag_id),
        dag_id=entity.dag_id,
    )


def _parked(place: Place, entity: Entity, parked: Sequence[lists.Run | None]) -> list[Need]:
    return [
        Need(
            f"Plan {run.plan.id} waits for your answer: {'; '.join(beyond_limits(place.mapping, run.plan.counts))}.",
            "plans",
            (str(run.plan.id),),
            answer=f"/dags/{entity.dag_id}/runs/{quote(run.run_id, safe='')}/tasks/{REVIEW}/required_actions",
        )
        for run in parked
        if run is not None and run.plan is not None
    ]


def _needs(health: dict[str, Any], ended: list[lists.Run]) -> list[Need]:
    needs = []
    if ended and ended[0].state == "failed":
        needs.append(Need("The last run failed.", "runs", (ended[0].run_id,)))
    for name, one, text, where, query in _WAITING:
        if number := health.get(name):
            needs.append(Need(f"{count(number, one)} {text[number > 1]}", where, query=query))
    return needs


def _by_reason(reasons: MappingOf[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    """Reason, side and how many; the most frequent first."""
    return sorted(((reason, side, n) for (reason, side), n in reasons.items()), key=lambda row: (-row[2], row))


def _bar(run: lists.Run) -> dict[str, Any]:
    """One run of the charts. What was skipped had moved, was done already, or waits for another row."""
    outcomes: Counter[str] = Counter()
    for report in (run.summary.get("loads") or {}).values():
        outcomes.update((report or {}).get("outcomes") or {})
    created, updated, failed = (sum(outcomes[name] for name in names) for names in (_CREATED, _UPDATED, _FAILED))
    return {
        "at": run.started_at,
        "run_id": run.run_id,
        "state": run.state,
        "created": created,
        "updated": updated,
        "failed": failed,
        "skipped": outcomes.total() - created - updated - failed,
        "seconds": seconds_of(run.started_at, run.finished_at),
        "requests": run.summary.get("requests") or {},
        "budget": run.summary.get("budget") or {},
    }
