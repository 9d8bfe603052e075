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
    :param default: what the system fills in by itself where a new record, or a new address, comes without the field.
    :param inherits: an empty value there means "inherited from elsewhere", not "empty".
    """

    max_length: int | None = None
    form: str = "text"
    choices: frozenset[str] = frozenset()
    clearable: bool = True
    writable: bool = True
    unique: bool = False
    inherits: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class EntityRules:
    """What a system asks of one entity.

    :param fields: by the mapping's field name; a field that is not named takes any text.
    :param create_needs: alternatives; a new record needs every field of at least one of them.
    :param identity: at least one of these must stay non-empty; empty where the system asks for none.
    :param can_be_erased: whether what identifies a person can be erased there while the record stays (redaction).
    :param group_needs: fields that must be non-empty before any field of the group can be written
        where the record has none of them yet.
    :param key_proves_origin: whether a record that holds our key was surely made by us; False where the key is
        an ordinary value that anybody may type.
    """

    fields: Mapping[str, Accepts] = field(default_factory=dict)
    create_needs: tuple[tuple[str, ...], ...] = ()
    identity: tuple[str, ...] = ()
    can_be_erased: bool = False
    group_needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    key_proves_origin: bool = True

    def accepts(self, name: str) -> Accepts:
        return self.fields.get(name, _ANY_TEXT)

    def is_erased(self, shown: Mapping[str, str | None]) -> bool:
        """Whether nothing that we may see identifies a record. The system lets nobody clear the last of it, so no edit
        can have done that. What is not shown may be erased as well: where in doubt, the person is left alone.

        :param shown: all of `identity`, mapped or not, but for what the system does not let us see.
        """
        return self.can_be_erased and not any((shown.get(name) or "").strip() for name in self.identity)


_ANY_TEXT = Accepts()
