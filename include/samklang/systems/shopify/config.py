"""What the client has to know about one shop, as the Airflow connection names it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samklang.errors import ConfigurationError
from samklang.systems.origin import parse_base_url

DEFAULT_VERSION = "2026-10"
_SHOP = re.compile(r"https://[a-z0-9][a-z0-9-]*\.myshopify\.com", re.ASCII)
VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)|unstable")


@dataclass(frozen=True, slots=True)
class ShopifyConfig:
    """Where and as whom.

    :param host: `https://{shop}.myshopify.com`, or plain http to this machine.
    :param token: a static Admin API token; None where a token is fetched with client id and secret.
    """

    host: str
    api_version: str = DEFAULT_VERSION
    token: str | None = field(repr=False, default=None)
    client_id: str | None = field(repr=False, default=None)
    client_secret: str | None = field(repr=False, default=None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never appear in a log."""
        return tuple(secret for secret in (self.token, self.client_secret) if secret)

    @property
    def pacing_key(self) -> str:
        """Names the shop and the app, which share one limit, without naming a key. (sheet: Shopify 5)"""
        app = hashlib.sha256((self.client_id or self.token or "").encode()).hexdigest()[:16]
        return f"{self.host.lower()} {app}"

    @classmethod
    def from_connection(
        cls, host: str | None, login: str | None, password: str | None, extra: Mapping[str, Any]
    ) -> ShopifyConfig:
        """:raises ConfigurationError: something is missing or wrong; it names the field and where to get it."""
        root = _host(host)
        version = str(extra.get("api_version") or DEFAULT_VERSION).strip()
        if not VERSION.fullmatch(version):
            raise ConfigurationError(
                "The Shopify connection's extra api_version is not a version of the Admin API.",
                remedy=f"Write it as {DEFAULT_VERSION}, or unstable, or leave it out.",
            )
        grant = str(extra.get("grant_type") or "").strip()
        if grant not in ("", "client_credentials"):
            raise ConfigurationError(
                "The Shopify connection's extra grant_type is not known.",
                remedy="Use client_credentials, or leave it out and put a static Admin API token into password.",
            )
        if not grant:
            if (login or "").strip():
                raise ConfigurationError(
                    "The Shopify connection has a login, and no extra grant_type that says what it is for.",
                    remedy="Set extra grant_type to client_credentials if login is a client id; leave login empty if "
                    "password is a static Admin API token.",
                )
            where = "The static Admin API token of the app, or with login and grant_type its client secret."
            return cls(root, version, token=_key(password, "password", where))
        where = "It stands in the app's settings in the Dev Dashboard."
        return cls(
            root,
            version,
            client_id=_key(login, "login (client id)", where),
            client_secret=_key(password, "password (client secret)", where),
        )


def _host(host: str | None) -> str:
    text = (host or "").strip().rstrip("/")
    if not text:
        raise ConfigurationError(
            "The Shopify connection has no host.", remedy="Set it to https://{shop}.myshopify.com."
        )
    root, origin = parse_base_url(text if "://" in text else f"https://{text}")
    if not origin.is_loopback and not _SHOP.fullmatch(root):
        raise ConfigurationError(
            f"The Shopify connection's host {origin.host} is not the address of a shop's Admin API.",
            remedy="Set it to https://{shop}.myshopify.com, without a path; the shop's own domain does not serve it.",
        )
    return root


def _key(value: str | None, name: str, where: str) -> str:
    text = (value or "").strip()
    if not text:
        raise ConfigurationError(f"The Shopify connection has no {name}.", remedy=where)
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ConfigurationError(
            f"The Shopify connection's {name} has characters that no key has.", remedy="Copy it again."
        )
    return text
