"""``recommend``: what it prints and writes, and what it refuses; the same in Python."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pandas as pd
import pytest

import privgan
from privgan.cli.main import execute
from privgan.errors import UsageError
from tests.constrained import fixed_synthesizer, schema_of

COLUMNS = """\
  - {name: 编号, kind: identifier, pattern: "C{:05d}"}
  - {name: 年龄, kind: integer, lower: 18, upper: 40}
  - {name: 职业, kind: categorical, categories: [退休, 学生, 工人], missing: true}
  - {name: 消费, kind: integer, lower: 0, upper: 9}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved mixture over Chinese columns."""
    folder = tmp_path_factory.mktemp("recommend") / "model"
    fixed_synthesizer(schema_of(COLUMNS), 2).save(folder)
    return folder


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """Two profiles, one of which tells nothing."""
    path = tmp_path / "profiles.csv"
    path.write_text("年龄,消费\n20,3\n,\n", encoding="utf-8")
    return path


def _recommend(model: Path, profiles: Path, *words: str, column: str = "职业") -> int:
    return execute(
        ["recommend", str(model), "--profile", str(profiles), "--column", column, *words]
    )


def test_a_table_json_and_files(
    model: Path, profiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _recommend(model, profiles, "--top", "2") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("row,rank,value,probability\n1,1,")
    assert len(shown.out.splitlines()) == 5
    assert "warning: profiles and histories of real customers" in shown.err
    assert _recommend(model, profiles, "--top", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exact"] is True
    assert told["exposure"].startswith("INTERNAL")
    for name in ("internal-top.csv", "internal-top.json"):
        assert _recommend(model, profiles, "--top", "2", "--out", str(tmp_path / name)) == 0
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "internal-top.csv").read_text(encoding="utf-8") == shown.out
    written = json.loads((tmp_path / "internal-top.json").read_text(encoding="utf-8"))
    assert written == told


def test_python_gives_the_same(
    model: Path, profiles: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _recommend(model, profiles) == 0
    printed = tmp_path / "printed.csv"
    printed.write_text(capsys.readouterr().out, encoding="utf-8")
    fitted = privgan.load(model)
    with pytest.warns(UserWarning, match="bring these people in"):
        found = fitted.recommend(pd.DataFrame({"年龄": [20, None], "消费": [3, None]}), "职业")
    assert found.attrs["exposure"].startswith("INTERNAL")
    pd.testing.assert_frame_equal(found, pd.read_csv(printed), check_dtype=False)
    with pytest.raises(UsageError, match="column is '3'; give a column's name"):
        fitted.recommend(profiles, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "column", "told"),
    [
        (("--top", "0"), "职业", "--top is 0; it must be at least 1"),
        (("--new",), "职业", "--new leaves out what past events hold"),
        ((), "年龄", "--column: '年龄' is integer"),
        ((), "编号", "--column: '编号' is invented and not modelled"),
        ((), "job", "--column: 'job' is not in the model"),
        (("--out", "top.csv"), "职业", "name --out internal-top.csv"),
        (("--out", "internal-top.xlsx"), "职业", "must end with one of .csv, .json"),
    ],
)
def test_bad_input_ends_with_code_2(
    model: Path,
    profiles: Path,
    words: tuple[str, ...],
    column: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _recommend(model, profiles, *words, column=column) == 2
    assert told in capsys.readouterr().err


def test_bad_files_end_with_code_2(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text, told in (
        ("gone.csv", None, "is not there"),
        ("empty.csv", "", "empty"),
        ("header.csv", "年龄\n", "no rows"),
        (
            "given.csv",
            "年龄,职业\n20,学生\n",
            "'职业' is to be recommended, and it is given (row 1)",
        ),
        ("other.csv", "年齡\n20\n", "--profile: the model has no column '年齡'"),
    ):
        path = tmp_path / name
        if text is not None:
            path.write_text(text, encoding="utf-8")
        assert _recommend(model, path) == 2
        assert told in capsys.readouterr().err
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "model.json").write_text('{"format": "privgan.model/0"}')
    (tmp_path / "old" / "model.safetensors").write_bytes(b"")
    (tmp_path / "one.csv").write_text("年龄\n20\n", encoding="utf-8")
    assert _recommend(tmp_path / "old", tmp_path / "one.csv") == 2
