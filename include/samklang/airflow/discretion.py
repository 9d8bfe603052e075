"""What Airflow gets to see of secrets and of errors: masked, and without the words that may quote a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from urllib.parse import quote, quote_plus

from airflow.sdk.log import mask_secret
from sqlalchemy.exc import InterfaceError, OperationalError

from samklang.errors import SamklangError, UnexpectedError

_HARMLESS = (OperationalError, InterfaceError, ImportError, MemoryError)


def mask(secret: str) -> None:
    """Have Airflow mask a secret in all logs of this task, also as it stands in a URL, a form or JSON."""
    for spelling in dict.fromkeys([secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]):
        mask_secret(spelling)


@contextmanager
def discreet() -> Iterator[None]:
    """Let only errors pass whose words are known to hold no value; the traceback stays.

    :raises UnexpectedError: in the place of any other.
    """
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
