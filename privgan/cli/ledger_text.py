"""Format the ledger's entries and accounts, in words and as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privgan.ledger.ledger import DatasetAccount


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without the sealed customer sketch, which nobody can read."""
    return {
        **entry,
        "body": {key: value for key, value in entry["body"].items() if key != "customers"},
    }


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "infinite"


def spent_text(account: DatasetAccount) -> str:
    """The spent (ε, δ) in words."""
    return f"ε = {_number(account.epsilon)}, δ = {account.delta:g} spent"


def lifetime_text(account: DatasetAccount) -> str:
    """The lifetime budget and its remaining (ε, δ), in words."""
    lifetime, rdp = account.lifetime, account.rdp
    if lifetime is None:
        return "no lifetime budget"
    of = f"of lifetime ε = {lifetime.epsilon:g}, δ = {lifetime.delta:g}"
    if rdp is None:
        left = (
            max(0.0, lifetime.epsilon - account.epsilon),
            max(0.0, lifetime.delta - account.delta),
        )
        return f"ε = {left[0]:.6g}, δ = {left[1]:.6g} left {of} (filter: sum)"
    left_rdp = max(0.0, rdp.allowance - account.rdp_cost.rdp)
    left_delta = max(0.0, rdp.discovery_delta - account.rdp_cost.discovery_delta)
    return (
        f"{left_rdp:.4g} of {rdp.allowance:.4g} RDP of order {rdp.order} left {of} (filter: rdp;"
        f" spent by it: ε = {_number(account.lifetime_spent)}; δ of discoveries left:"
        f" {left_delta:.3g})"
    )


def condition(account: DatasetAccount) -> str:
    """The assumptions behind the total, as the end of a line; empty for none."""
    return f"; {account.condition}" if account.condition else ""


def account_json(account: DatasetAccount) -> dict[str, Any]:
    """An account's figures as JSON values."""

    def number(value: float) -> float | str:
        return round(value, 9) if math.isfinite(value) else "infinite"

    lifetime, rdp = account.lifetime, account.rdp
    figures: dict[str, Any] = {
        "epsilon": number(account.epsilon),
        "delta": account.delta,
        "runs": account.runs,
        "attempts": account.attempts,
        "initialised": account.initialised,
        "refuted": account.refuted,
        "condition": account.condition,
        "lifetime_epsilon": lifetime.epsilon if lifetime else None,
        "lifetime_delta": lifetime.delta if lifetime else None,
        "lifetime_spent": number(account.lifetime_spent),
        "filter": None if lifetime is None else "rdp" if rdp else "sum",
    }
    if rdp:
        figures["rdp"] = {
            "order": rdp.order,
            "allowance": rdp.allowance,
            "spent": number(account.rdp_cost.rdp),
            "discovery_delta_allowance": rdp.discovery_delta,
            "discovery_delta_spent": account.rdp_cost.discovery_delta,
        }
    return figures
