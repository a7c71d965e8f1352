"""Noise as large as stated raises no alarm; noise that is not there does."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from privgan.measurement.noise_check import noise_problems
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from tests.coins import RepeatableStream

NAMES, SIZES, ROWS = "abcd", (2, 2, 2, 6), 900
ENCODER: Any = SimpleNamespace(
    names=tuple(NAMES),
    sizes=SIZES,
    columns=[
        SimpleNamespace(name=name, size=size, code_of=np.arange(2 * size) // 2)
        for name, size in zip(NAMES, SIZES, strict=True)
    ],
)
for column in ENCODER.columns:
    column.cells = SimpleNamespace(size=2 * column.size)


def _exact() -> dict[tuple[int, ...], np.ndarray]:
    codes = np.random.default_rng(5).integers(0, SIZES, (ROWS, len(SIZES)))
    cliques = [*itertools.combinations(range(4), 1), *itertools.combinations(range(4), 2)]
    return {
        clique: np.bincount(
            np.ravel_multi_index([codes[:, place] for place in clique], [SIZES[p] for p in clique]),
            minlength=int(np.prod([SIZES[place] for place in clique])),
        )
        for clique in cliques
    }


EXACT = _exact()


def _kept(noise: float, added: RepeatableStream | None) -> list[NoisyCounts]:
    """All 1-way and 2-way counts, the differences of two columns of two codes, and fine cells."""

    def of(clique: tuple[int, ...], counts: np.ndarray, counted: Counted) -> NoisyCounts:
        noisy = counts if added is None else added.discrete_gaussian(counts, noise)
        columns = tuple(NAMES[place] for place in clique)
        return NoisyCounts(
            step="-".join((counted.value, *columns)),
            columns=columns,
            counted=counted,
            noise=noise,
            figures=noisy,
        )

    pair = EXACT[(0, 1)]
    difference = np.array([pair[0] - pair[1] - pair[2] + pair[3]])
    fine = [np.repeat(EXACT[(place,)], 2) // 2 for place in range(4)]
    for place, cells in enumerate(fine):
        cells[::2] += EXACT[(place,)] - 2 * cells[::2]
    return [
        *(of(clique, counts, Counted.CODES) for clique, counts in EXACT.items()),
        of((0, 1), difference, Counted.DIFFERENCES),
        *(of((place,), cells, Counted.FINE) for place, cells in enumerate(fine)),
    ]


@pytest.mark.parametrize("noise", [1.2, 4.0, 25.0])
def test_whole_noise_that_happens_to_agree_raises_no_alarm(noise: float) -> None:
    """Of 300 draws none, though whole noise is often the same twice."""
    coins = RepeatableStream(7)
    for _ in range(300):
        assert not list(noise_problems(_kept(noise, coins), ENCODER))


@pytest.mark.parametrize("noise", [200.0, 1_000.0])
def test_exact_counts_and_noise_of_another_size_are_told(noise: float) -> None:
    assert any("more closely" in told for told in noise_problems(_kept(noise, None), ENCODER))
    kept = _kept(noise, RepeatableStream(8))
    larger = [NoisyCounts(**{**vars(found), "noise": found.noise / 9}) for found in kept]
    assert any("by more" in told for told in noise_problems(larger, ENCODER))
