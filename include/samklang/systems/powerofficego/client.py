"""PowerOffice Go over HTTP: keys, token, one request at a time, and refusals as typed errors."""

from __future__ import annotations

import random as random_module
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from samklang.errors import AccessError, ProtocolError
from samklang.systems.base import Pacer, Usage
from samklang.systems.pacing import TokenBucket
from samklang.systems.powerofficego.config import PowerOfficeGoConfig
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.tokens import Token, TokenCache
from samklang.systems.transport import Reply, Transport

SYSTEM = "PowerOffice Go"
Json = dict[str, Any]

_KEYS = (
    "Check login (application key), password (client key) and extra subscription_key, and that all three are of the "
    "same environment (production or demo)."
)
_PRIVILEGES = (
    "Check in PowerOffice Go that the integration is active and has the privileges Customer_Full and Product_Full, "
    "and that the client subscribes to the modules they need."
)


class PowerOfficeGoClient:
    """One client (company); safe to share between threads.

    :param pacer: spaces requests over all processes; by default within this one.
    :param on_secret: is told the keys and each new token, so that logs can mask them.
    """

    def __init__(
        self,
        config: PowerOfficeGoConfig,
        session: requests.Session | None = None,
        *,
        pacer: Pacer | None = None,
        on_secret: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._config = config
        pacer = pacer or TokenBucket(config.pace, sleep=sleep, clock=clock)
        self._api, self._tokens_at = (
            Transport(
                url,
                session,
                system=SYSTEM,
                pacer=pacer,
                sleep=sleep,
                clock=clock,
                wall=wall,
                random=random,
                user_agent=config.user_agent,
            )
            for url in (config.host, config.token_url)
        )
        keys = b64encode(f"{config.application_key}:{config.client_key}".encode()).decode()
        self._basic = f"Basic {keys}"
        if on_secret is not None:
            for secret in (*config.secrets, keys):
                on_secret(secret)
        self.sleep, self.clock, self.wall = sleep, clock, wall
        self._token = TokenCache(self._fetch_token, on_secret=on_secret, clock=clock)

    @property
    def usage(self) -> Usage:
        """So far. The limit counts requests, those for tokens as well. (sheet: PowerOffice Go 6)"""
        sent = self._api.sent + self._tokens_at.sent
        rate = self._config.requests_per_second
        return Usage(sent, sent, rate, max(1.0, rate))

    def sign_in(self) -> None:
        """Have a token. :raises AccessError: the keys are refused."""
        self._token.get()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """:raises RefusedError: a 4xx that is no matter of access."""
        return self._send("GET", path, safe=True, params=params)

    def get_object(self, path: str) -> Json:
        """:raises ProtocolError: the answer is not an object."""
        return read_object(self.get(path))

    def post(self, path: str, body: Json) -> Reply:
        """:raises RefusedError, UnclearError: see `Transport`."""
        return self._send("POST", path, safe=False, json=body)

    def patch(self, path: str, operations: Sequence[Json], *, safe: bool = False) -> Reply:
        """Send a JSON Patch. :param safe: it changes nothing, so it may be repeated."""
        headers = {"Content-Type": "application/json-patch+json"}
        return self._send("PATCH", path, safe=safe, json=list(operations), headers=headers)

    def _send(
        self,
        method: str,
        path: str,
        *,
        safe: bool,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        for is_last in (False, True):
            token = self._token.get()
            reply = self._api.send(
                method,
                path,
                safe=safe,
                params=params,
                json=json,
                headers={
                    "Accept": "application/json",
                    "Authorization": f"Bearer {token}",
                    "Ocp-Apim-Subscription-Key": self._config.subscription_key,
                    **(headers or {}),
                },
            )
            if reply.status != 401 or is_last:
                break
            # it was not executed, whatever it was; the token may have been revoked early
            self._token.drop(token)
        if 200 <= reply.status < 300:
            return reply
        if reply.status in (401, 403):
            raise AccessError(
                f"{reply.request}: access refused (HTTP {reply.status}).",
                remedy=_KEYS if reply.status == 401 else _PRIVILEGES,
                system=SYSTEM,
                status=reply.status,
            )
        refusal = RefusedError(reply, sent=json if json is not None else dict(params or {}))
        if refusal.is_about_access:
            raise AccessError(
                f"{reply.request}: access refused (HTTP {reply.status}).",
                remedy=_PRIVILEGES,
                system=SYSTEM,
                status=reply.status,
            )
        raise refusal

    def _fetch_token(self) -> Token:
        """Client credentials; bad keys are answered with 400, not 401 (sheet: 1)."""
        reply = self._tokens_at.send(
            "POST",
            self._config.token_url,
            safe=True,
            headers={
                "Accept": "application/json",
                "Authorization": self._basic,
                "Ocp-Apim-Subscription-Key": self._config.subscription_key,
            },
            data={"grant_type": "client_credentials"},
        )
        if reply.status in (400, 401, 403):
            raise AccessError(
                f"{reply.request}: the keys are refused (HTTP {reply.status}).",
                remedy=_KEYS,
                system=SYSTEM,
                status=reply.status,
            )
        body = reply.json() if reply.status == 200 else None
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(token, str) or not token:
            raise ProtocolError(
                f"{reply.request}: no token in the answer (HTTP {reply.status}).",
                remedy="Check the connection's host and token_url.",
                system=SYSTEM,
                status=reply.status,
            )
        try:
            lifetime = float(body.get("expires_in"))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            lifetime = 600.0  # none named: half of what it usually is
        return Token(token, lifetime)


def read_object(reply: Reply) -> Json:
    """:raises ProtocolError: the answer is not an object."""
    body = reply.json()
    if not isinstance(body, dict):
        raise ProtocolError(f"{reply.request}: the answer is not an object.", system=SYSTEM, status=reply.status)
    return body
