"""Commands that leave a field alone for a while, or put back what a run wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samklang.cli import show_lists
from samklang.cli.answers import UNDO, AsJson, Entity, RecordId, Yes, answering, complete_runs

if TYPE_CHECKING:
    from samklang.sync.decide import Desk, Done

app = typer.Typer()

_Field = Annotated[
    str | None, typer.Option(help="By its name in PowerOffice Go. Without it: every field of the two records.")
]


@app.command(rich_help_panel=UNDO)
def undo(
    entity: Entity,
    record: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="What the last run that wrote to this record did to it.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(autocompletion=complete_runs, help="All that this run wrote; with an ID, to that record alone."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be done.")] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the records that the run made or linked as CSV.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a run wrote.

    Where the target still holds it. Shows which run that is, what is put back, what has moved since and is left alone,
    and what the run made or linked: those records are kept, and left alone until `include` lets them in again. Then
    asks. The next run writes the values, and holds each where it was put back until somebody edits either side, or it
    is released.
    """
    if record is None and run is None:
        raise typer.BadParameter("give a record, or --run")
    with answering(as_json) as answer:
        from samklang.cli import made_by
        from samklang.cli.carrying_out import opened, pointed_at
        from samklang.sync import undo as engine
        from samklang.sync.decide import Desk

        with opened(entity) as store:
            with store.database.read() as connection:
                desk = Desk(connection, store.terms.mapping, store.terms.rules, "", store.terms.now)
                who = pointed_at(desk, record) if record else None
                found = engine.preview(connection, store.terms.mapping, run_id=run, record=who)
            if csv is not None:
                store.note_export({"file": "made.csv", "run": found.of_run})
                with store.database.read() as connection:
                    made_by.write(connection, store.terms.mapping, found.made, csv)
            told = {
                "entity": entity,
                "run": found.of_run,
                "put_back": found.fields,
                "left": found.moved,
                "made": found.made,
                "parted": found.parted,
            }
            if preview or not (found.fields or found.made):
                answer({**told, "done": False}, lambda: show_lists.undo(found, entity, done=False))
                return
            if not yes:
                show_lists.print_to_stderr(show_lists.undo(found, entity, done=False))
                typer.confirm("Go on?", abort=True, err=True)
            store.act(  # of the run that was shown: another may have written since
                "undo",
                lambda desk: engine.undo(desk, run_id=found.of_run, record=who),
                {"run": found.of_run, "fields": len(found.fields), "made": len(found.made)},
            )
        answer({**told, "done": True}, lambda: show_lists.undo(found, entity, done=True))


@app.command(rich_help_panel=UNDO)
def release(
    entity: Entity,
    record: RecordId,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="By its name in PowerOffice Go.")],
    as_json: AsJson = False,
) -> None:
    """Let a value go that an undo has put back.

    The other side's value moves over with the next run.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.sync import undo as engine

        with opened(entity) as store:
            done = store.act("release", lambda desk: engine.release(desk, record, field), {"field": field})
        answer(told(entity, done), lambda: show_lists.done(done, "Released"))


@app.command(rich_help_panel=UNDO)
def freeze(entity: Entity, record: RecordId, field: _Field = None, as_json: AsJson = False) -> None:
    """Leave a field of two twins alone.

    Nothing is written to it, on either side, until it is unfrozen.
    """
    _freezing("freeze", "Frozen", entity, record, field, as_json)


@app.command(rich_help_panel=UNDO)
def unfreeze(entity: Entity, record: RecordId, field: _Field = None, as_json: AsJson = False) -> None:
    """Let a frozen field go.

    The next run carries on what was held meanwhile.
    """
    _freezing("unfreeze", "Not frozen any more", entity, record, field, as_json)


def _freezing(what: str, title: str, entity: str, record: str, field: str | None, as_json: bool) -> None:
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.sync import freezing as engine

        def decide(desk: Desk) -> Done:
            return (engine.freeze if what == "freeze" else engine.unfreeze)(desk, record, field)

        with opened(entity) as store:
            done = store.act(what, decide, {"field": field} if field else None)
        answer(told(entity, done), lambda: show_lists.done(done, title))
