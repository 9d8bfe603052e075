"""What is a flip, and what is people at work."""

from __future__ import annotations

import pytest

from samklang.core.pingpong import Write, flips, is_ping_pong

LEFT, RIGHT = "left", "right"


def writes(*told: tuple[str, str | None, str | None]) -> list[Write]:
    return [Write(*one) for one in told]


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ([], 0),
        ([(RIGHT, "A", "B")], 0),
        # over and back, on either side
        ([(RIGHT, "A", "B"), (LEFT, "B", "A")], 1),
        ([(RIGHT, "A", "B"), (LEFT, "B", "A"), (RIGHT, "A", "B"), (LEFT, "B", "A")], 3),
        # our write is undone where it was made, and made again
        ([(RIGHT, "B", "A"), (RIGHT, "B", "A"), (RIGHT, "B", "A")], 2),
        # one side's own edits, however often they return, are followed
        ([(RIGHT, "A", "B"), (RIGHT, "B", "A"), (RIGHT, "A", "B"), (RIGHT, "B", "A")], 0),
        # three values in a circle are a ping-pong too
        ([(RIGHT, "A", "B"), (LEFT, "B", "C"), (RIGHT, "C", "A"), (LEFT, "A", "B"), (RIGHT, "B", "C")], 3),
        # a value that was never there is entered by somebody: the count starts anew
        ([(RIGHT, "A", "B"), (LEFT, "B", "A"), (RIGHT, "A", "C")], 0),
        ([(RIGHT, "A", "B"), (LEFT, "B", "A"), (RIGHT, "A", "C"), (LEFT, "C", "A")], 1),
        # emptied and filled again
        ([(RIGHT, "A", None), (LEFT, None, "A"), (RIGHT, "A", None)], 2),
        # another spelling of the same value is no write of another one
        ([(RIGHT, "A", "B"), (LEFT, "B", "B"), (LEFT, "B", "A")], 1),
    ],
)
def test_a_flip_brings_back_a_value_that_was_replaced(
    told: list[tuple[str, str | None, str | None]], number: int
) -> None:
    assert flips(writes(*told)) == number


def test_a_field_may_flip_as_often_as_the_mapping_says_and_then_no_more() -> None:
    past = writes((RIGHT, "A", "B"), (LEFT, "B", "A"), (RIGHT, "A", "B"))  # two flips
    again = Write(LEFT, "B", "A")

    assert not is_ping_pong(past, again, 3)
    assert is_ping_pong(past, again, 2)
    assert is_ping_pong(past, again, 1)
    assert not is_ping_pong(past, again, 0)


@pytest.mark.parametrize("planned", [Write(LEFT, "B", "C"), Write(RIGHT, "B", "A")])
def test_an_edit_that_is_no_flip_is_written_however_often_the_field_flipped(planned: Write) -> None:
    past = writes((RIGHT, "A", "B"), (LEFT, "B", "A"), (RIGHT, "A", "B"))

    assert not is_ping_pong(past, planned, 1)
