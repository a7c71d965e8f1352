"""How much free fitting a run does: it changes time and utility, never the guarantee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Numbers of steps.

    Attributes:
        entries: Codebook entries: components of the mixture.
        batch: Fake rows of one generator step, and about the smallest expected batch of the critic.
        network_steps: Fitting steps of the generator's network.
        round_steps: Fitting steps of its offsets between choices of marginals.
        final_steps: Fitting steps of its offsets on all marginals together.
        critic_steps: DP-SGD steps.
    """

    entries: int
    batch: int
    network_steps: int
    round_steps: int
    final_steps: int
    critic_steps: int


EFFORTS: Mapping[str, Effort] = {
    "quick": Effort(entries=500, batch=500, network_steps=150, round_steps=20, final_steps=200, critic_steps=300),
    "standard": Effort(entries=1000, batch=1000, network_steps=300, round_steps=50, final_steps=1000, critic_steps=1500),
    "thorough": Effort(entries=2000, batch=2000, network_steps=600, round_steps=100, final_steps=1000, critic_steps=4000),
}
