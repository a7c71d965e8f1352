"""A plan as JSON follows its published format, with and without a public row count."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from privgan.files.documents import json_schema
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.table.schema_file import load_schema

ADULT = Path(__file__).parents[1] / "data" / "schemas" / "adult.yaml"


@pytest.mark.parametrize("public_rows", [32_561, None])
def test_plan_follows_its_json_schema(public_rows: int | None) -> None:
    plan = make_plan(load_schema(ADULT), PrivacyBudget(epsilon=3), public_rows=public_rows)
    errors = [
        error.message
        for error in Draft202012Validator(json_schema("privgan.plan/1")).iter_errors(plan.to_json())
    ]
    assert errors == []


def test_the_format_refuses_a_plan_without_noise() -> None:
    data = make_plan(load_schema(ADULT), PrivacyBudget(epsilon=3), public_rows=32_561).to_json()
    data["stages"][0]["steps"][0]["noise"] = 0
    assert list(Draft202012Validator(json_schema("privgan.plan/1")).iter_errors(data))
