"""Descriptions: what two of them have in common, what only one of them can hold, and what may reach a shop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.holds import loses_markup
from samklang.core.markup import beyond_text, fingerprint, to_html
from samklang.core.rules import Accepts
from samklang.core.values import normal_form, plain_form, written_form

HTML, TEXT = Accepts(form="html"), Accepts()
PICTURE = '<p>Warm.</p><img src="https://cdn.example/1.png">'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PICTURE, PICTURE.replace("1.png", "2.png")),
        (PICTURE, "<p>Warm.</p>"),
        (PICTURE, '<img src="https://cdn.example/1.png"><p>Warm.</p>'),
        ("<p>Warm</p>", "<p><strong>Warm</strong></p>"),
        ("<p>Warm</p>", '<p style="text-align: center">Warm</p>'),
        ('<a href="/a">Warm</a>', '<a href="/b">Warm</a>'),
        ("<table><tr><td>1 2</td></tr></table>", "<table><tr><td>1</td><td>2</td></tr></table>"),
    ],
)
def test_an_edit_of_pictures_tables_links_and_styles_is_an_edit(before: str, after: str) -> None:
    assert normal_form("html", before) != normal_form("html", after)
    assert plain_form(before) == plain_form(after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>Warm</p>", "Warm"),
        ('<div data-x="1"><span>Warm</span></div>', "<p>Warm</p>"),
        ('<meta charset="utf-8"><p>Warm</p>', "<p>Warm</p>"),
        ("<ul>\n  <li>Warm</li>\n</ul>", "<ul><li> Warm </li></ul>"),
        ('<img alt="a" src="b">', "<IMG src='b' alt='a'/>"),
        ("R&amp;D", "R&D"),
        ("<html><head></head><body><p><b>Warm</b></p></body></html>", "<b>Warm</b>"),
        ("<ul><li>Warm<li>Soft</ul>", "<ul><li>Warm</li><li>Soft</li></ul>"),
    ],
)
def test_another_spelling_of_the_same_is_no_edit(one: str, other: str) -> None:
    assert normal_form("html", one) == normal_form("html", other)


def test_a_description_of_pictures_only_is_not_empty() -> None:
    assert normal_form("html", '<p><img src="a.png"></p>') is not None
    assert normal_form("html", "<p><br></p>") is None


@pytest.mark.parametrize(
    "text",
    [
        "<p onclick='go()'>Warm</p>",
        "<script>go()</script>Warm",
        '<a href="javascript:go()">Warm</a>',
        '<iframe src="https://elsewhere.example"></iframe>Warm',
        '<img src=x onerror="go()">Warm',
        "<svg><script>go()</script></svg>Warm",
        "<style>* {display: none}</style>Warm",
    ],
)
def test_nothing_that_runs_or_reaches_out_goes_to_a_shop(text: str) -> None:
    written = written_form("html", text, accepts=HTML, region="NO")
    assert "Warm" in written
    assert not any(evil in written.lower() for evil in ("go()", "script", "iframe", "style", "onclick", "onerror"))


@pytest.mark.parametrize(
    "text",
    [
        PICTURE,
        "<h2>Warm</h2><ul><li>Soft</li><li>5 &lt; 7</li></ul>",
        "<table><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        "<p><strong>Warm</strong> and <em>soft</em></p>",
    ],
)
def test_pictures_lists_tables_and_emphasis_reach_a_shop(text: str) -> None:
    assert normal_form("html", written_form("html", text, accepts=HTML, region="NO")) == normal_form("html", text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<svg><text>Warm</text></svg><p>wool</p>", "Warm wool"),
        ("<section>Warm</section><section>wool</section>", "Warm wool"),
        ("<p>Warm<object><summary>wool</summary></object></p>", "Warmwool"),
        ("<textarea><b>Warm</b></textarea>", "Warm"),
        ("Warm<!-- not said --> wool", "Warm wool"),
        ("<noscript><img src=a.png></noscript>Warm", "Warm"),
        ("<iframe>old browsers</iframe>Warm", "Warm"),
        ("<template>later</template>Warm", "Warm"),
    ],
)
def test_all_words_that_a_browser_shows_reach_a_shop_and_no_others(text: str, words: str) -> None:
    assert plain_form(text) == words
    assert plain_form(written_form("html", text, accepts=HTML, region="NO")) == words


def test_what_is_written_in_stores_already_stays_equal() -> None:
    text = '<p class="lead">Warm <b>R&amp;D</b></p><table><tr><td>1</td></tr></table><img src="a.png" alt="5 &lt; 7"/>'
    assert fingerprint(text) == "\N{OBJECT REPLACEMENT CHARACTER}b0ef9603794b2bac"


@given(st.text(max_size=60))
def test_plain_text_is_written_without_markup_beyond_text(text: str) -> None:
    if not beyond_text(text):
        assert fingerprint(to_html(text)) == ""


@pytest.mark.parametrize("written", ["<p>New text.</p>", None, "<p><b>New</b></p>"])
def test_text_never_takes_the_place_of_markup(written: str | None) -> None:
    hold = loses_markup(written, PICTURE, HTML)
    assert hold is not None
    assert hold.reason == "would_lose_markup"
    assert "(img)" in hold.remedy
    assert "cdn.example" not in hold.remedy


def test_text_takes_the_place_of_text_and_markup_that_of_the_same_markup() -> None:
    assert loses_markup("<p>New</p>", '<div data-x="1"><p>Old<br>text</p></div>', HTML) is None
    assert loses_markup('<p>New</p><img src="c.png">', PICTURE, HTML) is None
    assert loses_markup("New", PICTURE, TEXT) is None
    assert loses_markup(None, "<p>Old</p>", HTML) is None


def test_a_picture_does_not_empty_the_text_of_the_other_side() -> None:
    written = written_form("html", '<img src="a.png">', accepts=TEXT, region="NO")
    hold = loses_markup(written, "Old text", TEXT)
    assert hold is not None
    assert hold.reason == "no_text"
