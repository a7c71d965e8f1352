"""A column's values are ranked by the model's own conditional distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.errors import TableError, UsageError
from privgan.pipeline.recommending import recommend
from privgan.synthesizer import Synthesizer
from tests.constrained import fixed_synthesizer, network_synthesizer
from tests.generator.test_constrained import SMALL, _schema, _shares

TIED = ("{combinations: [t, u], allowed: [[x, true], [y, false], [z, true], [z, false]]}",)
RULED = ('{when: "u = true", then: "t != x"}',)


def _model(kind: str, *lines: str) -> Synthesizer:
    schema = _schema(*lines, columns=SMALL)
    if kind == "network":
        return network_synthesizer(schema, 3)
    return fixed_synthesizer(schema, 3, entries=12, evenness=0.6)


def _expected(model: Synthesizer, known: dict[str, Any]) -> pd.Series:
    """Bayes' rule by enumeration of all rows: probability of each value of ``t``."""
    typed, shares = _shares(model)
    for name, value in known.items():
        shares = shares * typed[name].eq(value).fillna(False).to_numpy(dtype=bool)
    found = pd.Series(shares).groupby(typed["t"].to_numpy()).sum()
    return (found / found.sum()).sort_values(ascending=False)


@pytest.mark.parametrize(
    ("kind", "lines", "known", "tolerance"),
    [
        ("mixture", (), {"b": 2}, 1e-6),
        ("mixture", (), {"a": 1, "b": 0, "u": "True"}, 1e-6),
        ("mixture", TIED, {"b": 2}, 1e-6),
        ("mixture", TIED, {"u": "True", "a": 0}, 1e-6),
        ("mixture", RULED, {"u": "True", "b": 1}, 1e-6),
        ("network", (), {"a": 1, "b": 0, "u": "True"}, 1e-5),
        ("network", (), {"u": "True"}, 0.03),  # 64 draws, each judged exactly.
        ("network", TIED, {"a": 1, "b": 2}, 1e-5),
    ],
)
def test_probabilities_are_the_models_own(
    kind: str, lines: tuple[str, ...], known: dict[str, Any], tolerance: float
) -> None:
    model = _model(kind, *lines)
    found = recommend(model, pd.DataFrame([known]), "t", 9)
    expected = _expected(model, known)
    expected = expected[expected > 0]
    told = found.frame.set_index("value")["probability"].reindex(expected.index)
    assert np.abs(told - expected).max() < tolerance
    assert found.frame["rank"].tolist() == list(range(1, len(expected) + 1))
    assert found.frame["probability"].is_monotonic_decreasing
    assert found.exact == (kind == "mixture")
    assert bool(found.notes) == (kind == "network" or lines == RULED)


def test_merged_categories_keep_their_noisy_order_and_share() -> None:
    """Of categories in one code each gets its share of it."""
    columns = (
        "  - {name: a, kind: integer, lower: 0, upper: 3}\n  - {name: t, kind: categorical,"
        f" categories: [{', '.join(f'k{number}' for number in range(30))}]}}\n"
    )
    model = fixed_synthesizer(_schema(columns=columns), 1, entries=6)
    column = model.encoder.columns[1]
    assert column.size < 30
    found = recommend(model, pd.DataFrame({"a": [2, 2]}), "t", 30).frame
    assert len(found) == 60
    assert np.allclose(found.groupby("row")["probability"].sum(), 1, atol=1e-6)
    both = found[found["row"] == 1].set_index("value")["probability"]
    codes = pd.Series(column.code_of, index=column.cells.texts)
    within = pd.Series(column.within, index=column.cells.texts)
    merged = codes.index[codes == codes.value_counts().idxmax()]
    assert len(merged) > 5
    assert np.allclose(both[merged] / both[merged].sum(), within[merged], atol=1e-6)


def test_a_profiles_answer_depends_on_itself_alone() -> None:
    """Also where a network draws what is unknown; equal profiles have equal answers."""
    model = _model("network")
    frame = pd.DataFrame({"b": [0, 2, 1, 2], "u": ["True", None, "False", None]})
    whole = recommend(model, frame, "t", 3).frame
    alone = recommend(model, frame.iloc[[1]], "t", 3).frame
    kept = ["rank", "value", "probability"]
    for row in (2, 4):
        found = whole[whole["row"] == row][kept].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, alone[kept])


def test_json_holds_what_the_table_holds() -> None:
    found = recommend(_model("mixture"), pd.DataFrame({"b": [0, 2]}), "t", 2)
    told = found.to_json()
    assert told["exposure"].startswith("INTERNAL")
    assert [profile["row"] for profile in told["profiles"]] == [1, 2]
    lines = [line for profile in told["profiles"] for line in profile["recommended"]]
    assert [line["value"] for line in lines] == found.frame["value"].tolist()
    assert [line["probability"] for line in lines] == found.frame["probability"].tolist()


@pytest.mark.parametrize(
    ("frame", "column", "top", "error", "told"),
    [
        ({"b": [1]}, "tt", 1, UsageError, "column: 'tt' is not in the model; did you mean 't'"),
        ({"b": [1]}, "a", 1, UsageError, "'a' is integer; allowed: categorical, ordinal, boolean"),
        ({"b": [1]}, "t", 0, UsageError, "top is 0; it must be at least 1"),
        ({"b": []}, "t", 1, TableError, "the table has no rows"),
        ({"b": [1], "t": ["x"]}, "t", 1, UsageError, "'t' is to be recommended, and it is given"),
        (
            {"a": [1], "b": [1], "t": ["x"], "u": ["True"]},
            "t",
            1,
            UsageError,
            "profile: every cell of every column is given",
        ),
        ({"b": [99]}, "t", 1, TableError, "profile: the profiles do not fit the schema"),
        ({"nobody": [1]}, "t", 1, UsageError, "profile: the model has no column 'nobody'"),
    ],
)
def test_bad_input(
    frame: dict[str, Any], column: str, top: int, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as found:
        recommend(_model("mixture"), pd.DataFrame(frame), column, top)
    assert found.value.exit_code == 2  # type: ignore[attr-defined]


def test_a_profile_that_cannot_exist() -> None:
    """Beside the constraint on what is given, and where it leaves no value."""
    given = '{when: "a = 1", then: "b = 0"}'
    with pytest.raises(UsageError, match=r"profile: .* is broken by 1 of the profiles \(row 2\)"):
        recommend(_model("mixture", given), pd.DataFrame({"a": [1, 1], "b": [0, 2]}), "t", 1)
    none = '{combinations: [t, u], allowed: [[x, "true"]]}'
    with pytest.raises(UsageError, match=r"no value of 't' goes with some profiles \(row 1\)"):
        recommend(_model("mixture", none), pd.DataFrame({"u": ["False", "True"]}), "t", 1)
