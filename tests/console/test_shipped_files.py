"""What the pages load is shipped with the project: pinned, unchanged, and with its licences."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import samklang.console

CONSOLE = Path(samklang.console.__file__).parent
STATIC, SHIPPED = CONSOLE / "static", CONSOLE / "static" / "vendor"
PAGES = [*(CONSOLE / "templates").glob("*.html")]


def test_the_libraries_are_those_that_were_taken_from_npm() -> None:
    sums = dict(reversed(line.split()) for line in (SHIPPED / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in SHIPPED.iterdir() if path.name != "SHA256SUMS"}
    assert files.keys() == sums.keys()
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_versions_are_pinned_with_their_integrity() -> None:
    wanted = json.loads((CONSOLE / "vendor" / "package.json").read_text())["dependencies"]
    locked = json.loads((CONSOLE / "vendor" / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all(one["integrity"].startswith("sha512-") for path, one in locked.items() if path)
    scripts = {"chart.js": "chart.umd.min.js", "htmx.org": "htmx.min.js"}
    assert scripts.keys() == wanted.keys()
    for name, file in scripts.items():
        assert wanted[name] in (SHIPPED / file).read_text()


def test_each_library_comes_with_its_licence() -> None:
    assert "Zero-Clause BSD" in (SHIPPED / "htmx.LICENSE.txt").read_text()
    assert (SHIPPED / "chart.LICENSE.txt").read_text().count("MIT License") >= 1


@pytest.mark.parametrize("path", [*PAGES, *STATIC.glob("*.*")], ids=lambda path: path.name)
def test_nothing_is_loaded_from_another_host(path: Path) -> None:
    assert "://" not in re.sub(r"xmlns=\S+", "", path.read_text())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_run_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert "|safe" not in text
