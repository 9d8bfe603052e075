"""People are told of a run by settings alone, and never at the cost of a run."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email import message_from_string
from types import SimpleNamespace
from typing import Any

import pytest
from receiver import Mailbox, Webhook, serving

from samklang.errors import ConfigurationError
from samklang.settings import notifications

pytestmark = pytest.mark.airflow

RUN = "manual__2026-11-25T17:40:06+00:00"


@pytest.fixture
def webhook(environment: Callable[..., None]) -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        environment("chat", **server.connection)
        yield server


def notifier(**options: Any) -> Any:
    from samklang.airflow.notifying import RunNotifier

    return RunNotifier(**{"event": "failed", "webhook": "chat", **options})


def failed() -> dict[str, Any]:
    """The least that a DAG's callback is given."""
    from airflow.sdk import DAG

    return {"dag": DAG("sync_customers", schedule=None), "run_id": RUN, "reason": "task_failure"}


def settled(note: str | None) -> dict[str, Any]:
    """What it is given otherwise, with what settle left."""
    return {**failed(), "ti": SimpleNamespace(task_id="settle", xcom_pull=lambda **_: note)}


@contextmanager
def listening(handler: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of bytes for one connection."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                handler(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


# --- settings


def test_nobody_is_told_unless_a_setting_says_so() -> None:
    assert not notifications({"SAMKLANG_NOTIFY_WEBHOOK": " ", "SAMKLANG_DEADLINE": ""})


def test_the_settings_say_who_is_told_and_when_a_run_is_late() -> None:
    told = notifications({"SAMKLANG_NOTIFY_EMAIL": "a@b.example, c@d.example", "SAMKLANG_DEADLINE": "90m"})
    assert told.emails == ("a@b.example", "c@d.example")
    assert told.deadline == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SAMKLANG_NOTIFY_WEBHOOK", "https://chat.example/services/Qsecret"),
        ("SAMKLANG_NOTIFY_EMAIL", "Qpostkassen"),
        ("SAMKLANG_DEADLINE", "soon"),
        ("SAMKLANG_DEADLINE", "0h"),
        ("SAMKLANG_DEADLINE", "2h"),  # and nobody to tell
    ],
)
def test_a_wrong_setting_shows_as_an_import_error_that_names_it(
    setting: str, value: str, environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from test_dag_files import ROOT

    monkeypatch.setenv(setting, value)
    errors = DagBag(dag_folder=str(ROOT / "dags" / "sync_customers.py")).import_errors
    assert len(errors) == 1
    assert setting in next(iter(errors.values()))
    with pytest.raises(ConfigurationError) as raised:
        notifications({setting: value})
    assert "Q" not in str(raised.value)


def test_the_settings_reach_the_dag_its_review_and_its_deadline(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.airflow.dag import build_dag

    monkeypatch.setenv("SAMKLANG_NOTIFY_WEBHOOK", "chat")
    monkeypatch.setenv("SAMKLANG_DEADLINE", "2h")
    dag = build_dag("customers")
    assert [callback.event for callback in dag.on_failure_callback] == ["failed"]
    assert [one.event for one in dag.get_task("review").notifiers] == ["waiting"]
    assert [(alert.interval, alert.callback.kwargs["event"]) for alert in dag.deadline] == [
        (timedelta(hours=2), "late")
    ]


# --- messages


def test_a_webhook_gets_the_dag_the_run_the_reason_and_a_link(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.example/airflow/")
    notifier()(settled("Customers: extract_shopify failed.\n- Read 43 in PowerOffice Go (whole)"))
    link = "https://data.example/airflow/dags/sync_customers/runs/manual__2026-11-25T17%3A40%3A06%2B00%3A00"
    why = "Customers: extract_shopify failed"
    assert webhook.posts == [
        {
            "dag": "sync_customers",
            "run": RUN,
            "state": "failed",
            "why": why,
            "link": link,
            "text": f"sync_customers failed: {why}. {link}",
        }
    ]


def test_a_run_that_failed_without_a_note_is_told_by_what_airflow_knows(webhook: Webhook) -> None:
    notifier()(settled(None))
    notifier()(failed())
    assert [post["why"] for post in webhook.posts] == ["the task settle failed", "task_failure"]


@pytest.mark.parametrize(("state", "told"), [("running", ["late"]), ("queued", ["late"]), ("failed", [])])
def test_only_a_run_that_has_not_ended_is_late(webhook: Webhook, state: str, told: list[str]) -> None:
    run = {"dag_id": "sync_customers", "dag_run_id": RUN, "state": state}
    notifier(event="late", allowed="90 minutes")({"dag_run": run})
    assert webhook.states() == told


def test_a_mail_says_the_same(environment: Callable[..., None]) -> None:
    with serving(Mailbox()) as mailbox:
        extra = {"from_email": "airflow@data.example", "disable_tls": True, "disable_ssl": True}
        port = mailbox.server_address[1]
        environment("smtp_default", conn_type="smtp", host="127.0.0.1", port=port, extra=extra)
        notifier(webhook=None, emails=["ops@data.example"])(settled("Customers: <b>extract_shopify</b> failed."))
    mail = message_from_string(mailbox.mails[0])
    body = "".join(part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart())  # type: ignore[union-attr]
    assert (mail["to"], mail["subject"]) == ("ops@data.example", "sync_customers: failed")
    assert "&lt;b&gt;extract_shopify" in body


# --- nothing breaks


def test_a_webhook_that_cannot_be_reached_breaks_nothing_and_keeps_its_address_to_itself(
    environment: Callable[..., None], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    environment("chat", conn_type="http", host="http://127.0.0.1:1/services/Qsecret")
    with caplog.at_level(logging.INFO):
        notifier()(settled("Customers: failed."))
    logged = caplog.text + "".join(capfd.readouterr())
    assert "nobody was told by webhook" in logged
    assert "Qsecret" not in logged


def test_a_missing_connection_keeps_nobody_from_getting_a_mail(environment: Callable[..., None]) -> None:
    with serving(Mailbox()) as mailbox:
        extra = {"from_email": "airflow@data.example", "disable_tls": True, "disable_ssl": True}
        port = mailbox.server_address[1]
        environment("smtp_default", conn_type="smtp", host="127.0.0.1", port=port, extra=extra)
        notifier(webhook="nowhere", emails=["ops@data.example"])(settled("Customers: failed."))
    assert len(mailbox.mails) == 1


def test_a_notifier_that_fails_does_not_keep_review_from_asking(environment: Any) -> None:
    from airflow.sdk import BaseNotifier

    from samklang.airflow.dag import build_dag

    told = []

    class Broken(BaseNotifier):
        def notify(self, context: Any) -> None:
            raise RuntimeError("no line")

    class Fine(BaseNotifier):
        def notify(self, context: Any) -> None:
            told.append(context)

    review = build_dag("customers", notifiers=[Broken(), Fine()]).get_task("review")
    review._tell({})  # type: ignore[attr-defined]
    assert len(told) == 1


@pytest.mark.parametrize(
    "host",
    [
        "http://chat.example/services/Qsecret",
        "chat.example/services/Qsecret",
        "https://Quser:Qpassword@chat.example/services/Qsecret",
        "https://ch\u0131t.example/services/Qsecret",
        "ftp://chat.example/services/Qsecret",
    ],
)
def test_a_webhook_without_https_is_told_nothing(
    environment: Callable[..., None], host: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    environment("chat", conn_type="http", host=host)
    with caplog.at_level(logging.DEBUG):
        notifier()(settled("Customers: failed."))
    logged = caplog.text + "".join(capfd.readouterr())
    assert "nobody was told by webhook that a run is failed: ConfigurationError" in logged
    assert "Qsecret" not in logged
    assert "Qpassword" not in logged


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_a_webhook_that_redirects_sends_nothing_elsewhere(
    webhook: Webhook,
    environment: Callable[..., None],
    status: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def redirect(connection: Any) -> None:
        head = f"HTTP/1.1 {status}\r\nLocation: {webhook.connection['host']}\r\nContent-Length: 0\r\n\r\n"
        connection.recv(65536)
        connection.sendall(head.encode())

    with listening(redirect) as port:
        environment("chat", conn_type="http", host=f"http://127.0.0.1:{port}/services/Qsecret")
        with caplog.at_level(logging.DEBUG):
            notifier()(settled("Customers: failed."))
    assert webhook.posts == []
    logged = caplog.text + "".join(capfd.readouterr())
    assert "nobody was told" in logged
    assert "Qsecret" not in logged


def test_a_webhook_that_answers_drop_by_drop_holds_nobody_up(
    environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ten seconds counted between two bytes, so a task waited as long as the other end liked."""
    monkeypatch.setattr("samklang.airflow.notifying._TIMEOUT", 0.5)

    def drip(connection: Any) -> None:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.05)

    with listening(drip) as port:
        environment("chat", conn_type="http", host=f"http://127.0.0.1:{port}/services/Qsecret")
        begun = time.monotonic()
        notifier()(settled("Customers: failed."))
    assert time.monotonic() - begun < 8


def test_an_address_that_is_a_secret_is_in_no_log_at_any_level(
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    notifier()(settled("Customers: failed."))
    assert len(webhook.posts) == 1
    assert "Qsecret" not in caplog.text + "".join(capfd.readouterr())
