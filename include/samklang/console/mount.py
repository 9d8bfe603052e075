"""The console as Airflow mounts it. Each of Airflow's processes loads its plugins, so importing this costs nothing."""

from __future__ import annotations

import asyncio
from typing import Any


class Console:
    """The application, made when it is first asked for, while others are served."""

    def __init__(self) -> None:
        self._app: Any = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._lock:
            if self._app is None:
                self._app = await asyncio.to_thread(_make)
        await self._app(scope, receive, send)


def _make() -> Any:
    from samklang.console.app import create_app

    return create_app()
