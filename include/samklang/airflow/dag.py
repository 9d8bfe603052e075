"""The DAG of one entity. Reading this costs no more than the mapping file: the engine is imported by the tasks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseNotifier, CronDataIntervalTimetable, Param

from samklang.airflow.deadlines import deadline
from samklang.airflow.names import EXTRACTS, LOADS, REVIEW, SETTLE, TRANSFORM
from samklang.airflow.notifying import notifiers_of
from samklang.airflow.operators import (
    ExtractPowerOfficeGoOperator,
    ExtractShopifyOperator,
    LoadPowerOfficeGoOperator,
    LoadShopifyOperator,
    ReviewOperator,
    SettleOperator,
    TransformOperator,
)
from samklang.airflow.retries import FIRST_WAIT, RETRIES, MinutesRetryPolicy
from samklang.airflow.texts import dag_doc, of_task
from samklang.errors import ConfigurationError
from samklang.mapping_files import load_mapping, mappings_folder
from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION, STORE_CONNECTION, notifications


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
    :param dag_id: by default `sync_<entity>`.
    :param notifiers: told when `review` waits for a person; a parked run stops the schedule.
    :raises ConfigurationError: the mapping file or a setting is wrong, or the connections are those of another pair of
        systems; Airflow shows it as an import error.
    """
    _only_pair(
        powerofficego_conn_id=powerofficego_conn_id, shopify_conn_id=shopify_conn_id, store_conn_id=store_conn_id
    )
    mapping = load_mapping(entity, mappings_folder(os.environ))
    told = notifications(os.environ)

    def task(task_id: str) -> dict[str, Any]:
        return {
            "task_id": task_id,
            "entity": entity,
            "powerofficego_conn_id": powerofficego_conn_id,
            "shopify_conn_id": shopify_conn_id,
            "store_conn_id": store_conn_id,
            **of_task(entity, task_id),
        }

    with DAG(
        dag_id or f"sync_{entity}",
        description=f"{entity.capitalize()} of PowerOffice Go and Shopify, kept in two-way sync",
        doc_md=dag_doc(entity),
        # with bounds on both ends, unlike a bare cron text: a backfill is a window on the past
        schedule=CronDataIntervalTimetable(mapping.schedule, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        tags=["samklang", entity],
        params=_params(),
        on_failure_callback=[*notifiers_of(told, "failed")],
        deadline=deadline(told),
        default_args={
            "owner": "samklang",
            "retries": RETRIES,
            "retry_delay": FIRST_WAIT,
            "retry_policy": MinutesRetryPolicy(),
        },
    ) as dag:
        extracts = [
            ExtractPowerOfficeGoOperator(**task(EXTRACTS["powerofficego"])),
            ExtractShopifyOperator(**task(EXTRACTS["shopify"])),
        ]
        transform = TransformOperator(**task(TRANSFORM))
        review = ReviewOperator(
            # Airflow forgets an answer that comes within a second of the question, and tries again: ask again at once.
            retry_delay=timedelta(seconds=1),
            notifiers=[*notifiers, *notifiers_of(told, "waiting")],
            **task(REVIEW),
        )
        loads = [
            LoadShopifyOperator(**task(LOADS["shopify"])),
            LoadPowerOfficeGoOperator(**task(LOADS["powerofficego"])),
        ]
        extracts >> transform >> review >> loads >> SettleOperator(**task(SETTLE))
    return dag


def _only_pair(**conn_ids: str) -> None:
    """One pair of systems for each Airflow: the console and the command line know of no other.

    DAG files are parsed each in a process of its own, so one that names another pair cannot be seen from here; the
    connections that are usual are the only ones.

    :raises ConfigurationError: a connection is another one.
    """
    usual = {
        "powerofficego_conn_id": POWEROFFICEGO_CONNECTION,
        "shopify_conn_id": SHOPIFY_CONNECTION,
        "store_conn_id": STORE_CONNECTION,
    }
    others = [f"{name}={given}" for name, given in conn_ids.items() if given != usual[name]]
    if others:
        raise ConfigurationError(
            f"A second pair of systems in one Airflow is not supported yet: {', '.join(others)}.",
            remedy=f"Use the connections {', '.join(usual.values())}, and an Airflow of its own for each other pair.",
        )


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
