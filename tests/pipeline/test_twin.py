"""The self-test passes the trainer as it is, and refutes broken ones.

Nothing is charged or kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from privgan.api.auditing import audit_twin
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.twin import BOUND, GDP, LARGEST, RATES, TwinReport, judge_game
from privgan.audit.report import Verdict
from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.files.documents import json_schema
from privgan.generator.likelihood import LikelihoodTraining
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import Samples
from privgan.pipeline.twin import TRAINED, run_twin
from privgan.planning import plan
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema
from tests.coins import RepeatableStream
from tests.sabotage.variants import break_steps

BUDGET = PrivacyBudget(epsilon=3)
CANARIES = 600
QUIET = Progress(quiet=True)
_SMALL = plan.Effort(
    entries=40,
    batch=200,
    network_steps=3,
    round_steps=1,
    final_steps=3,
    critic_steps=60,
    likelihood_steps=150,  # At a rate of 5 %, few canaries are in no batch at all.
    distil_steps=20,
    ratio_steps=80,
    generator_steps=3,
)

STEPS = {
    "network": _SMALL.likelihood_steps,
    "critic": _SMALL.critic_steps,
    "gan": _SMALL.ratio_steps,
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, small_pools: None) -> None:
    monkeypatch.setitem(plan.EFFORTS, "quick", _SMALL)  # type: ignore[arg-type]


@cache
def _honest(trained: str = "network") -> TwinReport:
    coins = RepeatableStream(1)
    return run_twin(BUDGET, QUIET, trained=trained, canaries=CANARIES, coins=coins)


@pytest.mark.parametrize("trained", TRAINED)
def test_the_trainer_as_it_is_is_not_refuted(trained: str) -> None:
    """Coins that can be drawn again: what is stated at 99 % is about fixed numbers."""
    report = _honest(trained)
    assert report.verdict is Verdict.NOT_REFUTED
    assert report.steps == STEPS[trained]
    bound, largest = report.metric(BOUND), report.metric(LARGEST)
    assert 0.2 < bound.value < report.epsilon < largest.value  # type: ignore[operator]
    assert report.epsilon == bound.ceiling == pytest.approx(2.93, abs=0.1)
    for name in (RATES, GDP):
        assert report.metric(name).value < report.epsilon  # type: ignore[operator]
        assert "shown only" in report.metric(name).method


@pytest.mark.parametrize("trained", TRAINED)
@pytest.mark.parametrize(
    "broken",
    [
        break_steps.noise_off,
        break_steps.clip_off,
        pytest.param(break_steps.double_normalise, marks=pytest.mark.slow),
    ],
    ids=lambda broken: broken.__name__,
)
def test_a_trainer_without_noise_or_without_clipping_is_refuted(
    broken: Callable[[pytest.MonkeyPatch], None], trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    coins = RepeatableStream(1)
    report = run_twin(BUDGET, QUIET, trained=trained, canaries=CANARIES, coins=coins)
    assert report.verdict is Verdict.REFUTED
    assert report.metric(BOUND).value > 1.2 * report.epsilon  # type: ignore[operator]


def test_the_networks_twin_trains_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default tests the step that the product uses by default."""
    seen: list[str] = []
    plain = LikelihoodTraining._private_step

    def noting(self: LikelihoodTraining, samples: Samples) -> None:
        seen.append(type(self.network).__name__)
        plain(self, samples)

    monkeypatch.setattr(LikelihoodTraining, "_private_step", noting)
    run_twin(BUDGET, QUIET, canaries=20, coins=RepeatableStream(1))
    assert seen == ["Autoregressive"] * STEPS["network"]


def test_nothing_else_is_trained() -> None:
    with pytest.raises(UsageError, match="trains 'mixture'; allowed: network, critic, gan"):
        run_twin(BUDGET, QUIET, trained="mixture")
    with pytest.raises(UsageError, match=r"trained.*'mixture'"):
        audit_twin(trained="mixture")


