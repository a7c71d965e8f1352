"""Compute the critic's white-box attack scores; save and load the critic for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from privgan.generator.adversarial import likelihoods
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.conditions import unconditioned_share
from privgan.generator.networks import Critic

_CHUNK = 2_000


def save_critic(critic: Critic | Autoregressive, path: Path) -> None:
    """Write a critic's weights as safetensors: no pickle, no row."""
    save_file(
        {name: part.detach().cpu().contiguous() for name, part in critic.state_dict().items()}, path
    )


def load_critic(path: Path, sizes: Sequence[int]) -> Critic | Autoregressive:
    """Load a critic in its training precision.

    Args:
        path: What ``save_critic`` wrote.
        sizes: Number of codes of each column.
    """
    weights = load_file(path)
    width, inputs = weights["first.weight"].shape
    critic = (
        Critic(inputs, width=width)
        if "second.weight" in weights
        else Autoregressive(sizes, width=width)
    )
    critic.to(weights["first.weight"].dtype).load_state_dict(weights)
    return critic.eval()


@torch.no_grad()
def critic_scores(
    critic: Critic | Autoregressive, codes: np.ndarray, sizes: Sequence[int]
) -> np.ndarray:
    """Critic score [rows] of codes [rows, columns].

    A mean over the conditions of real rows; of a GAN's critic the log-likelihood.
    """
    if isinstance(critic, Autoregressive):
        return likelihoods(critic, codes)
    columns, unconditioned = len(sizes), unconditioned_share(len(sizes))
    weights = [(1 - unconditioned) / columns] * columns + [unconditioned]
    marks = torch.eye(columns + 1)[:, :columns]
    found = []
    for start in range(0, len(codes), _CHUNK):
        part = torch.as_tensor(codes[start : start + _CHUNK].astype(np.int64))
        rows = torch.cat([F.one_hot(part[:, column], size) for column, size in enumerate(sizes)], 1)
        scores = [
            weight * _scored(critic, rows, mark)
            for weight, mark in zip(weights, marks, strict=True)
        ]
        found.append(torch.stack(scores).sum(0))
    return torch.cat(found).double().numpy() if found else np.empty(0)


def _scored(critic: Critic, rows: Tensor, mark: Tensor) -> Tensor:
    inputs = torch.cat([rows, mark.expand(len(rows), -1)], 1)
    return critic(inputs.to(critic.out.weight.dtype))
