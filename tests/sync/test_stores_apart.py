"""Two link stores on one staging root, or in one database, never mix what they hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url
from tests.sync.world import LEFT, RIGHT, RULES, World, customers

from samklang.core.clocks import from_datetime
from samklang.errors import ForeignFilesError, StoreError, StoreUnavailableError
from samklang.staging import Staging
from samklang.store import lanes
from samklang.store.database import Database
from samklang.store.schema import reads, seen
from samklang.store.seen import take_turns
from samklang.sync.context import Run
from samklang.sync.expire import expire
from samklang.sync.explain import Terms
from samklang.sync.export import export
from samklang.sync.forget import forget

KARI: dict[str, str | None] = {"email": "kari@a.example", "first": "Kari", "last": "Nordmann"}
OLA: dict[str, str | None] = {"email": "ola@b.example", "first": "Ola", "last": "Dal"}


@pytest.fixture
def companies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[World, World]:
    """Of two, on one staging root, with the same ids of records and runs."""
    made = []
    for name, person in (("a", KARI), ("b", OLA)):
        folder = tmp_path / name
        folder.mkdir()
        (tmp_path / "staging").mkdir(exist_ok=True)
        (folder / "staging").symlink_to(tmp_path / "staging")
        world = World(folder, customers())
        world.left.add(id="7", **person)
        made.append(world)
    return made[0], made[1]


def emails(world: World) -> set[str | None]:
    return {record.values["email"] for record in world.right.records.values()}


def terms(world: World) -> Terms:
    return Terms(
        world.mapping, {side: RULES["customers", side] for side in world.mapping.sides}, from_datetime(world.tick())
    )


# --- staged files


def test_two_companies_on_one_staging_root_never_see_each_others_customers(companies: tuple[World, World]) -> None:
    """One's read was taken in by the other, whose shop got her customers."""
    a, b = companies
    run = Run("scheduled__2026-11-30T12:00:00+00:00")
    read_a, read_b = a.read(run), b.read(run)
    for world, staged in ((a, read_a), (b, read_b)):
        plan = world.plan(run, staged)
        world.approve(plan)
        world.load(plan, RIGHT)

    assert emails(a) == {"kari@a.example"}
    assert emails(b) == {"ola@b.example"}


def test_a_read_of_another_store_is_refused_before_anything_of_it_is_kept(companies: tuple[World, World]) -> None:
    a, b = companies
    run = Run("run-1")
    foreign = a.read(run)
    b.read(run)

    with pytest.raises(ForeignFilesError, match=r"another link store; nothing of them .*samklang_store"):
        b.plan(run, foreign)

    assert b.rows(seen) == []
    assert [row["taken_in"] for row in b.rows(reads)] == [False, False]


@pytest.mark.parametrize("table", [True, False])
def test_a_file_of_another_store_is_refused_wherever_it_lies(companies: tuple[World, World], table: bool) -> None:
    a, b = companies
    folders = [world.sync().staging.folder("customers", "run-1", "plan-1") for world in (a, b)]
    staging = b.sync().staging
    if table:
        a.sync().staging.write_table(folders[0], "part-1", [{"id": "7"}])
    else:
        a.sync().staging.write_lines(folders[0], "rows", [{"id": "7"}])
    shutil.copytree(staging.root / folders[0], staging.root / folders[1], dirs_exist_ok=True)

    with pytest.raises(ForeignFilesError, match="another link store"):
        list(staging.read_tables(folders[1]) if table else staging.read_lines(folders[1], "rows"))


def test_a_plan_of_another_store_with_the_same_number_is_not_carried_out(companies: tuple[World, World]) -> None:
    a, b = companies
    run = Run("run-1")
    plan_a, plan_b = a.plan(run), b.plan(run)
    assert plan_a["plan"] == plan_b["plan"]
    b.approve(plan_b)

    with pytest.raises(StoreError, match=r"not in this store.*samklang_store"):
        b.load(plan_a, RIGHT)

    assert b.writes() == 0


def test_expiry_export_and_forget_touch_this_stores_files_alone(companies: tuple[World, World]) -> None:
    a, b = companies
    run = Run("run-1")
    for world in (a, b):
        world.settle(run, world.plan(run), {}, ["review"])
    staging = a.sync().staging
    before = {path: path.read_bytes() for path in (staging.root / f"store-{b.database.store_id()}").rglob("*.*")}

    exported = export(a.database, a.mapping, staging, f"{LEFT}:7")
    forget(a.database, terms(a), staging, f"{LEFT}:7", who="kim", via="cli")
    a.moment += timedelta(days=15)
    assert expire(a.sync()) == 1

    assert "ola@b.example" not in str(exported)
    assert "kari@a.example" in str(exported["staged_files"])
    assert {path: path.read_bytes() for path in before} == before


