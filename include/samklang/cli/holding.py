"""Commands about what a system cannot take: held fields and quarantined records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samklang.cli import show_lists
from samklang.cli.answers import MEND, RECORD_HELP, AsJson, Entity, Limit, Side, answering

if TYPE_CHECKING:
    from samklang.sync.decide import Desk
    from samklang.sync.quarantine import Held

app = typer.Typer()

_Reason = Annotated[str | None, typer.Option(help="Only what is held back for this reason, as the list names it.")]
_To = Annotated[Side | None, typer.Option(help="Only what cannot go to this side.")]
_Records = Annotated[list[str] | None, typer.Argument(metavar="ID…", help=RECORD_HELP)]
_All = Annotated[bool, typer.Option("--all", help="Whatever the systems refused, of all records.")]


@app.command(rich_help_panel=MEND)
def holds(entity: Entity, reason: _Reason = None, to: _To = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Fields that the other system cannot take.

    Why, what to do about it, and when they are tried again.
    """
    _list(entity, "holds", False, reason, to, limit, as_json)


@app.command(rich_help_panel=MEND)
def quarantine(
    entity: Entity, reason: _Reason = None, to: _To = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """Records that the other system refused as a whole.

    Why, what to do about it, and when they are tried again.
    """
    _list(entity, "quarantined", True, reason, to, limit, as_json)


@app.command(rich_help_panel=MEND)
def retry(
    entity: Entity, records: _Records = None, reason: _Reason = None, every: _All = False, as_json: AsJson = False
) -> None:
    """Try again in the next run what a system refused.

    Of some records, for one reason, or all of it.
    """
    _decide("retry", "To be tried again", entity, records, reason, every, as_json)


@app.command(rich_help_panel=MEND)
def skip(
    entity: Entity, records: _Records = None, reason: _Reason = None, every: _All = False, as_json: AsJson = False
) -> None:
    """Do not try again what a system refused.

    Until somebody edits one of the two records: of some records, for one reason, or all of it.
    """
    _decide("skip", "Skipped", entity, records, reason, every, as_json)


def _list(entity: str, name: str, whole: bool, reason: str | None, side: str | None, limit: int, as_json: bool) -> None:
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened
        from samklang.store import lists
        from samklang.store.lists.pages import first_rows

        with opened(entity) as store, store.database.read() as connection:
            rows, more = first_rows(
                lambda after, size: lists.holds(
                    connection, store.terms.mapping, quarantined=whole, reason=reason, side=side, after=after,
                    limit=size,
                ),
                limit,
            )  # fmt: skip
            counted = [one for one in lists.hold_reasons(connection, entity) if one[2] == whole]
        reasons = [{"reason": why, "side": to, "number": number} for why, to, _, number in counted]
        answer(
            {"entity": entity, name: rows, "reasons": reasons, "more": more},
            lambda: show_lists.holds(rows, reasons, more),
        )


def _decide(
    what: str, title: str, entity: str, records: list[str] | None, reason: str | None, every: bool, as_json: bool
) -> None:
    if sum((bool(records), reason is not None, every)) != 1:
        raise typer.BadParameter("give records, or --reason, or --all")
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.sync import quarantine as engine

        def decide(desk: Desk) -> Any:
            which = engine.matching(desk.connection, entity, reason=reason) if not records else _of(desk, records)
            return (engine.retry if what == "retry" else engine.skip)(desk, which)

        with opened(entity) as store:
            done = store.act(what, decide, {"reason": reason} if reason else {"all": every} if every else None)
        answer(told(entity, done), lambda: show_lists.done(done, title))


def _of(desk: Desk, records: list[str]) -> list[Held]:
    """What is held back of these records and of their twins. :raises DecisionError: one of them is not known, or
    nothing of it is held back."""
    from samklang.cli.carrying_out import pointed_at
    from samklang.errors import DecisionError
    from samklang.store import dossier
    from samklang.sync.decide import named
    from samklang.sync.quarantine import Held

    which = []
    for text in records:
        record = pointed_at(desk, text)
        link = desk.link_of(record)
        ends = link["ids"] if link else {record[0]: record[1]}
        found = dossier.held(desk.connection, desk.mapping.entity, desk.mapping.sides, ends)
        if not found:
            raise DecisionError(f"Nothing of {named(record)} is held or quarantined.")
        which += [Held(hold["side"], hold["source_id"], hold["field"]) for hold in found]
    return which
