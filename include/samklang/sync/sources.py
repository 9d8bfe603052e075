"""Whether the records that rows of a plan come from are still what the plan saw, asked right before each write."""

from __future__ import annotations

from collections import Counter
from typing import Any

from samklang.core.records import Record, Scope
from samklang.sync import unread
from samklang.sync.commit import Committer
from samklang.sync.context import Sync
from samklang.sync.sifting import read_apart

Row = dict[str, Any]


def still_true(sync: Sync, side: str, committer: Committer, rows: list[Row]) -> tuple[list[Row], Counter[str]]:
    """The rows whose source is there and identifies somebody still, asked anew where that can have changed without an
    edit: nothing travels from a record that was erased, or over which its system fails. Nor is a field emptied that the
    source does not show empty when it is asked by its id. Of the others the next plan knows.

    :param side: that is written. :returns: these rows, and what became of the others.
    :raises RemoteError: the source's system does not answer.
    """
    source = sync.system(sync.mapping.other(side))
    lost: Counter[str] = Counter()
    if not source.rules.can_be_erased:
        return rows, lost
    found: dict[str, Record] = {}
    with sync.database.read() as connection:
        waiting = unread.waiting(connection, sync, source.side)
    ids = [i for i in dict.fromkeys(row["source_id"] for row in rows) if i not in waiting]
    failing = read_apart(source, ids, lambda page: found.update({r.id: r for r in page.records}))
    names = {f.name: f.names[source.side] for f in sync.mapping.fields}
    left = []
    for row in rows:
        if row["source_id"] in failing | waiting:
            committer.source_unread(row, is_new=row["source_id"] in failing)
            lost["unread"] += 1
            continue
        record = found.get(row["source_id"])
        emptied = {names[c["field"]] for c in row["changes"] if c["value"] is None and c["why"] == "clear"}
        if record is not None and record.scope != Scope.ERASED and emptied <= record.values.keys():
            left.append(row)
        else:
            lost[committer.source_lost(row, record)] += 1
    return left, lost
