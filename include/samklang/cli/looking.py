"""Commands that look: how things stand, what a first run needs, what is known of a record, what a run would write."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from samklang.cli import show
from samklang.cli.answers import LOOK, AsJson, Entity, RecordId, answering, progress
from samklang.cli.environment import open_store
from samklang.core.mapping_file import ENTITIES
from samklang.errors import ConfigurationError
from samklang.mapping_files import load_mapping, mappings_folder

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def status(as_json: AsJson = False) -> None:
    """Counts and the last run of each entity.

    Linked, in sync, held, ambiguous, quarantined and excluded records, open conflicts, pending intents.
    """
    with answering(as_json) as answer:
        from samklang.sync import report

        folder = mappings_folder(os.environ)
        database = open_store(os.environ)
        counts = {entity: report.status(database, load_mapping(entity, folder)) for entity in ENTITIES}
        answer(counts, lambda: show.status(counts))


@app.command(rich_help_panel=LOOK)
def doctor(as_json: AsJson = False) -> None:
    """Check what a first run needs.

    Mapping files, connections, keys, scopes, privileges, store, staging, executor: ok, or what to do about it.
    Exit 1 if anything is missing.
    """
    with answering(as_json) as answer:
        from samklang.cli.doctor import diagnose

        with Console(stderr=True).status("checking"):  # shown on a terminal only
            checks = diagnose(os.environ)
        ok = all(check.ok for check in checks)
        answer({"ok": ok, "checks": checks}, lambda: show.doctor(checks))
    if not ok:
        raise typer.Exit(1)


@app.command(rich_help_panel=LOOK)
def explain(entity: Entity, record: RecordId, as_json: AsJson = False) -> None:
    """All that is known of one record.

    Both ids, last seen values, base, what the next run would do with each field and why, open conflicts, what is held
    or quarantined, candidates, every write, the next retry. Asks neither system.
    """
    with answering(as_json) as answer:
        from samklang.connections import terms_of
        from samklang.sync.explain import explain as explain_records
        from samklang.sync.explain import find

        mapping = load_mapping(entity, mappings_folder(os.environ))
        database = open_store(os.environ)
        terms = terms_of(mapping)
        with database.read() as connection:
            found = find(connection, mapping, record)
            answers = explain_records(connection, terms, found)
        if not answers:
            raise ConfigurationError(
                f"No record of {entity} that has been read so far has this id, e-mail or code.",
                remedy="Give it as powerofficego:ID or shopify:ID; a new record is known after the next run.",
            )
        answer({"entity": entity, "id": record, "records": answers}, lambda: show.explained(answers))


@app.command(rich_help_panel=LOOK)
def plan(
    entity: Entity,
    limit: Annotated[int, typer.Option(min=0, help="How many rows of each table to show; --json always has all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What a run would write now.

    Reads both systems and prints the plan record by record and field by field, with the limits that it passes. Writes
    nothing, to neither system nor the link store: also a way to try another mapping (SAMKLANG_MAPPINGS).
    """
    with answering(as_json) as answer:
        from samklang.cli.plan import make_plan
        from samklang.cli.systems import fields_of
        from samklang.connections import open_system

        mapping = load_mapping(entity, mappings_folder(os.environ))
        fields = {side: fields_of(side, os.environ) for side in mapping.sides}
        database = open_store(os.environ)
        with progress() as on_rows:
            made = make_plan(
                mapping,
                database,
                lambda side, copy: open_system(side, mapping, fields[side], database, memory=copy),
                lambda: datetime.now(UTC),
                limit=None if as_json else limit,
                on_rows=on_rows,
            )
        answer(made, lambda: show.plan(mapping, made))
