"""Numbers and moments as densities on a true axis, and the parts listed beside it."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest

from privgan.report.charts import shape_chart
from privgan.report.data import NoisyShape, ShareableReport
from privgan.report.densities import HEIGHT, WIDTH, Part, density, placed_parts
from privgan.report.render import render_shareable
from privgan.report.text import words_of
from privgan.report.ticks import moment_ticks, number_ticks

EN = words_of("en")


def parts(*bins: tuple[float, float, float]) -> list[Part]:
    """Bins from low to high with a share, the same in both tables."""
    return [
        Part(label=f"{low:g}", reference=share, synthetic=share, low=low, high=high)
        for low, high, share in bins
    ]


def area(points: str) -> float:
    """The area under a staircase that stands on the frame's lower edge."""
    pairs = [tuple(map(float, pair.split(","))) for pair in points.split()]
    steps = itertools.pairwise(pairs)
    return sum(
        (second[0] - first[0]) * (HEIGHT - first[1])
        for first, second in steps
        if first[1] == second[1]
    )


def test_a_height_is_a_share_divided_by_a_width() -> None:
    drawn = density(parts((0, 10, 0.2), (10, 20, 0.6), (20, 60, 0.2)), "float")
    assert drawn is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in drawn.area.split()]
    assert pairs[0] == (0.0, HEIGHT)
    assert pairs[-1] == (WIDTH, HEIGHT)
    assert (50.0, 0.0) in pairs, "the second bin is the highest, from a sixth of the axis"
    assert pytest.approx(pairs[-3]) == (100.0, HEIGHT * (1 - 0.005 / 0.06))


def test_areas_are_as_the_shares_are() -> None:
    whole = density(parts((0, 5, 0.5), (5, 20, 0.5)), "float")
    half = density(
        [replace(part, synthetic=part.synthetic / 2) for part in parts((0, 5, 0.5), (5, 20, 0.5))],
        "float",
    )
    assert whole is not None
    assert half is not None
    assert area(whole.area) == pytest.approx(area(whole.line))
    assert area(half.line) == pytest.approx(area(half.area) / 2, rel=0.01)


def test_where_nothing_is_the_line_lies_on_the_axis() -> None:
    drawn = density(parts((0, 10, 0.5), (20, 30, 0.5)), "float")
    assert drawn is not None
    assert f"100.0,{HEIGHT}" in drawn.line
    assert f"200.0,{HEIGHT}" in drawn.line


def test_single_values_that_hold_many_rows_and_long_ends_stand_beside_the_axis() -> None:
    bins = parts(
        (0, 0.01, 0.3), (0.01, 100, 0.3), (100, 300, 0.35), (300, 400, 0.02), (400, 60_000, 0.03)
    )
    placed, beside = placed_parts(bins)
    assert [part.low for part in placed] == [0.01, 100, 300]
    assert [part.low for part in beside] == [0, 400]
    full_end = parts((0, 100, 0.3), (100, 200, 0.3), (200, 300, 0.2), (300, 5_000, 0.2))
    assert placed_parts(full_end) == (full_end, []), "an end of many rows is drawn, however long"
    counts = parts(
        *((value, value + 1, share) for value, share in enumerate((0.8, 0.14, 0.04, 0.02)))
    )
    assert placed_parts(counts) == (counts, []), "where every bin is one value, none is a spike"


def test_too_few_bins_are_bars_in_their_order() -> None:
    few = parts((0, 1, 0.5), (1, 2, 0.4), (2, 60, 0.1))
    assert placed_parts(few) == ([], few) or len(placed_parts(few)[0]) >= 3
    assert density([], "integer") is None


def test_a_report_of_before_draws_bars(shareable: ShareableReport) -> None:
    former = [replace(shape, intervals=None) for shape in shareable.shapes]
    chart = shape_chart(former[0], EN)
    assert chart.density is None
    assert [bar.label for bar in chart.bars] == list(former[0].labels[:8])
    assert chart.left_out == 16
    assert render_shareable(replace(shareable, shapes=former))


def test_special_and_missing_values_are_bars_beside_the_density() -> None:
    shape = NoisyShape(
        column="x",
        kind="float",
        labels=["-1", "0 … 9", "10 … 19", "20 … 29", None],
        noisy=[0.1, 0.3, 0.2, 0.2, 0.2],
        synthetic=[0.1, 0.2, 0.2, 0.2, 0.3],
        intervals=[None, (0, 10), (10, 20), (20, 30), None],
    )
    chart = shape_chart(shape, EN)
    assert chart.density is not None
    assert [bar.label for bar in chart.bars] == ["-1", "missing"]
    assert chart.gap is not None
    assert chart.gap.label in {"0 … 9", "missing"}
    assert chart.distance == pytest.approx(0.1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_picture_says_where_the_tables_differ_most(
    shareable: ShareableReport, language: str
) -> None:
    told = {"en": "Widest gap at gold", "zh": "差距最大处为 gold"}[language]
    shape = NoisyShape(
        column="tier",
        kind="categorical",
        labels=["gold", "tin"],
        noisy=[0.6, 0.4],
        synthetic=[0.5, 0.5],
    )
    for form in ("html", "md", "json"):
        assert told in render_shareable(replace(shareable, shapes=[shape]), form, language).replace(
            "<bdi>", ""
        )
    same = replace(shape, synthetic=shape.noisy)
    assert told not in render_shareable(replace(shareable, shapes=[same]), "md", language)


@pytest.mark.parametrize(
    ("low", "high", "whole", "told"),
    [
        (18, 90, True, ["20", "40", "60", "80"]),
        (0, 5, True, ["0", "1", "2", "3", "4", "5"]),
        (0.0, 0.5, False, ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        (0, 60_000, False, ["0", "20,000", "40,000", "60,000"]),
        (-1, 1, False, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (0, 3e9, False, ["0", "1 × 10⁹", "2 × 10⁹", "3 × 10⁹"]),
        (7, 7, True, ["7"]),
    ],
)
def test_numbers_on_an_axis_are_round(
    low: float, high: float, whole: bool, told: list[str]
) -> None:
    assert [label for _, label in number_ticks(low, high, whole=whole)] == told


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        ("2016-01-01", "2025-12-31", ["2016", "2018", "2020", "2022", "2024"]),
        ("2021-02-03", "2021-06-20", ["2021-03", "2021-04", "2021-05", "2021-06"]),
        ("2021-02-03", "2021-02-06", ["2021-02-03", "2021-02-04", "2021-02-05", "2021-02-06"]),
        ("1900-01-01", "1900-01-02", ["00:00", "06:00", "12:00", "18:00", "00:00"]),
        (
            "2021-02-03T10:00",
            "2021-02-03T10:05",
            ["10:00", "10:01", "10:02", "10:03", "10:04", "10:05"],
        ),
        ("0300-01-01", "9999-01-01", ["2000", "4000", "6000", "8000"]),
    ],
)
def test_moments_on_an_axis_are_round(low: str, high: str, told: list[str]) -> None:
    start, end = (
        dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() for text in (low, high)
    )
    found = moment_ticks(start, end)
    assert [label for _, label in found] == told
    assert all(start <= place <= end for place, _ in found)
