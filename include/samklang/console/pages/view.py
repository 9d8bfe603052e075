"""What every page does: render a template, whole or, for a request of a page's own, its main part only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from samklang import __version__
from samklang.console.access import HEADER, Entity, Visitor
from samklang.console.address import MOUNT
from samklang.console.show import FILTERS
from samklang.sync.decide import Done

FOLDER = Path(__file__).resolve().parents[1]
NAVIGATION = (
    ("overview", "Overview"), ("matches", "Matches"), ("plans", "Plans"), ("conflicts", "Conflicts"),
    ("quarantine", "Quarantine"), ("record", "Record"), ("runs", "Runs"),
)  # fmt: skip
_PAGES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_PAGES.filters |= FILTERS


@dataclass(frozen=True, slots=True)
class Flash:
    """What came of an action. :param left: what was left as it is, with the reason."""

    text: str
    left: Sequence[tuple[str, str]] = ()
    bad: bool = False


def flash_of(done: Done, what: str, nothing: str = "Nothing to do.") -> Flash:
    """:param what: in the past tense, as "Undone"."""
    number = len(done.done)
    text = f"{what}: {done.done[0]}." if number == 1 else f"{what}: {number}."
    return Flash(text if number else nothing, done.left, bad=not number and bool(done.left))


def page(
    request: Request, visitor: Visitor | None, entity: Entity | None, template: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """:param template: extends `layout`, which is the whole page, or only its main part."""

    def url(name: str, *parts: Any, **query: Any) -> str:
        """The address of a page, below whatever path Airflow is served at."""
        where = [entity.value if entity else Entity.CUSTOMERS.value, name] if name != "static" else [name]
        # a run's id as Airflow's UI writes it: a page that is spelled otherwise would be loaded again by its frame
        steps = [quote(str(part), safe=":/" if name == "static" else ":+") for part in parts]
        asked = urlencode({one: value for one, value in query.items() if value not in (None, "")})
        return "/".join([root(request), *where, *steps]) + (f"?{asked}" if asked else "")

    layout = "fragment.html" if request.headers.get("HX-Request") else "layout.html"
    text = _PAGES.get_template(template).render(
        layout=layout, url=url, visitor=visitor, entity=entity.value if entity else None, nav=NAVIGATION,
        here=_here(request), root=root(request), airflow=airflow_root(request), header=HEADER, version=__version__,
        **{"flash": None, **values},
    )  # fmt: skip
    return HTMLResponse(text, status_code=status)


def root(request: Request) -> str:
    """The path that the console is mounted at, without a slash at its end."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def airflow_root(request: Request) -> str:
    """The path that Airflow's own UI is served at: the console is mounted below it."""
    return root(request).removesuffix(MOUNT)


def _here(request: Request) -> str:
    """The page that a route belongs to."""
    steps: list[str] = getattr(request.scope.get("route"), "path", "").split("/")
    return steps[2] if len(steps) > 2 and steps[1] == "{entity}" else ""
