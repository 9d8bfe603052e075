"""Connections of every form lead to the right place, and the connection test names what is missing."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ('{"conn_type": "powerofficego", "host": "http://127.0.0.1:9101/v2"}', "http://127.0.0.1:9101/v2"),
        ('{"conn_type": "http", "host": "http://127.0.0.1/v2", "port": 9101}', "http://127.0.0.1:9101/v2"),
        ('{"conn_type": "http", "host": "127.0.0.1:9101/v2", "schema": "http"}', "http://127.0.0.1:9101/v2"),
        ('{"conn_type": "http", "host": "shop.example", "schema": "https"}', "https://shop.example"),
        ('{"conn_type": "http", "host": "https://shop.example/"}', "https://shop.example"),
        ('{"conn_type": "shopify", "host": "shop.example"}', "https://shop.example"),
        ('{"conn_type": "powerofficego"}', None),
        ("http://app:client@127.0.0.1:9101/v2", "http://127.0.0.1:9101/v2"),
        ("powerofficego://app:client@goapi.example/v2", "https://goapi.example/v2"),
        ("http://app:client@https%3A%2F%2Fgoapi.example%2Fv2", "https://goapi.example/v2"),
        ("https://:token@shop.example", "https://shop.example"),
    ],
)
def test_a_connection_leads_to_the_same_place_however_it_is_split(
    value: str, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import BaseHook

    from samklang.airflow import hooks

    monkeypatch.setenv("AIRFLOW_CONN_TRIED", value)
    assert hooks.address(BaseHook.get_connection("tried")) == address


def test_both_types_have_a_form_of_their_own_in_the_ui() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert {"powerofficego", "shopify"} <= set(manager.hooks)
    fields = manager.connection_form_widgets
    assert fields["extra__powerofficego__subscription_key"].is_sensitive
    assert manager.field_behaviours["powerofficego"]["relabeling"]["login"] == "Application key"
    assert manager.field_behaviours["shopify"]["hidden_fields"] == ["schema", "port"]


@pytest.mark.parametrize("conn_type", ["powerofficego", "http"])
def test_a_working_connection_to_powerofficego_passes(world: Any, conn_type: str) -> None:
    assert try_connection(world, "powerofficego", {"conn_type": conn_type})[0] is True


@pytest.mark.parametrize("conn_type", ["shopify", "http"])
@pytest.mark.parametrize(
    "keys",
    [
        {"password": "shpat_simulated"},
        {"login": "client", "password": "secret", "extra": {"grant_type": "client_credentials"}},
    ],
)
def test_a_working_connection_to_shopify_passes(world: Any, conn_type: str, keys: dict[str, Any]) -> None:
    ok, message = try_connection(world, "shopify", {"conn_type": conn_type, **keys})
    assert ok, message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"login": None}, "application key"),
        ({"password": None}, "client key"),
        ({"extra": {}}, "subscription_key"),
        ({"password": "another"}, "keys"),
        ({"host": "http://goapi.example/v2"}, "https"),
    ],
)
def test_what_a_connection_to_powerofficego_lacks_is_named(world: Any, change: dict[str, Any], named: str) -> None:
    ok, message = try_connection(world, "powerofficego", change)
    assert not ok
    assert named in message


def test_a_missing_privilege_is_named(world: Any) -> None:
    world.powerofficego.switches({"privileges": ["Customer_Full", "Product"]})
    ok, message = try_connection(world, "powerofficego", {})
    assert not ok
    assert "Product_Full" in message
    assert "Customer_Full" not in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"host": None}, "host"),
        ({"password": None}, "password"),
        ({"password": "another"}, "token"),
        ({"host": "http://shop.example"}, "https"),
    ],
)
def test_what_a_connection_to_shopify_lacks_is_named(world: Any, change: dict[str, Any], named: str) -> None:
    ok, message = try_connection(world, "shopify", change)
    assert not ok
    assert named in message.lower()


def test_a_missing_scope_is_named(world: Any) -> None:
    world.shopify.switches({"scopes": ["write_customers", "read_products"]})
    ok, message = try_connection(world, "shopify", {})
    assert not ok
    assert "write_products" in message


def test_a_connection_test_writes_nothing(world: Any) -> None:
    try_connection(world, "powerofficego", {})
    try_connection(world, "shopify", {})
    assert world.writes() == 0


def test_keys_are_masked_in_logs(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    from airflow.sdk._shared.secrets_masker import redact

    world.powerofficego.switches(
        {"application_key": "Kx81-first", "client_key": "Kx82-second", "subscription_key": "Kx83-third"}
    )
    keys = {"login": "Kx81-first", "password": "Kx82-second"}
    with caplog.at_level(logging.DEBUG):
        ok, message = try_connection(world, "powerofficego", keys, subscription_key="Kx83-third")
    assert ok, message
    assert redact("Kx81-first Kx82-second Kx83-third") == "*** *** ***"
    assert "Kx82-second" not in caplog.text
    assert "Kx83-third" not in caplog.text


def test_the_bare_session_that_would_send_keys_as_headers_is_not_offered() -> None:
    from samklang.airflow.hooks import PowerOfficeGoHook

    with pytest.raises(NotImplementedError, match="client"):
        PowerOfficeGoHook().get_conn()


def try_connection(world: Any, side: str, change: dict[str, Any], **extra: Any) -> tuple[bool, str]:
    """The connection test of a side, with these fields of its connection changed."""
    from samklang.airflow.hooks import HOOKS

    url = world.urls[side]
    if side == "powerofficego":
        fields = {
            "conn_type": "powerofficego",
            "host": f"{url}/v2",
            "login": "app",
            "password": "client",
            "extra": {"subscription_key": "sub", "token_url": f"{url}/OAuth/Token", **extra},
        }
    else:
        fields = {"conn_type": "shopify", "host": url, "password": "shpat_simulated"}
    world.set_connection(f"tried_{side}", **json.loads(json.dumps(fields | change)))
    return HOOKS[side](f"tried_{side}").test_connection()


@pytest.mark.parametrize(
    "host", ["https://fjord.myshopify.com:port", "https://fjord\u2100.myshopify.com", "https://[::1", "fjord\uff0ecom"]
)
def test_a_host_that_cannot_be_taken_apart_is_refused_and_no_crash(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.airflow.hooks import ShopifyHook
    from samklang.errors import ConfigurationError

    tried = json.dumps({"conn_type": "shopify", "host": host, "password": "Qkey"})
    monkeypatch.setenv("AIRFLOW_CONN_TRIED", tried)
    with pytest.raises(ConfigurationError):
        ShopifyHook("tried").client()
