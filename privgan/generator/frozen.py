"""Freeze a fitted generator of either kind, and name its numbers as a file holds them.

A mixture is held as its network and codebook, an autoregressive network as the weights that count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.generator.conditions import conditions_of
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.network_form import (
    MIXTURE_FORMAT,
    MOST_WIDTH,
    NETWORK_FORMAT,
    NETWORK_KIND,
)
from privgan.generator.networks import Generator

_NETWORK = "network."


@dataclass(frozen=True, eq=False)
class FrozenMixture:
    """A mixture of product distributions, as the network and codebook that make it.

    Attributes:
        network: The generator's weights.
        latents: The codebook's latent vectors [entries, latent].
        condition_codes: Column and code of each entry's condition [entries, 2]; (-1, -1) for none.
    """

    network: Generator
    latents: Tensor
    condition_codes: np.ndarray

    @cached_property
    @torch.no_grad()
    def distribution(self) -> Mixture:
        """The mixture: the network's one pass."""
        conditions = conditions_of(self.condition_codes, self.network.sizes)
        logits = self.network(self.latents, conditions)
        return Mixture([F.softmax(part, 1).numpy().astype(np.float64) for part in logits])


Frozen: TypeAlias = FrozenMixture | FrozenNetwork


def format_of(model: Frozen) -> str:
    """The format of its files."""
    return MIXTURE_FORMAT if isinstance(model, FrozenMixture) else NETWORK_FORMAT


def facts_of(model: Frozen) -> dict[str, Any]:
    """The facts that its file states besides its tensors."""
    if isinstance(model, FrozenMixture):
        return {"latent": model.network.latent, "width": model.network.width}
    return {"generator": NETWORK_KIND, "width": model.width}


def tensors_of(model: Frozen) -> dict[str, Tensor]:
    """Its tensors, by their names in a file."""
    if isinstance(model, FrozenNetwork):
        numbers = model.tensors().items()
        return {f"{_NETWORK}{name}": torch.from_numpy(part) for name, part in numbers}
    weights = model.network.state_dict().items()
    return {f"{_NETWORK}{name}": tensor.contiguous() for name, tensor in weights} | {
        "codebook.latents": model.latents,
        "codebook.conditions": torch.from_numpy(model.condition_codes),
    }


def frozen_of(
    facts: Mapping[str, Any], tensors: Mapping[str, Tensor], sizes: Sequence[int]
) -> Frozen:
    """The model of a file; sizes that do not fit the tensors take no memory.

    Args:
        facts: What its file states; its format is of either kind.
        tensors: By name.
        sizes: Number of codes of each column.

    Raises:
        ValueError: A fact or a tensor is not as a fit leaves it.
        LookupError, TypeError, RuntimeError: Parts are missing or do not fit together.
    """
    for name in ("latent", "width") if facts["format"] == MIXTURE_FORMAT else ("width",):
        if type(facts[name]) is not int or not 1 <= facts[name] <= MOST_WIDTH:
            raise ValueError(name)
    if any(
        part.is_floating_point() and not torch.isfinite(part).all() for part in tensors.values()
    ):
        raise ValueError("weights")
    if facts["format"] == MIXTURE_FORMAT:
        return _mixture_of(facts, tensors, sizes)
    return _network_of(facts, tensors, sizes)


def _mixture_of(
    facts: Mapping[str, Any], tensors: Mapping[str, Tensor], sizes: Sequence[int]
) -> FrozenMixture:
    latents = tensors["codebook.latents"]
    own = {
        name.removeprefix(_NETWORK): part
        for name, part in tensors.items()
        if name.startswith(_NETWORK)
    }
    if any(part.dtype != torch.float32 for part in (latents, *own.values())):
        raise ValueError("weights")
    with torch.device("meta"):
        latent, width = facts["latent"], facts["width"]
        network = Generator(sizes, latent=latent, width=width, entries=len(latents))
    network.load_state_dict(own, assign=True)
    return FrozenMixture(network.eval(), latents, tensors["codebook.conditions"].numpy())


def _network_of(
    facts: Mapping[str, Any], tensors: Mapping[str, Tensor], sizes: Sequence[int]
) -> FrozenNetwork:
    if facts["generator"] != NETWORK_KIND or not all(name.startswith(_NETWORK) for name in tensors):
        raise ValueError("generator")
    numbers = {name.removeprefix(_NETWORK): part.numpy() for name, part in tensors.items()}
    network = FrozenNetwork.from_tensors(sizes, numbers)
    if network.width != facts["width"]:
        raise ValueError("width")
    return network
