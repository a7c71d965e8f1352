"""A manifest's statements about its steps must agree with their events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from privgan.demo import demo_schema_yaml
from privgan.planning.planner import PlanOptions, make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.release.manifest import Manifest
from privgan.release.verification.accounting import _check_sane, _noise_of, accounting_problems
from privgan.table.schema_file import parse_schema


def test_every_step_of_a_plan_is_written_with_its_events_own_noise() -> None:
    schema = parse_schema(demo_schema_yaml())
    options = PlanOptions(resumable=True)
    plan = make_plan(
        schema, PrivacyBudget(epsilon=3), public_rows=20_000, marginal_share=0.5, options=options
    )
    written = [step.to_json() for step in plan.steps]
    noises = [
        (step["noise"], _noise_of(step["event"]))
        for step in written
        if _noise_of(step["event"]) is not None
    ]
    assert len(noises) > len(written) / 2
    assert {step["kind"] for step in written if _noise_of(step["event"]) is None} == {
        "choice of a marginal"
    }
    for noise, of_event in noises:
        assert noise == pytest.approx(of_event, rel=1e-9)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("place", [0, 1])
def test_a_step_that_is_said_to_have_more_noise_than_its_event_is_found(
    release: Path, place: int, listed: bool
) -> None:
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert accounting_problems(Manifest.from_json(manifest)) == []
    steps = manifest["accounting"] if listed else manifest["plan"]["stages"][0]["steps"]
    steps[place]["noise"] = 99.0
    (found,) = accounting_problems(Manifest.from_json(manifest))
    assert "is said to have noise 99" in found


def test_repetitions_inside_repetitions_count_together() -> None:
    """Each level alone is allowed; together they would be worked at for minutes."""
    sampled = {
        "event": "poisson_sampled",
        "sample_rate": 1e-4,
        "of": {"event": "gaussian", "noise_multiplier": 3.0},
    }
    inner = {"event": "repeated", "count": 200_000, "of": sampled}
    _check_sane(inner)
    with pytest.raises(ValueError, match="too often"):
        _check_sane({"event": "repeated", "count": 200_000, "of": inner})
