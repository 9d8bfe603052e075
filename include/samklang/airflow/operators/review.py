"""The gate between a plan and the writes: within the mapping's limits it opens by itself, beyond one it asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param

from samklang.airflow.links import console_url
from samklang.airflow.operators.base import SyncOperator
from samklang.errors import GuardError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from samklang.sync.context import Sync

RESPONSE_TIMEOUT = timedelta(days=1)
_REASON = "reason"
_REASON_LENGTH = 200


class ReviewOperator(SyncOperator, ApprovalOperator):
    """Approve the plan, or park until a person does.

    A parked run stops the schedule, so an answer is awaited for a day; none counts as a rejection. Rejected and dry
    plans are not carried out: the loads are skipped.

    :param response_timeout: how long a person has.
    :param kwargs: see `SyncOperator`; `notifiers` are told when a person is needed.
    """

    template_fields: Sequence[str] = (*SyncOperator.template_fields, "subject", "body")
    ui_color = "#fdf1d8"

    def __init__(self, *, response_timeout: timedelta = RESPONSE_TIMEOUT, **kwargs: Any) -> None:
        kwargs["params"] = {_REASON: _reason_param()}  # of the answer's form; those of the DAG come by themselves
        super().__init__(
            subject="The plan passes a limit of the mapping",
            defaults=self.REJECT,
            response_timeout=response_timeout,
            **kwargs,
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """:returns: `decision`, `by`, `reason`. :raises GuardError: beyond a limit, and nobody may or can be asked."""
        from samklang.sync.review import PROCEED, WITHIN_LIMITS, beyond_limits

        plan = self.pull_plan(context)
        with self.open_sync() as sync:
            stored = _stored(sync, plan)
            if stored["state"] == "approved":
                self.log.info("plan %d is approved already, by %s", plan["plan"], stored["decided_by"])
                return _decision(stored)
            if stored["state"] == "rejected" and self._is_retry(context):
                self.log.info("plan %d is rejected already, by %s", plan["plan"], stored["decided_by"])
                context["ti"].xcom_push("return_value", _decision(stored))  # as when the answer came
                self.skip(ti=context["ti"], tasks=self.get_direct_relatives(upstream=False))
            if stored["state"] == "dry":
                self.log.info("a dry run: plan %d is kept, nothing is written", plan["plan"])
                self.skip(ti=context["ti"], tasks=self.get_direct_relatives(upstream=False))
            reasons = beyond_limits(sync.mapping, plan["counts"])
            on_guard = context["params"]["on_guard"]
            if not reasons:
                return self._decide(sync, plan["plan"], "approved", WITHIN_LIMITS)
            self.log.warning("plan %d passes limits:\n%s", plan["plan"], "\n".join(reasons))
            if on_guard == "proceed":
                return self._decide(sync, plan["plan"], "approved", PROCEED)
        if on_guard == "fail" or not _can_wait(context):
            raise _refusal(plan["plan"], reasons, asked=on_guard == "ask")
        self.subject, self.body = _question(self.entity, plan, reasons)
        if stored["state"] == "rejected":  # cleared: from now on it waits for an answer again
            self._open_again(plan["plan"])
        self._tell(context)
        result: dict[str, Any] = super().execute(context)
        return result

    def _tell(self, context: Context) -> None:
        """Notify here and not in the base class, where a notifier that fails would fail the task."""
        notifiers, self.notifiers = self.notifiers, []
        for notifier in notifiers:
            try:
                notifier(context)
            except Exception as error:
                self.log.warning("%s could not tell anybody: %s", type(notifier).__name__, type(error).__name__)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Resumed by a person's answer, or by the timeout's."""
        plan = self.pull_plan(context)
        user = event.get("responded_by_user") or {}
        by = user.get("name") or user.get("id") or "nobody in time"
        state = "approved" if event.get("chosen_options") == [self.APPROVE] else "rejected"
        reason = _one_line((event.get("params_input") or {}).get(_REASON))
        with self.open_sync() as sync:
            decision = self._decide(sync, plan["plan"], state, by, reason)
        context["ti"].xcom_push("return_value", decision)  # skipping the loads leaves no return value
        super().execute_complete(context, event)  # where rejected, it skips the loads
        return decision

    def _is_retry(self, context: Context) -> bool:
        """Whether this follows a try that broke off. Who clears a task gives it all of its tries anew."""
        most, number = context["ti"].max_tries, context["ti"].try_number
        return most is not None and most - number < (self.retries or 0) - 1

    def _open_again(self, plan_id: int) -> None:
        from samklang.store import journal

        with self.open_sync() as sync, sync.database.begin() as connection:
            journal.set_plan(connection, plan_id, state="proposed", decided_by=None, decided_at=None, reason=None)

    def _decide(self, sync: Sync, plan_id: int, state: str, by: str, reason: str | None = None) -> dict[str, Any]:
        from samklang.store import journal

        with sync.database.begin() as connection:
            journal.set_plan(connection, plan_id, state=state, decided_by=by, decided_at=sync.clock(), reason=reason)
        self.log.info("plan %d is %s (%s%s)", plan_id, state, by, f": {reason}" if reason else "")
        return {"decision": state, "by": by, "reason": reason}


def _reason_param() -> Param:
    """A line in the form that asks for the answer; may stay empty."""
    return Param(
        None,
        type=["null", "string"],
        title="Reason",
        description="Shown in the run's note and summary. No personal data, please.",
        source="task",
    )


def _one_line(text: object) -> str | None:
    return " ".join(str(text or "").split())[:_REASON_LENGTH] or None


def _decision(stored: dict[str, Any]) -> dict[str, Any]:
    return {"decision": stored["state"], "by": stored["decided_by"], "reason": stored["reason"]}


def _stored(sync: Sync, plan: dict[str, Any]) -> dict[str, Any]:
    from samklang.store import journal

    with sync.database.read() as connection:
        return journal.plan(connection, plan["plan"], folder=plan["folder"])


def _can_wait(context: Context) -> bool:
    """Whether a scheduler will resume the task; `airflow dags test`, `tasks test` and `dag.test()` have none."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

    in_process = isinstance(task_runner.SUPERVISOR_COMMS, InProcessSupervisorComms)
    by_dag_test = getattr(context["dag_run"], "triggering_user_name", None) == "dag_test"  # also with an executor
    return not (in_process or by_dag_test)


def _refusal(plan_id: int, reasons: list[str], *, asked: bool) -> GuardError:
    ways = (
        "run again with the param on_guard set to proceed, narrow the mapping, or raise its limits. The plan is listed "
        "by `python -m samklang plan`."
    )
    if asked:
        return GuardError(
            f"Plan {plan_id} passes a limit ({'; '.join(reasons)}), and without a scheduler nobody can be asked.",
            remedy=f"The param on_guard is ask: {ways}",
        )
    return GuardError(
        f"Plan {plan_id} passes a limit: {'; '.join(reasons)}. Nothing was written.",
        remedy=f"The param on_guard is fail: {ways}",
    )


def _question(entity: str, plan: dict[str, Any], reasons: list[str]) -> tuple[str, str]:
    """Subject and Markdown body of the required action; numbers only."""
    from samklang.sync.review import summary_table

    limits = "\n".join(f"- {reason}" for reason in reasons)
    return (
        f"{entity}: plan {plan['plan']} passes a limit",
        f"{limits}\n\n{summary_table(plan['counts'])}\n\n"
        f"[The whole plan, record by record]({console_url(entity, 'plans', plan['plan'])}). **Approve** applies "
        "exactly this plan; what has moved since goes into the next one. **Reject** writes nothing; the next run plans "
        "anew.",
    )
