"""The law of a run's expected time, held against what whole runs took."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from privgan.pipeline.stages import AUDIT_STAGES, Size, StageName, seconds_of

# Made-up tables at the efforts quick and standard, two with a critic; one run a line. Sizes, then
# each stage's seconds of one processor on the reference machine.
TIMINGS = Path(__file__).with_name("timings.csv")
STAGES = {stage.name.lower(): str(stage) for stage in StageName} | dict(AUDIT_STAGES)
# How many tables are measured follows from their signal too, which no size tells.
MOST = dict.fromkeys(STAGES.values(), 1.5) | {str(StageName.MEASURE): 1.9}


@dataclass(frozen=True)
class Timing:
    """A run's sizes, and the seconds of each stage."""

    size: Size
    taken: dict[str, float]

    @classmethod
    def of(cls, line: dict[str, str]) -> Timing:
        """A line of the file."""
        size = {part.name: float(line[f"size.{part.name}"]) for part in fields(Size)}
        taken = {stage: float(line[name]) for name, stage in STAGES.items()}
        return cls(Size(**size), taken)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The sizes that a person knows."""
        return f"{self.size.rows:g}k rows, {self.size.columns:g} columns"


def _timings() -> list[Timing]:
    with TIMINGS.open(encoding="utf-8", newline="") as file:
        return [Timing.of(line) for line in csv.DictReader(file)]


@pytest.mark.parametrize("timing", _timings(), ids=str)
def test_the_expected_time_is_near_what_a_run_took(timing: Timing) -> None:
    expected = seconds_of(timing.size)
    assert 1 / 1.3 < sum(expected.values()) / sum(timing.taken.values()) < 1.3
    for stage, taken in timing.taken.items():
        found = expected.get(stage, 0.0)
        if max(found, taken) >= 1:
            assert 1 / MOST[stage] < found / taken < MOST[stage], (stage, found, taken)
