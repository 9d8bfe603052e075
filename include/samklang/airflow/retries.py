"""When a task tries again: the clients deal with seconds, this with minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from samklang.errors import SamklangError

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRIES = 2
FIRST_WAIT, LAST_WAIT = timedelta(seconds=30), timedelta(seconds=60)


class MinutesRetryPolicy(RetryPolicy):
    """Final errors fail at once; everything else is tried twice more, after 30 and after 60 seconds."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """:param max_tries: grows when a task is cleared, as `try_number` goes on; their distance is what counts."""
        if isinstance(exception, SamklangError):
            reason = str(exception)
            if exception.final:
                return RetryDecision.fail(reason)
        else:
            reason = type(exception).__name__  # its message may quote values
        return RetryDecision.retry(LAST_WAIT if try_number >= max_tries else FIRST_WAIT, reason)
