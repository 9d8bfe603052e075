"""Descriptions: plain text in one system, HTML in another.

A text counts as HTML when it holds a whole tag, a comment or a character reference; `5 < 7` and `R&D` are plain text.
Paragraphs and line ends are all that plain text has in common with HTML. Whatever else stands there (pictures, tables,
links, emphasis, styles) is *markup beyond text*: an edit of it is an edit, and no plain text may take its place.

HTML is read as browsers read it (`core.html_tree`). What is written is read once more: it has the same words.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from html import escape

import nh3

from samklang.core.html_tree import attributes_of, parts_of

_MARKUP = re.compile(r"</?[a-z][^<>]*>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE | re.ASCII)
_PARAGRAPH = re.compile(r"\n\s*\n")
_SECTIONS = ("address", "article", "aside", "blockquote", "div", "footer", "header", "main", "nav", "pre", "section")
_LINES = ("br", "dd", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "ul")
_TABLES = ("table", "td", "th", "tr")
_BLOCKS = frozenset((*_SECTIONS, *_LINES, *_TABLES))
_UNSEEN = frozenset(("iframe", "noembed", "noframes", "noscript", "script", "style", "template"))
_TEXT_ONLY = frozenset(("p", "br", "div", "span"))
_SAYS_NOTHING = frozenset(("dir", "lang", "charset"))
_IMPLIED = frozenset(("colgroup", "tbody", "tr"))
"""What stands in each table, written or not. They count where they are written."""
_CLEANER = nh3.Cleaner(tags=nh3.ALLOWED_TAGS | _BLOCKS, clean_content_tags=_UNSEEN)
_BEYOND_TEXT = "\N{OBJECT REPLACEMENT CHARACTER}"


def is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def plain_text(text: str) -> str:
    """What a reader sees: no tags, one line per paragraph, list item or table cell. Plain text stays as it is."""
    if not is_html(text):
        return text.replace("\0", "")  # HTML has no such character
    shown: list[str] = []
    unseen = 0
    for tag, part in parts_of(text):
        if isinstance(part, str):
            if not unseen:
                # A line end in the source is only white space; those of blocks are added below.
                shown.append(part.replace("\n", " "))
        elif tag in _BLOCKS:
            shown.append("\n")
        elif tag in _UNSEEN:
            unseen += -1 if part is None else 1
    lines = (" ".join(line.split()) for line in "".join(shown).split("\n"))
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
    outline, beyond = _outline(text)
    if not beyond:
        return ""
    return _BEYOND_TEXT + blake2b("\n".join(outline).encode(), digest_size=8).hexdigest()


def beyond_text(text: str) -> frozenset[str]:
    """What stands in a text that plain text cannot hold: names of tags, `style` and the like for attributes."""
    return frozenset(_outline(text)[1])


def to_html(text: str) -> str:
    """Plain text as escaped paragraphs; HTML without what could run or reach out: scripts, handlers, frames, styles."""
    if is_html(text):
        html, words = _CLEANER.clean(text), plain_text(text)
        # What the cleaner takes away may hold words, or keep others apart: then all words travel, and nothing else.
        return html if plain_text(html) == words else _paragraphs(words)
    return _paragraphs(plain_text(text))


def _paragraphs(text: str) -> str:
    paragraphs = _PARAGRAPH.split(text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{escape(paragraph, quote=False).replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)


def _outline(text: str) -> tuple[list[str], set[str]]:
    """Markup beyond text with the words between, and the names of what is beyond text."""
    outline: list[str] = []
    beyond: set[str] = set()
    if not is_html(text):
        return outline, beyond
    source = text.lower()
    unwritten = {tag for tag in _IMPLIED if f"<{tag}" not in source}
    for tag, part in parts_of(text):
        if isinstance(part, str):
            outline.extend(part.split())
        elif tag in unwritten or tag == "meta":
            continue
        elif part is None:
            if tag not in _TEXT_ONLY:
                outline.append(f"</{tag}>")
        else:
            said = sorted((name, value) for name, value in attributes_of(part) if not _says_nothing(name))
            if tag not in _TEXT_ONLY:
                beyond.add(tag)
            else:
                beyond.update(name for name, _ in said)
            if said or tag not in _TEXT_ONLY:
                outline.append(f"<{tag} {said}>")
    return outline, beyond


def _says_nothing(attribute: str) -> bool:
    return attribute in _SAYS_NOTHING or attribute.startswith("data-")
