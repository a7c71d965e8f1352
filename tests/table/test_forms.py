"""Values come back in the form in which they came.

A table, its schema, synthetic rows, text and back.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.errors import DocumentError, TableError
from privgan.notation.moments import read_moments, write_moments
from privgan.notation.number_format import number_form
from privgan.policy.schema_facts import schema_facts
from privgan.release.verification.row_domain import column_problem, typed_part
from privgan.schema.columns import Invented, Kind, Source
from privgan.schema.identifiers import could_stand_in, invent, is_pattern
from privgan.table.conform import conform, violations
from privgan.table.files import read_table, write_tables
from privgan.table.presenting import presented
from privgan.table.schema_file import dump_schema, parse_schema
from tests.schemas import schema_of_lines

HEAD = "format: privgan.schema/1\ndataset: forms\nunit: row\ncolumns:\n"
# Kind and facts of a column, then texts that come back byte for byte.
FORMS = {
    "money": (
        'kind: float, lower: 0, upper: 99999, decimals: 2, format: "$#,##0.00"',
        ["$1,234.50", "$0.00", "$99,999.00"],
    ),
    "debt": (
        'kind: float, lower: -500, upper: 500, decimals: 2, format: "€0.00"',
        ["-€12.50", "€3.00", "-€0.01"],
    ),
    "euros": (
        'kind: float, lower: 0, upper: 2000000, decimals: 2, format: "#.##0,00 €"',
        ["1.234.567,89 €", "0,50 €", "12,00 €"],
    ),
    "share": (
        'kind: float, lower: 0, upper: 100, decimals: 1, format: "0.0%"',
        ["12.3%", "0.0%", "100.0%"],
    ),
    "tiny": (
        'kind: float, lower: 0, upper: 1.0e-8, decimals: 15, format: "0.000e+00"',
        ["1.234e-09", "9.999e-12", "1.000e-08"],
    ),
    "padded": (
        'kind: integer, lower: 0, upper: 99999, format: "00000"',
        ["00042", "12345", "00000"],
    ),
    "two": (
        'kind: float, lower: 0, upper: 9, decimals: 2, format: "0.00"',
        ["1.50", "2.00", "8.99"],
    ),
    "sentinel": ("kind: integer, lower: 1, upper: 50, special_values: [-999]", ["-999", "7", "50"]),
    "call": (
        'kind: integer, lower: 0, upper: 360000, format: "[h]:mm:ss"',
        ["25:01:09", "0:00:00", "1:59:59"],
    ),
    "work": ('kind: integer, lower: 0, upper: 360000, format: "PT"', ["PT25H9S", "PT0S", "PT1M"]),
    "iso": (
        "kind: datetime, lower: 2020-01-01, upper: 2021-01-01, format: '%Y-%m-%dT%H:%M:%S.%3f'",
        ["2020-05-06T07:08:09.000", "2020-01-01T00:00:00.000", "2020-12-31T23:59:59.000"],
    ),
    "moved": (
        (
            "kind: datetime, lower: 2020-01-01, upper: 2021-01-01, zone: Europe/Berlin, format:"
            " '%Y-%m-%dT%H:%M:%S%z'"
        ),
        ["2020-05-06T07:08:09+02:00", "2020-02-01T00:00:00+01:00", "2020-12-31T23:59:59+01:00"],
    ),
    "clock": (
        'kind: datetime, lower: 1900-01-01, upper: "1900-01-01T23:59:59", format: "%H:%M"',
        ["07:08", "00:00", "23:59"],
    ),
    "born": (
        "kind: date, lower: 1930-01-01, upper: 2029-12-31, format: '%d/%m/%y'",
        ["01/02/45", "29/02/68", "31/12/29"],
    ),
    "until": (
        (
            "kind: date, lower: 2021-06-01, upper: 2021-06-30, special_values: [9999-12-31],"
            " format: '%Y-%m-%d'"
        ),
        ["9999-12-31", "2021-06-15", "2021-06-30"],
    ),
    "day": (
        "kind: date, lower: 2020-01-01, upper: 2020-12-31, format: '%d-%b-%Y'",
        ["06-May-2020", "29-Feb-2020", "31-Dec-2020"],
    ),
    "answer": ("kind: boolean, labels: ['N', 'Y']", ["Y", "N", "Y"]),
    "zip": (
        "kind: categorical, categories: ['00501', '12345', '01001']",
        ["00501", "01001", "12345"],
    ),
}


def test_every_form_comes_back_as_text_and_as_parquet(tmp_path: Path) -> None:
    schema = schema_of_lines(*(f"name: {name}, {facts}" for name, (facts, _) in FORMS.items()))
    assert parse_schema(dump_schema(schema)) == schema
    table = pd.DataFrame({name: texts for name, (_, texts) in FORMS.items()})
    assert violations(table, schema) == ()
    typed = conform(table, schema)
    shown = presented(typed.astype({"sentinel": "int64"}), schema)
    write_tables([shown], schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table)
    stored = pq.read_table(tmp_path / "t.parquet").to_pandas(integer_object_nulls=True)
    pd.testing.assert_frame_equal(conform(stored, schema), typed)
    for column in schema.columns:
        assert column_problem(stored[column.name], column) == "", column.name
        cells = cells_of(column)
        np.testing.assert_array_equal(
            cells.encode(typed_part(stored, schema)[column.name]),
            cells.encode(typed[column.name]),
            err_msg=column.name,
        )
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "t.parquet")}
    assert types["moved"].endswith("tz=Europe/Berlin]")
    assert (types["clock"][:4], types["call"][:8]) == ("time", "duration")


def test_times_of_day_may_begin_after_a_chunk_without_any(tmp_path: Path) -> None:
    schema = schema_of_lines(f"name: at, missing: true, {FORMS['clock'][0]}")
    chunks = [
        presented(conform(pd.DataFrame({"at": texts}), schema), schema)
        for texts in (["", ""], ["", "07:08"])
    ]
    write_tables(chunks, schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        assert conform(read_table(path), schema)["at"].dt.strftime("%H:%M").tolist()[3] == "07:08"


def test_a_text_in_another_form_is_a_violation_that_names_the_form() -> None:
    for name, (facts, texts) in FORMS.items():
        spoilt = pd.DataFrame({name: [*texts[:2], "CANARY7"]})
        found = violations(spoilt, schema_of_lines(f"name: {name}, {facts}"))
        assert [violation.count for violation in found] == [1], name
        assert "CANARY7" not in str(found[0])


@given(
    st.sampled_from(
        ["$#,##0.00", "0.00%", "#.##0,00 €", "#'##0.00 CHF", "0,00", "EUR 0.00", "# ##0.00"]
    ),
    st.integers(-(10**12), 10**12),
)
def test_numbers_survive_their_form(pattern: str, cents: int) -> None:
    form = number_form(pattern)
    assert form.number(form.text(cents / 100)) == pytest.approx(cents / 100, abs=1e-9)
    assert form.text(form.number(form.text(cents / 100))) == form.text(cents / 100)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["[h]:mm:ss", "PT"]))
def test_durations_survive_their_form(seconds: int, pattern: str) -> None:
    form = number_form(pattern)
    assert form.number(form.text(seconds)) == seconds


@given(st.floats(1e-15, 1e15), st.integers(0, 6))
def test_powers_of_ten_keep_their_digits(number: float, digits: int) -> None:
    form = number_form(f"0.{'0' * digits}E+00" if digits else "0E+00")
    assert form.number(form.text(number)) == pytest.approx(number, rel=10.0**-digits)


def test_patterns_that_could_be_formulas_or_are_none_are_refused() -> None:
    for pattern in [
        "=0",
        "0.0.0",
        "x",
        "-0",
        "@0",
        "0+",
        "'0",
        "cmd|0",
        "#,##0,00",
        "0.0000000000000000",
        "{0}",
    ]:
        with pytest.raises(ValueError, match=r"pattern|more|one sign"):
            number_form(pattern)
    assert math.isnan(number_form("0.0%").number("12"))


@given(
    st.datetimes(),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%d %b %Y %H:%M:%S", "%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S.%9f"]
    ),
)
def test_moments_of_all_years_survive(moment: object, pattern: str) -> None:
    moments = pd.Series(np.array([moment], dtype="datetime64[s]"))
    assert read_moments(write_moments(moments, pattern), pattern).tolist() == moments.tolist()


MISTAKES = {
    'name: x, kind: float, lower: 0, upper: 9, decimals: 2, format: "0.0"': "writes 1 decimals",
    'name: x, kind: integer, lower: 0, upper: 9, format: "=0"': "more around its digits",
    "name: x, kind: integer, lower: 0, upper: 9, special_values: [a]": "is no number",
    "name: x, kind: integer, lower: 9007199254740993, upper: 9007199254740999": "integers beyond",
    "name: x, kind: datetime, lower: 2020-01-01, upper: 2021-01-01, zone: Mars/Base": (
        "allowed: UTC"
    ),
    "name: x, kind: datetime, lower: 2020-01-01, upper: 2021-01-01, format: '%Y %z'": (
        "in which zone"
    ),
    "name: x, kind: date, lower: 1900-01-01, upper: 2021-01-01, format: '%d/%m/%y'": (
        "read as 1900 to 1999"
    ),
    "name: x, kind: date, lower: 2020-01-01, upper: 2021-01-01, special_values: [soon]": (
        "must be dates"
    ),
    "name: x, kind: email, presence: modelled": "only with missing: true",
    "name: x, kind: categorical, categories: [a, b], missing_markers: [c]": (
        "only with missing: true"
    ),
    "name: x, kind: categorical, categories: [a, b], missing: true, missing_markers: [b]": (
        "a category and a missing marker"
    ),
    "name: x, kind: email, repeats: allowed": "does not go with kind email",
}


def test_mistaken_facts_are_refused() -> None:
    for line, problem in MISTAKES.items():
        with pytest.raises(DocumentError, match=problem):
            schema_of_lines("name: a, kind: boolean", line)


def test_facts_that_came_later_leave_older_fingerprints_as_they_were() -> None:
    """Golden number: computed by privgan 0.2.0."""
    schema = schema_of_lines(
        "name: a, kind: integer, lower: 0, upper: 9, special_values: [0]",
        "name: b, kind: date, lower: 2020-01-01, upper: 2021-01-01, missing: true",
        "name: c, kind: identifier",
    )
    forms = replace(schema, dataset="forms")
    assert forms.fingerprint() == "211d259daed1809f58ba225c468dc700a22ce9ae9004ff8937069c1d279d7095"


def test_markers_of_one_column_mean_missing_there_alone(tmp_path: Path) -> None:
    schema = schema_of_lines(
        "name: a, kind: float, lower: 0, upper: 9, decimals: 1, missing: true, missing_markers:"
        " [unknown, '=NA()']",
        "name: b, kind: categorical, categories: [known, unknown]",
    )
    table = pd.DataFrame(
        {"a": ["1.5", "unknown", "=NA()", ""], "b": ["unknown", "known", "known", "known"]}
    )
    typed = conform(table, schema)
    assert typed["a"].isna().tolist() == [False, True, True, True]
    assert typed["b"].tolist() == ["unknown", "known", "known", "known"]
    write_tables([presented(typed, schema)], schema, None, tmp_path / "t.csv")
    back = read_table(tmp_path / "t.csv")
    assert back["a"].tolist() == ["1.5", "unknown", "unknown", "unknown"]
    pd.testing.assert_frame_equal(conform(back, schema), typed)


def test_whether_an_invented_value_stands_is_modelled_and_comes_back(tmp_path: Path) -> None:
    schema = schema_of_lines(
        "name: email, kind: email, role: identifier, missing: true, presence: modelled",
        "name: fax, kind: text, role: identifier, missing: true, presence: modelled",
        "name: a, kind: boolean",
    )
    assert [column.name for column in schema.modelled] == ["email", "fax", "a"]
    table = pd.DataFrame(
        {"email": ["u@x.org", "", "v@x.org"], "fax": ["", "", ""], "a": ["true", "false", "true"]}
    )
    typed = conform(table, schema)
    assert typed["email"].tolist() == ["present", "absent", "present"]
    assert typed["fax"].tolist() == ["absent"] * 3
    rng = np.random.default_rng(0)
    invented = invent(schema, 3, first_serial=1, customers=np.arange(3), rng=rng)["email"]
    made = pd.DataFrame(
        {
            "email": invented.where(typed["email"] == "present", None),
            "fax": [None] * 3,
            "a": typed["a"],
        }
    )
    write_tables([presented(made, schema)], schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        pd.testing.assert_frame_equal(conform(read_table(path), schema), typed)
    assert all(column_problem(made[column.name], column) == "" for column in schema.columns)


def test_codes_with_leading_zeros_are_no_integers() -> None:
    schema = schema_of_lines("name: zip, kind: integer, lower: 0, upper: 99999")
    found = violations(pd.DataFrame({"zip": ["00501", "1001", "0"]}), schema)
    assert [(violation.count, "leading zeros" in violation.problem) for violation in found] == [
        (1, True)
    ]


def test_an_id_that_repeats_is_refused_until_waived_and_the_waiver_is_an_assumed_fact() -> None:
    table = pd.DataFrame({"id": ["a", "a", "b"], "x": ["1", "2", "3"]})
    lines = (
        "name: id, kind: identifier, role: identifier",
        "name: x, kind: integer, lower: 0, upper: 9",
    )
    with pytest.raises(TableError, match="column 'id': an identifier repeats"):
        conform(table, schema_of_lines(*lines))
    waived = schema_of_lines(f"{lines[0]}, repeats: allowed, source: declared", lines[1])
    conform(table, waived)
    assert parse_schema(dump_schema(waived)) == waived
    assert waived.facts_from(Source.ASSUMED_PUBLIC) == ("id.repeats",)
    assert schema_facts(waived)["schema.assumed_public_facts"] == 1


def test_numbers_of_typed_sources_are_the_categories_that_texts_write() -> None:
    schema = schema_of_lines("name: dose, kind: ordinal, categories: ['0.50', '1.00', '2']")
    assert conform(pd.DataFrame({"dose": [0.5, 1.0, 2.0]}), schema)["dose"].tolist() == [
        "0.50",
        "1.00",
        "2",
    ]


def test_a_moment_that_a_constraint_names_stays_without_its_zone(tmp_path: Path) -> None:
    """02:30 was no time of that night in Berlin.

    An hour later it would no longer be below 03:00.
    """
    facts = "kind: datetime, lower: 2020-01-01, upper: 2021-01-01, zone: Europe/Berlin"
    text = HEAD + f"  - {{name: a, {facts}}}\n  - {{name: b, {facts}}}\n"
    moments = pd.Series(np.array(["2020-03-29T02:30:00"], dtype="datetime64[s]"))
    frame = pd.DataFrame({"a": moments, "b": moments + pd.Timedelta(minutes=30)})
    free, bound = parse_schema(text), parse_schema(text + "constraints:\n  - {below: [a, b]}\n")
    assert presented(frame, free)["a"].iloc[0].hour == 3
    assert presented(frame, bound)["a"].tolist() == moments.tolist()


def test_an_empty_column_stays_empty(tmp_path: Path) -> None:
    schema = schema_of_lines(
        "name: fax, kind: text, missing: true, presence: none", "name: a, kind: boolean"
    )
    assert [column.name for column in schema.modelled] == ["a"]
    assert parse_schema(dump_schema(schema)) == schema
    invented = invent(
        schema, 3, first_serial=1, customers=np.arange(3), rng=np.random.default_rng(0)
    )
    made = pd.DataFrame({"fax": invented["fax"], "a": ["True", "False", "True"]})
    assert made["fax"].isna().all()
    write_tables([presented(made, schema)], schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        assert violations(read_table(path), schema) == ()
    assert column_problem(made["fax"], schema.column("fax")) == ""
    assert "none that is invented" in column_problem(
        pd.Series(["[withheld]"]), schema.column("fax")
    )
    found = violations(pd.DataFrame({"fax": ["", "CANARY7", ""], "a": ["true"] * 3}), schema)
    assert [(violation.count, "no row holds one" in violation.problem) for violation in found] == [
        (1, True)
    ]


def test_every_pattern_of_a_serial_number_is_read_back() -> None:
    """Whatever fills up; a digit that fills up makes two numbers look alike, and is refused."""
    serials = [1, 2, 7, 10, 11, 16, 99, 100, 255, 4_096, 100_001, 1_234_567]
    for spec in [
        "->8d",
        "*>8",
        "*^8",
        "_>9",
        "x>6x",
        "08d",
        "0>6",
        "0=6",
        ",",
        "x",
        "#010x",
        "07d",
        "+d",
        " >6",
        "n",
        "08,",
        "_x",
    ]:
        column = Invented(name="x", kind=Kind.IDENTIFIER, pattern=f"K-{{:{spec}}}")
        assert is_pattern(column.pattern), spec
        for serial in serials:
            value = column.pattern.format(serial)
            assert could_stand_in(serial, column, value, unit=False), (spec, serial)
            assert could_stand_in(serial, column, value, unit=True), (spec, serial)
            assert not could_stand_in(serial - 1, column, value, unit=True), (spec, serial)
    for spec in ["9>6", "0<6", "1<4", "a>6x", "0^6", "A>6X"]:
        assert not is_pattern(f"K-{{:{spec}}}"), spec
