"""Copies of the copy-leak suite are of their kind, and the table shows the findings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.benchmarks.copy_leak import (
    Outcome,
    jittered,
    make_tables,
    one_column_changed,
    peer_score,
    rank_swapped,
    with_copies,
    write_markdown,
)

SCHEMA = Schema(
    dataset="copies",
    unit=PrivacyUnit(),
    columns=(
        Numeric(name="x", kind=Kind.FLOAT, lower=-100, upper=100, decimals=4, missing=True),
        Numeric(name="y", kind=Kind.INTEGER, lower=0, upper=10),
        Discrete(name="z", kind=Kind.CATEGORICAL, categories=("a", "b", "c")),
    ),
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x = np.where(
        generator.random(2000) < 0.05,
        np.nan,
        generator.normal(0, 20, 2000).clip(-100, 100).round(4),
    )
    z = np.where(np.nan_to_num(x) > 0, generator.choice(["a", "b"], 2000), "c")
    return pd.DataFrame(
        {"x": x, "y": pd.array(generator.integers(0, 11, 2000), dtype="Int64"), "z": z}
    )


def test_jitter_is_small_and_keeps_categories_and_gaps(frame):
    moved = jittered(frame, SCHEMA, np.random.default_rng(1))
    assert 0 < (moved["x"] - frame["x"]).abs().max() <= 0.01 * frame["x"].std() + 1e-3
    assert (moved["x"].isna() == frame["x"].isna()).all()
    assert (moved["y"] - frame["y"]).abs().max() == 1
    assert (moved["z"] == frame["z"]).all()


def test_rank_swaps_keep_each_column_and_move_few_ranks(frame):
    swapped = rank_swapped(frame, SCHEMA, np.random.default_rng(1))
    for name in ("x", "y"):
        assert sorted(swapped[name].dropna()) == sorted(frame[name].dropna())
    present = frame["x"].notna() & swapped["x"].notna()
    ranks = (frame["x"].rank() - swapped["x"].rank())[present].abs()
    assert 0 < ranks.max() <= 0.01 * len(frame)
    assert (swapped["x"] != frame["x"])[present].mean() > 0.9


def test_one_column_is_changed(frame):
    changed = one_column_changed(frame, SCHEMA, np.random.default_rng(1))
    equal = sum(
        ((changed[name] == frame[name]) | (changed[name].isna() & frame[name].isna())).astype(int)
        for name in SCHEMA.names
    )
    assert equal.min() == 2
    assert (equal == 2).mean() > 0.5


def test_the_base_is_like_the_table_and_the_share_is_copied(frame):
    tables = make_tables(frame, SCHEMA, np.random.default_rng(2))
    assert len(tables.base) == len(tables.training) == 1600
    assert len(tables.holdout) == 400
    assert tables.base["x"].quantile([0.1, 0.5, 0.9]).tolist() == pytest.approx(
        frame["x"].quantile([0.1, 0.5, 0.9]), abs=4
    )
    assert tables.base["z"].value_counts(normalize=True).to_dict() == pytest.approx(
        frame["z"].value_counts(normalize=True).to_dict(), abs=0.05
    )
    signs = tables.base[tables.base["z"] == "c"]["x"]
    assert signs.mean() < 0  # the copula keeps what goes with what
    made = with_copies(
        tables.base, tables.training, SCHEMA, "verbatim", 0.25, np.random.default_rng(3)
    )
    whole = tables.training.dropna()
    assert len(made) == 1600
    assert made["x"].dropna().isin(whole["x"]).sum() >= 400 * 0.9


@pytest.mark.slow
def test_the_peers_score_is_computed(frame):
    tables = make_tables(frame.iloc[:200], SCHEMA, np.random.default_rng(2))
    assert 0 <= peer_score(tables, tables.base, 0) <= 1


def test_the_table_tells_what_was_found(frame, tmp_path):
    tables = make_tables(frame, SCHEMA, np.random.default_rng(2))
    one = Outcome(
        kind="jittered",
        share=0.01,
        copies=16,
        flagged=False,
        p_value=0.2,
        strongest="equal",
        peer=0.9,
        seconds=1,
        peer_seconds=2,
    )
    write_markdown(tmp_path / "copies.md", [one], np.array([0.5, 0.01]), one, tables)
    text = (tmp_path / "copies.md").read_text(encoding="utf-8")
    assert "| jittered | 1.0% | 16 | not flagged | 2.0e-01 | equal | 0.900 |" in text
    assert "flags 50.0% of 2 random splits" in text
