"""The last task: closes the run, tells what happened, and fails if anything before it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import AirflowFailException

from samklang.airflow.assets import entity_asset, writes
from samklang.airflow.metrics import emit
from samklang.airflow.names import EXTRACTS, LOADS, NOTE, REVIEW, TRANSFORM
from samklang.airflow.notes import in_words, note
from samklang.airflow.operators.base import SyncOperator, pull

if TYPE_CHECKING:
    from airflow.sdk import Context


class SettleOperator(SyncOperator):
    """Move watermarks, write the summary, expire staged files; returns the summary.

    Runs whatever happened before it. A rejected or dry run ends green and says so.

    :param kwargs: see `SyncOperator`.
    """

    ui_color = "#ececf4"

    def __init__(self, *, entity: str, **kwargs: Any) -> None:
        super().__init__(entity=entity, trigger_rule=TriggerRule.ALL_DONE, outlets=[entity_asset(entity)], **kwargs)

    def console_page(self, run_id: str) -> tuple[str | int, ...]:
        return ("runs", run_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """:raises AirflowFailException: a task before this one failed, or the mapping makes held records red."""
        from samklang.airflow.context import run_of
        from samklang.sync.expire import expire
        from samklang.sync.settle import settle

        failed = _failed(context)
        reads = [read for task_id in EXTRACTS.values() if (read := pull(context, task_id)) is not None]
        plan = pull(context, TRANSFORM)
        written = {side: pull(context, task_id) for side, task_id in LOADS.items()}
        with self.open_sync() as sync:
            summary = settle(
                sync,
                run_of(context),
                reads=reads,
                plan=plan,
                written=written,
                failed=failed,
            )
            expired = expire(sync)
            health = {name: number for name, number in summary["health"].items() if isinstance(number, int)}
            red = sync.mapping.red_on_quarantine and (health["held"] or health["quarantined"])
        self.log.info("%s", in_words(self.entity, summary, health, expired))
        context["ti"].xcom_push(NOTE, note(self.entity, summary, health))
        emit(self.entity, summary, health)
        if failed:
            context["ti"].xcom_push("return_value", summary)
            raise AirflowFailException(
                f"{', '.join(failed)} failed; see {'its' if len(failed) == 1 else 'their'} log for what to do. "
                "What was written before is kept; clear the failed task, or let the next run go on."
            )
        if red:
            context["ti"].xcom_push("return_value", summary)
            raise AirflowFailException(
                f"{health['held']} records are held and {health['quarantined']} quarantined, and the mapping has "
                f"red_on_quarantine. See them with: python -m samklang explain {self.entity} ID"
            )
        context["outlet_events"][entity_asset(self.entity)].extra = {
            "run_id": context["run_id"],
            "state": summary["state"],
            "writes": sum(writes(report["outcomes"]) for report in written.values() if report),
            "written": {side: report["outcomes"] if report else {} for side, report in written.items()},
            **health,
        }
        return summary


def _failed(context: Context) -> list[str]:
    """Tasks of this run that failed before this one."""
    ti = context["ti"]
    tasks = [*EXTRACTS.values(), TRANSFORM, REVIEW, *LOADS.values()]
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=tasks, run_ids=[ti.run_id]).get(ti.run_id, {})
    return [task for task in tasks if states.get(task) == "failed"]
