"""`make lint` looks at what is installed: its licences, and its known vulnerabilities where somebody can tell."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CYCLONEDX = ROOT / ".venv" / "bin" / "cyclonedx-py"
PIP_LICENSES = ROOT / ".venv" / "bin" / "pip-licenses"

FOUND = '{"dependencies": [{"name": "jinja2", "vulns": [{"id": "GHSA-1"}]}]}'
SKIPPED = '{"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}]}'


def test_make_lint_checks_licences_and_vulnerabilities() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(
        ["make", "--dry-run", "lint"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert ".venv/bin/pip-licenses" in done.stdout
    assert "scripts/audit.sh" in done.stdout


# --- licences


@pytest.mark.skipif(not PIP_LICENSES.exists(), reason="the developer tools are not in .venv")
def test_every_installed_package_has_a_licence_of_the_list() -> None:
    done = subprocess.run([PIP_LICENSES], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not PIP_LICENSES.exists(), reason="the developer tools are not in .venv")
def test_a_licence_that_is_not_on_the_list_fails_the_check(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('"pycountry",  ', "", 1))
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run(
        [PIP_LICENSES, "--python", python], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "LGPL" in done.stderr
    assert "pycountry" in done.stderr


def test_the_list_allows_no_copyleft_on_whole_programs_and_exceptions_say_why() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    allowed = tomllib.loads(text)["tool"]["pip-licenses"]["allow-only"]
    assert not re.search("GPL|General Public|Affero|SSPL|Proprietary|UNKNOWN", allowed, re.IGNORECASE)
    exceptions = text.partition("ignore-packages = [\n")[2].partition("]")[0].strip().splitlines()
    assert exceptions
    assert all(re.fullmatch(r'\s*"[\w-]+",\s+# .{10,}', line) for line in exceptions)


# --- known vulnerabilities


def audit(tmp_path: Path, *, probe: str, lock: int = 0) -> subprocess.CompletedProcess[str]:
    """The script with a stand-in for pip-audit. :param probe: its answer about a version known to be vulnerable."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "audit.sh", tmp_path / "scripts")
    tool = tmp_path / ".venv" / "bin" / "pip-audit"
    tool.parent.mkdir(parents=True)
    tool.write_text(
        f"""#!/bin/sh
echo "$@" >>{tmp_path}/calls
case "$*" in
  *requirements.lock*) echo "audited the lock"; exit {lock};;
  *) {probe};;
esac
"""
    )
    tool.chmod(0o755)
    return subprocess.run([tmp_path / "scripts" / "audit.sh"], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "probe",
    ["exit 1", f"echo '{SKIPPED}'; exit 0", 'echo \'{"dependencies": [{"name": "jinja2", "vulns": []}]}\'; exit 0'],
    ids=["no network", "a registry without advisories", "a mirror with empty advisories"],
)
def test_without_an_advisory_service_nothing_is_said_to_be_audited_and_the_check_passes(
    probe: str, tmp_path: Path
) -> None:
    done = audit(tmp_path, probe=probe)
    assert done.returncode == 0
    assert done.stdout.strip() == "not audited: no advisory service within reach"
    assert "requirements.lock" not in (tmp_path / "calls").read_text()


def test_a_finding_fails_the_check(tmp_path: Path) -> None:
    done = audit(tmp_path, probe=f"echo '{FOUND}'; exit 1", lock=1)
    assert done.returncode == 1
    assert "audited the lock" in done.stdout


def test_the_whole_lock_is_audited_and_a_package_that_is_left_out_is_a_failure(tmp_path: Path) -> None:
    done = audit(tmp_path, probe=f"echo '{FOUND}'; exit 1")
    assert (done.returncode, done.stdout.strip()) == (0, "audited the lock")
    last = (tmp_path / "calls").read_text().splitlines()[-1].split()
    assert {"--strict", "--require-hashes"} <= set(last)


def test_the_second_service_is_asked_where_the_first_is_silent(tmp_path: Path) -> None:
    probe = f"""case "$*" in *osv*) echo '{FOUND}'; exit 1;; *) exit 1;; esac"""
    assert audit(tmp_path, probe=probe).stdout.strip() == "audited the lock"
    assert "osv" in (tmp_path / "calls").read_text().splitlines()[-1]


# --- bill of materials, base image


@pytest.mark.skipif(not CYCLONEDX.exists(), reason="the developer tools are not in .venv")
def test_the_bill_of_materials_names_all_that_is_locked_with_hashes(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.cdx.json"
    command = [CYCLONEDX, "requirements", "--pyproject", "pyproject.toml", "--output-file", bill, "requirements.lock"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    found = json.loads(bill.read_text())
    lock = re.findall(r"^([\w.-]+)==([^ ;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert found["bomFormat"] == "CycloneDX"
    assert {(one["name"], one["version"]) for one in found["components"]} == set(lock)
    assert all(one["externalReferences"][0]["hashes"] for one in found["components"])


@pytest.mark.parametrize(("digest", "told"), [("", True), (f"@sha256:{'a' * 64}", False), ("@sha256:abc", True)])
def test_a_base_image_without_its_digest_is_told(tmp_path: Path, digest: str, told: bool) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "image.sh", tmp_path / "scripts")
    (tmp_path / "Dockerfile").write_text(f"# a comment\nFROM registry.example/runtime:3.3-2{digest}\n")
    command = [tmp_path / "scripts" / "image.sh", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ("not by digest" in done.stdout) == told
