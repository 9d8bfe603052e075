"""Who holds a value that must be unique, or that lists are asked for, without looking at every object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# spec, sheet 2: the first two are unique among customers; sheet 3: codes may or may not be unique
KEYS = {
    "customers": ("ExternalImportReference", "ExternalNumber", "Number"),
    "products": ("Code",),
    "productgroups": ("Code",),
}


class Keys:
    """The ids of all objects of one resource by the values of its keys; codes are compared without case."""

    def __init__(self, path: str) -> None:
        self.names = KEYS[path]
        self._ids: dict[tuple[str, Any], tuple[int, ...]] = {}

    def add(self, dto: Mapping[str, Any]) -> None:
        """Take note of a new object, or of its new values."""
        for name in self.names:
            if dto[name] is not None:
                key = _key(name, dto[name])
                self._ids[key] = (*self._ids.get(key, ()), dto["Id"])

    def drop(self, dto: Mapping[str, Any]) -> None:
        """Forget an object, or its former values."""
        for name in self.names:
            if dto[name] is not None:
                key = _key(name, dto[name])
                left = tuple(number for number in self._ids[key] if number != dto["Id"])
                if left:
                    self._ids[key] = left
                else:
                    del self._ids[key]

    def ids(self, name: str, value: object) -> tuple[int, ...]:
        """All holders of a value."""
        return self._ids.get(_key(name, value), ())

    def holder(self, name: str, value: object, but: int | None = None) -> int | None:
        """A holder of a value. :param but: the object that may hold it."""
        return next((number for number in self.ids(name, value) if number != but), None)


def _key(name: str, value: object) -> tuple[str, object]:
    return name, value.lower() if name == "Code" and isinstance(value, str) else value
