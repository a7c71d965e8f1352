"""Constraints of a schema.

What is read, what is refused, what comes back, and which rows hold them.
"""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from privgan.domain.measured import with_bounds
from privgan.domain.regions import MOST_BOXES, check_satisfiable, groups_of, widened
from privgan.drafting.draft import draft_schema
from privgan.errors import DocumentError, IncompleteError, UsageError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind, Numeric
from privgan.schema.constraints import AtMost, Combinations, WhenThen
from privgan.schema.schema import Schema
from privgan.table.conform import conform, violations
from privgan.table.constraint_file import TEXT_KEYS
from privgan.table.schema_file import dump_schema, load_schema, parse_schema
from privgan.table.violations import broken, broken_constraints, holds
from tests.constrained import schema_of

COLUMNS = """\
  - {name: id, kind: identifier, pattern: "S{:03d}"}
  - {name: orders, kind: integer, lower: 0, upper: 20, special_values: [0]}
  - {name: spend, kind: float, lower: 0, upper: 100, decimals: 2, special_values: [0],
      missing: true}
  - {name: large, kind: integer, lower: 200, upper: 300}
  - {name: first, kind: date, lower: 2020-01-01, upper: 2021-12-31}
  - {name: last, kind: date, lower: 2020-06-01, upper: 2022-12-31, missing: true}
  - {name: seen, kind: datetime, lower: 2020-01-01, upper: 2021-12-31}
  - {name: tier, kind: ordinal, categories: [low, no, 01, "null"], missing: true}
  - {name: town, kind: categorical, categories: [Bonn, Köln]}
  - {name: churned, kind: boolean}
  - {name: open, kind: float, decimals: 1, source: {lower: measured, upper: measured}}
  - {name: other_town, kind: categorical, other: elsewhere, source: {categories: measured},
      missing: true}
"""
FIRST_LINE = 4 + COLUMNS.count("\n") + 2
GOOD = """\
  - {at_most: [orders, spend], description: each costs 1 and more}
  - {below: [first, last]}
  - {when: "orders = 0", then: spend = 0 and tier is missing}
  - {when: open > 12.5 and other_town is missing, then: town != Bonn}
  - combinations: [tier, churned]
    allowed: [[low, true], [no, FALSE], [01, "True"], [null, false], ["null", false], [low,
        false], [01, false]]
"""
SCHEMA = schema_of(COLUMNS, GOOD)


def test_constraints_are_read_as_written() -> None:
    assert SCHEMA.constraints == (
        AtMost(low="orders", high="spend", description="each costs 1 and more"),
        AtMost(low="first", high="last", strict=True),
        WhenThen(when="orders = 0", then="spend = 0 and tier is missing"),
        WhenThen(when="open > 12.5 and other_town is missing", then="town != Bonn"),
        Combinations(
            columns=("tier", "churned"),
            allowed=(
                ("low", "True"),
                ("no", "False"),
                ("01", "True"),
                (None, "False"),
                ("null", "False"),
                ("low", "False"),
                ("01", "False"),
            ),
        ),
    )
    assert [str(part) for part in SCHEMA.constraints[:3]] == [
        "orders at most spend",
        "first below last",
        "when orders = 0, then spend = 0 and tier is missing",
    ]
    assert {"at_most", "when", "combinations"} < TEXT_KEYS


def test_constraints_come_back_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(dump_schema(SCHEMA), encoding="utf-8")
    assert load_schema(path) == SCHEMA
    assert load_schema(path).fingerprint() == SCHEMA.fingerprint()


def test_each_constraint_is_part_of_the_fingerprint_and_none_leaves_it_as_it_was() -> None:
    lines = GOOD.replace("\n    ", " @").splitlines()
    texts = ["".join(f"{line}\n" for line in lines if line != left) for left in [None, *lines]]
    marks = {schema_of(COLUMNS, text.replace(" @", "\n    ")).fingerprint() for text in texts}
    assert len(marks) == len(lines) + 1
    assert "constraints" not in schema_of(COLUMNS).to_json()
    assert schema_of(COLUMNS).fingerprint() not in marks


