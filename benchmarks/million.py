"""A store as it is after years: a million twins, and some of everything that a person has to look at."""

from __future__ import annotations

from sqlalchemy import Connection, text

from samklang.core.plan import FieldChange, Row
from samklang.staging import Staging
from samklang.store import lists
from samklang.store.database import Database

HOLDS, CONFLICTS, AMBIGUOUS, UNLINKED, RUNS = 5_000, 2_000, 1_000, 20_000, 2_000
PLANNED = 200_000  # rows of the newest plan
GO, SHOP = "powerofficego", "shopify"
GO_FIRST, SHOP_FIRST = 20_000_000, 7_000_000_000_000  # so that ids, as text, are all of one length

_RAW = (
    """'{"EmailAddress":"' || {email} || '","FirstName":"Kari","LastName":"Lie ' || n || '",'"""
    """ || '"MailAddress.AddressLine1":"Storgata ' || n || '","MailAddress.AddressLine2":null,'"""
    """ || '"MailAddress.City":"Bergen","MailAddress.CountryCode":"NO","MailAddress.ZipCode":"5003",'"""
    """ || '"PhoneNumber":"+4722334455"}'"""
)
_FORM = (
    '\'{"EmailAddress":"email","FirstName":"text","LastName":"text","MailAddress.AddressLine1":"text",'
    '"MailAddress.AddressLine2":"text","MailAddress.City":"text","MailAddress.CountryCode":"country",'
    '"MailAddress.ZipCode":"text","PhoneNumber":"phone"}\''
)
_EMAIL = "'kari.' || n || '@post.example'"
_CLOCK = "'2026-01-' || (10 + n % 18) || 'T00:00:00.0000000Z'"


def fill(database: Database, pairs: int = 1_000_000) -> None:
    """Customers: `pairs` of twins; then records of which no two are twins, with ids above all others."""
    alone = UNLINKED // 2
    with database.begin() as connection:
        for side, first in ((GO, GO_FIRST), (SHOP, SHOP_FIRST)):
            _records(connection, side, first, 1, pairs, linked="true")
            _records(connection, side, first, pairs + 1, pairs + alone, email=f"'{side}.' || n || '@post.example'")
        for round_ in range(2):  # 1,000 keys, each held by two records of the one and one of the other
            shift = pairs + alone + round_ * AMBIGUOUS
            email = f"'double.' || (n - {shift}) || '@post.example'"
            _records(connection, GO, GO_FIRST, shift + 1, shift + AMBIGUOUS, email=email)
            if not round_:
                _records(connection, SHOP, SHOP_FIRST, shift + 1, shift + AMBIGUOUS, email=email)
        _links(connection, pairs)
        _verdicts(connection, pairs, alone)
        _reports(connection)
        _runs(connection)
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def _numbers(connection: Connection, first: int, last: int, insert: str) -> None:
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) "
    target, select = insert.split(" SELECT ", 1)
    if connection.dialect.name == "sqlite":
        connection.execute(text(_bare(f"{numbers}{target} SELECT {select} FROM numbers")))
    else:
        series = f"generate_series({first}, {last}) AS numbers(n)"
        connection.execute(text(_bare(f"{target} SELECT {select} FROM {series}")))


def _bare(sql: str) -> str:
    """Colons in what we write are text, never the name of a value."""
    return sql.replace(":", r"\:")


def plan(database: Database, staging: Staging) -> lists.Plan:
    """A mass edit: a first name in each row, of which one in a thousand had moved."""
    folder = staging.folder("customers", f"run-{RUNS}", f"plan-{RUNS}")
    change = FieldChange("FirstName", "Kari", "Karin", "edit", ("Karin", "Karin", "text"))
    staging.write_lines(
        folder, "rows",
        (Row(SHOP, "update", str(GO_FIRST + n), [change], str(SHOP_FIRST + n)) for n in range(1, PLANNED + 1)),
    )  # fmt: skip
    for name in ("tuned", "held", "clashes", "verdicts"):
        staging.write_lines(folder, name, [])
    with database.begin() as connection:
        _numbers(
            connection, 0, PLANNED - 1,
            "INSERT INTO plan_results (plan_id, side, row, outcome, reason, at) SELECT "
            f"{RUNS}, '{SHOP}', n, CASE WHEN n % 1000 = 999 THEN 'moved' ELSE 'written' END, NULL, {_CLOCK}",
        )  # fmt: skip
        found = lists.plan(connection, "customers", RUNS)
        assert found is not None
        return found


def _records(
    connection: Connection, side: str, start: int, first: int, last: int, email: str = _EMAIL, linked: str = "NULL"
) -> None:
    raw = _RAW.replace("{email}", email)
    record_id = f"CAST({start} + n AS VARCHAR(64))"
    columns = "entity, side, id, raw, normal, form, facts, scope, created, clock, group_clocks, ticket, missing"
    _numbers(
        connection, first, last,
        f"INSERT INTO seen ({columns}, linked) SELECT 'customers', '{side}', {record_id}, {raw}, {raw}, {_FORM}, "
        f"'{{}}', 'active', {_CLOCK}, {_CLOCK}, '{{}}', 1, 0, {linked}",
    )  # fmt: skip
    _numbers(
        connection, first, last,
        f"INSERT INTO seen_keys (entity, side, id, field, value) SELECT 'customers', '{side}', {record_id}, "
        f"'EmailAddress', {email}",
    )  # fmt: skip