def test_the_report_follows_its_json_schema() -> None:
    text = json.dumps(_honest().to_json(), allow_nan=False)
    errors = [
        error.message
        for error in Draft202012Validator(json_schema("privgan.twin/1")).iter_errors(
            json.loads(text)
        )
    ]
    assert errors == []


def test_a_claim_beyond_its_reach_is_inconclusive() -> None:
    coins = np.random.default_rng(0).random(200) < 0.5
    assert judge_game(coins * 1.0, coins, Claim(9.0, 1e-6), 1).verdict is Verdict.INCONCLUSIVE
    assert judge_game(coins * 1.0, coins, Claim(1.0, 1e-6), 1).verdict is Verdict.REFUTED
    assert judge_game(np.zeros(200), coins, Claim(1.0, 1e-6), 1).metric(BOUND).value == 0.0


def test_it_is_refuted_by_chance_in_at_most_1_percent() -> None:
    """Randomised response at exactly the claim, ε = 1.

    With a true rate of 1 %, 3 and more of 25 have 0.2 %.
    """
    rng, refuted = np.random.default_rng(11), 0
    for _ in range(25):
        coins = rng.random(200) < 0.5
        right = rng.random(200) < 1 / (1 + np.exp(-1.0))
        scores = np.where(right, coins, ~coins) + 0.5 * rng.random(200)
        refuted += judge_game(scores, coins, Claim(1.0, 1e-9), 1).verdict is Verdict.REFUTED
    assert refuted <= 2


def test_the_command_charges_nothing_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Secret coins: refuted in at most 1 % by the bound's own statement.

    Far less so at a third of the claim.
    """
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    for folder in (home, scratch):
        folder.mkdir()
    monkeypatch.chdir(scratch)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("PRIVGAN_LEDGER", str(home / "ledger.sqlite"))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr("privgan.pipeline.twin.run_twin", partial(run_twin, canaries=CANARIES))
    assert execute(["audit", "--twin", "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["claim"]["delta"], told["canaries"]) == (
        "NOT_REFUTED",
        1e-6,
        CANARIES,
    )
    assert not list(home.rglob("*.sqlite*"))
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("claimed", "verdict", "code"),
    [(5.0, "NOT_REFUTED", 0), (1.0, "REFUTED", 1), (9.0, "INCONCLUSIVE", 3)],
)
def test_the_command_ends_with_the_verdict_s_code(
    claimed: float,
    verdict: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    coins = np.random.default_rng(0).random(1_500) < 0.5
    wrong = np.arange(1_500) % 20 == 0
    report = judge_game((coins ^ wrong) * 1.0, coins, Claim(claimed, 1e-6), 1)
    monkeypatch.setattr("privgan.pipeline.twin.run_twin", lambda *_, **__: report)
    assert execute(["audit", "--twin", "--quiet"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"verdict: {verdict}   (INTERNAL: a test run)"
    assert [line.split()[0] for line in lines[2:]] == [metric.name for metric in report.metrics]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--holdout", "x.csv"], "--twin makes a test run of its own"),
        (["--real", "x.csv"], "both --real and --schema"),
        (["--epsilon", "-1"], "epsilon is -1.0"),
        (["candidate"], "--twin makes a test run of its own"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["audit", "--twin", *options]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "trained",
    ["network", *(pytest.param(one, marks=pytest.mark.slow) for one in ("critic", "gan"))],
)
def test_a_table_of_customers_with_several_rows(
    purchases: Callable[..., pd.DataFrame], purchase_schema: str, trained: str
) -> None:
    """Each a sample of several rows, in double precision, and shares that are measured first."""
    schema = parse_schema(purchase_schema)
    table = OwnersTable(conform(purchases(), schema).reset_index(drop=True), schema)
    report = run_twin(
        PrivacyBudget(epsilon=6),
        QUIET,
        trained=trained,
        table=table,
        canaries=200,
        coins=RepeatableStream(2),
    )
    assert report.steps == STEPS[trained]
    assert report.verdict is not Verdict.REFUTED
