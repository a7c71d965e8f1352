"""The widest plan that a check makes again takes seconds, whatever budget is stated."""

from __future__ import annotations

import time

import pytest

from privgan.files.limits import MOST_PLANNED_CODES, MOST_PLANNED_COLUMNS
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.plan import is_planned_again
from privgan.table.schema_file import parse_schema

HEAD = "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n"
EACH = ", ".join(f"v{number}" for number in range(MOST_PLANNED_CODES // MOST_PLANNED_COLUMNS))
KINDS = {
    "categories": f"kind: categorical, categories: [{EACH}]",
    "numbers": "kind: integer, lower: 0, upper: 99999",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("epsilon", "delta", "rows"), [(3, 1e-6, 20_000), (100, 1e-300, 500)])
def test_the_widest_plan_takes_seconds(kind: str, epsilon: float, delta: float, rows: int) -> None:
    columns = (f"- {{name: c{number}, {KINDS[kind]}}}\n" for number in range(MOST_PLANNED_COLUMNS))
    schema = parse_schema(HEAD + "".join(columns))
    assert is_planned_again(schema)
    before = time.process_time()
    make_plan(schema, PrivacyBudget(epsilon=epsilon, delta=delta), public_rows=rows)
    assert time.process_time() - before < 5
