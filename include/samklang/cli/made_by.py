"""What a run made or linked, as CSV: after an undo these records stay, and somebody may want to remove them by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from samklang.cli.private_file import private_file
from samklang.core.mapping import Mapping
from samklang.core.spreadsheet import Sheet
from samklang.store.lists import shown
from samklang.sync.undo import Made


def write(connection: Connection, mapping: Mapping, made: Sequence[Made], path: Path) -> None:
    """One line for each link: how it came about, and id, name and keys of both records."""
    known = shown(connection, mapping, (end for one in made for end in one.ids.items()))
    with private_file(path) as file:
        sheet = Sheet(file)
        sheet.line(["origin", *(f"{side}{part}" for side in mapping.sides for part in ("", " name", " keys"))])
        for one in made:
            cells = [one.origin]
            for side in mapping.sides:
                record = known[side, one.ids[side]]
                cells += [f"{side}:{record.id}", record.name, " ".join(record.keys)]
            sheet.line(cells)
