"""A value that we emptied so that another record can take it, and what the base of its field says meanwhile.

Such an emptiness is nobody's edit. Its base is empty, under a form that keeps the value which stood there, so that it
can be given back when the plan breaks off. As long as the field is empty, the merge owes it a value: what the other
side holds. Where that cannot be written, the value that stood there goes back.
"""

from __future__ import annotations

from samklang.core.plan import Based

FREED = "freed:"
"""What the form of such a base begins with; the value follows, raw."""


def freed_base(emptied: str | None, before: str) -> Based:
    """:param emptied: how the system shows the emptiness. :param before: raw, what stood there."""
    return emptied, None, FREED + before


def freed_value(form: str, normal: str | None) -> str | None:
    """The raw value that we emptied, as long as the field shows nothing else; None: it was not us, or it is over.

    :param form: of the base. :param normal: what the field holds now.
    """
    return form.removeprefix(FREED) if normal is None and form.startswith(FREED) else None
