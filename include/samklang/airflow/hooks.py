"""The connections of both systems, as Airflow hooks. Requests are sent by the clients, which know the limits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlsplit, urlunsplit

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Connection

from samklang.airflow.discretion import log_no_messages, mask
from samklang.connections import DEFAULT_CONNECTIONS, Fields, open_system
from samklang.core.mapping import Mapping
from samklang.core.mapping_file import ENTITIES
from samklang.errors import SamklangError
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.store.database import Database
from samklang.systems.base import Check, System
from samklang.systems.powerofficego import PowerOfficeGoClient, PowerOfficeGoConfig
from samklang.systems.shopify import ShopifyClient, ShopifyConfig

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SystemHook(HttpHook):
    """One of the two systems, behind a connection of its own type or a plain `http` one.

    :param conn_id: of the connection.
    """

    side: ClassVar[str]

    def __init__(self, conn_id: str) -> None:
        super().__init__(http_conn_id=conn_id)

    def fields(self) -> Fields:
        """What the connection holds; its keys are masked in logs from here on."""
        log_no_messages()
        connection = self.get_connection(self.http_conn_id)
        for secret in (connection.login, connection.password, connection.extra_dejson.get("subscription_key")):
            if secret:
                mask(str(secret))
        return Fields(address(connection), connection.login, connection.password, connection.extra_dejson)

    def system(self, mapping: Mapping, database: Database) -> System:
        """The system as the engine sees it, for the mapping's entity; no request is sent.

        :raises ConfigurationError: the connection lacks something.
        """
        return open_system(self.side, mapping, self.fields(), database, on_secret=mask)

    def checks(self, entities: Iterable[str] = ENTITIES) -> list[Check]:
        """Everything that a first run needs of this system; the same thing only once.

        :raises ConfigurationError: the connection or a mapping file is wrong.
        """
        folder = mappings_folder(os.environ)
        found: dict[str, Check] = {}
        with TemporaryDirectory() as scratch:  # what a client remembers of a system does not outlive the check
            database = Database(f"sqlite:///{Path(scratch) / 'check.db'}")
            try:
                for entity in entities:
                    for check in self.system(load_mapping(entity, folder), database).check():
                        found.setdefault(check.name, check)
            finally:
                database.close()
        return list(found.values())

    def test_connection(self) -> tuple[bool, str]:
        """What the button in the connection form says: all that is missing, and what to do about it."""
        try:
            checks = self.checks()
        except SamklangError as error:
            return False, str(error)
        missing = [f"{check.name}: {check.detail}. {check.remedy}".strip() for check in checks if not check.ok]
        if missing:
            return False, " | ".join(missing)
        return True, " | ".join(f"{check.name}: {check.detail}" for check in checks)

    def get_conn(self, *_: Any, **__: Any) -> NoReturn:
        """Not offered: a bare session would send the connection's extras as headers and know nothing of limits."""
        raise NotImplementedError("Use client() for single requests, or system() for the records of an entity.")


class PowerOfficeGoHook(SystemHook):
    """PowerOffice Go.

    :param powerofficego_conn_id: login = application key, password = client key, extra `subscription_key`; host, where
        it is not left empty, an address under `*.poweroffice.net`, or on this machine.
    """

    side = "powerofficego"
    conn_name_attr = "powerofficego_conn_id"
    default_conn_name = DEFAULT_CONNECTIONS["powerofficego"]
    conn_type = "powerofficego"
    hook_name = "PowerOffice Go"

    def __init__(self, powerofficego_conn_id: str = default_conn_name) -> None:
        super().__init__(powerofficego_conn_id)
        self.powerofficego_conn_id = powerofficego_conn_id

    def client(self) -> PowerOfficeGoClient:
        """:raises ConfigurationError: the connection lacks something."""
        fields = self.fields()
        config = PowerOfficeGoConfig.from_connection(fields.host, fields.login, fields.password, fields.extra)
        return PowerOfficeGoClient(config, on_secret=mask)


class ShopifyHook(SystemHook):
    """A Shopify store.

    :param shopify_conn_id: host = the shop; password = an Admin API token, or login and password = client id and
        secret; extra `api_version`: a quarter, as `2026-10`, or `unstable`.
    """

    side = "shopify"
    conn_name_attr = "shopify_conn_id"
    default_conn_name = DEFAULT_CONNECTIONS["shopify"]
    conn_type = "shopify"
    hook_name = "Shopify"

    def __init__(self, shopify_conn_id: str = default_conn_name) -> None:
        super().__init__(shopify_conn_id)
        self.shopify_conn_id = shopify_conn_id

    def client(self) -> ShopifyClient:
        """:raises ConfigurationError: the connection lacks something."""
        fields = self.fields()
        config = ShopifyConfig.from_connection(fields.host, fields.login, fields.password, fields.extra)
        return ShopifyClient(config, on_secret=mask)


HOOKS: dict[str, type[SystemHook]] = {hook.side: hook for hook in (PowerOfficeGoHook, ShopifyHook)}


def address(connection: Connection) -> str | None:
    """Where a connection leads, whichever way it is split over host, schema and port; None: the system's own address.

    `schema` is either the scheme, as in a plain `http` connection, or, in one given as a URI, the path.
    """
    host = (connection.host or "").strip()
    if not host:
        return None
    try:
        return _address(host, connection)
    except ValueError:  # the standard library cannot take it apart; whoever checks hosts says what is wrong with it
        return host


def _address(host: str, connection: Connection) -> str:
    schema = (connection.schema or "").strip("/ ")
    path = ""
    if "://" not in host:
        if schema in ("http", "https"):
            scheme = schema
        else:
            path = f"/{schema}" if schema else ""
            scheme = "http" if urlsplit(f"//{host}").hostname in _LOOPBACK else "https"
        host = f"{scheme}://{host}"
    parts = urlsplit(host)
    netloc = f"{parts.netloc}:{connection.port}" if connection.port and parts.port is None else parts.netloc
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + path, parts.query, parts.fragment))
