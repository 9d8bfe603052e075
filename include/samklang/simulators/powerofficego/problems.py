"""Errors as the API words them (sheet 5)."""

from __future__ import annotations

from typing import Any


class ProblemError(Exception):
    """An answer other than the wanted one. :param title: and :param detail: of its ProblemDetails."""

    def __init__(self, status: int, title: str, detail: str = "", **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more

    def body(self, *, pascal: bool) -> dict[str, Any]:
        """The ProblemDetails object. :param pascal: names as in the schema, instead of as in its examples."""
        names = {"type": "about:blank", "title": self.title, "status": self.status, **self.more}
        if self.detail:
            names["detail"] = self.detail
        return {(name[0].upper() + name[1:] if pascal else name): value for name, value in names.items()}


def not_found(name: str, number: object) -> ProblemError:
    return ProblemError(404, "Object(s) not found", f"{name} with id = {number} not found.")


def invalid(name: str, detail: str) -> ProblemError:
    return ProblemError(400, f"{name} validation error(s)", detail)


def malformed(errors: dict[str, list[str]]) -> ProblemError:
    """What ASP.NET Core answers by itself (guess; sheet 5)."""
    return ProblemError(400, "One or more validation errors occurred.", "", errors=errors)
