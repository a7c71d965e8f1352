"""Values of foreign tables are read column by column."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from privgan.audit.attacks.copied import copied
from privgan.audit.coding import CodedTable
from privgan.audit.foreign.harmonise import harmonise, legible
from privgan.audit.foreign.legibility import columns_left_out, lost_values, without_columns
from privgan.errors import TableError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.constraints import AtMost
from privgan.schema.schema import Schema
from privgan.table.conform import violations
from tests.audit.foreign_tables import audited

DAY = {"kind": Kind.DATE, "lower": dt.datetime(2015, 1, 1), "upper": dt.datetime(2025, 12, 31)}
MOMENT = {**DAY, "kind": Kind.DATETIME}
NUMBER = Numeric(name="v", kind=Kind.FLOAT, lower=0, upper=5000, decimals=2, special_values=(-9.0,))
WHOLE = Numeric(name="v", kind=Kind.INTEGER, lower=0, upper=5000)
DATE = Temporal(name="v", format="%Y-%m-%d", **DAY)
GERMAN = Temporal(name="v", format="%d.%m.%Y", **DAY)
CLOCK = Temporal(name="v", format="%Y-%m-%d %H:%M:%S", **MOMENT)
KENYAN = Temporal(name="v", format="%Y-%m-%d %H:%M:%S", zone="Africa/Nairobi", **MOMENT)
OFFSET = Temporal(name="v", format="%Y-%m-%dT%H:%M:%S%z", zone="Africa/Nairobi", **MOMENT)
MONEY = Numeric(name="v", kind=Kind.FLOAT, lower=0, upper=5000, decimals=2, format="$#,##0.00")
TIER = Discrete(
    name="v", kind=Kind.CATEGORICAL, categories=("basic", "Basic", "gold plus", "café", "10-20")
)
CODE = Discrete(name="v", kind=Kind.CATEGORICAL, categories=("00501", "02139", "1"))
FLAG = Discrete(name="v", kind=Kind.BOOLEAN, categories=("False", "True"))
PAIR = Discrete(name="v", kind=Kind.CATEGORICAL, categories=("N", "Y"))


def of(column: Column) -> Schema:
    """A schema of one column."""
    return Schema(dataset="one", unit=PrivacyUnit(), columns=(column,))


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (NUMBER, ["$1,234.50", "12.5", "(7)"], ["1234.5", "12.5", "-7"]),
        (NUMBER, ["1.234,50 €", "2,5", "17"], ["1234.5", "2.5", "17"]),
        (NUMBER, ["1’234.50", "2 500", "3\u00a0000"], ["1234.5", "2500", "3000"]),
        (NUMBER, ["12.5%", "CHF 3.-", "−9"], ["12.5", "3", "-9"]),
        (NUMBER, ["0 days 00:01:40", "PT2S", "3"], ["100", "2", "3"]),
        # Thousands or decimals: as decimals it fits the bounds, as thousands it does not.
        (NUMBER, ["9,250", "8,500", "7,750"], ["9.25", "8.5", "7.75"]),
        # Both fit: nothing is guessed.
        (NUMBER, ["1,250", "2,500"], ["1,250", "2,500"]),
        # Plain numbers win ties, and lose where another reading fits more.
        (WHOLE, ["1.250", "2.500", "3"], ["1250", "2500", "3"]),
        (WHOLE, ["3.0", "4"], ["3.0", "4"]),
        (NUMBER, ["high", "1"], ["high", "1"]),
        (DATE, ["2021-05-03 00:00:00", "2021-05-04"], ["2021-05-03", "2021-05-04"]),
        (DATE, ["2021-05-03T13:45:10.250+02:00", "20210504"], ["2021-05-03", "2021-05-04"]),
        (DATE, ["13/05/2021", "03/04/2021"], ["2021-05-13", "2021-04-03"]),
        (DATE, ["05/13/2021", "03/04/2021"], ["2021-05-13", "2021-03-04"]),
        (DATE, ["05/06/2021", "03/04/2021"], ["05/06/2021", "03/04/2021"]),
        (DATE, ["3 MAY 2021", "Monday, 3 May 2021"], ["2021-05-03", "2021-05-03"]),
        (DATE, ["2021-02-30", "someday"], ["2021-02-30", "someday"]),
        (DATE, ["44319", "44320"], ["2021-05-03", "2021-05-04"]),
        (GERMAN, ["2021-05-03", "03.05.2021 00:00:00"], ["03.05.2021", "03.05.2021"]),
        (
            GERMAN,
            [dt.date(2021, 5, 3), pd.Timestamp("2021-05-04 10:00")],
            ["03.05.2021", "04.05.2021"],
        ),
        (
            CLOCK,
            ["2021-05-03", "5/14/2021 1:02 PM"],
            ["2021-05-03 00:00:00", "2021-05-14 13:02:00"],
        ),
        (CLOCK, ["1620036000", "1620036060"], ["2021-05-03 10:00:00", "2021-05-03 10:01:00"]),
        (CLOCK, ["2021-05-03T10:00:00Z"], ["2021-05-03 10:00:00"]),
        (
            KENYAN,
            ["2021-05-03T10:00:00Z", "2021-05-03 10:00"],
            ["2021-05-03 13:00:00", "2021-05-03 10:00:00"],
        ),
        (
            OFFSET,
            ["2021-05-03T10:00:00Z", "2021-05-03 10:00:00"],
            ["2021-05-03T10:00:00Z", "2021-05-03T10:00:00+03:00"],
        ),
        (MONEY, ["1234.5", "€7,50", "$3.00"], ["$1,234.50", "$7.50", "$3.00"]),
        (CLOCK, ["now", "2021-05-03 25:00:00"], ["now", "2021-05-03 25:00:00"]),
        (TIER, ["Gold  Plus ", "CAFE\u0301", "10 - 20"], ["gold plus", "café", "10-20"]),
        # Two categories read alike: nothing is guessed.
        (TIER, ["BASIC", "basic", "platinum"], ["BASIC", "basic", "platinum"]),
        (CODE, ["501", 2139, 1.0, "139"], ["00501", "02139", 1.0, "139"]),
        (FLAG, ["Y", "no", 1.0, True, "maybe"], ["True", "False", "True", True, "maybe"]),
        (PAIR, ["yes", "false", 1, "On", "2"], ["Y", "N", "Y", "Y", "2"]),
    ],
)
def test_values_become_the_schemas_own(column, values, expected):
    table = pd.DataFrame({"v": pd.Series(values, dtype=object)})
    read, told = harmonise(table, of(column), "synthetic")
    assert read["v"].tolist() == expected
    changed = sum(
        type(before) is not type(after) or before != after
        for before, after in zip(values, expected, strict=True)
    )
    assert sum(item.values for item in told) == changed
    assert table["v"].tolist() == values


def test_every_value_that_conform_refuses_is_counted():
    """The count is that of the reader which every other command uses."""
    for column, values in (
        (NUMBER, ["x", "1e9", "-9", "-8", "5", "inf", "2 kg"]),
        (DATE, ["x", "1999-01-01", "2021-05-03", "9999-12-31", "now"]),
        (TIER, ["x", "basic", "BASIC"]),
        (FLAG, ["x", "t", "2"]),
    ):
        table = pd.DataFrame({"v": values})
        fact = lost_values(table, of(column), "synthetic")[0]
        refused = pd.concat([found.rows for found in violations(table, of(column))], axis=1).any(
            axis=1
        )
        special = int(
            (table["v"] == "-9").sum()
        )  # A special value outside the bounds is no violation in every version.
        assert fact.unread + fact.unseen + fact.outside in {
            int(refused.sum()),
            int(refused.sum()) - special,
        }


def test_words_for_missing_and_missing_values():
    column = Numeric(
        name="v", kind=Kind.INTEGER, lower=0, upper=9, missing=True, missing_markers=("unknown",)
    )
    read, told = harmonise(
        pd.DataFrame({"v": ["NaN", "unknown", "", None, "3"]}), of(column), "synthetic"
    )
    assert read["v"].tolist() == [None, "unknown", "", None, "3"]
    assert [(item.what, item.values) for item in told] == [("a word for missing", 1)]
    assert lost_values(read, of(column), "synthetic")[0].missing == 4


@pytest.mark.parametrize(
    ("synthetic", "holdout", "left"),
    [
        (["1"] * 10, ["1"] * 10, False),
        (["x"] * 5 + ["1"] * 5, ["1"] * 10, False),
        (["x"] * 6 + ["1"] * 4, ["1"] * 10, True),
        (["x"] * 3 + ["6000"] * 3 + ["1"] * 4, ["1"] * 10, True),
        ([""] * 10, ["1"] * 10, True),
        (["1"] * 10, ["x"] * 2 + ["1"] * 8, True),
        (["1"] * 10, ["x"] + ["1"] * 9, False),
    ],
)
def test_columns_that_are_mostly_lost_leave(synthetic, holdout, left):
    tables = {"real": ["1"] * 10, "holdout": holdout, "synthetic": synthetic}
    schema = of(Numeric(name="v", kind=Kind.INTEGER, lower=0, upper=5000, missing=True))
    lost = [
        fact
        for name, values in tables.items()
        for fact in lost_values(pd.DataFrame({"v": values}), schema, name)
    ]
    assert list(columns_left_out(lost)) == (["v"] if left else [])


def test_missing_values_as_many_as_in_the_real_table_are_no_loss():
    schema = of(Numeric(name="v", kind=Kind.INTEGER, lower=0, upper=9, missing=True))
    lost = [
        fact
        for name in ("real", "holdout", "synthetic")
        for fact in lost_values(pd.DataFrame({"v": [""] * 9 + ["1"]}), schema, name)
    ]
    assert columns_left_out(lost) == {}


def test_a_column_that_leaves_takes_its_constraints_and_target_along():
    columns = (
        DATE,
        Temporal(name="w", format="%Y-%m-%d", **DAY),
        Discrete(name="u", kind=Kind.ORDINAL, categories=("1", "2")),
    )
    schema = Schema(
        dataset="d",
        unit=PrivacyUnit(),
        columns=columns,
        target="v",
        constraints=(AtMost(low="v", high="w"),),
    )
    kept = without_columns(schema, {"v": "gone"})
    assert (kept.names, kept.target, kept.constraints) == (("w", "u"), None, ())
    with pytest.raises(TableError, match="no column is left to compare"):
        without_columns(schema, dict.fromkeys(schema.names, "gone"))


def test_columns_of_lists_and_of_nothing_are_borne():
    schema = of(TIER)
    for values in ([["a"], ["b"]], [None, None], [float("nan"), "basic"], [{"a": 1}, b"x"]):
        read, _ = harmonise(
            pd.DataFrame({"v": pd.Series(values, dtype=object)}), schema, "synthetic"
        )
        assert lost_values(read, schema, "synthetic")[0].rows == 2


def test_in_python_unseen_categories_leave_too(schema, draw_rows):
    """Codes in place of names were coded as unseen, so that a copy looked like none."""
    real, holdout = draw_rows(200, 1), draw_rows(200, 2)
    coded = real.assign(region=real["region"].map({"north": "0", "south": "1", "west": "2"}))
    kept, tables, legibility = legible(schema, real, holdout, coded)
    assert list(legibility.left_out) == ["region"]
    assert "region" not in kept.names
    assert all("region" not in table for table in tables)
    shouted = real.assign(region=real["region"].str.upper())
    assert legible(schema, real, holdout, shouted)[2].left_out == {}
    with pytest.raises(TableError, match=r"unknown \['extra'\]"):
        audited(schema, real, holdout, real.assign(extra=1))


def coded(generator: np.random.Generator, sizes: tuple[int, ...], rows: int) -> CodedTable:
    """Rows of independent columns with many equal ones."""
    values = np.column_stack(
        [np.minimum(generator.geometric(2 / size, rows), size) for size in sizes]
    )
    return CodedTable(values.astype(np.int64), values.astype(float))


@pytest.mark.parametrize(
    "sizes", [(3, 3), (5, 7, 9), (10, 10, 10), (60, 3, 30, 2), (1000, 1000, 2)]
)
@pytest.mark.parametrize(
    "rows", [(300, 300, 300), (300, 300, 5000), (2000, 400, 1000), (60, 60, 10000)]
)
def test_a_table_made_without_copying_is_never_accused(sizes, rows):
    for seed in range(12):
        generator = np.random.default_rng(seed)
        assert copied(*(coded(generator, sizes, count) for count in rows)) == ""


@pytest.mark.parametrize(
    ("training", "share", "found"),
    [(2000, 1.0, True), (2000, 0.3, True), (50_000, 1.0, True), (2000, 0.03, False)],
)
def test_copies_are_found_whatever_the_sizes(training, share, found):
    generator = np.random.default_rng(1)
    seen, holdout, others = (
        coded(generator, (60, 300, 30, 9), rows) for rows in (training, 2000, 1000)
    )
    taken = int(share * len(others))
    parts = [
        np.vstack([getattr(seen, part)[:taken], getattr(others, part)[taken:]])
        for part in ("codes", "values")
    ]
    assert bool(copied(seen, holdout, CodedTable(*parts))) is found
