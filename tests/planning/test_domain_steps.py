"""Stage 1's steps for what a schema leaves open: their noise, their names, their sensitivities."""

import pytest

from privgan.planning.domain_stage import domain_steps, first_stage
from privgan.planning.plan import PlanStep, StepKind
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import Discovery, DiscreteGaussian, ExponentialMechanism
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

TEXT = """format: privgan.schema/1
dataset: open
unit: id
max_rows_per_unit: 3
columns:
  - {name: id, kind: identifier}
  - {name: spend, kind: float, decimals: 2, source: {lower: measured, upper: measured}}
  - {name: tier, kind: categorical, other: rest, source: {categories: measured}}
  - {name: left, kind: boolean}
  - {name: since, kind: date, source: {lower: measured, upper: measured}}
  - {name: town, kind: categorical, other: rest, source: {categories: measured}}
"""
SCHEMA = parse_schema(TEXT)
ROWS = parse_schema(TEXT.replace("unit: id\nmax_rows_per_unit: 3", "unit: row"))


def _rho(step: PlanStep) -> float:
    if isinstance(step.event, ExponentialMechanism):
        return float(step.event.epsilon**2 / 8)
    assert isinstance(step.event, DiscreteGaussian | Discovery)
    return (step.event.sensitivity / step.event.standard_deviation) ** 2 / 2


def _steps(schema: Schema = SCHEMA, scale: float = 20.0) -> tuple[PlanStep, ...]:
    return domain_steps(schema, scale=scale, discovery_delta=1e-7)


def test_each_open_column_has_its_steps_and_no_other_column_has_any() -> None:
    assert [step.name for step in _steps()] == [
        "bounds-range:spend",
        "bounds-lower:spend",
        "bounds-upper:spend",
        "categories:tier",
        "bounds-range:since",
        "bounds-lower:since",
        "bounds-upper:since",
        "categories:town",
    ]


@pytest.mark.parametrize("scale", [0.5, 20.0, 4_000.0])
def test_open_columns_share_the_zcdp_equally(scale: float) -> None:
    steps = _steps(scale=scale)
    per_column = {
        name: sum(_rho(step) for step in steps if step.name.endswith(f":{name}"))
        for name in ("spend", "tier", "since", "town")
    }
    assert list(per_column.values()) == pytest.approx([scale**-2 / 4] * 4, rel=1e-5)
    first = [_rho(step) for step in steps[:3]]
    assert [part / sum(first) for part in first] == pytest.approx([0.4, 0.3, 0.3], rel=1e-5)


def test_the_cost_falls_as_the_noise_grows() -> None:
    costs = [
        accountant.epsilon_by_rdp(events, 1e-6)
        for scale in (5, 20, 80)
        for events in [_composed(_steps(scale=scale))]
    ]
    assert costs == sorted(costs, reverse=True)


def _composed(steps: tuple[PlanStep, ...]) -> accountant.DpEvent:
    return accountant.Composed([step.event for step in steps])


def test_discoveries_split_their_delta() -> None:
    mechanisms = [step.mechanism for step in _steps() if step.kind is StepKind.CATEGORIES]
    assert [
        mechanism.delta for mechanism in mechanisms if isinstance(mechanism, CategoryDiscovery)
    ] == [5e-8, 5e-8]
    assert accountant.discovery_delta(_composed(_steps())) == pytest.approx(1e-7)


@pytest.mark.parametrize(("schema", "rows"), [(SCHEMA, 3), (ROWS, 1)])
def test_every_sensitivity_is_the_units(schema: Schema, rows: int) -> None:
    for step in _steps(schema):
        mechanism = step.mechanism
        if isinstance(mechanism, CategoryDiscovery):
            assert mechanism.max_rows == rows
        else:
            assert isinstance(mechanism, CountHistogram | Selection)
            assert mechanism.sensitivity == rows
        assert step.event == mechanism.event


def test_a_unit_of_three_rows_needs_three_times_the_noise() -> None:
    for one, three in zip(_steps(ROWS), _steps(SCHEMA), strict=True):
        if not isinstance(one.mechanism, Selection):
            assert three.noise == pytest.approx(3 * one.noise, rel=1e-5)


def test_nothing_open_needs_no_step() -> None:
    closed = parse_schema(TEXT.split("  - {name: spend")[0] + "  - {name: left, kind: boolean}\n")
    assert domain_steps(closed, scale=1.0, discovery_delta=0.0) == ()


@pytest.mark.parametrize("epsilon", [0.02, 0.05, 0.1, 0.12, 0.25, 0.3, 1.0, 8.0])
def test_a_row_count_alone_is_planned_as_it_is_accounted(epsilon: float) -> None:
    """The ledger checks the accountant grid's own count, which is coarse beside a small ε."""
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n  - {name: a, kind: boolean}\n"
    )
    stage = first_stage(schema, PrivacyBudget(epsilon=epsilon), count_rows=True)
    assert stage is not None
    assert 0.8 * stage.budget.epsilon < stage.cost.epsilon <= stage.budget.epsilon
