"""Files with personal values belong to their owner alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from samklang.staging import Staging
from samklang.store.database import Database


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}


@pytest.mark.usefixtures("umask")
def test_the_store_its_write_ahead_log_and_its_shared_memory_are_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    database = Database(f"sqlite:///{folder / 'samklang.db'}")
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tried (value TEXT)")
        found = modes(folder)
    database.close()
    assert set(found) >= {"samklang.db", "samklang.db-wal", "samklang.db-shm"}
    assert found.pop(".") == 0o700
    assert set(found.values()) == {0o600}


@pytest.mark.usefixtures("umask")
def test_a_store_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "samklang.db"
    file.touch()
    file.chmod(0o666)
    Database(f"sqlite:///{file}").close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.usefixtures("umask")
def test_staged_files_and_their_folders_are_their_owners(tmp_path: Path) -> None:
    root = tmp_path / "staging"
    staging = Staging(root, "here")
    folder = staging.folder("customers", "manual__2026-10-01T00:00:00+00:00", "plan-1")
    staging.write_table(folder, "part-1", [{"a": "1"}])
    staging.write_lines(folder, "rows", [{"a": 1}])
    found = modes(root)
    assert len(found) == 7
    for name, mode in found.items():
        assert mode == (0o600 if name.endswith(("parquet", "jsonl")) else 0o700), name


@pytest.mark.usefixtures("umask")
def test_a_file_whose_writing_broke_off_is_its_owners_too(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise OSError(28, "No space left on device")

    staging = Staging(tmp_path / "staging", "here")
    folder = staging.folder("customers", "run", "plan-1")
    with pytest.raises(OSError, match="No space"):
        staging.write_lines(folder, "rows", rows())
    assert modes(tmp_path / "staging" / folder)["rows.jsonl"] == 0o600


def test_a_folder_of_others_that_holds_the_staged_files_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Staging(tmp_path, "here").folder("customers", "run", "plan-1")
    found = modes(tmp_path)
    assert found.pop(".") == 0o755
    assert len(found) == 4
    assert set(found.values()) == {0o700}
