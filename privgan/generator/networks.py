"""The two networks. The generator's output is one softmax per column.

The critic holds no cross-row computation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FORBIDDEN = -1e4


class Generator(nn.Module):
    """A codebook of latents and conditions to the logits of every column.

    A mixture of product distributions.

    Each entry of the codebook has offsets of its own beside what the network makes of its latent:
    the network finds the shape of the table, the offsets fit what was measured closely.

    Args:
        sizes: Number of codes of each column.
        latent: Number of latent dimensions.
        width: Units of a hidden layer.
        entries: Number of codebook entries.
    """

    def __init__(self, sizes: Sequence[int], *, latent: int, width: int, entries: int) -> None:
        super().__init__()
        self.sizes, self.latent, self.width = tuple(sizes), latent, width
        inputs = latent + sum(sizes)
        self.first, self.first_norm = nn.Linear(inputs, width), nn.LayerNorm(width)
        self.second, self.second_norm = nn.Linear(latent + width, width), nn.LayerNorm(width)
        self.out = nn.Linear(latent + 2 * width, sum(sizes))
        self.offsets = nn.Parameter(torch.zeros(entries, sum(sizes)))

    @property
    def weights(self) -> list[nn.Parameter]:
        """All parameters but the offsets."""
        return [part for part in self.parameters() if part is not self.offsets]

    def forward(self, latent: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """Logits [entries, codes] of each column, from latents [entries, latent] and conditions [entries, all codes].

        A condition row is zero, or one-hot in the column that is fixed; that column's logits leave
        only the fixed code.
        """
        parts: tuple[Tensor, ...] = self.logits(latent, condition).split(self.sizes, 1)
        return parts

    def logits(self, latent: Tensor, condition: Tensor) -> Tensor:
        """As forward, of all columns in one matrix [entries, all codes]."""
        return self.before_offsets(latent, condition) + self.offsets

    def before_offsets(self, latent: Tensor, condition: Tensor) -> Tensor:
        """What the network alone makes of latents and conditions.

        The logits of all columns [entries, all codes].
        """
        hidden = torch.cat(
            [F.relu(self.first_norm(self.first(torch.cat([latent, condition], 1)))), latent], 1
        )
        hidden = torch.cat([F.relu(self.second_norm(self.second(hidden))), hidden], 1)
        others = torch.cat(
            [want.sum(1, keepdim=True) - want for want in condition.split(self.sizes, 1)], 1
        )
        logits: Tensor = self.out(hidden) + _FORBIDDEN * others
        return logits


class Critic(nn.Module):
    """A row and which of its columns was the condition, to a score: high for rows that look real.

    Args:
        inputs: Number of codes of all columns, plus one mark a column.
        width: Units of a hidden layer.
    """

    def __init__(self, inputs: int, *, width: int) -> None:
        super().__init__()
        self.first, self.second, self.out = (
            nn.Linear(inputs, width),
            nn.Linear(width, width),
            nn.Linear(width, 1),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Scores [batch] of rows [batch, inputs], or [batch, rows] of [batch, rows, inputs].

        Each from its own row alone.
        """
        hidden = F.leaky_relu(self.first(rows), 0.2)
        hidden = F.leaky_relu(self.second(hidden), 0.2)
        score: Tensor = self.out(hidden)[..., 0]
        return score
