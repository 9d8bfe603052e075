"""Commands that tell what has been done: by the sync, and by people."""

from __future__ import annotations

import typer

from samklang.cli import show_lists
from samklang.cli.answers import LOOK, AsJson, Entity, Limit, answering

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def runs(entity: Entity, limit: Limit = 20, as_json: AsJson = False) -> None:
    """The last runs and their plans.

    State, what was planned, and what has been undone since.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened
        from samklang.store import lists
        from samklang.store.lists.pages import first_rows

        with opened(entity) as store, store.database.read() as connection:
            rows, more = first_rows(lambda after, size: lists.runs(connection, entity, after=after, limit=size), limit)
        answer({"entity": entity, "runs": rows, "more": more}, lambda: show_lists.runs(rows, more))


@app.command(rich_help_panel=LOOK)
def actions(entity: Entity, limit: Limit = 20, as_json: AsJson = False) -> None:
    """What people did, by whom and when.

    Through the console and the command line.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened
        from samklang.store.actions import newest

        with opened(entity) as store, store.database.read() as connection:
            found = newest(connection, entity, limit=limit + 1 if limit else 2**31)
        rows, more = (found[:limit], len(found) > limit) if limit else (found, False)
        answer({"entity": entity, "actions": rows, "more": more}, lambda: show_lists.actions(rows, more))
