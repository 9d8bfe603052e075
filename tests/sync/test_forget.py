"""Forget: nothing of a person is left here, nobody else is touched, and no run brings the person back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from sqlalchemy import insert, select
from tests.sync.memory_system import WorkerDiedError
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, RULES, SIDES, World, customers

from samklang.core.clocks import from_datetime
from samklang.core.jsontext import dumps, loads
from samklang.errors import DecisionError, ProtocolError
from samklang.staging import Staging
from samklang.store import lanes
from samklang.store.journal import StoredMemory
from samklang.store.lists import newest_plan
from samklang.store.schema import (
    actions,
    conflicts,
    freezes,
    history,
    holds,
    intents,
    link_sides,
    links,
    metadata,
    orders,
    plan_results,
    refusals,
    revisit,
    runs,
    seen,
    seen_keys,
    tombstones,
    verdicts,
)
from samklang.sync.act import act
from samklang.sync.decide import Desk
from samklang.sync.explain import Terms
from samklang.sync.export import export
from samklang.sync.forget import Forgotten, forget, lift, look
from samklang.sync.freezing import freeze
from samklang.sync.load import load
from samklang.sync.planned import Book
from samklang.sync.settle import settle
from samklang.sync.undo import undo

NewWorld = Callable[..., World]
A, B = "70011", "90022"
KARI: dict[str, str | None] = {
    "email": "canary-mail@post.example", "first": "Canarykari", "last": "Canarylie", "line1": "Canaryvei 1",
    "city": "Canaryby", "zip": "1530", "country": "NO", "phone": "+4798765432",
}  # fmt: skip
OLA: dict[str, str | None] = {"email": "ola@post.example", "first": "Ola", "last": "Dal", "phone": "22334455"}
PERSONAL = ("canary", "98765432")


def terms(world: World) -> Terms:
    return Terms(world.mapping, {side: RULES["customers", side] for side in SIDES}, from_datetime(world.tick()))


def staging(world: World) -> Staging:
    return Staging(world.folder / "staging", world.database.store_id())


def forgotten(world: World, text: str = f"{LEFT}:{A}") -> Forgotten:
    return forget(world.database, terms(world), staging(world), text, who="kim", via="cli")


def do(world: World, what: Callable[[Desk], Any]) -> Any:
    return act(world.database, terms(world), "try", what, person="kim", via="cli")


def in_the_store(world: World) -> str:
    """All that it holds, as text, and for a file its raw bytes with those of its log."""
    text = str([list(row.values()) for table in metadata.sorted_tables for row in world.rows(table)])
    files = world.folder.glob("store.db*")
    return "\n".join([text, *(path.read_bytes().decode("latin-1") for path in files)])


def staged(world: World) -> str:
    """All that stands in staged files, packed or not."""
    text = []
    for path in (world.folder / "staging").rglob("*.*"):
        text.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            text.append(str(parquet.read_table(path).to_pylist()))
    return "\n".join(text)


def staged_rows(world: World, text: str) -> list[str]:
    """Rows and lines of staged files that have a text."""
    rows: list[str] = []
    for path in (world.folder / "staging").rglob("*.*"):
        table = path.suffix == ".parquet"
        rows += map(str, parquet.read_table(path).to_pylist()) if table else path.read_text().splitlines()
    return [row for row in rows if text in row]


def tables(world: World) -> dict[str, Any]:
    """All that the store holds, but for whose turn it is."""
    return {table.name: world.rows(table) for table in metadata.sorted_tables if table.name != "meta"}


def traces(world: World) -> list[str]:
    kept = (in_the_store(world) + staged(world)).lower()
    return [personal for personal in PERSONAL if personal in kept]


def mentions(world: World) -> list[str]:
    """Their ids, wherever a text of the store or of a staged file names them."""
    kept = str([list(row.values()) for table in metadata.sorted_tables for row in world.rows(table)]) + staged(world)
    return [i for i in (A, B) if i in kept]


def everywhere(world: World) -> World:
    """Kari, twice, and Ola; what the sync keeps of people is there of both, in each table that has people in it."""
    for system, (a, b) in ((world.left, (A, "1")), (world.right, (B, "2"))):
        system.add(id=a, **KARI)
        system.add(id=b, **OLA)
    world.run()
    world.left.edit(A, last="Canaryberg", phone="98765432 or canary")  # one travels, the other is held
    world.left.edit("1", last="Berg", phone="call Ola")
    world.run()
    with world.database.read() as connection:
        number = dict(connection.execute(select(link_sides.c.record_id, link_sides.c.link_id)).all())[A]
        run = connection.execute(select(history.c.run_id).where(history.c.record_id == B).limit(1)).scalar_one()
    world.left.edit(A, first="Canarykarin")
    world.right.edit(B, first="Canarykaja")
    world.right.refuses.add("Canaryvik")
    world.left.edit(A, city="Canaryvik")
    world.run()
    do(world, lambda desk: freeze(desk, f"{LEFT}:{A}", "MailAddress.City"))
    do(world, lambda desk: undo(desk, run_id=run))
    twin = world.left.add(id="70012", email=OLA["email"], first="Olav", last="Dal")  # nobody knows which of the two
    world.run()
    with world.database.begin() as connection:
        at, entity = world.sync().clock(), "customers"
        for side, i in ((RIGHT, A), (RIGHT, "1")):
            connection.execute(
                insert(refusals).values(
                    entity=entity, side=side, source_id=i, field="LastName", reason="invalid", run_id="run-2", at=at
                )
            )
            connection.execute(
                insert(intents).values(
                    entity=entity, side=side, key=f"canary-{i}" if i == A else i, source_id=i, state="done",
                    run_id="run-1", plan_id=1, created_at=at,
                )
            )  # fmt: skip
            connection.execute(insert(revisit).values(entity=entity, side=LEFT, id=i, reason="moved"))
        connection.execute(
            insert(verdicts).values(
                entity=entity, side=LEFT, record_id=A, verdict="excluded", reason="x", candidates="{}", run_id="run-1"
            )
        )
        connection.execute(
            verdicts.update().where(verdicts.c.record_id == twin).values(candidates=dumps({LEFT: [A, "1", twin]}))
        )
        connection.execute(
            runs.update().where(runs.c.run_id == "run-1").values(
                summary=dumps({"held": {"records": [{"side": LEFT, "id": A, "field": "PhoneNumber"}], "more": 0}})
            )
        )  # fmt: skip
    assert number
    return world


PEOPLE = (seen, seen_keys, link_sides, conflicts, holds, refusals, freezes, verdicts, intents, history, orders, revisit)


def about(world: World, table: Any) -> list[dict[str, Any]]:
    """Rows of a table that have one of Kari's ids, or her link."""
    with world.database.read() as connection:
        mine = select(link_sides.c.link_id).where(link_sides.c.record_id == A)
        link = connection.execute(mine).scalar()
    return [
        row
        for row in world.rows(table)
        if {A, B}.intersection(str(value) for value in row.values())
        or (link is not None and row.get("link_id") == link)
        or A in str(row.get("record_ids", ""))
    ]


