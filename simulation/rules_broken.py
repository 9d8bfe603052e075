"""Rules of the sync, each broken in turn: what `guards` takes away where no guard of the engine stands for them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

from samklang.core import conflicts, creation, plan_pairs
from samklang.core.holds import NOT_CLEARABLE


def earlier_edit_wins(stack: ExitStack) -> None:
    """Of two edits, the one with the earlier clock wins."""
    judge = conflicts._judge  # noqa: SLF001

    def turned(*arguments: Any) -> tuple[str, int | None]:
        rule, winner = judge(*arguments)
        return rule, 1 - winner if rule == "latest" and winner is not None else winner

    stack.enter_context(mock.patch.object(conflicts, "_judge", turned))


def empty_value_wins(stack: ExitStack) -> None:
    """In a conflict, an empty value may beat another one."""
    stack.enter_context(mock.patch.object(conflicts, "_never_empty", lambda rule, winner, *_: (rule, winner)))


def lines_decided_singly(stack: ExitStack) -> None:
    """Each line of an address is decided by itself."""
    stack.enter_context(mock.patch.object(conflicts, "_groups", lambda mapping: [[f] for f in mapping.fields]))


def order_always_certain(stack: ExitStack) -> None:
    """Which of two edits came first is always said to be known."""
    stack.enter_context(mock.patch.object(conflicts, "_certain", return_value=True))


def nobody_is_made(stack: ExitStack) -> None:
    """No record is ever made, for a reason that is not so."""
    stack.enter_context(mock.patch.object(creation, "_not_created", return_value="not_in_create_in"))


def names_stay(stack: ExitStack) -> None:
    """Text never travels, for a reason that is not so."""
    for module in (creation, plan_pairs):
        refusal: Any = module.refusal

        def held(kind: str, raw: str | None, *, refusal: Any = refusal, **options: Any) -> Any:
            return NOT_CLEARABLE if kind == "text" and raw else refusal(kind, raw, **options)

        stack.enter_context(mock.patch.object(module, "refusal", held))
