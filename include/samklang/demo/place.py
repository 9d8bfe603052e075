"""The demo's place on disk, and the mapping it uses: the shipped one, with what a merchant would decide."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
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


def write_environment(folder: Path, variables: Mapping[str, str], yours: Iterable[str] = ()) -> Path:
    """A file that a shell sources, so that its commands look at what `make up` runs on.

    :param variables: what it sets; for its owner alone, since connections are among it.
    :param yours: variables that the user has set: their keys are not written down, it says where one lacks.
    """
    file = folder / "environment"
    file.unlink(missing_ok=True)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    for name in sorted(yours):
        lack = f"{name} is set where make up runs, and not here: export it here too."
        lines.append(f'[ -n "${{{name}:-}}" ] || echo {shlex.quote(lack)} >&2')
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")
    return file
