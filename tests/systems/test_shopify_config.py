"""The Shopify connection: what it takes, and what it says when something is missing."""

from __future__ import annotations

from typing import Any

import pytest
from shop import HOST, TOKEN

from samklang.errors import ConfigurationError
from samklang.systems.shopify import ShopifyConfig

CREDENTIALS = {"grant_type": "client_credentials"}


def configure(
    host: str | None = HOST, login: str | None = None, password: str | None = TOKEN, **extra: Any
) -> ShopifyConfig:
    return ShopifyConfig.from_connection(host, login, password, extra)


def test_a_password_alone_is_a_static_token() -> None:
    config = configure()
    assert (config.host, config.api_version, config.token, config.client_id) == (HOST, "2026-10", TOKEN, None)


def test_login_and_password_are_client_credentials_when_the_grant_says_so() -> None:
    config = configure(login="id", password="geheim", **CREDENTIALS)
    assert (config.token, config.client_id, config.client_secret) == (None, "id", "geheim")


@pytest.mark.parametrize("host", ["fjord.myshopify.com", f"{HOST}/", f" {HOST} "])
def test_a_host_may_lack_its_scheme_or_end_in_a_slash(host: str) -> None:
    assert configure(host).host.rstrip("/") == HOST


@pytest.mark.parametrize("host", ["http://127.0.0.1:9102", "http://localhost:9102"])
def test_plain_http_is_taken_for_this_machine(host: str) -> None:
    assert configure(host).host == host


@pytest.mark.parametrize(
    "host",
    [
        "http://fjord.myshopify.com",
        "https://www.fjordbutikken.no",
        "https://admin.shopify.com/store/fjord",
        "https://fjord.myshopify.com/admin",
        "https://fjord.myshopify.com.evil.example",
        "https://evil.example/.myshopify.com",
        "https://x@fjord.myshopify.com",
        "",
        None,
    ],
)
def test_other_hosts_are_refused(host: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"myshopify|https|host"):
        configure(host)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"password": None}, "no password"),
        ({"password": " "}, "no password"),
        ({"password": "to ord"}, "characters"),
        ({"login": "id"}, "no extra grant_type"),
        ({"grant_type": "password"}, "grant_type is not known"),
        ({"grant_type": "client_credentials"}, "no login"),
        ({"grant_type": "client_credentials", "login": "id", "password": ""}, r"no password \(client secret\)"),
        ({"api_version": "2026-13"}, "api_version"),
    ],
)
def test_what_is_missing_or_wrong_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        configure(**arguments)


def test_another_api_version_may_be_named() -> None:
    assert configure(api_version="2027-01").api_version == "2027-01"


def test_no_secret_shows_in_the_representation() -> None:
    assert TOKEN not in repr(configure())
    shown = repr(configure(login="klient-id", password="geheim", **CREDENTIALS))
    assert "geheim" not in shown
    assert "klient-id" not in shown
