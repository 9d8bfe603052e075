"""Matches as a CSV file: for people to go through at their desk, with a decision for each line, and then read back in.

An id stands as `side:id`: a bare one of thirteen digits, a spreadsheet would round.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TextIO

from samklang.core.mapping import Mapping
from samklang.core.spreadsheet import from_text
from samklang.errors import ConfigurationError, DecisionError
from samklang.store import seen
from samklang.store.lists import Alone, Ambiguous, Pair, Shown
from samklang.store.upserts import chunks
from samklang.sync.decide import Desk, Done, Record, named
from samklang.sync.exclude import exclude, include

DECISIONS = ("link", "relink", "unlink", "exclude", "include")
STRETCH = 200
"""Lines that are decided in one transaction."""
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Line:
    """A decision of a person. :param number: of the line in the file. :param records: as they stand there, by side."""

    number: int
    decision: str
    records: dict[str, str]


# --- out --------------------------------------------------------------------------------------------------------------


def header(mapping: Mapping) -> list[str]:
    about = (f"{side}{part}" for side in mapping.sides for part in ("", " name", " keys"))
    return ["list", "reason", *about, "decision"]


def pair_line(mapping: Mapping, one: Pair) -> list[str]:
    """A link, or two records that are kept apart."""
    return _line(mapping, one.state, one.origin, one.records)


def proposed_line(mapping: Mapping, name: str, reason: str, records: dict[str, Shown]) -> list[str]:
    """What a plan would do, if it is carried out. :param name: `to link` or `to create`."""
    return _line(mapping, name, reason, records)


def alone_line(mapping: Mapping, one: Alone) -> list[str]:
    return _line(mapping, one.standing, one.reason, {one.record.side: one.record})


def ambiguous_lines(mapping: Mapping, one: Ambiguous) -> Iterator[list[str]]:
    """A line for each candidate. To link it, one writes the other side's id into the free column."""
    for side in mapping.sides:
        for record in one.candidates[side]:
            yield _line(mapping, "ambiguous", one.key, {side: record})


def _line(mapping: Mapping, name: str, reason: str, records: dict[str, Shown]) -> list[str]:
    cells = [name, reason]
    for side in mapping.sides:
        record = records.get(side)
        cells += [named((side, record.id)), record.name, " ".join(record.keys)] if record else [""] * 3
    return [*cells, ""]


# --- in ---------------------------------------------------------------------------------------------------------------


def read(mapping: Mapping, file: TextIO, most: int | None = None) -> list[Line]:
    """The lines that have a decision.

    :param file: opened with `newline=""`; commas, semicolons or tabs between the cells.
    :param most: nothing is read after so many of them.
    :raises ConfigurationError: it is no such file; the message names columns, no values.
    """
    try:
        return list(islice(_read(mapping, file), most))
    except csv.Error:
        raise ConfigurationError("The file cannot be read as CSV.", remedy="Save it as CSV, UTF-8.") from None


def _read(mapping: Mapping, file: TextIO) -> Iterator[Line]:
    """:raises csv.Error: it is no CSV file, or has characters that no text has."""
    first = file.readline().lstrip("\ufeff")
    delimiter = max(_DELIMITERS, key=first.count)
    names = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    missing = [name for name in (*mapping.sides, "decision") if name not in names]
    if missing:
        raise ConfigurationError(
            f"The file has no column {' and no column '.join(missing)}.",
            remedy=f"Take the file that samklang matches {mapping.entity} --csv FILE writes, and keep its first line.",
        )
    places = {name: names.index(name) for name in (*mapping.sides, "decision")}
    for number, cells in enumerate(csv.reader(file, delimiter=delimiter), start=2):
        if not cells:
            continue
        cell = {name: from_text(cells[n].strip()) if n < len(cells) else "" for name, n in places.items()}
        if any("\0" in text for text in cell.values()):  # PostgreSQL takes none, nor did Python's reader before 3.11
            raise csv.Error
        if decision := cell.pop("decision").lower():
            yield Line(number, decision, {side: text for side, text in cell.items() if text})


