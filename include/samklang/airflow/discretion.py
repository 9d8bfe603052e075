"""What Airflow gets to see of secrets and of errors: masked, and without the words that may quote a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any, cast
from urllib.parse import quote, quote_plus

from airflow.sdk.execution_time import task_runner
from airflow.sdk.log import mask_secret
from sqlalchemy.exc import InterfaceError, OperationalError

from samklang.errors import SamklangError, UnexpectedError

_HARMLESS = (OperationalError, InterfaceError, ImportError, MemoryError)


class _NoDebug:
    """What stands for the log of the messages to a supervisor in the same process."""

    def debug(self, *_: object, **__: object) -> None:
        """Say nothing."""


def log_no_messages() -> None:
    """To be called before a connection is asked for: `airflow dags test` logs each message between a task and its
    supervisor at DEBUG, and those that say what to mask are not masked (Airflow 3.3.2, `InProcessSupervisorComms`)."""
    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if comms is None:
        return
    from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

    if isinstance(comms, InProcessSupervisorComms):
        comms.log = cast(Any, _NoDebug())


def mask(secret: str) -> None:
    """Have Airflow mask a secret in all logs of this task, also as it stands in a URL, a form or JSON."""
    log_no_messages()
    for spelling in dict.fromkeys([secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]):
        mask_secret(spelling)


@contextmanager
def discreet() -> Iterator[None]:
    """Let only errors pass whose words are known to hold no value; the traceback stays.

    :raises UnexpectedError: in the place of any other.
    """
    log_no_messages()
    try:
        yield
    except Exception as error:
        if isinstance(error, SamklangError):
            # whatever it came from was told by it, and may say more than that
            raise error from None
        if _is_harmless(error):
            raise
        raise _told(error).with_traceback(error.__traceback__) from None


def _is_harmless(error: Exception) -> bool:
    module = type(error).__module__
    if module.partition(".")[0] == "airflow":
        return True
    # OSErrors of libraries, as those of requests, may quote what was sent
    return isinstance(error, _HARMLESS) or (isinstance(error, OSError) and module == "builtins")


def _told(error: Exception) -> UnexpectedError:
    last = extract_tb(error.__traceback__)[-1]
    return UnexpectedError(
        f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno} ({last.name}).",
        remedy="Its own words are left out, because they may quote a record. The traceback shows where it happened; "
        "please report it.",
    )
