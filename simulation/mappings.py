"""The shipped mappings, with the lines that a trace changes."""

from __future__ import annotations

from pathlib import Path

from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping

MAPPINGS = Path(__file__).parents[1] / "include" / "mappings"


def mapping_of(entity: str, lines: tuple[str, ...]) -> Mapping:
    """The shipped mapping with these lines, without limits, with VAT, without fields that a line `without: …` names."""
    known = _MAPPINGS.get((entity, lines))
    if known is None:
        text = (MAPPINGS / f"{entity}.yaml").read_text()
        replaced = [line for line in lines if not line.startswith("without:")]
        lacking = [name for line in lines if line.startswith("without:") for name in line.split()[1:]]
        for name in lacking:
            text = "".join(line for line in text.splitlines(keepends=True) if f"powerofficego: {name}," not in line)
        if not any(line.startswith("limits:") for line in lines):
            replaced.append("limits: {creates: 9999, updates: 9999, clears: 9999, link_conflicts: 9999, part: 100%}")
        if entity == "products" and not any(line.startswith("vat:") for line in lines):
            replaced.append("vat: {default: 25%}")
        kept = _without_blocks(text, {line.partition(":")[0] for line in replaced})
        known = _MAPPINGS[entity, lines] = parse_mapping(kept + "\n".join(replaced) + "\n", file=f"{entity}.yaml")
    return known


_MAPPINGS: dict[tuple[str, tuple[str, ...]], Mapping] = {}


def _without_blocks(text: str, keys: set[str]) -> str:
    """The file without these top-level keys and what is indented under them."""
    kept, skipping = [], False
    for line in text.splitlines():
        if line and not line.startswith((" ", "#", "-")):
            skipping = line.partition(":")[0] in keys
        if not skipping or line.startswith("#"):
            kept.append(line)
    return "\n".join(kept) + "\n"
