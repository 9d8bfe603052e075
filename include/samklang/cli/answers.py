"""What all commands share: how they answer, what they ask before they act, and the arguments that many of them have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from samklang.core.mapping_file import ENTITIES
from samklang.errors import SamklangError

_PIPED_WIDTH = 160
LOOK, DECIDE, MEND, UNDO, PERSON = "Look", "Match", "Mend", "Take back", "One person"
"""The groups of commands, as `--help` shows them."""

Side = Literal["powerofficego", "shopify"]
Answer = Callable[[Any, Callable[[], list[RenderableType]]], None]


def known_entity(entity: str) -> str:
    if entity not in ENTITIES:
        raise typer.BadParameter(f"there is no entity called {entity}; use {' or '.join(ENTITIES)}")
    return entity


Entity = Annotated[
    str,
    typer.Argument(
        metavar="ENTITY",
        callback=known_entity,
        autocompletion=lambda: list(ENTITIES),
        help=f"{' or '.join(ENTITIES)}.",
    ),
]
RECORD_HELP = "powerofficego:123, shopify:123, a GID, an e-mail or a code; a bare number may be of either side."
RecordId = Annotated[str, typer.Argument(metavar="ID", help=RECORD_HELP)]
Limit = Annotated[int, typer.Option(min=0, help="How many to list; 0: all.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def complete_runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The newest runs of the entity that stands before, for the shell."""
    from samklang.cli.environment import open_store
    from samklang.store import lists

    entity = next((word for word in (ctx.params.get("entity"), *ctx.args) if word in ENTITIES), "")
    try:
        with open_store(os.environ, quiet=True).read() as connection:
            found = lists.runs(connection, entity).rows
    except SamklangError:
        return []
    return [(one.run_id, one.state) for one in found if one.run_id.startswith(incomplete)]


@contextmanager
def answering(as_json: bool) -> Iterator[Answer]:
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
def progress() -> Iterator[Callable[[str, int], None]]:
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
