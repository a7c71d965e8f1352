"""Release bundles: written all or nothing from an allow-list, and verified offline."""

from privgan.release.bundle import ALLOWED_FILES, write_release
from privgan.release.manifest import FileEntry, ReleaseFacts, build_manifest, describe_release
from privgan.release.verify import Verification, verify_release

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
