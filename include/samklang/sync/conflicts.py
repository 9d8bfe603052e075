"""Conflicts: a person chooses a side, takes the other value, or lets stand what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.core.sides import title
from samklang.errors import DecisionError
from samklang.store import clashes, journal, links, orders
from samklang.sync.decide import Desk, Done
from samklang.sync.undo import as_edited, seen_value

_MOVED = "changed since; the next run looks at it anew"


def take(desk: Desk, ids: Sequence[int], side: str | None = None) -> Done:
    """Let the value of a side stand.

    Of an open conflict: the next run writes it to the other side. Of a decided one: the value that lost is put back
    where it was typed, and travels on from there like any edit, with the run after that. Fields that are decided
    together, as those of an address, are taken together.

    :param ids: of conflicts. :param side: None: of decided conflicts the one that lost.
    :raises DecisionError: an open conflict, and no side.
    """
    if side is not None and side not in desk.mapping.sides:
        raise DecisionError(f"There is no side {side}.", remedy=f"Use {' or '.join(desk.mapping.sides)}.")
    journal.hold_plans(desk.connection, desk.mapping.entity)
    done, left = list[str](), list[tuple[str, str]]()
    for conflict in _whole(desk, ids):
        reason = _take(desk, conflict, side)
        if reason:
            left.append((_told(conflict), reason))
        else:
            done.append(_told(conflict))
    return Done(done, left)


def keep(desk: Desk, ids: Sequence[int]) -> Done:
    """Let stand what was decided: these conflicts need nobody any more."""
    done, left = list[str](), list[tuple[str, str]]()
    for conflict in _whole(desk, ids):
        if conflict["state"] == "open":
            left.append((_told(conflict), "not decided yet: choose a side"))
        elif conflict["reviewed_at"] is not None:
            left.append((_told(conflict), "kept already"))
        else:
            clashes.decide(desk.connection, conflict["id"], person=desk.person, at=desk.at)
            desk.note(_link_id(conflict), "keep", _ends(desk, conflict), conflict["field"])
            done.append(_told(conflict))
    return Done(done, left)


def _whole(desk: Desk, ids: Sequence[int]) -> list[dict[str, Any]]:
    """These conflicts, with those of the same group that were decided with them. :raises DecisionError: one is not
    known."""
    found = clashes.found_with(desk.connection, desk.mapping.entity, ids)
    unknown = set(ids) - {row["id"] for row in found}
    if unknown:
        raise DecisionError(
            f"There is no conflict {', '.join(map(str, sorted(unknown)))} of {desk.mapping.entity}.",
            remedy=f"List them: samklang conflicts {desk.mapping.entity}",
        )
    wanted = {_place(desk, row) for row in found if row["id"] in set(ids)}
    rows = [row for row in found if _place(desk, row) in wanted]
    together: dict[tuple[str, int, str], set[str]] = {}
    for row in rows:
        together.setdefault(_place(desk, row), set()).add(row["field"])
    for row in rows:
        first = loads(row["record_ids"])[0]
        row["link_id"] = links.twin_of(desk.connection, desk.mapping.entity, desk.mapping.sides[0], first)
        row["together"] = together[_place(desk, row)]
    return rows


def _place(desk: Desk, row: dict[str, Any]) -> tuple[str, int, str]:
    """What conflicts that were decided together have in common."""
    group = {f.name: f.group for f in desk.mapping.fields}.get(row["field"])
    return row["record_ids"], row["plan_id"], f"group {group}" if group else f"field {row['field']}"


def _take(desk: Desk, conflict: dict[str, Any], side: str | None) -> str:
    """:returns: why it cannot be done; empty when it is done."""
    winner = side or (_other(desk, conflict["winner"]) if conflict["rule"] != "person" else conflict["winner"])
    if winner is None:
        raise DecisionError(
            f"The conflict {conflict['id']} is not decided yet.",
            remedy=f"Say whose value stands: {' or '.join(desk.mapping.sides)}.",
        )
    if conflict["winner"] == winner:
        return "that side's value stands already"
    if conflict["field"] not in {f.name for f in desk.mapping.fields}:
        return "the field is not in the mapping any more"
    pair = _pair(desk, conflict)
    if pair is None:
        return "these records are no twins any more"
    if any(pair[f"{one}_scope"] != Scope.ACTIVE for one in desk.mapping.sides):
        return "one of the two records is paused"
    reason = _cannot_stand(desk, conflict, winner)
    reason = reason or (_choose if conflict["state"] == "open" else _put_back)(desk, conflict, pair, winner)
    if reason:
        return reason
    clashes.decide(desk.connection, conflict["id"], person=desk.person, at=desk.at, winner=winner)
    desk.note(pair["link_id"], "take", _ends(desk, conflict), conflict["field"])
    return ""


def _cannot_stand(desk: Desk, conflict: dict[str, Any], winner: str) -> str:
    """Why the mapping, or a system, would keep a side's value from going to the other one; empty where neither does."""
    f, loser = desk.mapping.field(conflict["field"]), desk.mapping.other(winner)
    if f.direction not in ("both", f"to_{loser}"):
        return f"the field goes to {title(winner)} only: change it in {title(loser)}"
    if not desk.mapping.shares(loser):
        return f"nothing is written to {title(loser)} (share in the mapping)"
    if (loads(conflict["raw"])[winner] or "").strip():
        return ""
    if conflict["state"] == "open" and f.group is None:  # of an address, the other side's line stands with the rest
        return f"an empty value never beats another in a conflict: empty it in {title(loser)}"
    if not f.clear:
        return "an emptied value of this field does not travel (clear in the mapping)"
    for side in (loser, winner) if conflict["state"] != "open" else ():
        if not desk.rules[side].accepts(f.names[side]).clearable:
            return f"{title(side)} takes no empty value in this field"
    return ""


