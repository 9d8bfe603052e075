"""What all operators of a sync share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from samklang.airflow.assets import openlineage_dataset
from samklang.airflow.links import ConsoleLink
from samklang.airflow.names import TRANSFORM
from samklang.errors import StoreError
from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION, STORE_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Context

    from samklang.sync.context import Sync


class SyncOperator(BaseOperator):
    """One step of an entity's sync.

    :param entity: `customers` or `products`.
    :param powerofficego_conn_id: (templated) the connection of PowerOffice Go.
    :param shopify_conn_id: (templated) the connection of Shopify.
    :param store_conn_id: (templated) the connection of the link store; where there is none, a file is used.
    """

    template_fields: Sequence[str] = ("powerofficego_conn_id", "shopify_conn_id", "store_conn_id")
    operator_extra_links = (ConsoleLink(),)

    def __init__(
        self,
        *,
        entity: str,
        powerofficego_conn_id: str = POWEROFFICEGO_CONNECTION,
        shopify_conn_id: str = SHOPIFY_CONNECTION,
        store_conn_id: str = STORE_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        self.powerofficego_conn_id = powerofficego_conn_id
        self.shopify_conn_id = shopify_conn_id
        self.store_conn_id = store_conn_id
        self.plan_id: int | None = None

    def console_page(self, run_id: str) -> tuple[str | int, ...]:
        """Where the console shows what this task did: its plan, once that is known, else the run."""
        return ("runs", run_id) if self.plan_id is None else ("plans", self.plan_id)

    def pull_plan(self, context: Context) -> dict[str, Any]:
        """The reference of this run's plan. :raises StoreError: `transform` left none."""
        plan = pull_required(context, TRANSFORM)
        self.plan_id = plan["plan"]
        return plan

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002
        """Inlets and outlets, which OpenLineage takes over by itself only for kinds of address that it knows."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        inputs, outputs = ([openlineage_dataset(asset) for asset in assets] for assets in (self.inlets, self.outlets))
        return OperatorLineage(inputs=inputs, outputs=outputs)

    @contextmanager
    def open_sync(self) -> Iterator[Sync]:
        """The engine is imported here: a DAG file that is only parsed needs none of it.

        :raises UnexpectedError: in the place of any error whose words may quote a record.
        """
        from samklang.airflow.context import open_sync
        from samklang.airflow.discretion import discreet

        conn_ids = {"powerofficego": self.powerofficego_conn_id, "shopify": self.shopify_conn_id}
        with discreet(), open_sync(self.entity, conn_ids, self.store_conn_id) as sync:
            yield sync


def pull(context: Context, task_id: str) -> dict[str, Any] | None:
    """What another task of this run returned; None where it did not finish."""
    value: dict[str, Any] | None = context["ti"].xcom_pull(task_ids=task_id, map_indexes=-1)
    return value


def pull_required(context: Context, task_id: str) -> dict[str, Any]:
    """:raises StoreError: it left nothing, as after being marked as successful by hand."""
    value = pull(context, task_id)
    if value is None:
        raise StoreError(
            f"The task {task_id} of this run left no reference to its result.",
            remedy=f"Clear {task_id} with its downstream tasks.",
        )
    return value
