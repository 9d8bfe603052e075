"""Who may call: tokens, the two headers of every call, privileges, and ten requests a second (sheet 1 and 4)."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from samklang.simulators.http import Request, Response, json_response

_PRIVILEGES = {"customers": "Customer", "products": "Product", "productgroups": "Product"}
_BAD_KEYS = "Client integration not found. Please ensure the provided keys are matching the desired environment."


@dataclass(slots=True)
class Access:
    """:param switches: read at each request, so that they can change while it runs."""

    now: Callable[[], datetime]
    switch: Callable[[str], Any]
    _tokens: dict[str, tuple[float, bool]] = field(default_factory=dict)  # until when, and whether for demo
    _issued: int = 0
    _recent: deque[float] = field(default_factory=deque)

    def throttled(self, request: Request) -> Response | None:
        """429 beyond the limit of the subscription key, over all client keys together (docs, sheet 4)."""
        limit = self.switch("requests_per_second")
        if not limit:
            return None
        now = self.now().timestamp()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) < limit:
            self._recent.append(now)
            return None
        headers = {"Retry-After": "1"} if self.switch("retry_after") == "present" else {}
        # text in the spec's example for tokens; elsewhere the gateway's own number (guess, sheet 1)
        status = "429" if request.path.lower().endswith("/oauth/token") else 429
        message = "Rate limit is exceeded. Try again in 1 seconds."
        return json_response({"statusCode": status, "message": message}, 429, headers)

    def missing_subscription(self, request: Request) -> Response | None:
        """Azure's gateway words it like this (guess, sheet 1)."""
        key = request.headers.get("ocp-apim-subscription-key") or request.query.get("subscription-key", [""])[0]
        if key == self.switch("subscription_key"):
            return None
        reason = (
            "invalid subscription key. Make sure to provide a valid key for an active subscription."
            if key
            else "missing subscription key. Make sure to include subscription key when making requests to an API."
        )
        return json_response({"statusCode": 401, "message": f"Access denied due to {reason}"}, 401)

    def token(self, request: Request, *, demo: bool) -> Response:
        """Client credentials as Basic; bad keys are a 400 `invalid_client` (spec)."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        form = parse_qs(request.body.decode("utf-8", "replace"))
        if kind != "application/x-www-form-urlencoded" or "grant_type" not in form:
            return _refused("invalid_request", "The mandatory 'grant_type' parameter is missing.")
        if form["grant_type"] != ["client_credentials"]:
            return _refused("unsupported_grant_type", "The specified 'grant_type' is not supported.")
        if _basic(request.headers) != (self.switch("application_key"), self.switch("client_key")):
            return _refused("invalid_client", _BAD_KEYS)
        self._issued += 1
        token = f"go-token-{self._issued}-{'demo' if demo else 'production'}"
        seconds = self.switch("token_seconds")
        self._tokens[token] = (self.now().timestamp() + seconds, demo)
        return json_response({"access_token": token, "token_type": "bearer", "expires_in": seconds})

    def unauthorized(self, request: Request, *, demo: bool) -> Response | None:
        """401 without a body (spec): the token is missing, unknown, expired, or of the other environment."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        until, of_demo = self._tokens.get(token, (0.0, demo))
        if scheme.lower() == "bearer" and of_demo == demo and self.now().timestamp() < until:
            return None
        return Response(401)

    def forbidden(self, resource: str, *, write: bool) -> Response | None:
        """403 without a body (spec): the integration lacks the privilege."""
        granted, name = set(self.switch("privileges")), _PRIVILEGES[resource]
        if f"{name}_Full" in granted or (name in granted and not write):
            return None
        return Response(403)


def _refused(error: str, description: str) -> Response:
    return json_response({"error": error, "error_description": description}, 400)


def _basic(headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:  # neither Base64 nor UTF-8
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")
