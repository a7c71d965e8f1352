"""How a draft reads missing values, moments, numbers and durations.

As a person would who looks at the whole column.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.drafting.absence import blank, judged
from privgan.drafting.distinct import Distinct
from privgan.drafting.draft import draft_schema
from privgan.drafting.inference import infer
from privgan.drafting.number_texts import read_number_texts
from privgan.drafting.reading import Shape
from privgan.notation.duration_texts import duration_pattern, read_durations
from privgan.notation.moment_formats import at_midnight, read_by_format, ways_of_writing
from privgan.notation.number_format import number_form
from privgan.schema.columns import Kind, Numeric, Source, Temporal
from privgan.table.conform import conform, violations
from privgan.table.presenting import as_written

NUMBERS = [f"{i}.5" for i in range(40)]


def distinct(*texts: str, counts: list[int] | None = None, name: str = "x") -> Distinct:
    """Texts as distinct values."""
    each = np.array(counts or [1] * len(texts), dtype=np.int64)
    return Distinct(name=name, values=pa.array(texts, pa.large_string()), counts=each)


@pytest.mark.parametrize(
    "marker",
    ["NA", "N/A", "nan", "NULL", "None", "?", "-", "\\N", "#N/A", ".", "unknown", "k.A.", "未知"],
)
def test_a_marker_among_numbers_is_a_missing_value(marker: str) -> None:
    frame = pd.DataFrame({"x": [*NUMBERS, marker, marker], "y": ["a", "b"] * 21})
    schema = draft_schema(frame, "d", assume_public=True).schema
    column = schema.column("x")
    assert isinstance(column, Numeric)
    assert (schema.missing_markers, column.missing_markers) == (("",), (marker,))
    assert column.sources["missing_markers"] is Source.ASSUMED_PUBLIC
    assert violations(frame, schema) == ()
    assert conform(frame, schema)["x"].isna().tolist() == [False] * 40 + [True] * 2


@pytest.mark.parametrize("blanks", [" ", "  ", "\t"])
def test_blanks_are_missing_in_the_whole_table(blanks: str) -> None:
    frame = pd.DataFrame({"x": [*NUMBERS, blanks, blanks], "y": ["a", "b"] * 21})
    schema = draft_schema(frame, "d", assume_public=True).schema
    assert schema.missing_markers == ("", blanks)
    assert "missing_markers" in schema.facts_from(Source.ASSUMED_PUBLIC)
    assert violations(frame, schema) == ()


def test_a_marker_among_dates_is_a_missing_value() -> None:
    frame = pd.DataFrame({"x": ["31.12.2020", "01.02.2021", "NA"] * 5, "y": ["a"] * 15})
    schema = draft_schema(frame, "d", assume_public=True).schema
    column = schema.column("x")
    assert isinstance(column, Temporal)
    assert (column.kind, column.format, column.missing) == (Kind.DATE, "%d.%m.%Y", True)
    assert violations(frame, schema) == ()


def test_the_more_frequent_way_to_write_nothing_is_written() -> None:
    frame = pd.DataFrame({"x": [*NUMBERS, "", "", "", "NA"], "y": ["a", "b"] * 22})
    assert draft_schema(frame, "d").schema.column("x").missing_markers == ("", "NA")


@pytest.mark.parametrize("word", ["NA", "none", "?", "-"])
def test_a_word_among_words_is_a_category(word: str) -> None:
    """``none`` may well be an answer."""
    frame = pd.DataFrame({"garage": ["brick", "wood", word] * 5})
    schema = draft_schema(frame, "d").schema
    assert schema.missing_markers == ("",)
    assert schema.column("garage").categories == tuple(sorted(["brick", "wood", word]))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "texts",
    [["NA", "NA"], ["NA", "?", "none"], ["NA", "12", "?"], ["12 km", "NA", "x"], ["x", "3", "NA"]],
)
def test_what_is_left_must_be_numbers(texts: list[str]) -> None:
    column = draft_schema(pd.DataFrame({"x": texts}), "d").schema.column("x")
    assert (column.kind, column.missing_markers) == (Kind.CATEGORICAL, ())


@pytest.mark.parametrize(
    ("fitting", "others", "fits"),
    [
        (18, 1, False),
        (19, 1, True),
        (18, 0, True),
        (990, 10, True),
        (989, 11, False),
        (100, 2, False),
        (0, 1, False),
    ],
)
def test_a_column_is_what_nearly_all_its_values_are(fitting: int, others: int, fits: bool) -> None:
    values = distinct(*map(str, range(fitting)), *(f"{i}x" for i in range(others)))
    read = np.arange(len(values)) < fitting
    assert (judged(values, read) is not None) is fits


def test_many_different_misfits_make_no_number() -> None:
    values = distinct("5", *(f"{i}x" for i in range(21)), counts=[10_000, *[1] * 21])
    assert judged(values, np.arange(22) < 1) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-02-29", "2023-01-01"], "%Y-%m-%d"),
        (["2024/02/29"], "%Y/%m/%d"),
        (["29.02.2024", "01.03.2024"], "%d.%m.%Y"),
        (["6/16/14", "12/1/13"], "%m/%d/%y"),
        (["12/25/2014", "1/2/2015"], "%m/%d/%Y"),
        (["03/04/2020"], "%d/%m/%Y"),
        (["14-02-2020"], "%d-%m-%Y"),
        (["2020-01-02T03:04:05"], "%Y-%m-%dT%H:%M:%S"),
        (["02/01/2020 13:05"], "%d/%m/%Y %H:%M"),
        (["2020-01-02T03:04:05Z"], "%Y-%m-%dT%H:%M:%SZ"),
        (["12/25/2014 1:05 PM"], "%m/%d/%Y %I:%M %p"),
        (["2020-01-02 03:04:05.123"], "%Y-%m-%d %H:%M:%S.%3f"),
        (["2020-01-02 03:04:05.123456789"], "%Y-%m-%d %H:%M:%S.%9f"),
        (["2020-01-02 03:04:05+0100"], "%Y-%m-%d %H:%M:%S+0100"),
        (["01JAN2020:10:11:12"], "%d%b%Y:%H:%M:%S"),
        (["31/Jan/2020:10:11:12 +0000"], "%d/%b/%Y:%H:%M:%S +0000"),
        (["9999-12-31"], "%Y-%m-%d"),
        (["0001-01-01"], "%Y-%m-%d"),
        (["May 5, 2020"], "%b %d, %Y"),
        (["1:05 am"], "%I:%M %p"),
        (["2024-02-30"], None),
        (["2024-02-29", "soon"], None),
        (["25:10"], None),
        (["2023-02-29"], None),
        (["29.02.1900"], None),
        (["now"], None),
        (["10.0.1.2"], None),
        (["1234"], None),
    ],
)
def test_ways_of_writing_moments(texts: list[str], expected: str | None) -> None:
    values = distinct(*texts)
    reading = infer(values)
    found = reading.format if reading.shape is Shape.MOMENT else None
    assert found == expected


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("2020-01-02T03:04:05+02:00", "%Y-%m-%dT%H:%M:%S%z", dt.datetime(2020, 1, 2, 1, 4, 5)),
        ("2020-01-02T03:04:05-0330", "%Y-%m-%dT%H:%M:%S%z", dt.datetime(2020, 1, 2, 6, 34, 5)),
        ("2020-01-02T03:04:05Z", "%Y-%m-%dT%H:%M:%S%z", dt.datetime(2020, 1, 2, 3, 4, 5)),
        ("12:00 AM", "%I:%M %p", dt.datetime(1900, 1, 1)),
        ("12:00 pm", "%I:%M %p", dt.datetime(1900, 1, 1, 12)),
        ("13:00 PM", "%I:%M %p", None),
        ("20201301", "%Y%m%d", None),
        ("2020131", "%Y%m%d", None),
        ("29 february 2024", "%d %B %Y", dt.datetime(2024, 2, 29)),
        ("100%2020", "100%%%Y", dt.datetime(2020, 1, 1)),
    ],
)
def test_reading_by_a_format(text: str, pattern: str, moment: dt.datetime | None) -> None:
    assert read_by_format(pa.array([text], pa.large_string()), pattern).tolist() == [moment]


@settings(max_examples=60)
@given(
    st.lists(
        st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2060, 1, 1)), min_size=3, max_size=80
    ),
    st.sampled_from(
        [
            "%Y/%m/%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d/%m/%y %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%b %d, %Y",
            "%Y%m%dT%H%M%S",
        ]
    ),
)
def test_drafted_moments_come_back_as_they_were_written(
    moments: list[dt.datetime], pattern: str
) -> None:
    """Whichever way of reading fits: a day taken for a month is written back as it stood."""
    frame = pd.DataFrame(
        {"x": [moment.strftime(pattern) for moment in moments], "y": ["a"] * len(moments)}
    )
    schema = draft_schema(frame, "d", assume_public=True).schema
    assert isinstance(schema.column("x"), Temporal)
    assert violations(frame, schema) == ()
    assert as_written(conform(frame, schema), schema)["x"].tolist() == frame["x"].tolist()


@settings(max_examples=40)
@given(
    st.lists(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)), min_size=1, max_size=40)
)
def test_the_fast_reader_reads_as_the_library_does(moments: list[dt.datetime]) -> None:
    texts = [f"{moment.year:04d}{moment:-%m-%d %H:%M:%S}" for moment in moments]
    read = read_by_format(pa.array(texts, pa.large_string()), "%Y-%m-%d %H:%M:%S").tolist()
    assert read == [moment.replace(microsecond=0) for moment in moments]


def test_midnight_is_literal_text() -> None:
    assert at_midnight("%Y-%m-%d %H:%M:%S.%3f") == "%Y-%m-%d 00:00:00.000"
    assert at_midnight("%m/%d/%Y %I:%M %p") == "%m/%d/%Y 12:00 AM"


def test_texts_of_several_offsets_tell_their_own() -> None:
    assert ways_of_writing(["2020-01-02T03:04:05+01:00", "2020-07-02T03:04:05+02:00"]) == [
        "%Y-%m-%dT%H:%M:%S%z"
    ]


@pytest.mark.parametrize(
    ("texts", "numbers", "pattern"),
    [
        (["1", "2"], [1, 2], ""),
        (["1.50", "2.25"], [1.5, 2.25], "0.00"),
        (["1.5", "2.25", "3.0"], [1.5, 2.25, 3], ""),
        (["1.5", "2.25", "3"], [1.5, 2.25, 3], "0.##"),
        (["$1,234.50", "$3.20"], [1234.5, 3.2], "$#,##0.00"),
        (["-$5.00", "$-6.10"], [-5, -6.1], "$0.00"),
        (["12.3%", "4.0%"], [12.3, 4], "0.0%"),
        (["1.234,50 €", "3,20 €"], [1234.5, 3.2], "#.##0,00 €"),
        (["1,234", "5,678"], [1234, 5678], "#,##0"),
        (["1.234", "5.678"], [1.234, 5.678], ""),
        (["1.234.567", "5.678"], [1234567, 5678], "#.##0"),
        (["0,123", "1,5"], [0.123, 1.5], "0,0##"),
        (["1'234.50", "3.00"], [1234.5, 3], "#'##0.00"),
        (["1.234e-12", "5.000e+09"], [1.234e-12, 5e9], "0.000e+00"),
        (["1e-3", "15e-3"], [0.001, 0.015], ""),
        (["12 km", "5 km"], [12, 5], "0 km"),
        (["EUR 5.00", "EUR 6.50"], [5, 6.5], "EUR 0.00"),
        (["C5", "C6"], [math.nan, math.nan], ""),
        (["12A", "13A"], [math.nan, math.nan], ""),
        (["10.0.1.2", "10.0.1.3"], [math.nan, math.nan], ""),
        (["10-20", "20-30"], [math.nan, math.nan], ""),
        (["(5.00)", "(6.00)"], [math.nan, math.nan], ""),
        (["1_000", "0x10"], [math.nan, math.nan], ""),
        (["", "."], [math.nan, math.nan], ""),
        (["inf", "-Infinity"], [math.inf, math.inf], ""),
    ],
)
def test_ways_of_writing_numbers(texts: list[str], numbers: list[float], pattern: str) -> None:
    read = read_number_texts(distinct(*texts))
    np.testing.assert_array_equal(read.numbers, numbers)
    assert read.format == pattern
    if pattern:
        assert [number_form(pattern).number(text) for text in texts] == numbers


@pytest.mark.parametrize(
    ("texts", "seconds", "pattern"),
    [
        (["26:03:05", "1 day, 2:03:05", "-0:01:00"], [93_785, 93_785, -60], "[h]:mm:ss"),
        (["25:10", "5:30"], [90_600, 19_800], "[h]:mm"),
        (["PT26H3M5S", "P1DT2H", "-PT1.5S"], [93_785, 93_600, -1.5], "PT"),
        (["PT", "P"], [math.nan, math.nan], "PT"),
        (["1:2:3", "1:99:00"], [math.nan, math.nan], "[h]:mm:ss"),
    ],
)
def test_ways_of_writing_durations(texts: list[str], seconds: list[float], pattern: str) -> None:
    assert duration_pattern(texts) == pattern
    np.testing.assert_array_equal(
        read_durations(pa.array(texts, pa.large_string()), pattern), seconds
    )
    np.testing.assert_array_equal([number_form(pattern).number(text) for text in texts], seconds)


def test_blanks() -> None:
    assert blank(distinct("", " \t", "a b")).tolist() == [True, True, False]


def test_an_identifier_that_repeats_is_drafted_as_text() -> None:
    """Else the table would break its own draft: with unit 'row' an identifier is each row's own."""
    frame = pd.DataFrame({"ticket": [f"A/{i}" for i in range(60)] + ["A/1"], "y": ["a"] * 61})
    draft = draft_schema(frame, "d", assume_public=True)
    assert draft.schema.column("ticket").kind is Kind.TEXT
    assert any(note.column == "ticket" and "some repeat" in note.text for note in draft.notes)
    assert violations(frame, draft.schema) == ()
