"""Who may ask, and for what: tokens, scopes, and fields that are refused. (sheet 1)"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qs

import orjson
from graphql import GraphQLError

from samklang.simulators.http import Request, Response, json_response

CLIENT_ID, CLIENT_SECRET = "client", "secret"
STATIC_TOKEN = "shpat_simulated"  # noqa: S105 - the simulator's own, known to everyone
LIFETIME = 86_399
HEADER = "x-shopify-access-token"

READ_WRITE = {
    "customer": "customers",
    "product": "products",
    "inventory": "inventory",
}
"""Which scopes the beginning of a root field's name asks for."""


class Tokens:
    """Tokens that were handed out. :param now: tokens end by this clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._until: dict[str, datetime] = {}

    def grant(self, request: Request, scopes: Iterable[str]) -> Response:
        """`POST /admin/oauth/access_token`: client credentials, as a form or as JSON."""
        form = _form(request)
        if form.get("grant_type") != "client_credentials":
            return json_response({"error": "unsupported_grant_type"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_response({"error": "invalid_client"}, 401)
        token = f"shpat_simulated_{len(self._until) + 1}"
        self._until[token] = self._now() + timedelta(seconds=LIFETIME)
        return json_response({"access_token": token, "scope": ",".join(scopes), "expires_in": LIFETIME})

    def valid(self, request: Request) -> bool:
        """Whether a request carries the static token, or one that has not ended."""
        token = request.headers.get(HEADER, "")
        return token == STATIC_TOKEN or (token in self._until and self._now() < self._until[token])


def _form(request: Request) -> dict[str, Any]:
    """What was posted; nothing where it cannot be read."""
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            posted = orjson.loads(request.body or b"{}")
            return posted if isinstance(posted, dict) else {}
        return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    except ValueError:
        return {}


def granted(scopes: Iterable[str]) -> set[str]:
    """Write implies read. (sheet 1)"""
    given = set(scopes)
    return given | {f"read_{scope.removeprefix('write_')}" for scope in given if scope.startswith("write_")}


def require(field: str, mutation: bool, scopes: Iterable[str]) -> None:
    """:raises GraphQLError: the scopes do not reach to this root field (sheet 1, recorded)."""
    given = granted(scopes)
    if field == "inventoryItem":  # readable with either scope (sheet 1)
        needed = {"read_inventory", "read_products"}
    else:
        resource = next((name for start, name in READ_WRITE.items() if field.startswith(start)), None)
        needed = {f"{'write' if mutation else 'read'}_{resource}"} if resource else set()
    if needed and not needed & given:
        refuse_scope(field, sorted(needed)[0])


def refuse_scope(field: str, scope: str) -> NoReturn:
    """:raises GraphQLError: always."""
    required = f"`{scope}` access scope."
    raise GraphQLError(
        f"Access denied for {field} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )


def refuse_field(kind: str, name: str) -> NoReturn:
    """A field that the app may not see. :raises GraphQLError: always (sheet 1; the words about B2B are a guess)."""
    if name == "companyContactProfiles":
        required = "`read_customers` or `read_companies` access scope. Also: the shop must have access to B2B."
        message = f"Access denied for {name} field. Required access: {required}"
        raise GraphQLError(message, extensions={"code": "ACCESS_DENIED", "requiredAccess": required})
    see = "https://partners.shopify.com/1/apps/1/customer_data"
    message = f"This app is not approved to access the {kind} object. See {see} for more details."
    raise GraphQLError(message, extensions={"code": "ACCESS_DENIED"})
