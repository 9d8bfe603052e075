"""How often each class of events comes. 0: not yet, since the product does not keep its promises under it.

`python -m simulation --weight NAME=NUMBER` plays it all the same.
"""

from __future__ import annotations

WEIGHTS: dict[str, float] = {
    "decisions": 0,  # part of the traces in which people decide things
    "decided while a plan waits": 0.3,  # part of their runs
    "decided during a run": 0.2,
    "mapping": 0.25,  # part of the traces in which the mapping file is changed
    "mapping changed while a plan waits": 0.2,  # part of their runs
    "trial plan": 0.2,  # after a run of theirs
    "goods": 0.5,  # part of the traces of products with variants and changing prices
    "prices without VAT": 0.2,  # part of them
    "price": 10,
    "inherit": 3,
    "taxable": 3,
    "shop terms": 2,
    "vat": 2,
    "add variant": 5,
    "remove variant": 3,
    "reorder": 3,
    "recreate": 3,
    "move skus": 3,  # as "swaps of keys"
    "own account": 0,  # these four come in the traces that are made for a guard
    "gift card": 0,
    "markup": 0,
    "text": 0,
    "exclude": 6,
    "include": 6,
    "unlink": 4,
    "match again": 3,
    "link": 4,
    "make anew": 3,
    "undo": 6,
    "undo run": 5,
    "release": 4,
    "take": 6,
    "take side": 5,
    "keep": 2,
    "freeze": 4,
    "freeze all": 2,
    "unfreeze": 5,
    "retry": 3,
    "skip": 3,
    "import": 4,
    "forget": 3,
    "lift": 2,
    "adopt": 2,
    "look": 2,
}


def weigh(texts: list[str]) -> None:
    """:param texts: `name=number`. :raises KeyError: there is no such class."""
    for text in texts:
        name, _, number = text.partition("=")
        WEIGHTS[name] = float(number) + 0 * WEIGHTS[name]
