"""Commands about who is whose twin."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samklang.cli import show, show_lists
from samklang.cli.answers import DECIDE, RECORD_HELP, AsJson, Entity, Limit, RecordId, Side, Yes, answering

if TYPE_CHECKING:
    from samklang.sync.decide import Desk, Done

app = typer.Typer()

_Records = Annotated[list[str], typer.Argument(metavar="ID…", help=RECORD_HELP)]


@app.command(rich_help_panel=DECIDE)
def matches(
    entity: Entity,
    linked: Annotated[bool, typer.Option("--linked", help="Only twins.")] = False,
    ambiguous: Annotated[
        bool, typer.Option("--ambiguous", help="Only keys that several records of one side hold, with all of them.")
    ] = False,
    only: Annotated[Side | None, typer.Option(help="Only records of this side without a twin.")] = None,
    excluded: Annotated[
        bool, typer.Option("--excluded", help="Only what is left alone: by a person, or for a reason of the plan.")
    ] = False,
    search: Annotated[str | None, typer.Option(help="An id, an e-mail or a code, exactly.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of it as CSV, with a column for decisions; - is stdout."),
    ] = None,
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Carry out the decisions in such a file: link, relink, unlink, exclude or include.",
        ),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="With --import: only show what would be done.")] = False,
    yes: Yes = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Who is whose twin, and who has none, and why.

    Twins, records whose key is ambiguous, records of one side alone, and what is left alone. While the newest plan is
    not carried out, also what it would link, create and leave alone. With --import, each line of a file is carried
    out or left, with the reason; first it is shown what would be done, and asked.
    """
    if import_ is not None:
        _import(entity, import_, preview, yes, as_json)
        return
    names = [
        name
        for name, wanted in (("linked", linked), ("ambiguous", ambiguous), ("only", only), ("excluded", excluded))
        if wanted
    ]
    out = sys.stdout if str(csv) == "-" else None  # while answering, stdout is for the one answer
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened
        from samklang.cli.environment import open_staging
        from samklang.cli.private_file import private_file
        from samklang.sync.explain import find
        from samklang.sync.match_lists import NAMES, Matches

        with opened(entity) as store, ExitStack() as stack:
            if csv is not None:
                store.note_export({"file": "matches.csv", "list": ", ".join(names) or "all"})
            connection = stack.enter_context(store.database.read())
            mapping = store.terms.mapping
            among = find(connection, mapping, search) if search is not None else None
            found = Matches(connection, mapping, open_staging(os.environ, store.database), among)
            if csv is None:
                document = found.document(names or NAMES, only, limit)
                answer({"entity": entity, **document}, lambda: show_lists.matches(mapping, document))
                return
            with nullcontext(out) if out else private_file(csv) as file:
                written = found.write(file, names or NAMES, only)
        if out is None:
            answer({"entity": entity, "file": str(csv), "lines": written}, lambda: show_lists.written(csv, written))


def _import(entity: str, path: Path, preview: bool, yes: bool, as_json: bool) -> None:
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.errors import ConfigurationError
        from samklang.sync import match_file
        from samklang.sync.act import rehearse

        with opened(entity) as store:
            try:
                with path.open(encoding="utf-8-sig", newline="") as file:
                    lines = match_file.read(store.terms.mapping, file)
            except (OSError, UnicodeDecodeError):
                raise ConfigurationError(f"{path} cannot be read.", remedy="Save it as CSV, UTF-8.") from None

            def decide(desk: Desk) -> Done:
                return match_file.carry_out(desk, lines)

            planned = rehearse(store.database, store.terms, decide)
            if preview or not planned.done:
                answer(
                    {**told(entity, planned), "preview": True}, lambda: show_lists.done(planned, "Would be carried out")
                )
                return
            if not yes:
                show_lists.print_to_stderr(show_lists.done(planned, "Would be carried out"))
                typer.confirm(f"Carry out {len(planned.done)} lines?", abort=True, err=True)
            done = match_file.in_stretches(lines, lambda part, number: store.act("import", part, {"lines": number}))
        answer({**told(entity, done), "preview": False}, lambda: show_lists.done(done, "Carried out"))


