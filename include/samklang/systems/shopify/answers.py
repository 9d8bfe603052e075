"""What a GraphQL answer says, data and errors, and which error of ours each of its errors is.

Almost everything comes under HTTP 200 (sheet: Shopify 1 and 5). Messages of errors may quote what was sent, so only
codes, paths and scopes leave this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from samklang.errors import AccessError, ProtocolError, RejectedError, RemoteError, TemporaryError, UnclearError

SYSTEM = "Shopify"
Json = dict[str, Any]
Path = tuple[str, ...]

DENIED, THROTTLED, NOT_FOUND, UNKNOWN_ID = "ACCESS_DENIED", "THROTTLED", "NOT_FOUND", "RESOURCE_NOT_FOUND"
_OK = 200
"""The HTTP status under which almost everything comes."""
_SERVER_FAULTS = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "TIMEOUT"})
_SCOPES = re.compile(r"\b(?:read|write)_\w+")
_CODE = re.compile(r"[A-Z][A-Z_]{1,60}")
# Of a document that does not fit the schema, as the Ruby library behind the API spells them; three are recorded.
_DOCUMENT_CODES = frozenset(
    (
        "undefinedField",
        "missingRequiredArguments",
        "argumentLiteralsIncompatible",
        "argumentNotAccepted",
        "fieldConflict",
        "selectionMismatch",
        "undefinedDirective",
        "undefinedType",
        "variableMismatch",
        "variableNotDefined",
        "variableNotUsed",
    )
)
_VARIABLE = re.compile(r"Variable \$(m\d+_\w+)")

PROTECTED_DATA = (
    "Request access to protected customer data (name, address, email and phone) for the app: in the Dev Dashboard, or "
    "for an app made in the shop's admin a plan that includes it."
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`.

    :param path: names and aliases from the root on, without positions in lists.
    :param inputs: of variables that do not fit, where in them; without positions in lists.
    """

    message: str
    code: str
    path: Path = ()
    scopes: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()

    @property
    def root(self) -> str:
        """The alias of the call it belongs to; empty for the whole request."""
        return self.path[0] if self.path else ""

    @property
    def is_server_fault(self) -> bool:
        return self.code in _SERVER_FAULTS or (not self.code and "internal error" in self.message.lower())


@dataclass(frozen=True, slots=True)
class Answer:
    """:param data: by alias.

    :param faults: errors of single calls, whose data is null.
    :param denied: paths of single fields that the app may not see; null stands there and means nothing.
    """

    data: Json
    faults: tuple[Fault, ...] = ()
    denied: frozenset[Path] = frozenset()

    def call(self, number: int) -> Any:
        """What the call of this number answered."""
        return self.data.get(f"m{number}")

    def fault(self, number: int) -> Fault | None:
        """Why the call of this number failed as a whole, or None."""
        return next((fault for fault in self.faults if fault.root == f"m{number}"), None)


class InvalidInputError(RejectedError):
    """Variables do not fit their types; nothing was carried out.

    :param inputs: each variable's name with the places in it that do not fit.
    """

    def __init__(self, message: str, inputs: Sequence[tuple[str, tuple[Path, ...]]]) -> None:
        super().__init__(message, system=SYSTEM)
        self.inputs = tuple(inputs)


def code_of(value: object) -> str:
    """A code as it stands; empty for anything else, because that may quote a value."""
    is_code = isinstance(value, str) and (value in _DOCUMENT_CODES or _CODE.fullmatch(value))
    return str(value) if is_code else ""


