"""Each use of chance in the audit has its own stream, and all follow the seed."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from privgan.audit.randomness import stream
from tests.audit.foreign_tables import audited

AUDIT = Path(__file__).parents[2] / "privgan" / "audit"
TREES = {
    path.relative_to(AUDIT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in AUDIT.rglob("*.py")
}
# Draws that ignore the seed: ties depend on the scores, triples are the same in every tool.
UNSEEDED = {"lower_bounds/bounds.py": "default_rng", "fidelity/column_sets.py": "RandomState"}


def _calls(name: str) -> list[tuple[str, ast.Call]]:
    nodes = [(file, node) for file, tree in TREES.items() for node in ast.walk(tree)]
    return [
        (file, node)
        for file, node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
    ]


def _names() -> list[str]:
    return [ast.literal_eval(node.args[1]) for _, node in _calls("stream")]


def test_every_name_is_used_in_one_place():
    names = Counter(_names())
    assert len(names) > 25
    assert [name for name, count in names.items() if count > 1] == []


def test_no_module_draws_in_another_way():
    for drawn in ("default_rng", "RandomState", "SeedSequence"):
        files = {file for file, _ in _calls(drawn)} - {"randomness.py"}
        assert files == {file for file, how in UNSEEDED.items() if how == drawn}
    assert all(not isinstance(node.args[0], ast.Constant) for _, node in _calls("stream"))


def test_all_streams_are_distinct_and_follow_the_seed():
    keys = [
        (seed, name, *parts) for seed in (0, 1) for name in _names() for parts in ((), (0,), (1,))
    ]
    first = {key: tuple(stream(*key).integers(2**63, size=2)) for key in keys}
    assert len(set(first.values())) == len(keys)
    assert first == {key: tuple(stream(*key).integers(2**63, size=2)) for key in keys}


def test_streams_do_not_resemble_each_other():
    """Correlations of 30 streams of 4,000 draws.

    One of 435 exceeds 0.075 with probability 0.1 %.
    """
    drawn = np.array([stream(0, name).standard_normal(4000) for name in _names()[:30]])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.075


@pytest.mark.parametrize(
    ("key", "drawn"),
    [
        ((0, "fidelity.pmse"), 932161),
        ((7, "fidelity.pmse"), 763844),
        ((0, "fidelity.tvd", 2), 822681),
    ],
)
def test_a_new_metric_moves_no_stream(key, drawn):
    """A stream depends on its own name alone: draws equal those of the first release."""
    assert int(stream(*key).integers(10**6)) == drawn


def test_a_whole_audit_draws_each_stream_from_its_seed(schema, draw_rows, monkeypatch):
    seen = []
    real = np.random.SeedSequence

    def noted(entropy=None, **kwargs):
        if "spawn_key" in kwargs:
            seen.append((entropy, kwargs["spawn_key"]))
        return real(entropy, **kwargs)

    monkeypatch.setattr(np.random, "SeedSequence", noted)
    tables = (draw_rows(rows, seed) for rows, seed in ((120, 1), (120, 2), (120, 3)))
    audited(schema, *tables, epsilon=1.0, delta=1e-5, seed=5, fair_coins=True)
    assert {entropy for entropy, _ in seen} == {5}
    assert len({key[:4] for _, key in seen}) > 20
