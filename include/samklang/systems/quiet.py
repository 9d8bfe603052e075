"""Keeps values out of the logs of the HTTP library: queries may hold them, and a signed address is as good as a key."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_QUERY = re.compile(r"\?\S*")


_LOGS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.poolmanager", "urllib3.util.retry")
_is_private: ContextVar[bool] = ContextVar("is_private", default=False)


@contextmanager
def unlogged() -> Iterator[None]:
    """For requests to an address that is a secret as a whole: urllib3 says nothing of them."""
    silence_urllib3()
    token = _is_private.set(True)
    try:
        yield
    finally:
        _is_private.reset(token)


class _WithoutValues(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _is_private.get():
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(map(_harmless, record.args))
        # of headers that cannot be read, urllib3 tells what it got
        record.exc_info = None
        return True


def silence_urllib3() -> None:
    """Its records at DEBUG name whole addresses, its warnings quote headers. Done once for a process."""
    for name in _LOGS:
        log = logging.getLogger(name)
        if not any(isinstance(one, _WithoutValues) for one in log.filters):
            log.addFilter(_WithoutValues())


def _harmless(argument: object) -> object:
    if isinstance(argument, BaseException):
        return type(argument).__name__
    return _QUERY.sub("?…", argument) if isinstance(argument, str) else argument
