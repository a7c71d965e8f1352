"""Planting: the codebook learns interactions that gradients do not find, and keeps its margins."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.generator import warm_start
from privgan.generator.mixture import GeneratorModel
from privgan.generator.planting import assigned, leading_halves, moving, plant
from privgan.measurement.coarse import finest
from privgan.measurement.marginals import Marginal, Measurements, exact_counts
from privgan.planning.model_settings import GeneratorSettings

SIZES, NOISE = (10, 10, 10, 4, 2), 20.0
SETTINGS = GeneratorSettings(
    latent=8,
    width=16,
    entries=300,
    fake_rows=16,
    network_steps=30,
    round_steps=20,
    final_steps=100,
    learning_rate=2e-3,
    offset_learning_rate=0.03,
)


def _rows(seed: int, rows: int = 20_000) -> np.ndarray:
    """Codes whose last column is the parity of the halves of the first three."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1)
    codes[:, 4] = (codes[:, :3] >= 5).sum(1) % 2
    return codes


def _known(codes: np.ndarray, *, coarse: bool) -> Measurements:
    rng = np.random.default_rng(1)
    cliques = [*((c,) for c in range(5)), *itertools.combinations(range(5), 2)]
    narrow = [
        Marginal(
            clique=clique,
            counts=(exact := exact_counts(codes, clique, SIZES)) + rng.normal(0, NOISE, exact.size),
            standard_deviation=NOISE,
        )
        for clique in cliques
    ]
    known = Measurements(SIZES, narrow)
    if not coarse:
        return known
    wide = finest((0, 1, 2, 4), known.frequencies(), 200)
    counts = wide.counts(codes) + rng.normal(0, NOISE, int(np.prod(wide.sizes)))
    found = Marginal(
        clique=wide.clique, counts=counts, standard_deviation=NOISE, groups=wide.groups
    )
    return known.with_marginals([found])


def _fitted(known: Measurements) -> GeneratorModel:
    model = GeneratorModel(known, SETTINGS, seed=0, device=torch.device("cpu"))
    warm_start.fit_network(model, known, steps=30, learning_rate=2e-3)
    warm_start.fit_offsets(model, known, steps=100, learning_rate=0.03, settle=True)
    return model


def _right(model: GeneratorModel) -> float:
    """The share of the model's rows that follow the rule."""
    codes = model.codes(4_000)
    return float((codes[:, 4] == (codes[:, :3] >= 5).sum(1) % 2).mean())


def test_a_parity_of_three_columns_is_learnt_from_its_coarse_marginal() -> None:
    codes = _rows(0)
    assert _right(_fitted(_known(codes, coarse=False))) < 0.6
    model = _fitted(_known(codes, coarse=True))
    assert _right(model) > 0.9
    for clique in itertools.combinations(range(5), 2):
        shares = exact_counts(codes, clique, SIZES) / len(codes)
        assert np.abs(model.marginals()(clique) - shares).sum() / 2 < 0.06


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999))
def test_planting_keeps_every_columns_shares(seed: int) -> None:
    known = _known(_rows(seed, 3_000), coarse=True)
    model = GeneratorModel(known, SETTINGS, seed=seed, device=torch.device("cpu"))
    warm_start.fit_network(model, known, steps=30, learning_rate=2e-3)
    before = model.probabilities()
    plant(model, known)
    for old, new in zip(before, model.probabilities(), strict=True):
        assert np.abs(old.mean(0) - new.mean(0)).sum() / 2 < 0.06


def test_the_same_seed_plants_alike_and_narrow_marginals_plant_nothing() -> None:
    codes = _rows(0, 3_000)
    made = []
    for coarse in (True, True, False):
        known = _known(codes, coarse=coarse)
        model = GeneratorModel(known, SETTINGS, seed=3, device=torch.device("cpu"))
        plant(model, known)
        made.append(model.network.offsets.detach().numpy())
    np.testing.assert_array_equal(made[0], made[1])
    assert made[0].any()
    assert not made[2].any()


@given(st.integers(0, 999), st.floats(0.1, 1.0))
def test_moved_entries_make_up_for_what_is_missing(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    given_ = rng.dirichlet(np.full(8, 20.0), 200)
    signs = np.array([1, -1] * 4)
    wanted = given_.mean(0) * (1 + strength * signs)
    wanted /= wanted.sum()
    moved, rates = moving(given_, wanted)
    assert len(moved) == len(set(moved.tolist())) <= 200
    after = given_.copy()
    after[moved] = rates
    np.testing.assert_allclose(after.mean(0), wanted, atol=0.01)
    if strength < 0.5:
        assert len(moved) < 150


@given(st.integers(0, 999))
def test_cells_are_assigned_in_proportion_and_only_where_possible(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.dirichlet(np.ones(6), 300) * (rng.random((300, 6)) < 0.8) + 1e-30
    rates /= rates.sum(1, keepdims=True)
    cells = assigned(rates, rng)
    assert (rates[np.arange(300), cells] > 1e-9).all()
    assert np.abs(np.bincount(cells, minlength=6) - rates.sum(0)).max() < 8


@pytest.mark.parametrize("axes", [3, 4, 5])
def test_the_leading_halves_of_a_parity_are_its_signs(axes: int) -> None:
    rng, table = np.random.default_rng(0), np.ones(())
    signs = [rng.permutation([1.0] * 2 + [-1.0] * 3) for _ in range(axes)]
    for part in signs:
        table = np.multiply.outer(table, part)
    found = leading_halves(table + rng.normal(0, 0.3, table.shape))
    for half, part in zip(found, signs, strict=True):
        assert abs(np.corrcoef(half, part)[0, 1]) == pytest.approx(1)
