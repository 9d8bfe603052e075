"""What a run made or linked, as CSV: after an undo these records stay, and somebody may want to remove them by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from samklang.core.mapping import Mapping
from samklang.store.lists import shown
from samklang.sync.match_file import as_text
from samklang.sync.undo import Made


def write(connection: Connection, mapping: Mapping, made: Sequence[Made], path: Path) -> None:
    """One line for each link: how it came about, and id, name and keys of both records."""
    known = shown(connection, mapping, (end for one in made for end in one.ids.items()))
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["origin", *(f"{side}{part}" for side in mapping.sides for part in ("", " name", " keys"))])
        for one in made:
            cells = [one.origin]
            for side in mapping.sides:
                record = known[side, one.ids[side]]
                cells += [f"{side}:{record.id}", as_text(record.name), as_text(" ".join(record.keys))]
            lines.writerow(cells)
