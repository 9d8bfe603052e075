"""The console as a web application, to be mounted in Airflow's API server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from samklang.console.access import Entity
from samklang.console.pages import overview, plans, record, runs
from samklang.console.pages.view import FOLDER, page
from samklang.errors import DecisionError, SamklangError, StoreUnavailableError

_PAGES = (overview, plans, record, runs)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """All pages; without the generated documentation of an API, which this is not."""
    app = FastAPI(title="Samklang", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_with_headers)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(SamklangError)(_failed)
    app.exception_handler(Exception)(_unexpected)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.get("/", include_in_schema=False)(_first_page)
    for one in _PAGES:
        app.include_router(one.router, prefix="/{entity}")
    return app


def _first_page(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/{Entity.CUSTOMERS.value}/overview")


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.update(_HEADERS)
    if "/static/" not in request.url.path:
        response.headers["Cache-Control"] = "no-store"  # pages show people's data
    return response


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    titles = {401: "Log in to Airflow first", 403: "Not allowed", 404: "There is nothing here"}
    title = titles.get(error.status_code, "That did not work")
    text = "" if error.status_code in (401, 404) else str(error.detail)
    return _told(request, error.status_code, title, text)


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, SamklangError)  # noqa: S101 - registered for nothing else
    status = 409 if isinstance(error, DecisionError) else 503 if isinstance(error, StoreUnavailableError) else 500
    return _told(request, status, error.message, error.remedy)


def _unexpected(request: Request, error: Exception) -> Response:
    # its own words may quote a record
    _log.error("%s on a page of the console", type(error).__name__)
    return _told(request, 500, f"A mistake of ours ({type(error).__name__})", "Please report it.")


def _told(request: Request, status: int, title: str, text: str) -> Response:
    name = request.path_params.get("entity", "")
    entity = Entity(name) if name in set(Entity) else None
    return page(request, None, entity, "error.html", status=status, title=title, text=text)
