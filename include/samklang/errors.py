"""Every error that Samklang raises on purpose.

::

    SamklangError                 message, remedy, final
    ├── ConfigurationError        a setting, a connection or a file is wrong
    │   └── MappingError          … in a mapping file: file, line
    ├── StoreError                the link store cannot be used as it is
    │   ├── OutdatedError         a newer plan or task has taken over; this one ends
    │   │   └── OutdatedPlanError … a newer plan
    │   ├── StoreUnavailableError the database broke off or cannot be reached: worth another try
    │   └── LaneBusyError         another run was loading the same side for as long as one may wait
    ├── StagingError              staged files are damaged, or not there any more
    ├── GuardError                a plan or a read passed a limit; nothing was written
    ├── DecisionError             what a person asked for cannot be done with the records as they are
    ├── UnexpectedError           a mistake of ours, or of a library; told without its own words
    └── RemoteError               one of the two systems, or the way to it
        ├── AccessError           keys, scopes or privileges are refused
        ├── RejectedError         the system understood the request and will not do it
        ├── ProtocolError         the answer is not what the API promises
        ├── TemporaryError        worth another try: not executed, or safe to repeat
        │   └── ThrottledError    … after `retry_after` seconds
        └── UnclearError          a write may or may not have been carried out

`final` tells the callers that retry whether another try can help. Messages never carry secrets or values of records.
"""

from __future__ import annotations


class SamklangError(Exception):
    """Base of all errors; :param remedy: says what the reader can do about it."""

    final = True

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, {k: v for k, v in vars(self).items() if k != "message"})


def _rebuild(kind: type[SamklangError], message: str, state: dict[str, object]) -> SamklangError:
    error = kind.__new__(kind)
    Exception.__init__(error, message, state.get("remedy", ""))
    error.message = message
    vars(error).update(state)
    return error


class ConfigurationError(SamklangError):
    """A setting, a connection or a file is wrong."""


class MappingError(ConfigurationError):
    """A mapping file is wrong; the message names file and line."""

    def __init__(self, message: str, *, file: str, line: int, remedy: str = "") -> None:
        super().__init__(f"{file}, line {line}: {message}", remedy=remedy)
        self.file = file
        self.line = line


class StoreError(SamklangError):
    """The link store cannot be used as it is."""


class OutdatedError(StoreError):
    """A newer plan or task has taken over; this one must end without writing."""


class OutdatedPlanError(OutdatedError):
    """A newer plan has been carried out since. Nothing is lost: what was still open is in the newer one."""


class StoreUnavailableError(StoreError):
    """The database broke off or cannot be reached. What was committed is kept; the next try finds out what was."""

    final = False


class LaneBusyError(StoreError):
    """Another run was loading the same side for as long as one may wait."""

    final = False


class StagingError(SamklangError):
    """Staged files are damaged, or not there any more; their content is never guessed."""


class PageError(StoreError):
    """An address names a page of a list that the list never gave."""


class ForeignFilesError(StagingError):
    """Staged files are another link store's, or of an earlier version; nothing of them was taken."""


class GuardError(SamklangError):
    """A plan or a read passed a limit; nothing was written."""


class DecisionError(SamklangError):
    """What a person asked for cannot be done with the records as they are; nothing was changed."""


class UnexpectedError(SamklangError):
    """A mistake of ours, or of a library: told by its kind and place, because its own words may quote records."""

    final = False


class RemoteError(SamklangError):
    """One of the two systems, or the way to it. :param status: the HTTP status, where there was one."""

    def __init__(self, message: str, *, remedy: str = "", system: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.system = system
        self.status = status


class AccessError(RemoteError):
    """Keys, scopes or privileges are refused."""


class RejectedError(RemoteError):
    """The system understood the request and will not do it."""


class ProtocolError(RemoteError):
    """The answer is not what the API promises (short, empty, malformed, out of order)."""

    final = False


class TemporaryError(RemoteError):
    """Worth another try: the request was not executed, or is safe to repeat."""

    final = False

    @property
    def is_server_fault(self) -> bool:
        """Whether the server was reached and failed, maybe over one of the records that it was asked for."""
        return self.status is not None


class ThrottledError(TemporaryError):
    """Too many requests; try again after :param retry_after: seconds."""

    def __init__(
        self, message: str, *, retry_after: float, remedy: str = "", system: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, system=system, status=status)
        self.retry_after = retry_after

    @property
    def is_server_fault(self) -> bool:
        return False


class UnclearError(RemoteError):
    """A write may or may not have been carried out: look before sending it again."""

    final = False
