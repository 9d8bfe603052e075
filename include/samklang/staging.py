"""Files between the tasks of a run: what was read, and what is planned.

A folder gets its name from a number of the store and is written once; only a finished folder is ever referred to.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from samklang.errors import StagingError

Place = tuple[int, int]
"""Where a line begins: byte, and number from 0."""

_BLOCK = 2**20
_UNFINISHED = ".new"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Staging:
    """:param root: a path with the methods of `pathlib.Path`: a local one, or Airflow's `ObjectStoragePath`."""

    root: Any

    def folder(self, entity: str, run_id: str, name: str) -> str:
        """A new folder for one step of a run, as text relative to the root."""
        relative = f"{entity}/{_folder_name(run_id)}/{name}"
        path = self.root / relative
        is_new = not self.root.exists()
        path.mkdir(parents=True, exist_ok=True)
        for level in (path, path.parent, path.parent.parent, *([self.root] if is_new else [])):
            _make_private(level, 0o700)
        return relative

    def write_table(self, folder: str, name: str, rows: Sequence[dict[str, str | None]]) -> None:
        """Rows with the same names, as Parquet; its checksums show damage that would pass for another value."""
        path = self.root / folder / f"{name}.parquet"
        _make_file(path)
        path.write_bytes(table_bytes(rows))

    def read_tables(self, folder: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of each table of a folder, in the order of their names.

        None of a folder that is not there: an object store knows no empty ones. So count what comes.

        :raises StagingError: a file is damaged.
        """
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in sorted((self.root / folder).iterdir(), key=str):
                if path.name.endswith(".parquet"):
                    yield table_rows(path.read_bytes(), f"{folder}/{path.name}")

    def write_lines(self, folder: str, name: str, rows: Iterable[Any]) -> int:
        """JSON Lines; dataclasses and dicts. :returns: how many."""
        count = 0
        path = self.root / folder / f"{name}.jsonl"
        _make_file(path)
        with path.open("wb") as file:
            for row in rows:
                file.write(orjson.dumps(row) + b"\n")
                count += 1
        return count

    def read_lines(self, folder: str, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a file. :raises StagingError: it is gone or damaged; the rows before the damage were given."""
        for (_, number), line in self.find_lines(folder, name):
            yield _row(line, f"{folder}/{name}.jsonl", number + 1)

    def find_lines(
        self,
        folder: str,
        name: str,
        *,
        start: Place = (0, 0),
        having: Sequence[Sequence[bytes]] = (),
        numbers: Iterator[int] | None = None,
    ) -> Iterator[tuple[Place, bytes]]:
        """Lines as they stand there, each with its place. Stretches without any of them are passed over unread.

        :param start: the place of the first one. :param having: of each of these groups, a line has at least one text.
        :param numbers: only these lines, in rising order. :raises StagingError: the file is gone.
        """
        try:
            file = (self.root / folder / f"{name}.jsonl").open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise missing_files(folder) from None
        byte, number = start
        wanted = next(numbers, None) if numbers is not None else None
        with file:
            file.seek(byte)
            while block := file.read(_BLOCK):
                block += file.readline()
                many = block.count(b"\n")
                past = numbers is not None and (wanted is None or wanted >= number + many)
                if past or not _has(block, having):
                    byte, number = byte + len(block), number + many
                    continue
                for line in io.BytesIO(block):
                    if (numbers is None or number == wanted) and _has(line, having):
                        yield (byte, number), line
                    while wanted is not None and wanted <= number:
                        wanted = next(numbers, None) if numbers is not None else None
                    byte, number = byte + len(line), number + 1

    def read_line(self, line: bytes, folder: str, name: str, place: Place) -> dict[str, Any]:
        """:param line: one that `find_lines` gave. :raises StagingError: it is damaged."""
        return _row(line, f"{folder}/{name}.jsonl", place[1] + 1)

    def folders(self, entity: str) -> Iterator[str]:
        """All that is staged for an entity: the folder of each step of each run, in the order of their names."""
        with suppress(FileNotFoundError, NotADirectoryError):
            for run in sorted((self.root / entity).iterdir(), key=str):
                for step in sorted(run.iterdir(), key=str) if run.is_dir() else ():
                    yield f"{entity}/{run.name}/{step.name}"

    def files(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.root / folder).iterdir())

    def open_file(self, folder: str, name: str) -> Any:
        """For reading its bytes; close it."""
        return (self.root / folder / name).open("rb")

    def replace_file(self, folder: str, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file anew, from what may be read from it meanwhile; whole or not at all."""
        path = self.root / folder / name
        new = self.root / folder / f"{name}{_UNFINISHED}"
        _make_file(new)
        with new.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        new.replace(path)

    def drop_unfinished(self, folder: str) -> None:
        """What is left of a `replace_file` that broke off."""
        for name in self.files(folder):
            if name.endswith(_UNFINISHED):
                (self.root / folder / name).unlink()

    def drop(self, folder: str) -> None:
        """Remove a folder with all that is in it; one that is gone already, or that another removes too, is fine."""
        path = self.root / folder
        if not path.exists():
            return
        with suppress(FileNotFoundError):
            for child in list(path.iterdir()):
                if child.is_dir():
                    self.drop(f"{folder}/{child.name}")
                else:
                    with suppress(FileNotFoundError):
                        child.unlink()
            path.rmdir()

    def drop_runs(self, entity: str, run_ids: Iterable[str]) -> int:
        """Remove the folders of these runs. :returns: how many there were."""
        path = self.root / entity
        there = {child.name for child in path.iterdir()} if path.exists() else set()
        names = there.intersection(_folder_name(run_id) for run_id in run_ids)
        for name in names:
            self.drop(f"{entity}/{name}")
        return len(names)


def table_bytes(rows: Sequence[dict[str, str | None]]) -> bytes:
    """A table as `write_table` stores it."""
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), buffer, write_page_checksum=True)
    return buffer.getvalue()


def table_rows(content: bytes, name: str, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of such a table. :param columns: only these. :raises StagingError: it is damaged."""
    try:
        file = parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        return list(file.read(columns=columns, use_threads=False).to_pylist())
    except Exception as error:  # Arrow has many, and some of them quote what they read
        raise _damaged(name, type(error).__name__) from None


def missing_files(folder: str) -> StagingError:
    return StagingError(
        f"Staged files of {folder} are not there any more, or not all of them.",
        remedy="They are removed after two weeks; then run the DAG again, it reads and plans anew. Where they are "
        "younger, see that all tasks have the same SAMKLANG_STAGING.",
    )


def _has(text: bytes, having: Sequence[Sequence[bytes]]) -> bool:
    return all(any(one in text for one in group) for group in having)


def _row(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict) or not line.endswith(b"\n"):
        raise _damaged(name, f"line {number}")
    return row


def _damaged(name: str, what: str) -> StagingError:
    return StagingError(
        f"The staged file {name} is damaged ({what}).",
        remedy="Clear the extract and transform tasks of this run, with all tasks after them, or start a new run.",
    )


def _folder_name(run_id: str) -> str:
    return _UNSAFE.sub("-", run_id)


def _make_file(path: Any) -> None:
    """Nobody else may read it from its first byte on, also where writing it breaks off."""
    if isinstance(path, Path):
        path.touch(0o600)
        _make_private(path, 0o600)


def _make_private(path: Any, mode: int) -> None:
    """Staged files hold personal data; on a file system only their owner may read them."""
    if isinstance(path, Path):
        path.chmod(mode)
