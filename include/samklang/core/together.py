"""Fields of one group go together, or wait together: an address that is written in part is one that nobody has.

Only what the target cannot take holds a group back. That a field does not travel by a person's choice (its direction,
`clear: false`, a freeze) says nothing about the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from samklang.core.holds import Hold, waits_for
from samklang.core.mapping import Mapping
from samklang.core.plan import FieldChange


def whole_groups(
    mapping: Mapping, changes: Iterable[FieldChange], refused: Iterable[str]
) -> tuple[list[FieldChange], list[tuple[str, Hold]]]:
    """Changes of one record that leave no group half written, and what the other fields wait for.

    :param changes: those that the target could take. :param refused: fields that were to be written too, and cannot.
    """
    blocking: dict[str, str] = {}
    for name in sorted(refused):  # of several, the same one is named each time
        if group := mapping.field(name).group:
            blocking.setdefault(group, name)
    kept, waiting = [], []
    for change in changes:
        blocker = blocking.get(mapping.field(change.field).group or "")
        if blocker is None:
            kept.append(change)
        else:
            waiting.append((change.field, waits_for(blocker)))
    return kept, waiting


def is_country_alone(mapping: Mapping, group: str | None, filled: Collection[str]) -> bool:
    """Whether nothing of a group is filled in but a country, which is no address yet.

    :param filled: the fields of a record that are not empty.
    """
    kinds = {f.kind for f in mapping.fields if f.group == group and f.name in filled}
    return kinds == {"country"}
