"""The metrics after synthcity's papers, on rows with a known answer."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from tests.benchmarks.methods import HERE

sys.path.insert(0, str(HERE / "auditing"))
driver = importlib.import_module("synthcity_style_driver")


def test_copies_are_identified_and_not_authentic() -> None:
    generator = np.random.default_rng(0)
    real, fresh = generator.random((300, 4)), generator.random((300, 4))
    assert driver.identifiability(real, real) == 1.0
    assert 0.3 < driver.identifiability(real, fresh) < 0.7
    precision, recall, authentic = driver.precision_and_recall(real, real)
    assert precision == pytest.approx(1.0, abs=0.01)
    assert recall == pytest.approx(1.0, abs=0.01)
    assert authentic == 0.0
    assert driver.precision_and_recall(real, fresh)[2] > 0.3


def test_a_shift_is_seen_by_kernel_and_classifier() -> None:
    generator = np.random.default_rng(0)
    real, same, shifted = (
        generator.random((200, 3)),
        generator.random((200, 3)),
        generator.random((200, 3)) + 2,
    )
    assert driver.discrepancy(real, shifted) > 10 * abs(driver.discrepancy(real, same))
    assert driver.detection(real, shifted) > 0.99
    assert 1 <= driver.anonymity(real) <= 200 // 15
