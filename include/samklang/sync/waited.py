"""A plan that may have waited: for a person, for a lane, or because a task was cleared long after.

It is carried out under the mapping and the terms that it was made under, or not at all; and where what it rests on was
read some time ago, what changed since is read first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingOf
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, NoReturn

from samklang.core.clocks import to_datetime
from samklang.core.jsontext import dumps
from samklang.core.mapping import Mapping
from samklang.core.sides import title
from samklang.errors import OutdatedPlanError
from samklang.store import journal, ledger, seen
from samklang.sync.context import Run, Sync, from_json
from samklang.sync.extract import catch_up
from samklang.sync.observe import take_in
from samklang.sync.review import NOBODY_ASKED
from samklang.sync.unheard import settle_unheard
from samklang.systems.base import Description

FRESH = timedelta(minutes=5)
"""How old a read may be for a load to trust it, where no person was asked meanwhile."""
OUTDATED = "outdated"
"""The state of a plan that was refused for what it was made under."""

_NOT_PLANNED_BY = {"schedule", "full_every", "limits", "red_on_quarantine", "freeze_after"}


def mapping_mark(mapping: Mapping) -> str:
    """What tells two mappings apart that may lead to different plans."""
    content = {f.name: _plain(getattr(mapping, f.name)) for f in fields(mapping) if f.name not in _NOT_PLANNED_BY}
    return hashlib.blake2b(dumps(content).encode(), digest_size=16).hexdigest()


def check_plan(
    sync: Sync, side: str, plan: dict[str, Any], reference: dict[str, Any]
) -> tuple[dict[str, Description], list[dict[str, Any]]]:
    """See that a plan may still be carried out on this side, and bring the store up to date where it has waited.

    Nothing is asked of either system where the plan has nothing to do.

    :param plan: the row of the store. :param reference: what `transform` returned.
    :returns: both descriptions; and the plan's rows of this side with their numbers `n`.
    :raises OutdatedPlanError: it was made under another mapping, or the systems' terms have changed, or a newer plan
        has been carried out. :raises RemoteError: a side cannot be read. :raises StoreError: it is another tenant.
    """
    rows = [
        {**row, "n": n} for n, row in enumerate(sync.staging.read_lines(plan["folder"], "rows")) if row["side"] == side
    ]
    with sync.database.read() as connection:
        done = ledger.results(connection, plan["id"], side)
    left = [row for row in rows if row["n"] not in done]
    if reference.get("mapping") != mapping_mark(sync.mapping):
        _refuse(sync, side, plan, left, "the mapping has changed since this plan was made")
    if plan["state"] == OUTDATED:
        _refuse(sync, side, plan, left, "it was refused before")
    planned = {read["side"]: from_json(read["description"]) for read in reference["reads"]}
    if not left and (plan["adopted"] or not _links_anybody(sync, plan)):
        return planned, rows
    with sync.database.begin() as connection:
        journal.take_over(connection, sync.entity, plan["id"])
    now = {one: sync.system(one).describe() for one in sync.mapping.sides}
    with sync.database.begin() as connection:
        for one, description in now.items():
            journal.bind(connection, one, description.id, description.name)
    for one in sync.mapping.sides:
        if dict(now[one].facts) != dict(planned[one].facts):
            _refuse(sync, side, plan, left, f"currency or taxes of {title(one)} have changed since this plan was made")
    if any(_is_old(sync, plan, read["started_at"]) for read in reference["reads"]):
        _bring_up_to_date(sync, side, plan, reference, now)
    return now, rows


def _bring_up_to_date(
    sync: Sync, side: str, plan: dict[str, Any], reference: dict[str, Any], descriptions: dict[str, Description]
) -> None:
    """Read what changed since the plan was made, unless somebody has, and settle what was written unheard before."""
    views = {view.name: view for view in sync.views(descriptions)}
    for read in reference["reads"]:
        with sync.database.read() as connection:
            started_at = seen.read_since(connection, sync.entity, read["side"])
        if _is_old(sync, plan, started_at or read["started_at"]):
            newer = catch_up(sync, read, Run(plan["run_id"]), descriptions[read["side"]])
            take_in(sync, views[read["side"]], newer)
    settle_unheard(sync, sync.views(descriptions), only=side)  # nobody else writes there, but the other lane may


def _refuse(sync: Sync, side: str, plan: dict[str, Any], left: list[dict[str, Any]], reason: str) -> NoReturn:
    with sync.database.begin() as connection:
        for row in left:
            ledger.put_result(connection, plan["id"], side, row["n"], OUTDATED, reason=reason, at=sync.clock())
        journal.set_plan(connection, plan["id"], state=OUTDATED)
    raise OutdatedPlanError(
        f"Plan {plan['id']} of {sync.entity} is outdated: {reason}.",
        remedy="Nothing to do: the next run plans anew.",
    )


def _is_old(sync: Sync, plan: dict[str, Any], started_at: str) -> bool:
    """Whether a read is not to be relied on: who is asked about a plan may correct a record first, within seconds."""
    was_asked = plan["decided_by"] not in (None, *NOBODY_ASKED)
    return sync.now() - to_datetime(started_at) > FRESH or (was_asked and started_at < plan["decided_at"])


def _links_anybody(sync: Sync, plan: dict[str, Any]) -> bool:
    return any(line["matched"] for line in sync.staging.read_lines(plan["folder"], "tuned"))


def _plain(value: Any) -> Any:
    """As JSON has it; equal for equal mappings, however a rate is spelt."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, MappingOf):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return str(value.normalize()) if isinstance(value, Decimal) else str(value)
