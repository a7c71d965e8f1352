"""What a plan cannot measure, from public facts alone, before anything is paid."""

import json

import numpy as np
import pytest

from privgan.planning.error_floor import Illegible, illegible
from privgan.planning.plan import StepKind
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

ROWS = 100_000


def _schema(*columns: dict[str, object]) -> Schema:
    return parse_schema(
        json.dumps(
            {
                "format": "privgan.schema/1",
                "dataset": "shop",
                "unit": "row",
                "columns": list(columns),
            }
        )
    )


def _categorical(name: str, number: int) -> dict[str, object]:
    return {
        "name": name,
        "kind": "categorical",
        "categories": [f"v{place}" for place in range(number)],
    }


OPEN = {
    "name": "item",
    "kind": "categorical",
    "other": "rest",
    "source": {"categories": "measured"},
}


def _told(schema: Schema, epsilon: float, *, rows: int | None = ROWS) -> Illegible:
    plan = make_plan(
        schema, PrivacyBudget(epsilon=epsilon, delta=1e-7), public_rows=rows, effort="quick"
    )
    return illegible(plan, schema)


def test_few_categories_and_many_rows_hide_nothing() -> None:
    told = _told(_schema(_categorical("a", 5), _categorical("b", 4)), 3)
    assert not told
    assert told.lines(10) == []


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_a_column_of_many_categories_is_told_with_its_error(epsilon: float) -> None:
    schema = _schema(_categorical("item", 20_000), _categorical("b", 4))
    (column,) = _told(schema, epsilon).values
    step = make_plan(
        schema, PrivacyBudget(epsilon=epsilon, delta=1e-7), public_rows=ROWS, effort="quick"
    ).step("cells:item")
    noise = np.random.default_rng(0).normal(0, step.noise, 100_000)
    assert column.error == pytest.approx(np.abs(noise).mean() / (0.9 * ROWS / 20_000), rel=0.02)
    assert (column.column, column.categories, column.apart) == ("item", 20_000, 19)
    assert column.most is not None
    assert column.most * column.least <= 0.9 * ROWS


def test_less_can_be_told_at_a_smaller_epsilon() -> None:
    schema = _schema(
        _categorical("item", 20_000), *(_categorical(f"c{place}", 30) for place in range(12))
    )
    loose, tight = _told(schema, 5), _told(schema, 0.2)
    assert loose.values[0].least < tight.values[0].least
    assert tight.pairs is not None
    assert (
        loose.pairs is None or loose.pairs.hidden < tight.pairs.hidden <= tight.pairs.number == 78
    )
    assert len(tight.pairs.columns) == 5


def test_of_measured_categories_it_says_how_many_can_be_found() -> None:
    schema = _schema(OPEN, _categorical("b", 4))
    (column,) = _told(schema, 3).values
    plan = make_plan(schema, PrivacyBudget(epsilon=3, delta=1e-7), public_rows=ROWS, effort="quick")
    (step,) = [step for step in plan.domain_steps if step.kind is StepKind.CATEGORIES]
    # Of 0.9 of the rows, which the canaries' coins keep in, as many as reach the threshold.
    assert 0.9 * column.least == pytest.approx(step.mechanism.threshold, abs=1)  # type: ignore[union-attr]
    assert (column.categories, column.most) == (None, ROWS // column.least)
    assert "found from about" in str(column)


def test_without_a_row_count_only_what_is_known_is_said() -> None:
    told = _told(_schema(OPEN, _categorical("b", 4)), 3, rows=None)
    (column,) = told.values
    assert (column.most, told.pairs) == (None, None)
    assert "as few as have them" in str(column)


@pytest.mark.slow
def test_many_such_columns_are_counted_and_not_listed() -> None:
    many = [_categorical(f"c{place}", 9_000) for place in range(14)]
    lines = _told(_schema(*many, _categorical("a", 40), _categorical("b", 40)), 0.5).lines(10)
    assert len(lines) == 12
    assert lines[10] == "4 more columns likewise"
    assert lines[11].startswith("pairs of columns: ")
