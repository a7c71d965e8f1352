"""Room for what a run writes, looked for before the first charge."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from privgan.errors import UsageError
from privgan.pipeline.candidate import INTERNAL

_BYTES_PER_VALUE = 40
_FREE_BYTES = 50_000_000


def refuse_useless_folder(out: Path, rows: int, columns: int) -> None:
    """Refuse before the first charge when the result cannot be written, or the disk has no room for it."""
    folder = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    for inside in (out / INTERNAL, out / INTERNAL / "candidate"):
        if os.path.lexists(inside) and not inside.is_dir():
            raise UsageError(f"{inside}: is no folder; remove it, or choose another --out")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"{folder}: is {'no folder' if not folder.is_dir() else 'not writable'}; choose another --out")
    needed = _FREE_BYTES + rows * columns * _BYTES_PER_VALUE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(f"{out}: the disk has {free / 1e6:.0f} MB free; this run may need {needed / 1e6:.0f} MB")
