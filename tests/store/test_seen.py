"""What was last seen of each record, and who holds which key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import dumps
from samklang.core.records import Scope
from samklang.store import holders, links, seen
from samklang.store.database import Database

LEFT, RIGHT = SIDES = ("powerofficego", "shopify")


def put(connection: Connection, side: str, record_id: str, key: str | None = None, **columns: Any) -> None:
    raw = {"Mail": key, "Na_me": "x"}
    row = {
        "id": record_id, "raw": dumps(raw), "normal": dumps(raw), "form": "{}", "facts": "{}", "scope": Scope.ACTIVE,
        "created": "2026", "clock": "2026", "group_clocks": "{}", "our_key": None, "ticket": 1,
        "changed_after": None, "missing": 0, **columns,
    }  # fmt: skip
    seen.put(connection, "customers", side, [row], [(record_id, "Mail", key)] if key else [])


def test_a_record_and_its_keys_are_replaced_by_what_is_seen_later(database: Database) -> None:
    with database.begin() as connection:
        put(connection, LEFT, "1", "a")
        put(connection, LEFT, "1", "b", clock="2027")

        assert seen.known(connection, "customers", LEFT, ["1", "2"])["1"]["clock"] == "2027"
        assert seen.find(connection, "customers", "a") == []
        assert seen.find(connection, "customers", " B ") == [(LEFT, "1")]
        assert seen.find(connection, "customers", "1") == [(LEFT, "1")]


def test_holders_are_all_that_have_a_key_of_a_free_record_on_either_side(database: Database) -> None:
    with database.begin() as connection:
        put(connection, LEFT, "1", "a")
        put(connection, RIGHT, "2", "a", scope=Scope.OUTSIDE)
        put(connection, RIGHT, "3", "a", scope=Scope.GONE)
        put(connection, RIGHT, "4", "a", missing=1)
        put(connection, LEFT, "5", "linked")
        put(connection, RIGHT, "6", "linked")
        put(connection, LEFT, "7", "a")
        sides = [links.LinkSide(side, i, {}) for side, i in ((LEFT, "5"), (RIGHT, "6"))]
        links.create(connection, entity="customers", origin="matched", run_id="r", at="t", sides=sides)

        frame = holders.of_free_records(connection, "customers", "Mail").sort_values("id")
        unlinked = {side: sorted(seen.unlinked(connection, "customers", side)) for side in SIDES}

    assert list(zip(frame["id"], frame["scope"], frame["linked"], strict=True)) == [
        ("1", "active", False),
        ("2", "outside", False),
        ("4", "active", False),
        ("7", "active", False),
    ]
    assert unlinked == {LEFT: ["1", "7"], RIGHT: []}


def test_pages_go_through_every_record_once(database: Database) -> None:
    with database.begin() as connection:
        for n in range(7):
            put(connection, LEFT, str(n))
        last, found = "", []
        while rows := seen.page(connection, "customers", LEFT, after=last, size=3):
            found += [row["id"] for row in rows]
            last = rows[-1]["id"]

    assert found == [str(n) for n in range(7)]


def test_a_field_that_some_record_did_not_answer_is_noticed(database: Database) -> None:
    with database.begin() as connection:
        put(connection, LEFT, "1", 'tricky "Other": value')
        assert not seen.any_without(connection, "customers", LEFT, "Mail")
        assert not seen.any_without(connection, "customers", LEFT, "Na_me")
        assert seen.any_without(connection, "customers", LEFT, "NaXme")
        assert seen.any_without(connection, "customers", LEFT, "Other")
        assert not seen.any_without(connection, "customers", RIGHT, "Other")
        put(connection, LEFT, "2", raw="{}", scope=Scope.GONE)
        assert not seen.any_without(connection, "customers", LEFT, "Mail")
        put(connection, LEFT, "3", raw="{}")
        assert seen.any_without(connection, "customers", LEFT, "Mail")


def test_absences_are_counted_forgotten_and_end_in_gone(database: Database) -> None:
    with database.begin() as connection:
        for n in "123":
            put(connection, LEFT, n)
        seen.set_missing(connection, "customers", LEFT, ["1", "2"])
        assert seen.missing_before(connection, "customers", LEFT) == {"1", "2"}
        seen.set_found(connection, "customers", LEFT, {"2", "3"})
        assert seen.missing_before(connection, "customers", LEFT) == {"1"}
        assert seen.set_gone(connection, "customers", LEFT, ["1", "2"]) == set()  # absent once
        seen.set_missing(connection, "customers", LEFT, ["1"])
        assert seen.set_gone(connection, "customers", LEFT, ["1", "2"]) == {"1"}

        assert seen.missing_before(connection, "customers", LEFT) == set()
        assert seen.present_ids(connection, "customers", LEFT, until=1) == {"2", "3"}
        assert seen.present_ids(connection, "customers", LEFT, until=0) == set()  # seen since that read
        assert seen.count_present(connection, "customers", LEFT) == 2


def test_the_newest_read_that_was_taken_in_is_told_by_its_ticket(database: Database) -> None:
    with database.begin() as connection:
        tickets = [
            seen.start_read(
                connection, entity="customers", side=LEFT, run_id="r", whole=True, started_at="2026", other_clock=f"{n}"
            )
            for n in (1, 2)
        ]
        assert seen.newest_taken_in(connection, "customers", LEFT) == (0, None)
        seen.mark_taken_in(connection, tickets[0])

        assert seen.newest_taken_in(connection, "customers", LEFT) == (tickets[0], "1")
        assert seen.newest_taken_in(connection, "customers", RIGHT) == (0, None)
        assert [seen.was_taken_in(connection, ticket) for ticket in tickets] == [True, False]


def test_lists_of_any_length_fit(database: Database) -> None:
    ids = [str(n) for n in range(12_000)]
    with database.begin() as connection:
        seen.add_revisit(connection, "customers", LEFT, ids, "moved")
        seen.add_revisit(connection, "customers", LEFT, ids[:3], "again")
        assert len(seen.to_revisit(connection, "customers", LEFT)) == 12_000
        assert seen.known(connection, "customers", LEFT, ids) == {}
        seen.drop_revisit(connection, "customers", LEFT, ids[3:])

        assert seen.to_revisit(connection, "customers", LEFT) == ["0", "1", "2"]
