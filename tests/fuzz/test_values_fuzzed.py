"""Normal forms, clocks and JSON text are total: no value that a person can type breaks them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samklang.core.clocks import clock, earlier, seconds_between, to_datetime
from samklang.core.derive import match_keys
from samklang.core.holds import addresses, refusal
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Field, Mapping
from samklang.core.markup import bare_text, fingerprint
from samklang.core.prices import common_form, from_common
from samklang.core.rules import Accepts
from samklang.core.values import KINDS, normal_form, normal_forms, written_form

REGIONS = st.sampled_from(["NO", "SE", "US", "GB", "XK", "", "Narnia", "no", "N"])
TYPED = {
    "phone": st.from_regex(r"[+０-９\d\s()./\-xX,;#]{0,24}", fullmatch=True),
    "email": st.from_regex(r"[\w.+\s,;|]{0,8}@?[\w.\s,;]{0,12}", fullmatch=True),
    "country": st.one_of(st.sampled_from(["Norge", "norway", "NOR", "no", "UK", "Ǆ", "ﬀ"]), st.text(max_size=4)),
    "money": st.from_regex(r"\s*[+-]?[\d０-９]{0,32}[.,]?\d{0,32}([eE][+-]?\d{0,3})?\s*", fullmatch=True),
    "html": st.lists(
        st.sampled_from(["<p>", "</p>", "<br>", "&lt;", "&amp;", "&#0;", "&#xD800;", "<!--", "-->", "<script>", "a",
                         "\n", "<", "<![CDATA[", "&", " ", "</", "<!DOCTYPE", "&notit;", ">", "/", "!", "-", '"', "'",
                         "<a href=x>", "</a>", "<b>", "<li>", "<table>", "<td>", "</table>", "<template>", "<svg>",
                         "<title>", "</title>", "<noscript>", "<textarea>", "<iframe>", "<h1>", "<object>", "<summary>",
                         "</script>"]), max_size=12).map("".join),
}  # fmt: skip
FORMS = st.sampled_from(["text", "email", "phone", "country", "money", "html"])


@st.composite
def of_a_kind(draw: Any) -> tuple[str, str]:
    kind = draw(st.sampled_from(KINDS))
    special = TYPED.get("money" if kind == "cost" else kind)
    return kind, draw(st.text(max_size=40) if special is None else st.one_of(special, st.text(max_size=40)))


@given(of_a_kind(), REGIONS)
def test_every_text_has_a_normal_form_and_that_is_its_own(value: tuple[str, str], region: str) -> None:
    kind, raw = value
    form = normal_form(kind, raw, region)

    assert form is None or form.strip() == form != ""
    assert normal_form(kind, form, region) == form


@given(of_a_kind(), REGIONS, FORMS)
@example(("html", "<p><![CDATA["), "NO", "html")
@example(("html", "</&lt;"), "NO", "html")
@example(("html", "&lt;</"), "NO", "html")
@example(("html", "<script>"), "NO", "html")
@example(("html", "<!--"), "NO", "html")
@example(("html", "a<!--->b<!--c--!>d"), "NO", "html")
@example(("html", "<a\n<p>"), "NO", "html")
@example(("html", "\0"), "NO", "html")
@example(("html", "a\n<x>b"), "NO", "html")
@example(("html", "<p>a<object><summary>b"), "NO", "html")
@example(("html", "<svg><text>a</text></svg>b"), "NO", "html")
@example(("html", "<noscript><img></noscript>b"), "NO", "html")
@example(("html", "<b>a</b>"), "NO", "text")
def test_what_is_written_means_what_was_read(value: tuple[str, str], region: str, form: str) -> None:
    kind, raw = value
    accepts = Accepts(form=form, max_length=255, choices=frozenset({"NO", "SE"}))
    refusal(kind, raw, accepts=accepts, region=region)
    if normal_form(kind, raw, region) is not None:
        written = written_form(kind, raw, accepts=accepts, region=region)

        if kind == "html" and fingerprint(written) != fingerprint(raw):
            # What could run, or what text cannot hold, stays behind, and all words travel.
            assert bare_text(written) == bare_text(raw.strip())
        else:
            assert normal_form(kind, written, region) == normal_form(kind, raw, region)


@given(st.lists(of_a_kind(), max_size=5), REGIONS)
def test_many_values_have_the_forms_of_each(values: list[tuple[str, str]], region: str) -> None:
    for kind in {kind for kind, _ in values}:
        raw = pd.Series([text for _, text in values], dtype=object)

        assert list(normal_forms(kind, raw, region)) == [normal_form(kind, text, region) for text in raw]


@given(TYPED["money"], st.sampled_from(["1", "1.25", "1.15", "1.0", "1.125"]))
def test_a_price_goes_there_and_back(raw: str, factor: str) -> None:
    shown = common_form(raw, factor)
    try:
        figure = from_common(shown or "", factor)
    except ValueError:
        return  # no amount
    assert common_form(figure, factor) == shown
    assert Decimal(figure).is_finite()


@given(st.text(max_size=60))
def test_addresses_are_read_from_any_text_and_every_key_can_be_stored(text: str) -> None:
    field = Field({"powerofficego": "Mail", "shopify": "email"}, "email", "specification")
    mapping = Mapping("customers", ("powerofficego", "shopify"), "@hourly", ("Mail",), (field,), frozenset())

    assert all("@" in one for one in addresses(text))
    for _, value in match_keys(mapping, {"Mail": normal_form("email", text)}):
        assert 0 < len(value) <= 400
        assert "\x00" not in value


TIMES = st.one_of(
    st.text(max_size=40),
    st.from_regex(
        r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?)?\s?"
        r"(Z|[+-][0-9]{2}:?[0-9]{2})?\s*",
        fullmatch=True,
    ),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
)


@given(TIMES)
def test_a_timestamp_is_read_or_refused(text: str) -> None:
    try:
        found = clock(text)
    except ValueError:
        return
    assert len(found) == len("2026-08-01T09:27:26.0000000Z")
    assert clock(found) == found
    assert seconds_between(found, found) == 0
    to_datetime(found)


@given(st.datetimes(timezones=st.just(None)), st.timedeltas())
def test_a_window_begins_before_its_clock(moment: Any, by: Any) -> None:
    text = clock(moment.isoformat())
    if by.total_seconds() >= 0:
        assert earlier(text, by) <= text


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), FLOATS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
)


@given(PLAIN)
def test_json_text_is_canonical(value: Any) -> None:
    text = dumps(value)

    assert loads(text) == value
    assert dumps(loads(text)) == text


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), st.integers(0, 9), max_size=6),
    st.randoms(),
)
def test_equal_content_is_equal_text(value: dict[str, int], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)

    assert dumps(dict(items)) == dumps(value)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_one_value(kind: str) -> None:
    assert {normal_form(kind, empty, "NO") for empty in (None, "", "  ", "\t\n", "\u3000")} == {None}
