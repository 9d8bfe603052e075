"""Values of any shape, and real ones with something wrong in them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st

from samklang.errors import SamklangError

FEWER = settings(max_examples=settings().max_examples // 4)
"""For tests that are made of many cases already."""

CANARY = "zqxv"
"""Stands in every text of a body, so that a message which quotes one is found."""

TEXTS = st.one_of(
    st.text(max_size=12).map(lambda text: f"{CANARY}{text}"),
    st.sampled_from(
        ["", " ", f"{CANARY}\x00", f"{CANARY}\ud7ff", f"{CANARY} read_customers", "gid://shopify/Customer/1"]
    ),
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, -1, 2**53, 1e308, -0.0, 1e-320, 0.1]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
NAMES = st.one_of(
    st.sampled_from(
        ["Id", "id", "nodes", "data", "errors", "message", "code", "path", "extensions", "cost", "m0", "m1"]
    ),
    st.text(max_size=6),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
BYTES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"null", b"[", b"{}", b"[]", b'"x"', b"\xff\xfe", b"<html>502</html>", b"[" * 100_000, b"1e999"]
    ),
)


@st.composite
def mutated(draw: Callable[..., Any], whole: Any) -> Any:
    """A copy with one to three places replaced, removed or added."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(JSON)
        holder, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 3)):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[draw(NAMES)] = draw(JSON)
            case 2 if isinstance(holder, list):
                holder.insert(0, copy.deepcopy(holder[key]))
            case _:
                holder[key] = draw(JSON)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def fits(value: Any) -> bool:
    """Whether a value can be written as JSON: a lone surrogate, or too large a number, cannot."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def typed(call: Callable[[], Any], *, quoting: type[Exception] | tuple[type[Exception], ...] = ()) -> Any:
    """What a call gives, or the error that it raises on purpose; any other error is a failure of the test.

    :param quoting: errors that tell the server's own words.
    """
    try:
        return call()
    except SamklangError as error:
        told = error
    assert isinstance(told, quoting) or CANARY not in str(told), "the message quotes a value"
    assert told.message
    return told
