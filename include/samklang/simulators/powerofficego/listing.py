"""Lists: filters, order, selection and pages (sheet 2 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from samklang.simulators.http import Request, Response, json_response
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.problems import ProblemError
from samklang.simulators.powerofficego.schema import Resource
from samklang.simulators.powerofficego.times import later_than, moment

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 5_000, 20_000  # spec, sheet 4
_PAGING = {"fields", "orderby", "pagenumber", "pagesize", "usedatabasevalidation"}
Keep = Callable[[Dto], bool]


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    size: int


def list_objects(resource: Resource, ledger: Ledger, request: Request, switches: Mapping[str, Any]) -> Response:
    """:raises ProblemError: a parameter is not as the API wants it."""
    query = {name.lower(): values[0] for name, values in request.query.items()}
    _check_names(resource, query, switches)
    rows = _ordered(_filtered(resource, ledger, query), resource, query.get("orderby"), switches)
    page = _page(query, switches)
    start = (page.number - 1) * page.size
    shown = rows[start : start + page.size]
    headers = _pagination(request, page, len(rows)) if switches["pagination_header"] == "present" else {}
    if not shown:
        # 204 with an empty body when there is nothing (spec); past the last page it is a guess
        if page.number > 1 and switches["page_past_the_end"] == "empty_array":
            return json_response([], headers=headers)
        return Response(204, headers)
    return json_response(_selected(shown, resource, query.get("fields"), switches), headers=headers)


def _check_names(resource: Resource, query: Mapping[str, str], switches: Mapping[str, Any]) -> None:
    known = _PAGING | set(resource.filters)
    if switches["newer_filters"] == "present":
        known |= set(resource.newer_filters)
    for name in query:
        # `$top` and the like are refused (verified on demo, sheet 4); of others nothing is known
        if name.startswith("$") or (name not in known and switches["unknown_parameters"] == "refused"):
            raise ProblemError(400, "Invalid query parameter", f"The query parameter {name} is not supported.")


def _filtered(resource: Resource, ledger: Ledger, query: Mapping[str, str]) -> list[Dto]:
    rows: Iterable[Dto] = ledger.objects[resource.path].values()
    for name, rule in {**resource.filters, **resource.newer_filters}.items():
        text = query.get(name, "").strip()
        if text:  # blank is unused
            keep = _FILTERS[rule.split()[0]](text, rule.partition(" ")[2])
            rows = [row for row in rows if keep(row)]
    return list(rows)


def _one_of(text: str, name: str) -> Keep:
    # exact but for case (guess, sheet 3)
    wanted = {part.strip().lower() for part in text.split(",")}
    return lambda row: str(row[name] or "").lower() in wanted


def _equal(text: str, name: str) -> Keep:
    return lambda row: bool(row[name] == text)


def _flag(text: str, name: str) -> Keep:
    return lambda row: bool(row[name]) == (text.lower() == "true")


def _later(text: str, name: str) -> Keep:
    try:
        limit = moment(text)
    except ValueError:
        raise ProblemError(400, "Unable to cast object(s)", f"{name}: the time is not valid.") from None
    return lambda row: row[name] is not None and later_than(row[name], limit)


def _ranges(text: str, name: str) -> Keep:
    bounds: list[tuple[int, float]] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.strip().isdigit() or (high.strip() and not high.strip().isdigit()):
            raise ProblemError(400, "Unable to cast object(s)", f"{name}: {part.strip()} is not a number or a range.")
        end = float(high) if high.strip() else (float("inf") if dash else float(low))
        bounds.append((int(low), end))
    return lambda row: row[name] is not None and any(low <= row[name] <= high for low, high in bounds)


def _groups(text: str, _: str) -> Keep:
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise ProblemError(
            400,
            "Unable to cast object(s)",
            "contactGroupIds contains negative numbers and/or range of numbers. '-' is not allowed, only comma ',' "
            "separated single positive numbers are allowed.",
        )
    raise ProblemError(404, "Object(s) not found", f"Could not find contact group(s) with id = {text}.")


_FILTERS: dict[str, Callable[[str, str], Keep]] = {
    "one_of": _one_of, "equal": _equal, "flag": _flag, "later": _later, "ranges": _ranges, "groups": _groups,
}  # fmt: skip


def _ordered(rows: list[Dto], resource: Resource, order: str | None, switches: Mapping[str, Any]) -> list[Dto]:
    if not order:
        return rows if switches["default_order"] == "by_id" else rows[::-1]
    names = {name.lower(): name for name in resource.properties}
    for part in reversed(order.split(",")):
        name, _, direction = part.strip().partition(" ")
        if name.lower() not in names:
            raise ProblemError(400, "Invalid resourceParameter", "OrderBy property in resourceParameter is not valid.")
        key = names[name.lower()]
        rows = sorted(rows, key=lambda row: (row[key] is not None, row[key]), reverse=direction.strip() == "desc")
    return rows


def _page(query: Mapping[str, str], switches: Mapping[str, Any]) -> _Page:
    number, size = query.get("pagenumber", "1"), query.get("pagesize", str(DEFAULT_PAGE_SIZE))
    if not number.isdigit() or not size.isdigit() or int(number) < 1 or int(size) < 1:
        raise ProblemError(400, "Invalid resourceParameter", "PageNumber and PageSize must be positive numbers.")
    if int(size) > MAX_PAGE_SIZE and switches["page_size_above_maximum"] == "refused":
        raise ProblemError(400, "Invalid resourceParameter", f"PageSize cannot be larger than {MAX_PAGE_SIZE}.")
    return _Page(int(number), min(int(size), MAX_PAGE_SIZE))


def _selected(
    rows: list[Dto], resource: Resource, fields: str | None, switches: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if not fields:
        return rows
    names = {name.lower(): name for name in resource.properties}
    wanted: dict[str, list[str]] = {}
    for part in fields.split(","):
        head, dot, tail = part.strip().partition(".")
        nested = bool(dot) and switches["nested_fields"] == "refused"
        if head.lower() not in names or nested:
            raise ProblemError(
                400, "Invalid resourceParameter", "Fields property in resourceParameter is not formatted correct."
            )
        wanted.setdefault(names[head.lower()], []).extend([tail] if dot else [])
    rest = {} if switches["unselected_fields"] == "absent" else dict.fromkeys(resource.properties)
    parts = {name: set(tails) for name, tails in wanted.items() if tails}
    if not parts:
        return [rest | {name: row[name] for name in wanted} for row in rows]
    return [rest | {name: _part(row[name], parts.get(name)) for name in wanted} for row in rows]


def _part(value: Any, names: set[str] | None) -> Any:
    return {n: v for n, v in value.items() if n in names} if names and isinstance(value, dict) else value


def _pagination(request: Request, page: _Page, total: int) -> dict[str, str]:
    """The header that clients have seen; its full set of names is a guess (sheet 4)."""
    pages = -(-total // page.size)
    link = f"{request.base_url}{request.path}?PageNumber={{}}&PageSize={page.size}"
    content = {
        "totalCount": total,
        "pageSize": page.size,
        "currentPage": page.number,
        "totalPages": pages,
        "previousPageLink": link.format(page.number - 1) if page.number > 1 else "",
        "nextPageLink": link.format(page.number + 1) if page.number < pages else "",
    }
    return {"X-Pagination": orjson.dumps(content).decode()}
