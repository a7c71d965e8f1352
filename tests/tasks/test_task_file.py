"""A schema's tasks: read, written, refused with a line, and held against a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import privgan
from privgan.cli.main import execute
from privgan.errors import DocumentError, TableError
from privgan.owner.owners_table import TableAsRead
from privgan.schema.tasks import (
    TASKS,
    ForecastTask,
    RecommendationTask,
    RegressionTask,
    ResponseTask,
    ScorecardTask,
    SegmentsTask,
    Task,
    UpliftTask,
)
from privgan.sources import SourceOptions
from privgan.table.schema_file import dump_schema, parse_schema
from tests.tasks.shoppers import TEXT

WITHOUT = """format: privgan.schema/1
dataset: campaign
unit: row
columns:
  - {name: id, kind: identifier}
  - {name: job, kind: categorical, categories: [clerk, cook, "1"]}
  - {name: age, kind: integer, lower: 18, upper: 99}
  - {name: since, kind: date, lower: 2020-01-01, upper: 2020-12-31}
  - {name: town, kind: categorical, other: elsewhere, source: {categories: measured}}
  - {name: alike, kind: categorical, categories: [same]}
  - {name: mailed, kind: boolean, labels: ["no", "yes"]}
  - {name: bought, kind: boolean}
  - {name: 应答, kind: categorical, categories: [否, 是]}
"""
ALL = """tasks:
  - {kind: response, target: bought}
  - {kind: response, target: job, positive: 1}
  - {kind: response, target: 应答, positive: 否}
  - {kind: scorecard, target: bought, positive: "False"}
  - {kind: uplift, treatment: mailed, outcome: bought}
  - {kind: segments, clusters: 4, columns: [job, age]}
  - {kind: segments}
  - {kind: regression, target: age}
"""
MORE = """tasks:
  - {kind: recommendation, column: job}
  - {kind: forecast, date: since, target: age, period: week, horizon: 4}
  - {kind: forecast, date: since}
