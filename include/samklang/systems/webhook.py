"""Posting to a webhook, whose address is a secret: once, in a bounded time, to that address alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import requests

from samklang.errors import TemporaryError
from samklang.systems.deadline import DeadlineAdapter, read_no_redirects
from samklang.systems.origin import check_webhook
from samklang.systems.quiet import unlogged

_MOST = 64 * 1024


def post(session: requests.Session, url: str, content: Mapping[str, Any], *, longest: float) -> None:
    """
    :param session: with the headers that the receiver asks for. :param longest: seconds to connect, and for the answer.
    :raises ConfigurationError: the address is not https, or plain http to this machine.
    :raises TemporaryError: any answer but 2xx; redirects are not followed. Errors of `requests` may quote the address.
    """
    check_webhook(url)
    for scheme in ("https://", "http://"):
        session.mount(scheme, DeadlineAdapter(longest, _MOST))
    read_no_redirects(session)
    with (
        unlogged(),
        session.post(
            url,
            data=orjson.dumps(content),
            headers={"Content-Type": "application/json"},
            timeout=longest,
            allow_redirects=False,
            stream=True,
            proxies={"http": ""},  # plain http goes to this machine alone
        ) as response,
    ):
        if not 200 <= response.status_code < 300:
            raise TemporaryError(f"The webhook answered HTTP {response.status_code}.", status=response.status_code)
