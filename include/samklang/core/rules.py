"""What a system takes: declared by each system, applied by the planner before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a system takes for one field.

    :param max_length: in characters; None where the system names no limit.
    :param form: `text` takes anything; `email` exactly one address; `phone` only E.164; `country` one of `choices`;
        `money` a decimal that is not negative.
    :param clearable: whether the field may be emptied.
    :param writable: False for a field that this system shows and does not let us write.
    :param unique: whether no two records may have the same value.
    :param inherits: an empty value there means "inherited from elsewhere", not "empty".
    """

    max_length: int | None = None
    form: str = "text"
    choices: frozenset[str] = frozenset()
    clearable: bool = True
    writable: bool = True
    unique: bool = False
    inherits: bool = False


@dataclass(frozen=True, slots=True)
class EntityRules:
    """What a system asks of one entity.

    :param fields: by the mapping's field name; a field that is not named takes any text.
    :param create_needs: alternatives; a new record needs every field of at least one of them.
    :param identity: at least one of these must stay non-empty; empty where the system asks for none.
    :param group_needs: fields that must be non-empty before any field of the group can be written
        where the record has none of them yet.
    :param key_proves_origin: whether a record that holds our key was surely made by us; False where the key is
        an ordinary value that anybody may type.
    """

    fields: Mapping[str, Accepts] = field(default_factory=dict)
    create_needs: tuple[tuple[str, ...], ...] = ()
    identity: tuple[str, ...] = ()
    group_needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    key_proves_origin: bool = True

    def accepts(self, name: str) -> Accepts:
        return self.fields.get(name, _ANY_TEXT)

    def is_erased(self, values: Mapping[str, str | None]) -> bool:
        """Whether a record has nothing left of what the system lets nobody clear, so that no edit can have done it.

        :param values: by the mapping's field name; one that is unknown proves nothing.
        """
        return bool(self.identity) and all(
            name in values and not (values[name] or "").strip() for name in self.identity
        )


_ANY_TEXT = Accepts()
