"""Extract, transform and load: each hands Airflow's context to one step of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowSkipException

from samklang.airflow.assets import side_asset, writes
from samklang.airflow.names import EXTRACTS
from samklang.airflow.operators.base import SyncOperator, pull_required
from samklang.core.sides import TITLES
from samklang.errors import OutdatedPlanError

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExtractOperator(SyncOperator):
    """Read one side and stage what came; returns the reference that `transform` takes."""

    side: ClassVar[str]
    ui_color = "#e3eefb"

    def __init__(self, *, entity: str, **kwargs: Any) -> None:
        super().__init__(entity=entity, inlets=[side_asset(self.side, entity)], **kwargs)

    def console_page(self, run_id: str) -> tuple[str | int, ...]:  # noqa: ARG002
        return ()

    def execute(self, context: Context) -> dict[str, Any]:
        from samklang.airflow.context import run_of
        from samklang.sync.extract import extract

        with self.open_sync() as sync:
            read = extract(sync, self.side, run_of(context))
        self.log.info("%s read %s: %d records", self.side, "whole" if read["whole"] else "by window", read["rows"])
        return read


class ExtractPowerOfficeGoOperator(ExtractOperator):
    """Read PowerOffice Go; see `SyncOperator` for the parameters."""

    side = "powerofficego"


class ExtractShopifyOperator(ExtractOperator):
    """Read Shopify; see `SyncOperator` for the parameters."""

    side = "shopify"


class TransformOperator(SyncOperator):
    """Make the plan from what was read; returns its reference and counts. See `SyncOperator` for the parameters."""

    ui_color = "#fdf1d8"

    def execute(self, context: Context) -> dict[str, Any]:
        from samklang.airflow.context import run_of
        from samklang.sync.review import summary_table
        from samklang.sync.transform import transform

        reads = [pull_required(context, task_id) for task_id in EXTRACTS.values()]
        with self.open_sync() as sync:
            plan = transform(sync, run_of(context), reads)
        self.plan_id = plan["plan"]
        self.log.info("plan %d:\n%s", plan["plan"], summary_table(plan["counts"]))
        return plan


class LoadOperator(SyncOperator):
    """Carry out one side of an approved plan; running it again does what is left. Returns rows by outcome.

    Where a newer plan has been carried out since, it is skipped: nothing is wrong, and nothing is left to do.
    """

    side: ClassVar[str]
    ui_color = "#e2f4e6"

    def __init__(self, *, entity: str, **kwargs: Any) -> None:
        others = [side_asset(side, entity) for side in TITLES if side != self.side]
        super().__init__(entity=entity, inlets=others, outlets=[side_asset(self.side, entity)], **kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        from samklang.sync.load import load

        plan = self.pull_plan(context)
        try:
            with self.open_sync() as sync:
                report = load(sync, self.side, plan)
        except OutdatedPlanError as error:
            raise AirflowSkipException(str(error)) from None
        self.log.info("%s: %s", self.side, report["outcomes"] or "nothing to write")
        if report["reasons"]:
            self.log.info("reasons: %s", report["reasons"])
        context["outlet_events"][side_asset(self.side, self.entity)].extra = {
            "run_id": context["run_id"],
            "writes": writes(report["outcomes"]),
            "outcomes": report["outcomes"],
        }
        return report


class LoadPowerOfficeGoOperator(LoadOperator):
    """Write to PowerOffice Go; see `SyncOperator` for the parameters."""

    side = "powerofficego"


class LoadShopifyOperator(LoadOperator):
    """Write to Shopify; see `SyncOperator` for the parameters."""

    side = "shopify"
