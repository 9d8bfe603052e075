"""What the commands say about themselves, and what the shell completes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer.main
from tests.cli.running import Command
from tests.sync.world import World
from typer.testing import CliRunner

from samklang.cli.app import app

ROOT = Path(__file__).parents[2]
GROUPS = {
    "Look": ["status", "doctor", "explain", "plan", "runs", "actions"],
    "Match": ["matches", "link", "exclude", "include", "unlink", "relink", "adopt"],
    "Mend": ["conflicts", "take", "keep", "holds", "quarantine", "retry", "skip"],
    "Take back": ["undo", "release", "freeze", "unfreeze"],
    "One person": ["export", "forget"],
}
COMMANDS = [name for names in GROUPS.values() for name in names]


def test_these_are_all_commands() -> None:
    assert list(typer.main.get_command(app).commands) == COMMANDS  # type: ignore[attr-defined]


def test_the_help_groups_the_commands_by_what_they_are_for(samklang: Command) -> None:
    lines = samklang("--help").stdout.splitlines()

    for title, names in GROUPS.items():
        start = lines.index(f"{title}:")
        listed = [line.split()[0] for line in lines[start + 1 : start + 1 + len(names)]]
        assert listed == names


def test_the_help_says_in_whole_sentences_what_each_command_does(samklang: Command) -> None:
    assert "..." not in samklang("--help").stdout.split("Look:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_prints(samklang: Command, command: str) -> None:
    result = samklang(command, "--help")

    assert result.exit_code == 0
    assert "--json" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_each_command(command: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{command}`" in text or f"samklang {command}" in text


def test_a_wrong_option_is_wrong_usage(samklang: Command) -> None:
    assert samklang("status", "--yaml").exit_code == 2


# --- the shell --------------------------------------------------------------------------------------------------------


def completed(words: str) -> list[str]:
    """What bash offers after `samklang `; the last word is incomplete."""
    line = f"samklang {words}"
    environment = {
        "_SAMKLANG_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1),
    }  # fmt: skip
    return CliRunner().invoke(app, [], env=environment, prog_name="samklang").stdout.split()


def test_the_shell_completes_commands_entities_and_sides() -> None:
    assert completed("exc") == ["exclude"]
    assert completed("matches c") == ["customers"]
    assert completed("matches customers --only s") == ["shopify"]
    assert completed("conflicts customers --state o") == ["open"]


def test_the_shell_completes_the_runs_of_the_entity(world: World) -> None:
    world.left.add(id="11", email="kari@post.example", first="Kari", last="Lie")
    world.run()
    world.run()

    assert completed("undo customers --run r") == ["run-2", "run-1"]
    assert completed("undo products --run r") == []


def test_the_shell_completes_nothing_where_there_is_no_store() -> None:
    assert completed("undo customers --run r") == []
