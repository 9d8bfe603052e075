"""Conflicts: a person chooses a side, takes the other value, or lets stand what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.core.sides import title
from samklang.core.values import normal_form
from samklang.errors import DecisionError
from samklang.store import clashes, journal, links, orders
from samklang.sync.decide import Desk, Done
from samklang.sync.undo import as_edited, let_go, seen_value

_MOVED = "changed since; the next run looks at it anew"
_UNWRITTEN = "decided, and not written yet: both sides hold their own, and there is nothing to put back"


def take(desk: Desk, ids: Sequence[int], side: str | None = None) -> Done:
    """Let the value of a side stand.

    Of an open conflict: the next run writes it to the other side. Of a decided one: the value that lost is put back
    where it was typed, and travels on from there like any edit, with the run after that. Fields that are decided
    together, as those of an address, are taken together, or left together.

    :param ids: of conflicts. :param side: None: of decided conflicts the one that lost.
    :raises DecisionError: an open conflict, and no side.
    """
    if side is not None and side not in desk.mapping.sides:
        raise DecisionError(f"There is no side {side}.", remedy=f"Use {' or '.join(desk.mapping.sides)}.")
    journal.hold_plans(desk.connection, desk.mapping.entity)
    done, left = list[str](), list[tuple[str, str]]()
    for together in _by_place(desk, _whole(desk, ids)):
        winner = side or _loser(desk, next(row for row in together if row["id"] in set(ids)))
        choices = [_judged(desk, conflict, winner) for conflict in together]
        blocking = next((one for one in choices if one.reason and one.blocks), None)
        for choice in choices:
            if not choice.reason and blocking is None:
                _carry_out(desk, choice)
                done.append(_told(choice.conflict))
            elif choice.reason or blocking is None:
                left.append((_told(choice.conflict), choice.reason))
            else:
                with_it = blocking.conflict["field"]
                left.append((_told(choice.conflict), f"goes together with {with_it}: {blocking.reason}"))
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


def _by_place(desk: Desk, rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Conflicts by what was decided together."""
    found: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(_place(desk, row), []).append(row)
    return list(found.values())


def _loser(desk: Desk, conflict: dict[str, Any]) -> str:
    """The side that lost; once a person has chosen, the one that they chose. :raises DecisionError: not decided."""
    winner: str | None = conflict["winner"]
    if winner is None:
        raise DecisionError(
            f"The conflict {conflict['id']} is not decided yet.",
            remedy=f"Say whose value stands: {' or '.join(desk.mapping.sides)}.",
        )
    return winner if conflict["rule"] == "person" else desk.mapping.other(winner)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A side's value is to stand. :param reason: why it cannot; empty when it can. :param blocks: whether what was
    decided together with it cannot either: half an address of each side is one that nobody has."""

    conflict: dict[str, Any]
    winner: str
    pair: dict[str, Any]
    reason: str = ""
    blocks: bool = True


def _judged(desk: Desk, conflict: dict[str, Any], winner: str) -> _Choice:
    if conflict["winner"] == winner:
        return _Choice(conflict, winner, {}, "that side's value stands already", blocks=False)
    if conflict["field"] not in {f.name for f in desk.mapping.fields}:
        return _Choice(conflict, winner, {}, "the field is not in the mapping any more")
    pair = _pair(desk, conflict)
    if pair is None:
        return _Choice(conflict, winner, {}, "these records are no twins any more")
    if any(pair[f"{one}_scope"] != Scope.ACTIVE for one in desk.mapping.sides):
        return _Choice(conflict, winner, pair, "one of the two records is paused")
    if reason := _does_not_travel(desk, conflict, winner):
        # What is open is asked about anew, and the whole address with it; what is decided stays as it is.
        return _Choice(conflict, winner, pair, reason, blocks=conflict["state"] == "open")
    reason = _not_taken(desk, conflict, winner)
    return _Choice(conflict, winner, pair, reason or _has_moved(desk, conflict, pair, winner))


def _carry_out(desk: Desk, choice: _Choice) -> None:
    conflict, pair, winner = choice.conflict, choice.pair, choice.winner
    (_choose if conflict["state"] == "open" else _put_back)(desk, conflict, pair, winner)
    clashes.decide(desk.connection, conflict["id"], person=desk.person, at=desk.at, winner=winner)
    desk.note(pair["link_id"], "take", _ends(desk, conflict), conflict["field"])


def _does_not_travel(desk: Desk, conflict: dict[str, Any], winner: str) -> str:
    """Why the mapping would keep a side's value from going to the other one; empty where it does not."""
    f, loser = desk.mapping.field(conflict["field"]), desk.mapping.other(winner)
    if f.direction not in ("both", f"to_{loser}"):
        return f"the field goes to {title(winner)} only: change it in {title(loser)}"
    if not desk.mapping.shares(loser):
        return f"nothing is written to {title(loser)} (share in the mapping)"
    if (loads(conflict["raw"])[winner] or "").strip():
        return ""
    if conflict["state"] == "open" and f.group is None:  # of an address, the other side's line stands with the rest
        return f"an empty value never beats another in a conflict: empty it in {title(loser)}"
    return "" if f.clear else "an emptied value of this field does not travel (clear in the mapping)"


