"""From the fields of a connection to a system: the one place that knows which sides exist and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from samklang.core.clocks import from_datetime
from samklang.core.mapping import Mapping as EntityMapping
from samklang.core.rules import EntityRules
from samklang.core.sides import TITLES
from samklang.errors import ConfigurationError
from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.store.pacing import StoredLimit, StoredPacer
from samklang.sync.explain import Terms
from samklang.systems.base import Memory, System
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
)
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts

SIDES = tuple(TITLES)
DEFAULT_CONNECTIONS = {"powerofficego": POWEROFFICEGO_CONNECTION, "shopify": SHOPIFY_CONNECTION}

OnSecret = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fields:
    """What an Airflow connection holds, whatever its type."""

    host: str | None
    login: str | None = field(repr=False, default=None)
    password: str | None = field(repr=False, default=None)
    extra: Mapping[str, Any] = field(repr=False, default_factory=dict)


def open_system(
    side: str,
    mapping: EntityMapping,
    fields: Fields,
    database: Database,
    *,
    memory: Database | None = None,
    on_secret: OnSecret | None = None,
) -> System:
    """The system of one side for one entity; no request is sent.

    :param memory: keeps what is learned about the system, where that is another store than the one that paces.
    :param on_secret: told of every key and token, so that logs can mask them.
    :raises ConfigurationError: the connection lacks something.
    """
    return _OPENERS[side](mapping, fields, database, StoredMemory(memory or database, side), on_secret)


def rules(side: str, entity: str) -> EntityRules:
    """What a system asks of an entity; known without a connection."""
    answer: EntityRules = _kind(side, entity).rules
    return answer


def terms_of(mapping: EntityMapping) -> Terms:
    """What the decisions of the next run follow from, besides the store, at this moment."""
    return Terms(mapping, {side: rules(side, mapping.entity) for side in SIDES}, from_datetime(datetime.now(UTC)))


def _powerofficego(
    mapping: EntityMapping, fields: Fields, database: Database, memory: Memory, on_secret: OnSecret | None
) -> System:
    config = PowerOfficeGoConfig.from_connection(fields.host, fields.login, fields.password, fields.extra)
    pacer = StoredPacer(database, config.pacing_key, config.pace)
    client = PowerOfficeGoClient(config, pacer=pacer, on_secret=on_secret)
    kind = _kind("powerofficego", mapping.entity)
    system: System = kind(client, mapping.names("powerofficego"), memory)
    return system


def _shopify(
    mapping: EntityMapping, fields: Fields, database: Database, memory: Memory, on_secret: OnSecret | None
) -> System:
    config = ShopifyConfig.from_connection(fields.host, fields.login, fields.password, fields.extra)
    client = ShopifyClient(config, limit=StoredLimit(database, config.pacing_key), on_secret=on_secret)
    kind = _kind("shopify", mapping.entity)
    system: System = kind(client, mapping.names("shopify"), memory)
    return system


def _kind(side: str, entity: str) -> Any:
    kinds = _KINDS[side]
    if entity not in kinds:
        raise ConfigurationError(f"There is no entity called {entity}.", remedy=f"Use {' or '.join(kinds)}.")
    return kinds[entity]


_KINDS: dict[str, dict[str, Any]] = {
    "powerofficego": {"customers": PowerOfficeGoCustomers, "products": PowerOfficeGoProducts},
    "shopify": {"customers": ShopifyCustomers, "products": ShopifyProducts},
}
_OPENERS = {"powerofficego": _powerofficego, "shopify": _shopify}
