"""HTML as a browser reads it: elements and text in the order in which they stand in its tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

_EMPTY = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""Elements without content, and so without an end."""

Part = tuple[str, "LexborNode | str | None"]
"""The name of an element with its node where it starts, and with None where it ends; "" with a text."""


def parts_of(html: str) -> Iterator[Part]:
    """Where elements start and end, and the text between them, in one piece; comments are left out.

    `html` is what stands in a document: the elements around it (`<html>`, `<body>`) are not part of it.
    """
    node = LexborHTMLParser(html, is_fragment=True).root
    opened: list[tuple[str, LexborNode]] = []
    text = ""
    while node is not None or opened:
        if node is None:
            if text:
                yield "", text
                text = ""
            tag, node = opened.pop()
            yield tag, None
        elif (words := node.text_content) is not None:
            text += words
        elif node.is_element_node:
            if text:
                yield "", text
                text = ""
            tag = (node.tag or "").lower()
            yield tag, node
            if tag == "template" and (unseen := node.inner_html):
                yield "", unseen  # no part of the tree
            child = node.first_child
            if child is not None or tag not in _EMPTY:
                opened.append((tag, node))
                node = child
                continue
        node = node.next
    if text:
        yield "", text


def attributes_of(node: LexborNode) -> list[tuple[str, str]]:
    return [(name.lower(), value or "") for name, value in node.attributes.items()]
