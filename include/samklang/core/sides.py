"""The two systems: as files, the store and the command line name them, and as people call them."""

TITLES = {"powerofficego": "PowerOffice Go", "shopify": "Shopify"}


def title(side: str) -> str:
    return TITLES.get(side, side)
