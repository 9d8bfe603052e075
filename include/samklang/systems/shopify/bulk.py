"""Reading everything at once: a bulk operation that writes a file, and the file line by line. (sheet: Shopify 5)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from samklang.errors import AccessError, ProtocolError, RejectedError, RemoteError, TemporaryError
from samklang.systems.shopify.answers import DENIED, PROTECTED_DATA, SYSTEM, Json, code_of
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import poll_bulk, run_bulk
from samklang.systems.shopify.problems import user_errors

FIRST_DELAY, GROWTH, LONGEST_DELAY = 1.0, 1.5, 15.0
"""Seconds between two looks at an operation."""
LONGEST_WAIT = 3 * 3600.0
"""Seconds for an operation to start, and to end; a million rows take a part of an hour."""
LONGEST_LINE = 8 * 1024 * 1024
"""Bytes; a record with a long description has a few hundred thousand."""
_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})


def read_bulk(client: ShopifyClient, query: str) -> Iterator[Json]:
    """Every line of the file of a bulk query without nested connections, so that each line is an object at the root.

    The file is whole when it has as many lines as the operation counts there. `objectCount` says less: whether objects
    that stand within a line are counted in it, no recording tells (sheet: Shopify, found since).

    :raises AccessError, RejectedError: the query is refused. :raises TemporaryError: it failed, or takes too long.
    :raises ProtocolError: the file has other lines than the operation says.
    """
    operation = _wait(client, _start(client, query))
    expected = _integer(operation.get("rootObjectCount"))
    url = operation.get("url")
    if not url:
        if expected:
            raise ProtocolError("A bulk operation has rows and no file.", system=SYSTEM)
        return
    count = 0
    for line in _lines(client.download(str(url))):
        count += 1
        if count > expected:
            raise ProtocolError(f"A bulk file has more than its {expected} rows.", system=SYSTEM)
        yield _row(line)
    if count != expected:
        raise ProtocolError(f"A bulk file has {count} rows instead of {expected}.", system=SYSTEM)


def _start(client: ShopifyClient, query: str) -> str:
    """The id of a new operation; waits while as many are running as may."""
    for delay in _delays():
        # asked twice, it would read twice, which does no harm
        payload = client.write([run_bulk(query)], operation="RunBulk", safe=True, partial=False).call(0)
        errors = user_errors(payload)
        if not errors:
            break
        codes = {code_of(error.get("code")) for error in errors}
        if not codes <= {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}:
            named = ", ".join(sorted(codes - {""})) or "without a code"
            raise RejectedError(f"A bulk query is refused ({named}).", system=SYSTEM)
        client.sleep(delay)
    else:
        raise TemporaryError("Too many other bulk operations are running.", system=SYSTEM)
    operation = payload.get("bulkOperation") if isinstance(payload, dict) else None
    if not isinstance(operation, dict) or not isinstance(operation.get("id"), str):
        raise ProtocolError("A bulk operation was started and has no id.", system=SYSTEM)
    return str(operation["id"])


def _wait(client: ShopifyClient, operation_id: str) -> Json:
    """The operation once it has ended well."""
    for delay in _delays():
        client.sleep(delay)
        operation = client.run([poll_bulk(operation_id)], operation="PollBulk").call(0)
        if not isinstance(operation, dict):
            raise ProtocolError("A bulk operation that was started is not known.", system=SYSTEM)
        status = code_of(operation.get("status"))
        if status == "COMPLETED":
            return operation
        if status not in _RUNNING:
            raise _failed(status or "in an unknown state", code_of(operation.get("errorCode")))
    raise TemporaryError("A bulk operation takes too long.", system=SYSTEM)


def _failed(status: str, code: str) -> RemoteError:
    if code == DENIED:
        return AccessError(f"A bulk operation was {status}: access denied.", remedy=PROTECTED_DATA, system=SYSTEM)
    return TemporaryError(
        f"A bulk operation was {status} ({code or 'no code'}); its rows are not used.",
        system=SYSTEM,
        status=200 if code == "INTERNAL_SERVER_ERROR" else None,
    )


def _delays() -> Iterator[float]:
    delay, spent = FIRST_DELAY, 0.0
    while spent < LONGEST_WAIT:
        yield delay
        spent += delay
        delay = min(LONGEST_DELAY, delay * GROWTH)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise ProtocolError(f"A line of a bulk file is longer than {LONGEST_LINE} bytes.", system=SYSTEM)
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _row(line: bytes) -> Json:
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        raise ProtocolError("A line of a bulk file is not a JSON object.", system=SYSTEM)
    return row


def _integer(value: object) -> int:
    """Numbers of an operation come as text (UnsignedInt64)."""
    try:
        return int(str(value))
    except ValueError:
        raise ProtocolError("A bulk operation does not count its rows.", system=SYSTEM) from None
