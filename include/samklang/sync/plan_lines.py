"""Lines of a staged plan as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samklang.core.doubts import doubts_of
from samklang.core.mapping import Mapping as EntityMapping

Line = dict[str, Any]


def row(mapping: EntityMapping, line: Line, decided: set[tuple[str, ...]]) -> Line:
    """One write: `side`, `op`, `records` (ids by side; None: not made yet) and `changes`, each with `field`, `name` (in
    the system that is written), `was`, `becomes`, `source` (what the other side holds), `base` (by side, what both held
    when they were last in tune; None: they never were), `why`, and the `doubt` about what it becomes, if any.

    :param decided: ids, first side first, and field of each conflict.
    """
    side = line["side"]
    records = {side: line["id"], mapping.other(side): line["source_id"]}
    ids = tuple(records[s] for s in mapping.sides)
    names = {f.name: f.names[side] for f in mapping.fields}
    doubts = doubts_of(line["facts"], {names.get(c["field"], c["field"]): c["value"] for c in line["changes"]})
    return {
        "side": side,
        "op": line["op"],
        "records": records,
        "changes": [
            {
                "field": change["field"],
                "name": names.get(change["field"], change["field"]),  # the mapping may have changed since
                "was": change["expected"],
                "becomes": change["value"],
                "source": change["source"][0],
                "base": by_side(mapping, change["base"]) if change.get("base") else None,
                "why": "conflict" if (*ids, change["field"]) in decided else change["why"],
                **_doubt(doubts, names.get(change["field"], change["field"])),
            }
            for change in line["changes"]
        ],
        **({"n": line["n"]} if "n" in line else {}),
    }


def _doubt(doubts: Mapping[str, str], name: str) -> Line:
    return {"doubt": doubts[name]} if name in doubts else {}


def link(mapping: EntityMapping, line: Line) -> Line | None:
    """A new link: `records` and `matched`; None: linked already, its bases move."""
    if line["matched"] is None:
        return None
    return {"records": by_side(mapping, line["ids"]), "matched": line["matched"]}


def conflict(mapping: EntityMapping, line: Line) -> Line:
    """A conflict: `records`, `field`, `kind`, `rule`, `winner`, `certain`; and by side `seen`, `base`, `clocks`."""
    pairs = {name: by_side(mapping, line[name]) if line[name] else None for name in ("raw", "base", "clocks")}
    rest = {name: line[name] for name in ("field", "kind", "rule", "winner", "certain")}
    return {"records": by_side(mapping, line["ids"]), **rest, "seen": pairs.pop("raw"), **pairs}


def by_side(mapping: EntityMapping, both: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(mapping.sides, both, strict=True))
