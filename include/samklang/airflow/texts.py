"""What Airflow's UI says of the DAG and of each task: names and help."""

from __future__ import annotations

from typing import Any

from samklang.airflow.links import console_url
from samklang.airflow.names import EXTRACTS, LOADS, REVIEW, SETTLE, TRANSFORM
from samklang.core.sides import TITLES

_DAG = """\
### {Entity} of PowerOffice Go and Shopify, kept in tune

`{entity}.yaml` says which fields travel, how often, and what one run may do without asking.

1. **extract_powerofficego**, **extract_shopify** read both sides and stage what came.
2. **transform** links records, merges three ways against what was last synchronised, and stages a plan.
3. **review** passes a plan within the mapping's limits. Beyond one it asks: *Required actions* in this UI, for a day.
4. **load_shopify**, **load_powerofficego** write, each only where the target still holds what the plan expects.
5. **settle** closes the run, logs the summary and writes it into the run's note. Rejected and dry runs end green, and
   say so.

Any task can be cleared: what is done is not done again. A **backfill** compares records last changed in its window; it
creates nothing and moves no watermark. More: the [console]({console}), `docs/operations.md`, and
`python -m samklang status`, `plan {entity}`, `explain {entity} ID`.
"""

_EXTRACT = """\
Reads {entity} of {side}, {how}, and keeps what was seen in the link store. Writes nothing.

**Cleared or retried:** reads again. **When it fails:** the log names the key, scope or limit; nothing has been written.
"""
_HOW = {
    "customers": {"powerofficego": "whole in every run", "shopify": "whole or what changed, as the param `mode` says"},
    "products": dict.fromkeys(TITLES, "whole or what changed, as the param `mode` says"),
}
_LOAD = """\
Writes the approved plan's rows to {side}, each only where the record still holds what the plan expects; one that has
moved goes into the next plan. A rejected or dry plan skips this task.

**Cleared or retried:** goes on with what is left; nothing is written or created twice.
"""
_TRANSFORM = """\
Links records by the mapping's keys, merges both sides three ways against what was last synchronised, and keeps the
plan: which fields of which records to write. Speaks to neither system.

**Cleared or retried:** makes a new plan, which `review` judges anew.
"""
_REVIEW = """\
Within the mapping's limits a plan passes. Beyond one the run parks, *Awaiting input*: see *Required actions* in this
UI, with the figures, the reason and a link to the whole plan. **Approve** applies exactly that plan, **Reject** writes
nothing and ends the run green; the next run plans anew. No answer within a day counts as a rejection.

The param `on_guard` may say `proceed` or `fail` instead of `ask`. A parked run stops the schedule.
"""
_SETTLE = """\
Runs whatever happened before it: moves the watermarks of the sides that finished, writes summary, note, metrics and
asset event, and fails the run where a task before it failed.

**Cleared or retried:** sums up again; writes to neither system.
"""


def dag_doc(entity: str) -> str:
    return _DAG.format(entity=entity, Entity=entity.capitalize(), console=console_url(entity))


def of_task(entity: str, task_id: str) -> dict[str, Any]:
    """Name and help of a task, as its operator takes them."""
    for side, name in TITLES.items():
        if task_id == EXTRACTS[side]:
            doc = _EXTRACT.format(entity=entity, side=name, how=_HOW[entity][side])
            return {"task_display_name": f"Read {name}", "doc_md": doc}
        if task_id == LOADS[side]:
            return {"task_display_name": f"Write to {name}", "doc_md": _LOAD.format(side=name)}
    return {
        TRANSFORM: {"task_display_name": "Match, merge, plan", "doc_md": _TRANSFORM},
        REVIEW: {"task_display_name": "Check the limits, ask beyond one", "doc_md": _REVIEW},
        SETTLE: {"task_display_name": "Close the run, sum up", "doc_md": _SETTLE},
    }[task_id]