def _links(connection: Connection, pairs: int) -> None:
    """One in a hundred is kept apart by a person."""
    _numbers(
        connection, 1, pairs,
        "INSERT INTO links (id, entity, state, origin, run_id, created_at) SELECT n, 'customers', "
        f"CASE WHEN n % 100 = 0 THEN 'excluded' ELSE 'linked' END, 'matched', 'run-1', {_CLOCK}",
    )  # fmt: skip
    raw = _RAW.replace("{email}", _EMAIL)
    for side, first in ((GO, GO_FIRST), (SHOP, SHOP_FIRST)):
        _numbers(
            connection, 1, pairs,
            "INSERT INTO link_sides (link_id, side, entity, record_id, raw, normal, form, revision) SELECT n, "
            f"'{side}', 'customers', CAST({first} + n AS VARCHAR(64)), {raw}, {raw}, {_FORM}, 0",
        )  # fmt: skip


def _verdicts(connection: Connection, pairs: int, alone: int) -> None:
    into = "INSERT INTO verdicts (entity, side, record_id, verdict, reason, candidates, run_id) SELECT 'customers', "
    for side, start in ((GO, GO_FIRST), (SHOP, SHOP_FIRST)):
        _numbers(
            connection, pairs + 1, pairs + alone * 3 // 4,
            f"{into} '{side}', CAST({start} + n AS VARCHAR(64)), 'excluded', CASE WHEN n % 2 = 0 "
            "THEN 'not_in_create_in' ELSE 'archived' END, '{}', 'run-1'",
        )  # fmt: skip
    first = pairs + alone + 1
    second = first + AMBIGUOUS
    for side, start, at in ((GO, GO_FIRST, first), (GO, GO_FIRST, second), (SHOP, SHOP_FIRST, first)):
        n = f"n - {at} + {first}"
        go, twin = f"({GO_FIRST} + {n})", f"({GO_FIRST} + {AMBIGUOUS} + {n})"
        candidates = (
            f"""'{{"powerofficego":["' || {go} || '","' || {twin} || '"],"shopify":["' || ({SHOP_FIRST} + {n}) """
            """|| '"]}'"""
        )
        _numbers(
            connection, at, at + AMBIGUOUS - 1,
            f"{into} '{side}', CAST({start} + n AS VARCHAR(64)), 'ambiguous', 'EmailAddress_held_more_than_once', "
            f"{candidates}, 'run-1'",
        )  # fmt: skip


def _reports(connection: Connection) -> None:
    columns = (
        "entity, side, source_id, field, reason, remedy, by_system, attempts, retry_at, run_id, since, named, "
        "last_edits, fingerprint"
    )
    _numbers(
        connection, 1, HOLDS,
        f"INSERT INTO holds ({columns}) SELECT 'customers', 'shopify', CAST({GO_FIRST} + n * 7 AS VARCHAR(64)), "
        "CASE WHEN n % 5 = 0 THEN '' ELSE 'PhoneNumber' END, CASE WHEN n % 5 = 0 THEN 'rejected' WHEN n % 2 = 0 "
        "THEN 'phone_taken' ELSE 'phone_unparsable' END, 'Correct the number.', n % 5 = 0, n % 3, NULL, 'run-1', "
        f"{_CLOCK}, NULL, NULL, NULL",
    )  # fmt: skip
    columns = "entity, record_ids, field, kind, raw, base, clocks, certain, rule, winner, state, run_id, plan_id, at"
    _numbers(
        connection, 1, CONFLICTS,
        f"""INSERT INTO conflicts ({columns}) SELECT 'customers', '["' || ({GO_FIRST} + n * 11) || '","' """
        f"""|| ({SHOP_FIRST} + n * 11) || '"]', CASE WHEN n % 3 = 0 THEN 'LastName' ELSE 'FirstName' END, """
        "CASE WHEN n % 4 = 0 THEN 'link' ELSE 'edit' END, "
        """'{"powerofficego":"Kari","shopify":"Karin"}', NULL, """
        """'{"powerofficego":"2026-01-01T00:00:00.0000000Z","shopify":"2026-01-01T00:00:01.0000000Z"}', """
        "n % 2 = 0, CASE WHEN n % 10 = 0 THEN 'ask' ELSE 'latest' END, CASE WHEN n % 10 = 0 THEN NULL ELSE 'shopify' "
        f"END, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'decided' END, 'run-' || n, n, {_CLOCK}",
    )  # fmt: skip


def _runs(connection: Connection) -> None:
    started = "'2026-01-01T' || CAST(1000000 + n AS VARCHAR(40))"
    _numbers(
        connection, 1, RUNS,
        "INSERT INTO runs (entity, run_id, kind, state, summary, started_at, finished_at) SELECT 'customers', "
        f"'run-' || n, CASE WHEN n % 20 = 0 THEN 'plan' ELSE 'scheduled' END, 'success', '{{}}', {started}, {started}",
    )  # fmt: skip
    _numbers(
        connection, 1, RUNS,
        "INSERT INTO plans (id, entity, run_id, state, folder, counts, adopted, created_at) SELECT n, 'customers', "
        f"'run-' || n, 'approved', 'customers/run-' || n || '/plan-' || n, '{{}}', n > 0, {started}",
    )  # fmt: skip
