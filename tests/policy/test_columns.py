"""Gates on columns by name, role or kind: dropped, invented, or few values."""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.errors import DocumentError
from privgan.policy import ColumnFact, GateStatus, evaluate, explain, load_policy
from privgan.policy.schema_facts import column_facts
from privgan.table.schema_file import parse_schema
from tests.policy.sound import COLUMNS, columns, gate, make_policy, write_policy

SCHEMA = """format: privgan.schema/1
dataset: columns
unit: customer_id
max_rows_per_unit: 1
columns:
  - {name: customer_id, kind: identifier, role: identifier}
  - {name: town, kind: categorical, categories: [a, b, c], role: quasi-identifier}
  - {name: age, kind: integer, lower: 18, upper: 95, role: quasi-identifier, special_values: [20]}
  - {name: spend, kind: float, lower: 0, upper: 10, decimals: 2}
  - {name: joined, kind: date, lower: 2020-01-01, upper: 2020-12-31, role: sensitive}
  - {name: seen, kind: datetime, lower: 2020-01-01, upper: 2020-01-02}
  - {name: happy, kind: boolean}
"""


def judged(folder: Path, selection: str, rule: str, found: tuple[ColumnFact, ...] | None = COLUMNS):
    policy = make_policy(
        folder, gate("synthetic.rows", "at_least: 1"), more="columns:\n" + columns(selection, rule)
    )
    return evaluate(policy, {"synthetic.rows": 5}, found).outcomes[-1]


@pytest.mark.parametrize(
    ("selection", "rule", "breaking"),
    [
        ("name: spend", "dropped: true", ("spend",)),
        ("name: [ssn, tax_number]", "dropped: true", ()),
        ("kind: [float, integer]", "dropped: true", ("age", "spend")),
        ("role: identifier", "invented: true", ()),
        ("role: quasi-identifier", "invented: true", ("age", "town")),
        ("role: quasi-identifier\n  kind: categorical", "at_most_values: 39", ("town",)),
        ("role: quasi-identifier", "at_most_values: 78", ()),
        ("role: [quasi-identifier, other]", "at_most_values: 77", ("age", "spend")),
        ("role: identifier", "at_most_values: 1", ()),
    ],
)
def test_columns_are_chosen_and_held_to_a_rule(
    tmp_path: Path, selection: str, rule: str, breaking: tuple[str, ...]
) -> None:
    outcome = judged(tmp_path, selection, rule)
    assert outcome.breaking == breaking
    assert outcome.status is (GateStatus.FAIL if breaking else GateStatus.PASS)


def test_explanation_names_the_columns(tmp_path: Path) -> None:
    outcome = judged(tmp_path, "role: quasi-identifier", "at_most_values: 50")
    expected = (
        "schema.columns[role=quasi-identifier] is broken by age; asked: at most 50 different values"
        " each. Because. Change it."
    )
    assert explain(outcome) == expected
    assert outcome.to_json()["columns"] == {"role": ["quasi-identifier"]}
    assert explain(outcome, "zh").startswith(
        "schema.columns[role=quasi-identifier]：age 不符合；要求：每列不超过 50 个不同取值。"
    )
    kept = judged(tmp_path, "role: identifier", "invented: true")
    assert explain(kept) == "schema.columns[role=identifier] holds: invented, as asked."
    assert explain(kept, "zh") == "schema.columns[role=identifier]：符合要求（其值须为虚构）。"


def test_an_unknown_schema_blocks_and_an_unbounded_column_fails(tmp_path: Path) -> None:
    assert judged(tmp_path, "role: identifier", "invented: true", None).status is GateStatus.MISSING
    unbounded = (
        ColumnFact(name="town", kind="categorical", role="other", invented=False, values=None),
    )
    assert (
        judged(tmp_path, "role: other", "at_most_values: 1000", unbounded).status is GateStatus.FAIL
    )


def test_a_schema_says_how_many_values_a_column_takes() -> None:
    found = {fact.name: fact.values for fact in column_facts(parse_schema(SCHEMA))}
    expected = {
        "customer_id": None,
        "town": 3,
        "age": 78,
        "spend": 1001,
        "joined": 366,
        "seen": 86_401,
        "happy": 2,
    }
    assert found == expected


def test_mistakes_in_columns(tmp_path: Path) -> None:
    more = "columns:\n" + "".join(
        columns(selection, rule)
        for selection, rule in (
            ("role: qasi", "invented: true"),
            ("kind: date", "at_most_values: 0"),
            ("name: a", "dropped: true\n  invented: true"),
            ("name: b", "dropped: true"),
            ("name: b", "dropped: true"),
            ("dropped: true", "scope: public"),
        )
    )
    with pytest.raises(DocumentError) as caught:
        load_policy(write_policy(tmp_path, gate("synthetic.rows", "at_least: 1"), more=more))
    for part in (
        "found 'qasi'",
        "less than the minimum of 1",
        "found dropped and invented",
        "twice",
        "unknown key 'scope'",
        "'name'",
    ):
        assert part in str(caught.value), caught.value
