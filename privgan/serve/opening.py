"""Open a file below a folder, with no way out of it: no link is followed, whatever changes meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path


def open_inside(root: Path, parts: Sequence[str]) -> BufferedReader:
    """Open a regular file below a folder for reading.

    Args:
        root: The folder.
        parts: The names on the way, the file's last.

    Raises:
        OSError: There is no such file, or one of the names is a link, ``..`` or no plain name.
    """
    if not parts or any(part in {"", ".", ".."} or "/" in part or "\0" in part for part in parts):
        raise FileNotFoundError("no plain file name")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        # Without O_NONBLOCK a named pipe would wait for a writer for ever.
        found = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise FileNotFoundError("no regular file")
    return os.fdopen(found, "rb")


def size_and_digest(file: BufferedReader) -> tuple[int, str]:
    """Size in bytes and SHA-256 of an open file, which is at its start again afterwards."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = file.tell()
    file.seek(0)
    return size, digest
