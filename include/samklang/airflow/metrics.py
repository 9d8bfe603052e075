"""A run as figures for Airflow's own metrics: StatsD or OpenTelemetry, as its section `[metrics]` says."""

from __future__ import annotations

from typing import Any


def emit(entity: str, summary: dict[str, Any], health: dict[str, int]) -> None:
    """Gauges of where an entity stands, counters of what its run did; names are listed in `docs/operations.md`.

    Entity and side stand in the name, as plain StatsD knows no tags, and are tags as well.
    """
    from airflow.sdk.observability.stats import gauge, incr

    of_entity = {"entity": entity}
    for name, value in health.items():
        gauge(f"samklang.{entity}.{name}", value, tags=of_entity)
    for name in ("p50", "p95") if summary["lag"] else ():
        gauge(f"samklang.{entity}.lag.{name}", summary["lag"][name], tags=of_entity)
    incr(f"samklang.{entity}.runs.{summary['state']}", tags={**of_entity, "state": summary["state"]})
    for side, report in summary["loads"].items():
        for outcome, count in (report["outcomes"] if report else {}).items():
            tags = {**of_entity, "side": side, "outcome": outcome}
            incr(f"samklang.{entity}.{side}.{outcome}", count, tags=tags)
    for side, count in summary["requests"].items():
        incr(f"samklang.{entity}.{side}.requests", count, tags={**of_entity, "side": side})
    for side, share in summary["budget"].items():
        gauge(f"samklang.{entity}.{side}.budget", share, tags={**of_entity, "side": side})
