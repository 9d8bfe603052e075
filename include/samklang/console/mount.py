"""The console as Airflow mounts it. Each of Airflow's processes loads its plugins, so importing this costs nothing."""

from __future__ import annotations

from functools import cached_property
from typing import Any

MOUNT = "/samklang"
"""Below Airflow's own root."""


class Console:
    """The application, made when it is first asked for."""

    @cached_property
    def _app(self) -> Any:
        from samklang.console.app import create_app

        return create_app()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)
