"""The ledger: charged before the look, never under-counted, and tampering shows."""

import copy
import pickle
from typing import Any

import pytest

from privgan.errors import BudgetExceededError, InternalError, PolicyFailedError, UsageError
from privgan.ledger.ledger import PrivacyLedger, RunFacts
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.receipts import Receipt, mint

EVENT = DiscreteGaussian(20.0, 1)
BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)


def _charged(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)


def test_a_charge_is_on_the_disk_before_its_receipt(ledger: PrivacyLedger, place: Any) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        receipt = run.charge("one", EVENT)
        kinds = [kind for (kind,) in place.execute("select kind from entries order by sequence")]
    assert kinds == ["announced", "run", "stage", "charge"]
    assert receipt.step == "one"


def test_only_planned_steps_once_each(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)
        with pytest.raises(InternalError, match="charged before"):
            run.charge("one", EVENT)
        with pytest.raises(InternalError, match="not what the approved plan says"):
            run.charge("two", EVENT)
    with ledger.run("a", BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        with pytest.raises(InternalError, match="not what the approved plan says"):
            run.charge("one", DiscreteGaussian(19.0, 1))


def test_a_stage_may_not_cost_more_than_its_budget_nor_the_stages_more_than_the_run(
    ledger: PrivacyLedger,
) -> None:
    with ledger.run("a", BUDGET, secret=True) as run:
        with pytest.raises(BudgetExceededError):
            run.approve("model", {"one": DiscreteGaussian(1.0, 1)}, BUDGET)
        run.approve("first", {"one": EVENT}, PrivacyBudget(epsilon=0.6, delta=5e-7))
        with pytest.raises(BudgetExceededError):
            run.approve("second", {"two": EVENT}, PrivacyBudget(epsilon=0.6, delta=5e-7))


def test_the_lifetime_budget_is_told_with_asked_left_and_missing(ledger: PrivacyLedger) -> None:
    ledger.set_lifetime("a", PrivacyBudget(epsilon=1.5, delta=1e-5))
    _charged(ledger)
    with (
        pytest.raises(BudgetExceededError, match=r"asks ε = 1, 0\.5 left \(short 0\.5\)"),
        ledger.run("a", BUDGET, secret=True),
    ):
        pass
    assert ledger.account("a").epsilon == 1.0
    with pytest.raises(UsageError, match="already spent"):
        ledger.set_lifetime("a", PrivacyBudget(epsilon=0.5))
    with pytest.raises(UsageError, match="already spent"):
        ledger.set_lifetime("a", PrivacyBudget(epsilon=5, delta=1e-9))


def test_a_run_that_dies_keeps_its_whole_reservation(ledger: PrivacyLedger) -> None:
    with pytest.raises(RuntimeError), ledger.run("a", BUDGET, secret=True):
        raise RuntimeError("killed")
    assert ledger.account("a").epsilon == BUDGET.epsilon


def test_coins_that_are_not_secret_cost_everything(ledger: PrivacyLedger) -> None:
    with ledger.run("a", BUDGET, secret=False) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)
        assert run.total() is None
    assert ledger.account("a").epsilon == float("inf")
    assert ledger.entries("a")[-1].body["event"] == "non_private"


@pytest.mark.parametrize(
    "change",
    [
        "update entries set body = replace(body, '1.0', '0.1') where kind = 'run'",
        "update entries set time = '2020-01-01' where sequence = 2",
        "delete from entries where sequence = 2",
        "delete from entries where sequence = 1",
        "update entries set sequence = 99 where sequence = 1",
        "update entries set dataset = 'b' where sequence = 3",
        "update entries set mac = previous where sequence = 3",
    ],
)
def test_every_change_of_an_entry_shows(ledger: PrivacyLedger, place: Any, change: str) -> None:
    _charged(ledger)
    assert ledger.problems() == ()
    place.tamper(change)
    spoilt = PrivacyLedger.open(place.url)
    assert spoilt.problems()
    with (
        pytest.raises(UsageError, match=r"not whole|its anchor names"),
        spoilt.run("a", BUDGET, secret=True),
    ):
        pass


