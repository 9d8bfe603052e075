"""The forms of both connections say and take what the clients take."""

from __future__ import annotations

import re
from typing import Any

import pytest

from samklang.airflow.provider_info import get_provider_info
from samklang.errors import ConfigurationError
from samklang.systems.powerofficego import PowerOfficeGoConfig
from samklang.systems.shopify import ShopifyConfig


def form(kind: str) -> dict[str, Any]:
    (found,) = (one for one in get_provider_info()["connection-types"] if one["connection-type"] == kind)
    return found


def client_takes(version: str) -> bool:
    try:
        ShopifyConfig.from_connection("https://fjord.myshopify.com", None, "shpat_x", {"api_version": version})
    except ConfigurationError:
        return False
    return True


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [
        ("2026-10", True),
        ("2027-01", True),
        ("unstable", True),
        ("2026-11", False),
        ("1999-01", False),
        ("٢٠٢٦-10", False),
        ("latest", False),
    ],
)
def test_the_form_takes_the_versions_that_the_client_takes(version: str, is_taken: bool) -> None:
    pattern = form("shopify")["conn-fields"]["api_version"]["schema"]["pattern"]
    assert (re.search(pattern, version) is not None, client_takes(version)) == (is_taken, is_taken)


def test_the_form_names_the_versions_and_the_hosts_that_are_taken() -> None:
    assert "unstable" in form("shopify")["conn-fields"]["api_version"]["description"]
    go = form("powerofficego")
    for text in (go["ui-field-behaviour"]["placeholders"]["host"], go["conn-fields"]["token_url"]["description"]):
        assert "*.poweroffice.net" in text
    with pytest.raises(ConfigurationError, match=r"\*\.+poweroffice\.net"):
        PowerOfficeGoConfig.from_connection("https://evil.example", "a", "b", {"subscription_key": "s"})
