"""A checkpoint resumes once, and the reserve pays for repeated steps.

The run that was left behind can charge nothing.
"""

from collections.abc import Callable

import pytest

from privgan.errors import BudgetExceededError, InternalError, PolicyFailedError, UsageError
from privgan.ledger.ledger import PrivacyLedger, RunLedger
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian, dp_sgd

COUNT = DiscreteGaussian(20.0, 1)
CRITIC = dp_sgd(noise_multiplier=4.0, sample_rate=0.01, steps=100)
AGAIN = dp_sgd(noise_multiplier=4.0, sample_rate=0.01, steps=10)
STEPS = {"count": COUNT, "critic": CRITIC, "critic:reserve": AGAIN, "last": COUNT}
BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)


def _start(
    ledger: PrivacyLedger, *, clean: bool, secret: bool = True, steps: dict = STEPS
) -> RunLedger:
    """A run whose critic was under way when it wrote its first checkpoint."""
    with ledger.run("a", BUDGET, secret=secret) as run:
        run.approve("model", steps, BUDGET)
        run.charge("count", COUNT)
        run.charge("critic", CRITIC)
        run.checkpoint(lineage=1, step=40, digest="d1", clean=clean)
    return run


def _resume(
    ledger: PrivacyLedger, run: RunLedger, lineage: int = 1, digest: str = "d1"
) -> RunLedger:
    return ledger.resume(
        "a", run.identity, lineage=lineage, digest=digest, reserve="critic:reserve"
    )


def _kinds(ledger: PrivacyLedger) -> list[str]:
    return [entry.kind for entry in ledger.entries("a")]


def test_a_clean_checkpoint_goes_on_at_no_cost(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=True)
    resumed = _resume(ledger, run)
    assert _kinds(ledger) == [
        "announced",
        "run",
        "stage",
        "charge",
        "charge",
        "checkpoint",
        "resume",
    ]
    assert (resumed.identity, resumed.budget, resumed.secret, resumed.lineage) == (
        run.identity,
        BUDGET,
        True,
        1,
    )
    assert dict(resumed.charged) == {"count": COUNT, "critic": CRITIC}
    assert resumed.total() == run.total()
    receipt = resumed.rest_of("critic")
    receipt.redeem()
    assert (receipt.dataset, receipt.step, receipt.event) == ("a", "critic", CRITIC)
    resumed.charge("last", COUNT)
    resumed.checkpoint(lineage=2, step=0, digest="d2", clean=True)
    assert _resume(ledger, run, 2, "d2").lineage == 2
    assert ledger.account("a").runs == 1
    assert ledger.problems() == ()


def test_steps_run_again_are_charged_to_the_reserve_once(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=False)
    resumed = _resume(ledger, run)
    assert _kinds(ledger)[-2:] == ["charge", "resume"]
    assert ledger.entries("a")[-2].body["step"] == "critic:reserve"
    assert resumed.charged["critic:reserve"] == AGAIN
    resumed.checkpoint(lineage=2, step=60, digest="d2", clean=False)
    before = ledger.head()
    with pytest.raises(BudgetExceededError, match="the reserve for steps run again is spent"):
        _resume(ledger, run, 2, "d2")
    assert ledger.head() == before


def test_a_plan_without_a_reserve_resumes_clean_checkpoints_only(ledger: PrivacyLedger) -> None:
    steps = {name: event for name, event in STEPS.items() if name != "critic:reserve"}
    with pytest.raises(BudgetExceededError, match="reserve") as caught:
        _resume(ledger, _start(ledger, clean=False, steps=steps))
    assert caught.value.exit_code == 4
    assert _resume(ledger, _start(ledger, clean=True, steps=steps)).lineage == 1


def _twice(ledger: PrivacyLedger, run: RunLedger) -> None:
    _resume(ledger, run)
    _resume(ledger, run)


def _finished(ledger: PrivacyLedger, run: RunLedger) -> None:
    ledger.record("a", run.identity, "candidate", {"files": {}})
    _resume(ledger, run)


