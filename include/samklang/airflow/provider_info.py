"""What Airflow learns of this package at start: two connection types with forms, and the link to the console.

Read through the entry point group `apache_airflow_provider`, so only where the package is installed.
"""

from __future__ import annotations

from typing import Any

_OPTIONAL_TEXT = {"type": ["string", "null"]}


def get_provider_info() -> dict[str, Any]:
    return {
        "package-name": "samklang",
        "name": "Samklang",
        "description": "PowerOffice Go and Shopify kept in two-way sync.",
        "connection-types": [_powerofficego(), _shopify()],
        "extra-links": ["samklang.airflow.links.ConsoleLink"],
    }


def _powerofficego() -> dict[str, Any]:
    return {
        "hook-class-name": "samklang.airflow.hooks.PowerOfficeGoHook",
        "hook-name": "PowerOffice Go",
        "connection-type": "powerofficego",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"host": "API root", "login": "Application key", "password": "Client key"},
            "placeholders": {"host": "leave empty; else https://goapi.poweroffice.net/v2 or another *.poweroffice.net"},
        },
        "conn-fields": {
            "subscription_key": {
                "label": "Subscription key",
                "description": "From the profile page of the PowerOffice developer portal.",
                "schema": {**_OPTIONAL_TEXT, "format": "password"},
            },
            "environment": {
                "label": "Environment",
                "description": "Keys of one environment do not work in the other.",
                "schema": {"type": "string", "enum": ["production", "demo"], "default": "production"},
            },
            "token_url": {
                "label": "Token URL",
                "description": "Leave empty: it follows from the environment. Else, like the API root, an address "
                "under *.poweroffice.net, or on this machine; keys are sent nowhere else.",
                "schema": _OPTIONAL_TEXT,
            },
            "requests_per_second": {
                "label": "Requests per second",
                "description": "The share of the subscription key's limit that may be used here; 10 when empty.",
                "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 10},
            },
            "contact": {
                "label": "Contact",
                "description": "An e-mail address for PowerOffice to turn to; it goes with each request.",
                "schema": _OPTIONAL_TEXT,
            },
        },
    }


def _shopify() -> dict[str, Any]:
    return {
        "hook-class-name": "samklang.airflow.hooks.ShopifyHook",
        "hook-name": "Shopify",
        "connection-type": "shopify",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {
                "host": "Shop",
                "login": "Client id",
                "password": "Client secret, or Admin API token",
            },
            "placeholders": {
                "host": "https://your-shop.myshopify.com",
                "login": "empty with an Admin API token",
            },
        },
        "conn-fields": {
            "grant_type": {
                "label": "Grant type",
                "description": "client_credentials with client id and secret; empty with an Admin API token.",
                "schema": {"type": ["string", "null"], "enum": ["client_credentials", None]},
            },
            "api_version": {
                "label": "API version",
                "description": "2026-10 when empty; another quarter that Shopify supports, written the same way, or "
                "unstable.",
                "schema": {**_OPTIONAL_TEXT, "pattern": "^(20[0-9]{2}-(01|04|07|10)|unstable)$"},
            },
        },
    }
