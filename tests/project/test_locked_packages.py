"""pyproject.toml, requirements.lock and requirements.txt say the same."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked() -> dict[str, set[str]]:
    """Versions by package; a package has several where they differ by Python or platform."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        pins.setdefault(canonicalize_name(name), set()).add(version)
    return pins


def astro_requirements() -> dict[str, str]:
    """The pins; a bucket's provider may stand beside them, unpinned."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def brought_by_airflow() -> set[str]:
    """Airflow and all that it needs, as installed here."""
    found: set[str] = set()
    waiting = {("apache-airflow", frozenset[str]())}
    visited = set()
    while waiting:
        package = waiting.pop()
        visited.add(package)
        name, extras = package
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue  # for another platform
        found.add(name)
        for need in map(Requirement, needs):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                waiting |= {(canonicalize_name(need.name), frozenset(need.extras))} - visited
    return found


def test_every_direct_dependency_is_locked_within_its_range() -> None:
    declared = project()
    lines = [
        *declared["build-system"]["requires"],
        *declared["project"]["dependencies"],
        *(line for extra in declared["project"]["optional-dependencies"].values() for line in extra),
        *declared["dependency-groups"]["dev"],
    ]
    pins = locked()
    for need in map(Requirement, lines):
        versions = pins.get(canonicalize_name(need.name), set())
        assert versions, f"{need.name} is not in requirements.lock: run `make lock`"
        outside = sorted(version for version in versions if version not in need.specifier)
        assert not outside, f"requirements.lock has {need.name} {outside}, pyproject.toml wants {need.specifier}"


def test_every_locked_package_carries_hashes() -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    assert len(blocks) > 100
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_astro_installs_the_locked_versions() -> None:
    pins = locked()
    assert {name: {version} for name, version in astro_requirements().items()} == {
        name: pins[name] for name in astro_requirements()
    }


def test_astro_installs_exactly_what_airflow_does_not_bring() -> None:
    direct = {canonicalize_name(Requirement(line).name) for line in project()["project"]["dependencies"]}
    assert set(astro_requirements()) == direct - brought_by_airflow()
