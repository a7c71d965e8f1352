"""A candidate's claim is compared with the ledger's entries."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.judging import accounting_complete
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian

STEPS = {
    "count": DiscreteGaussian(20.0, 1),
    "critic": DiscreteGaussian(20.0, 1),
    "critic:reserve": DiscreteGaussian(60.0, 1),
}


@pytest.mark.parametrize(
    ("charged", "complete"),
    [
        (["count", "critic", "critic:reserve"], True),
        (["count", "critic"], True),
        (["count", "critic:reserve"], False),
        (["critic"], False),
    ],
)
def test_only_a_reserve_may_stay_uncharged(
    tmp_path: Any, charged: list[str], complete: bool
) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    budget = PrivacyBudget(epsilon=accountant.spent(STEPS.values(), 1e-6).epsilon, delta=1e-6)
    with ledger.run("a", budget, secret=True) as run:
        run.approve("model", STEPS, budget)
        for step in charged:
            run.charge(step, STEPS[step])
    steps = [
        SimpleNamespace(name=name, stage="model", event=events.to_json(event), cost=event)
        for name, event in STEPS.items()
    ]
    record: Any = SimpleNamespace(run=run.identity, guarantee=budget, accounting=steps)
    assert accounting_complete(record, ledger.history("a")) is complete