@app.command(rich_help_panel=DECIDE)
def link(
    entity: Entity,
    record: RecordId,
    twin: Annotated[str, typer.Argument(metavar="ID", help="The twin, on the other side.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make two records twins, whatever their keys say.

    Asks only where one of them would lose a twin. What is equal is in sync then, what is empty is filled, what differs
    is a link conflict.
    """
    with answering(as_json) as answer:
        from samklang.cli.decisions import decided, question
        from samklang.sync.decide import Decision

        asked, losing = question(entity, record, twin, os.environ)
        if losing and not yes:
            typer.confirm(asked, abort=True, err=True)

        def decide(desk: Desk) -> Decision:
            return desk.relink(desk.find_one(record), desk.find_one(twin))

        done = decided("link", entity, decide, os.environ)
        answer(done, lambda: show.decided(done))


@app.command(rich_help_panel=DECIDE)
def exclude(entity: Entity, records: _Records, as_json: AsJson = False) -> None:
    """Leave records and their twins alone.

    Neither matched, nor created, nor written, until they are included again.
    """
    _each("exclude", "Excluded", entity, records, as_json)


@app.command(rich_help_panel=DECIDE)
def include(entity: Entity, records: _Records, as_json: AsJson = False) -> None:
    """Let excluded records in again.

    Excluded twins are linked as before, and what was edited meanwhile travels. Others are judged anew by the next run.
    """
    _each("include", "Included", entity, records, as_json)


def _each(what: str, title: str, entity: str, records: list[str], as_json: bool) -> None:
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, pointed_at, told
        from samklang.sync import exclude as engine

        def decide(desk: Desk) -> Done:
            who = [pointed_at(desk, text) for text in records]
            return (engine.exclude if what == "exclude" else engine.include)(desk, who)

        with opened(entity) as store:
            done = store.act(what, decide)
        answer(told(entity, done), lambda: show_lists.done(done, title))


@app.command(rich_help_panel=DECIDE)
def unlink(
    entity: Entity,
    record: RecordId,
    keep_apart: Annotated[
        bool | None,
        typer.Option(
            "--keep-apart/--match-again",
            help="Leave both alone from now on, or let the next run judge them as any records without a twin: with "
            "different keys, each may be made anew on the other side. Without either: kept apart while both "
            "records are there; where one is gone, the other is judged anew.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take two linked records apart; neither of them is changed.

    Records that are kept apart are not matched, not created and not written, until relink links them. Where one of
    the two is gone, the other is matched with whoever has its key, or made anew where the mapping creates records.
    """
    with answering(as_json) as answer:
        from samklang.cli.decisions import decided
        from samklang.sync.decide import Decision

        def decide(desk: Desk) -> Decision:
            return desk.unlink(record, keep_apart=keep_apart)

        done = decided("unlink", entity, decide, os.environ)
        answer(done, lambda: show.decided(done))


@app.command(rich_help_panel=DECIDE)
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
    """Give a record another twin, or a new one.

    Links two records, whatever their keys say; or, with --new, lets the next run make a twin of one.

    Links that they have until now end, and their former twins are kept apart. The next run compares the two as it
    does with any new link: what is equal is in sync, what is empty is filled, what differs is a link conflict, for
    which the mapping has a limit.
    """
    if (twin is None) != new:
        raise typer.BadParameter("give two records, or one and --new")
    with answering(as_json) as answer:
        from samklang.cli.decisions import decided, question
        from samklang.sync.decide import Decision

        if twin is not None and not yes:
            typer.confirm(question(entity, record, twin, os.environ)[0], abort=True, err=True)

        def decide(desk: Desk) -> Decision:
            first = desk.find_one(record)
            return desk.make_anew(first) if twin is None else desk.relink(first, desk.find_one(twin))

        done = decided("relink", entity, decide, os.environ)
        answer(done, lambda: show.decided(done))
