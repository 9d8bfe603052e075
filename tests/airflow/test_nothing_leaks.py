"""Whole runs against systems that repeat keys and values in every failure; then every byte written is searched.

That is Airflow's folder with its database (XCom, rendered templates, serialized DAGs) and logs, all that was logged at
DEBUG or printed, and what was handed to metrics. Values of records may stand in staging and in the store, keys nowhere.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hostile import (
    GOODS,
    PEOPLE,
    PERSONAL,
    READS,
    WRITES,
    Hostile,
    echo,
    files,
    found,
    is_read,
    is_token,
    is_write,
    spellings,
)
from pydantic import BaseModel

pytestmark = pytest.mark.airflow

APPLICATION_KEY = 'Kanari+app/Key=7"x\\y'
CLIENT_KEY = 'Kanari+client/Key=8"x&y'
SUBSCRIPTION_KEY = "Kanari+subscription/Key=9%x"
CLIENT_SECRET = 'Kanari+secret/Of=Shop"&%'
STATIC_TOKEN = "shpat_Kanari+static/Token="
STORE_PASSWORD = 'Kanari+store/Pass@word:"%&'
KEYS = (APPLICATION_KEY, CLIENT_KEY, SUBSCRIPTION_KEY, CLIENT_SECRET, STATIC_TOKEN, STORE_PASSWORD)


@dataclass
class Watched:
    """The world, its hostile side, and everything that was written so far."""

    world: Any
    hostile: Hostile
    caplog: pytest.LogCaptureFixture
    capfd: pytest.CaptureFixture[str]
    metrics: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    printed: str = ""

    def places(self) -> dict[str, bytes]:
        out, err = self.capfd.readouterr()
        self.printed += out + err
        formatter = logging.Formatter("%(name)s %(message)s")
        logged = "\n".join(formatter.format(record) for record in self.caplog.records)
        staged_and_stored = [self.world.folder / "staging", *self.world.folder.glob("store.db*")]
        return {
            **files(Path(os.environ["AIRFLOW_HOME"]), self.world.folder, without=staged_and_stored),
            "the log": logged.encode(),
            "stdout and stderr": self.printed.encode(),
            "metrics": "\n".join(self.metrics).encode(),
        }

    def assert_clean(self) -> None:
        places = self.places()
        assert any(path.endswith("airflow.db") for path in places)
        assert len(places["the log"]) > 1000
        assert found(PERSONAL, places) == []
        private = files(self.world.folder)
        assert found((*KEYS, *self.hostile.minted), {**places, **private}) == []


@pytest.fixture
def watched(
    world: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Watched]:
    from samklang.airflow import discretion
    from samklang.simulators.shopify import access

    monkeypatch.setattr(access, "CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setattr(access, "STATIC_TOKEN", STATIC_TOKEN)
    # failures are tried again once by the client, and not by the task
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.8)
    monkeypatch.setattr("samklang.airflow.dag.RETRIES", 0)
    world.powerofficego.reset(0)
    world.shopify.reset(0)
    world.powerofficego.switches(
        {"application_key": APPLICATION_KEY, "client_key": CLIENT_KEY, "subscription_key": SUBSCRIPTION_KEY}
    )
    url = world.urls["powerofficego"]
    world.set_connection(
        "powerofficego_default",
        conn_type="powerofficego",
        host=f"{url}/v2",
        login=APPLICATION_KEY,
        password=CLIENT_KEY,
        extra={
            "subscription_key": SUBSCRIPTION_KEY,
            "token_url": f"{url}/OAuth/Token",
            "requests_per_second": 1000,
        },
    )
    world.set_connection(
        "shopify_default",
        conn_type="shopify",
        host=world.urls["shopify"],
        login="client",
        password=CLIENT_SECRET,
        extra={"grant_type": "client_credentials"},
    )
    fill(world)
    hostile = Hostile()
    for simulator in (world.powerofficego, world.shopify):
        hostile.wrap(simulator, monkeypatch)
    seen = Watched(world, hostile, caplog, capfd)
    original = discretion.mask_secret
    monkeypatch.setattr(discretion, "mask_secret", lambda s: (seen.masked.append(s), original(s)))
    for name in ("incr", "gauge", "timing"):
        note_metrics(monkeypatch, name, seen.metrics)
    with caplog.at_level(logging.DEBUG):
        for logger in ("urllib3", "requests", "samklang", "sqlalchemy.engine"):
            logging.getLogger(logger).setLevel(logging.DEBUG if logger != "sqlalchemy.engine" else logging.WARNING)
        yield seen
    for logger in ("urllib3", "requests", "samklang", "sqlalchemy.engine"):
        logging.getLogger(logger).setLevel(logging.NOTSET)


def note_metrics(monkeypatch: pytest.MonkeyPatch, name: str, metrics: list[str]) -> None:
    from airflow.sdk.observability import stats

    original = getattr(stats, name)

    def note(*arguments: Any, **options: Any) -> Any:
        metrics.append(f"{name} {arguments} {options}")
        return original(*arguments, **options)

    monkeypatch.setattr(stats, name, note)


def fill(world: Any) -> None:
    """Linked pairs in the making, some of them different, and records of one side only; every value is a canary."""
    for number, person in enumerate(PEOPLE):
        if number % 3 != 1:
            world.powerofficego.edit({"entity": "customers", "create": go_customer(person)})
        if number % 3 != 2:
            other = PEOPLE[(number + 3) % len(PEOPLE)]
            values = shop_customer(person) | ({"firstName": other["first"]} if number % 2 else {})
            world.shopify.edit({"entity": "customers", "create": values})
    for number, good in enumerate(GOODS):
        world.powerofficego.edit(
            {"entity": "products", "create": {"Code": good["code"], "Name": good["name"], "UnitPrice": 99.5}}
        )
        if number % 2:
            world.shopify.edit(
                {"entity": "products", "create": {"title": good["name"], "sku": good["code"], "price": "100.00"}}
            )


def go_customer(person: dict[str, str]) -> dict[str, Any]:
    address = {"AddressLine1": "line1", "AddressLine2": "line2", "City": "city", "ZipCode": "zip"}
    return {
        "FirstName": person["first"],
        "LastName": person["last"],
        "EmailAddress": person["email"],
        "PhoneNumber": person["phone"],
        **{f"MailAddress.{name}": person[key] for name, key in address.items()},
        "MailAddress.CountryCode": "NO",
    }


def shop_customer(person: dict[str, str]) -> dict[str, Any]:
    address = {"address1": "line1", "address2": "line2", "city": "city", "zip": "zip"}
    return {
        "firstName": person["first"],
        "lastName": person["last"],
        "email": person["email"],
        "phone": person["phone"],
        **{f"addresses.{name}": person[key] for name, key in address.items()},
        "addresses.countryCode": "NO",
    }


# --- the search finds what it should


@pytest.mark.parametrize("spelling", range(8))
def test_the_search_finds_a_canary_in_each_spelling(spelling: int, tmp_path: Path) -> None:
    every = sorted(spellings(CLIENT_KEY))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0before" + every[spelling % len(every)] + b"after\xff")
    assert found([CLIENT_KEY], files(tmp_path))


def test_the_search_finds_the_basic_pair() -> None:
    import base64

    pair = base64.b64encode(f"{APPLICATION_KEY}:{CLIENT_KEY}".encode())
    assert found([APPLICATION_KEY], {"a header": b"Basic " + pair})
    assert found([CLIENT_KEY], {"a header": b"Basic " + pair})


# --- whole runs


def test_runs_in_which_everything_works_leak_nothing(watched: Watched) -> None:
    for entity in ("customers", "products"):
        run = watched.world.run(entity, on_guard="proceed")
        assert run.results["settle"]["state"] == "success"
    assert watched.world.status()["linked"] >= 8
    staged = files(watched.world.folder)
    assert found([PEOPLE[0]["email"]], {p: c for p, c in staged.items() if "store.db" in p})  # the canaries were there
    watched.assert_clean()


def test_every_key_and_every_minted_token_is_handed_to_airflow_for_masking(watched: Watched) -> None:
    from airflow.sdk._shared.secrets_masker import redact

    watched.world.run(on_guard="proceed")
    assert len(watched.hostile.minted) >= 3
    keys = (APPLICATION_KEY, CLIENT_KEY, SUBSCRIPTION_KEY, CLIENT_SECRET)
    assert set(watched.masked) >= {*keys, *watched.hostile.minted}
    for secret in (*keys, *watched.hostile.minted):
        for text in (secret, json.dumps({"x": secret}), f"https://x.example/?key={spelled_for_a_url(secret)}"):
            assert not found([secret], {"a masked line": str(redact(text)).encode()})


def spelled_for_a_url(secret: str) -> str:
    from urllib.parse import quote

    return quote(secret, safe="")


def test_what_is_masked_in_a_task_is_masked_by_its_supervisor_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor writes the task's log, in another process, and masks what it was told of."""
    from airflow.sdk.execution_time import task_runner

    from samklang.airflow.discretion import mask

    sent: list[Any] = []

    class Comms:
        def send(self, message: Any) -> None:
            sent.append(message)

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
    mask(CLIENT_KEY)
    assert {type(message).__name__ for message in sent} == {"MaskSecret"}
    assert CLIENT_KEY in {message.value for message in sent}


