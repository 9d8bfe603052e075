"""The demo's place on disk, and the mapping it uses: the shipped one, with what a merchant would decide."""

from __future__ import annotations

from pathlib import Path

from samklang.demo.airflow_server import PROJECT

SHIPPED = PROJECT / "include" / "mappings"
FOLDER = PROJECT / ".demo"

# (file, what it says as shipped, what the demo says): each must be found exactly once.
DECISIONS = (
    ("customers.yaml", "create_in: [shopify]", "create_in: [shopify, powerofficego]"),
    ("products.yaml", "create_in: [shopify]", "create_in: [shopify, powerofficego]"),
    ("products.yaml", "# vat:\n#   default: 25%", "vat:\n  default: 25%"),
)
# The story starts each run itself.
_QUIET = ('schedule: "*/15 * * * *"', 'schedule: "0 3 1 1 *"')


def write_mappings(folder: Path, *, quiet: bool) -> Path:
    """Copies of the shipped files with `DECISIONS` taken. :param quiet: without a schedule that would step in."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {path.name: path.read_text() for path in SHIPPED.glob("*.yaml")}
    for name, old, new in DECISIONS + (tuple((n, *_QUIET) for n in texts) if quiet else ()):
        if texts[name].count(old) != 1:
            raise RuntimeError(f"{name} no longer says {old!r} exactly once")
        texts[name] = texts[name].replace(old, new)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder
