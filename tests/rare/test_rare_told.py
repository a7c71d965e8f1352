"""A run says where a plain target turns out to be rare, by its noisy count alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from privgan.measurement.marginals import Marginal, Measurements
from privgan.pipeline.fitting import _tell_rare
from privgan.schema.schema import Schema
from tests.rare.fraud import PLAIN, SCHEMA

SIZES = (20, 3, 24, 20, 2)


def _told(schema: Schema, positives: float) -> list[str]:
    counts = [np.full(size, 10_000 / size) for size in SIZES[:-1]]
    counts.append(np.array([10_000 - positives, positives]))
    known = Measurements(
        SIZES,
        [
            Marginal(clique=(place,), counts=part, standard_deviation=5.0)
            for place, part in enumerate(counts)
        ],
    )
    lines: list[str] = []
    plan, progress = SimpleNamespace(rows=11_000), SimpleNamespace(say=lines.append)
    job: Any = SimpleNamespace(schema=schema, part="", plan=plan, progress=progress)
    _tell_rare(job, known)
    return lines


def test_a_rare_plain_target_is_told_with_what_to_write() -> None:
    (line,) = _told(PLAIN, 60.0)
    assert "0.6% of the rows" in line
    assert "target: {column: fraud, rare: true, positive: 'yes', positives: 66}" in line


@pytest.mark.parametrize(
    ("schema", "positives"),
    [
        (PLAIN, 600.0),
        (SCHEMA, 60.0),
        (replace(PLAIN, target="channel", tasks=()), 60.0),
        (replace(PLAIN, target=None, tasks=()), 60.0),
    ],
)
def test_nothing_is_said_of_others(schema: Schema, positives: float) -> None:
    assert not _told(schema, positives)
