"""Worlds to try a whole sync in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.sync.postgres import new_postgres_url
from tests.sync.world import NO_LIMITS, World, customers, products

from samklang.core.mapping import Mapping

__all__ = ["new_postgres_url"]


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(mapping: Mapping | None = None, url: str = "") -> World:
        folder = tmp_path / f"world-{len(made)}"
        folder.mkdir()
        made.append(World(folder, mapping or customers(NO_LIMITS), url))
        return made[-1]

    yield make
    for world in made:
        world.database.close()


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """The shipped mapping of customers."""
    return new_world()


@pytest.fixture
def shop(new_world: Callable[..., World]) -> World:
    """The shipped mapping of products, with a VAT rate of 25 %."""
    return new_world(products(NO_LIMITS, "vat: {default: 25%}"))


@pytest.fixture(params=["sqlite", "postgresql"])
def world_on_each_store(request: pytest.FixtureRequest, new_world: Callable[..., World]) -> World:
    if request.param == "sqlite":
        return new_world()
    return new_world(url=request.getfixturevalue("new_postgres_url")())
