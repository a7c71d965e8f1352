"""Stages are told apart with their time and functions; pages keep the states side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.errors import UsageError
from tests.benchmarks.cells import Limits
from tests.benchmarks.stages import recorder as recording
from tests.benchmarks.stages.points import Place, Point, _arguments
from tests.benchmarks.stages.recorder import Recorder
from tests.benchmarks.stages.report import updated, write_markdown


def busy(until: float) -> int:
    """Use the processor until its clock says so."""
    import time

    rounds = 0
    while time.process_time() < until:
        rounds += 1
    return rounds


def test_time_is_put_down_to_stages_and_functions() -> None:
    import time

    with Recorder(Path(__file__).parent).recording() as recorder:
        recorder.begin("long")
        busy(time.process_time() + 0.3)
        recorder.begin("short")
        busy(time.process_time() + 0.1)
        recorder.begin("long")
        busy(time.process_time() + 0.1)
    found = {stage["stage"]: stage for stage in recorder.to_json()}
    assert list(found) == ["start", "long", "short"]
    assert found["long"]["seconds"] == pytest.approx(0.4, abs=0.1)
    assert found["short"]["seconds"] == pytest.approx(0.1, abs=0.05)
    assert found["long"]["functions"]["test_stages.py:busy"] == pytest.approx(0.4, abs=0.15)


def test_the_peak_is_a_stages_own() -> None:
    with Recorder(Path(__file__).parent).recording() as recorder:
        recorder.begin("large")
        held = bytearray(200_000_000)
        del held
        recorder.begin("small")
    large, small = (stage.megabytes for stage in recorder.stages[1:])
    if not recording.Path("/proc/self/clear_refs").exists():
        assert large <= small
    else:
        assert small < large - 100


def test_a_release_is_sampled_and_verified_where_its_run_left_it(tmp_path: Path) -> None:
    place = Place(data=None, work=tmp_path, label="now", limits=Limits())
    run = _arguments(Point.named("run-30-csv"), place)
    out = Path(run[run.index("--out") + 1])
    assert Path(run[1]).read_text().count("\n") == 31
    for name in ("sample-30-50", "verify-30-csv"):
        assert Path(_arguments(Point.named(name), place)[1]) == out / "release"
    assert Path(_arguments(Point.named("run-30-parquet"), place)[1]).suffix == ".parquet"
    with pytest.raises(UsageError, match="Adult is among the published tables"):
        _arguments(Point.named("run-adult-csv"), place)
    for wrong in ("run-30", "fit-30-csv", "run-bank-csv", "sample-30-csv", "run-30-xlsx"):
        with pytest.raises(UsageError, match="point is"):
            Point.named(wrong)


def test_states_stand_side_by_side(tmp_path: Path) -> None:
    for label, seconds in (("before", 10.0), ("after", 2.0)):
        stage = {
            "stage": "audit",
            "seconds": seconds,
            "megabytes": 100.0,
            "functions": {"audit/nearest.py:nearest": seconds, "metric.py:facts": 0.001},
        }
        found = {"run-30-csv": {"status": "ok", "stages": [stage]}}
        kept = updated(tmp_path / "stages.json", label, found)
    write_markdown(tmp_path / "stages.md", kept)
    text = (tmp_path / "stages.md").read_text(encoding="utf-8")
    assert "| audit | 10.0 | 100 | 2.0 | 100 |" in text
    assert "- audit: `audit/nearest.py:nearest` 2.0 s\n" in text
    assert "facts" not in text
    updated(tmp_path / "stages.json", "after", {"run-30-csv": {"status": "no result in 1 minutes"}})
