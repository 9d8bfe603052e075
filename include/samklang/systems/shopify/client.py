"""Shopify's Admin API over HTTP: token, one GraphQL document at a time, its cost, and refusals as typed errors."""

from __future__ import annotations

import logging
import random as random_module
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import orjson
import requests

from samklang.errors import (
    AccessError,
    ConfigurationError,
    ProtocolError,
    RejectedError,
    RemoteError,
    TemporaryError,
    ThrottledError,
    UnclearError,
)
from samklang.systems.base import Limit, Usage
from samklang.systems.pacing import LocalLimit
from samklang.systems.shopify.answers import (
    PROTECTED_DATA,
    SYSTEM,
    THROTTLED,
    Answer,
    Json,
    error_of,
    read_answer,
    read_faults,
)
from samklang.systems.shopify.budget import Budget, Room, seconds_to_wait
from samklang.systems.shopify.config import VERSION, ShopifyConfig
from samklang.systems.shopify.documents import Call, compose, size_of
from samklang.systems.tokens import Token, TokenCache
from samklang.systems.transport import LONGEST_WAIT, Reply, Transport

log = logging.getLogger(__name__)

_FILE_HOSTS = ("storage.googleapis.com",)
"""Where the files of bulk operations lie, as recorded (sheet: Shopify 5)."""
_TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - a path
_KEYS = "Check the connection: a static Admin API token in password, or client id, client secret and grant_type."
_REMEDIES = {
    401: _KEYS,
    402: "The shop is frozen: its owner has to pay the outstanding bill.",
    403: f"See that the app is installed in this shop and has the access scopes it needs. {PROTECTED_DATA}",
    404: "Check the connection's host: it must be the https://{shop}.myshopify.com address of an existing shop.",
    423: "The shop is locked: its owner has to contact Shopify.",
    430: "Shopify rejected the request as a security risk: see what stands between this machine and the shop (a "
    "firewall, an app of the shop that blocks bots), and ask less often. The next run tries again.",
}


PATIENCE = 3600.0
"""Seconds for which a shop may say that it is out of points, although they were queued up for: others use them."""


