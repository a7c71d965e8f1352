"""What several ε buy, from public facts alone: against simulated noise, and in all its forms."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

import privgan
from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.files.documents import strict_validator
from privgan.planning.expected_auc import expected_auc, score_noises
from privgan.planning.planner import make_plan
from privgan.planning.what_if import WhatIf
from privgan.privacy.budget import PrivacyBudget
from privgan.report.what_if_chart import what_if_chart
from privgan.table.schema_file import parse_schema

LINES = """\
format: privgan.schema/1
dataset: kehu
unit: row
target: 是否购买
columns:
  - {name: 年龄, kind: integer, lower: 18, upper: 77}
  - {name: 城市, kind: categorical, categories: [北京, 上海, 广州, 深圳]}
  - {name: 收入, kind: float, lower: 0, upper: 90000, decimals: 2, missing: true}
  - {name: 是否购买, kind: boolean}
"""
SCHEMA = parse_schema(LINES)


@pytest.fixture(scope="module")
def found() -> WhatIf:
    return privgan.what_if(SCHEMA, epsilons=[10, 0.3, 1], public_rows=5_000, target_share=0.1)


def test_more_of_a_budget_buys_more_at_a_higher_risk(found: WhatIf) -> None:
    first, last = found.outlooks[0], found.outlooks[-1]
    assert [one.epsilon for one in found.outlooks] == [0.3, 1, 10]
    assert first.advantage < last.advantage
    for name in ("columns", "pairs", "target_pairs"):
        assert getattr(first, name) > getattr(last, name) > 0
    for early, late in zip(first.aucs, last.aucs, strict=True):
        assert 0.5 < early.low < late.low < late.high < late.real == early.real
        assert early.low <= early.high


def test_the_error_of_a_column_is_that_of_simulated_noise(found: WhatIf) -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=1, delta=1e-6), public_rows=5_000)
    rng, errors = np.random.default_rng(0), []
    for name, size in (("年龄", 10), ("城市", 4), ("收入", 10), ("是否购买", 2)):
        noise = rng.normal(0, plan.step(f"marginal:{name}").noise, (4_000, size))
        errors.append(np.abs(noise).sum(1).mean() / plan.kept_in_rows / 2)
    sizes = plan.marginals.max_codes
    assert sizes == 10
    assert found.outlooks[1].columns == pytest.approx(np.mean(errors), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [10.0, 40.0])
def test_the_area_is_what_a_naive_bayes_on_noisy_counts_reaches(noise: float) -> None:
    """Eight columns of eight codes; the exact scores of a tenth of 20,000 rows, and noisy ones."""
    rng, columns, codes, rows, share = np.random.default_rng(1), 8, 8, 20_000, 0.1
    tilt = np.tile(np.linspace(-0.5, 0.5, codes), (columns, 1))
    positive = np.exp(tilt) / np.exp(tilt).sum(1, keepdims=True)
    labels = rng.random(30_000) < share
    table = np.array(
        [
            np.where(labels, rng.choice(codes, 30_000, p=part), rng.integers(0, codes, 30_000))
            for part in positive
        ]
    )

    def area(scores: np.ndarray) -> float:
        summed = sum(part[code] for part, code in zip(scores, table, strict=True))
        return float(roc_auc_score(labels, summed))

    real = area(np.log(positive * codes))
    reached = []
    for _ in range(20):
        of_value = rows * share * positive + rng.normal(0, noise, positive.shape)
        of_rest = rows * (1 - share) / codes + rng.normal(0, noise, positive.shape)
        reached.append(area(np.log(np.maximum(of_value, 1)) - np.log(np.maximum(of_rest, 1))))
    variance = noise**2 * (1 / (rows * share / codes) ** 2 + 1 / (rows * (1 - share) / codes) ** 2)
    expected = expected_auc(real, [variance] * columns)
    assert float(np.mean(reached)) == pytest.approx(expected.low, abs=0.012)
    assert expected.low < expected.high < real


@settings(max_examples=60)
@given(
    st.floats(0.55, 0.98),
    st.lists(st.floats(1e-4, 50.0), min_size=1, max_size=30),
    st.floats(1.1, 10.0),
)
def test_more_noise_never_helps_and_one_strong_column_suffers_least(
    real: float, noises: list[float], factor: float
) -> None:
    found, worse = (expected_auc(real, [part * by for part in noises]) for by in (1.0, factor))
    assert 0.5 <= found.low <= found.high + 1e-12
    assert found.high <= real + 1e-12
    assert worse.low <= found.low + 1e-12
    assert norm.ppf(worse.high) <= norm.ppf(found.high) + 1e-9


def test_rarer_values_and_fewer_rows_have_noisier_scores() -> None:
    budget = PrivacyBudget(epsilon=1, delta=1e-6)
    many, few = (make_plan(SCHEMA, budget, public_rows=rows) for rows in (20_000, 5_000))
    usual = np.array(score_noises(many, SCHEMA, 0.3))
    assert len(usual) == 3
    assert (np.array(score_noises(many, SCHEMA, 0.01)) > usual).all()
    assert (np.array(score_noises(few, SCHEMA, 0.3)) > usual).all()


def test_it_is_written_as_a_table_json_csv_and_a_picture(found: WhatIf) -> None:
    assert len(list(found.lines())) == 1 + 3 + len(found.notes)
    schema = files("privgan").joinpath("formats/what_if.schema.json").read_text(encoding="utf-8")
    strict_validator(json.loads(schema)).validate(json.loads(found.json_text()))
    assert found.csv_text().count("\n") == 4
    assert "ε" in found._repr_html_()
    picture = what_if_chart(found)
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img"
    assert "是否购买" in picture
    assert "Noto Sans CJK SC" in picture
    assert picture.count("<polygon") == 3


def test_what_cannot_be_told_is_left_out_and_said() -> None:
    plain = parse_schema(
        LINES.replace("target: 是否购买\n", "").replace(
            "kind: boolean", "kind: integer, lower: 0, upper: 999"
        )
    )
    bare = privgan.what_if(plain, epsilons=[3], public_rows=20_000, generator="gan")
    assert [one.pairs for one in bare.outlooks] == [None]
    assert all(one.lost is None for one in bare.outlooks)
    ElementTree.fromstring(what_if_chart(bare))
    opened = parse_schema(
        LINES.replace("lower: 18, upper: 77", "source: {lower: measured, upper: measured}")
    )
    later = privgan.what_if(opened, epsilons=[1], public_rows=20_000)
    assert later.outlooks[0].columns is None
    assert "declare bounds" in later.notes[1]
    ElementTree.fromstring(what_if_chart(later))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"epsilons": []}, "allowed: 1 to 20"),
        ({"epsilons": [0.0, 1]}, "it must be above 0"),
        ({"epsilons": [1, 500]}, "at most 100"),
        ({"epsilons": "1,3"}, "give numbers"),
        ({"epsilons": ["x"]}, "must be a number"),
        ({"target_share": 1.0}, "above 0 and below 1"),
        ({"epsilon": 3}, "leave out epsilon"),
        ({"public_rows": None}, "public_rows"),
        ({"public_rows": 10}, "at least 500"),
    ],
)
def test_what_means_nothing_is_refused(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        privgan.what_if(SCHEMA, **({"public_rows": 20_000} | asked))  # type: ignore[arg-type]


def test_the_command_prints_writes_and_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(LINES, encoding="utf-8")
    plan = ["plan", "--schema", str(schema), "--public-rows", "20000"]
    few = [*plan, "--what-if", "--epsilons", "3"]

    def run(*arguments: str) -> tuple[int, str, str]:
        code = execute([*arguments])
        out, err = capsys.readouterr()
        return code, out, err

    code, out, _ = run(*few)
    assert (code, out.splitlines()[0].split()[0]) == (0, "ε")
    code, out, _ = run(*few[:-1], "1,3", "--json")
    assert [one["epsilon"] for one in json.loads(out)["outlooks"]] == [1.0, 3.0]
    code, _, _ = run(*few, "--out", str(tmp_path / "w.svg"))
    assert code == 0
    assert (tmp_path / "w.svg").stat().st_size > 1_000
    for arguments, told in (
        ([*few, "--out", str(tmp_path / "w.svg")], "is there already"),
        ([*few, "--out", str(tmp_path / "w.png")], "must end with"),
        ([*few, "--epsilon", "3"], "leave out --epsilon"),
        ([*plan, "--epsilon", "3", "--target-share", "0.1"], "--target-share goes with --what-if"),
        ([*plan, "--what-if", "--epsilons", "1;3"], "numbers with commas"),
        (["plan", "--schema", str(schema), "--what-if"], "give --public-rows"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert told in err


@pytest.mark.parametrize("epsilon", ["0.002", "1e-9"])
def test_an_epsilon_that_buys_nothing_is_refused(
    epsilon: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "schema.yaml").write_text(LINES, encoding="utf-8")
    command = ["plan", "--schema", str(tmp_path / "schema.yaml"), "--public-rows", "600"]
    for asked in (["--epsilon", epsilon], ["--what-if", "--epsilons", epsilon]):
        assert execute([*command, *asked]) == 2
        assert "is too small for this plan" in capsys.readouterr().err
