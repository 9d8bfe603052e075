"""What a person can do about a record whose twin cannot be told."""

from __future__ import annotations

SHARED = "_shared_in_part"
"""After the name of a key field: the reason of a verdict. The key can only be read out of one of the two fields."""
MANY = "_held_more_than_once"


def remedy_of(reason: str) -> str:
    """Empty: the reason is of another kind."""
    if reason.endswith(SHARED):
        field = reason.removesuffix(SHARED)
        return (
            f"One of the records named has more than the key in {field}. Correct it there, and the next run links them "
            "where they belong together; or decide by hand: samklang link, or samklang exclude."
        )
    if reason.endswith(MANY):
        field = reason.removesuffix(MANY)
        return f"Correct {field} where it is wrong; or decide by hand: samklang link, or samklang exclude."
    return ""
