"""What other tools learn of a run: assets, OpenLineage, metrics."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
GO, SHOP = "x-samklang://powerofficego/customers", "x-samklang://shopify/customers"


def test_tasks_say_what_they_read_and_write(dags: dict[str, Any]) -> None:
    tasks = dags["sync_customers"].task_dict
    flow = {name: ([a.uri for a in task.inlets], [a.uri for a in task.outlets]) for name, task in tasks.items()}
    assert flow == {
        "extract_powerofficego": ([GO], []),
        "extract_shopify": ([SHOP], []),
        "transform": ([], []),
        "review": ([], []),
        "load_shopify": ([GO], [SHOP]),
        "load_powerofficego": ([SHOP], [GO]),
        "settle": ([], ["x-samklang://customers"]),
    }


class Dataset(NamedTuple):
    namespace: str
    name: str


class OperatorLineage(NamedTuple):
    inputs: list[Dataset]
    outputs: list[Dataset]


def test_openlineage_learns_of_them(dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its provider is not among our packages; the two names that are used of it stand in for it here."""
    from airflow.providers.common.compat.openlineage import facet

    for name in ("airflow.providers.openlineage", "airflow.providers.openlineage.extractors"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules[name], "OperatorLineage", OperatorLineage, raising=False)
    monkeypatch.setattr(facet, "Dataset", Dataset)

    def lineage(task_id: str) -> Any:
        return dags["sync_customers"].get_task(task_id).get_openlineage_facets_on_complete(None)

    go, shop = Dataset("x-samklang://powerofficego", "customers"), Dataset("x-samklang://shopify", "customers")
    assert lineage("load_shopify") == ([go], [shop])
    assert lineage("settle") == ([], [Dataset("x-samklang", "customers")])


def test_a_run_tells_its_figures_to_airflows_metrics(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.observability import stats

    told: dict[str, tuple[Any, Any]] = {}

    def keep(name: str, value: Any = 1, *, tags: Any = None) -> None:
        if name.startswith("samklang."):
            told[name] = (value, tags)

    monkeypatch.setattr(stats, "gauge", keep)
    monkeypatch.setattr(stats, "incr", keep)
    run = world.run(on_guard="proceed")
    created = run.results["load_shopify"]["outcomes"]["created"]
    assert told["samklang.customers.linked"] == (world.status()["linked"], {"entity": "customers"})
    of_side = {"entity": "customers", "side": "shopify", "outcome": "created"}
    assert told["samklang.customers.shopify.created"] == (created, of_side)
    assert told["samklang.customers.shopify.requests"][0] > 0
    documented = (ROOT / "docs" / "operations.md").read_text()
    for name in told:
        short = name.removeprefix("samklang.customers.")
        last = name.rpartition(".")[2]
        assert any(f"`{one}`" in documented for one in (short, f".{last}", f"<side>.{last}")), name
    assert told["samklang.customers.runs.success"] == (1, {"entity": "customers", "state": "success"})


def test_lag_is_among_the_figures_of_a_run_that_carried_edits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.observability import stats

    from samklang.airflow.metrics import emit

    told = {}
    monkeypatch.setattr(stats, "gauge", lambda name, value, tags: told.update({name: value}))
    lag = {"p50": 61.0, "p95": 900.5, "writes": 7}
    emit("products", {"state": "success", "loads": {}, "requests": {}, "budget": {}, "lag": lag}, {})
    assert told == {"samklang.products.lag.p50": 61.0, "samklang.products.lag.p95": 900.5}
