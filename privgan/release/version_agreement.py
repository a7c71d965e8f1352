"""Whether the moment and the versions that a manifest states can have made a release."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from privgan.release.integrity import shown
from privgan.release.released import FIRST_DAYS, Released


def moment_problems(released: Released) -> Iterator[str]:
    """Where a release states a moment that this privgan does not write, or one before its version.

    Whether it lies ahead, or after a signature, is told by ``verify_release``.
    """
    said, first = released.manifest["created"], FIRST_DAYS.get(released.version)
    created = dt.datetime.fromisoformat(said)
    if created.isoformat(timespec="seconds") != said:
        yield f"created is {shown(said)}, and a release writes whole seconds of UTC with '+00:00'"
    if first is not None and created.date() < first:
        version = released.version
        yield f"created is {shown(said)}, and privgan {version} is there since {first} only"


def version_problems(versions: Mapping[str, str]) -> Iterator[str]:
    """Versions that cannot be, or that the installed privgan does not run with.

    Args:
        versions: Package to version, ``python`` too.
    """
    found = {name: _version(text) for name, text in versions.items()}
    for name in (name for name, version in found.items() if version is None):
        yield f"versions: {name} {shown(versions[name])} is no version"
    if versions["privgan"] != _own():
        return  # What another version ran with is not known here.
    for name, allowed in _allowed().items():
        version = found.get(name)
        if version is not None and not allowed.contains(version, prereleases=True):
            told = f"versions: {name} is {shown(versions[name])}"
            yield f"{told}, and privgan {versions['privgan']} runs with {allowed}"


def _version(text: str) -> Version | None:
    """A version; Python built between two releases writes a plus at its end."""
    try:
        return Version(text.removesuffix("+"))
    except InvalidVersion:
        return None


def _own() -> str | None:
    try:
        return metadata.version("privgan")
    except metadata.PackageNotFoundError:
        return None


def _allowed() -> dict[str, SpecifierSet]:
    """What the installed privgan says that it runs with."""
    known = metadata.metadata("privgan")
    requirements = map(Requirement, metadata.requires("privgan") or [])
    ranges = {found.name: found.specifier for found in requirements if found.marker is None}
    return ranges | {"python": SpecifierSet(known["Requires-Python"] or "")}
