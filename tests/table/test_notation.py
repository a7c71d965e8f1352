"""How a draft reads missing values and moments: as a person would who looks at the whole column."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.table.columns import Kind, Numeric, Source, Temporal
from privgan.table.conform import conform, violations
from privgan.table.draft import draft_schema
from privgan.table.notation import missing_markers, moment_format
from privgan.table.presenting import as_written

NUMBERS = [f"{i}.5" for i in range(40)]


@pytest.mark.parametrize("marker", ["NA", "N/A", "nan", "NULL", "None", "?", "-", " ", "  ", "\\N", "#N/A", "."])
def test_a_marker_among_numbers_is_a_missing_value(marker: str) -> None:
    frame = pd.DataFrame({"x": [*NUMBERS, marker, marker], "y": ["a", "b"] * 21})
    schema = draft_schema(frame, "d", assume_public=True)
    assert schema.missing_markers == ("", marker)
    assert "missing_markers" in schema.facts_from(Source.ASSUMED_PUBLIC)
    assert isinstance(schema.column("x"), Numeric)
    assert violations(frame, schema) == ()
    assert conform(frame, schema)["x"].isna().tolist() == [False] * 40 + [True] * 2


def test_a_marker_among_dates_is_a_missing_value() -> None:
    frame = pd.DataFrame({"x": ["31.12.2020", "01.02.2021", "NA"] * 5, "y": ["a"] * 15})
    schema = draft_schema(frame, "d", assume_public=True)
    column = schema.column("x")
    assert isinstance(column, Temporal)
    assert (column.kind, column.format, column.missing) == (Kind.DATE, "%d.%m.%Y", True)
    assert violations(frame, schema) == ()


@pytest.mark.parametrize("word", ["NA", "none", "?", "-"])
def test_a_word_among_words_is_a_category(word: str) -> None:
    """``none`` may well be an answer."""
    frame = pd.DataFrame({"garage": ["brick", "wood", word] * 5})
    assert missing_markers(frame) == ("",)
    assert draft_schema(frame, "d").column("garage").categories == tuple(sorted(["brick", "wood", word]))  # type: ignore[attr-defined]


@pytest.mark.parametrize("texts", [["NA", "NA"], ["NA", "?", "none"], ["NA", "12", "?"], ["12 km", "NA"], ["x", "3", "NA"]])
def test_what_is_left_must_be_numbers(texts: list[str]) -> None:
    assert missing_markers(pd.DataFrame({"x": texts})) == ("",)


def test_lists_of_parquet_are_no_texts() -> None:
    frame = pd.DataFrame({"x": [[1, 2], [3]] * 5, "y": ["1", "2", "3", "4", "NA"] * 2})
    assert missing_markers(frame) == ("", "NA")
    assert draft_schema(frame, "d").names == ("x", "y")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-02-29", "2023-01-01"], (Kind.DATE, "%Y-%m-%d")),
        (["2024/02/29"], (Kind.DATE, "%Y/%m/%d")),
        (["29.02.2024", "01.03.2024"], (Kind.DATE, "%d.%m.%Y")),
        (["6/16/14", "12/1/13"], (Kind.DATE, "%m/%d/%y")),
        (["12/25/2014", "1/2/2015"], (Kind.DATE, "%m/%d/%Y")),
        (["03/04/2020"], (Kind.DATE, "%d/%m/%Y")),
        (["14-02-2020"], (Kind.DATE, "%d-%m-%Y")),
        (["2020-01-02T03:04:05"], (Kind.DATETIME, "%Y-%m-%dT%H:%M:%S")),
        (["02/01/2020 13:05"], (Kind.DATETIME, "%d/%m/%Y %H:%M")),
        (["2020-01-02T03:04:05Z"], (Kind.DATETIME, "%Y-%m-%dT%H:%M:%SZ")),
        (["12/25/2014 1:05 PM"], (Kind.DATETIME, "%m/%d/%Y %I:%M %p")),
        (["2020-01-02 03:04:05.123"], (Kind.DATETIME, "%Y-%m-%d %H:%M:%S.%f")),
        (["2024-02-30"], None),
        (["2024-02-29", "soon"], None),
        (["now"], None),
        ([], None),
    ],
)
def test_ways_of_writing_moments(texts: list[str], expected: tuple[Kind, str] | None) -> None:
    assert moment_format(texts) == expected


@settings(max_examples=60)
@given(
    st.lists(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2060, 1, 1)), min_size=3, max_size=80),
    st.sampled_from(["%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y %H:%M", "%Y-%m-%dT%H:%M:%S"]),
)
def test_drafted_moments_come_back_as_they_were_written(moments: list[dt.datetime], pattern: str) -> None:
    """Whichever way of reading fits: a day taken for a month is written back as it stood."""
    frame = pd.DataFrame({"x": [moment.strftime(pattern) for moment in moments], "y": ["a"] * len(moments)})
    schema = draft_schema(frame, "d", assume_public=True)
    assert violations(frame, schema) == ()
    assert as_written(conform(frame, schema), schema)["x"].tolist() == frame["x"].tolist()


def test_an_identifier_that_repeats_is_drafted_as_text() -> None:
    """Else the table would break its own draft: with unit 'row' an identifier is each row's own."""
    frame = pd.DataFrame({"ticket": [f"A/{i}" for i in range(60)] + ["A/1"], "y": ["a"] * 61})
    schema = draft_schema(frame, "d", assume_public=True)
    assert schema.column("ticket").kind is Kind.TEXT
    assert violations(frame, schema) == ()
