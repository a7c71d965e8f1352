"""A rare outcome's own entries: its share, its marginals, and nobody else's changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code
from privgan.generator.mixture import GeneratorModel
from privgan.generator.rare_entries import told_outcome
from privgan.measurement.marginals import (
    Marginal,
    Measurements,
    differences,
    exact_counts,
    marginal_of,
)
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.table.schema_file import parse_schema
from tests.rare.fraud import TEXT

ROWS = 20_000
SCHEMA = parse_schema(
    TEXT.replace("lower: 0, upper: 1000", "lower: 0, upper: 9")
    .replace("positives: 160", "")
    .replace("true, }", "true}")
)
PLACE = 4


@pytest.fixture(scope="module", params=[0.004, 0.06])
def told(request: pytest.FixtureRequest) -> tuple[GeneratorModel, np.ndarray, np.ndarray]:
    """A model told of an outcome by close counts; its rows' codes, and its mixture before."""
    generator, share = np.random.default_rng(0), request.param
    fraud = (generator.random(ROWS) < share).astype(np.int64)
    amount = generator.integers(0, 10, ROWS)
    amount = np.where(fraud & (generator.random(ROWS) < 0.8), 9 - amount % 3, amount)
    codes = np.stack(
        [
            amount,
            generator.integers(0, 3, ROWS),
            generator.integers(0, 24, ROWS),
            generator.integers(0, 10, ROWS),
            fraud,
        ],
        axis=1,
    )
    sizes = (10, 3, 24, 10, 2)
    ways = [
        Marginal(clique=(i,), counts=exact_counts(codes, (i,), sizes) * 1.0, standard_deviation=1.0)
        for i in range(5)
    ]
    pairs = [
        marginal_of(
            (i, PLACE),
            differences(exact_counts(codes, (i, PLACE), sizes), (sizes[i], 2)) * 1.0,
            (sizes[i], 2),
            1.0,
        )
        for i in range(4)
    ]
    measurements = Measurements(sizes, [*ways, *pairs])
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=3.0), public_rows=ROWS)
    settings = replace(plan.generator, entries=100)
    model = GeneratorModel(measurements, settings, seed=0, device=torch.device("cpu"))
    before = model.mixture().marginal((0, 1))
    encoder = Encoder(tuple(identity_code(cells_of(column, 64)) for column in SCHEMA.modelled))
    told_outcome(model, measurements, encoder, PLACE, 1)
    return model, codes, before


def test_its_share_is_the_counted_one(
    told: tuple[GeneratorModel, np.ndarray, np.ndarray],
) -> None:
    model, codes, _ = told
    assert model.mixture().marginal((PLACE,))[1] == pytest.approx(codes[:, PLACE].mean(), rel=1e-3)


def test_its_rows_have_the_counted_marginals(
    told: tuple[GeneratorModel, np.ndarray, np.ndarray],
) -> None:
    model, codes, _ = told
    mixture, positives = model.mixture(), codes[codes[:, PLACE] == 1]
    joint = mixture.marginal((0, PLACE)).reshape(10, 2)
    own = joint[:, 1] / joint[:, 1].sum()
    wanted = np.bincount(positives[:, 0], minlength=10) / len(positives)
    assert np.abs(own - wanted).sum() / 2 < 0.15
    assert joint[7:, 1].sum() / joint[:, 1].sum() > 0.6, "large amounts are what tells it"


def test_all_other_rows_stay_nearly_as_they_were(
    told: tuple[GeneratorModel, np.ndarray, np.ndarray],
) -> None:
    model, codes, before = told
    changed = np.abs(model.mixture().marginal((0, 1)) - before).sum() / 2
    # A tenth and more of the entries at most, of an unfitted model, are other ones now.
    assert changed <= max(0.03, codes[:, PLACE].mean()) + 0.01
    for part in model.mixture().probabilities:
        assert np.isfinite(part).all()
        assert np.allclose(part.sum(1), 1)