def objects(value: object, what: str) -> list[Json]:
    """A list of objects. :raises ProtocolError: it is none."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProtocolError(f"{what}: the answer holds something else than a list of objects.", system=SYSTEM)
    return value


def read_faults(body: Json) -> list[Fault]:
    """The entries of `errors`, whatever shape they have."""
    found = body.get("errors")
    entries = found if isinstance(found, list) else [found] if found else []
    return [_fault(entry) for entry in entries]


def _fault(entry: object) -> Fault:
    if not isinstance(entry, dict):
        return Fault(str(entry), "")
    extensions = entry.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    message = str(entry.get("message") or "")
    problems = extensions.get("problems")
    return Fault(
        message=message,
        code=code_of(extensions.get("code")),
        path=_path(entry.get("path")),
        scopes=tuple(_SCOPES.findall(str(extensions.get("requiredAccess") or message))),
        inputs=tuple(
            _path(problem.get("path"))
            for problem in (problems if isinstance(problems, list) else ())
            if isinstance(problem, dict)
        ),
    )


def _path(value: object) -> Path:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def read_answer(body: Json, operation: str, *, safe: bool) -> Answer:
    """Judge an answer under HTTP 200.

    :param safe: whether the request may be repeated.
    :raises AccessError: a scope is missing. :raises InvalidInputError, RejectedError: it was not carried out.
    :raises TemporaryError, UnclearError: the server failed.
    :raises ProtocolError: a search was not understood, or the answer is no GraphQL.
    """
    faults = read_faults(body)
    data = body.get("data")
    if not isinstance(data, dict):
        raise error_of(faults, operation, safe)
    _check_search(body, operation)
    calls, denied = [], set()
    for fault in faults:
        if fault.root and data.get(fault.root) is None:
            calls.append(fault)
        elif fault.code == DENIED:
            denied.add(fault.path)
        else:
            raise error_of([fault], operation, safe)
    refused = [fault for fault in calls if fault.code == DENIED]
    if refused:
        raise no_access(operation, refused)
    return Answer(data, tuple(calls), frozenset(denied))


def error_of(faults: Sequence[Fault], operation: str, safe: bool) -> RemoteError:
    """What it means that a request, or a call of it, was not answered. :param safe: whether it may be repeated."""
    codes = {fault.code for fault in faults}
    if not faults:
        lost: type[RemoteError] = ProtocolError if safe else UnclearError
        return lost(f"{operation}: the answer has neither data nor errors.", system=SYSTEM)
    if DENIED in codes:
        return no_access(operation, faults)
    if any(fault.is_server_fault for fault in faults):
        kind = TemporaryError if safe else UnclearError
        return kind(f"{operation}: the server failed ({_names(codes)}).", system=SYSTEM, status=_OK)
    if codes == {"INVALID_VARIABLE"}:
        inputs = [(match[1], fault.inputs) for fault in faults if (match := _VARIABLE.search(fault.message))]
        names = ", ".join(name for name, _ in inputs)
        return InvalidInputError(f"{operation}: variables do not fit: {names}.", inputs)
    if "MAX_COST_EXCEEDED" in codes:
        return RejectedError(f"{operation}: the query costs more than a single query may.", system=SYSTEM)
    return RejectedError(
        f"{operation}: refused ({_names(codes)}).",
        remedy="If the API version of the connection is not the default one, leave it out.",
        system=SYSTEM,
    )


def no_access(operation: str, faults: Iterable[Fault]) -> AccessError:
    """A refusal that names the scopes, or protected customer data."""
    scopes = sorted({scope for fault in faults for scope in fault.scopes})
    if scopes:
        named = " or ".join(scopes)
        return AccessError(
            f"{operation}: access denied; it needs the scope {named}.",
            remedy=f"Add {named} to the app's access scopes, and install the app again or have the change approved.",
            system=SYSTEM,
        )
    return AccessError(f"{operation}: access denied.", remedy=PROTECTED_DATA, system=SYSTEM)


def _names(codes: Iterable[str]) -> str:
    return ", ".join(sorted(code for code in codes if code)) or "without a code"


def _check_search(body: Json, operation: str) -> None:
    """A filter that was not understood is ignored, and everything comes (sheet: Shopify 7)."""
    extensions = body.get("extensions")
    searches = extensions.get("search") if isinstance(extensions, dict) else None
    for search in searches if isinstance(searches, list) else []:
        warnings = search.get("warnings") if isinstance(search, dict) else None
        if warnings:
            raise ProtocolError(f"{operation}: the search was not understood.", system=SYSTEM)
