"""Open a file of a release: no link is followed, and no pipe is waited for."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: There is none, or it is a link or a special file.
    """
    # Without O_NONBLOCK a named pipe would wait for a writer for ever.
    found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise FileNotFoundError(2, "it is no regular file", str(path))
    return os.fdopen(found, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: There is none.
        ValueError: It is larger than ``most`` bytes.
    """
    with open_regular(path) as reader:
        content = reader.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content
