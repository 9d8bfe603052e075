"""Keeps values out of the logs of the HTTP library: queries may hold them, and a signed address is as good as a key."""

from __future__ import annotations

import logging
import re

_QUERY = re.compile(r"\?\S*")


class _WithoutValues(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_harmless, record.args))
        # of headers that cannot be read, urllib3 tells what it got
        record.exc_info = None
        return True


def silence_urllib3() -> None:
    """Its records at DEBUG name whole addresses, its warnings quote headers. Done once for a process."""
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        log = logging.getLogger(name)
        if not any(isinstance(one, _WithoutValues) for one in log.filters):
            log.addFilter(_WithoutValues())


def _harmless(argument: object) -> object:
    if isinstance(argument, BaseException):
        return type(argument).__name__
    return _QUERY.sub("?…", argument) if isinstance(argument, str) else argument
