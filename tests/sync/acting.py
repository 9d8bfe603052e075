"""A person at the desk of a world."""

from __future__ import annotations

from collections.abc import Callable

from tests.sync.world import RULES, SIDES, World

from samklang.core.clocks import from_datetime
from samklang.sync.act import act
from samklang.sync.decide import Desk, Done
from samklang.sync.explain import Terms


def do(world: World, what: Callable[[Desk], Done]) -> Done:
    """Kim decides, two seconds from now."""
    return act(world.database, terms(world), "try", what, person="kim", via="cli")


def terms(world: World) -> Terms:
    rules = {side: RULES[world.mapping.entity, side] for side in SIDES}
    return Terms(world.mapping, rules, from_datetime(world.tick()))
