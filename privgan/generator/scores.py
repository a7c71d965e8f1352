"""Compute the critic's white-box attack scores; save and load the critic for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from privgan.generator.conditions import unconditioned_share
from privgan.generator.networks import Critic

_CHUNK = 2_000


def save_critic(critic: Critic, path: Path) -> None:
    """Write a critic's weights as safetensors: no pickle, no row."""
    save_file(
        {name: part.detach().cpu().contiguous() for name, part in critic.state_dict().items()}, path
    )


def load_critic(path: Path) -> Critic:
    """Load a critic in its training precision."""
    weights = load_file(path)
    width, inputs = weights["first.weight"].shape
    critic = Critic(inputs, width=width).to(weights["first.weight"].dtype)
    critic.load_state_dict(weights)
    return critic.eval()


@torch.no_grad()
def critic_scores(critic: Critic, codes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Mean critic score [rows] of codes [rows, columns], over the conditions of real rows."""
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
