"""Column types that take whatever a system can answer."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Text, TypeDecorator

_NUL, _QUOTED = "\x00", "\ue000json:"  # a private character: no text that people type begins with it


class AnyText(TypeDecorator[str]):
    """Text of any content. PostgreSQL refuses NUL, so a text with one is kept as JSON; it is read back as it was."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        del dialect
        if value is None or (_NUL not in value and not value.startswith(_QUOTED)):
            return value
        return _QUOTED + json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        del dialect
        if value is None or not value.startswith(_QUOTED):
            return value
        return str(json.loads(value.removeprefix(_QUOTED)))
