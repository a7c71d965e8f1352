"""A new metric needs one registry entry and one function; all else follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from privgan import metrics
from privgan.audit.intervals import clopper_pearson
from privgan.audit.randomness import stream
from privgan.metric import Better, Exposure, Metric
from privgan.policy import GateStatus, evaluate, fact_vocabulary, load_policy
from privgan.policy.words import describe, fact_lines
from privgan.release.leak_scan.leak_patterns import internal_names
from privgan.report.text import words_of
from tests.audit.foreign_tables import audited

ENTRY = {
    "fidelity.first_letter": {
        "label": {"en": "regions that begin with n", "zh": "首字母为 n 的地区占比"},
        "meaning": {"en": "Share of regions that begin with n.", "zh": "首字母为 n 的地区占比。"},
        "unit": "share",
        "better": "lower",
        "interval": "clopper_pearson",
        "range": [0, 1],
        "exposure": "internal",
        "gate": True,
        "made": "audit",
        "source": "Clopper and Pearson 1934",
    }
}
POLICY = """\
format: privgan.policy/1
name: own
version: "1.0"
purpose: Tests.
attempts_per_dataset: 3
gates:
  - fact: fidelity.first_letter.high
    at_most: 0.9
    scope: internal
    reason: Because.
    advice: Change it.
"""
CACHED = (metrics.registry, fact_vocabulary, words_of, internal_names)


def first_letter_metric(synthetic) -> Metric:
    """The function of the new metric."""
    found = synthetic["region"].dropna().str.startswith("n")
    low, high = clopper_pearson(int(found.sum()), len(found))
    return Metric(
        name="fidelity.first_letter", value=float(found.mean()), low=low, high=high, confidence=0.95
    )


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry with one more entry."""
    known = metrics.read_entries()
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "read_entries", lambda: known | ENTRY)
        for cached in CACHED:
            cached.cache_clear()
        yield
    for cached in CACHED:
        cached.cache_clear()


def test_one_entry_and_one_function_make_a_metric(
    one_more, schema, draw_rows, tmp_path: Path
) -> None:
    synthetic = draw_rows(60, 3)
    report = audited(schema, draw_rows(60, 1), draw_rows(60, 2), synthetic)
    report = report.with_metrics([first_letter_metric(synthetic)])
    metric = report.metric("fidelity.first_letter")
    assert (metric.better, metric.exposure) == (Better.LOWER, Exposure.INTERNAL)
    path = tmp_path / "own.yaml"
    path.write_text(POLICY, encoding="utf-8")
    policy = load_policy(str(path))
    assert evaluate(policy, report.facts()).outcomes[0].status is GateStatus.PASS
    assert any(
        "fidelity.first_letter.high (number, 0 to 1, share; internal)" in line
        for line in fact_lines()
    )
    for language in metrics.LANGUAGES:
        entry = ENTRY["fidelity.first_letter"]
        assert any(entry["meaning"][language] in line for line in describe(policy, language))
        assert (
            words_of(language).term("metric", "fidelity.first_letter") == entry["label"][language]
        )
    assert internal_names().search(b"fidelity.first_letter")


def test_it_moves_no_other_metrics_draws(one_more) -> None:
    before = [stream(0, name).random() for name in ("fidelity.pmse", "attack.linkability.excess")]
    stream(0, "fidelity.first_letter").random()
    assert before == [
        stream(0, name).random() for name in ("fidelity.pmse", "attack.linkability.excess")
    ]


def test_it_is_gone_afterwards() -> None:
    with pytest.raises(ValueError, match="not registered"):
        Metric(name="fidelity.first_letter", value=0.5)
