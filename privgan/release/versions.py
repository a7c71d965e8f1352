"""Read the installed versions of privgan and of the libraries behind the guarantee."""

from __future__ import annotations

import platform
from importlib import metadata

PACKAGES = ("privgan", "torch", "opacus", "dp-accounting", "opendp", "numpy", "pandas")


def versions() -> dict[str, str]:
    """The versions of privgan, Python and the libraries behind the guarantee."""
    found = {name: metadata.version(name) for name in PACKAGES if _installed(name)}
    return {"python": platform.python_version(), **found}


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
