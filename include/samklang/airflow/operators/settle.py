"""The last task: closes the run, tells what happened, and fails if anything before it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TriggerRule
from airflow.sdk.exceptions import AirflowFailException

from samklang.airflow.operators.base import EXTRACTS, LOADS, REVIEW, TRANSFORM, SyncOperator, pull

if TYPE_CHECKING:
    from airflow.sdk import Context


def entity_asset(entity: str) -> Asset:
    """What other DAGs can wait for: an event for each run that ended well, with its counts."""
    return Asset(name=f"samklang_{entity}", uri=f"x-samklang://{entity}")


class SettleOperator(SyncOperator):
    """Move watermarks, write the summary, expire staged files; returns the summary.

    Runs whatever happened before it. A rejected or dry run ends green and says so.

    :param kwargs: see `SyncOperator`.
    """

    def __init__(self, *, entity: str, **kwargs: Any) -> None:
        super().__init__(entity=entity, trigger_rule=TriggerRule.ALL_DONE, outlets=[entity_asset(entity)], **kwargs)

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
            summary = settle(sync, run_of(context), reads=reads, plan=plan, written=written, failed=failed)
            expired = expire(sync)
            health = summary["health"]
            red = sync.mapping.red_on_quarantine and (health["held"] or health["quarantined"])
        self.log.info("%s", _in_words(self.entity, summary, expired))
        _emit(self.entity, health)
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


def _emit(entity: str, health: dict[str, Any]) -> None:
    from airflow.sdk.observability.stats import gauge

    for name, value in _numbers(health).items():
        gauge(f"samklang.{entity}.{name}", value)


def _numbers(health: dict[str, Any]) -> dict[str, int]:
    """What is known and counted for the entity as a whole."""
    return {name: value for name, value in health.items() if isinstance(value, int)}


def _in_words(entity: str, summary: dict[str, Any], expired: int) -> str:
    lines = [f"{entity}: {_STATES[summary['state']]}"]
    for side, read in summary["reads"].items():
        lines.append(f"  read {read['rows']} records in {side}{'' if read['whole'] else ' (changes)'}")
    for side, report in summary["loads"].items():
        outcomes = ", ".join(f"{count} {name}" for name, count in report["outcomes"].items()) if report else ""
        lines.append(f"  wrote to {side}: {outcomes or 'nothing'}")
    for side, count in summary["forgotten"].items():
        lines.append(f"  {count} records of {side} were left out: they were forgotten")
    for side, count in summary["gone"].items():
        lines.append(f"  {count} records are gone in {side}; their twins are untouched")
    lines += [f"  {warning}" for warning in summary["warnings"]]
    for side, names in summary["denied"].items():
        lines.append(f"  {side} does not let us read {', '.join(names)}; these fields are left alone")
    for one in summary["held"]["records"]:
        what = f"{one['side']}:{one['id']}" + (f" {one['field']}" if one["field"] else "")
        lines.append(f"  {one['state']} towards {one['towards']}: {what} ({one['reason'].replace('_', ' ')})")
    if summary["held"]["more"]:
        lines.append(f"  and {summary['held']['more']} more held or quarantined")
    numbers = _numbers(summary["health"]).items()
    lines.append("  " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in numbers))
    if summary["lag"]:
        lag = summary["lag"]
        lines.append(f"  edits got across in {lag['p50']:.0f} s (half of them), {lag['p95']:.0f} s (95 of 100)")
    if expired:
        lines.append(f"  removed the staged files of {expired} old runs")
    return "\n".join(lines)


_STATES = {
    "success": "in tune as far as the plan goes",
    "dry": "a dry run; nothing was written and nothing moved",
    "rejected": "the plan was rejected; nothing was written and nothing moved",
    "failed": "failed",
}
