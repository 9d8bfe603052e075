"""What the environment sets: where mappings, staged files and the embedded store lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

POWEROFFICEGO_CONNECTION = "powerofficego_default"
SHOPIFY_CONNECTION = "shopify_default"
STORE_CONNECTION = "samklang_store"


def airflow_home(environ: Mapping[str, str]) -> Path:
    """Airflow's own folder."""
    return Path(environ.get("AIRFLOW_HOME") or Path.home() / "airflow").expanduser().absolute()


def default_store_url(environ: Mapping[str, str]) -> str:
    """The embedded store: for one machine only."""
    return f"sqlite:///{airflow_home(environ) / 'samklang.db'}"


def staging_url(environ: Mapping[str, str]) -> str:
    """`SAMKLANG_STAGING`, or a folder under Airflow's own."""
    return environ.get("SAMKLANG_STAGING") or str(airflow_home(environ) / "samklang-staging")


def shared_trouble(environ: Mapping[str, str], *, executor: str, has_store: bool) -> list[str]:
    """What to set where tasks run on several machines; empty where everything is in order.

    :param executor: as Airflow's configuration names it.
    """
    local = executor.rsplit(".", 1)[-1] in ("LocalExecutor", "SequentialExecutor", "DebugExecutor", "InProcessExecutor")
    if local and not environ.get("ASTRONOMER_ENVIRONMENT"):
        return []
    trouble = []
    if not has_store:
        trouble.append(f"Add the connection {STORE_CONNECTION}, a PostgreSQL database that all workers reach.")
    url = staging_url(environ)
    if "://" not in url or url.startswith("file://"):
        trouble.append(
            "Set SAMKLANG_STAGING to object storage that all workers reach, for example s3://bucket/samklang."
        )
    return trouble
