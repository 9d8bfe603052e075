"""Expire: staged files hold personal data and are not kept for ever."""

from __future__ import annotations

from datetime import timedelta

from samklang.core.clocks import from_datetime
from samklang.store import journal
from samklang.sync.context import Sync

KEEP = timedelta(days=14)


def expire(sync: Sync) -> int:
    """Remove the staged files of runs that began more than two weeks ago.

    Kept: those of a plan that a run still waits for a decision on, unless a newer plan has been carried out since.

    :returns: of how many runs.
    """
    with sync.database.read() as connection:
        expired = journal.expired_runs(connection, sync.entity, from_datetime(sync.now() - KEEP))
    return sync.staging.drop_runs(sync.entity, expired)
