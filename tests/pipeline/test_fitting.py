"""A small fit from end to end in Python: its charges, its inputs, and its files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from privgan.domain.predicates import parse_predicates
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import OwnersTable
from privgan.pipeline.fitting import fit
from privgan.pipeline.job import FitSettings, Fitted
from privgan.pipeline.writing import noisy_figures, synthesizer_of
from privgan.planning.plan import Plan, events_of
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import from_json
from privgan.privacy.randomness import SecretStream
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema
from tests.coins import RepeatableStream

ROWS = 1_200
SCHEMA = parse_schema("""format: privgan.schema/1
dataset: small
unit: row
columns:
  - {name: segment, kind: categorical, categories: [basic, silver, gold], missing: true}
  - {name: spend, kind: float, lower: 0, upper: 2000, decimals: 2, special_values: [0]}
  - {name: age, kind: integer, lower: 18, upper: 95}
  - {name: churned, kind: boolean, labels: ["no", "yes"]}
  - {name: id, kind: identifier, pattern: "S{:05d}"}
""")


def _table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    segment = rng.choice(["basic", "silver", "gold"], ROWS, p=[0.6, 0.3, 0.1])
    spend = np.where(rng.random(ROWS) < 0.3, 0, rng.lognormal(4, 1, ROWS).clip(0.01, 2000)).round(2)
    age = rng.integers(18, 95, ROWS)
    churned = np.where(rng.random(ROWS) < np.where(segment == "gold", 0.05, 0.5), "yes", "no")
    frame = pd.DataFrame(
        {"segment": segment, "spend": spend, "age": age, "churned": churned, "id": np.arange(ROWS)}
    )
    frame.loc[::50, "segment"] = None
    return conform(frame, SCHEMA)


def _plan() -> Plan:
    return make_plan(SCHEMA, PrivacyBudget(epsilon=6), public_rows=ROWS, effort="quick")


def _fit(folder: Path, coins: RepeatableStream | None = None, seed: int = 0) -> Fitted:
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    settings = FitSettings(seed=seed, coins=coins or SecretStream())
    return fit(OwnersTable(_table(), SCHEMA), _plan(), ledger, settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit")


@pytest.fixture(scope="module")
def repeatable(folder: Path) -> Fitted:
    return _fit(folder, RepeatableStream(1))


@pytest.fixture(scope="module")
def synthesizer(folder: Path, repeatable: Fitted) -> Synthesizer:
    synthesizer_of(repeatable).save(folder / "model")
    return load_synthesizer(folder / "model")


def _weights(fitted: Fitted) -> list[torch.Tensor]:
    return list(fitted.model.network.state_dict().values())


def test_the_ledger_keeps_what_each_stage_may_do_and_hashes_of_the_columns(
    folder: Path, repeatable: Fitted
) -> None:
    entries = PrivacyLedger.open(str(folder / "ledger.sqlite")).entries("small")
    (stage,) = [entry.body for entry in entries if entry.kind == "stage"]
    assert {name: from_json(event) for name, event in stage["events"].items()} == dict(
        events_of(repeatable.plan.steps)
    )
    (run,) = [entry.body for entry in entries if entry.kind == "run"]
    assert len(run["columns"]) == len(SCHEMA.names)


def test_with_repeatable_coins_two_fits_agree_bit_for_bit_and_promise_nothing(
    tmp_path: Path, repeatable: Fitted
) -> None:
    again = _fit(tmp_path, RepeatableStream(1))
    assert all(
        torch.equal(one, two)
        for one, two in zip(_weights(repeatable), _weights(again), strict=True)
    )
    assert synthesizer_of(again).guarantee.epsilon is None
    assert PrivacyLedger.open(str(tmp_path / "ledger.sqlite")).account("small").epsilon == float(
        "inf"
    )


def test_every_planned_step_was_charged_once(folder: Path, repeatable: Fitted) -> None:
    entries = PrivacyLedger.open(str(folder / "ledger.sqlite")).entries("small")
    charged = [entry.body["step"] for entry in entries if entry.kind == "charge"]
    assert charged == [step.name for step in repeatable.plan.steps]


def test_left_out_canaries_do_not_move_the_fit(tmp_path: Path, repeatable: Fitted) -> None:
    """Whatever stands in the rows that the coins left out, the model is the same, bit for bit."""
    changed = _table()
    changed.loc[repeatable.canaries.left_out, ["spend", "age"]] = [1999.0, 95.0]
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    again = fit(
        OwnersTable(changed, SCHEMA), _plan(), ledger, FitSettings(coins=RepeatableStream(1))
    )
    assert repeatable.canaries.left_out.sum() > 60
    assert all(
        torch.equal(one, two)
        for one, two in zip(_weights(repeatable), _weights(again), strict=True)
    )


def test_a_saved_model_samples_the_same_and_loads_without_the_table(
    repeatable: Fitted, synthesizer: Synthesizer
) -> None:
    direct = synthesizer_of(repeatable).sample(300, seed=4)
    pd.testing.assert_frame_equal(direct, synthesizer.sample(300, seed=4))
    assert not direct.equals(synthesizer.sample(300, seed=5))


def test_samples_fit_the_schema(synthesizer: Synthesizer) -> None:
    sample = synthesizer.sample(2_000, seed=1)
    conform(sample, SCHEMA)
    assert list(sample.columns) == list(SCHEMA.names)
    assert sample["id"].is_unique
    assert sample["segment"].isna().any()
    assert (sample["spend"] == 0).mean() == pytest.approx(0.3, abs=0.1)
    assert sample["age"].dtype == "int64"


def test_chunks_make_the_asked_number_of_rows(
    synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.synthesizer.CHUNK", 70)
    chunks = list(synthesizer.chunks(150, seed=0))
    assert [len(chunk) for chunk in chunks] == [70, 70, 10]
    assert pd.concat(chunks)["id"].is_unique


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("segment = gold", lambda rows: (rows["segment"] == "gold").all()),
        (
            "segment is missing and age >= 60",
            lambda rows: rows["segment"].isna().all() and (rows["age"] >= 60).all(),
        ),
        ("spend > 0 and spend <= 55.5", lambda rows: rows["spend"].between(0.01, 55.5).all()),
        (
            "spend = 0 and churned = no",
            lambda rows: (rows["spend"] == 0).all() and (rows["churned"] == "no").all(),
        ),
        (
            "age = 33 and segment in (silver, gold)",
            lambda rows: (rows["age"] == 33).all() and rows["segment"].notna().all(),
        ),
    ],
)
def test_conditions_hold_in_every_row(synthesizer: Synthesizer, where: str, holds: object) -> None:
    rows = synthesizer.sample(400, seed=2, where=parse_predicates(where, SCHEMA))
    assert len(rows) == 400
    assert holds(rows)  # type: ignore[operator]


def test_a_condition_agrees_with_filtering(synthesizer: Synthesizer) -> None:
    """Drawing under a condition is what keeping the rows that meet it would give.

    5 standard errors.
    """
    conditioned = synthesizer.sample(
        4_000, seed=3, where=parse_predicates("segment = gold", SCHEMA)
    )
    free = synthesizer.sample(60_000, seed=4)
    kept = free[free["segment"] == "gold"]
    one, two = (conditioned["churned"] == "yes").mean(), (kept["churned"] == "yes").mean()
    assert abs(one - two) < 5 * np.sqrt(0.25 / 4_000 + 0.25 / len(kept))


def test_the_model_learnt_what_it_was_shown(repeatable: Fitted, synthesizer: Synthesizer) -> None:
    sample = synthesizer.sample(20_000, seed=0)
    figures = noisy_figures(sample, repeatable)
    assert figures["noisy.tvd1"] < 0.08
    assert (
        noisy_figures(sample.assign(segment="gold"), repeatable)["noisy.tvd2"]
        > 1.5 * figures["noisy.tvd2"]
    )
    by_segment = (sample["churned"] == "yes").groupby(sample["segment"]).mean()
    assert by_segment["gold"] < by_segment["basic"]


def test_model_files_hold_no_row(folder: Path, synthesizer: Synthesizer) -> None:
    held = b"".join(path.read_bytes() for path in (folder / "model").iterdir())
    exact = [
        str(value).encode()
        for value in _table()["spend"].unique()
        if value > 100 and round(value, 1) != value
    ]
    assert len(exact) > 50
    assert not [value for value in exact if value in held]
    assert synthesizer.rows == ROWS


@pytest.mark.slow
def test_seeds_move_weights_and_never_coins(tmp_path: Path, repeatable: Fitted) -> None:
    one = _fit(tmp_path)
    assert (one.canaries.left_out != repeatable.canaries.left_out).any()
    mine, others = (
        {marginal.clique: marginal.counts.tolist() for marginal in fitted.measurements.marginals}
        for fitted in (one, repeatable)
    )
    # Two draws of a marginal of two or three cells may well be the same; those of twenty cells and
    # more never are. What the rounds choose may differ.
    both = [(mine[clique], others[clique]) for clique in mine.keys() & others.keys()]
    wide = [(mine, other) for mine, other in both if len(mine) >= 20]
    assert len(wide) >= 3
    assert not any(mine == other for mine, other in wide)
    assert torch.equal(one.model.latents, repeatable.model.latents)
