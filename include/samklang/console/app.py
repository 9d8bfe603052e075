"""The console as a web application, to be mounted in Airflow's API server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from samklang.airflow.discretion import discreet
from samklang.console.access import Entity, User, may_look
from samklang.console.address import FRAME, MOUNT
from samklang.console.pages import conflicts, match_file, matches, overview, plans, quarantine, record, runs
from samklang.console.pages.view import FOLDER, airflow_root, page, root
from samklang.errors import (
    ConfigurationError,
    DecisionError,
    PageError,
    SamklangError,
    StagingError,
    StoreError,
    StoreUnavailableError,
)

_PAGES = (overview, match_file, matches, plans, conflicts, quarantine, record, runs)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'",  # nothing inline, nothing from elsewhere; Airflow's UI frames it
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_STATUS: tuple[tuple[type[SamklangError], int], ...] = (
    (DecisionError, 409),
    (StagingError, 410),
    (PageError, 404),
    (StoreUnavailableError, 503),
    (StoreError, 503),
    (ConfigurationError, 503),
)
_log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """All pages; without the generated documentation of an API, which this is not."""
    app = FastAPI(title="Samklang", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_around)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_misspelt)
    app.exception_handler(SamklangError)(_failed)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.get("/")(_first_page)
    app.get("/dags/{dag_id}")(_page_of_dag)
    app.get("/dags/{dag_id}/runs/{run_id}")(_page_of_dag)
    for one in _PAGES:
        app.include_router(one.router, prefix="/{entity}")
    return app


def _first_page(request: Request, user: User) -> Response:
    """The first entity that the user may see."""
    for entity in Entity:
        if may_look(user, entity):
            return RedirectResponse(f"{root(request)}/{entity.value}/overview")
    raise HTTPException(403, f"This page needs view access to {' or '.join(entity.dag_id for entity in Entity)}.")


def _page_of_dag(request: Request, _user: User, dag_id: str, run_id: str = "") -> Response:
    """From the tab that Airflow shows on a DAG, and on each of its runs."""
    for entity in Entity:
        if entity.dag_id == dag_id:
            where = f"runs/{quote(run_id, safe='')}" if run_id else "overview"
            return RedirectResponse(f"{root(request)}/{entity.value}/{where}")
    ours = " and ".join(entity.dag_id for entity in Entity)
    return _told(request, 404, "This DAG is none of Samklang's", f"Samklang's are {ours}.")


async def _around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """What holds for every answer; and a page that is opened by itself is shown within Airflow's UI."""
    path = _path(request)
    is_file = path.startswith("/static/")
    alone = request.headers.get("Sec-Fetch-Dest") == "document" and not path.endswith(".csv")
    if alone and not is_file and root(request).endswith(MOUNT):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{airflow_root(request)}{FRAME}{quote(path, safe='/:')}{query}")
    if "\0" in path or "%00" in request.url.query:  # PostgreSQL takes none, in no id and no text
        return _told(request, 404, "There is nothing here", "Start from the overview.")
    try:
        with discreet():
            response = await call_next(request)
    except Exception as error:
        response = _unexpected(request, error)
    response.headers.update(_HEADERS)
    response.headers["Cache-Control"] = "no-cache" if is_file else "no-store"  # pages show people's data
    return response


def _path(request: Request) -> str:
    """Below the console's own root."""
    path: str = request.scope["path"].removeprefix(root(request))
    return path


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    titles = {401: "Sign in to Airflow first", 403: "Not allowed", 404: "There is nothing here"}
    texts = {401: "Your session has ended, or there is none. Reload the whole page to sign in."}
    title = titles.get(error.status_code, "That did not work")
    said = "" if error.detail in ("Not Found", "Method Not Allowed") else str(error.detail)
    return _told(request, error.status_code, title, texts.get(error.status_code, said))


def _misspelt(request: Request, _error: Exception) -> Response:
    """An address or a form that no page of ours made; what is wrong with it may quote a value."""
    return _told(request, 404 if request.method == "GET" else 422, "There is nothing here", "Start from the overview.")


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, SamklangError)  # noqa: S101 - registered for nothing else
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        _log.warning("%s: %s", type(error).__name__, error)
    return _told(request, status, error.message, error.remedy)


def _unexpected(request: Request, error: Exception) -> Response:
    """A mistake of ours, or of a library: its own words may quote a record, and `discreet` has left them out."""
    ours = isinstance(error, SamklangError)
    _log.error("%s", error if ours else type(error).__name__)
    text = error.message if isinstance(error, SamklangError) else f"{type(error).__name__}."
    return _told(request, 500, "This page has failed", f"{text} Please report it.")


def _told(request: Request, status: int, title: str, text: str) -> Response:
    """On a page of its own; or, for a part of a page, in the place for messages above it."""
    first = _path(request).split("/")[1]
    entity = Entity(first) if first in set(Entity) else None
    template = "message.html" if request.headers.get("HX-Request") else "error.html"
    answer = page(request, None, entity, template, status=status, title=title, text=text)
    answer.headers["HX-Retarget"] = "#message"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer
