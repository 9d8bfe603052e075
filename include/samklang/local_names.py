"""Names under which a server without a login may be asked for.

A page elsewhere can have its own name lead to this machine (DNS rebinding), and then reads what we serve as its own. It
has to be a name that somebody can register: an address, a name without a dot and `*.localhost` are none.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

REFUSAL = "This server is not known under the name that was asked for. Use http://127.0.0.1 and its port."

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([\w.-]*))(?::[0-9]*)?", re.ASCII | re.IGNORECASE)
"""A name or an address, and a port; what else stands there, readers of it differ on."""


def is_anybodys(host: str, known: Collection[str] = ()) -> bool:
    """:param host: as the header `Host` has it; empty: no browser sent it. :param known: names that are ours."""
    found = _HOST.fullmatch(host)
    if found is None:
        return True
    name = (found[1] or found[2]).lower().rstrip(".")
    is_local = name.endswith(".localhost") or "." not in name or name in known
    return not (is_local or _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class LocalNames:
    """ASGI middleware. :param known: names that are ours beside the local ones."""

    def __init__(self, app: ASGIApp, known: Collection[str] = ()) -> None:
        self._app = app
        self._known = frozenset(known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] in ("http", "websocket") and any(is_anybodys(host, self._known) for host in hosts):
            from starlette.responses import PlainTextResponse  # each of Airflow's processes loads this module

            await PlainTextResponse(REFUSAL, 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)
