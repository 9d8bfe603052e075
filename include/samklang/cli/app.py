"""The commands. Answers go to stdout, everything else to stderr, so that `--json` can be piped."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from samklang.cli import show
from samklang.cli.environment import open_store
from samklang.core.mapping_file import ENTITIES
from samklang.errors import ConfigurationError, SamklangError
from samklang.mapping_files import load_mapping, mappings_folder

_PIPED_WIDTH = 160

app = typer.Typer(
    name="samklang",
    help="Samklang keeps PowerOffice Go and Shopify in sync. These commands write to neither system. All but unlink "
    "and relink, which change the link store, only look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print the values of records
    rich_markup_mode=None,
)


def _known(entity: str) -> str:
    if entity not in ENTITIES:
        raise typer.BadParameter(f"there is no entity called {entity}; use {' or '.join(ENTITIES)}")
    return entity


Entity = Annotated[str, typer.Argument(metavar="ENTITY", callback=_known, help=f"{' or '.join(ENTITIES)}.")]
RECORD_HELP = "powerofficego:123, shopify:123, a GID, an e-mail or a code; a bare number may be of either side."
RecordId = Annotated[str, typer.Argument(metavar="ID", help=RECORD_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def main() -> None:
    """The console script. Exit 0: fine; 1: something is missing or wrong; 2: wrong usage."""
    logging.getLogger("samklang").setLevel(logging.WARNING)  # Airflow's configuration would show each request
    app()


@app.command()
def status(as_json: AsJson = False) -> None:
    """Counts and the last run of each entity.

    Linked, in sync, held, ambiguous, quarantined and excluded records, open conflicts, pending intents.
    """
    with _answering(as_json) as answer:
        from samklang.sync import report

        folder = mappings_folder(os.environ)
        database = open_store(os.environ)
        counts = {entity: report.status(database, load_mapping(entity, folder)) for entity in ENTITIES}
        answer(counts, lambda: show.status(counts))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check what a first run needs.

    Mapping files, connections, keys, scopes, privileges, store, staging, executor: ok, or what to do about it.
    Exit 1 if anything is missing.
    """
    with _answering(as_json) as answer:
        from samklang.cli.doctor import diagnose

        with Console(stderr=True).status("checking"):  # shown on a terminal only
            checks = diagnose(os.environ)
        ok = all(check.ok for check in checks)
        answer({"ok": ok, "checks": checks}, lambda: show.doctor(checks))
    if not ok:
        raise typer.Exit(1)


@app.command()
def explain(entity: Entity, record: RecordId, as_json: AsJson = False) -> None:
    """All that is known of one record.

    Both ids, last seen values, base, what the next run would do with each field and why, open conflicts, what is held
    or quarantined, candidates, every write, the next retry. Asks neither system.
    """
    with _answering(as_json) as answer:
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


@app.command()
def plan(
    entity: Entity,
    limit: Annotated[int, typer.Option(min=0, help="How many rows of each table to show; --json always has all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What a run would write now.

    Reads both systems and prints the plan record by record and field by field, with the limits that it passes. Writes
    nothing to either system.
    """
    with _answering(as_json) as answer:
        from samklang.cli.plan import make_plan
        from samklang.cli.systems import fields_of
        from samklang.connections import open_system

        mapping = load_mapping(entity, mappings_folder(os.environ))
        fields = {side: fields_of(side, os.environ) for side in mapping.sides}
        database = open_store(os.environ, make=True)
        with _progress() as on_rows:
            made = make_plan(
                mapping,
                database,
                lambda side: open_system(side, mapping, fields[side], database),
                lambda: datetime.now(UTC),
                limit=None if as_json else limit,
                on_rows=on_rows,
            )
        answer(made, lambda: show.plan(mapping, made))


@app.command()
def unlink(
    entity: Entity,
    record: RecordId,
    keep_apart: Annotated[
        bool | None,
        typer.Option(
            "--keep-apart/--match-again",
            help="Leave both alone from now on, or let the next run judge them as any records without a twin. Without "
            "either: kept apart while both records are there; where one is gone, the other is judged anew.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take two linked records apart; neither of them is changed.

    Records that are kept apart are not matched, not created and not written, until relink links them. Where one of
    the two is gone, the other is matched with whoever has its key, or made anew where the mapping creates records.
    """
    with _answering(as_json) as answer:
        from samklang.cli.decisions import decided
        from samklang.sync.decide import Decision, Desk

        def decide(desk: Desk) -> Decision:
            return desk.unlink(record, keep_apart=keep_apart)

        done = decided("unlink", entity, decide, os.environ)
        answer(done, lambda: show.decided(done))


@app.command()
def relink(
    entity: Entity,
    record: RecordId,
    twin: Annotated[str | None, typer.Argument(metavar="ID", help="The twin, on the other side.")] = None,
    new: Annotated[
        bool,
        typer.Option(
            "--new",
            help="Instead of a twin: the next run may make one anew, also for a record that is kept apart, or whose "
            "creation waits for a person.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before two records are linked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Link two records, whatever their keys say; or, with --new, let one have a new twin.

    Links that they have until now end, and their former twins are kept apart. The next run compares the two as it
    does with any new link: what is equal is in sync, what is empty is filled, what differs is a link conflict, for
    which the mapping has a limit.
    """
    if (twin is None) != new:
        raise typer.BadParameter("give two records, or one and --new")
    with _answering(as_json) as answer:
        from samklang.cli.decisions import decided, question
        from samklang.sync.decide import Decision, Desk

        if twin is not None and not yes:
            typer.confirm(question(entity, record, twin, os.environ), abort=True, err=True)

        def decide(desk: Desk) -> Decision:
            first = desk.find_one(record)
            return desk.make_anew(first) if twin is None else desk.relink(first, desk.find_one(twin))

        done = decided("relink", entity, decide, os.environ)
        answer(done, lambda: show.decided(done))


@contextmanager
def _answering(as_json: bool) -> Iterator[Callable[[Any, Callable[[], list[RenderableType]]], None]]:
    """Gives the way to print the one answer. What Airflow and others print meanwhile goes to stderr.

    A `SamklangError` becomes one line on stderr and exit 1.
    """
    out = sys.stdout

    def answer(value: Any, tables: Callable[[], list[RenderableType]]) -> None:
        if as_json:
            out.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
            return
        console = Console(file=out, highlight=False, markup=False, emoji=False)
        if not console.is_terminal:
            console.width = max(console.width, _PIPED_WIDTH)
        for part in tables():
            if isinstance(part, Table):
                console.print()
            console.print(part)

    try:
        with redirect_stdout(sys.stderr):
            yield answer
    except SamklangError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Rows read so far, by side; on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _side, _rows: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} rows"))
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, Any] = {}

        def on_rows(side: str, rows: int) -> None:
            if side not in bars:
                bars[side] = progress.add_task(f"reading {side}", total=None)
            progress.advance(bars[side], rows)

        yield on_rows
