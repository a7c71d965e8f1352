"""A library's own privacy map, held against what we account for."""

from __future__ import annotations

from privgan.errors import InternalError, LibraryError

_ROUNDING = 1e-9


def require_map(
    mechanism: str,
    stated: float,
    accounted: float | None,
    measure: str,
    *,
    rounding: float = 0.0,
) -> None:
    """Refuse a mechanism whose library states a larger loss than its event.

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
