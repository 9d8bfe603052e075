"""The commands a newcomer types: `make …` and what stands behind them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = (
    "install",
    "demo",
    "up",
    "check",
    "test",
    "browser",
    "simulate",
    "bench",
    "soak",
    "lint",
    "format",
    "lock",
    "sbom",
)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_make_alone_lists_every_target() -> None:
    listed = [line.split()[1] for line in make().splitlines() if line.strip()]
    assert set(TARGETS) <= set(listed)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["demo"], ".venv/bin/python -m samklang.demo"),
        (["up"], ".venv/bin/python -m samklang.demo up"),
        (["up", "DEMO=1"], ".venv/bin/python -m samklang.demo up --demo"),
        (["bench"], ".venv/bin/python -m benchmarks"),
        (["simulate", "SEEDS=3", "FIRST_SEED=7"], ".venv/bin/python -m simulation --past --seeds 3 --first-seed 7"),
        (["soak"], ".venv/bin/python -m soak"),
        (["soak", "ROUNDS=1", "SEED=7"], ".venv/bin/python -m soak --rounds 1 --seed 7"),
    ],
)
def test_targets_run_the_documented_commands_after_installing(arguments: list[str], command: str) -> None:
    lines = [line.strip() for line in make("--dry-run", *arguments).splitlines()]
    assert lines == ["scripts/install.sh", command]


def test_compiled_modules_are_kept_even_where_the_shell_forbids_them(tmp_path: Path) -> None:
    probe = tmp_path / "probe.mk"
    probe.write_text(f"include {ROOT / 'Makefile'}\nprobe: ; @echo [$$PYTHONDONTWRITEBYTECODE]\n")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["make", "-f", probe, "probe"], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert "[]" in done.stdout


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "install.sh", tmp_path / "scripts" / "install.sh")
    old_python = tmp_path / "python3.9"
    old_python.write_text("#!/bin/sh\nexit 1\n")
    old_python.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts" / "install.sh"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": str(old_python)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "needs Python >=3.11,<3.14" in done.stderr
    assert str(old_python) in done.stderr
    assert not (tmp_path / ".venv").exists()
