"""The registry of metrics is complete in both languages.

It lists exactly the figures that audits make and policies may name.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from privgan.audit.attacks.reference_model import Game, reference_model_metrics
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.twin import judge_game
from privgan.audit.suite import AuditInputs, run_audit
from privgan.audit.tasks.stage import all_task_metrics
from privgan.metric import Metric, Status
from privgan.metrics import LANGUAGES, Definition, Exposure, Interval, Maker, registered, registry
from privgan.policy import fact_vocabulary
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.audit.events import figures, inputs, population
from tests.audit.shop import shop_figures, shop_sides
from tests.histories.purchases import purchases
from tests.related.shop import frames
from tests.tasks import shoppers
from tests.tasks.campaign import draw as draw_campaign
from tests.tasks.campaign import inputs as inputs_of_tasks
from tests.tasks.campaign import task_figures

FAMILIES = {"attack", "audit", "fidelity", "utility", "noisy"}
CHINESE = re.compile("[\u4e00-\u9fff]")
SCHEMA = Schema(
    dataset="metrics",
    unit=PrivacyUnit(),
    columns=(
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=90),
        Numeric(name="income", kind=Kind.FLOAT, lower=0, upper=1e6, decimals=2),
        Discrete(name="region", kind=Kind.CATEGORICAL, categories=("north", "south", "west")),
        Discrete(name="grade", kind=Kind.ORDINAL, categories=("1", "2", "3", "4")),
        Discrete(name="churned", kind=Kind.BOOLEAN, categories=("False", "True")),
    ),
)


def _draw(rows: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 91, rows)
    return pd.DataFrame(
        {
            "age": age,
            "income": np.round(np.exp(generator.normal(10, 0.5, rows)), 2),
            "region": generator.choice(["north", "south", "west"], rows, p=[0.7, 0.295, 0.005]),
            "grade": generator.integers(1, 5, rows),
            "churned": generator.random(rows) < age / 120,
        }
    )


@pytest.fixture(scope="module")
def audited() -> dict[str, Metric]:
    """Every figure of an audit with a critic, by name."""
    real, held = _draw(2100, 1), _draw(1100, 2)
    mask = np.arange(len(real)) < 1100
    scores = np.random.default_rng(3).normal(size=(2, int(mask.sum()) + len(held)))
    inputs = AuditInputs(
        schema=SCHEMA,
        kept_in=real,
        canary_mask=mask,
        left_out=held,
        synthetic=_draw(2000, 4),
        epsilon=1.0,
        delta=1e-5,
        white_box={"likelihood": scores[0], "critic": scores[1]},
    )
    return {metric.name: metric for metric in run_audit(inputs).metrics}


@pytest.fixture(scope="module")
def others() -> dict[Maker, dict[str, Metric]]:
    """The figures of reference fits, of the self-test, and of whole customers in both forms."""
    coins = np.random.default_rng(0).random(200) < 0.5
    fits = reference_model_metrics(
        SCHEMA,
        _draw(200, 1),
        lambda rows, seed: rows,
        Claim(1.0, 1e-5),
        Game(runs=8, records=10, rows=120),
    )
    found = {
        Maker.REFERENCE_FITS: fits,
        Maker.SELF_TEST: judge_game(coins * 1.0, coins, Claim(1.0, 1e-6), 1).metrics,
    }
    named = {maker: {metric.name: metric for metric in metrics} for maker, metrics in found.items()}
    histories = figures(inputs(*population(), purchases(600, 1)))
    related = shop_figures(*shop_sides(120), frames(100, 9))
    return named | {Maker.HISTORY_AUDIT: histories, Maker.RELATED_AUDIT: related}


def _made_by(*makers: Maker) -> set[str]:
    return {name for name, entry in registry().items() if entry.made in makers}


def test_an_audit_makes_every_registered_metric_and_no_other(audited, others) -> None:
    assert audited.keys() == _made_by(Maker.AUDIT, Maker.CANDIDATE_AUDIT)
    customers = others[Maker.HISTORY_AUDIT] | others[Maker.RELATED_AUDIT]
    for name, metric in (audited | customers).items():
        assert metric.status is Status.OK, name
    for maker, found in others.items():
        assert found.keys() == _made_by(maker)
    tasks = inputs_of_tasks(draw_campaign(300, 3), rows=300)
    none_left_out = replace(tasks, left_out=tasks.left_out.iloc[:0])
    purchased = shoppers.tables(shoppers.draw(60, 3), customers=60)
    of_histories = {part.name for part in all_task_metrics(shoppers.SCHEMA.tasks, purchased)}
    found = task_figures(none_left_out).keys()
    assert found | of_histories == _made_by(Maker.TASK_AUDIT)
    assert _made_by(Maker.RUN) == {"noisy.tvd1", "noisy.tvd2"}  # privgan/pipeline/writing.py


def test_every_figure_is_as_registered(audited, others) -> None:
    for metric in [
        *audited.values(),
        *(metric for found in others.values() for metric in found.values()),
    ]:
        entry = registered(metric.name)
        assert {end for end in ("low", "high") if getattr(metric, end) is not None} == set(
            entry.interval.ends
        ), metric
        for value in (metric.value, metric.low, metric.high, metric.baseline):
            assert value is None or entry.minimum is None or value >= entry.minimum - 1e-9, metric
            assert value is None or entry.maximum is None or value <= entry.maximum + 1e-9, metric
        told = metric.to_json()
        assert (told["better"], told["exposure"], told["source"]) == (
            entry.better,
            entry.exposure,
            entry.source,
        )


def test_facts_are_the_registered_metrics_with_their_ends() -> None:
    named = {name for name in fact_vocabulary() if name.split(".")[0] in FAMILIES} - {
        "audit.verdict"
    }
    gates = [entry for entry in registry().values() if entry.gate]
    ends = {f"{entry.name}.{end}" for entry in gates for end in entry.interval.ends}
    assert named == {entry.name for entry in gates} | ends
    stated = json.loads(files("privgan").joinpath("formats/facts.schema.json").read_text("utf-8"))[
        "properties"
    ]
    assert {name.split(".")[0] for name in stated} & FAMILIES == {"audit"}
    assert [name for name in stated if name.startswith("audit.")] == ["audit.verdict"]


@pytest.mark.parametrize("entry", registry().values(), ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry: Definition) -> None:
    for texts in (entry.label, entry.meaning, *([entry.short] if entry.short else [])):
        assert texts.keys() == set(LANGUAGES)
        assert CHINESE.search(texts["zh"])
        assert not CHINESE.search(texts["en"])
    assert entry.meaning["en"].endswith(".")
    assert entry.meaning["zh"].endswith("。")
    assert entry.source
    assert entry.minimum is None or entry.maximum is None or entry.minimum < entry.maximum
    assert (entry.exposure is Exposure.PUBLIC) == (entry.made is Maker.RUN)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'fidelity.tvd4' is not registered; add an entry to privgan/metrics.yaml"
    ):
        Metric(name="fidelity.tvd4", value=0.5)
    with pytest.raises(ValueError, match="not registered"):
        Metric.not_run("fidelity.tvd4", "none")


def test_an_end_that_the_interval_has_not_is_refused() -> None:
    assert registered("audit.epsilon_lower_bound").interval is Interval.LOWER_LIMIT
    Metric(name="audit.epsilon_lower_bound", value=0.5, low=0.5)
    with pytest.raises(ValueError, match="has no end high, as its interval is 'lower_limit'"):
        Metric(name="audit.epsilon_lower_bound", value=0.5, low=0.5, high=0.6)