# --- nothing is left ------------------------------------------------------------------------------------------------


def test_no_byte_of_a_person_is_left_in_the_store_or_in_staged_files(world_on_each_store: World) -> None:
    world = everywhere(world_on_each_store)
    assert [table.name for table in PEOPLE if not about(world, table)] == []
    assert traces(world) == list(PERSONAL)

    done = forgotten(world, "canary-mail@post.example")

    assert sorted(done.records) == [(LEFT, A), (RIGHT, B)]
    assert set(done.rows) == {table.name for table in PEOPLE}
    assert traces(world) == []
    assert mentions(world) == []


def test_other_people_are_untouched(world: World) -> None:
    everywhere(world)

    def others(table: Any) -> list[dict[str, Any]]:
        mine = about(world, table)
        return [row for row in world.rows(table) if row not in mine]

    before = {table.name: others(table) for table in (*PEOPLE, plan_results, links) if table is not verdicts}
    lines = len(staged_rows(world, "ola@post.example"))

    forgotten(world)

    for table in (*PEOPLE, plan_results):
        if table is not verdicts:
            assert world.rows(table) == before[table.name], table.name
    assert len(staged_rows(world, "ola@post.example")) == lines > 0
    assert {row["state"] for row in world.rows(links)} == {"linked", "ended"}
    (judged,) = [row for row in world.rows(verdicts) if row["record_id"] == "70012"]
    assert loads(judged["candidates"]) == {LEFT: ["1", "70012"]}


def test_who_forgot_and_when_is_kept_with_digests_only(world: World) -> None:
    everywhere(world)
    forgotten(world)

    kept = [(row["what"], row["person"], row["via"]) for row in world.rows(actions)]
    assert kept == [("try", "kim", "cli"), ("try", "kim", "cli"), ("forget", "kim", "cli")]
    digests = {row["digest"] for row in world.rows(tombstones)}
    for row in world.rows(actions):
        for record in loads(row["records"]):
            assert record in (f"{LEFT}:1", f"{RIGHT}:2") or record.removeprefix("forgotten:") in digests


