"""Define the generator and critic networks; the generator outputs one softmax per column.

The critic has no cross-row computation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FORBIDDEN = -1e4


class Generator(nn.Module):
    """Map a codebook of latents and conditions to the logits of every column.

    The output is a mixture of product distributions. Each codebook entry also has trainable
    offsets. The network learns the table's overall shape, the offsets fit the measurements closely.

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
        """Logits [entries, codes] of each column.

        Inputs are latents [entries, latent] and conditions [entries, all codes]. A condition row is
        zero, or one-hot in the fixed column. The fixed column's logits leave only the fixed code.
        """
        parts: tuple[Tensor, ...] = self.logits(latent, condition).split(self.sizes, 1)
        return parts

    def logits(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Logits of all columns in one matrix [entries, all codes]; inputs as for ``forward``."""
        return self.before_offsets(latent, condition) + self.offsets

    def before_offsets(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Logits [entries, all codes] of the network alone, before the offsets."""
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
    """Score a row with its condition marks; high scores mean that it looks real.

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

        Each score depends on its own row alone.
        """
        hidden = F.leaky_relu(self.first(rows), 0.2)
        hidden = F.leaky_relu(self.second(hidden), 0.2)
        score: Tensor = self.out(hidden)[..., 0]
        return score