def test_no_key_is_logged_on_its_way_to_be_masked_by_airflow_dags_test(watched: Watched) -> None:
    """There the supervisor is in the task's process, and logs at DEBUG what it is told to mask."""
    keys = (APPLICATION_KEY, CLIENT_KEY, SUBSCRIPTION_KEY, CLIENT_SECRET)
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    try:
        with structlog.testing.capture_logs() as logged:
            run = watched.world.run(on_guard="proceed")
    finally:
        structlog.configure(wrapper_class=before)
    assert run.state == "success"
    assert any(line["log_level"] == "debug" for line in logged)
    said = [repr(one) for line in logged for one in line.values() if isinstance(one, (str, BaseModel))]
    assert not [text for text in said if any(key in text for key in keys)]


def test_a_static_token_leaks_nothing_either(watched: Watched) -> None:
    watched.world.set_connection(
        "shopify_default", conn_type="shopify", host=watched.world.urls["shopify"], password=STATIC_TOKEN
    )
    watched.hostile.use(is_write, *WRITES.values())
    watched.world.run(on_guard="proceed")
    assert STATIC_TOKEN in watched.masked
    watched.assert_clean()


@pytest.mark.parametrize("fault", READS)
def test_reads_that_fail_leak_nothing(watched: Watched, fault: str) -> None:
    watched.hostile.use(is_read, READS[fault])
    run = watched.world.run(on_guard="proceed")
    assert run.state == "failed"
    assert watched.hostile.fired > 0
    watched.assert_clean()