def _choose(desk: Desk, conflict: dict[str, Any], pair: dict[str, Any], winner: str) -> str:
    """Both sides hold their values still: the loser's becomes its base, and the winner's an edit against its own."""
    raw, loser = loads(conflict["raw"]), desk.mapping.other(winner)
    now = {one: seen_value(pair, one, conflict["field"]) for one in (winner, loser)}
    if any(now[one][0] != raw[one] for one in now):
        return _MOVED
    group = desk.mapping.field(conflict["field"]).group
    others = [f.name for f in desk.mapping.fields if group and f.group == group and f.name not in conflict["together"]]
    for f in [desk.mapping.field(n) for n in (conflict["field"], *others)]:
        if f.name in others and not _moved(desk, pair, f.name):
            continue
        here, there = seen_value(pair, winner, f.name), seen_value(pair, loser, f.name)
        if here[1] == there[1]:
            continue
        if f.name == conflict["field"] and here[0] is None:  # an empty value never beats another in a conflict
            here, there, stands, gives_way = there, here, loser, winner
        else:
            stands, gives_way = winner, loser
        links.advance(
            desk.connection,
            pair["link_id"],
            {stands: {f.name: as_edited(here, there)}, gives_way: {f.name: there}},
        )
    return ""


def _moved(desk: Desk, pair: dict[str, Any], name: str) -> bool:
    """Whether a field that is in no conflict itself was edited on either side."""
    for side in desk.mapping.sides:
        base = loads(pair[f"{side}_base_raw"])
        if name in base and base[name] != loads(pair[f"{side}_raw"]).get(name):
            return True
    return False


def _put_back(desk: Desk, conflict: dict[str, Any], pair: dict[str, Any], winner: str) -> str:
    """The value that lost is written where it was typed, if both sides hold what was decided."""
    name, loser, raw = conflict["field"], desk.mapping.other(winner), loads(conflict["raw"])
    earlier = orders.alive_of(desk.connection, [pair["link_id"]]).get((pair["link_id"], name))
    if earlier is not None and earlier["kind"] == "take":  # not carried out yet: both sides hold what they held before
        orders.close(desk.connection, earlier["id"], orders.RELEASED, desk.at)
        if earlier["side"] == loser:
            return ""
    here, there = seen_value(pair, winner, name), seen_value(pair, loser, name)
    if there[0] != raw[loser] or not (_in_tune(pair, winner, name) and _in_tune(pair, loser, name)):
        return _MOVED
    orders.add(
        desk.connection,
        desk.mapping.entity,
        [
            {
                "link_id": pair["link_id"], "side": winner, "record_id": pair[f"{winner}_id"], "field": name,
                "kind": "take", "value": raw[winner], "expected": here[0], "other": there[0],
                "action": desk.run_id, "of_run": conflict["run_id"], "at": desk.at,
            }
        ],
    )  # fmt: skip
    return ""


def _in_tune(pair: dict[str, Any], side: str, name: str) -> bool:
    base: dict[str, Any] = loads(pair[f"{side}_base_raw"])
    return name in base and base[name] == seen_value(pair, side, name)[0]


def _pair(desk: Desk, conflict: dict[str, Any]) -> dict[str, Any] | None:
    """Both records, if they are twins still."""
    if conflict["link_id"] is None:
        return None
    pairs = links.these(desk.connection, desk.mapping.entity, desk.mapping.sides, [conflict["link_id"]])
    pair = pairs.get(conflict["link_id"])
    same = pair is not None and dumps([pair[f"{s}_id"] for s in desk.mapping.sides]) == conflict["record_ids"]
    return pair if same else None


def _other(desk: Desk, side: str | None) -> str | None:
    return None if side is None else desk.mapping.other(side)


def _link_id(conflict: dict[str, Any]) -> int:
    return int(conflict["link_id"] or 0)


def _ends(desk: Desk, conflict: dict[str, Any]) -> list[tuple[str, str]]:
    return list(zip(desk.mapping.sides, loads(conflict["record_ids"]), strict=True))


def _told(conflict: dict[str, Any]) -> str:
    return f"conflict {conflict['id']} ({conflict['field']})"
