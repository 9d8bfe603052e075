"""Commands about conflicts."""

from __future__ import annotations

from typing import Annotated

import typer

from samklang.cli import show_lists
from samklang.cli.answers import MEND, AsJson, Entity, Limit, Side, answering

app = typer.Typer()

_Conflicts = Annotated[list[int], typer.Argument(metavar="CONFLICT…", help="Numbers, as `conflicts` lists them.")]
_STATES = ("open", "decided", "reviewed")


def _state(state: str | None) -> str | None:
    if state not in (None, *_STATES):
        raise typer.BadParameter(f"use one of {', '.join(_STATES)}")
    return state


@app.command(rich_help_panel=MEND)
def conflicts(
    entity: Entity,
    state: Annotated[
        str | None,
        typer.Option(
            callback=_state,
            autocompletion=lambda: list(_STATES),
            help="open: a person decides; decided: by the mapping's policy; reviewed: somebody has looked at it.",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="edit: both sides were edited; link: a new link, where nothing is known before.")
    ] = None,
    field: Annotated[str | None, typer.Option(help="By its name in PowerOffice Go.")] = None,
    rule: Annotated[str | None, typer.Option(help="latest, powerofficego, shopify, ask, person, …")] = None,
    record: Annotated[str | None, typer.Option(help="Only of this record; an ID as for explain.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Fields that both sides changed, and who won.

    Both values, what they were before, times, rule and winner; the newest first, each with its number for `take` and
    `keep`.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened
        from samklang.store import lists
        from samklang.store.lists.pages import first_rows
        from samklang.sync.decide import Desk

        with opened(entity) as store, store.database.read() as connection:
            mapping = store.terms.mapping
            desk = Desk(connection, mapping, store.terms.rules, "", store.terms.now)
            of_record = desk.find_link(record)[0] if record else None
            rows, more = first_rows(
                lambda after, size: lists.conflicts(
                    connection, mapping, state=state, kind=kind, field=field, rule=rule, record=of_record,
                    after=after, limit=size,
                ),
                limit,
            )  # fmt: skip
        answer(
            {"entity": entity, "conflicts": rows, "more": more},
            lambda: show_lists.conflicts(mapping, rows, more),
        )


@app.command(rich_help_panel=MEND)
def take(
    entity: Entity,
    numbers: _Conflicts,
    side: Annotated[
        Side | None,
        typer.Option(help="Whose value stands. Of a conflict that was decided, without it: the one that lost."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take the value of one side, or the one that lost.

    The next run writes it, if both records still hold what they held. Fields of an address are taken together.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.sync import conflicts as engine

        with opened(entity) as store:
            done = store.act("take", lambda desk: engine.take(desk, numbers, side))
        answer(told(entity, done), lambda: show_lists.done(done, "Taken"))


@app.command(rich_help_panel=MEND)
def keep(entity: Entity, numbers: _Conflicts, as_json: AsJson = False) -> None:
    """Let stand how conflicts were decided.

    They are listed as reviewed from then on.
    """
    with answering(as_json) as answer:
        from samklang.cli.carrying_out import opened, told
        from samklang.sync import conflicts as engine

        with opened(entity) as store:
            done = store.act("keep", lambda desk: engine.keep(desk, numbers))
        answer(told(entity, done), lambda: show_lists.done(done, "Kept"))
