"""Relations are told from noise as often as stated, and are as strong as they really are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from privgan.measurement.relations import Relations
from tests.answers.world import encoder, known, table

JOB, AGE, BOUGHT, REGION, JOINED = range(5)


def _of(frame: pd.DataFrame, noise: float, seed: int = 0) -> Relations:
    of = known(frame, noise, seed)
    return Relations(of.encoder, of.kept, 40)


def _true_strength(frame: pd.DataFrame, pair: tuple[int, int]) -> float:
    codes, sizes = encoder().encode(frame), encoder().sizes
    first, second = pair
    joint = np.zeros((sizes[first], sizes[second]))
    np.add.at(joint, (codes[:, first], codes[:, second]), 1 / len(codes))
    even = np.multiply.outer(joint.sum(1), joint.sum(0))
    return math.sqrt(float(((joint - even) ** 2).sum()) / float((even**2).sum()))


def test_without_noise_the_strength_is_that_of_the_table() -> None:
    frame = table()
    found = _of(frame, 0.01).pairs()
    assert len(found) == 10
    for pair, relation in found.items():
        assert relation.strength == pytest.approx(_true_strength(frame, pair), abs=2e-3)
    assert found[JOB, BOUGHT].told
    assert found[JOB, BOUGHT].noise_share < 1e-3


def test_noise_alone_is_seldom_taken_for_a_relation() -> None:
    """Of 40 draws of ten independent pairs: one error in twenty draws is allowed.

    The noise is far above what chance makes of 4,000 shuffled rows.
    """
    rng = np.random.default_rng(3)
    mixed = table().apply(lambda column: column.sample(frac=1, random_state=rng).to_numpy())
    found = [_of(mixed, 90.0, seed).pairs().values() for seed in range(40)]
    assert sum(any(one.told for one in pairs) for pairs in found) <= 6
    shares = [one.noise_share for one in itertools.chain(*found)]
    assert np.mean(shares) > 0.8
    assert np.mean(shares) < 1


def test_a_real_relation_is_seen_through_noise_with_its_strength() -> None:
    frame = table()
    truth = _true_strength(frame, (JOB, BOUGHT))
    found = [_of(frame, 12.0, seed).pairs()[JOB, BOUGHT] for seed in range(30)]
    assert all(one.told for one in found)
    squares = np.mean([one.strength**2 for one in found])
    assert math.sqrt(squares) == pytest.approx(truth, rel=0.05)
    assert 0 < np.mean([one.noise_share for one in found]) < 0.2


def test_the_noise_of_a_share_is_that_of_many_draws() -> None:
    frame = table()
    codes = encoder().encode(frame)
    for by, value in ((JOB, (BOUGHT, 1)), (BOUGHT, (REGION, 2)), (REGION, (BOUGHT, 0))):
        truth = [
            float((codes[codes[:, by] == code, value[0]] == value[1]).mean())
            for code in range(encoder().sizes[by])
        ]
        errors = []
        for seed in range(30):
            points = _of(frame, 8.0, seed).shares_of(value, by)
            assert points is not None
            errors += [
                (point.share - share) / point.noise
                for point, share in zip(points, truth, strict=True)
                if point is not None
            ]
        assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(1.0, abs=0.15)


def test_codes_without_rows_have_no_share_and_weak_ones_are_counted() -> None:
    frame = table(rows=400)
    found = _of(frame, 30.0)
    points = found.shares_of((BOUGHT, 1), AGE)
    assert points is not None
    assert None in points
    column = found.column(AGE)
    assert column.codes == 12
    assert 3 < column.weak <= 12
    assert _of(frame, 0.01).column(JOB).weak == 0


def test_pairs_that_were_not_measured_are_left_out() -> None:
    of = known(table(), 1.0, widest=1)
    bare = Relations(of.encoder, of.kept, 40)
    assert bare.pairs() == {}
    assert bare.shares_of((BOUGHT, 1), AGE) is None
