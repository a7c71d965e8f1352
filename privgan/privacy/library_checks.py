"""Check the versions of the DP libraries and their own privacy maps against our accounting."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from privgan.errors import InternalError, LibraryError


def check_tested() -> None:
    """Check that the DP libraries are within the versions that privgan declares.

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


_ROUNDING = 1e-9


def check_stated_loss(
    mechanism: str,
    stated: float,
    accounted: float | None,
    measure: str,
    *,
    rounding: float = 0.0,
) -> None:
    """Check that a library's privacy map states no larger loss than the event.

    Args:
        mechanism: Its name, for the error.
        stated: The loss by the library's privacy map.
        accounted: The loss of its event; None for an event of another kind.
        measure: What both are: ε, ρ or RDP.
        rounding: What both may differ by, beside a part in a thousand million.

    Raises:
        LibraryError: The library states more, beyond rounding, or no number.
        InternalError: The event has no such loss.
    """
    if accounted is None:
        raise InternalError(f"the event of the {mechanism} has no {measure}")
    if not stated <= accounted * (1 + _ROUNDING) + rounding:
        raise LibraryError(
            f"the installed library states {measure} = {stated:.6g} for the {mechanism}, and "
            f"privgan accounts for {accounted:.6g}; it is not used. Install the versions of "
            "requirements.lock, or a newer privgan"
        )
