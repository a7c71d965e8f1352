"""What a plan does for a rare outcome: its shares, what it expects, and when it gives up."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from privgan.cli.main import execute
from privgan.errors import IncompleteError, UsageError
from privgan.planning.expected_auc import expected_auc, score_noises
from privgan.planning.plan import GeneratorKind, Plan, StepKind
from privgan.planning.planner import PlanOptions, make_plan
from privgan.planning.rare_outcome import (
    HOPELESS,
    TOLD_BY_REAL_ROWS,
    WANTED,
    Expectation,
    check_hopeful,
    outcome_lines,
    with_share,
)
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.rare import RareOutcome
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema
from tests.rare.fraud import PLAIN, SCHEMA, TEXT, UNKNOWN

FEW = replace(SCHEMA, rare=RareOutcome(positive="yes", positives=3))


_MADE: dict[tuple[str, float], Plan] = {}


def _plan(schema: Schema, epsilon: float = 3.0) -> Plan:
    """A plan for 20,000 rows, made once."""
    key = schema.fingerprint(), epsilon
    if key not in _MADE:
        _MADE[key] = _made(schema, epsilon)
    return _MADE[key]


def _made(schema: Schema, epsilon: float) -> Plan:
    return make_plan(schema, PrivacyBudget(epsilon=epsilon), public_rows=20_000)


def _noise(plan: Plan, kind: StepKind) -> float:
    return max(step.noise for step in plan.of_kind(kind))


def test_what_tells_the_outcome_is_measured_more_closely_at_the_same_cost() -> None:
    plain, rare = _plan(PLAIN), _plan(SCHEMA)
    assert _noise(rare, StepKind.TARGET_DIFFERENCES) < 0.8 * _noise(
        plain, StepKind.TARGET_DIFFERENCES
    )
    assert rare.cost is not None
    assert 0.97 * 3.0 < rare.cost.epsilon <= 3.0
    assert not rare.of_kind(StepKind.TRIPLES), "triples are hopeless"
    assert rare.steps[0].name == "marginal:fraud", "it is counted before all else"
    assert {step.name for step in rare.of_kind(StepKind.MARGINAL)} == {
        f"marginal:{name}" for name in SCHEMA.names
    }


@given(
    numbers=some.tuples(some.integers(1, 50), some.integers(0, 200)),
    weights=some.tuples(some.floats(0.1, 9), some.floats(0.1, 9)),
    share=some.floats(0.05, 0.95),
)
def test_a_share_is_a_share_or_more(
    numbers: tuple[int, int], weights: tuple[float, float], share: float
) -> None:
    kinds = (StepKind.TARGET_PAIRS, StepKind.PAIRS)
    many, before = dict(zip(kinds, numbers, strict=True)), dict(zip(kinds, weights, strict=True))
    found = with_share(before, many, frozenset(kinds[:1]), share)
    costs = [found[kind] * many[kind] for kind in kinds]
    assert costs[0] >= share * sum(costs) * (1 - 1e-9)
    assert found[StepKind.PAIRS] == before[StepKind.PAIRS]


@given(
    groups=some.lists(some.integers(2, 5), min_size=1, max_size=30).map(tuple),
    noise=some.floats(0.5, 100),
    positives=some.integers(1, 100_000),
)
def test_more_positives_or_less_noise_never_tell_less(
    groups: tuple[int, ...], noise: float, positives: int
) -> None:
    found = Expectation(groups, noise, 1.0)
    area = found.area(positives)
    assert 0.5 <= area <= TOLD_BY_REAL_ROWS + 1e-9
    assert found.area(2 * positives) >= area
    assert Expectation(groups, noise / 2, 1.0).area(positives) >= area
    needed = found.needed(WANTED)
    assert found.area(needed) >= WANTED
    assert needed == 1 or found.area(needed - 1) < WANTED


def test_the_formula_is_that_of_a_learnt_direction() -> None:
    """Simulated: classes δ apart, the direction known with the variance of the docstring."""
    generator, groups, noise, positives = np.random.default_rng(0), (5,) * 8, 8.0, 150
    found = Expectation(groups, noise, 1.0)
    parts = sum(group - 1 for group in groups)
    deviation = math.sqrt(1 / positives + 5 * (noise / positives) ** 2)
    apart = np.full(parts, math.sqrt(2) * 1.036433 / math.sqrt(parts))  # √2 Φ⁻¹(.85) in all.
    areas = []
    for _ in range(300):
        learnt = apart + generator.normal(0, deviation, parts)
        shift = float(learnt @ apart / np.linalg.norm(learnt))
        areas.append(0.5 * (1 + math.erf(shift / 2)))
    # 300 draws of deviation .02: the mean is known to .0012; five of them, and the formula's own
    # approximation of the mean of a ratio.
    assert found.area(positives) == pytest.approx(float(np.mean(areas)), abs=0.01)


def test_the_words_say_what_is_needed() -> None:
    (head, expected, needed) = outcome_lines(_plan(SCHEMA), SCHEMA)
    assert head == "rare outcome fraud = yes: about 160 positives are declared"
    assert "expected AUC 0.8" in expected
    assert "an expected AUC of 0.75 needs about" in needed
    assert len(list(outcome_lines(_plan(UNKNOWN), UNKNOWN))) == 2
    assert not list(outcome_lines(_plan(PLAIN), PLAIN))


def test_a_hopeless_one_is_refused_as_far_as_it_is_known() -> None:
    plan = _plan(FEW)
    with pytest.raises(IncompleteError, match="about 3 positives are declared"):
        check_hopeful(plan, FEW)
    check_hopeful(_plan(UNKNOWN), UNKNOWN)
    with pytest.raises(IncompleteError, match="counted with noise"):
        check_hopeful(_plan(UNKNOWN), UNKNOWN, -5.0)
    check_hopeful(_plan(UNKNOWN), UNKNOWN, 160.0)
    assert HOPELESS < WANTED


def test_the_command_ends_with_code_3_and_charges_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(TEXT, encoding="utf-8")
    command = ["plan", "--schema", str(path), "--public-rows", "20000"]
    assert execute([*command, "--epsilon", "3"]) == 0
    assert "rare outcome fraud = yes" in capsys.readouterr().out
    assert execute([*command, "--epsilon", "0.05"]) == 3
    told = capsys.readouterr().err
    assert "about 160 positives are declared" in told
    assert "or a larger ε" in told
    run = ["fit", "none.csv", "--schema", str(path), "--public-rows", "20000", "--epsilon", "0.05"]
    ledger = tmp_path / "ledger.sqlite"
    assert execute([*run, "--out", str(tmp_path / "out"), "--ledger", str(ledger)]) == 3
    assert not ledger.exists()


def test_what_needs_dp_sgd_or_measures_no_pair_is_refused() -> None:
    budget = PrivacyBudget(epsilon=3.0)
    for kind in (GeneratorKind.NETWORK, GeneratorKind.GAN):
        with pytest.raises(UsageError, match="allowed: auto, mixture"):
            make_plan(SCHEMA, budget, public_rows=20_000, kind=kind)
    with pytest.raises(UsageError, match="must be 1"):
        make_plan(SCHEMA, budget, public_rows=20_000, marginal_share=0.5)
    with pytest.raises(UsageError, match="no pair"):
        make_plan(SCHEMA, budget, public_rows=20_000, options=PlanOptions(widest=1))
    large = make_plan(SCHEMA, budget, public_rows=900_000)
    assert large.kind is GeneratorKind.MIXTURE


def test_what_if_and_the_plan_speak_by_one_theory() -> None:
    """Where both are asked the same: an outcome so rare that all other rows are without noise."""
    plan = _plan(SCHEMA)
    found, noises = Expectation.of(plan, SCHEMA), score_noises(plan, SCHEMA, None)
    assert found is not None
    assert len(noises) == len(found.groups) == 4
    asked = expected_auc(TOLD_BY_REAL_ROWS, noises)
    assert found.area(160) == pytest.approx(asked.low, abs=2e-3)
    assert asked.low <= asked.high < TOLD_BY_REAL_ROWS
    # A plain target's codes are not smoothed: more of what they tell is noise.
    plain = score_noises(_plan(PLAIN), PLAIN, 0.008)
    assert expected_auc(TOLD_BY_REAL_ROWS, plain).low < asked.low


def _asked(tmp_path: Path, text: str, *more: str) -> int:
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    return execute(
        ["plan", "--schema", str(path), "--public-rows", "20000", "--epsilon", "3", *more]
    )


def test_positives_plan_a_plain_target_as_rare_and_say_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = TEXT.replace("{column: fraud, rare: true, positives: 160}", "fraud")
    assert _asked(tmp_path, plain, "--positives", "160") == 0
    told = capsys.readouterr().out
    (line,) = (one for one in told.splitlines() if one.startswith("to run by this plan"))
    written = plain.replace("target: fraud", line.partition("schema: ")[2])
    assert parse_schema(written) == SCHEMA
    assert "outcome:amount" in told
    assert _asked(tmp_path, written) == 0
    same = capsys.readouterr().out
    assert same.splitlines() == told.replace(f"\n{line}\n", "").splitlines()
    assert _asked(tmp_path, plain, "--positives", "2") == 3
    assert "about 2 positives are declared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "positives", "told"),
    [
        ("fraud", "0", "--positives is 0; it must be at least 1"),
        ("channel", "20", "has 3 values, allowed: 2"),
        ("amount", "20", "is integer, allowed: categorical"),
    ],
)
def test_positives_of_what_is_no_outcome_end_with_code_2(
    target: str, positives: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = TEXT.replace("{column: fraud, rare: true, positives: 160}", target)
    assert _asked(tmp_path, plain, "--positives", positives) == 2
    assert told in capsys.readouterr().err


def test_positives_without_a_target_end_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = TEXT.replace("target: {column: fraud, rare: true, positives: 160}\n", "")
    assert _asked(tmp_path, none, "--positives", "9") == 2
    assert "names no target" in capsys.readouterr().err
