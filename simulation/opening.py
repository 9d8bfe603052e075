"""The shipped clients of both systems, on the simulation's wire and by its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from samklang.core.mapping import Mapping
from samklang.store.journal import StoredMemory
from samklang.systems.base import System
from samklang.systems.powerofficego import (
    PowerOfficeGoClient,
    PowerOfficeGoConfig,
    PowerOfficeGoCustomers,
    PowerOfficeGoProducts,
)
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts
from simulation.clock import Clock
from simulation.values import POWEROFFICEGO
from simulation.wire import Wire

GO, SHOP = "http://127.0.0.1:9101", "http://127.0.0.1:9102"


def open_system(
    side: str, mapping: Mapping, memory: StoredMemory, wire: Wire, clock: Clock, random: Callable[[], float]
) -> System:
    """As a task does it at its start. :param random: between 0 and 1, for the waits between two tries."""
    session = requests.Session()
    session.mount("http://", wire)
    names = mapping.names(side)
    seams: Any = {"sleep": clock.sleep, "clock": clock.seconds, "wall": clock.seconds, "random": random}
    if side == POWEROFFICEGO:
        extra = {"subscription_key": "sub", "token_url": f"{GO}/OAuth/Token"}
        config = PowerOfficeGoConfig.from_connection(f"{GO}/v2", "app", "client", extra)
        go_kind: Any = {"customers": PowerOfficeGoCustomers, "products": PowerOfficeGoProducts}[mapping.entity]
        go: System = go_kind(PowerOfficeGoClient(config, session, **seams), names, memory, workers=1)
        return go
    shop_config = ShopifyConfig.from_connection(SHOP, "client", "secret", {"grant_type": "client_credentials"})
    shop_kind: Any = {"customers": ShopifyCustomers, "products": ShopifyProducts}[mapping.entity]
    shop: System = shop_kind(ShopifyClient(shop_config, session, **seams), names, memory, workers=1)
    return shop
