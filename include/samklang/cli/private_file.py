"""Files that commands write: they hold people's data."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from samklang.errors import ConfigurationError


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """For its owner's eyes from the first byte on, also where the file was there before.

    :raises ConfigurationError: it cannot be written, or is a symbolic link, or no plain file: others might have put it
        there.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
                raise OSError(0, "it is no plain file of its own")
            os.fchmod(number, 0o600)
            file.truncate()
            yield file
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}).", remedy="Name another file, and no symbolic link."
        ) from None
