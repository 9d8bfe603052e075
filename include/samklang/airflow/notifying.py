"""Telling people of a run, as the settings `SAMKLANG_NOTIFY_…` and `SAMKLANG_DEADLINE` say."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseNotifier

from samklang.airflow.discretion import log_no_messages, mask
from samklang.airflow.links import airflow_url, run_url
from samklang.airflow.names import NOTE, REVIEW, SETTLE
from samklang.settings import Notifications
from samklang.systems.webhook import post

if TYPE_CHECKING:
    from airflow.sdk import Context

_TIMEOUT = 10
"""Seconds that a webhook may take to be reached, and again for its answer."""


def notifiers_of(told: Notifications, event: str) -> list[RunNotifier]:
    """:param event: `failed`, `waiting` (for a person's answer) or `late`."""
    return [RunNotifier(event=event, webhook=told.webhook, emails=told.emails)] if told else []


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted to the webhook, as JSON. `text` is all of it in one line, which chats show as it is."""

    dag: str
    run: str
    state: str
    why: str
    link: str
    text: str


class RunNotifier(BaseNotifier):
    """Tells of one run by webhook, e-mail or both. Where one fails the other is still tried, and no run breaks.

    :param event: `failed`, `waiting` or `late`.
    :param webhook: the id of a connection of type `http`; its host is the whole address.
    :param emails: who gets a mail, through the connection `smtp_default`.
    :param allowed: of a late run: how long it had.
    :param context: of a late run: what Airflow knows of it then, much less than a task does.
    """

    def __init__(
        self,
        *,
        event: str,
        webhook: str | None = None,
        emails: Sequence[str] = (),
        allowed: str = "",
        context: Context | None = None,
    ) -> None:
        super().__init__(context)
        self.event = event
        self.webhook = webhook
        self.emails = list(emails)
        self.allowed = allowed

    def notify(self, context: Context) -> None:
        run: Any = context.get("dag_run")
        if self.event == "late" and run["state"] not in ("queued", "running"):
            return  # it has failed, which was told; Airflow drops the deadlines only of runs that went well
        message = message_of(self.event, context, allowed=self.allowed)
        log_no_messages()
        if self.webhook:
            self._try("webhook", lambda: _post(str(self.webhook), message))
        if self.emails:
            self._try("e-mail", lambda: _mail(self.emails, message))

    def _try(self, way: str, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:  # its words may quote an address that is a secret
            self.log.error("nobody was told by %s that a run is %s: %s", way, self.event, type(error).__name__)
        else:
            self.log.info("told by %s that a run is %s", way, self.event)


def message_of(event: str, context: Mapping[str, Any], *, allowed: str = "") -> Message:
    """:param context: of a task, of a DAG's callback, or of a deadline's, where `dag_run` is a dictionary."""
    run = context.get("dag_run")
    if isinstance(run, Mapping):
        dag_id, run_id = run["dag_id"], run["dag_run_id"]
    else:
        dag_id, run_id = context["dag"].dag_id, context["run_id"]
    link = run_url(dag_id, run_id)
    if event == "waiting":
        why = f"{context['task'].subject}; a person has to approve or reject it"
        link = airflow_url("dags", dag_id, "runs", run_id, "tasks", REVIEW, "required_actions")
    elif event == "late":
        why = f"not finished {allowed} after it was made"
    else:
        why = _failure(context)
    return Message(dag_id, run_id, event, why, link, f"{dag_id} {event}: {why}. {link}")


def _failure(context: Mapping[str, Any]) -> str:
    """The first line of the note that `settle` left; where it left none, the task that failed last."""
    ti = context.get("ti")
    if ti is None:
        return str(context.get("reason") or "unknown")
    note = ti.xcom_pull(task_ids=SETTLE, key=NOTE, map_indexes=-1)
    return str(note).splitlines()[0].rstrip(".") if note else f"the task {ti.task_id} failed"


def _post(conn_id: str, message: Message) -> None:
    """Without the retries of `HttpHook.run`, which log the whole address of a server that does not answer."""
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(http_conn_id=conn_id)
    session = hook.get_conn()
    mask(urlsplit(hook.base_url).path.strip("/") or hook.base_url)  # chats put their secret there
    post(session, hook.base_url, asdict(message), longest=_TIMEOUT)


def _mail(emails: list[str], message: Message) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    body = (
        f'<p>{html.escape(message.why)}</p><p><a href="{html.escape(message.link)}">{html.escape(message.run)}</a></p>'
    )
    SmtpNotifier(to=emails, subject=f"{message.dag}: {message.state}", html_content=body).notify({})