def _not_taken(desk: Desk, conflict: dict[str, Any], winner: str) -> str:
    """Why a system would not take what is to be put back there, or is to go there from there; empty where it would."""
    if conflict["state"] == "open":
        return ""
    if not desk.mapping.shares(winner):
        return f"nothing is put back in {title(winner)} (share in the mapping)"
    f = desk.mapping.field(conflict["field"])
    if (loads(conflict["raw"])[winner] or "").strip():
        return ""
    for side in (desk.mapping.other(winner), winner):
        if not desk.rules[side].accepts(f.names[side]).clearable:
            return f"{title(side)} takes no empty value in this field"
    return ""


def _has_moved(desk: Desk, conflict: dict[str, Any], pair: dict[str, Any], winner: str) -> str:
    """Whether the two sides hold something else than a person was shown; empty where they do not."""
    name, loser, raw = conflict["field"], desk.mapping.other(winner), loads(conflict["raw"])
    now = {side: seen_value(pair, side, name)[0] for side in (winner, loser)}
    is_as_found = all(now[side] == raw[side] for side in now)
    if conflict["state"] == "open":
        return "" if is_as_found else _MOVED
    if _is_taken_back(_earlier(desk, pair, name), loser):
        return ""
    if now[loser] != raw[loser] or not (_in_tune(pair, winner, name) and _in_tune(pair, loser, name)):
        return _UNWRITTEN if is_as_found else _MOVED
    return ""


def _choose(desk: Desk, conflict: dict[str, Any], pair: dict[str, Any], winner: str) -> None:
    """Both sides hold their values still: the loser's becomes its base, and the winner's an edit against its own."""
    loser = desk.mapping.other(winner)
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


def _moved(desk: Desk, pair: dict[str, Any], name: str) -> bool:
    """Whether a field that is in no conflict itself was edited on either side."""
    for side in desk.mapping.sides:
        base = loads(pair[f"{side}_base_raw"])
        if name in base and base[name] != loads(pair[f"{side}_raw"]).get(name):
            return True
    return False


def _put_back(desk: Desk, conflict: dict[str, Any], pair: dict[str, Any], winner: str) -> None:
    """The value that lost is written where it was typed."""
    name, loser, raw = conflict["field"], desk.mapping.other(winner), loads(conflict["raw"])
    here, there = seen_value(pair, winner, name), seen_value(pair, loser, name)
    earlier = _earlier(desk, pair, name)
    is_held = any(order["state"] == orders.STANDING for order in earlier)
    is_there = is_held and _is_same(desk, name, here[0], raw[winner])
    for order in earlier:  # the last word goes
        if is_there:  # an undo has put it there already
            let_go(desk, order, winner)
        else:
            orders.close(desk.connection, order["id"], orders.RELEASED, desk.at)
    if is_there:
        return
    if _is_taken_back(earlier, loser):
        return
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


def _earlier(desk: Desk, pair: dict[str, Any], name: str) -> list[orders.Row]:
    """What a person has taken, and no run has put back yet; or has undone. Newest first."""
    return orders.alive_of_field(desk.connection, pair["link_id"], name)


def _is_taken_back(earlier: Sequence[orders.Row], loser: str) -> bool:
    """Not carried out yet: both sides hold what they held before."""
    return bool(earlier) and earlier[0]["kind"] == "take" and earlier[0]["side"] == loser


def _is_same(desk: Desk, name: str, one: str | None, other: str | None) -> bool:
    """But for its spelling, which is no edit."""
    kind, region = desk.mapping.field(name).kind, desk.mapping.region
    return normal_form(kind, one, region) == normal_form(kind, other, region)


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


def _link_id(conflict: dict[str, Any]) -> int:
    return int(conflict["link_id"] or 0)


def _ends(desk: Desk, conflict: dict[str, Any]) -> list[tuple[str, str]]:
    return list(zip(desk.mapping.sides, loads(conflict["record_ids"]), strict=True))


def _told(conflict: dict[str, Any]) -> str:
    return f"conflict {conflict['id']} ({conflict['field']})"
