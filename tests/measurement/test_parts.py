"""A statistic of parts, in memory or in mapped files, is that of all rows."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.measurement.coarse import finest
from privgan.measurement.interactions import Interactions, coarse_sets
from privgan.measurement.looks import counts_of
from privgan.owner import private_table
from privgan.owner.private_table import CodedRows, PrivateTable
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.receipts import mint

SIZES = (2, 5, 7, 300, 3)


def codes_of(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(size, size=rows) for size in SIZES]
    return np.asfortranarray(np.stack(drawn, axis=1).astype(np.uint16))


def by_definition(codes: np.ndarray, clique: tuple[int, ...]) -> np.ndarray:
    """Counts as they were defined: places of whole 64-bit rows."""
    sizes = [SIZES[column] for column in clique]
    places = np.ravel_multi_index(codes[:, list(clique)].astype(np.int64).T, sizes)
    return np.bincount(places, minlength=int(np.prod(sizes)))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(0, 400), cuts=st.lists(st.integers(0, 400), max_size=4), seed=st.integers(0, 9)
)
def test_counts_of_parts_are_those_of_all_rows(rows: int, cuts: list[int], seed: int) -> None:
    codes = codes_of(rows, seed)
    whole, parts = CodedRows([codes]), CodedRows(np.split(codes, sorted(cuts)))
    assert len(parts) == len(whole) == rows
    for width in (1, 2, 3):
        for clique in itertools.combinations(range(len(SIZES)), width):
            expected = by_definition(codes, clique)
            assert np.array_equal(counts_of(whole, clique, SIZES), expected)
            assert np.array_equal(counts_of(parts, clique, SIZES), expected)


def test_mapped_files_count_as_memory_does(tmp_path: Path) -> None:
    codes = codes_of(1_000, 1)
    shares = [np.full(size, 1 / size) for size in SIZES]
    mapped = []
    for number, part in enumerate(np.array_split(codes, 3)):
        np.save(tmp_path / f"{number}.npy", part)
        mapped.append(np.load(tmp_path / f"{number}.npy", mmap_mode="r"))
    parts, whole = CodedRows(mapped), CodedRows([codes])
    for clique in ((0, 1), (1, 3), (0, 2, 4)):
        assert np.array_equal(counts_of(parts, clique, SIZES), by_definition(codes, clique))
    grouped = finest((0, 1, 2, 4), shares, 50)
    assert np.array_equal(parts.summed(grouped.counts), whole.summed(grouped.counts))
    sets = coarse_sets(SIZES, None, widest=5)
    probabilities = [share[None] for share in shares]
    scores = []
    for rows in (parts, whole):
        found = Interactions(sets, shares)
        scores.append(found.scores(rows, found.expected(probabilities), 1_000))
    assert np.array_equal(*scores)


def test_a_table_encodes_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_table, "PART_ROWS", 4)
    frame = pd.DataFrame({"x": np.arange(10) % 3})
    encoded: list[int] = []

    def encode(part: pd.DataFrame) -> np.ndarray:
        encoded.append(len(part))
        return part.to_numpy(np.uint8)

    table = PrivateTable("small", PrivacyUnit(), frame, np.arange(10)[::-1])
    event = DiscreteGaussian(5.0, 1)
    codes = table.codes(mint(dataset="small", step="one", event=event), encode)
    assert encoded == [4, 4, 2]
    assert counts_of(codes, (0,), (3,)).tolist() == [4, 3, 3]
    samples = table.samples(mint(dataset="small", step="two", event=event), encode)
    assert encoded == [4, 4, 2]
    # Customers are numbered against the order of the rows.
    assert samples.batch(np.arange(10))[0][:, 0].tolist() == frame["x"].tolist()[::-1]
