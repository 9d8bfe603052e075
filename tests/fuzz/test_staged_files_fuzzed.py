"""A staged file that was cut short or changed ends in an error that names it and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from garbage import BYTES, CANARY, typed
from hypothesis import given
from hypothesis import strategies as st

from samklang.errors import SamklangError, StagingError
from samklang.staging import Staging

TABLE = [{"id": str(n), "raw": f'{{"EmailAddress":"{CANARY}{n}@post.no"}}', "our_key": None} for n in range(50)]
LINES = [{"ids": [str(n), str(n)], "matched": CANARY, "bases": {}} for n in range(5)]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Staging, str, bytes, bytes]:
    staging = Staging(tmp_path_factory.mktemp("staging"), "here")
    folder = staging.folder("customers", "run", "read")
    staging.write_table(folder, "0", TABLE)
    staging.write_lines(folder, "rows", LINES)
    root = Path(staging.root) / folder
    return staging, folder, (root / "0.parquet").read_bytes(), (root / "rows.jsonl").read_bytes()


def damage(draw: Any, content: bytes) -> bytes:
    at = draw(st.integers(0, len(content)))
    match draw(st.integers(0, 3)):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at + 1 :]
        case 2:
            return content[:at] + content[at + draw(st.integers(1, 40)) :]
        case _:
            return draw(BYTES)


def reads(call: Any) -> list[Any] | SamklangError:
    found = typed(lambda: list(call()))
    if isinstance(found, SamklangError):
        assert isinstance(found, StagingError)
        assert "/customers/run-" in str(found)
        assert found.remedy
    return found


@given(st.data())
def test_a_garbled_parquet_file_is_read_or_refused(staged: Any, data: st.DataObject) -> None:
    staging, folder, whole, _ = staged
    path = Path(staging.root) / folder / "0.parquet"
    path.write_bytes(damage(data.draw, whole))
    try:
        reads(lambda: staging.read_tables(folder))
    finally:
        path.write_bytes(whole)


@given(st.data())
def test_garbled_json_lines_are_read_or_refused(staged: Any, data: st.DataObject) -> None:
    staging, folder, _, whole = staged
    path = Path(staging.root) / folder / "rows.jsonl"
    path.write_bytes(damage(data.draw, whole))
    try:
        found = reads(lambda: staging.read_lines(folder, "rows"))
    finally:
        path.write_bytes(whole)
    if isinstance(found, list):
        assert all(isinstance(row, dict) for row in found)


def test_what_was_staged_is_read_back(staged: Any) -> None:
    staging, folder, _, _ = staged

    assert list(staging.read_tables(folder)) == [TABLE]
    assert list(staging.read_lines(folder, "rows")) == LINES


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_file_that_was_cut_short_is_named_with_the_remedy(tmp_path: Path, cut: int) -> None:
    staging = Staging(tmp_path, "here")
    folder = staging.folder("customers", "run", "read")
    staging.write_table(folder, "0", TABLE)
    staging.write_lines(folder, "rows", LINES)
    for name in ("0.parquet", "rows.jsonl"):
        path = tmp_path / folder / name
        path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(StagingError, match=r"customers/run-\w+/read/0\.parquet .*Clear the extract"):
        list(staging.read_tables(folder))
    with pytest.raises(StagingError, match=r"customers/run-\w+/read/rows\.jsonl .*Clear the"):
        list(staging.read_lines(folder, "rows"))


def test_a_file_that_is_gone_is_named_with_the_remedy(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "here")

    with pytest.raises(StagingError, match=r"customers/run/read are not there any more.*run the DAG again"):
        list(staging.read_lines("store-here/customers/run/read", "rows"))
