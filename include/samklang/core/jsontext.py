"""Canonical JSON text: equal content is equal text, so a change is found by comparing strings."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


loads = orjson.loads
