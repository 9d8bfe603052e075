"""Descriptions: plain text in one system, HTML in another.

A text counts as HTML when it holds a whole tag, a comment or a character reference; `5 < 7` and `R&D` are plain text.
Paragraphs and line ends are all that plain text has in common with HTML. Whatever else stands there (pictures, tables,
links, emphasis, styles) is *markup beyond text*: an edit of it is an edit, and no plain text may take its place.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from html import escape
from html.parser import HTMLParser

import nh3

_MARKUP = re.compile(r"</?[a-z][^<>]*>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE | re.ASCII)
_NO_TAG = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(?:!|\?|/(?=[^a-zA-Z]))[^>]*>?", re.DOTALL)
"""What a browser takes for a comment; Python's parser takes some of it for text."""
_PARAGRAPH = re.compile(r"\n\s*\n")
_SECTIONS = ("address", "article", "aside", "blockquote", "div", "footer", "header", "main", "nav", "pre", "section")
_LINES = ("br", "dd", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "ul")
_TABLES = ("table", "td", "th", "tr")
_BLOCKS = frozenset((*_SECTIONS, *_LINES, *_TABLES))
_UNSEEN = frozenset(("script", "style"))
_TEXT_ONLY = frozenset(("p", "br", "div", "span", "html", "head", "body", "meta"))
_SAYS_NOTHING = frozenset(("dir", "lang", "charset"))
_BEYOND_TEXT = "\N{OBJECT REPLACEMENT CHARACTER}"


def is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def plain_text(text: str) -> str:
    """What a reader sees: no tags, one line per paragraph, list item or table cell. Plain text stays as it is."""
    if not is_html(text):
        return text
    reader = _Reader()
    reader.feed(_NO_TAG.sub("", text))
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


def fingerprint(text: str) -> str:
    """Equal for two texts that have the same markup beyond text in the same places; "" where there is none."""
    outline = _outline(text)
    if not outline.beyond_text:
        return ""
    return _BEYOND_TEXT + blake2b("\n".join(outline.parts).encode(), digest_size=8).hexdigest()


def beyond_text(text: str) -> frozenset[str]:
    """What stands in a text that plain text cannot hold: names of tags, `style` and the like for attributes."""
    return frozenset(_outline(text).beyond_text)


def to_html(text: str) -> str:
    """Plain text as escaped paragraphs; HTML without what could run or reach out: scripts, handlers, frames, styles."""
    if is_html(text):
        return nh3.clean(text)
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


def _outline(text: str) -> _Outline:
    outline = _Outline()
    if is_html(text):
        outline.feed(_NO_TAG.sub("", text))
        outline.close()
    return outline


class _Outline(HTMLParser):
    """Collects markup beyond text, with the text between."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.beyond_text: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = sorted((name, value or "") for name, value in attrs if not _says_nothing(name))
        if tag in _TEXT_ONLY and tag != "meta":
            self.beyond_text.update(name for name, _ in said)
        elif tag not in _TEXT_ONLY:
            self.beyond_text.add(tag)
        if tag != "meta" and (said or tag not in _TEXT_ONLY):
            self.parts.append(f"<{tag} {said}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # `<img/>` is `<img>`

    def handle_endtag(self, tag: str) -> None:
        if tag not in _TEXT_ONLY:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.extend(data.split())


def _says_nothing(attribute: str) -> bool:
    return attribute in _SAYS_NOTHING or attribute.startswith("data-")
