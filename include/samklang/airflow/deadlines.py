"""When a run is late, and who is told then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

# all public, though the stub lacks them
from airflow.sdk import BaseDeadlineReference, DeadlineAlert, SyncCallback  # type: ignore[attr-defined]

from samklang.airflow.notifying import RunNotifier
from samklang.settings import Notifications


class RunMadeDeadline(BaseDeadlineReference):  # type: ignore[misc]
    """Counts from when a run was made. Registered by `plugins/samklang_airflow.py`.

    Airflow's own `DAGRUN_QUEUED_AT` keeps people from clearing tasks: HTTP 500, apache/airflow#70368, seen in 3.3.2.
    """

    def _evaluate_with(self, *, session: Any, **kwargs: Any) -> datetime:  # noqa: ARG002
        return datetime.now(UTC)


def deadline(told: Notifications) -> DeadlineAlert | None:
    """Tells of a run that has not ended in time; from the executor, so no triggerer is needed."""
    if told.deadline is None:
        return None
    kwargs = {
        "event": "late",
        "webhook": told.webhook,
        "emails": list(told.emails),
        "allowed": f"{told.deadline // timedelta(minutes=1)} minutes",
    }
    callback = SyncCallback(RunNotifier, kwargs)
    return DeadlineAlert(RunMadeDeadline(), interval=told.deadline, callback=callback, name="samklang")
