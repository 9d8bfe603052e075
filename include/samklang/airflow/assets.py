"""The assets of a sync: what other DAGs can wait for, and what lineage shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import Asset

from samklang.core.outcomes import written

SCHEME = "x-samklang"


def entity_asset(entity: str) -> Asset:
    """An event for each run that ended well, with its counts."""
    return Asset(name=f"samklang_{entity}", uri=f"{SCHEME}://{entity}")


def side_asset(side: str, entity: str) -> Asset:
    """The records of one system: an event for each load that ended well, with what it wrote."""
    return Asset(name=f"samklang_{side}_{entity}", uri=f"{SCHEME}://{side}/{entity}")


def writes(outcomes: dict[str, int]) -> int:
    """How many records a load wrote; 0 where there was nothing to do."""
    return sum(written(outcomes).values())


def openlineage_dataset(asset: Any) -> Any:
    """An asset as OpenLineage names it; only called where its provider is installed."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    if not parts.path.strip("/"):
        return Dataset(namespace=parts.scheme, name=parts.netloc)
    return Dataset(namespace=f"{parts.scheme}://{parts.netloc}", name=parts.path.strip("/"))
