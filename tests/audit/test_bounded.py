"""Large tables are audited on samples of whole customers, and the report says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from privgan.audit import bounded
from privgan.audit.bounded import drawn
from privgan.audit.inputs import AuditInputs
from privgan.audit.prepared import prepare
from privgan.privacy.budget import PrivacyUnit


def inputs(schema, draw_rows, rows: int = 2_000, each: int = 2) -> AuditInputs:
    """Customers of several rows, of which a tenth were left out and a tenth are canaries too."""
    owner = np.arange(rows) // each
    left = owner % 10 == 0
    real = draw_rows(rows, 1)
    return AuditInputs(
        schema=replace(schema, unit=PrivacyUnit(column="customer", max_rows=each)),
        kept_in=real[~left].reset_index(drop=True),
        canary_mask=(owner % 10 == 1)[~left],
        left_out=real[left].reset_index(drop=True),
        synthetic=draw_rows(rows, 2),
        epsilon=1.0,
        delta=1e-6,
        kept_in_units=owner[~left],
        left_out_units=owner[left],
        white_box={"likelihood": np.arange(rows / 5)},
    )


def test_small_tables_are_taken_whole(schema, draw_rows) -> None:
    given_ones = inputs(schema, draw_rows)
    made = prepare(given_ones, given_ones.canary_mask, None, "")
    assert made.attacked == (made.kept_in, made.left_out, made.synthetic)
    assert made.sample.value == 1.0
    assert made.sample.details["counted_rows"] == 2_000


def test_attacks_see_a_sample_and_counts_see_more(
    schema, draw_rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.audit.prepared.ATTACKED_ROWS", 400)
    monkeypatch.setattr(bounded, "COUNTED_ROWS", 1_000)
    given_ones = inputs(schema, draw_rows)
    made = prepare(given_ones, given_ones.canary_mask, None, "")
    assert len(made.kept_in) + len(made.left_out) == 1_000 == len(made.synthetic)
    kept_in, left_out, synthetic = made.attacked
    assert left_out is not None
    assert len(kept_in) + len(left_out) == 400 == len(synthetic)
    assert made.counts["kept_in"] == 1_800
    assert made.canaries is not None
    assert len(made.canaries) == made.counts["kept_in_canaries"] + made.counts["left_out_canaries"]
    assert 20 <= len(made.canaries) <= 60
    assert made.sample.value == pytest.approx(0.2)
    assert made.sample.details["counted_rows"] == 1_000
    assert made.sample.details["share_of_synthetic"] == pytest.approx(0.2)
    # A score stays with its row: the attacked canaries' are in the order of their rows.
    assert len(made.white_box["likelihood"]) == len(made.canaries.rows)
    assert len(set(made.white_box["likelihood"])) == len(made.canaries.rows)


def test_a_score_stays_with_its_row(schema, draw_rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.audit.prepared.ATTACKED_ROWS", 500)
    monkeypatch.setattr(bounded, "COUNTED_ROWS", 1_500)
    given_ones = inputs(schema, draw_rows)
    pooled = np.concatenate(
        [given_ones.kept_in["age"][given_ones.canary_mask], given_ones.left_out["age"]]
    ).astype(float)
    given_ones = replace(given_ones, white_box={"likelihood": pooled})
    made = prepare(given_ones, given_ones.canary_mask, None, "")
    assert made.canaries is not None
    assert np.array_equal(made.white_box["likelihood"], made.canaries.rows.values[:, 0])


@settings(max_examples=20, deadline=None)
@given(most=st.integers(1, 1_999), seed=st.integers(0, 99))
def test_customers_are_drawn_whole_and_whatever_their_coin(
    schema, draw_rows, most: int, seed: int
) -> None:
    given_ones = replace(inputs(schema, draw_rows), seed=seed)
    found = drawn(given_ones, most)
    owner = np.append(given_ones.kept_in_units, given_ones.left_out_units)
    taken = np.append(found.kept_in, found.left_out)
    # Whole customers, as many as asked.
    assert set(np.bincount(owner[taken], minlength=1_000)) <= {0, 2}
    assert taken.sum() == max(2, 2 * (most * 1_000 // 2_000))
    assert found.synthetic.sum() == most
    # How many are drawn of all does not depend on who was left out.
    other = replace(
        given_ones,
        kept_in=given_ones.left_out,
        left_out=given_ones.kept_in,
        kept_in_units=given_ones.left_out_units,
        left_out_units=given_ones.kept_in_units,
    )
    swapped = drawn(other, most)
    assert swapped.kept_in.sum() + swapped.left_out.sum() == taken.sum()
    places = np.flatnonzero(taken) // 2
    assert np.array_equal(places, np.flatnonzero(np.append(swapped.kept_in, swapped.left_out)) // 2)


def test_what_a_sample_can_show_shrinks_with_its_root(schema, draw_rows) -> None:
    found = []
    for rows in (1_000, 4_000):
        given_ones = inputs(schema, draw_rows, rows=rows)
        found.append(prepare(given_ones, given_ones.canary_mask, None, "").sample.details)
    for name, chance in (("detectable_auc", 0.5), ("detectable_advantage", 0.0)):
        ratio = (found[0][name] - chance) / (found[1][name] - chance)
        assert ratio == pytest.approx(2, rel=0.01)


def test_the_stated_area_is_found_about_so_often() -> None:
    rng = np.random.default_rng(0)
    members = others = 200
    reach = 2.8015852  # Of 80 % power at 5 %, two-sided.
    area = 0.5 + reach * np.sqrt((members + others + 1) / (12 * members * others))
    shift = np.sqrt(2) * norm.ppf(area)
    found = [
        mannwhitneyu(rng.normal(shift, 1, members), rng.normal(0, 1, others)).pvalue < 0.05
        for _ in range(300)
    ]
    assert 0.72 < np.mean(found) < 0.88