def test_a_cut_tail_shows_by_the_head_that_a_manifest_keeps(
    ledger: PrivacyLedger, place: Any
) -> None:
    _charged(ledger)
    head = ledger.head()
    assert ledger.holds(head)
    place.tamper("delete from entries where sequence = 4")
    assert [problem for problem in ledger.problems() if "its anchor names" not in problem] == []
    assert not ledger.holds(head)


def test_evaluations_are_counted_capped_and_closed(ledger: PrivacyLedger) -> None:
    def judge(run: str, evidence: str = "e", policy: str = "p") -> None:
        ledger.judge("a", run, limit=2, policy=policy, evidence=evidence)

    judge("run1")
    judge("run1")
    assert ledger.account("a").attempts == 1
    judge("run1", evidence="another audit")
    with pytest.raises(PolicyFailedError, match="policy allows 2"):
        judge("run2")
    ledger.judge("b", "run3", limit=9, policy="lax", evidence="e")
    ledger.close("b", "run3", policy="strict", evidence="e")
    with pytest.raises(PolicyFailedError, match="closed this candidate"):
        ledger.judge("b", "run3", limit=9, policy="lax", evidence="e")
    with pytest.raises(PolicyFailedError, match="closed this candidate"):
        ledger.release("b", "run3", {}, stated=ledger.account("b"))


def test_a_run_whose_candidate_could_not_be_judged_is_not_charged(ledger: PrivacyLedger) -> None:
    """The evaluations are counted under the lock that the charge is made under."""
    with ledger.run("a", BUDGET, secret=True, about=RunFacts(attempts=1)) as run:
        ledger.judge("a", run.identity, limit=1, policy="p", evidence="e")
    before = ledger.head()
    with pytest.raises(PolicyFailedError, match="judged 1 times and the policy allows 1"):
        with ledger.run("a", BUDGET, secret=True, about=RunFacts(attempts=1)):
            pass
    assert ledger.head() == before
    with (
        ledger.run("a", BUDGET, secret=True, about=RunFacts(attempts=2)),
        ledger.run("a", BUDGET, secret=True),
    ):
        pass


def test_a_refuted_guarantee_stops_the_data_set_until_a_person_clears_it(
    ledger: PrivacyLedger,
) -> None:
    ledger.refute("a", "run")
    with pytest.raises(PolicyFailedError, match="refuted"), ledger.run("a", BUDGET, secret=True):
        pass
    with pytest.raises(PolicyFailedError, match="refuted"):
        ledger.judge("a", "another", limit=9, policy="p", evidence="e")
    with pytest.raises(PolicyFailedError, match="refuted"):
        ledger.release("a", "another", {}, stated=ledger.account("a"))
    for who, why in (("", "mended"), ("A. Officer", "  ")):
        with pytest.raises(UsageError, match="a person must answer for this"):
            ledger.clear("a", who=who, why=why)
    assert ledger.account("a").refuted
    ledger.clear("a", who="A. Officer", why="mended")
    recorded = ledger.entries("a")[-1]
    assert (recorded.kind, recorded.body["who"], recorded.body["why"]) == (
        "clear",
        "A. Officer",
        "mended",
    )
    assert recorded.body["by"]
    with ledger.run("a", BUDGET, secret=True):
        pass
    with pytest.raises(UsageError, match="nothing to clear"):
        ledger.clear("a", who="A. Officer", why="again")


def test_receipts_work_once_and_are_made_by_the_ledger_only() -> None:
    receipt = mint(dataset="a", step="one", event=EVENT)
    receipt.redeem()
    with pytest.raises(InternalError, match="used before"):
        receipt.redeem()
    with pytest.raises(InternalError, match="only the ledger"):
        Receipt(object(), dataset="a", step="one", event=EVENT)
    for copier in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            copier(receipt)