def in_stretches(lines: Sequence[Line], act: Callable[[Callable[[Desk], Done], int], Done]) -> Done:
    """Carry lines out a stretch at a time, so that nobody else waits long for the store.

    What breaks off in between is finished by reading the same file in again.

    :param act: takes one decision, with how many lines it has, in a transaction of its own.
    """
    done = Done()
    for stretch in chunks(lines, STRETCH):
        one = act(partial(carry_out, lines=stretch), len(stretch))
        done = Done([*done.done, *one.done], [*done.left, *one.left])
    return done


def carry_out(desk: Desk, lines: Iterable[Line]) -> Done:
    """Each line by itself: one that cannot be carried out is left, with its reason, and does not stop the others.

    What is so already is left too, so that a file may be read in twice.
    """
    done, left = list[str](), list[tuple[str, str]]()
    for line in lines:
        what = f"line {line.number}: {line.decision}"
        try:
            ends = _ends(desk, line)
            what = f"{what} {' = '.join(map(named, ends))}"
            with desk.connection.begin_nested():
                reason = _DECIDE[line.decision](desk, ends)
        except DecisionError as error:
            reason = str(error)
        if reason:
            left.append((what, reason))
        else:
            done.append(what)
    return Done(done, left)


def _ends(desk: Desk, line: Line) -> list[Record]:
    """:raises DecisionError: the line names no record, or one that is not known."""
    if line.decision not in _DECIDE:
        raise DecisionError("no such decision", remedy=f"(use {', '.join(DECISIONS)})")
    ends = []
    for side, text in line.records.items():
        record_id = text.removeprefix(f"{side}:").strip()
        if not seen.known(desk.connection, desk.mapping.entity, side, [record_id]):
            raise DecisionError(f"no record of {side} has this id")
        ends.append((side, record_id))
    if not ends:
        raise DecisionError("no record is named")
    return ends


def _link(desk: Desk, ends: Sequence[Record]) -> str:
    taken = [end for end in ends if (link := desk.link_of(end)) and link["state"] == "linked"]
    if len(ends) == 2 and taken and not _are_twins(desk, ends):
        return f"{', '.join(map(named, taken))} has a twin: write relink to give it another"
    return _relink(desk, ends)


def _relink(desk: Desk, ends: Sequence[Record]) -> str:
    if len(ends) != len(desk.mapping.sides):
        return "a link needs a record of each side"
    if _are_twins(desk, ends):
        return "linked already"
    desk.relink(*ends)
    return ""


def _unlink(desk: Desk, ends: Sequence[Record]) -> str:
    if len(ends) == len(desk.mapping.sides) and not _share_a_link(desk, ends):
        return "these two are no twins"
    link = desk.link_of(ends[0])
    if link is not None and link["state"] != "linked":
        return "kept apart already"
    desk.unlink(named(ends[0]))
    return ""


def _exclude(desk: Desk, ends: Sequence[Record]) -> str:
    return _reason(exclude(desk, ends))


def _include(desk: Desk, ends: Sequence[Record]) -> str:
    return _reason(include(desk, ends))


def _reason(done: Done) -> str:
    return "" if done.done or not done.left else done.left[0][1]


def _are_twins(desk: Desk, ends: Sequence[Record]) -> bool:
    link = desk.link_of(ends[0])
    return link is not None and link["state"] == "linked" and _share_a_link(desk, ends)


def _share_a_link(desk: Desk, ends: Sequence[Record]) -> bool:
    links: list[Any] = [desk.link_of(end) for end in ends]
    return all(one is not None and one["id"] == (links[0] or {}).get("id") for one in links)


_DECIDE: dict[str, Callable[[Desk, Sequence[Record]], str]] = {
    "link": _link,
    "relink": _relink,
    "unlink": _unlink,
    "exclude": _exclude,
    "include": _include,
}
