"""Distil a mixture into a network, bring it back to noisy marginals, and judge its health.

No real row is read, so all of it is free. DP-SGD moves weights by noise, and with them shares that
the marginals know better. The network's own rows are raked to the noisy 1- and 2-way marginals, and
the network is fitted to them again. Its plain rows then need no weights.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from privgan.generator.ancestral import draw_block
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.chain import Chain
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.likelihood import fit_likelihood
from privgan.generator.private_phase import Told
from privgan.generator.raking import raked
from privgan.measurement.coarse import Coarse
from privgan.measurement.marginals import Target, exact_counts
from privgan.planning.dpsgd_settings import LikelihoodSettings

_SCALED_BY = 20_000
_POOL, _STEPS, _ROWS, _LEARNING_RATE = 200_000, 200, 3_000, 0.002
_WIDEST = 2  # Wider marginals are too noisy to be worth the rows that raking costs.


def distilled(
    rows: np.ndarray,
    sizes: Sequence[int],
    settings: LikelihoodSettings,
    *,
    seed: int,
    chain: Chain | None = None,
    progress: Told | None = None,
) -> Autoregressive:
    """A network fitted to the mixture's rows, its weights scaled for DP-SGD.

    Args:
        rows: Codes of the mixture [rows, columns].
        sizes: Number of codes of each column.
        settings: The plan's.
        seed: Moves initial weights and batches.
        chain: The order of its columns, and which are given; None for the table's, and none.
        progress: Told each step.
    """
    network = Autoregressive(sizes, width=settings.width, seed=seed, chain=chain)
    rng = np.random.default_rng([seed, 5])
    fit_likelihood(
        network,
        lambda batch: rows[rng.integers(len(rows), size=batch)],
        steps=settings.distil_steps,
        rows=settings.distil_rows,
        learning_rate=settings.distil_learning_rate,
        progress=progress,
    )
    network.precondition(network.inputs(rows[:_SCALED_BY]))
    return network


def refitted(
    network: Autoregressive,
    targets: Sequence[Target],
    *,
    contexts: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
    progress: Told | None = None,
) -> Autoregressive:
    """The network, fitted to its own rows raked to the noisy marginals, in rounds.

    Args:
        network: After DP-SGD, its scales folded in.
        targets: Noisy shares; those of one and two columns are used, and coarse ones.
        contexts: Codes of the mixture [rows, columns], for the columns that are given.
        rounds: How often.
        rng: Public randomness.
        progress: Told each step.
    """
    made = copy.deepcopy(network).requires_grad_(True)
    clear = [one for one in targets if len(one.clique) <= _WIDEST or one.groups is not None]
    for number in range(rounds):
        codes = drawn(made, contexts[rng.integers(len(contexts), size=_POOL)], rng)
        ends = np.cumsum(raked(codes, made.table_sizes, clear, rng))

        def picked(rows: int, codes: np.ndarray = codes, ends: np.ndarray = ends) -> np.ndarray:
            found: np.ndarray = codes[np.searchsorted(ends, rng.random(rows) * ends[-1])]
            return found.astype(np.int64)

        fit_likelihood(
            made, picked, steps=_STEPS, rows=_ROWS, learning_rate=_LEARNING_RATE / (number + 1)
        )
        if progress:
            progress(number + 1, rounds)
    return made


def drawn(network: Autoregressive, contexts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes [rows, columns] of the network; given columns are those of contexts [rows, columns]."""
    frozen, chain = FrozenNetwork.of(network), network.chain
    known, found = chain.of(contexts), []
    for start in range(0, len(known), frozen.rows_at_once):
        part = known[start : start + frozen.rows_at_once]
        given = {column: part[:, column] for column in chain.given}
        found.append(draw_block(frozen, len(part), rng, given=given).codes)
    return chain.back(np.concatenate(found))


# A network further from noisy marginals than this many times the mixture, and by at least so much,
# has not learnt the table. Wide marginals are many-celled; of a lost parity the distance is .5. A
# GAN's critic of noise alone has single columns .10 to .14 off (Adult); one that learns .02 to .05.
_FAR, _FAR_OF_SINGLES, _FAR_OF_PAIRS, _FAR_OF_WIDE = 1.5, 0.05, 0.03, 0.15
_COMMON, _LOST = 0.02, 0.1


def illness(
    network: Autoregressive, rows: np.ndarray, targets: Sequence[Target], rng: np.random.Generator
) -> str | None:
    """What is wrong with a fitted network, in words; None where nothing is.

    Args:
        network: After all of its training.
        rows: Codes [rows, columns] of the mixture: what it falls back to.
        targets: Noisy shares.
        rng: Public randomness.
    """
    if not all(torch.isfinite(part).all() for part in network.parameters()):
        return "its weights diverged"
    try:
        codes = drawn(network, rows, rng)
    except ValueError:
        return "its weights diverged"
    return illness_of_rows(codes, rows, network.table_sizes, targets)


def illness_of_rows(
    codes: np.ndarray, others: np.ndarray, sizes: Sequence[int], targets: Sequence[Target]
) -> str | None:
    """What is wrong with a model's codes [rows, columns], beside those of what it falls back to."""
    singles = [target for target in targets if len(target.clique) == 1]
    if any(_collapsed(codes, sizes, target) for target in singles):
        return "it lost a common code of a column"
    pairs = [target for target in targets if len(target.clique) == _WIDEST]
    coarse = [target for target in targets if target.groups is not None]
    parts = (
        ("columns", singles, _FAR_OF_SINGLES + _noise_distance(singles)),
        ("pairs", pairs, _FAR_OF_PAIRS),
        ("wider marginals", coarse, _FAR_OF_WIDE),
    )
    for name, some, far in parts:
        own, mixtures = (_distance(part, sizes, some) for part in (codes, others))
        if own > max(_FAR * mixtures, mixtures + far):
            return f"its {name} are {own:.3f} from the noisy ones, the mixture's {mixtures:.3f}"
    return None


def _collapsed(codes: np.ndarray, sizes: Sequence[int], target: Target) -> bool:
    """Whether a code with a clear noisy share is hardly ever drawn."""
    found = _shares(codes, sizes, target)
    noise = target.precision**-0.5
    clear = (target.shares > _COMMON) & (target.shares > 10 * noise)
    return bool((clear & (found < _LOST * target.shares)).any())


def _distance(codes: np.ndarray, sizes: Sequence[int], targets: Sequence[Target]) -> float:
    """Mean total variation distance to noisy marginals beyond chance; 0 where there is none.

    Independent rows of the very shares have a distance by chance: half the sum of the cells' mean
    absolute deviations.
    """
    found = []
    for target in targets:
        shares = _shares(codes, sizes, target)
        chance = np.sqrt(2 / np.pi * shares * (1 - shares) / len(codes))
        found.append(0.5 * (np.abs(shares - target.shares) - chance).sum())
    return max(0.0, float(np.mean(found))) if found else 0.0


def _noise_distance(targets: Sequence[Target]) -> float:
    """Mean total variation distance that the targets' own noise gives; 0 where there is none."""
    found = [0.5 * len(one.shares) * np.sqrt(2 / np.pi / one.precision) for one in targets]
    return float(np.mean(found)) if found else 0.0


def _shares(codes: np.ndarray, sizes: Sequence[int], target: Target) -> np.ndarray:
    """The shares [cells] of synthetic codes in a target's marginal."""
    counts = (
        exact_counts(codes, target.clique, sizes)
        if target.groups is None
        else Coarse(target.clique, target.groups).counts(codes)
    )
    found: np.ndarray = counts / len(codes)
    return found
