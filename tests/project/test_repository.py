"""What anyone may expect of the files as a whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together here, so that this file does not name them either.
REGISTRY_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """The text of every file under version control, by path."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = (ROOT / name for name in names.split("\0") if name)
    return {str(file.relative_to(ROOT)): file.read_text(errors="replace") for file in files if file.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Dockerfile",
        "Makefile",
        "astro.yaml",
        "packages.txt",
        "pyproject.toml",
        "requirements.lock",
        "requirements.txt",
        "airflow_settings.example.yaml",
        ".env.example",
        ".astro/config.yaml",
        "dags",
        "include/samklang/py.typed",
        "plugins",
    ],
)
def test_the_files_people_look_for_are_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_no_file_ties_the_project_to_a_package_registry(tracked: dict[str, str]) -> None:
    assert [(name, host) for name, text in tracked.items() for host in REGISTRY_HOSTS if host in text] == []


def test_no_file_names_a_path_of_somebodys_machine(tracked: dict[str, str]) -> None:
    home = re.compile(r"(?<![\w.-])/(?:home|Users|root)/\w")
    assert [name for name, text in tracked.items() if home.search(text)] == []


def test_no_local_state_or_secret_is_under_version_control(tracked: dict[str, str]) -> None:
    kept_out = re.compile(
        r"(^|/)(\.env|airflow_settings\.yaml|airflow\.db|samklang\.db|uv\.lock|\.venv/.*|__pycache__/.*)$"
    )
    assert [name for name in tracked if kept_out.search(name)] == []


def test_the_license_is_apache_2_word_for_word() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:6] == ["Apache", "License", "Version", "2.0,", "January", "2004"]
    assert len(text.encode()) == 11358
    assert text.rstrip().endswith("limitations under the License.")


def test_no_two_test_modules_have_the_same_name() -> None:
    """Without packages, pytest collects only the first of them, and none of the others."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
