"""A synthesizer over a mixture drawn at random, without a fit: for tests of constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from privgan.domain.cells import Cells, cells_of
from privgan.domain.encoding import ColumnCode, Encoder, identity_code, merged_code
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.frozen import FrozenMixture
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.networks import Generator
from privgan.privacy.guarantee import Guarantee
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer
from privgan.table.schema_file import parse_schema

HEAD = "format: privgan.schema/1\ndataset: small\nunit: row\n"


def said_guarantee(epsilon: float | None = 1.0) -> Guarantee:
    """A claim for a model that a test samples from."""
    return Guarantee(
        epsilon=epsilon,
        delta=1e-6,
        unit="one row",
        max_rows_per_unit=1,
        neighbouring_relation="add or remove one privacy unit",
        conditional_facts=(),
        statement="as said",
    )


def schema_of(columns: str, constraints: str = "", head: str = HEAD) -> Schema:
    """A schema from the lines of its columns and of its constraints."""
    return parse_schema(
        head + "columns:\n" + columns + ("constraints:\n" + constraints if constraints else "")
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedSynthesizer(Synthesizer):
    """A synthesizer whose mixture is given and not made by its network."""

    fixed: Mixture

    @property
    def distribution(self) -> Mixture:
        """The given mixture."""
        return self.fixed


def fixed_synthesizer(
    schema: Schema,
    seed: int = 0,
    *,
    entries: int = 30,
    rows_of_each: tuple[float, ...] = (1.0,),
    evenness: float = 0.3,
) -> FixedSynthesizer:
    """A synthesizer over a schema whose entries are far apart.

    Args:
        schema: The schema; no column is open.
        seed: Draws the mixture.
        entries: Number of its entries.
        rows_of_each: Share of the customers with 1, 2, … rows.
        evenness: Parameter of the Dirichlet distribution of each entry's codes.
    """
    rng = np.random.default_rng(seed)
    encoder = Encoder(tuple(_code(cells_of(column, 24), rng) for column in schema.modelled))
    mixture = Mixture(
        [rng.dirichlet(np.full(size, evenness), entries) + 1e-12 for size in encoder.sizes]
    )
    return FixedSynthesizer(
        schema=schema,
        encoder=encoder,
        model=FrozenMixture(
            Generator(encoder.sizes, latent=2, width=4, entries=entries),
            torch.zeros(entries, 2),
            np.full((entries, 2), -1),
        ),
        frequencies=tuple(np.full(size, 1 / size) for size in encoder.sizes),
        max_cells=24,
        rows=500,
        rows_of_each=rows_of_each,
        guarantee=said_guarantee(),
        fixed=mixture,
    )


def network_synthesizer(
    schema: Schema,
    seed: int = 0,
    *,
    strength: float = 1.0,
    rows_of_each: tuple[float, ...] = (1.0,),
    shifts: Mapping[str, Sequence[float]] | None = None,
) -> Synthesizer:
    """A synthesizer over a schema whose distribution is that of a random network.

    Args:
        schema: The schema; no column is open.
        seed: Draws the network and the encoder.
        strength: Deviation of its weights: the larger, the more columns depend on each other.
        rows_of_each: Share of the customers with 1, 2, … rows.
        shifts: By column what is added to the logits of its codes.
    """
    rng = np.random.default_rng(seed)
    encoder = Encoder(tuple(_code(cells_of(column, 24), rng) for column in schema.modelled))
    network = random_network(encoder.sizes, seed, strength=strength)
    for name, added in (shifts or {}).items():
        index = encoder.names.index(name)
        start = sum(encoder.sizes[:index])
        with torch.no_grad():
            network.out.bias[start : start + len(added)] += torch.tensor(added)
    return Synthesizer(
        schema=schema,
        encoder=encoder,
        model=FrozenNetwork.of(network),
        frequencies=tuple(np.full(size, 1 / size) for size in encoder.sizes),
        max_cells=24,
        rows=500,
        rows_of_each=rows_of_each,
        guarantee=said_guarantee(),
    )


def random_network(
    sizes: Sequence[int], seed: int = 0, *, width: int = 16, strength: float = 1.0
) -> Autoregressive:
    """An autoregressive network whose weights are drawn at random."""
    network = Autoregressive(sizes, width=width)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in network.parameters():
            part.copy_(strength * torch.randn(part.shape, generator=random))
    return network


def _code(cells: Cells, rng: np.random.Generator) -> ColumnCode:
    return (
        identity_code(cells)
        if cells.size < 8
        else merged_code(cells, rng.dirichlet(np.ones(cells.size)), max_codes=8)
    )
