"""Lists: order and pages of what the filters leave (sheet 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from samklang.simulators.http import Request, Response, json_response
from samklang.simulators.powerofficego.filters import filtered, known_filters
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.problems import ProblemError
from samklang.simulators.powerofficego.schema import Resource
from samklang.simulators.powerofficego.showing import selected

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 5_000, 20_000  # spec, sheet 4
PAGING = frozenset({"fields", "orderby", "pagenumber", "pagesize", "usedatabasevalidation"})
_UNORDERED = ("list", "address")


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    size: int


def list_objects(resource: Resource, ledger: Ledger, request: Request, switches: Mapping[str, Any]) -> Response:
    """:raises ProblemError: a parameter is not as the API wants it."""
    query = {name.lower(): values[0] for name, values in request.query.items()}
    _check_names(resource, query, switches)
    rows = _ordered(filtered(resource, ledger, query, switches), resource, query.get("orderby"), switches)
    page = _page(query, switches)
    start = (page.number - 1) * page.size
    shown = selected(rows[start : start + page.size], resource, query.get("fields"), switches)
    headers = _pagination(request, page, len(rows)) if switches["pagination_header"] == "present" else {}
    if not shown:
        # 204 with an empty body when there is nothing (spec, sheet 2); past the last page it is a guess (sheet 4)
        if page.number > 1 and switches["page_past_the_end"] == "empty_array":
            return json_response([], headers=headers)
        return Response(204, headers)
    return json_response(shown, headers=headers)


def _check_names(resource: Resource, query: Mapping[str, str], switches: Mapping[str, Any]) -> None:
    known = PAGING | set(known_filters(resource, switches))
    for name in query:
        # `$top` and the like are refused (verified on demo, sheet 4); of others nothing is known
        if name.startswith("$") or (name not in known and switches["unknown_parameters"] == "refused"):
            raise ProblemError(400, "Invalid query parameter", f"The query parameter {name} is not supported.")


def _ordered(rows: list[Dto], resource: Resource, order: str | None, switches: Mapping[str, Any]) -> list[Dto]:
    """`Name asc, Id desc`; ascending unless told otherwise (spec, sheet 4)."""
    if not order:
        return rows if switches["default_order"] == "by_id" else rows[::-1]
    for part in reversed(order.split(",")):
        name, _, direction = part.strip().lower().partition(" ")
        key = resource.by_lower.get(name, "")
        if resource.properties.get(key, "list") in _UNORDERED or direction.strip() not in ("", "asc", "desc"):
            raise ProblemError(400, "Invalid resourceParameter", "OrderBy property in resourceParameter is not valid.")
        rows = sorted(rows, key=lambda row: (row[key] is not None, row[key]), reverse=direction.strip() == "desc")
    return rows


def _page(query: Mapping[str, str], switches: Mapping[str, Any]) -> _Page:
    number, size = query.get("pagenumber") or "1", query.get("pagesize") or str(DEFAULT_PAGE_SIZE)
    if not number.isdecimal() or not size.isdecimal() or int(number) < 1 or int(size) < 1:
        raise ProblemError(400, "Invalid resourceParameter", "PageNumber and PageSize must be positive numbers.")
    if int(size) > MAX_PAGE_SIZE and switches["page_size_above_maximum"] == "refused":
        raise ProblemError(400, "Invalid resourceParameter", f"PageSize cannot be larger than {MAX_PAGE_SIZE}.")
    return _Page(int(number), min(int(size), MAX_PAGE_SIZE))


def _pagination(request: Request, page: _Page, total: int) -> dict[str, str]:
    """The header that clients have seen; its full set of names is a guess (sheet 4)."""
    pages = -(-total // page.size)
    kept = {name: values for name, values in request.query.items() if name.lower() not in ("pagenumber", "pagesize")}

    def link(number: int) -> str:
        query = urlencode({**kept, "PageNumber": number, "PageSize": page.size}, doseq=True)
        return f"{request.base_url}{request.path}?{query}"

    content = {
        "totalCount": total,
        "pageSize": page.size,
        "currentPage": page.number,
        "totalPages": pages,
        "previousPageLink": link(page.number - 1) if page.number > 1 else "",
        "nextPageLink": link(page.number + 1) if page.number < pages else "",
    }
    return {"X-Pagination": orjson.dumps(content).decode()}