def test_writes_that_fail_in_every_way_leak_nothing(watched: Watched) -> None:
    world = watched.world
    world.run(on_guard="proceed")
    for number, fault in enumerate(WRITES.values()):
        watched.hostile.use(is_write, fault)
        edit_everybody(world, number)
        before = watched.hostile.fired
        world.run(on_guard="proceed")
        assert watched.hostile.fired > before
    watched.assert_clean()


def edit_everybody(world: Any, number: int) -> None:
    """An edit of each record that is on both sides, and two new ones."""
    for n, customer in enumerate(world.powerofficego.state()["customers"]):
        order = {"entity": "customers", "id": customer["Id"], "set": {"LastName": f"Qetternavnet{number}{n}"}}
        world.powerofficego.edit(order)
    for n, customer in enumerate(world.shopify.state()["customers"]):
        order = {"entity": "customers", "id": customer["id"], "set": {"addresses.city": f"Qbynavnene{number}{n}"}}
        world.shopify.edit(order)
    new = {**PEOPLE[0], "email": f"qpostkassen-ny{number}@qdomenenavn.example", "phone": f"+47987650{number + 30}"}
    world.powerofficego.edit({"entity": "customers", "create": go_customer(new)})


def test_products_whose_writes_fail_leak_nothing(watched: Watched) -> None:
    for fault in (WRITES["400 that echoes"], WRITES["user errors"]):
        watched.hostile.use(is_write, fault)
        watched.world.run("products", on_guard="proceed")
    watched.assert_clean()


@pytest.mark.parametrize("fault", [echo(400), echo(500), echo(200, "text/html")], ids=["400", "500", "HTML"])
def test_tokens_that_are_refused_leak_nothing(watched: Watched, fault: Any) -> None:
    watched.hostile.use(is_token, fault)
    assert watched.world.run(on_guard="proceed").state == "failed"
    assert watched.hostile.fired >= 2
    watched.assert_clean()


def test_a_store_that_cannot_be_reached_leaks_nothing(watched: Watched) -> None:
    watched.world.set_connection(
        "samklang_store",
        conn_type="postgres",
        host="127.0.0.1",
        port=1,
        schema="samklang",
        login="samklang",
        password=STORE_PASSWORD,
    )
    assert watched.world.run(on_guard="proceed").state == "failed"
    assert STORE_PASSWORD in watched.masked
    watched.assert_clean()


def test_a_mistake_of_ours_leaks_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any exception may come with the values it met, and with others behind it."""

    def broken(*_: Any, **__: Any) -> None:
        try:
            raise KeyError(PEOPLE[0]["email"])
        except KeyError as error:
            raise ValueError(f"could not convert {PEOPLE[1]['last']} {CLIENT_KEY}") from error

    monkeypatch.setattr("samklang.sync.transform.transform", broken)
    # its reason for another try is kept in Airflow's database
    monkeypatch.setattr("samklang.airflow.dag.RETRIES", 1)
    monkeypatch.setattr("samklang.airflow.retries.LAST_WAIT", timedelta(milliseconds=1))
    run = watched.world.run(on_guard="proceed")
    assert run.tasks["transform"] == "failed"
    places = watched.places()
    said = places["the log"] + places["stdout and stderr"]
    assert b"ValueError in test_nothing_leaks.py" in said
    assert b"broken" in said
    watched.assert_clean()
