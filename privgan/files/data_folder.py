"""Find the user's data folder: the default place of ledgers and keys."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """The user's data folder: ``$XDG_DATA_HOME/privgan``, else ``~/.local/share/privgan``."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "privgan"
