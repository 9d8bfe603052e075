"""Descriptions between a system of plain text and one of HTML: each keeps what the other cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.core.mapping_file import parse_mapping
from samklang.store.schema import conflicts, holds

FILE = """\
entity: products
match: [Code]
create_in: [shopify, powerofficego]
vat: {default: 25%}
fields:
  - {powerofficego: Name, shopify: title}
  - {powerofficego: Code, shopify: sku, kind: code}
  - {powerofficego: Description, shopify: descriptionHtml, kind: html}
"""
PICTURE = '<img src="https://cdn.example/1.png">'


@pytest.fixture
def both(tmp_path: Path) -> Iterator[BothSystems]:
    made = BothSystems(tmp_path, "products")
    made.mapping = parse_mapping(FILE, file="products.yaml")
    yield made
    made.database.close()


@pytest.fixture
def pair(both: BothSystems) -> tuple[str, str]:
    """Two twins with the same text: their ids."""
    product = both.add(GO, Name="Jumper", Code="J", Description="Warm.")
    both.run()
    return product, both.show(SHOP)[0]["legacyResourceId"]


def texts(both: BothSystems) -> tuple[str | None, str]:
    return both.show(GO)[0]["Description"], both.show(SHOP)[0]["descriptionHtml"]


def held(both: BothSystems) -> list[str]:
    return [row["reason"] for row in both.rows(holds)]


def test_text_travels_as_paragraphs_and_back(both: BothSystems, pair: tuple[str, str]) -> None:
    assert texts(both) == ("Warm.", "<p>Warm.</p>")
    both.edit(GO, pair[0], Description="Warm & dry.\n\nBlue.")
    both.run()
    assert texts(both)[1] == "<p>Warm &amp; dry.</p><p>Blue.</p>"
    both.edit(SHOP, pair[1], descriptionHtml="<p>Soft.</p>")
    both.run()
    assert texts(both) == ("Soft.", "<p>Soft.</p>")


def test_a_picture_added_in_the_shop_stays_there_and_writes_nothing(both: BothSystems, pair: tuple[str, str]) -> None:
    both.edit(SHOP, pair[1], descriptionHtml=f"<p>Warm.</p>{PICTURE}")
    for _ in range(2):
        both.run()
        assert both.writes() == []
    assert texts(both) == ("Warm.", f"<p>Warm.</p>{PICTURE}")
    assert held(both) == []


@pytest.mark.parametrize("text", ["Warm and dry.", None])
def test_an_edit_of_text_that_would_wipe_a_picture_is_held(
    both: BothSystems, pair: tuple[str, str], text: str | None
) -> None:
    both.edit(SHOP, pair[1], descriptionHtml=f"<p>Warm.</p>{PICTURE}")
    both.run()
    both.edit(GO, pair[0], Description=text)
    for _ in range(2):
        both.run()
        assert texts(both) == (text, f"<p>Warm.</p>{PICTURE}")
        assert held(both) == ["would_lose_markup"]

    both.edit(SHOP, pair[1], descriptionHtml=f"<p>Warm, dry.</p>{PICTURE}")  # as the remedy says
    both.run()
    assert texts(both) == ("Warm, dry.", f"<p>Warm, dry.</p>{PICTURE}")
    both.run()
    assert held(both) == []


def test_a_picture_edited_in_the_shop_and_text_in_powerofficego_are_a_conflict(
    both: BothSystems, pair: tuple[str, str]
) -> None:
    both.edit(SHOP, pair[1], descriptionHtml=f"<p>Warm.</p>{PICTURE}")
    both.edit(GO, pair[0], Description="Dry.")
    both.run()
    assert texts(both) == ("Dry.", f"<p>Warm.</p>{PICTURE}")
    assert [row["field"] for row in both.rows(conflicts)] == ["Description"]


def test_a_description_of_pictures_only_empties_no_text(both: BothSystems, pair: tuple[str, str]) -> None:
    both.edit(SHOP, pair[1], descriptionHtml=PICTURE)
    both.run()
    assert texts(both) == ("Warm.", PICTURE)
    assert held(both) == ["no_text"]


def test_markup_from_powerofficego_reaches_the_shop_without_what_runs(both: BothSystems) -> None:
    both.add(GO, Name="Jumper", Code="J", Description='<b>Warm</b><script>go()</script><img src="a.png" onload="go()">')
    both.run()
    assert texts(both)[1] == '<b>Warm</b><img src="a.png">'
    both.run()
    assert both.writes() == []
