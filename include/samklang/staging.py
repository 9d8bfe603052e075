"""Files between the tasks of a run: what was read, and what is planned.

A folder gets its name from a number of the store and is written once; only a finished folder is ever referred to.

Several link stores may share one root, as those of a test and a production Airflow on one bucket. So everything stands
in a folder of its store, `store-<id>/<entity>/<run>/<step>`, and each file says in itself whose it is: the first line
of JSON Lines, the schema of a Parquet file.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from samklang.errors import ForeignFilesError, StagingError

log = logging.getLogger(__name__)

Place = tuple[int, int]
"""Where a line begins: byte, and number from 0."""

_BLOCK = 2**20
_UNFINISHED = ".new"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_STORE = "store-"
_IN_PARQUET = b"samklang.store"
_LONGEST_FIRST_LINE = 200
_FIRST_LINE = re.compile(rb'\{"store":"\w{1,100}"\}\n')


@dataclass(frozen=True, slots=True)
class Staging:
    """
    :param root: a path with the methods of `pathlib.Path`: a local one, or Airflow's `ObjectStoragePath`.
    :param store_id: of the link store whose files these are; no other's are read or touched.
    """

    root: Any
    store_id: str

    def folder(self, entity: str, run_id: str, name: str) -> str:
        """A new folder for one step of a run, as text relative to the root."""
        relative = f"{self._top}/{entity}/{_folder_name(run_id)}/{name}"
        path = self.root / relative
        is_new = not self.root.exists()
        path.mkdir(parents=True, exist_ok=True)
        levels = [path, path.parent, path.parent.parent, path.parent.parent.parent]
        for level in (*levels, *([self.root] if is_new else [])):
            _make_private(level, 0o700)
        return relative

    def check(self, folder: str) -> None:
        """:raises ForeignFilesError: it is none of this store's, or one that an earlier version wrote."""
        top = folder.partition("/")[0]
        if top == self._top:
            return
        if top.startswith(_STORE):
            raise _foreign(folder)
        raise ForeignFilesError(
            f"The staged files of {folder or 'this run'} were written by an earlier version of Samklang.",
            remedy="Nothing is lost: trigger the DAG again; a new run reads and plans anew.",
        )

    @property
    def _top(self) -> str:
        return _STORE + self.store_id

    @property
    def _first_line(self) -> bytes:
        return orjson.dumps({"store": self.store_id}) + b"\n"

    def write_table(self, folder: str, name: str, rows: Sequence[dict[str, str | None]]) -> None:
        """Rows with the same names, as Parquet; its checksums show damage that would pass for another value."""
        path = self.root / folder / f"{name}.parquet"
        _make_file(path)
        path.write_bytes(self.table_bytes(rows))

    def read_tables(self, folder: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of each table of a folder, in the order of their names.

        None of a folder that is not there: an object store knows no empty ones. So count what comes.

        :raises StagingError: a file is damaged, or another store's.
        """
        self.check(folder)
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in sorted((self.root / folder).iterdir(), key=str):
                if path.name.endswith(".parquet"):
                    yield self.table_rows(path.read_bytes(), f"{folder}/{path.name}")

    def write_lines(self, folder: str, name: str, rows: Iterable[Any]) -> int:
        """JSON Lines; dataclasses and dicts. :returns: how many."""
        count = 0
        path = self.root / folder / f"{name}.jsonl"
        _make_file(path)
        with path.open("wb") as file:
            file.write(self._first_line)
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
        :param numbers: only these lines, in rising order. :raises StagingError: the file is gone, or another store's.
        """
        self.check(folder)
        try:
            file = (self.root / folder / f"{name}.jsonl").open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise missing_files(folder) from None
        byte, number = start
        wanted = next(numbers, None) if numbers is not None else None
        with file:
            # files of an object store have no `readline` that ends
            first = b"".join(file.read(_LONGEST_FIRST_LINE).partition(b"\n")[:2])
            if first != self._first_line:
                whose = f"{folder}/{name}.jsonl"
                raise _foreign(whose) if self.is_foreign(first) else _damaged(whose, "line 1")
            byte = max(byte, len(self._first_line))
            if byte > file.seek(0, io.SEEK_END):
                return  # beyond what a disk can hold, going there would be an error
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

    def is_foreign(self, first_line: bytes) -> bool:
        """Whether a file of JSON Lines that begins so is another store's."""
        return first_line != self._first_line and bool(_FIRST_LINE.fullmatch(first_line))

    def table_bytes(self, rows: Sequence[dict[str, str | None]]) -> bytes:
        """A table as `write_table` stores it."""
        buffer = io.BytesIO()
        table = pa.Table.from_pylist(rows)
        table = table.replace_schema_metadata({_IN_PARQUET: self.store_id.encode()})
        parquet.write_table(table, buffer, write_page_checksum=True)
        return buffer.getvalue()

    def table_rows(self, content: bytes, name: str, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The rows of such a table.

        :param columns: only these. :raises StagingError: it is damaged, or another store's.
        """
        try:
            file = parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
            owner = (file.schema_arrow.metadata or {}).get(_IN_PARQUET)
            rows = list(file.read(columns=columns, use_threads=False).to_pylist())
        except Exception as error:  # Arrow has many, and some of them quote what they read
            raise _damaged(name, type(error).__name__) from None
        if owner != self.store_id.encode():
            raise _foreign(name)
        return rows

    def folders(self, entity: str) -> Iterator[str]:
        """All that this store has staged for an entity: the folder of each step of each run, in order of their names.

        What else lies there (files, links, devices) is passed over.
        """
        top = f"{self._top}/{entity}"
        for run in self._inside(top, _is_folder):
            for step in self._inside(f"{top}/{run}", _is_folder):
                yield f"{top}/{run}/{step}"

    def files(self, folder: str) -> list[str]:
        return list(self._inside(folder, _is_file))

    def _inside(self, folder: str, is_wanted: Callable[[Any], bool]) -> Iterator[str]:
        """:raises StagingError: the folder cannot be looked into."""
        try:
            yield from sorted(path.name for path in (self.root / folder).iterdir() if is_wanted(path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError:
            raise _locked(folder) from None

    def has_earlier(self, entity: str) -> bool:
        """Whether an earlier version left files of this entity in the root; whose, nobody can tell."""
        return bool((self.root / entity).exists())

    def drop_all(self) -> None:
        """Remove all that is staged for this store."""
        self.drop(self._top)

    def open_file(self, folder: str, name: str) -> Any:
        """For reading its bytes; close it. :raises StagingError: this user may not."""
        try:
            return (self.root / folder / name).open("rb")
        except PermissionError:
            raise _locked(f"{folder}/{name}") from None

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
        """Remove a folder with all that is in it; one that is gone already, or that another removes too, is fine.

        A link in it is removed, and what it points to left alone.
        """
        self.check(folder)
        with suppress(FileNotFoundError):
            _drop(self.root / folder)

    def drop_runs(self, entity: str, run_ids: Iterable[str]) -> int:
        """Remove the folders of these runs. :returns: how many there were."""
        top = f"{self._top}/{entity}"
        names = set(self._inside(top, _is_folder)).intersection(map(_folder_name, run_ids))
        kept = 0
        for name in names:
            try:
                self.drop(f"{top}/{name}")
            except PermissionError:
                log.warning("this user may not remove the staged files of %s/%s", top, name)
                kept += 1
        return len(names) - kept


def _drop(path: Any) -> None:
    if not _is_folder(path):
        with suppress(FileNotFoundError):
            path.unlink()
        return
    for child in list(path.iterdir()):
        _drop(child)
    with suppress(NotADirectoryError):  # an object store has no folders: this one is gone with the last file in it
        path.rmdir()


def _is_folder(path: Any) -> bool:
    return bool(path.is_dir()) and not (isinstance(path, Path) and path.is_symlink())


def _is_file(path: Any) -> bool:
    """On a file system only a regular one: opening a pipe would never return."""
    if isinstance(path, Path):
        with suppress(FileNotFoundError):
            return stat.S_ISREG(path.lstat().st_mode)
        return False
    return not path.is_dir()


def missing_files(folder: str) -> StagingError:
    return StagingError(
        f"Staged files of {folder} are not there any more, or not all of them.",
        remedy="They are removed after two weeks; then run the DAG again, it reads and plans anew. Where they are "
        "younger, another machine may have them: see that all tasks have the same connection samklang_store and the "
        "same SAMKLANG_STAGING, both in places that every machine reaches.",
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


def _locked(name: str) -> StagingError:
    return StagingError(
        f"The staged files of {name} cannot be looked at: this user may not read them.",
        remedy="Run as the user whose tasks wrote them, or have them removed.",
    )


def _foreign(name: str) -> ForeignFilesError:
    return ForeignFilesError(
        f"The staged files of {name} belong to another link store; nothing of them was taken.",
        remedy="See that all tasks of a DAG have the same connection samklang_store, and that it was not changed under "
        "a run; where they run on several machines, every one must reach it, and SAMKLANG_STAGING too. Then trigger "
        "the DAG again.",
    )


def _folder_name(run_id: str) -> str:
    """Readable, and of no other run: run ids may differ only in signs or case, or be nothing but dots."""
    digest = hashlib.blake2b(run_id.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"{_UNSAFE.sub('-', run_id)[:100]}-{digest}"


def _make_file(path: Any) -> None:
    """Nobody else may read it from its first byte on, also where writing it breaks off."""
    if isinstance(path, Path):
        path.touch(0o600)
        _make_private(path, 0o600)


def _make_private(path: Any, mode: int) -> None:
    """Staged files hold personal data; on a file system only their owner may read them."""
    if isinstance(path, Path):
        path.chmod(mode)