def test_files_of_an_earlier_version_are_refused_with_the_way_out_and_named_by_forget(world: World) -> None:
    world.left.add(id="7", **KARI)
    run = Run("run-1")
    staged = world.read(run)
    staging = world.sync().staging
    old = [{**read, "folder": read["folder"].partition("/")[2]} for read in staged]
    shutil.copytree(staging.root / staged[0]["folder"], staging.root / old[0]["folder"])

    with pytest.raises(ForeignFilesError, match=r"earlier version of Samklang.*Nothing is lost: trigger the DAG again"):
        world.plan(run, old)
    world.run()

    assert emails(world) == {"kari@a.example"}
    assert "earlier version" in str(export(world.database, world.mapping, staging, f"{LEFT}:7")["not_looked_at"])
    done = forget(world.database, terms(world), staging, f"{LEFT}:7", who="kim", via="cli")
    assert "remove it" in done.remains[0]


# --- run ids


IDS = [".", "..", "../..", "/etc", "a/b", "a b", "a-b", "A-b", "manual__2026-01-01T00:00:00+00:00",
       "manual__2026-01-01T00-00-00-00-00", "x" * 250, "x" * 249, "\u00e5", "\ud800", "", "-"]  # fmt: skip


def test_each_run_has_a_folder_of_its_own_within_the_stores(tmp_path: Path) -> None:
    """`.` was the entity's own folder, which expiry removed with all runs; ids that differ in signs shared one."""
    staging = Staging(tmp_path, "here")
    folders = {run_id: staging.folder("customers", run_id, "plan-1") for run_id in IDS}

    assert len({folder.casefold() for folder in folders.values()}) == len(IDS)
    parents = {(tmp_path / folder).resolve().parent.parent for folder in folders.values()}
    assert parents == {tmp_path / "store-here" / "customers"}
    assert staging.drop_runs("customers", IDS[:3]) == 3
    assert len(list(staging.folders("customers"))) == len(IDS) - 3


def test_whatever_else_lies_in_the_staging_root_stops_nothing_and_stays_outside(world: World, tmp_path: Path) -> None:
    """A link was followed: expiry emptied the folder that it pointed to. A file in a folder's place was a traceback."""
    world.left.add(id="7", **KARI)
    world.run()
    staging = world.sync().staging
    (step, *_) = [staging.root / folder for folder in staging.folders("customers")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kari@a.example")
    customers_folder = step.parent.parent
    for place in (staging.root, customers_folder, step.parent, step):
        (place / "file").write_text("x")
        (place / "to-a-folder").symlink_to(elsewhere)
        (place / "to-nothing.jsonl").symlink_to(tmp_path / "nothing")
        (place / "folder.parquet").mkdir()
        os.mkfifo(place / "pipe.jsonl")
        (place / os.fsdecode(b"bytes-\xff.jsonl")).write_text('"7"')

    exported = export(world.database, world.mapping, staging, f"{LEFT}:7")
    forget(world.database, terms(world), staging, f"{LEFT}:7", who="kim", via="cli")
    world.moment += timedelta(days=15)
    removed = expire(world.sync())

    assert exported["staged_files"]
    assert removed == 1
    assert not step.parent.exists()
    assert (elsewhere / "kept").read_text() == "kari@a.example"


# --- locks


@pytest.fixture
def schemas(new_postgres_url: Callable[[], str]) -> Iterator[tuple[Database, Database]]:
    """Two stores in one database, each in a schema of its own."""
    url = make_url(new_postgres_url())
    first = Database(url.render_as_string(hide_password=False))
    with first.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")
    second = Database(url.update_query_dict({"options": "-csearch_path=other"}).render_as_string(hide_password=False))
    yield first, second
    first.close()
    second.close()


def test_loads_of_two_stores_in_one_database_do_not_wait_for_each_other(schemas: tuple[Database, Database]) -> None:
    """Both took the same advisory lock: one company's load waited for the other's."""
    first, second = schemas

    def never(_: float) -> None:
        raise AssertionError

    with (
        lanes.take(first, "customers", RIGHT, run_id="1", at="", sleep=never),
        lanes.take(second, "customers", RIGHT, run_id="1", at="", sleep=never),
    ):
        pass
    assert first.store_id() != second.store_id()


def test_reads_of_two_stores_in_one_database_do_not_wait_for_each_other(schemas: tuple[Database, Database]) -> None:
    first, second = schemas

    def take(database: Database) -> None:
        with database.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
            take_turns(connection, "customers", RIGHT)

    with first.begin() as connection:
        take_turns(connection, "customers", RIGHT)
        take(second)
        with pytest.raises(StoreUnavailableError):
            take(first)


def test_a_store_reached_by_two_names_has_one_lock(tmp_path: Path) -> None:
    first = Database(f"sqlite:///{tmp_path / 'store.db'}")
    (tmp_path / "link.db").symlink_to(tmp_path / "store.db")
    second = Database(f"sqlite:///{tmp_path / 'link.db'}")

    def busy(_: float) -> None:
        raise TimeoutError

    with (
        lanes.take(first, "customers", RIGHT, run_id="1", at="", sleep=busy),
        pytest.raises(TimeoutError),
        lanes.take(second, "customers", RIGHT, run_id="2", at="", sleep=busy),
    ):
        pass
