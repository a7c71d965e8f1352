"""``sample`` with conditions, quotas, shares and profiles: what it writes, and what it refuses."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import privgan
from privgan.cli.main import execute
from privgan.errors import TableError, UsageError
from tests.constrained import HEAD, fixed_synthesizer, network_synthesizer, schema_of

COLUMNS = """\
  - {name: 编号, kind: identifier, pattern: "C{:05d}"}
  - {name: 年龄, kind: integer, lower: 18, upper: 40}
  - {name: 职业, kind: categorical, categories: [退休, 学生, 工人], missing: true}
  - {name: 消费, kind: integer, lower: 0, upper: 9}
"""
RULE = '  - {when: "职业 = 学生", then: "年龄 <= 30"}\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved network over Chinese columns, with a constraint."""
    folder = tmp_path_factory.mktemp("wanted") / "model"
    network_synthesizer(schema_of(COLUMNS, RULE), 2).save(folder)
    return folder


def _sample(model: Path, *words: str) -> int:
    return execute(["sample", str(model), *words])


def test_a_condition_with_or_not_and_brackets(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.csv"
    where = "(职业 in (退休, 工人) or 年龄 < 25) and not 消费 = 0"
    assert _sample(model, "--rows", "80", "--where", where, "--out", str(out)) == 0
    rows = pd.read_csv(out)
    assert (rows["职业"].isin(["退休", "工人"]) | (rows["年龄"] < 25)).all()
    assert (rows["消费"] != 0).all()


def test_quotas_and_shares(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "two.csv"
    asked = ["--quota", "职业 = 退休:20", "--quota", "年龄 > 35: 10"]
    assert _sample(model, *asked, "--out", str(out)) == 0
    assert len(pd.read_csv(out)) == 30
    even = tmp_path / "even.csv"
    assert (
        _sample(model, "--rows", "90", "--shares", "职业:退休=0.5,学生=0.2", "--out", str(even))
        == 0
    )
    assert f"{tmp_path / 'even-weights.csv'}: what each row counts" in capsys.readouterr().out
    rows, weights = pd.read_csv(even), pd.read_csv(tmp_path / "even-weights.csv")
    assert rows["职业"].value_counts()["退休"] == 45
    assert len(weights) == 90
    assert weights["weight"].mean() == pytest.approx(1)


def test_profiles_are_completed_and_marked_internal(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "profiles.csv"
    given.write_text("职业,年龄\n退休,35\n,20\n学生,\n无,30\n", encoding="utf-8")
    out = tmp_path / "internal-completed.csv"
    asked = ["--given", str(given), "--missing-marker", "无"]
    assert _sample(model, *asked, "--out", str(out)) == 0
    told = capsys.readouterr()
    assert "4 rows. INTERNAL" in told.out
    assert "warning: profiles made from real customers bring these people in" in told.err
    rows = pd.read_csv(out)
    assert rows["年龄"].tolist()[:2] == [35, 20]
    assert rows["年龄"][2] <= 30
    assert rows["职业"].fillna("").tolist()[::2] == ["退休", "学生"]
    assert isinstance(rows["职业"][1], str)
    assert pd.isna(rows["职业"][3])
    beside = tmp_path / "internal-completed-probability.csv"
    assert pd.read_csv(beside)["probability"].between(0, 1).all()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (out, beside)] == [0o600, 0o600]


REFUSED = {
    "not marked": ("--given P --out plain.csv", "name --out"),
    "rows too": ("--given P --rows 3 --out internal-a.csv", "without --rows"),
    "marker alone": ("--missing-marker x --out a.csv", "goes with --given"),
    "quota and rows": ("--quota 年龄>30:3 --rows 3 --out a.csv", "--quota says how many"),
    "quota 0": ("--quota 年龄>30:0 --out a.csv", "at least 1"),
    "quota of a billion": ("--quota 年龄>30:1000000000 --out a.csv", "at most 100,000,000"),
    "quota's column": ("--quota 工资>30:5 --out a.csv", "'工资' is no column"),
    "share above 1": ("--shares 职业:退休=1.5 --out a.csv", "no share from 0 to 1"),
    "shares twice": ("--shares 职业:退休=.5 --shares 职业:学生=.2 --out a.csv", "given twice"),
    "never met": ("--where 年龄<20and年龄>30 --out a.csv", "no row can meet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(
    case: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("P").write_text("年龄\n30\n", encoding="utf-8")
    line, told = REFUSED[case]
    words = [word.replace("and", " and ") for word in line.split()]
    assert _sample(model, *words) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["P"]


PROFILES: dict[str, tuple[dict[str, Any], str]] = {
    "all given": ({"年龄": [20], "职业": ["退休"], "消费": [3]}, "nothing is left to draw"),
    "no such column": ({"工资": [3]}, "the model has no column '工资'"),
    "invented": ({"编号": ["C1"], "年龄": [20]}, "is invented and cannot be given"),
    "outside": ({"年龄": [20, 77]}, "a value outside 18 to 40 in 1 row (row 2)"),
    "no category": ({"职业": ["教师"]}, "none of the 3 categories"),
    "broken": ({"年龄": [20, 35], "职业": ["学生"] * 2}, "is broken by 1 of the profiles (row 2)"),
    "no rows": ({"年龄": []}, "no rows"),
}


@pytest.mark.parametrize("case", PROFILES)
def test_profiles_that_cannot_be(case: str, model: Path) -> None:
    cells, told = PROFILES[case]
    with pytest.raises((UsageError, TableError)) as caught:
        privgan.load(model).sample(given=pd.DataFrame(cells))
    assert told in str(caught.value)
    assert caught.value.exit_code == 2


def test_python_marks_and_warns(tmp_path: Path) -> None:
    fixed_synthesizer(schema_of(COLUMNS, RULE), 2).save(tmp_path / "model")
    synthesizer = privgan.load(tmp_path / "model")
    profiles = pd.DataFrame({"职业": ["退休", None, "工人"]})
    with pytest.warns(UserWarning, match="bring these people in"):
        rows = synthesizer.sample(given=profiles, seed=3)
    assert rows.attrs["exposure"].startswith("INTERNAL: ")
    assert rows["职业"].tolist()[::2] == ["退休", "工人"]
    assert len(synthesizer.probabilities(profiles)) == 3
    weighed = synthesizer.sample(60, shares={"职业": {"退休": 0.5}}, weight="w")
    assert weighed["w"].mean() == pytest.approx(1)
    with pytest.raises(UsageError, match="weight goes with shares"):
        synthesizer.sample(5, weight="w")
    with pytest.raises(UsageError, match="weight is '年龄', a column of the table"):
        synthesizer.sample(5, shares={"职业": {"退休": 0.5}}, weight="年龄")


def test_histories_and_related_tables_are_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from privgan.generator.part_model import PartModel

    model = fixed_synthesizer(schema_of(COLUMNS, head=HEAD), 2)
    in_parts = replace(model, parts=(PartModel,))  # type: ignore[arg-type]
    for asked in ({"shares": {"职业": {"退休": 0.5}}}, {}):
        with pytest.raises(UsageError, match=r"rows that are drawn one by one.* has histories"):
            in_parts.chunks(5, **asked) if asked else in_parts.complete(None)  # type: ignore[arg-type]
