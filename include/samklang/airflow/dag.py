"""The DAG of one entity. Reading this costs no more than the mapping file: the engine is imported by the tasks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseNotifier, CronDataIntervalTimetable, Param

from samklang.airflow.operators import (
    ExtractPowerOfficeGoOperator,
    ExtractShopifyOperator,
    LoadPowerOfficeGoOperator,
    LoadShopifyOperator,
    ReviewOperator,
    SettleOperator,
    TransformOperator,
)
from samklang.airflow.operators.base import EXTRACTS, LOADS, REVIEW, SETTLE, TRANSFORM
from samklang.airflow.retries import FIRST_WAIT, RETRIES, MinutesRetryPolicy
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION, STORE_CONNECTION

_DOC = """\
### {Entity} of PowerOffice Go and Shopify, kept in tune

`{entity}.yaml` says which fields travel, how often, and what one run may do without asking.

1. **extract_powerofficego**, **extract_shopify** read both sides and stage what came.
2. **transform** links records, merges three ways against what was last synchronised, and stages a plan.
3. **review** passes a plan within the mapping's limits. Beyond one it asks: *Required actions* in this UI, for a day.
4. **load_shopify**, **load_powerofficego** write, each only where the target still holds what the plan expects.
5. **settle** closes the run and logs the summary. Rejected and dry runs end green, and say so.

Any task can be cleared: what is done is not done again. A **backfill** compares records last changed in its window; it
creates nothing and moves no watermark. More: `python -m samklang status`, `plan {entity}`, `explain {entity} ID`.
"""


def build_dag(
    entity: str,
    *,
    powerofficego_conn_id: str = POWEROFFICEGO_CONNECTION,
    shopify_conn_id: str = SHOPIFY_CONNECTION,
    store_conn_id: str = STORE_CONNECTION,
    dag_id: str | None = None,
    notifiers: Sequence[BaseNotifier] = (),
) -> DAG:
    """
    :param entity: `customers` or `products`.
    :param dag_id: for another pair of systems; by default `sync_<entity>`.
    :param notifiers: told when `review` waits for a person; a parked run stops the schedule.
    :raises MappingError: the mapping file is wrong; Airflow shows it as an import error.
    """
    mapping = load_mapping(entity, mappings_folder(os.environ))
    ids: Any = {
        "entity": entity,
        "powerofficego_conn_id": powerofficego_conn_id,
        "shopify_conn_id": shopify_conn_id,
        "store_conn_id": store_conn_id,
    }
    with DAG(
        dag_id or f"sync_{entity}",
        description=f"{entity.capitalize()} of PowerOffice Go and Shopify, kept in two-way sync",
        doc_md=_DOC.format(entity=entity, Entity=entity.capitalize()),
        # with bounds on both ends, unlike a bare cron text: a backfill is a window on the past
        schedule=CronDataIntervalTimetable(mapping.schedule, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        tags=["samklang", entity],
        params=_params(),
        default_args={
            "owner": "samklang",
            "retries": RETRIES,
            "retry_delay": FIRST_WAIT,
            "retry_policy": MinutesRetryPolicy(),
        },
    ) as dag:
        extracts = [
            ExtractPowerOfficeGoOperator(task_id=EXTRACTS["powerofficego"], **ids),
            ExtractShopifyOperator(task_id=EXTRACTS["shopify"], **ids),
        ]
        transform = TransformOperator(task_id=TRANSFORM, **ids)
        # Airflow forgets an answer that comes within a second of the question, and tries again: ask again at once.
        review = ReviewOperator(task_id=REVIEW, retry_delay=timedelta(seconds=1), notifiers=notifiers, **ids)
        loads = [
            LoadShopifyOperator(task_id=LOADS["shopify"], **ids),
            LoadPowerOfficeGoOperator(task_id=LOADS["powerofficego"], **ids),
        ]
        extracts >> transform >> review >> loads >> SettleOperator(task_id=SETTLE, **ids)
    return dag


def _params() -> dict[str, Param]:
    """The form in the trigger dialog."""
    return {
        "mode": Param(
            "auto",
            type="string",
            enum=["auto", "changes", "full"],
            title="How to read",
            description="auto: what changed, and everything on the first run and when the last whole read is older "
            "than the mapping's full_every. changes: only what changed. full: everything.",
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Make and keep the plan; write nothing to either system.",
        ),
        "on_guard": Param(
            "ask",
            type="string",
            enum=["ask", "proceed", "fail"],
            title="When a plan passes a limit",
            description="ask: wait for a person, under Required actions. proceed: carry it out. fail: end the run.",
        ),
    }
