"""HTTP for both clients: one host, no redirects, bounded answers, and the only place that tries again within seconds.

What the outcome of a request means is decided here once:

=============================================  =======================  =================================
what happened                                  safe to repeat           a write
=============================================  =======================  =================================
no connection                                  again, TemporaryError    again, TemporaryError (not sent)
429                                            again, ThrottledError    again, ThrottledError (not executed)
timeout or reset after sending; 408, 500-599   again, TemporaryError    UnclearError
3xx                                            ConfigurationError       ConfigurationError
certificate not trusted                        ConfigurationError       ConfigurationError
any other status                               returned                 returned
=============================================  =======================  =================================
"""

from __future__ import annotations

import logging
import random as random_module
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from math import isnan
from typing import Any

import orjson
import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, NewConnectionError, ProxyError
from urllib3.util import parse_url

from samklang import __version__
from samklang.errors import (
    ConfigurationError,
    ProtocolError,
    RemoteError,
    SamklangError,
    TemporaryError,
    ThrottledError,
    UnclearError,
)
from samklang.systems import deadline
from samklang.systems.base import Pacer
from samklang.systems.deadline import DeadlineAdapter, Meter, read_no_redirects
from samklang.systems.origin import check_download, join, parse_base_url
from samklang.systems.quiet import silence_urllib3

log = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
"""Seconds between two tries, whatever `Retry-After` asks for."""
LONGEST_ASKED = 3600.0
"""Seconds that `Retry-After` is taken to ask for at most."""
BUDGET = 60.0
"""Seconds that one request may spend on tries and waits before the task has to decide."""
HURRY = 300.0
"""Seconds for which nobody has that much patience with a failing server again: what a minute did not mend is no matter
of seconds, and the parts of a batch that fails are sent one after the other."""
DEFAULT_MAX_BYTES = 256 * 1024 * 1024
_LARGEST_FILE = 8 * DEFAULT_MAX_BYTES
_CHUNK = 256 * 1024
_TROUBLE = (OSError, UnicodeError, HTTPError)  # requests' own errors are OSErrors