def test_a_released_schema_with_measured_facts_is_read_again() -> None:
    """What is measured may end up beside a constraint's values: that is no mistake of the file."""
    found = {
        "open": Numeric(
            name="open",
            kind=Kind.FLOAT,
            lower=0,
            upper=1,
            decimals=1,
            sources=SCHEMA.column("open").sources,
        ),
        "other_town": Discrete(
            name="other_town",
            kind=Kind.CATEGORICAL,
            categories=("Bonn", "elsewhere"),
            other="elsewhere",
            missing=True,
            sources=SCHEMA.column("other_town").sources,
        ),
    }
    resolved = SCHEMA.resolved(found)
    assert parse_schema(dump_schema(resolved)) == resolved
    check_satisfiable(resolved)


def test_bounds_measured_apart_are_told() -> None:
    schema = schema_of(COLUMNS, "  - {at_most: [open, orders]}\n")
    column, town = schema.open_columns
    resolved = schema.resolved(
        {"open": with_bounds(column, 9_000, 9_900), "other_town": found_town(town)}
    )
    with pytest.raises(
        IncompleteError, match=r"constraints\[0\] \(open at most orders\).*declare these bounds"
    ):
        check_satisfiable(resolved)
    check_satisfiable(
        schema.resolved({"open": with_bounds(column, 0, 9_900), "other_town": found_town(town)})
    )


def found_town(column: Column) -> Discrete:
    """The column with one measured category."""
    return Discrete(
        name=column.name,
        kind=column.kind,
        categories=("elsewhere",),
        other="elsewhere",
        missing=True,
        sources=column.sources,
    )


def test_a_draft_has_no_constraints() -> None:
    assert draft_schema(pd.DataFrame({"a": ["1", "2"]}), "d").schema.constraints == ()


