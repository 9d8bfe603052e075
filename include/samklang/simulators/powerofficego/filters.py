"""Which objects a list shows: the filters of its query (sheet 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from samklang.simulators.powerofficego import times
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.problems import ProblemError, malformed
from samklang.simulators.powerofficego.references import CONTACT_GROUPS
from samklang.simulators.powerofficego.schema import ENUMS, Resource

Keep = Callable[[Dto], bool]


def known_filters(resource: Resource, switches: Mapping[str, Any]) -> dict[str, str]:
    """Rules by query name in lower case."""
    return resource.filters | (resource.newer_filters if switches["newer_filters"] == "present" else {})


def filtered(resource: Resource, ledger: Ledger, query: Mapping[str, str], switches: Mapping[str, Any]) -> list[Dto]:
    """:param query: by names in lower case; a blank value is no filter (spec). :raises ProblemError: 400 or 404."""
    wanted = [
        (*rule.split(), query[name].strip())
        for name, rule in known_filters(resource, switches).items()
        if query.get(name, "").strip()
    ]
    objects = ledger.shown(resource.path)
    rows: Iterable[Dto] = objects.values()
    for kind, name, text in wanted if objects is ledger.objects[resource.path] else ():
        if kind in ("one_of", "equal") and name in ledger.keys[resource.path].names:
            values = _parts(text) if kind == "one_of" else {text}
            numbers = {number for value in values for number in ledger.keys[resource.path].ids(name, value)}
            rows = [objects[number] for number in sorted(numbers)]
            break
    for kind, name, text in wanted:
        keep = _FILTERS[kind](text, name)
        rows = [row for row in rows if keep(row)]
    return list(rows)


def _parts(text: str) -> set[str]:
    return {part.strip().lower() for part in text.split(",") if part.strip()}


def _one_of(text: str, name: str) -> Keep:
    # exact but for case (guess, sheet 3)
    wanted = _parts(text)
    return lambda row: row[name] is not None and row[name].lower() in wanted


def _equal(text: str, name: str) -> Keep:
    return lambda row: bool(row[name] == text)


def _choice(text: str, name: str) -> Keep:
    # any case: the spec's own example is lower case (sheet 3); that others are refused is a guess
    if text.lower() not in {choice.lower() for choice in ENUMS[name]}:
        raise malformed({"type": [f"The value '{text}' is not valid."]})
    return lambda row: row[name] is not None and row[name].lower() == text.lower()


def _flag(text: str, name: str) -> Keep:
    if text.lower() not in ("true", "false"):
        raise malformed({name: [f"The value '{text}' is not valid."]})
    return lambda row: bool(row[name]) == (text.lower() == "true")


def _later(text: str, name: str) -> Keep:
    """Strictly later: the time itself is not inclusive (spec, sheet 2)."""
    try:
        limit = times.read(text)
    except ValueError:
        raise malformed({name: [f"The value '{text}' is not valid."]}) from None
    return lambda row: row[name] is not None and row[name] > limit


def _ranges(text: str, name: str) -> Keep:
    """`10000-11000, 12000, 13000-`: inclusive, and open to the right (spec, sheet 2)."""
    bounds: list[tuple[int, float]] = []
    for part in text.split(","):
        low, dash, high = (piece.strip() for piece in part.partition("-"))
        if not low.isdecimal() or (high and not high.isdecimal()):
            raise ProblemError(400, "Unable to cast object(s)", f"{name}: {part.strip()} is not a number or a range.")
        bounds.append((int(low), int(high) if high else float("inf") if dash else int(low)))
    return lambda row: row[name] is not None and any(low <= row[name] <= high for low, high in bounds)


def _groups(text: str, name: str) -> Keep:
    """Both refusals in the words of the spec (sheet 5)."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ProblemError(
            400,
            "Unable to cast object(s)",
            "contactGroupIds contains negative numbers and/or range of numbers. '-' is not allowed, only comma ',' "
            "separated single positive numbers are allowed.",
        )
    unknown = [part for part in parts if int(part) not in CONTACT_GROUPS]
    if unknown:
        raise ProblemError(
            404, "Object(s) not found", f"Could not find contact group(s) with id = {', '.join(unknown)}."
        )
    wanted = {int(part) for part in parts}
    return lambda row: not wanted.isdisjoint(row[name] or ())


_FILTERS: dict[str, Callable[[str, str], Keep]] = {
    "one_of": _one_of, "equal": _equal, "choice": _choice, "flag": _flag, "later": _later, "ranges": _ranges,
    "groups": _groups,
}  # fmt: skip
