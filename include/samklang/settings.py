"""What the environment sets: where mappings, staged files and the embedded store lie, and who is told of a run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from samklang.core.located_yaml import duration_of
from samklang.errors import ConfigurationError

POWEROFFICEGO_CONNECTION = "powerofficego_default"
SHOPIFY_CONNECTION = "shopify_default"
STORE_CONNECTION = "samklang_store"


def airflow_home(environ: Mapping[str, str]) -> Path:
    """Airflow's own folder."""
    return Path(environ.get("AIRFLOW_HOME") or Path.home() / "airflow").expanduser().absolute()


def default_store_url(environ: Mapping[str, str]) -> str:
    """The embedded store: for one machine only."""
    return f"sqlite:///{airflow_home(environ) / 'samklang.db'}"


def staging_url(environ: Mapping[str, str]) -> str:
    """`SAMKLANG_STAGING`, or a folder under Airflow's own."""
    return environ.get("SAMKLANG_STAGING") or str(airflow_home(environ) / "samklang-staging")


_ON_ONE_MACHINE = ("LocalExecutor", "SequentialExecutor", "DebugExecutor", "InProcessExecutor")


def shared_trouble(
    environ: Mapping[str, str], *, executor: str, has_store: bool, schedulers: Collection[str] = ()
) -> list[str]:
    """What to set where tasks run on several machines; empty where everything is in order.

    :param executor: as Airflow's configuration names it: one or several, by name or class, of one or several teams.
    :param schedulers: the machines that have one, where that is known.
    """
    if _is_on_one_machine(environ, executor) and len(schedulers) < 2:
        return []
    trouble = []
    if not has_store:
        trouble.append(f"Add the connection {STORE_CONNECTION}, a PostgreSQL database that all workers reach.")
    url = staging_url(environ)
    if "://" not in url or url.startswith("file://"):
        trouble.append(
            "Set SAMKLANG_STAGING to object storage that all workers reach, for example s3://aws_default@bucket/samklang."
        )
    return trouble


def _is_on_one_machine(environ: Mapping[str, str], executor: str) -> bool:
    # a pod of the KubernetesExecutor is told that it has a LocalExecutor
    if environ.get("ASTRONOMER_ENVIRONMENT") or environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD"):
        return False
    # such as `LocalExecutor,alias:company.executors.Special;team=CeleryExecutor`
    for part in re.split("[,;]", executor):
        path, _, name = re.split("[=:]", part)[-1].strip().rpartition(".")
        if name not in _ON_ONE_MACHINE or not (path + ".").startswith((".", "airflow.executors.")):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Notifications:
    """Who is told of a run that failed, waits for a person or is late.

    :param webhook: the id of an Airflow connection of type `http`.
    :param emails: sent through Airflow's connection `smtp_default`.
    :param deadline: how long after being queued a run is late.
    """

    webhook: str | None = None
    emails: tuple[str, ...] = ()
    deadline: timedelta | None = None

    def __bool__(self) -> bool:
        return bool(self.webhook or self.emails)


def notifications(environ: Mapping[str, str]) -> Notifications:
    """`SAMKLANG_NOTIFY_WEBHOOK`, `SAMKLANG_NOTIFY_EMAIL` and `SAMKLANG_DEADLINE`; empty ones count as not set.

    :raises ConfigurationError: one of them cannot be used; its value is not repeated, since a URL or an address may
        be private.
    """
    webhook = environ.get("SAMKLANG_NOTIFY_WEBHOOK", "").strip() or None
    if webhook and not re.fullmatch(r"[\w.-]{1,200}", webhook, re.ASCII):
        raise ConfigurationError(
            "SAMKLANG_NOTIFY_WEBHOOK is not the id of a connection.",
            remedy="Put the address into an Airflow connection of type http, and the connection's id here.",
        )
    emails = tuple(address for part in environ.get("SAMKLANG_NOTIFY_EMAIL", "").split(",") if (address := part.strip()))
    if not all(re.fullmatch(r"[^@\s]+@[^@\s]+", address) for address in emails):
        raise ConfigurationError(
            "SAMKLANG_NOTIFY_EMAIL is not a list of e-mail addresses.", remedy="Separate them with commas."
        )
    late = environ.get("SAMKLANG_DEADLINE", "").strip()
    deadline = duration_of(late) if late else None
    if late and not deadline:
        raise ConfigurationError(
            f"SAMKLANG_DEADLINE cannot be `{late}`.",
            remedy="Write minutes, hours or days, such as `90m`, `2h` or `1d`.",
        )
    found = Notifications(webhook, emails, deadline)
    if deadline and not found:
        raise ConfigurationError(
            "SAMKLANG_DEADLINE is set, and nobody would be told.",
            remedy="Set SAMKLANG_NOTIFY_WEBHOOK or SAMKLANG_NOTIFY_EMAIL too.",
        )
    return found
