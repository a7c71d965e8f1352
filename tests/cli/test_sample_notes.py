"""Where a network's rows repeat under rare conditions, ``sample`` says so, and Python warns."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import privgan
from privgan.cli.main import execute
from privgan.generator import importance, network_sampler
from tests.constrained import network_synthesizer, schema_of

COLUMNS = """\
  - {name: a, kind: categorical, categories: [x, y, z]}
  - {name: b, kind: integer, lower: 0, upper: 3}
  - {name: c, kind: boolean}
"""
RARE = "c = true"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network that gives the condition weights far apart, drawn with the least work."""
    monkeypatch.setattr(importance, "_MOST_TIMES", 1)
    monkeypatch.setattr(importance, "_MOST_ROWS", 1)
    monkeypatch.setattr(network_sampler, "fitted_tilts", lambda *_: {})
    shifts = {"c": [0.0, -6.0]}
    network_synthesizer(schema_of(COLUMNS), 5, strength=2.0, shifts=shifts).save(tmp_path / "model")
    return tmp_path / "model"


def test_the_command_tells_how_many_rows_are_effective(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["sample", str(model), "--rows", "500", "--out"]
    assert execute([*asked, str(model / "rare.csv"), "--where", RARE]) == 0
    told = capsys.readouterr()
    assert "500 rows" in told.out
    assert "note: the conditions are rare in the model: some of the 500 rows repeat" in told.err
    assert execute([*asked, str(model / "all.csv")]) == 0
    assert "note" not in capsys.readouterr().err


def test_python_warns(model: Path) -> None:
    synthesizer = privgan.load(model)
    with pytest.warns(UserWarning, match="tell as much as [0-9]+ independent ones"):
        assert len(synthesizer.sample(500, where=RARE)) == 500
    with pytest.warns(UserWarning, match="the conditions are rare"):
        synthesizer.write(model / "rare.csv", 500, where=RARE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(synthesizer.sample(500)) == 500
