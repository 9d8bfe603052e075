"""Where the mapping files are looked for, and what a missing one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from samklang import mapping_files
from samklang.errors import ConfigurationError, MappingError
from samklang.mapping_files import load_mapping, mappings_folder

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with the package installed somewhere else."""
    package = tmp_path / "site-packages" / "samklang"
    monkeypatch.setattr(mapping_files, "__file__", str(package / "mapping_files.py"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def test_a_checkout_uses_its_own_folder_wherever_it_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert mappings_folder({"AIRFLOW_HOME": str(tmp_path)}) == PROJECT / "include" / "mappings"


def test_an_installed_package_uses_the_project_it_is_started_in(installed: Path) -> None:
    folder = installed / "include" / "mappings"
    folder.mkdir(parents=True)
    assert mappings_folder({}) == folder


def test_an_installed_package_uses_the_project_of_airflow(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "include" / "mappings"
    folder.mkdir(parents=True)
    assert mappings_folder({"AIRFLOW_HOME": str(tmp_path / "home")}) == folder


@pytest.mark.parametrize("absolute", [True, False])
def test_the_setting_goes_before_everything(installed: Path, absolute: bool) -> None:
    (installed / "mine").mkdir()
    named = str(installed / "mine") if absolute else "mine"
    assert mappings_folder({"SAMKLANG_MAPPINGS": named}) == installed / "mine"


def test_a_setting_that_names_no_folder_is_an_error_and_not_the_default(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mappings_folder({"SAMKLANG_MAPPINGS": str(tmp_path / "nowhere")})
    assert "nowhere" in caught.value.message
    assert "SAMKLANG_MAPPINGS" in caught.value.remedy


def test_no_folder_anywhere_says_what_to_set(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mappings_folder({"AIRFLOW_HOME": str(tmp_path / "home")})
    assert "SAMKLANG_MAPPINGS" in caught.value.remedy


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_the_shipped_files_load(entity: str) -> None:
    assert load_mapping(entity, PROJECT / "include" / "mappings").entity == entity


def test_a_missing_file_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_mapping("customers", tmp_path)
    assert str(tmp_path / "customers.yaml") in caught.value.message
    assert "SAMKLANG_MAPPINGS" in caught.value.remedy


def test_a_file_that_is_not_utf_8_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "customers.yaml").write_bytes("region: Åland".encode("latin-1"))
    with pytest.raises(ConfigurationError) as caught:
        load_mapping("customers", tmp_path)
    assert "UTF-8" in caught.value.remedy


def test_a_file_under_the_wrong_name_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "include" / "mappings" / "products.yaml").read_text(encoding="utf-8")
    (tmp_path / "customers.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_mapping("customers", tmp_path)
    assert text.splitlines()[caught.value.line - 1] == "entity: products"
    assert "`customers`" in caught.value.remedy
