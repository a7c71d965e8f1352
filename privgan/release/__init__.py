"""Release bundles: written all or nothing from an allow-list, and verified offline.

Everything heavy is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privgan.release.bundle import write_release
    from privgan.release.manifest import FileEntry, ReleaseFacts, build_manifest, describe_release
    from privgan.release.table_files import ALLOWED_FILES
    from privgan.release.verification.verify import Verification, verify_release

_HOMES = {
    "ALLOWED_FILES": "privgan.release.table_files",
    "FileEntry": "privgan.release.manifest",
    "ReleaseFacts": "privgan.release.manifest",
    "Verification": "privgan.release.verification.verify",
    "build_manifest": "privgan.release.manifest",
    "describe_release": "privgan.release.manifest",
    "verify_release": "privgan.release.verification.verify",
    "write_release": "privgan.release.bundle",
}

__all__ = [
    "ALLOWED_FILES",
    "FileEntry",
    "ReleaseFacts",
    "Verification",
    "build_manifest",
    "describe_release",
    "verify_release",
    "write_release",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'privgan.release' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
