"""Links and bases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from samklang.core.jsontext import dumps, loads
from samklang.errors import OutdatedError
from samklang.store import links, seen
from samklang.store.database import Database
from samklang.store.schema import link_sides

SIDES = ("powerofficego", "shopify")
BASE = {"Name": (" A", "A", "text"), "City": (None, None, "text")}


def link(connection: Connection, a: str = "1", b: str = "1", entity: str = "customers") -> int:
    sides = [links.LinkSide(SIDES[0], a, BASE), links.LinkSide(SIDES[1], b, BASE)]
    return links.create(connection, entity=entity, origin="matched", run_id="r", at="t", sides=sides)


def see(connection: Connection, side: str, record_id: str, raw: dict[str, str | None], scope: str = "active") -> None:
    form = dumps(dict.fromkeys(raw, "text"))
    row = {
        "id": record_id, "raw": dumps(raw), "normal": dumps(raw), "form": form, "facts": "{}", "scope": scope,
        "created": "2026", "clock": f"2026-0{record_id}", "group_clocks": "{}", "our_key": None, "ticket": 1,
        "changed_after": None, "missing": 0,
    }  # fmt: skip
    seen.put(connection, "customers", side, [row], [])


def raw_bases(connection: Connection, link_id: int) -> dict[str, dict[str, str | None]]:
    rows = connection.execute(select(link_sides).where(link_sides.c.link_id == link_id))
    return {row.side: loads(row.raw) for row in rows}


@pytest.mark.parametrize(("a", "b"), [("1", "2"), ("2", "1")])
def test_a_record_has_one_twin_at_most(database: Database, a: str, b: str) -> None:
    with database.begin() as connection:
        link(connection)
    with pytest.raises(IntegrityError), database.begin() as connection:
        link(connection, a, b)
    with database.begin() as connection:
        link(connection, a, b, entity="products")
        assert links.count(connection, "customers") == 1


def test_a_base_moves_for_the_fields_that_are_named(database: Database) -> None:
    with database.begin() as connection:
        one, other = link(connection), link(connection, "2", "2")
        links.advance(connection, one, {SIDES[1]: {"Name": ("B", "B", "text"), "Zip": ("1", "1", "text")}})

        assert raw_bases(connection, one) == {
            SIDES[0]: {"Name": " A", "City": None},
            SIDES[1]: {"Name": "B", "City": None, "Zip": "1"},
        }
        assert raw_bases(connection, other)[SIDES[1]] == {"Name": " A", "City": None}


def test_a_write_counts_and_a_plan_that_saw_an_older_count_is_refused(database: Database) -> None:
    with database.begin() as connection:
        one = link(connection)
        links.advance(connection, one, {}, written=(SIDES[1], 0))
        assert links.of_records(connection, "customers", SIDES[1], ["1", "9"]) == {"1": (one, 1)}
        assert links.of_records(connection, "customers", SIDES[0], ["1"]) == {"1": (one, 0)}
    with pytest.raises(OutdatedError), database.begin() as connection:
        links.advance(connection, one, {}, written=(SIDES[1], 0))


def test_bases_of_fields_that_leave_are_kept_aside_until_the_same_twins_come_back(database: Database) -> None:
    twins, others = {"Name": {SIDES[0]: "Name", SIDES[1]: "title"}}, {"Name": {SIDES[0]: "Name", SIDES[1]: "vendor"}}

    def shelve(left: links.Twins, back: links.Twins) -> int:
        pages, after = 0, 0
        with database.begin() as connection:
            while after := links.shelve(connection, "customers", left, back, after=after, size=2):
                pages += 1
        return pages

    with database.begin() as connection:
        made = [link(connection, str(n), str(n)) for n in range(5)]
        before = [raw_bases(connection, one) for one in made]
    assert shelve(twins, {}) == 3
    with database.read() as connection:
        assert all(raw_bases(connection, one) == {side: {"City": None} for side in SIDES} for one in made)
    shelve({}, twins)
    with database.read() as connection:
        assert [raw_bases(connection, one) for one in made] == before
    shelve(twins, {})
    shelve({}, others)
    with database.read() as connection:
        assert all(raw_bases(connection, one) == {side: {"City": None} for side in SIDES} for one in made)


def test_pairs_out_of_tune_are_found_page_by_page(database: Database) -> None:
    tuned = {"Name": " A", "City": None}
    with database.begin() as connection:
        made = {}
        for n, (left, right, scope) in enumerate(
            [
                (tuned, tuned, "active"),
                ({**tuned, "Name": "B"}, tuned, "active"),
                (tuned, {**tuned, "City": "Moss"}, "active"),
                ({**tuned, "Name": "B"}, tuned, "archived"),
                (tuned, {"Name": " A"}, "active"),
            ],
            start=1,
        ):
            made[n] = link(connection, str(n), str(n))
            see(connection, SIDES[0], str(n), left, scope)
            see(connection, SIDES[1], str(n), right)

        first = links.out_of_tune(connection, "customers", SIDES, limit=2)
        rest = links.out_of_tune(connection, "customers", SIDES, after=int(first["link_id"].iloc[-1]))
        window = links.out_of_tune(connection, "customers", SIDES, window=("2026-02", "2026-03"))

        assert [list(frame["link_id"]) for frame in (first, rest, window)] == [
            [made[2], made[3]],
            [made[5]],
            [made[2]],
        ]
        assert links.count_in_tune(connection, "customers", SIDES) == 1