silence_urllib3()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. :param request: method and path, for messages; it holds no query and no values."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    request: str = ""
    system: str = ""

    def json(self) -> Any:
        """:raises ProtocolError: the body is not JSON, or nested more than a thousand levels deep."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            raise ProtocolError(
                f"{self.request}: the answer (HTTP {self.status}, {len(self.content)} bytes) is not JSON.",
                system=self.system,
                status=self.status,
            ) from None


class Transport:
    """Requests to one host over one keep-alive session; safe to share between threads.

    :param base_url: API root; https, or plain http to this machine.
    :param session: given by tests and simulations, which mount an adapter on it.
    :param system: named in errors.
    :param pacer: waited for before every try.
    :param timeout: seconds to connect, and seconds between two bytes of an answer.
    :param clock: monotonic seconds; :param wall: seconds since 1970, for `Retry-After` as a date.
    :param user_agent: names the application, and whom to write to.
    :raises ConfigurationError: the URL may not be used.
    """

    def __init__(
        self,
        base_url: str,
        session: requests.Session | None = None,
        *,
        system: str,
        pacer: Pacer | None = None,
        timeout: tuple[float, float] = (5.0, 60.0),
        max_bytes: int = DEFAULT_MAX_BYTES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        random: Callable[[], float] = random_module.random,
        user_agent: str = f"Samklang/{__version__}",
    ) -> None:
        self.base_url, self.origin = parse_base_url(base_url)
        self.system = system
        self._session = _prepare(session or _new_session(self.base_url, max_bytes), user_agent)
        # a simulator on this machine is no business of a proxy: plain http would carry the keys there
        self.sent = 0
        """Requests so far, retries included."""
        self._proxies = {"http": "", "https": ""} if self.origin.is_loopback else None
        self._pacer = pacer
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._sleep = sleep
        self._clock = clock
        self._wall = wall
        self._random = random
        self._hurry_until = -1.0

    def send(
        self,
        method: str,
        path: str,
        *,
        safe: bool,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        throttled: Callable[[Reply], float | None] | None = None,
    ) -> Reply:
        """Send one request, again where that is safe, and give back any answer that is a decision.

        :param path: under `base_url`, or an absolute URL with its origin.
        :param safe: whether it may be repeated when its fate is unknown (reads, token calls).
        :param throttled: how many seconds to wait, where an answer says in its body that a limit kept it from being
            executed; None for every other answer.
        :raises ConfigurationError, TemporaryError, ThrottledError, UnclearError, ProtocolError: see the module.
        """
        url = join(self.base_url, self.origin, path)
        name = f"{method} {parse_url(url).path or '/'}"
        all_headers = dict(headers or {})
        if json is not None:
            data = orjson.dumps(json)
            all_headers.setdefault("Content-Type", "application/json")

        def attempt() -> Reply:
            with self._open(method, url, name, safe, headers=all_headers, params=params, data=data) as response:
                content = b"".join(self._read(response, name, safe, self._max_bytes))
            reply = Reply(response.status_code, response.headers, content, name, self.system)
            delay = throttled(reply) if throttled else None
            if delay is not None:
                raise ThrottledError(f"{name}: too many requests.", retry_after=delay, system=self.system)
            return reply

        return self._retrying(name)(attempt)

    def download(self, url: str, *, hosts: Collection[str], max_bytes: int = _LARGEST_FILE) -> Iterator[bytes]:
        """A file from another host, in chunks and without any credential; a break in the middle is a TemporaryError.

        :param hosts: where files may come from, with subdomains.
        """
        check_download(url, self.origin, hosts)
        name = f"download from {parse_url(url).host}"
        response = self._retrying(name)(lambda: self._open("GET", url, name, True))
        with response:
            if response.status_code != 200:
                raise TemporaryError(
                    f"{name}: HTTP {response.status_code}.",
                    remedy="The address of the file may have expired.",
                    system=self.system,
                    status=response.status_code,
                )
            yield from self._read(response, name, True, max_bytes)

    def _open(self, method: str, url: str, name: str, safe: bool, **arguments: Any) -> requests.Response:
        """One try up to the headers; statuses that call for another try, and redirects, are raised."""
        if self._pacer is not None:
            self._pacer.wait()
        self.sent += 1
        try:
            response = self._session.request(
                method,
                url,
                stream=True,
                allow_redirects=False,
                timeout=self._timeout,
                verify=True,
                proxies=self._proxies,
                **arguments,
            )
        except _TROUBLE as error:
            # the cause is cut off: it quotes URLs with their queries, and headers
            raise self._failure(error, name, safe) from None
        status = response.status_code
        problem: SamklangError | None = None
        if 300 <= status < 400:
            problem = ConfigurationError(
                f"{name}: the server redirects (HTTP {status}) to {_location_host(response)}; this is not followed.",
                remedy="Set the connection's host to the address that the API itself has.",
            )
        elif status == 429 or (safe and status == 503 and "Retry-After" in response.headers):
            problem = ThrottledError(
                f"{name}: too many requests (HTTP {status}).",
                retry_after=self._retry_after(response),
                system=self.system,
                status=status,
            )
        elif status == 408 or status >= 500:
            kind: type[RemoteError] = TemporaryError if safe else UnclearError
            problem = kind(f"{name}: the server failed (HTTP {status}).", system=self.system, status=status)
        if problem is not None:
            response.close()
            raise problem
        return response

    def _read(self, response: requests.Response, name: str, safe: bool, max_bytes: int) -> Iterator[bytes]:
        received = 0
        meter: Meter | None = getattr(response, "meter", None)  # none with an adapter that tests have mounted
        too_large = ProtocolError(f"{name}: the answer is larger than {max_bytes} bytes.", system=self.system)
        try:
            for chunk in response.iter_content(_CHUNK):
                received += len(chunk)
                if received > max_bytes:
                    raise too_large
                with meter.paused() if meter is not None else nullcontext():
                    yield chunk
        except _TROUBLE as error:
            if meter is not None and meter.is_too_large:
                raise too_large from None
            raise self._failure(error, name, safe) from None
        except ValueError as error:  # urllib3: the size of a chunk is below 0; the request was sent
            raise self._failure(requests.exceptions.ChunkedEncodingError(error), name, safe) from None

    def _failure(self, error: Exception, name: str, safe: bool) -> SamklangError:
        """What a failed try means."""
        kind = type(error).__name__
        if isinstance(error, requests.exceptions.SSLError) and _untrusted(error):
            return ConfigurationError(
                f"{name}: the certificate of {self.origin.host} is not trusted.",
                remedy="If a proxy inspects traffic, set REQUESTS_CA_BUNDLE to its CA file.",
            )
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            # requests: it looks for the CA file before it sends anything
            return ConfigurationError(
                f"{name}: the CA file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be read.",
                remedy="Name a file that exists, or unset the variable.",
            )
        if isinstance(error, UnicodeError | ValueError) and not _unreadable_answer(error):
            # requests: invalid URL, header or proxy; it is refused before anything is sent
            return ConfigurationError(f"{name}: the request cannot be written ({kind}).", remedy="Check the keys.")
        if _not_sent(error):
            return TemporaryError(f"{name}: no connection ({kind}).", system=self.system)
        if safe:
            return TemporaryError(f"{name}: the connection broke ({kind}).", system=self.system)
        return UnclearError(f"{name}: the connection broke before the answer ({kind}).", system=self.system)

    def _retry_after(self, response: requests.Response) -> float:
        """Seconds asked for, from 0 to an hour; 1 where none are named. Decimals and HTTP dates are read."""
        text = response.headers.get("Retry-After", "").strip()
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(text).timestamp() - self._wall()
            except (ValueError, TypeError, OverflowError, LookupError):
                seconds = 1.0
        return 1.0 if isnan(seconds) else min(max(0.0, seconds), LONGEST_ASKED)

    def _retrying(self, name: str) -> Retrying:
        start = self._clock()

        def wait(state: RetryCallState) -> float:
            backoff: float = 0.5 * 2 ** (state.attempt_number - 1)
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, ThrottledError) else 0.0
            # nobody comes back at the same moment: up to a half more
            return min(LONGEST_WAIT, max(backoff, asked) * (1 + self._random() / 2))

        def stop(state: RetryCallState) -> bool:
            # the sum of the waits counts too, for a clock that stands still in tests
            spent = max(self._clock() - start, state.idle_for)
            error = state.outcome.exception() if state.outcome else None
            server_failed = isinstance(error, TemporaryError) and error.is_server_fault
            if server_failed and self._clock() < self._hurry_until:
                return state.attempt_number > 1
            is_over = spent + state.upcoming_sleep > BUDGET
            if is_over and server_failed:
                self._hurry_until = self._clock() + HURRY
            return is_over

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.info("%s Waiting %.1f s.", error or name, state.upcoming_sleep)

        return Retrying(
            retry=retry_if_exception_type(TemporaryError),
            wait=wait,
            stop=stop,
            sleep=self._sleep,
            before_sleep=tell,
            reraise=True,
        )


def _new_session(base_url: str, max_bytes: int) -> requests.Session:
    """:param base_url: its answers have less time and room than the files of other hosts."""
    session = requests.Session()
    session.mount("https://", DeadlineAdapter(deadline.LONGEST_FILE, _framed(_LARGEST_FILE)))
    session.mount("http://", DeadlineAdapter(deadline.LONGEST_FILE, _framed(_LARGEST_FILE)))
    session.mount(base_url, DeadlineAdapter(deadline.LONGEST_ANSWER, _framed(max_bytes), pool_maxsize=16))
    return session


def _framed(max_bytes: int) -> int:
    """Bytes of an answer as they come: a packed one is smaller, the sizes of chunks and a trailer come on top."""
    return max_bytes + max_bytes // 8 + _CHUNK


def _prepare(session: requests.Session, user_agent: str) -> requests.Session:
    """Proxies and CA files come from the environment; certificates are always checked; no .netrc, no cookies."""
    session.verify = True
    session.auth = _no_auth
    read_no_redirects(session)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = user_agent
    return session


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth that adds nothing keeps `requests` from reading .netrc."""
    return request


def _location_host(response: requests.Response) -> str:
    try:
        return parse_url(response.headers.get("Location", "")).host or "another path"
    except ValueError:
        return "an unreadable address"


def _not_sent(error: Exception) -> bool:
    """Whether no byte of the request can have reached the server."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ProxyError)


def _unreadable_answer(error: Exception) -> bool:
    """Whether headers of an answer could not be read: `requests` names that like one that cannot be sent."""
    return bool(error.args) and isinstance(error.args[0], InvalidHeader)


def _untrusted(error: BaseException) -> bool:
    """Whether a certificate was refused: the cause hides in `args`, `reason` and the chain."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        current = todo.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        if isinstance(current, ssl.SSLCertVerificationError):
            return True
        seen.add(id(current))
        todo += [*current.args, getattr(current, "reason", None), current.__context__, current.__cause__]
    return False
