"""A folder in memory, with as much of `pathlib.Path` as staging asks for; each write may fail or be cut short."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

OnWrite = Callable[[str], None]


class Disk:
    """:param on_write: told the name of each file before it is written, and once more when that is done."""

    def __init__(self, on_write: OnWrite = lambda _name: None) -> None:
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.on_write = on_write


class MemoryPath:
    """A path on a `Disk`."""

    def __init__(self, disk: Disk, path: str = "") -> None:
        self._disk = disk
        self._path = path

    def __truediv__(self, more: str) -> MemoryPath:
        return MemoryPath(self._disk, f"{self._path}/{more}")

    def __str__(self) -> str:
        return self._path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    @property
    def parent(self) -> MemoryPath:
        return MemoryPath(self._disk, self._path.rpartition("/")[0])

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        del parents, exist_ok
        path = self._path
        while path:
            self._disk.folders.add(path)
            path = path.rpartition("/")[0]

    def exists(self) -> bool:
        return self._path in self._disk.files or self._path in self._disk.folders

    def is_dir(self) -> bool:
        return self._path in self._disk.folders

    def iterdir(self) -> Iterator[MemoryPath]:
        inside = {*self._disk.files, *self._disk.folders}
        names = sorted(path for path in inside if path.rpartition("/")[0] == self._path and path)
        return iter([MemoryPath(self._disk, path) for path in names])

    def unlink(self) -> None:
        del self._disk.files[self._path]

    def replace(self, target: MemoryPath) -> None:
        self._disk.files[target._path] = self._disk.files.pop(self._path)

    def rmdir(self) -> None:
        self._disk.folders.discard(self._path)

    def read_bytes(self) -> bytes:
        if self._path not in self._disk.files:
            raise FileNotFoundError(self._path)
        return self._disk.files[self._path]

    def write_bytes(self, content: bytes) -> int:
        self._disk.files[self._path] = content[: len(content) // 2]  # what a death in the middle leaves
        self._disk.on_write(self.name)
        self._disk.files[self._path] = content
        return len(content)

    def open(self, mode: str = "r") -> io.BytesIO:
        return io.BytesIO(self.read_bytes()) if mode == "rb" else _Written(self)


class _Written(io.BytesIO):
    """Kept when it is closed."""

    def __init__(self, path: MemoryPath) -> None:
        super().__init__()
        self._target = path

    def __exit__(self, *details: object) -> None:
        if details[0] is None:
            self._target.write_bytes(self.getvalue())
        super().close()
