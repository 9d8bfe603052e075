"""Export and forget: what is kept about one person, handed out or erased."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from samklang.cli.answers import PERSON, RECORD_HELP, AsJson, Entity, RecordId, Yes, answering
from samklang.cli.environment import open_staging, open_store, user_name
from samklang.cli.private_file import private_file
from samklang.mapping_files import load_mapping, mappings_folder

app = typer.Typer()


@app.command(rich_help_panel=PERSON)
def export(
    entity: Entity,
    record: RecordId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, for its owner's eyes only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON either way.")] = False,
) -> None:
    """All that is kept about one person, as JSON.

    What was last seen on both sides, the link and its base, conflicts, holds, refusals, history, what people did, and
    the lines of staged files. What stands in PowerOffice Go and Shopify is not asked for.
    """
    del as_json
    with answering(True) as answer:
        from samklang.connections import terms_of
        from samklang.sync.act import note
        from samklang.sync.export import export as export_person

        mapping = load_mapping(entity, mappings_folder(os.environ))
        database = open_store(os.environ)
        found = export_person(database, mapping, open_staging(os.environ, database), record)
        detail = {"file": output is not None}
        note(
            database,
            terms_of(mapping),
            "export",
            person=user_name(),
            via="cli",
            records=found["records"],
            detail=detail,
        )
        found = {"exported_at": datetime.now(UTC).isoformat(timespec="seconds"), **found}
        if output is None:
            answer(found, list)
        else:
            with private_file(output) as file:
                file.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
            typer.echo(f"Written to {output}.", err=True)


@app.command(rich_help_panel=PERSON)
def forget(
    entity: Entity,
    record: Annotated[str | None, typer.Argument(metavar="ID", help=RECORD_HELP)] = None,
    lift: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Let somebody be taken in again who was forgotten; by e-mail, code or id."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase one person's data here, for good.

    Everything about the record and its twin goes from the link store and from staged files. What is left are digests,
    by which later reads leave out a record with the same id, e-mail or code. Neither system is written: erase the
    person there too.
    """
    if (record is None) == (lift is None):
        raise typer.BadParameter("give a record, or --lift with one")
    with answering(as_json) as answer:
        done = _lift(entity, lift) if lift is not None else _forget(entity, str(record), ask=not yes)
        answer(done, lambda: [Text(line) for line in _in_words(done)])


def _forget(entity: str, record: str, *, ask: bool) -> dict[str, Any]:
    from samklang.connections import terms_of
    from samklang.sync.decide import named
    from samklang.sync.forget import forget as forget_person
    from samklang.sync.forget import look

    mapping = load_mapping(entity, mappings_folder(os.environ))
    database = open_store(os.environ)
    staging = open_staging(os.environ, database)
    if ask:
        with database.read() as connection:
            found = look(connection, mapping, record)
        rows = sum(found.rows.values())
        who = ", ".join(map(named, found.records))
        typer.echo(f"{who}: {rows} rows of the link store, and what staged files hold. It cannot be undone.", err=True)
        typer.confirm("Forget this person?", abort=True, err=True)
    done = forget_person(database, terms_of(mapping), staging, record, who=user_name(), via="cli")
    return {
        "entity": entity,
        "forgotten": [named(one) for one in done.records],
        "rows": done.rows,
        "staged_files": done.files,
        "others": [named(one) for one in done.others],
        "remains": done.remains,
    }


def _lift(entity: str, text: str) -> dict[str, Any]:
    from samklang.connections import terms_of
    from samklang.sync.act import act
    from samklang.sync.forget import lift

    terms = terms_of(load_mapping(entity, mappings_folder(os.environ)))
    database = open_store(os.environ)
    lifted = act(database, terms, "lift", lambda desk: lift(desk, text), person=user_name(), via="cli")
    return {"entity": entity, "lifted": lifted}


def _in_words(done: dict[str, Any]) -> list[str]:
    if "lifted" in done:
        return [
            f"{done['lifted']} tombstones are taken away. The next whole read takes the person in again: trigger "
            f"sync_{done['entity']} with mode full, or wait for it."
        ]
    rows = ", ".join(f"{name} {count}" for name, count in done["rows"].items()) or "nothing"
    lines = [
        f"Forgotten: {', '.join(done['forgotten'])}.",
        f"Erased from the link store: {rows}; from staged files: {done['staged_files']}.",
        "Neither system was written: erase what stands in PowerOffice Go and Shopify there. Backups of the link store, "
        "and the write-ahead log and replicas of PostgreSQL, are yours to keep or to erase; a backup that is put back "
        "brings the person back.",
    ]
    lines += [f"Not erased: {text}." for text in done["remains"]]
    if done["others"]:
        lines.append(
            f"Not touched, though with the same e-mail or code: {', '.join(done['others'])}. Forget them too, where "
            "they are the same person."
        )
    return lines
