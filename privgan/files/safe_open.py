"""Open files below a folder without following links or waiting for pipes.

A writer could swap a file between its hash check and the reading of its content. So the hash is
checked on the very file that is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from privgan.errors import VerificationError


class ChangedError(VerificationError):
    """The file's hash differs from the listed one."""

    def __init__(self) -> None:
        super().__init__(
            "was changed while it was checked; check it again where nobody writes to it"
        )


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
        size = os.fstat(reader.fileno()).st_size
        content = reader.read(min(size, most) + 1)  # A reader takes the memory that it may need.
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content


@contextmanager
def open_listed(path: Path, sha256: str) -> Iterator[BufferedReader]:
    """Open a regular file after comparing its hash.

    Args:
        path: The file.
        sha256: The hash that its manifest lists.

    Raises:
        OSError: There is none.
        ChangedError: It has another hash.
    """
    with open_regular(path) as reader:
        if hashlib.file_digest(reader, "sha256").hexdigest() != sha256:
            raise ChangedError
        reader.seek(0)
        yield reader


def read_listed(path: Path, most: int, sha256: str) -> bytes:
    """Read a regular file with a listed hash; errors as for the functions above."""
    content = read_regular(path, most)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ChangedError
    return content


def identity_of(found: os.stat_result) -> tuple[int, ...]:
    """Device, inode, size and two times: some differ after any change of the file."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


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
    """Size in bytes and SHA-256 of an open file; it is rewound afterwards."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = file.tell()
    file.seek(0)
    return size, digest
