"""The simulated wide tables: repeatable, within their schema, and with structure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from privgan.table.conform import violations
from tests.benchmarks.tables import prepare
from tests.benchmarks.wide_tables import SHAPES, TARGET, wide_codes, wide_rows, wide_schema

SMALL = {name: replace(shape, rows=3_000, test=1_000) for name, shape in SHAPES.items()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows of each table."""
    for name, shape in SMALL.items():
        monkeypatch.setitem(SHAPES, name, shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SHAPES)
def test_a_table_is_the_same_at_every_run_and_fits_its_schema(name: str) -> None:
    shape, schema = SMALL[name], wide_schema(name)
    train, test = wide_rows(shape)
    assert (len(train), len(test), train.shape[1]) == (3_000, 1_000, shape.columns)
    assert violations(train, schema) == violations(test, schema) == ()
    assert schema.target == TARGET
    np.testing.assert_array_equal(wide_codes(shape), wide_codes(shape))
    assert [column.name for column in schema.modelled] == list(train.columns)


@pytest.mark.parametrize("name", SHAPES)
def test_columns_have_as_many_codes_as_stated(name: str) -> None:
    sizes = np.array(SHAPES[name].sizes)
    assert sizes[-1] == 2
    assert (sizes[:-1].min(), sizes[:-1].max()) == (SHAPES[name].fewest, SHAPES[name].most)
    assert np.all(wide_codes(SMALL[name]).max(axis=0) < sizes)


def test_columns_depend_on_columns_before_them_and_the_target_on_some() -> None:
    codes = wide_codes(SMALL["wide-60"])
    apart = [
        [_dependence(codes[:, first], codes[:, second]) for first in range(60)]
        for second in range(60)
    ]
    strongest = np.sort(np.array(apart) - np.eye(60) * 9, axis=1)[:, -1]
    assert (strongest > 0.2).sum() > 20
    assert codes[:, -1].mean() == pytest.approx(0.25, abs=0.01)
    assert max(apart[-1][:-1]) > 0.05


def _dependence(first: np.ndarray, second: np.ndarray) -> float:
    """Total variation distance of two columns' joint shares from their product."""
    joint = np.histogram2d(first, second, bins=(np.arange(14), np.arange(14)))[0] / len(first)
    return float(np.abs(joint - np.outer(joint.sum(1), joint.sum(0))).sum() / 2)


@pytest.mark.usefixtures("small")
def test_the_benchmark_prepares_it_like_any_other_table(tmp_path: Path) -> None:
    found = prepare("wide-60", tmp_path, tmp_path)
    train, test = found.frames()
    assert (found.rows, len(test), found.source.target) == (3_000, 1_000, TARGET)
    assert train.shape[1] == 60
    assert train[TARGET].nunique() == 2
