"""Transform and merge: linked customers from the store to a plan, beside two ways people write it by hand."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.worlds import SIDES, build, descriptions, edited, pair

SCENARIOS = {"nothing edited": 0.0, "1 % edited on each side": 0.01, "every pair edited": 0.5}


def ours(count: int, part: float) -> tuple[float, int]:
    """:returns: seconds, and rows to write; the store was filled by another process and is read from disk."""
    from samklang.sync.context import Run
    from samklang.sync.transform import make_plan

    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), count, part)
        sync = _reopen(Path(folder))
        started = time.perf_counter()
        plan = make_plan(sync, Run("bench"), sync.views(descriptions()), descriptions())
        return time.perf_counter() - started, len(plan.rows)


def iterrows(count: int, part: float) -> tuple[float, int]:
    """pandas, merged and walked row by row: what most people write first."""
    import pandas as pd

    go, shop, base = _frames(count, part)
    started = time.perf_counter()
    names = [name for name in base[0] if name != "id"]
    merged = pd.DataFrame(base)
    for side, rows in (("go", go), ("shop", shop)):
        renamed = {name: f"{name}_{side}" for name in names}
        merged = merged.merge(pd.DataFrame(rows).rename(columns=renamed), on="id")
    writes = 0
    for _, row in merged.iterrows():
        changed_go = {n for n in names if row[f"{n}_go"] != row[n]}
        changed_shop = {n for n in names if row[f"{n}_shop"] != row[n]}
        writes += bool(changed_go - changed_shop) + bool(changed_shop - changed_go)
    return time.perf_counter() - started, writes


def dicts(count: int, part: float) -> tuple[float, int]:
    """Plain dictionaries: the fastest thing that needs no library, with everything in memory."""
    go, shop, base = _frames(count, part)
    started = time.perf_counter()
    go_by_id, shop_by_id = {r["id"]: r for r in go}, {r["id"]: r for r in shop}
    writes = 0
    for old in base:
        one, other = go_by_id[old["id"]], shop_by_id[old["id"]]
        changed_go = {n for n in old if one[n] != old[n]}
        changed_shop = {n for n in old if other[n] != old[n]}
        writes += bool(changed_go - changed_shop) + bool(changed_shop - changed_go)
    return time.perf_counter() - started, writes


SUBJECTS = {"ours": ours, "iterrows": iterrows, "dicts": dicts}


def _frames(count: int, part: float) -> tuple[list[dict[str, Any]], ...]:
    """Already normalised, already in memory: the peers are spared what ours does besides."""
    edits = round(count * part)
    base = [{"id": n, **dict(zip(range(9), pair(n)[0].values(), strict=True))} for n in range(count)]
    go = [dict(row) for row in base]
    shop = [dict(row) for row in base]
    for n in range(edits):
        go[n] = {"id": n, **dict(zip(range(9), edited(pair(n)[0], SIDES[0], n).values(), strict=True))}
        shop[count - 1 - n][7] = f"edited {n}"
    return go, shop, base


def _fill(folder: Path, count: int, part: float) -> None:
    import subprocess

    subprocess.run([sys.executable, "-m", "benchmarks.merge", "fill", str(folder), str(count), str(part)], check=True)


def _reopen(folder: Path) -> Any:
    from datetime import UTC, datetime

    from benchmarks.worlds import Silent, mapping
    from samklang.staging import Staging
    from samklang.store.database import Database
    from samklang.sync.context import Sync

    database = Database(f"sqlite:///{folder / 'store.db'}")
    return Sync(
        mapping(),
        database,
        Staging(folder / "staging", database.store_id()),
        Silent,
        lambda: datetime(2026, 1, 2, tzinfo=UTC),
    )


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        build(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    else:
        seconds, rows = SUBJECTS[sys.argv[1]](int(sys.argv[2]), float(sys.argv[3]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(seconds, rows, peak)
