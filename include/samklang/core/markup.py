"""Descriptions: plain text in one system, HTML in another.

A text counts as HTML when it holds a whole tag, a comment or a character reference; `5 < 7` and `R&D` are plain text.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_MARKUP = re.compile(r"</?[a-z][^<>]*>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE | re.ASCII)
_PARAGRAPH = re.compile(r"\n\s*\n")
_SECTIONS = ("address", "article", "aside", "blockquote", "div", "footer", "header", "main", "nav", "pre", "section")
_LINES = ("br", "dd", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "ul")
_TABLES = ("table", "td", "th", "tr")
_BLOCKS = frozenset((*_SECTIONS, *_LINES, *_TABLES))
_UNSEEN = frozenset(("script", "style"))


def is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def plain_text(text: str) -> str:
    """What a reader sees: no tags, one line per paragraph, list item or table cell. Plain text stays as it is."""
    if not is_html(text):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def bare_text(text: str) -> str:
    """The plain text, of which no more markup can be taken away.

    A reader of `&lt;b&gt;` sees `<b>`; written to the plain side, that looks like markup itself. Taking it off until
    nothing is left makes both sides equal.
    """
    while (bare := plain_text(text)) != text:
        text = bare
    return bare


def to_html(text: str) -> str:
    """Plain text as escaped paragraphs; HTML stays as it is."""
    if is_html(text):
        return text
    paragraphs = _PARAGRAPH.split(text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{escape(paragraph, quote=False).replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)


class _Reader(HTMLParser):
    """Collects the text between the tags; the edges of blocks become line ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # A line end in the source is only white space; those of blocks are added above.
            self.parts.append(data.replace("\n", " "))
