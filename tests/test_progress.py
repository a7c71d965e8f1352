"""Progress: one estimate from the start, stages in plain words, and the time left."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import privgan
from privgan.pipeline import stages
from privgan.pipeline.stages import (
    AUDIT_STAGES,
    HISTORY_STAGE,
    Size,
    StageName,
    audit_teller,
    seconds_of,
    stages_of,
)
from privgan.planning.plan import GeneratorKind
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.progress import Clock, Progress, Stage, duration
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.history import HistoryFacts
from privgan.schema.schema import Schema

SCHEMA = Schema(
    dataset="d",
    unit=PrivacyUnit(),
    columns=(
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=89),
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("gold", "tin")),
        Discrete(name="city", kind=Kind.CATEGORICAL, categories=tuple("abcdef")),
    ),
)
BUDGET = PrivacyBudget(epsilon=3, delta=1e-6)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "5 s"),
        (41, "40 s"),
        (59, "1 min"),
        (131, "2 min 10 s"),
        (599, "10 min"),
        (3_599, "60 min"),
        (4_900, "1 h 20 min"),
        (7_200, "2 h"),
    ],
)
def test_durations_are_said_in_round_figures(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_the_time_left_follows_what_the_finished_stages_took() -> None:
    clock = Clock([Stage("a", 100), Stage("b", 100), Stage("c", 100)], 0.0)
    assert clock.total == clock.left(0.0) == 300
    assert clock.begin("a", 0.0) == "1 of 3"
    assert clock.left(50.0) == pytest.approx(250)
    clock.reached(0.75)
    assert clock.left(50.0) == pytest.approx(225)
    assert clock.begin("b", 200.0) == "2 of 3"
    assert clock.left(200.0) == pytest.approx(400, rel=0.05), (
        "stages take twice as long as was expected"
    )
    assert clock.begin("something else", 210.0) == ""
    assert clock.begin("c", 220.0) == "3 of 3"
    assert clock.left(220.0) < 150
    assert clock.left(10_000.0) == 0


def _lines(text: io.StringIO) -> list[str]:
    return [line.partition("] ")[2] for line in text.getvalue().splitlines()]


def test_one_estimate_comes_first_and_each_stage_has_its_place() -> None:
    said = io.StringIO()
    progress = Progress(stream=said)
    progress.expect(lambda _: [Stage("reading", 60), Stage("fitting", 60)], 1_000)
    progress.stage("reading")
    with progress.task("fitting") as task:
        task.update(1, 2)
    first, second, third = _lines(said)
    assert first == "about 2 min in all, until the last stage has ended"
    assert second.startswith("1 of 2: reading; about 2 min left in all")
    assert third.startswith("2 of 2: fitting; about ")


def test_where_the_row_count_is_measured_the_estimate_follows() -> None:
    said = io.StringIO()
    progress = Progress(stream=said)

    def expected(rows: int | None) -> Sequence[Stage]:
        return [Stage("all", 40 + (rows or 0) / 1_000)]

    progress.expect(expected, None)
    progress.sized(60_000)
    assert _lines(said) == [
        "at least 40 s in all; more follows once the row count is measured with noise",
        "about 1 min 40 s in all, until the last stage has ended",
    ]


def test_without_an_estimate_a_stage_is_told_alone() -> None:
    said = io.StringIO()
    progress = Progress(stream=said)
    progress.sized(10)
    progress.stage("audit: copies of real rows")
    assert _lines(said) == ["audit: copies of real rows"]
    assert progress.left_text == ""


def test_quiet_says_nothing_and_the_log_has_every_line(tmp_path: Path) -> None:
    said, log = io.StringIO(), tmp_path / "log"
    progress = Progress(quiet=True, stream=said)
    progress.log_to(log)
    progress.stage("reading")
    assert said.getvalue() == ""
    assert log.read_text(encoding="utf-8").rstrip().endswith("reading")


def test_every_stage_of_a_run_is_expected_once_and_in_order() -> None:
    plan = make_plan(SCHEMA, BUDGET, public_rows=5_000)
    names = [stage.name for stage in stages_of(plan, SCHEMA)(plan.rows)]
    critics = {StageName.CRITIC, StageName.GENERATOR}
    trained = {StageName.DISTIL, StageName.NETWORK_STEPS, StageName.RAKING, *critics}
    without = [name for name in StageName if name not in trained]
    assert names == [*without[:-1], *AUDIT_STAGES.values(), StageName.REPORT]
    refined = make_plan(SCHEMA, BUDGET, public_rows=5_000, marginal_share=0.8)
    assert StageName.CRITIC in [stage.name for stage in stages_of(refined, SCHEMA)(refined.rows)]
    network = make_plan(SCHEMA, BUDGET, public_rows=5_000, kind=GeneratorKind.NETWORK)
    names = [stage.name for stage in stages_of(network, SCHEMA)(network.rows)]
    assert trained & set(names) == trained - critics
    gan = make_plan(SCHEMA, BUDGET, public_rows=5_000, kind=GeneratorKind.GAN)
    names = [stage.name for stage in stages_of(gan, SCHEMA)(gan.rows)]
    assert trained & set(names) == {StageName.DISTIL, *critics}
    fitted = [stage.name for stage in stages_of(plan, SCHEMA, judged=False)(plan.rows)]
    assert fitted == without[: without.index(StageName.SCAN)]


def test_whole_customers_are_the_audits_last_stage_of_a_schema_with_a_history() -> None:
    plan = make_plan(SCHEMA, BUDGET, public_rows=5_000)
    events = replace(SCHEMA, history=HistoryFacts(order=SCHEMA.columns[0].name))
    names = [stage.name for stage in stages_of(plan, SCHEMA)(5_000)]
    told = [stage.name for stage in stages_of(plan, events)(5_000)]
    assert told == [*names[:-1], HISTORY_STAGE, names[-1]]
    said = io.StringIO()
    audit_teller(Progress(quiet=False, stream=said))("histories", 0.9)
    assert HISTORY_STAGE in said.getvalue()


def test_every_stage_is_begun_somewhere() -> None:
    folder = Path(privgan.__file__).parent
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in folder.rglob("*.py")
        if path.name != "stages.py"
    )
    assert [name for name in StageName if f"StageName.{name.name})" not in code] == []


def test_an_estimate_grows_with_each_public_size() -> None:
    small = Size(
        rows=1,
        made=1,
        columns=5,
        codes=40,
        classes=2,
        entries=1,
        network=300,
        rounds=3,
        round_steps=50,
        final=1_000,
        distil_steps=400,
        likelihood_steps=150,
        ratio_steps=300,
        likelihood_batch=50,
        raking_rounds=2,
        generator_steps=600,
        generator_rows=1,
        critic_steps=10,
        critic_batch=100,
    )
    least = sum(seconds_of(small).values())
    for name, value in vars(small).items():
        more = Size(**{**vars(small), name: 4 * value + 1})
        assert sum(seconds_of(more).values()) > least, name


def test_an_estimate_is_a_function_of_public_sizes_and_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stages, "slowness", lambda: 1.0)
    plan = make_plan(SCHEMA, BUDGET, public_rows=5_000)
    once = stages_of(plan, SCHEMA)(5_000)
    assert stages_of(plan, SCHEMA)(5_000) == once
    assert sum(stage.seconds for stage in stages_of(plan, SCHEMA)(None)) < sum(
        stage.seconds for stage in once
    )
    monkeypatch.setattr(stages, "slowness", lambda: 3.0)
    slower = stages_of(plan, SCHEMA)(5_000)
    assert [stage.seconds for stage in slower] == pytest.approx(
        [3 * stage.seconds for stage in once]
    )


def test_slowness_is_measured_and_grows_with_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0.0, 0.0))
    idle = stages.slowness()
    monkeypatch.setattr("os.getloadavg", lambda: (19.0, 0.0, 0.0))
    assert stages.slowness() > 3 * idle > 0, "a tenth of a processor is left"


def test_lines_of_a_new_run_are_not_written_into_the_log_of_the_one_before(tmp_path: Path) -> None:
    progress, log = Progress(quiet=True), tmp_path / "run.log"
    log.touch()
    progress.log_to(log)
    progress.say("of the first run")
    progress.begin()
    progress.say("of the second run")
    assert "first" in log.read_text()
    assert "second" not in log.read_text()


def test_a_log_that_was_removed_ends_no_run(tmp_path: Path) -> None:
    progress = Progress(quiet=True)
    progress.log_to(tmp_path / "gone.log")
    (tmp_path / "gone.log").unlink()
    progress.say("after a purge")
    assert not (tmp_path / "gone.log").exists()


def test_a_new_job_has_its_own_clock_and_spending() -> None:
    said = io.StringIO()
    progress = Progress(stream=said)
    progress.expect(lambda _: [Stage("reading", 60)], 1_000)
    progress.spent(3.0, 1e-6)
    progress.begin()
    progress.sized(2_000)
    progress.stage("reading")
    assert _lines(said)[1:] == ["reading"], "the first job's estimate is not told again"
    assert progress.epsilon_text == Progress().epsilon_text
