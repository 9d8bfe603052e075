"""Adopt: link what both systems have already, before the first run, without writing to either."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from samklang.cli.answers import DECIDE, AsJson, Entity, Yes, answering, progress
from samklang.cli.environment import open_store, user_name
from samklang.cli.show import cell, table
from samklang.core.mapping import Mapping
from samklang.errors import ConfigurationError
from samklang.mapping_files import load_mapping, mappings_folder

if TYPE_CHECKING:
    from samklang.sync.context import Sync
    from samklang.sync.takeover import Preview
    from samklang.sync.transform import Pair

app = typer.Typer()

_SHOWN = 50


@app.command(rich_help_panel=DECIDE)
def adopt(
    entity: Entity,
    links: Annotated[
        Path | None,
        typer.Option(
            "--links",
            metavar="FILE",
            help="CSV with the columns powerofficego_id and shopify_id: pairs that the old service knew, whatever "
            "their keys say.",
        ),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Link what both systems have already.

    Reads both sides, writes to neither, and shows what it found: pairs by key, fields that agree, that one side lacks,
    that differ. Then it asks, and links the pairs in the link store. What agrees is in sync from then on; what one
    side lacks is filled by the first run; what differs waits as an open conflict, and is decided by the mapping if
    nobody chooses a side.
    """
    with answering(as_json) as answer:
        from samklang.cli.plan import planned
        from samklang.cli.systems import fields_of
        from samklang.connections import open_system
        from samklang.sync.takeover import clear, look, take_over

        mapping = load_mapping(entity, mappings_folder(os.environ))
        given = _read_links(links, mapping) if links else []
        fields = {side: fields_of(side, os.environ) for side in mapping.sides}
        database = open_store(os.environ, make=True)
        with ExitStack() as stack:
            with progress() as on_rows:
                read = planned(
                    mapping,
                    database,
                    lambda side, store: open_system(side, mapping, fields[side], store),
                    lambda: datetime.now(UTC),
                    given=clear(given),
                    on_rows=on_rows,
                )
                sync, reference = stack.enter_context(read)
            found = look(sync, reference)
            document = _document(sync, found, given)
            if found.links and not yes:
                console = Console(stderr=True, highlight=False)
                for part in _tables(mapping, document):
                    console.print(part)
                typer.confirm(f"Link {found.links.total()} pairs?", abort=True, err=True)
            document["adopted"] = take_over(sync, reference, person=user_name(), via="cli") if found.links else 0
        answer(document, lambda: [*_tables(mapping, document), Text(_outcome(document))])


def _read_links(path: Path, mapping: Mapping) -> list[Pair]:
    """The pairs of a file, each once, in its order. :raises ConfigurationError: it cannot be read as such."""
    names = [f"{side}_id" for side in mapping.sides]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in names if name not in (rows.fieldnames or [])]:
                raise ConfigurationError(
                    f"{path} has no column {' and '.join(missing)}.",
                    remedy=f"Its first line must be: {','.join(names)}",
                )
            ids = [[(row[name] or "").strip().rpartition("/")[2] for name in names] for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__}).", remedy="Give a CSV file in UTF-8."
        ) from None
    return list(dict.fromkeys((first, second) for first, second in ids if first or second))


def _document(sync: Sync, found: Preview, given: Sequence[Pair]) -> dict[str, Any]:
    from samklang.sync.takeover import reason_left, twice

    sides, named_twice = sync.mapping.sides, twice(given)
    with sync.database.read() as connection:
        left = [(p, reason_left(connection, sync, p, named_twice)) for p in given if p not in found.given]
    return {
        "entity": sync.entity,
        "linked_already": found.linked,
        "to_link": dict(found.links),
        "fields": {name: dict(counts) for name, counts in found.fields.items()},
        "ambiguous": {side: found.ambiguous[side] for side in sides},
        "only_in": {side: found.alone[side] for side in sides},
        "differ": [
            {
                "records": dict(zip(sides, line["ids"], strict=True)),
                "field": line["field"],
                "seen": dict(zip(sides, line["raw"], strict=True)),
            }
            for line in found.differing
        ],
        "left": [{"records": dict(zip(sides, pair, strict=True)), "reason": reason} for pair, reason in left],
    }


def _tables(mapping: Mapping, document: dict[str, Any]) -> list[Any]:
    first, second = mapping.sides
    kinds = ("agree", f"to_{first}", f"to_{second}", "differ", "held")
    titles = ("agree", f"only in {second}", f"only in {first}", "differ", "held")
    pairs = [(_KEYS.get(key, key), str(count)) for key, count in document["to_link"].items()]
    counts = [
        ("linked already", str(document["linked_already"])),
        *((f"to link by {key}", count) for key, count in pairs),
        *((f"ambiguous in {side}", str(count)) for side, count in document["ambiguous"].items()),
        *((f"only in {side}", str(count)) for side, count in document["only_in"].items()),
    ]
    parts: list[Any] = [table("", ("records", ""), counts)]
    if document["to_link"]:
        rows = [(name, *(str(counts.get(k, 0)) for k in kinds)) for name, counts in document["fields"].items()]
        parts.append(table("Fields of the pairs to link", ("field", *titles), rows))
    lists = (
        ("Fields that differ", [*mapping.sides, "field", *(f"in {side}" for side in mapping.sides)], "differ"),
        ("Lines of the file that are left", [*mapping.sides, "reason"], "left"),
    )
    for title, columns, name in lists:
        if lines := document[name]:
            parts.append(table(title, columns, [_cells(mapping, line) for line in lines[:_SHOWN]]))
            if len(lines) > _SHOWN:
                parts.append(Text(f"and {len(lines) - _SHOWN} more; --json has all"))
    return parts


_KEYS = {"our_key": "our key", "given": "the file of links"}


def _cells(mapping: Mapping, line: dict[str, Any]) -> list[str]:
    ids = [cell(line["records"][side]) for side in mapping.sides]
    if "reason" in line:
        return [*ids, line["reason"]]
    return [*ids, line["field"], *(cell(line["seen"][side]) for side in mapping.sides)]


def _outcome(document: dict[str, Any]) -> str:
    if not document["to_link"]:
        return "Nothing to link."
    conflicts = f" {len(document['differ'])} fields wait as open conflicts." if document["differ"] else ""
    return f"Linked {document['adopted']} pairs; neither system was written.{conflicts}"
