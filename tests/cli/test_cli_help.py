"""What the commands say about themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import Command

from samklang.cli.app import app

ROOT = Path(__file__).parents[2]
COMMANDS = ["status", "doctor", "explain", "plan", "unlink", "relink"]


def test_these_are_all_commands() -> None:
    assert [command.callback.__name__ for command in app.registered_commands if command.callback] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_prints(samklang: Command, command: str) -> None:
    result = samklang(command, "--help")

    assert result.exit_code == 0
    assert "--json" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_each_command(command: str) -> None:
    assert f"samklang {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_wrong_option_is_wrong_usage(samklang: Command) -> None:
    assert samklang("status", "--yaml").exit_code == 2
