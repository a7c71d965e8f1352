"""Save and restore a phase of DP-SGD as named tensors.

No row is saved, and no state of any random generator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from privgan.generator.private_phase import PrivatePhase

Tensors = dict[str, Tensor]


def tensors_of(phase: PrivatePhase) -> Tensors:
    """Tensors of all networks, both optimisers and the codebook."""
    found = {
        f"{name}.{key}": part
        for name, network in phase.networks().items()
        for key, part in network.state_dict().items()
    }
    for name, optimiser in phase.optimisers().items():
        found |= {f"{name}.{index}.{key}": part for index, key, part in _moments(optimiser)}
    model = phase.model
    found |= {
        "codebook.latents": model.latents,
        "codebook.conditions": torch.from_numpy(model.codes_of_conditions),
    }
    return {key: part.detach().cpu().clone().contiguous() for key, part in found.items()}


def packed(phase: PrivatePhase, arrays: Mapping[str, np.ndarray], facts: str) -> bytes:
    """Pack a phase's tensors, further arrays and a text of facts as safetensors."""
    more = {
        name: torch.from_numpy(np.asarray(array, dtype=np.float64))
        for name, array in arrays.items()
    }
    return save(tensors_of(phase) | more, metadata={"facts": facts})


def unpacked(path: Path) -> tuple[str, Tensors]:
    """Unpack facts and tensors from a ``packed`` file; no code of it runs.

    Raises:
        SafetensorError, KeyError: when it is no such file.
    """
    with safe_open(path, "pt") as file:
        return file.metadata()["facts"], {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def restore(phase: PrivatePhase, tensors: Mapping[str, Tensor], step: int) -> None:
    """Restore a new phase from saved tensors.

    Args:
        phase: Made with the same plan and measurements.
        tensors: What ``tensors_of`` gave.
        step: Private steps done by then.

    Raises:
        KeyError: when a tensor is missing.
    """
    model = phase.model
    model.restore_codebook(tensors["codebook.latents"], tensors["codebook.conditions"].numpy())
    for name, network in phase.networks().items():
        network.load_state_dict({key: tensors[f"{name}.{key}"] for key in network.state_dict()})
    for name, optimiser in phase.optimisers().items():
        for index, parameter in enumerate(_parameters(optimiser)):
            prefix = f"{name}.{index}."
            optimiser.state[parameter] = {
                key.removeprefix(prefix): part.to(parameter.device if part.dim() else "cpu")
                for key, part in tensors.items()
                if key.startswith(prefix)
            }
    phase.trainer.steps_done = step


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _moments(optimiser: torch.optim.Optimizer) -> Iterator[tuple[int, str, Tensor]]:
    for index, parameter in enumerate(_parameters(optimiser)):
        for key, part in optimiser.state.get(parameter, {}).items():
            yield index, key, part