class ShopifyClient:
    """One shop; safe to share between threads.

    :param limit: of the app's points, for all who share them; by default within this process.
    :param on_secret: is told the keys and each new token, so that logs can mask them.
    """

    def __init__(
        self,
        config: ShopifyConfig,
        session: requests.Session | None = None,
        *,
        limit: Limit | None = None,
        on_secret: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._config = config
        self._api = Transport(config.host, session, system=SYSTEM, sleep=sleep, clock=clock, wall=wall, random=random)
        self._at_once = Transport(
            config.host, session, system=SYSTEM, sleep=_refuse_to_wait, clock=clock, wall=wall, random=random
        )
        self._path = f"/admin/api/{config.api_version}/graphql.json"
        self.sleep = sleep
        self._random = random
        self.budget = Budget(limit or LocalLimit(clock), sleep, clock)
        self._told_version = False
        if on_secret is not None:
            for secret in config.secrets:
                on_secret(secret)
        self._token = TokenCache(self._fetch_token, on_secret=on_secret, clock=clock)

    @property
    def usage(self) -> Usage:
        """So far, as the answers told."""
        return Usage(self._api.sent + self._at_once.sent, self.budget.spent, self.budget.rate, self.budget.maximum)

    def sign_in(self) -> None:
        """Have a token. :raises AccessError: the keys are refused."""
        self._token.get()

    def run(
        self,
        calls: Sequence[Call],
        *,
        operation: str,
        fragments: Mapping[str, str] | None = None,
        partial: bool = False,
        room: Room | None = None,
    ) -> Answer:
        """Read with one document of many calls; see `execute`.

        :param room: where its points come from; None: they are queued up for.
        """
        document, variables = compose(calls, operation=operation, fragments=fragments)
        request = _Request(document, variables, operation, size_of(calls))
        return self._run(request, safe=True, partial=partial, now=False, room=room)

    def write(
        self,
        calls: Sequence[Call],
        *,
        operation: str,
        fragments: Mapping[str, str] | None = None,
        safe: bool = False,
        partial: bool = True,
        room: Room | None = None,
    ) -> Answer:
        """Write with one document of many calls, which are carried out in order; see `execute`.

        :param room: where its points come from, so that it is sent at once or not at all, because what it rests on may
            change meanwhile: a ThrottledError says that it was not carried out, and when it can be.
        """
        document, variables = compose(calls, operation=operation, kind="mutation", fragments=fragments)
        request = _Request(document, variables, operation, size_of(calls))
        return self._run(request, safe=safe, partial=partial, now=room is not None, room=room)

    def execute(
        self,
        document: str,
        variables: Json | None = None,
        *,
        operation: str,
        safe: bool,
        partial: bool = False,
    ) -> Answer:
        """Send one document. For points it waits as long as others are served before.

        :param operation: its name; costs are remembered by it.
        :param safe: whether it may be repeated when its fate is unknown.
        :param partial: give back the failures of single calls, instead of raising the first one.
        :raises AccessError: keys or scopes are refused. :raises UnclearError: a write may have been carried out.
        :raises RejectedError, TemporaryError, ProtocolError: see `answers` and `Transport`.
        """
        request = _Request(document, variables or {}, operation, 1)
        return self._run(request, safe=safe, partial=partial, now=False, room=None)

    def download(self, url: str) -> Iterator[bytes]:
        """A bulk operation's file, in chunks, without the token."""
        return self._api.download(url, hosts=_FILE_HOSTS)

    def _run(self, request: _Request, *, safe: bool, partial: bool, now: bool, room: Room | None) -> Answer:
        body = self._send(request, safe, now, room)
        answer = read_answer(body, request.operation, safe=safe)
        if answer.faults and not partial:
            raise error_of(answer.faults, request.operation, safe)
        return answer

    def _send(self, request: _Request, safe: bool, now: bool, room: Room | None) -> Json:
        """Until the shop has points for it. They are queued up for, so only what others use can be in the way."""
        waited, tries = 0.0, 0
        while True:
            try:
                with nullcontext(room) if room else self.budget.room({request.operation: request.size}) as points:
                    return self._send_once(request, safe, now, points)
            except _OutOfPoints as error:
                delay = error.seconds
            if now or waited > PATIENCE:
                raise ThrottledError(f"{request.operation}: out of points.", retry_after=delay, system=SYSTEM)
            # nobody comes back at the same moment: up to a half more
            delay = min(LONGEST_WAIT, max(0.5 * 2 ** min(tries, 6), delay) * (1 + self._random() / 2))
            log.info("%s: the shop is out of points. Waiting %.1f s.", request.operation, delay)
            self.sleep(delay)
            waited, tries = waited + delay, tries + 1

    def _send_once(self, request: _Request, safe: bool, now: bool, room: Room) -> Json:
        operation = request.operation
        self.budget.sending(room, operation, request.size)
        reply = self._authorized(request, safe, now, room)
        self._compare_version(reply)
        if reply.status != 200:
            raise _refused(reply, safe)
        try:
            body = reply.json()
            if not isinstance(body, dict):
                raise ProtocolError(f"{operation}: the answer is not an object.", system=SYSTEM)
        except ProtocolError as error:
            if safe:
                raise
            raise UnclearError(error.message, system=SYSTEM, status=reply.status) from None
        self.budget.learn(room, operation, request.size, _cost(body))
        return body

    def _authorized(self, request: _Request, safe: bool, now: bool, room: Room) -> Reply:
        api = self._at_once if now else self._api

        def judge(reply: Reply) -> None:
            self._see_executed(reply, request, safe, room)

        for is_last in (self._config.token is not None, True):
            token = self._token.get()
            reply = api.send(
                "POST",
                self._path,
                safe=safe,
                json=request.body,
                headers={"Accept": "application/json", "X-Shopify-Access-Token": token},
                throttled=judge,
            )
            if reply.status != 401 or is_last:
                break
            # it was not executed, whatever it was; the token may have been revoked early
            self._token.drop(token)
            if now:
                raise ThrottledError(f"{request.operation}: the token has ended.", retry_after=0.0)
        return reply

    def _see_executed(self, reply: Reply, request: _Request, safe: bool, room: Room) -> None:
        """What the shop says under HTTP 200 all the same.

        :raises _OutOfPoints: nothing was carried out.
        :raises TemporaryError: the server failed, and asking again does no harm.
        """
        if reply.status != 200 or b'"errors"' not in reply.content:
            return
        try:
            body = orjson.loads(reply.content)
        except orjson.JSONDecodeError:
            return
        if not isinstance(body, dict) or (not safe and body.get("data") is not None):
            return  # a part of the write was carried out
        faults = read_faults(body)
        if any(fault.code == THROTTLED for fault in faults):
            self.budget.learn(room, request.operation, request.size, _cost(body))
            raise _OutOfPoints(seconds_to_wait(_cost(body)))
        if safe and any(fault.is_server_fault for fault in faults):
            raise TemporaryError(f"{request.operation}: the server failed.", system=SYSTEM, status=reply.status)

    def _compare_version(self, reply: Reply) -> None:
        """A version that is no longer supported falls forward without an error (sheet: Shopify 1)."""
        used = reply.headers.get("X-Shopify-API-Version")
        if used and used != self._config.api_version and not self._told_version:
            self._told_version = True
            used = used if VERSION.fullmatch(used) else "unknown"
            log.warning("Shopify answers with API version %s instead of %s.", used, self._config.api_version)

    def _fetch_token(self) -> Token:
        """The static token, or one for the client id and secret. (sheet: Shopify 1)"""
        if self._config.token is not None:
            return Token(self._config.token, None)
        reply = self._api.send(
            "POST",
            _TOKEN_PATH,
            safe=True,
            headers={"Accept": "application/json"},
            data={
                "grant_type": "client_credentials",
                "client_id": self._config.client_id or "",
                "client_secret": self._config.client_secret or "",
            },
        )
        if reply.status in (400, 401, 403):
            raise AccessError(
                f"{reply.request}: the client id and secret are refused (HTTP {reply.status}).",
                remedy="Check login and password. Client credentials work only for apps of the organisation that owns "
                "the shop, and only where the app is installed.",
                system=SYSTEM,
                status=reply.status,
            )
        if reply.status != 200:
            raise _refused(reply, safe=True)
        body = reply.json()
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(token, str) or not token:
            raise ProtocolError(f"{reply.request}: no token in the answer.", system=SYSTEM, status=reply.status)
        return Token(token, _lifetime(body.get("expires_in")))


@dataclass(frozen=True, slots=True)
class _Request:
    """:param size: see `size_of`."""

    document: str
    variables: Json
    operation: str
    size: int

    @property
    def body(self) -> Json:
        return {"query": self.document, "variables": self.variables, "operationName": self.operation}


class _OutOfPoints(Exception):  # noqa: N818 - no error of ours: it leaves this module as a ThrottledError
    """THROTTLED. :param seconds: until what the request needs has come back."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def _refuse_to_wait(seconds: float) -> None:
    """In the place of a sleep between two tries; only what was not carried out is tried again."""
    raise ThrottledError("A write would have had to wait.", retry_after=seconds, system=SYSTEM)


def _lifetime(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 3600.0  # none named: well below what it always is


def _cost(body: Json) -> object:
    extensions = body.get("extensions")
    return extensions.get("cost") if isinstance(extensions, dict) else None


def _refused(reply: Reply, safe: bool) -> RemoteError | ConfigurationError:
    """What another status than 200 means. One that is no refusal says nothing, of a write least of all."""
    if reply.status < 400:
        message = f"{reply.request}: an answer without words (HTTP {reply.status})."
        odd: type[RemoteError] = ProtocolError if safe else UnclearError
        return odd(message, system=SYSTEM, status=reply.status)
    message = f"{reply.request}: refused (HTTP {reply.status})."
    remedy = _REMEDIES.get(reply.status, "")
    if reply.status == 404:
        return ConfigurationError(message, remedy=remedy)
    kind = AccessError if reply.status in (401, 402, 403, 423, 430) else RejectedError
    return kind(message, remedy=remedy, system=SYSTEM, status=reply.status)
