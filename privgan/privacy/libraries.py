"""Whether the installed libraries are of the versions that privgan was tested with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from privgan.errors import LibraryError


def require_tested() -> None:
    """Refuse libraries outside the range that privgan declares, however they came to be installed.

    Raises:
        LibraryError: A library is older, newer or missing; the message names all of them.
    """
    wrong = list(_untested())
    if wrong:
        told = "privgan was tested within these ranges only: install it again with what it requires"
        raise LibraryError(f"{'; '.join(wrong)}; {told}")


def _untested() -> Iterator[str]:
    try:
        declared = metadata.requires("privgan") or []
    except metadata.PackageNotFoundError:
        yield "privgan is not installed, so that its tested versions are unknown"
        return
    for requirement in map(Requirement, declared):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} is {found}, allowed: {requirement.specifier}"
