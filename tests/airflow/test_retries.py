"""Which errors a task tries again, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from samklang.errors import (
    AccessError,
    ConfigurationError,
    GuardError,
    OutdatedError,
    ProtocolError,
    TemporaryError,
    UnclearError,
    UnreachableStoreError,
)


@pytest.mark.parametrize("kind", [AccessError, ConfigurationError, GuardError, OutdatedError])
def test_what_another_try_cannot_mend_fails_at_once_with_its_remedy(kind: type[Exception]) -> None:
    from airflow.sdk import RetryAction

    from samklang.airflow.retries import MinutesRetryPolicy

    decision = MinutesRetryPolicy().evaluate(kind("Refused.", remedy="Do this."), 1, 2)  # type: ignore[call-arg]
    assert decision.action is RetryAction.FAIL
    assert decision.reason == "Refused. Do this."


@pytest.mark.parametrize(
    "error",
    [
        TemporaryError("Down."),
        ProtocolError("Short."),
        UnclearError("Lost."),
        UnreachableStoreError("The database starts anew."),
        OSError(),
    ],
)
@pytest.mark.parametrize(("attempt", "limit", "seconds"), [(1, 2, 30), (2, 2, 60), (4, 5, 30), (5, 5, 60)])
def test_what_may_pass_is_tried_after_30_and_after_60_seconds_also_after_a_clear(
    error: Exception, attempt: int, limit: int, seconds: int
) -> None:
    from airflow.sdk import RetryAction

    from samklang.airflow.retries import MinutesRetryPolicy

    decision = MinutesRetryPolicy().evaluate(error, attempt, limit)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay == timedelta(seconds=seconds)


def test_the_words_of_a_foreign_error_are_not_passed_on() -> None:
    from samklang.airflow.retries import MinutesRetryPolicy

    assert MinutesRetryPolicy().evaluate(ValueError("kari@epost.example"), 1, 2).reason == "ValueError"
