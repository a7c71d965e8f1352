"""Define how marginals are chosen, and the generator with its free fitting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MarginalSettings:
    """Settings for choosing marginals.

    Attributes:
        max_cells: Most fine cells of a numeric column.
        max_codes: Wanted codes of a merged column.
        largest_identity: Columns with at most this many fine cells are not merged and need no fine
            histogram.
        largest_marginal: Most cells of a marginal that may be chosen.
        max_candidates: Most candidates of one choice; all small pairs are among them, however many
            they are.
        widest: Columns of the widest marginal that is measured: 6, or fewer for an ablation. Of
            more than 3 columns, coarse marginals are measured.
        choices_per_fit: Choices made between two fits of the model.
        largest_triple: Most cells of a 3-way marginal that is measured without being chosen.
        triple_cells: Most cells of all such marginals together.
    """

    max_cells: int
    max_codes: int
    largest_identity: int
    largest_marginal: int
    max_candidates: int
    widest: int
    choices_per_fit: int
    largest_triple: int
    triple_cells: int


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """Settings of the generator and its free fitting.

    Attributes:
        latent: Number of latent dimensions.
        width: Units of a hidden layer.
        entries: Codebook entries: components of the mixture.
        fake_rows: Fake rows of one generator step against the critic.
        network_steps: Fitting steps of the network.
        round_steps: Fitting steps of the offsets between choices.
        final_steps: Fitting steps of the offsets on all marginals together.
        learning_rate: Adam's for the network, before its decay.
        offset_learning_rate: Adam's for the offsets, before its decay.
    """

    latent: int
    width: int
    entries: int
    fake_rows: int
    network_steps: int
    round_steps: int
    final_steps: int
    learning_rate: float
    offset_learning_rate: float
