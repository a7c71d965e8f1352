"""Agreement of SHAP importances: what agrees, what does not, and a missing library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from privgan.audit.coding import AuditCoder
from privgan.audit.tasks import shapley
from privgan.audit.tasks.figures import Figure
from privgan.audit.tasks.shapley import halves_of, shap_figure
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.tasks import BOOSTING
from privgan.audit.utility.utility import Trial
from tests.tasks.campaign import draw, inputs, of_kinds

ROWS = 600


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Models of the outcome, of two draws from the population."""
    audit = inputs(draw(ROWS, 3), of_kinds("response"), rows=ROWS)
    assert audit.left_out is not None
    coder = AuditCoder.from_reference(audit.schema, audit.kept_in)
    parts = [coder.code(part) for part in (audit.kept_in, audit.left_out, audit.synthetic)]
    tables = TaskTables(coder, *parts, seed=0).as_yes_or_no("bought", "yes")
    _, found = tables.trial("bought")
    assert isinstance(found, Trial)
    return found


def test_without_its_library_it_says_how_to_get_it(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapley, "installed", lambda: False)
    found = shap_figure(trial, halves_of(trial, 0), 0)
    assert found == "needs the library shap: pip install 'privgan[shap]'"


@pytest.mark.slow
def test_the_same_models_agree_and_columns_are_told(trial: Trial) -> None:
    pytest.importorskip("shap")
    halves = halves_of(trial, 0)
    real = trial.models[BOOSTING][1]
    same = shap_figure(replace(trial, models={BOOSTING: (real, real)}), halves, 0)
    other = shap_figure(trial, halves, 0)
    assert isinstance(same, Figure)
    assert isinstance(other, Figure)
    assert same.synthetic == pytest.approx(np.ones(len(same.synthetic)))
    assert -1 <= other.synthetic[0] <= 1
    told = [one["real"] for one in other.details["columns"]]
    assert told == sorted(told, reverse=True)
    # Shapley values add up to the model's log-odds, less their mean.
    from shap import TreeExplainer

    rows = real.inputs(trial.task.without_target(trial.test))[:50]
    explainer = TreeExplainer(real.trees)
    odds = explainer.shap_values(rows).sum(1) + explainer.expected_value
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(real.predict(rows)[:, -1], abs=1e-6)