BAD: dict[str, tuple[str, tuple[str, ...]]] = {
    "no list": ("{at_most: [orders, spend]}", ("constraints: found", "allowed: a list")),
    "no mapping": (
        "- orders at most spend",
        ("constraints[0]: found 'orders at most spend'", "allowed: a mapping"),
    ),
    "nothing": ("- {description: x}", ("constraints[0]: found nothing", "at_most: [low, high]")),
    "unknown key": (
        "- {at_mst: [orders, spend]}",
        ("constraints[0]: unknown key 'at_mst'", "did you mean 'at_most'"),
    ),
    "two in one": (
        "- {at_most: [orders, spend], below: [orders, spend]}",
        ("found at_most, below", "or below"),
    ),
    "when alone": ("- {when: orders = 0}", ("constraints[0]: found when,", "when: and then:")),
    "combinations alone": (
        "- {combinations: [tier, town]}",
        ("found combinations", "combinations: and allowed:"),
    ),
    "one column": (
        "- {at_most: [orders]}",
        ("at_most: found '[\"orders\"]'", "two different columns"),
    ),
    "itself": ("- {at_most: [orders, orders]}", ("two different columns",)),
    "no column": (
        "- {below: [order, spend]}",
        ("constraints[0].below: 'order' is no column", "did you mean 'orders'"),
    ),
    "identifier": (
        "- {at_most: [id, spend]}",
        ("constraints[0].at_most: 'id' is of kind identifier and invented",),
    ),
    "text": ("- {at_most: [town, spend]}", ("'town' is categorical", "two numeric columns")),
    "measured text": (
        "- {at_most: [spend, other_town]}",
        ("'other_town' is categorical", "two numeric columns"),
    ),
    "number and date": (
        "- {at_most: [orders, first]}",
        ("'orders' is integer and 'first' is date", "two dates"),
    ),
    "date and datetime": (
        "- {at_most: [first, seen]}",
        ("'first' is date and 'seen' is datetime", "two datetimes"),
    ),
    "never meet": (
        "- {at_most: [large, spend]}",
        ("the lowest 'large' is above the highest 'spend'", "change the bounds"),
    ),
    "when cannot be read": (
        "- {when: orders ~ 0, then: spend = 0}",
        ("constraints[0].when:", "write for example"),
    ),
    "then cannot be read": (
        "- {when: orders = 0, then: spend}",
        ("constraints[0].then: nothing follows spend",),
    ),
    "or": (
        "- {when: orders = 0 or, then: spend = 0}",
        ("constraints[0].when: the condition ends where a comparison is due",),
    ),
    "alternatives that no row meets": (
        "- {when: not (churned = true or churned = false), then: spend = 0}",
        ("constraints[0].when: no row of the schema meets it",),
    ),
    "then that excludes when": (
        "- {when: churned = true or town = Bonn, then: churned = false and not town = Bonn}",
        ("constraints[0].then: what it asks excludes 'when'",),
    ),
    "when of an identifier": (
        "- {when: id = 1, then: spend = 0}",
        ("when: 'id' is invented and cannot be a condition",),
    ),
    "then of no column": (
        "- {when: orders = 0, then: spent = 0}",
        ("then: 'spent' is no column", "did you mean 'spend'"),
    ),
    "no category": (
        "- {when: town = Bon, then: spend = 0}",
        ("when: 'Bon' is no category of town", "did you mean 'Bonn'"),
    ),
    "measured category": (
        "- {when: other_town = a, then: spend = 0}",
        ("categories of other_town are measured",),
    ),
    "when outside the bounds": (
        "- {when: orders > 20, then: spend = 0}",
        ("when: no value of 'orders'", "0 to 20"),
    ),
    "then outside the bounds": (
        "- {when: orders = 0, then: spend > 100}",
        ("then: no value of 'spend'", "with 2 decimals"),
    ),
    "then against when": (
        "- {when: orders = 0, then: orders > 2}",
        ("then: what it asks of 'orders' excludes 'when'",),
    ),
    "one combined column": (
        "- {combinations: [tier], allowed: [[low]]}",
        ("combinations: found", "two or more different"),
    ),
    "combined numbers": (
        "- {combinations: [tier, spend], allowed: [[low, 1]]}",
        ("'spend' is float", "categorical, ordinal"),
    ),
    "combined open": (
        "- {combinations: [tier, other_town], allowed: [[low, a]]}",
        ("'other_town' has measured categories",),
    ),
    "combined nothing": (
        "- {combinations: [tier, town], allowed: []}",
        ("constraints[0].allowed: is empty",),
    ),
    "too short": (
        "- {combinations: [tier, town], allowed: [[low, Bonn], [low]]}",
        ("allowed: found '[\"low\"]'", "2 values"),
    ),
    "outside the categories": (
        "- {combinations: [tier, town], allowed: [[low, Rom]]}",
        ("'Rom' is no category", "Bonn, Köln"),
    ),
    "missing where none may be": (
        "- {combinations: [tier, town], allowed: [[low, null]]}",
        ("null is no category of 'town'",),
    ),
    "combination twice": (
        "- {combinations: [tier, town], allowed: [[low, Bonn], [low, Bonn]]}",
        ("stands twice",),
    ),
    "circle": (
        "- {at_most: [orders, spend]}\n  - {at_most: [spend, open]}\n  - {below: [open, orders]}",
        ("constraints[2]: it closes a circle", "leave one out"),
    ),
    "two that exclude each other": (
        "- {when: orders >= 0, then: spend = 0}\n  - {when: orders >= 0, then: spend > 0}",
        ("constraints[0] (when orders >= 0, then spend = 0); constraints[1]", "exclude each other"),
    ),
    "a chain that never meets": (
        "- {below: [first, last]}\n"
        "  - {when: orders >= 0, then: last is not missing and last < 2020-06-02}\n"
        "  - {when: orders >= 0, then: first > 2021-01-01}",
        ("exclude each other", "first below last"),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_name_their_place_what_was_found_and_what_is_allowed(case: str) -> None:
    text, told = BAD[case]
    with pytest.raises(DocumentError) as error:
        schema_of(COLUMNS, f"  {text}\n")
    for part in told:
        assert part in str(error.value)
    lines = range(FIRST_LINE - 1, FIRST_LINE + text.count("\n") + 1)
    assert any(f"line {line}: " in str(error.value) for line in lines)


def test_every_mistaken_constraint_is_told_at_once() -> None:
    with pytest.raises(DocumentError) as error:
        schema_of(
            COLUMNS,
            "".join(
                f"  {text}\n" for text, _ in (BAD["itself"], BAD["no category"], BAD["too short"])
            ),
        )
    assert len(error.value.mistakes) == 3
    assert [
        f"line {FIRST_LINE + place}: constraints[{place}]" in error.value.mistakes[place]
        for place in range(3)
    ] == [True] * 3


def test_constraints_with_too_many_cases_are_refused() -> None:
    names = tuple(str(number) for number in range(70))
    pairs = tuple(product(names, names))
    columns = tuple(Discrete(name=name, kind=Kind.CATEGORICAL, categories=names) for name in "abc")

    def schema(count: int) -> Schema:
        constraints = (
            Combinations(columns=tuple(two), allowed=pairs[:count]) for two in ("ab", "bc")
        )
        return Schema(
            dataset="d", unit=PrivacyUnit(), columns=columns, constraints=tuple(constraints)
        )

    for count in (4_900, 1_400):
        with pytest.raises(UsageError, match=f"come to more than {MOST_BOXES:,} cases"):
            groups_of(schema(count))
    (group,) = groups_of(schema(140))
    assert len(group.boxes) == 2 * 2 * 70


# --- which rows hold them
# -------------------------------------------------------------------------------------------

ROWS = """\
id,orders,spend,large,first,last,seen,tier,town,churned,open,other_town
a,0,0,200,2020-01-01,2020-06-01,2020-01-01 00:00:00,,Bonn,false,12.5,
b,0,,200,2021-12-31,2021-12-31,2020-01-01 00:00:00,,Bonn,false,12.6,
c,3,2.99,200,2021-12-31,,2020-01-01 00:00:00,low,Köln,true,12.6,
d,3,3.00,200,2021-12-30,2021-12-31,2020-01-01 00:00:00,no,Bonn,true,12.6,x
"""


def _rows() -> pd.DataFrame:
    head, *lines = [line.split(",") for line in ROWS.splitlines()]
    return pd.DataFrame(lines, columns=head)


def test_which_rows_hold_what() -> None:
    typed, wide = conform(_rows(), SCHEMA), widened(SCHEMA)
    found = [holds(part, typed, wide).tolist() for part in SCHEMA.constraints]
    assert found == [
        [True, True, False, True],
        [True, False, True, True],
        [True, False, True, True],
        [True, False, True, True],
        [True, True, True, False],
    ]
    assert broken(typed, wide) == ((0, 1), (1, 1), (2, 1), (3, 1), (4, 1))
    assert broken_constraints(_rows(), SCHEMA) == ((0, 1), (1, 1), (2, 1), (3, 1), (4, 1))


def test_rows_that_break_a_constraint_are_no_violation() -> None:
    assert violations(_rows(), SCHEMA) == ()
    conform(_rows(), SCHEMA)


def test_a_table_without_a_column_is_told_and_the_rest_is_counted() -> None:
    found = broken_constraints(_rows().drop(columns="orders"), SCHEMA)
    assert found == ((0, None), (1, 1), (2, None), (3, 1), (4, 1))