"""
READ = (
    ResponseTask(target="bought", positive="True"),
    ResponseTask(target="job", positive="1"),
    ResponseTask(target="应答", positive="否"),
    ScorecardTask(target="bought", positive="False"),
    UpliftTask(treatment="mailed", outcome="bought", treated="yes", positive="True"),
    SegmentsTask(clusters=4, columns=("job", "age")),
    SegmentsTask(),
    RegressionTask(target="age"),
)
READ_MORE = (
    RecommendationTask(column="job"),
    ForecastTask(date="since", target="age", period="week", horizon=4),
    ForecastTask(date="since"),
)


@pytest.mark.parametrize(("text", "read"), [(ALL, READ), (MORE, READ_MORE)])
def test_tasks_are_read_and_written(text: str, read: tuple[Task, ...]) -> None:
    schema = parse_schema(WITHOUT + text)
    assert schema.tasks == read
    assert parse_schema(dump_schema(schema)) == schema
    assert schema.fingerprint() != parse_schema(WITHOUT).fingerprint()
    assert {task.kind for task in (*READ, *READ_MORE)} == set(TASKS)


def test_a_forecast_of_a_history_is_by_its_order() -> None:
    text = f"{TEXT.partition('tasks:')[0]}tasks: [{{kind: forecast}}]\n"
    assert parse_schema(text).tasks == (ForecastTask(date="day"),)
    with pytest.raises(DocumentError, match="'segment' is constant within a customer"):
        parse_schema(text.replace("kind: forecast", "kind: recommendation, column: segment"))


def test_the_first_task_names_the_target_where_the_schema_names_none() -> None:
    assert parse_schema(WITHOUT + ALL).target == "bought"
    assert parse_schema(WITHOUT + ALL + "target: job\n").target == "job"
    assert parse_schema(WITHOUT + "tasks: [{kind: segments}]\n").target is None


def test_a_schema_without_tasks_is_as_before() -> None:
    schema = parse_schema(WITHOUT)
    assert schema.tasks == ()
    assert "tasks" not in schema.to_json()
    assert "tasks" not in dump_schema(schema)


@settings(max_examples=20)
@given(st.lists(st.sampled_from((*READ, *READ_MORE)), min_size=1, max_size=4, unique=True))
def test_any_tasks_come_back_as_they_were(tasks: list[Task]) -> None:
    schema = replace(parse_schema(WITHOUT), tasks=tuple(tasks))
    again = parse_schema(dump_schema(schema))
    assert again.tasks == schema.tasks
    assert again == parse_schema(dump_schema(again))


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("{kind: responce, target: bought}", "allowed: response, scorecard, uplift, segments"),
        ("{kind: forcast}", "found 'forcast', allowed: response"),
        ("{kind: recommendation}", "needs column: the name of a column"),
        ("{kind: recommendation, column: age}", "is integer, allowed: categorical, ordinal"),
        ("{kind: recommendation, column: alike}", "column 'alike' has one value"),
        ("{kind: recommendation, column: job, new: true}", "the schema has no history"),
        ("{kind: forecast}", "a task of kind forecast needs date: the name of a column"),
        ("{kind: forecast, date: age}", "column 'age' is integer, allowed: date, datetime"),
        ("{kind: forecast, date: since, target: job}", "is categorical, allowed: integer, float"),
        ("{kind: forecast, date: since, period: year}", "allowed: day, week, month, quarter"),
        ("{kind: forecast, date: since, horizon: 0}", "horizon"),
        ("{target: bought}", "lacks 'kind'"),
        ("{kind: response}", "a task of kind response needs target: the name of a column"),
        ("{kind: response, target: bougt}", "is no column that is modelled; did you mean 'bought'"),
        ("{kind: response, target: id}", "'id' is no column that is modelled"),
        ("{kind: response, target: age}", "is integer, allowed: categorical, ordinal, boolean"),
        ("{kind: response, target: town}", "the categories of 'town' are to be measured"),
        ("{kind: response, target: alike}", "column 'alike' has one value"),
        ("{kind: response, target: job}", "has 3 values; say with 'positive' which is meant"),
        ("{kind: response, target: bought, positive: true}", "allowed: False, True; did you mean"),
        ("{kind: response, target: bought, clusters: 3}", "no such key; allowed: kind, target"),
        ("{kind: uplift, outcome: bought}", "needs treatment"),
        ("{kind: uplift, treatment: job, outcome: bought}", "has 3 values, allowed: 2, treated"),
        ("{kind: uplift, treatment: bought, outcome: bought}", "are the same column"),
        ("{kind: uplift, treatment: mailed, outcome: bought, treated: ja}", "allowed: no, yes"),
        ("{kind: segments, clusters: 1}", "clusters"),
        ("{kind: segments, columns: [age]}", "found one column, allowed: at least 2"),
        ("{kind: segments, columns: [age, jop]}", "did you mean 'job'?"),
        ("{kind: regression, target: job}", "is categorical, allowed: integer, float"),
        ("{kind: segments}\n  - {kind: segments}", "the same task stands twice"),
        ("\n  - ".join(f"{{kind: segments, clusters: {n}}}" for n in range(2, 12)), "at most 8"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_its_line(task: str, told: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_schema(f"{WITHOUT}tasks:\n  - {task}\n")
    assert told in str(refused.value)
    assert "line 1" in str(refused.value)
    assert "line 1:" not in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_schema(f"{WITHOUT}tasks:\n  - {{kind: response, target: x}}\n  - {{kind: uplift}}\n")
    assert len(refused.value.mistakes) == 3


def test_tasks_are_built_in_code() -> None:
    columns = parse_schema(WITHOUT).columns
    made = privgan.Schema(
        columns, dataset="campaign", tasks=[privgan.ResponseTask(target="bought")]
    )
    assert made.tasks == (ResponseTask(target="bought", positive="True"),)
    assert made.target == "bought"
    with pytest.raises(DocumentError, match="did you mean 'bought'"):
        privgan.Schema(columns, dataset="campaign", tasks=[privgan.ResponseTask(target="bougt")])


ROWS = pd.DataFrame(
    {
        "id": range(6),
        "job": ["clerk", "cook", "1"] * 2,
        "age": [20, 30, 40, 50, 60, 70],
        "since": ["2020-02-01"] * 6,
        "town": ["here"] * 6,
        "alike": ["same"] * 6,
        "mailed": ["no", "yes"] * 3,
        "bought": ["False", "True", "True"] * 2,
        "应答": ["否", "是"] * 3,
    }
)


def test_a_table_that_serves_its_tasks_fits() -> None:
    assert privgan.Schema.of(parse_schema(WITHOUT + ALL)).check(ROWS).fits


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"mailed": "no"}, "'mailed'"), ({"bought": "True"}, "'bought'"), ({"age": 40}, "'age'")],
)
def test_an_empty_arm_or_one_class_does_not_fit(changed: dict[str, object], told: str) -> None:
    found = privgan.Schema.of(parse_schema(WITHOUT + ALL)).check(ROWS.assign(**changed))
    assert not found.fits
    problems = [str(part) for part in found.violations]
    assert all("fewer than two values occur" in problem for problem in problems)
    assert all(told in problem for problem in problems)


def test_clamping_takes_a_table_whatever_its_tasks_columns_hold() -> None:
    """Whether it is taken would hang on one customer."""
    table = TableAsRead.read(ROWS.assign(mailed="no"), SourceOptions())
    schema = parse_schema(WITHOUT + ALL)
    with pytest.raises(TableError, match="fewer than two values"):
        table.conforming(schema)
    assert table.conforming(schema, on_violation="clamp") is not None


@pytest.mark.slow
def test_it_is_refused_before_anything_is_paid(
    tmp_path: Path, ledger_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, schema = tmp_path / "rows.csv", tmp_path / "schema.yaml"
    ROWS.assign(mailed="no").to_csv(rows, index=False)
    schema.write_text(WITHOUT + ALL, encoding="utf-8")
    checked = ["schema", "check", str(rows), "--schema", str(schema)]
    run = ["run", str(rows), "--schema", str(schema), "--policy", "internal-analytics"]
    more = ["--epsilon", "1", "--public-rows", "600", "--out", str(tmp_path / "out")]
    for command in (checked, [*run, *more]):
        assert execute(command) == 2
        said = "".join(capsys.readouterr())
        assert "column 'mailed': fewer than two values occur" in said
        assert "uplift compares treated and untreated customers" in said
    assert not ledger_path.exists()
