"""With the shipped clients: where a system fails over one record, the others are written, and that one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from both_systems import GO, SHOP, BothSystems
from samklang.simulators.http import Request, Response, json_response
from samklang.store.schema import holds

SERVER_ERROR = json_response({"errors": [{"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})


def fail_over(world: BothSystems, side: str, text: str, fault: Response) -> None:
    """Every write that holds this text, and every read by id, fails."""
    simulator: Any = world.simulators[side]
    plain = simulator.answer

    def answer(request: Request) -> Response:
        asked = request.path + request.body.decode()
        return fault if text in asked and "oauth" not in request.path.lower() else plain(request)

    simulator.answer = answer


def twenty(world: BothSystems) -> list[str]:
    ids = [world.add(GO, FirstName=f"Kari{n}", LastName="Lie", EmailAddress=f"kari{n}@post.example") for n in range(20)]
    world.run()
    world.run()
    return ids


def names(world: BothSystems) -> list[str]:
    return sorted(one["firstName"] for one in world.show(SHOP))


def held(world: BothSystems) -> list[tuple[str, str, str]]:
    return [(row["side"], row["source_id"], row["reason"]) for row in world.rows(holds)]


@pytest.mark.parametrize("fault", [Response(500), SERVER_ERROR])
def test_nineteen_edits_reach_the_shop_though_it_fails_over_the_twentieth(tmp_path: Path, fault: Response) -> None:
    world = BothSystems(tmp_path, "customers")
    ids = twenty(world)
    bad = next(one["legacyResourceId"] for one in world.show(SHOP) if one["firstName"] == "Kari7")
    fail_over(world, SHOP, f"gid://shopify/Customer/{bad}", fault)
    for n, i in enumerate(ids):
        world.edit(GO, i, FirstName=f"Ny{n}")

    summary = world.run()

    assert summary["state"] == "success"
    assert names(world) == sorted([*(f"Ny{n}" for n in range(20) if n != 7), "Kari7"])
    assert held(world) == [(SHOP, ids[7], "unclear")]
    assert len(world.simulators[SHOP].requests()) < 60
    assert world.run()["state"] == "success"


def test_nineteen_customers_are_made_though_the_shop_fails_over_the_twentieth(tmp_path: Path) -> None:
    world = BothSystems(tmp_path, "customers")
    fail_over(world, SHOP, "kari7@post.example", SERVER_ERROR)

    ids = twenty(world)

    assert len(world.show(SHOP)) == 19
    assert held(world) == [(SHOP, ids[7], "unclear")]


def test_nineteen_edits_reach_powerofficego_though_it_fails_over_the_twentieth(tmp_path: Path) -> None:
    world = BothSystems(tmp_path, "customers")
    ids = twenty(world)
    fail_over(world, GO, f"/Customers/{ids[7]}", Response(500))
    shop = {one["firstName"]: str(one["legacyResourceId"]) for one in world.show(SHOP)}
    for n in range(20):
        world.edit(SHOP, shop[f"Kari{n}"], lastName="Dal")

    summary = world.run()

    assert summary["state"] == "success"
    assert sum(one["LastName"] == "Dal" for one in world.show(GO)) == 19
    assert held(world) == [(GO, shop["Kari7"], "unclear")]


@pytest.mark.parametrize("side", [SHOP, GO])
def test_a_system_that_fails_over_every_write_quarantines_nobody(tmp_path: Path, side: str) -> None:
    world = BothSystems(tmp_path, "customers")
    ids = twenty(world)
    fail_over(world, side, "mutation" if side == SHOP else "replace", Response(500))
    shop = {one["firstName"]: str(one["legacyResourceId"]) for one in world.show(SHOP)}
    for n, i in enumerate(ids):
        if side == SHOP:
            world.edit(GO, i, FirstName=f"Ny{n}")
        else:
            world.edit(SHOP, shop[f"Kari{n}"], lastName="Dal")

    with pytest.raises(Exception, match="500"):
        world.run()

    assert held(world) == []