REFUSED: dict[str, tuple[Callable[[PrivacyLedger, RunLedger], object], str]] = {
    "twice": (_twice, "each checkpoint resumes once"),
    "changed": (lambda ledger, run: _resume(ledger, run, digest="other"), "not what the run wrote"),
    "not the newest": (
        lambda ledger, run: _resume(ledger, run, lineage=2),
        r"not its newest \(1\)",
    ),
    "another data set": (
        lambda ledger, run: ledger.resume("b", run.identity, lineage=1, digest="d1", reserve=""),
        "does not know it",
    ),
    "finished": (_finished, "ended with a candidate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_resumed_is_refused_and_changes_nothing(
    ledger: PrivacyLedger, name: str
) -> None:
    act, text = REFUSED[name]
    run = _start(ledger, clean=True)
    with pytest.raises(UsageError, match=text):
        act(ledger, run)
    assert _kinds(ledger).count("resume") == (name == "twice")


def test_an_older_checkpoint_is_not_resumed(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=False)
    run.checkpoint(lineage=2, step=60, digest="d2", clean=False)
    with pytest.raises(UsageError, match=r"not its newest \(2\)"):
        _resume(ledger, run)


def test_a_refuted_data_set_is_not_resumed(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=True)
    ledger.refute("a", "some audit")
    with pytest.raises(PolicyFailedError, match="refuted"):
        _resume(ledger, run)


def test_the_lineage_counts_by_one(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", STEPS, BUDGET)
        for lineage in (0, 2):
            with pytest.raises(InternalError, match="does not follow"):
                run.checkpoint(lineage=lineage, step=0, digest="d", clean=False)
        run.checkpoint(lineage=1, step=0, digest="d", clean=False)
        with pytest.raises(InternalError, match="does not follow"):
            run.checkpoint(lineage=1, step=0, digest="d", clean=False)


def test_the_process_left_behind_can_neither_charge_nor_write_checkpoints(
    ledger: PrivacyLedger,
) -> None:
    run = _start(ledger, clean=False)
    _resume(ledger, run)
    with pytest.raises(UsageError, match="resumed by another process"):
        run.charge("last", COUNT)
    with pytest.raises(UsageError, match="resumed by another process"):
        run.checkpoint(lineage=2, step=60, digest="d2", clean=False)


def test_nothing_is_charged_after_a_clean_checkpoint(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=True)
    with pytest.raises(InternalError, match="clean checkpoint"):
        run.charge("last", COUNT)


def test_the_rest_of_a_step_is_handed_out_once_and_for_the_step_under_way_only(
    ledger: PrivacyLedger,
) -> None:
    run = _start(ledger, clean=True)
    with pytest.raises(InternalError, match="not under way"):
        run.rest_of("critic")
    resumed = _resume(ledger, run)
    with pytest.raises(InternalError, match="not under way"):
        resumed.rest_of("count")
    resumed.rest_of("critic")
    with pytest.raises(InternalError, match="not under way"):
        resumed.rest_of("critic")
    with pytest.raises(InternalError, match="charged before"):
        resumed.charge("critic", CRITIC)


def test_a_step_charged_after_the_checkpoint_is_not_under_way_at_it(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", STEPS, BUDGET)
        run.checkpoint(lineage=1, step=0, digest="d1", clean=False)
        run.charge("critic", CRITIC)
    with pytest.raises(InternalError, match="not under way"):
        _resume(ledger, run).rest_of("critic")


def test_a_run_whose_coins_are_not_secret_stays_so(ledger: PrivacyLedger) -> None:
    resumed = _resume(ledger, _start(ledger, clean=False, secret=False))
    assert not resumed.secret
    assert resumed.total() is None
    assert dict(resumed.charged) == {"count": COUNT, "critic": CRITIC, "critic:reserve": AGAIN}
    assert [entry.body["event"] for entry in ledger.entries("a") if entry.kind == "charge"] == [
        "non_private"
    ] * 3


def test_a_run_ends_with_one_candidate(ledger: PrivacyLedger) -> None:
    run = _start(ledger, clean=True)
    ledger.record("a", run.identity, "candidate", {"files": {}})
    with pytest.raises(UsageError, match="one only"):
        ledger.record("a", run.identity, "candidate", {"files": {}})
