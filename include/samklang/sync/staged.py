"""What staged files hold about one person: found for an export, and erased.

Rows of a plan are named by the number of their line, and a read counts its rows: so both keep their number, and an
empty one stands where one was erased. Lines of the other files of a plan are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from samklang.core.mapping import Mapping
from samklang.core.plan import Row
from samklang.errors import ForeignFilesError, StagingError
from samklang.staging import Staging
from samklang.store.person import Person, Record
from samklang.sync.forgotten import MARK, records_of

Line = dict[str, Any]

EMPTY = "forgotten"
"""The `op` of a row of a plan that was erased."""
_EMPTY: bytes = orjson.dumps(asdict(Row(side="", op=EMPTY, source_id="", changes=[])))
_DAMAGED = b"{\n"  # stays unreadable: nobody shall take what is left of a damaged file for all of it
_CANDIDATES = "candidates"


@dataclass(frozen=True, slots=True)
class Found:
    """
    :param file: relative to the staging root.
    :param line: counted from 1; the first one of JSON Lines says whose they are.
    """

    file: str
    line: int
    content: Line


def lines_about(staging: Staging, mapping: Mapping, who: Person) -> Iterator[Found]:
    """Lines that are about a person, or name them; files that cannot be read are passed over."""
    for folder, name in _files(staging, mapping.entity):
        path = f"{folder}/{name}".encode(errors="backslashreplace").decode()  # whatever somebody put there
        if name.endswith(".parquet"):
            for number, row in enumerate(_rows_with(staging, folder, name, who) or [], start=1):
                if (_side_of(folder), row["id"]) in who.records:
                    yield Found(path, number, {n: _unpacked(value) for n, value in row.items()})
        else:
            for number, raw, line in _lines(staging, folder, name, who):
                if line is not None and _without(mapping, line, who) != line:
                    yield Found(path, number, orjson.loads(raw))


def erase(staging: Staging, mapping: Mapping, who: Person, alias: Callable[[Record], str]) -> int:
    """Take a person out of all staged files of an entity. Done again, it does what is left.

    A table that is damaged is emptied: nobody can use it, nor see who is in it.

    :returns: how many files held something.
    """
    changed = 0
    for folder in staging.folders(mapping.entity):
        staging.drop_unfinished(folder)
    for folder, name in _files(staging, mapping.entity):
        if name.endswith(".parquet"):
            changed += _erase_from_table(staging, folder, name, who, alias)
        elif any(
            line is None or _without(mapping, line, who) != line for _, _, line in _lines(staging, folder, name, who)
        ):
            changed += 1
            staging.replace_file(folder, name, _erased(staging, mapping, folder, name, who))
    return changed


def _erase_from_table(staging: Staging, folder: str, name: str, who: Person, alias: Callable[[Record], str]) -> int:
    rows, side = _rows_with(staging, folder, name, who), _side_of(folder)
    if rows is None:
        staging.replace_file(folder, name, [b""])
    if not rows:
        return 0
    kept = [_empty_row(row, alias((side, row["id"]))) if (side, row["id"]) in who.records else row for row in rows]
    staging.replace_file(folder, name, [staging.table_bytes(kept)])
    return 1


def _erased(staging: Staging, mapping: Mapping, folder: str, name: str, who: Person) -> Iterator[bytes]:
    is_numbered = name == "rows.jsonl"
    hits = {number: line for number, _, line in _lines(staging, folder, name, who)}
    with staging.open_file(folder, name) as file:
        for number, raw in enumerate(file, start=1):
            if number not in hits:
                yield raw
                continue
            line = hits[number]
            kept = None if line is None else _without(mapping, line, who)
            if line is None:
                yield _DAMAGED
            elif kept is not None:
                yield raw if kept == line else orjson.dumps(kept) + b"\n"
            elif is_numbered:
                yield _EMPTY.ljust(len(raw) - 1) + b"\n"  # whoever pages through it goes by the place of lines


def _without(mapping: Mapping, line: Line, who: Person) -> Line | None:
    """The line without what names the person; None: it is about them."""
    if line.get("link_id") in who.links or records_of(mapping, line).intersection(who.records):
        return None
    if not isinstance(candidates := line.get(_CANDIDATES), dict):
        return line
    kept = {side: [i for i in ids if (side, i) not in who.records] for side, ids in candidates.items()}
    return line | {_CANDIDATES: kept}


def _files(staging: Staging, entity: str) -> Iterator[tuple[str, str]]:
    for folder in staging.folders(entity):
        for name in staging.files(folder):
            if name.endswith((".parquet", ".jsonl")):
                yield folder, name


def _lines(staging: Staging, folder: str, name: str, who: Person) -> Iterator[tuple[int, bytes, Line | None]]:
    """Number, bytes and content of each line that may be about a person; None for one that cannot be read."""
    needles = _needles(name, who)
    with staging.open_file(folder, name) as file:
        for number, raw in enumerate(file, start=1):
            if number == 1 and staging.is_foreign(raw):
                return
            if any(needle in raw for needle in needles):
                yield number, raw, _parsed(raw)


def _needles(name: str, who: Person) -> Collection[bytes]:
    ids = {orjson.dumps(i) for _, i in who.records}
    return ids | {b'"link_id":%d,' % number for number in who.links} if name == "frozen.jsonl" else ids


def _parsed(raw: bytes) -> Line | None:
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return line if isinstance(line, dict) and raw.endswith(b"\n") else None


def _rows_with(staging: Staging, folder: str, name: str, who: Person) -> list[Line] | None:
    """All rows of a table that has one of the person's; empty: it has none; None: it is damaged."""
    ids = {i for side, i in who.records if side == _side_of(folder)}
    if not ids:
        return []
    with staging.open_file(folder, name) as file:
        content = file.read()
    path = f"{folder}/{name}"
    try:
        there = {row["id"] for row in staging.table_rows(content, path, ["id"])}
        return staging.table_rows(content, path) if there & ids else []
    except ForeignFilesError:
        return []
    except StagingError:
        return None


def _empty_row(row: Line, alias: str) -> Line:
    """Of a read: with an id that no record has, and nothing else."""
    empty = {name: None if value is None else "{}" if value[:1] == "{" else "" for name, value in row.items()}
    return empty | {"id": MARK + alias.removeprefix(MARK), "our_key": None}


def _side_of(folder: str) -> str:
    """`…/read-7-shopify`."""
    return folder.rpartition("-")[2]


def _unpacked(value: str | None) -> Any:
    return orjson.loads(value) if value and value[:1] == "{" else value
