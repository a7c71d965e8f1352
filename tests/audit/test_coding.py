"""Codes, canonical texts and row keys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.audit.coding import AuditCoder, FeatureMap, category_text
from privgan.errors import TableError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema


def one_column(column) -> Schema:
    return Schema(dataset="one", unit=PrivacyUnit(), columns=(column,))


def codes(column, reference, values) -> list[int]:
    schema = one_column(column)
    coder = AuditCoder.from_reference(schema, pd.DataFrame({column.name: reference}))
    return coder.code(pd.DataFrame({column.name: values})).codes[:, 0].tolist()


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0", np.int64(1), np.float32(1)])
def test_one_is_one_however_it_is_stored(value):
    assert category_text(value) == "1"


def test_discrete_codes_missing_and_unseen_apart():
    column = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("a", "b"), missing=True)
    assert codes(column, ["a"], ["b", "a", "never", None, np.nan]) == [1, 0, 2, 3, 3]


@pytest.mark.parametrize("categories", [("False", "True"), ("no", "yes"), ("0", "1")])
def test_booleans_answer_to_true_and_false(categories):
    column = Discrete(name="c", kind=Kind.BOOLEAN, categories=categories)
    assert codes(column, [True], [False, True, "true", categories[1], categories[0]]) == [
        0,
        1,
        1,
        1,
        0,
    ]


def test_category_written_with_a_point_keeps_its_place():
    column = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("1.0", "2.5"))
    assert codes(column, ["1.0"], ["1.0", 1.0, 2.5, "2.5"]) == [0, 0, 1, 1]


def test_numbers_are_cut_at_the_reference_quantiles():
    column = Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1000, decimals=1, missing=True)
    found = codes(column, np.arange(1001.0), [0.0, 49.9, 50.0, 1000.0, np.nan, np.inf])
    assert found == [0, 0, 1, 19, 20, 20]


def test_few_numbers_are_kept_as_they_are():
    column = Numeric(name="x", kind=Kind.INTEGER, lower=0, upper=9, missing=True)
    assert codes(column, [1, 2, 7], [7, 1, 3, 99, None]) == [2, 0, 3, 3, 4]


def test_moments_become_seconds():
    import datetime as dt

    column = Temporal(
        name="t",
        kind=Kind.DATE,
        lower=dt.datetime(1970, 1, 1),
        upper=dt.datetime(2030, 1, 1),
        format="%Y-%m-%d",
    )
    schema = one_column(column)
    table = pd.DataFrame({"t": pd.to_datetime(["1970-01-02", None])})
    values = AuditCoder.from_reference(schema, table).code(table).values[:, 0]
    assert values[0] == 86400.0
    assert np.isnan(values[1])


def test_keys_compare_contents(schema, draw_rows):
    table = draw_rows(50, 1)
    coder = AuditCoder.from_reference(schema, table)
    other = table.assign(grade=table["grade"].astype(float), churned=table["churned"].map(str))
    assert (coder.code(table).keys() == coder.code(other).keys()).all()
    shuffled = table.sample(frac=1, random_state=0)
    first, second = coder.code(table), coder.code(shuffled)
    ordered = [t.take(t.canonical_order()).values for t in (first, second)]
    assert np.array_equal(*ordered, equal_nan=True)


def test_values_do_not_depend_on_the_reference(schema, draw_rows):
    table = draw_rows(50, 1)
    found = [
        AuditCoder.from_reference(schema, draw_rows(200, seed)).code(table).values
        for seed in (2, 3)
    ]
    assert np.array_equal(*found, equal_nan=True)


def test_different_columns_are_refused(schema, draw_rows):
    table = draw_rows(20, 1)
    with pytest.raises(TableError, match="missing \\['age'\\], unknown \\['ages'\\]"):
        AuditCoder.from_reference(schema, table.rename(columns={"age": "ages"}))
    with pytest.raises(TableError, match="two columns of one name"):
        AuditCoder.from_reference(schema, pd.concat([table, table], axis=1))


def test_two_categories_are_one_apart():
    column = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("a", "b"), missing=True)
    table = pd.DataFrame({"c": ["a", "b", None]})
    coder = AuditCoder.from_reference(one_column(column), table)
    rows = FeatureMap.from_reference(coder.columns, coder.code(table))(coder.code(table))
    assert ((rows[0] - rows[1]) ** 2).sum() == pytest.approx(1.0)
    assert ((rows[0] - rows[2]) ** 2).sum() == pytest.approx(1.0)