def test_who_stands_for_all_whose_fields_were_not_shown_is_somebody_else_then(world: World) -> None:
    """Of records that were read while a field was denied, one is noted, to learn when it is shown again."""
    everywhere(world)
    noted = StoredMemory(world.database, "unshown")
    noted[f"customers.{LEFT}"] = f"7 {A}"

    forgotten(world)

    assert noted[f"customers.{LEFT}"] in ("7 1", "7 70012")


def test_forgetting_again_changes_nothing(world: World) -> None:
    everywhere(world)
    forgotten(world)
    before = tables(world)

    assert forgotten(world) == Forgotten(records=[(LEFT, A)])
    with pytest.raises(DecisionError, match="forgotten already"):
        forgotten(world, "canary-mail@post.example")
    assert tables(world) == before


@pytest.mark.parametrize("step", ["staged", "stored", "swept"])
def test_what_broke_off_is_finished_by_doing_it_again(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    everywhere(world)

    def die(*_: Any, **__: Any) -> None:
        raise WorkerDiedError

    with monkeypatch.context() as patch:
        if step == "staged":
            replace, left = Staging.replace_file, [2]

            def replace_two(*arguments: Any) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise WorkerDiedError
                replace(*arguments)

            patch.setattr(Staging, "replace_file", replace_two)
        elif step == "stored":
            patch.setattr("samklang.sync.forget._erase", die)
        else:
            patch.setattr("samklang.sync.forget.erase_traces", die)
        with pytest.raises(WorkerDiedError):
            forgotten(world)

    forgotten(world)
    assert traces(world) == []


# --- beside runs ----------------------------------------------------------------------------------------------------


def test_nobody_is_forgotten_under_a_run_that_is_under_way(world: World) -> None:
    everywhere(world)
    run = world.begin()
    plan = world.plan(run)
    before = in_the_store(world) + staged(world)

    with pytest.raises(DecisionError, match=r"under way \(run-5\).*approve or reject it"):
        forgotten(world)

    assert in_the_store(world) + staged(world) == before
    world.carry_out(run, plan)
    assert forgotten(world).rows


def test_nobody_is_forgotten_while_a_cleared_load_is_at_work(world: World) -> None:
    world.pair(**KARI)
    with (
        lanes.take(world.database, "customers", RIGHT, run_id="run-1", at="now", sleep=lambda _: None),
        pytest.raises(DecisionError, match="is writing customers right now"),
    ):
        forgotten(world, "canary-mail@post.example")


def test_a_run_that_died_is_no_obstacle_once_a_newer_one_has_ended(world: World) -> None:
    everywhere(world)
    world.read(world.begin())
    with pytest.raises(DecisionError, match="under way"):
        forgotten(world)

    world.run()
    forgotten(world)
    assert traces(world) == []


def test_a_run_that_begins_meanwhile_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(world)
    erase = Staging.drop_unfinished

    def meanwhile(self: Staging, folder: str) -> None:
        monkeypatch.setattr(Staging, "drop_unfinished", erase)
        world.run(dry_run=True)

    monkeypatch.setattr(Staging, "drop_unfinished", meanwhile)
    with pytest.raises(DecisionError, match="Do it again"):
        forgotten(world)
    forgotten(world)
    assert traces(world) == []


def test_rows_of_a_staged_plan_keep_their_numbers(world: World) -> None:
    """A load that failed is cleared after somebody of its plan was forgotten: everybody else gets what was planned."""
    for i, values in (("1", OLA), (A, KARI), ("80000", OLA | {"email": "per@post.example", "phone": None})):
        world.left.add(id=i, **values)
    world.right.fails = ProtocolError("down", system=RIGHT)
    run = world.begin()
    plan = world.plan(run)
    world.carry_out(run, plan)
    rows = list(staging(world).read_lines(plan["folder"], "rows"))
    assert [row["source_id"] for row in rows] == ["1", A, "80000"]

    forgotten(world)
    world.right.fails = None
    written = load(world.sync(), RIGHT, plan)

    rows = list(staging(world).read_lines(plan["folder"], "rows"))
    assert [(row["side"], row["source_id"]) for row in rows] == [(RIGHT, "1"), ("", ""), (RIGHT, "80000")]
    assert written["outcomes"] == {"created": 2}
    assert sorted(row["row"] for row in world.rows(plan_results)) == [0, 2]
    with world.database.read() as connection:
        shown = newest_plan(connection, "customers")
        assert shown is not None
        book = Book(connection, staging(world), world.mapping, shown)
        first = book.rows(limit=1)
        assert [(one["n"], one["outcome"]) for one in (*first.rows, *book.rows(after=first.next).rows)] == [
            (0, "created"), (2, "created"),
        ]  # fmt: skip
    assert {world.right.value(i, "email") for i in world.right.records} == {"ola@post.example", "per@post.example"}


def test_a_read_that_was_not_taken_in_yet_can_still_be(world: World) -> None:
    world.left.add(id=A, **KARI)
    world.left.add(id="1", **OLA)
    run = world.begin()
    reads = world.read(run)
    settle(world.sync(), run, reads=reads, plan=None, written={}, failed=["transform"])

    forgotten(world)  # known to nobody but the staged file
    assert traces(world) == []
    world.carry_out(run, world.plan(run, reads))

    assert [row["id"] for row in world.rows(seen) if row["side"] == LEFT] == ["1"]
    assert world.right.written()[0][2]["email"] == "ola@post.example"
    assert len(world.right.records) == 1


def test_an_unfinished_creation_is_not_finished(world: World) -> None:
    """The process died over it, so a record of the person may stand at the target by now."""
    world.left.add(id=A, **KARI)
    world.right.die_after = 1
    world.run()
    assert [row["state"] for row in world.rows(intents)] == ["open"]
    assert len(world.right.records) == 1

    forgotten(world)
    for _ in range(2):
        world.run(mode="full")

    assert (world.rows(seen), world.rows(links), world.rows(intents)) == ([], [], [])
    assert len(world.right.records) == 1


# --- and does not come back -----------------------------------------------------------------------------------------


def test_runs_do_not_bring_the_person_back_and_say_how_many_were_left_out(world: World) -> None:
    everywhere(world)
    forgotten(world)
    world.forget_writes()
    world.left.edit(A, last="Canaryholm")
    world.right.add(id="90099", **KARI)  # again, by herself, with a new id

    summaries = [world.run(mode=mode) for mode in ("full", "changes", "auto", "full")]

    assert summaries[0]["forgotten"] == summaries[-1]["forgotten"] == {LEFT: 1, RIGHT: 2}
    assert traces(world) == []
    assert [i for _, i, _ in world.left.writes + world.right.writes if i in (A, B, "90099")] == []
    assert len(world.right.records) == 3
    assert all(not summary["gone"] for summary in summaries)


def test_who_is_erased_in_one_system_only_is_not_made_anew_there(world: World) -> None:
    a, b = world.pair(**KARI)
    forgotten(world, f"{RIGHT}:{b}")
    world.right.delete(b)

    for _ in range(3):
        world.run(mode="full")

    assert world.writes() == 0
    assert world.right.records == {}
    assert list(world.left.records) == [a]


def test_those_who_are_left_out_are_not_missed(world: World) -> None:
    """Of 30 known people 12 are forgotten: a read of the other 18 is no read that came short."""
    for n in range(30):
        world.left.add(id=str(n + 1), **OLA | {"email": f"c{n}@post.example", "phone": None})
    world.run()
    for n in range(12):
        forgotten(world, f"{LEFT}:{n + 1}")
    world.left.total = 30

    summary = world.run(mode="full")

    assert summary["reads"][LEFT] == {"rows": 18, "whole": True}
    assert summary["forgotten"] == {LEFT: 12, RIGHT: 12}
    for n in range(12, 30):
        world.left.hidden.add(str(n + 1))
    world.left.total = None
    world.left.while_reading = lambda: world.left.hidden.clear()
    with pytest.raises(ProtocolError, match="with 12 records; 18 are known"):
        world.run(mode="full")


def test_somebody_who_is_known_may_be_given_the_key_of_somebody_who_was_forgotten(world: World) -> None:
    everywhere(world)
    forgotten(world)
    world.right.delete(B)  # no two customers of a shop have one address
    world.left.edit("1", email=KARI["email"])

    summary = world.run()

    assert LEFT not in summary["forgotten"]
    assert world.right.value("2", "email") == KARI["email"]


def test_the_same_person_can_come_back(world: World) -> None:
    a, b = world.pair(**KARI)
    forgotten(world, "canary-mail@post.example")
    with pytest.raises(DecisionError, match="Nobody"):
        do(world, lambda desk: lift(desk, "other@post.example"))

    assert do(world, lambda desk: lift(desk, " Canary-Mail@post.example ")) == 3
    world.run(mode="full")

    assert world.rows(tombstones) == []
    assert world.status()["linked"] == 1
    assert (world.left.show(a), world.right.show(b)) == (KARI, KARI)
    assert "canary" not in str(world.rows(actions)).lower()


def test_who_comes_back_finds_the_former_twin_and_gets_no_second_one(world: World) -> None:
    _, b = world.pair(**KARI)
    _, other = world.pair(email="ola@post.example", first="Ola", last="Lie")
    forgotten(world, "canary-mail@post.example")
    for number in range(3):  # windows move on
        world.right.edit(other, last=f"Lie {number}")
        world.run()
    do(world, lambda desk: lift(desk, "canary-mail@post.example"))

    world.run()  # by window, as most runs are: nobody has edited anything

    assert world.status()["linked"] == 2
    assert list(world.right.records) == [b, other]


# --- who is meant ---------------------------------------------------------------------------------------------------


def test_two_who_share_a_key_and_are_no_twins_are_not_taken_for_one(world: World) -> None:
    world.left.add(id=A, **KARI)
    world.left.add(id="1", **KARI | {"first": "Ola"})
    world.run()

    with pytest.raises(DecisionError, match="not twins"):
        forgotten(world, "canary-mail@post.example")
    done = forgotten(world)

    assert (done.records, done.others) == ([(LEFT, A)], [(LEFT, "1")])
    assert [row["id"] for row in world.rows(seen)] == ["1"]
    with world.database.read() as connection:
        assert look(connection, world.mapping, f"{LEFT}:1").others == []


def test_records_that_a_person_keeps_apart_are_two_persons(world: World) -> None:
    a, b = world.pair(**KARI)
    do(world, lambda desk: desk.unlink(f"{LEFT}:{a}"))

    done = forgotten(world, f"{LEFT}:{a}")

    assert done.records == [(LEFT, a)]
    assert [(row["side"], row["record_id"]) for row in world.rows(link_sides)] == [(RIGHT, b)]
    world.run(mode="full")
    assert world.writes() == 0


def test_what_was_deleted_and_made_anew_is_forgotten_with_it(world: World) -> None:
    gone = world.right.add(**KARI)
    world.run()
    world.right.delete(gone)
    for _ in range(2):
        world.run(mode="full")
    there = world.right.add(**KARI)
    world.run()

    assert sorted(forgotten(world, f"{RIGHT}:{there}").records) == [(RIGHT, gone), (RIGHT, there)]
    assert traces(world) == []


# --- export ---------------------------------------------------------------------------------------------------------


def test_an_export_holds_all_that_is_kept_and_nothing_of_others(world_on_each_store: World) -> None:
    world = everywhere(world_on_each_store)

    found = export(world.database, world.mapping, staging(world), "canary-mail@post.example")

    assert sorted(found["records"]) == [f"{LEFT}:{A}", f"{RIGHT}:{B}"]
    for section, table in (
        ("last_seen", seen), ("match_keys", seen_keys), ("last_synchronised", link_sides), ("conflicts", conflicts),
        ("held", holds), ("refusals", refusals), ("frozen", freezes), ("why_without_a_twin", verdicts),
        ("creations", intents), ("history", history), ("put_back", orders), ("to_read_again", revisit),
    ):  # fmt: skip
        mine = [row for row in about(world, table) if A not in str(row.get("candidates", ""))]
        assert len(found[section]) == len(mine), section
    assert found["links"]
    assert len(found["actions"]) == 2
    (left, right) = sorted(found["last_seen"], key=lambda row: row["side"])
    assert (left["values"]["LastName"], right["values"]["LastName"]) == ("Canaryberg", "Canarylie")
    text = dumps(found)
    assert "ola@post.example" not in text
    lines = [one for one in found["staged_files"] if "part-" in one["file"]]
    assert {one["content"]["id"] for one in lines} == {A, B}
    assert all(one["content"]["raw"]["EmailAddress"] == KARI["email"] for one in lines)
    assert {Path(one["file"]).name for one in found["staged_files"]} >= {"rows.jsonl", "tuned.jsonl", "clashes.jsonl"}


def test_an_export_of_nobody_says_so(world: World) -> None:
    with pytest.raises(DecisionError, match="No record"):
        export(world.database, customers(NO_LIMITS), staging(world), "nobody@post.example")
