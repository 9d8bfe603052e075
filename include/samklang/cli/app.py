"""The commands, and how `--help` groups them. Answers go to stdout, everything else to stderr, so that `--json` can be
piped."""

from __future__ import annotations

import logging
from typing import Any

import typer
from typer.core import TyperGroup

from samklang.cli import adopting, conflicting, holding, looking, matching, privacy, recalling, undoing


class _ByPurpose(TyperGroup):
    """Lists the commands by what they are for, in the order of their modules."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[Any]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            groups.setdefault(command.rich_help_panel, []).append((name, command))
        room = formatter.width - 6 - max(len(name) for name in self.list_commands(ctx))
        for title, commands in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name, command.get_short_help_str(room)) for name, command in commands])


app = typer.Typer(
    name="samklang",
    cls=_ByPurpose,
    help="Samklang keeps PowerOffice Go and Shopify in sync. These commands write to neither system: what people "
    "decide goes into the link store, and the next run carries it out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print the values of records
    rich_markup_mode=None,
)
for module in (looking, recalling, matching, adopting, conflicting, holding, undoing, privacy):
    app.add_typer(module.app)


def main() -> None:
    """The console script. Exit 0: fine; 1: something is missing or wrong; 2: wrong usage."""
    logging.getLogger("samklang").setLevel(logging.WARNING)  # Airflow's configuration would show each request
    app()
