"""A table with Chinese headers and values through every use, and its relations as they are stated.

One run of few steps serves all tests.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.planning.plan import EFFORTS
from privgan.release.verification.verify import verify_release
from privgan.table.files import read_table
from tests.api.world import TINY
from tests.release.forging import Forgery, forge, put

pytestmark = pytest.mark.slow
ROWS = 700
CHINESE = re.compile("[\u4e00-\u9fff]")
SCHEMA = """\
format: privgan.schema/1
dataset: kehu
unit: 客户编号
max_rows_per_unit: 1
target: 是否购买
tasks:
  - {kind: response, target: 是否购买, positive: 是}
  - {kind: scorecard, target: 是否购买, positive: 是}
columns:
  - {name: 客户编号, kind: identifier, role: identifier, pattern: "客{:05d}"}
  - {name: 年龄, kind: integer, lower: 18, upper: 77}
  - {name: 城市, kind: categorical, categories: [北京, 上海, 广州, 深圳]}
  - {name: 会员 等级, kind: ordinal, categories: [普通, 银卡, 金卡]}
  - {name: 月消费（元）, kind: float, lower: 0, upper: 5000, decimals: 2, missing: true}
  - {name: 注册日期, kind: date, lower: 2021-01-01, upper: 2023-12-31}
  - {name: 是否购买, kind: categorical, categories: [否, 是]}
constraints:
  - {when: "年龄 < 20 or 城市 in (深圳)", then: "not 月消费（元） > 4000"}
"""
POLICY = """\
format: privgan.policy/1
name: our-policy
version: "1.0"
purpose: 小表示例。
attempts_per_dataset: 9
gates:
  - {fact: guarantee.epsilon, at_most: 10, scope: public, reason: 太弱。, advice: 降低 ε。}
  - {fact: accounting.complete, equals: true, scope: public, reason: 必需。, advice: 重新运行。}
  - {fact: artefacts.findings, at_most: 0, scope: internal, reason: 泄露。, advice: 停止。}
"""


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    tier = rng.choice(["普通", "银卡", "金卡"], ROWS)
    age = rng.integers(18, 78, ROWS)
    spent = np.minimum(rng.gamma(2, 300, ROWS), 3_999).round(2)
    days = pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D")
    bought = rng.random(ROWS) < 0.1 + 0.4 * (tier == "金卡") + 0.003 * (age - 18)
    return pd.DataFrame(
        {
            "客户编号": [f"客{place * 37:05d}" for place in range(ROWS)],
            "年龄": age,
            "城市": rng.choice(["北京", "上海", "广州", "深圳"], ROWS, p=[0.4, 0.3, 0.2, 0.1]),
            "会员 等级": tier,
            "月消费（元）": np.where(rng.random(ROWS) < 0.1, np.nan, spent),
            "注册日期": (pd.Timestamp("2021-01-01") + days).strftime("%Y-%m-%d"),
            "是否购买": np.where(bought, "是", "否"),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("客户")
    _table().to_csv(folder / "客户.csv", index=False)
    (folder / "模式.yaml").write_text(SCHEMA, encoding="utf-8")
    (folder / "政策.yaml").write_text(POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PRIVGAN_LEDGER", str(folder / "账本.sqlite"))
        patch.setitem(EFFORTS, "quick", TINY)  # type: ignore[arg-type]
        assert execute(["ledger", "init"]) == 0
        asked = ["--epsilon", "8", "--public-rows", str(ROWS), "--effort", "quick", "--lang", "zh"]
        names = ["run", "客户.csv", "--schema", "模式.yaml", "--policy", "政策.yaml"]
        done = execute([*names, *asked, "--out", "结果"])
        assert done == 0
        yield folder


def _sampled(place: Path, name: str, *options: str) -> pd.DataFrame:
    assert execute(["sample", "结果/release", *options, "--out", name]) == 0
    return read_table(place / name)


def test_the_schema_is_drafted_checked_planned_and_compared(place: Path) -> None:
    assert execute(["schema", "init", "客户.csv", "--out", "草稿.yaml"]) == 0
    assert "会员 等级" in (place / "草稿.yaml").read_text(encoding="utf-8")
    plan = ["plan", "--schema", "模式.yaml", "--public-rows", str(ROWS)]
    assert execute([*plan, "--epsilon", "3"]) == 0
    assert execute([*plan, "--what-if", "--epsilons", "1,3", "--out", "比较.svg"]) == 0
    _check_picture(place / "比较.svg", "是否购买")


def _check_picture(path: Path, word: str) -> None:
    text = path.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert word in text
    assert "Noto Sans CJK SC" in text


def test_rows_are_sampled_under_every_kind_of_wish(place: Path) -> None:
    where = "城市 in (北京, 上海) or not '会员 等级' = 普通 and 年龄 >= 60"
    rows = _sampled(place, "抽样.csv", "--rows", "200", "--where", where)
    told = rows["城市"].isin(["北京", "上海"])
    assert (told | ((rows["会员 等级"] != "普通") & (rows["年龄"].astype(int) >= 60))).all()
    assert rows["客户编号"].str.match(r"客\d{5}$").all()
    (place / "画像.csv").write_text("年龄,城市,会员 等级\n30,北京,金卡\n60,深圳,\n", "utf-8")
    given = _sampled(place, "internal-补全.csv", "--given", "画像.csv")
    assert given["城市"].tolist() == ["北京", "深圳"]
    assert (place / "internal-补全-probability.csv").exists()
    quota = _sampled(
        place, "配额.csv", "--quota", "城市=广州:40", "--quota", "年龄 < 25 or 年龄 > 70:30"
    )
    assert (quota["城市"] == "广州").sum() >= 40
    assert len(quota) == 70
    even = _sampled(place, "比例.csv", "--rows", "200", "--shares", "是否购买:是=0.5")
    assert (even["是否购买"] == "是").mean() == pytest.approx(0.5, abs=0.1)


def test_questions_are_answered_with_intervals(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "share(是否购买 = 是 where 城市 = 北京 or 年龄 > 60) by '会员 等级'"
    assert execute(["ask", "结果/release", question]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:4]] == [
        "普通",
        "银卡",
        "金卡",
    ]
    assert execute(["ask", "结果/release", question, "--out", "答案.svg"]) == 0
    _check_picture(place / "答案.svg", "金卡")


def test_both_reports_are_chinese_and_show_the_tasks(place: Path) -> None:
    page = (place / "结果/release/report.html").read_text(encoding="utf-8")
    for text in ("哪些关系能与噪声区分", "会员 等级", "Noto Sans CJK SC"):
        assert text in page
    told = (place / "结果/release/report.md").read_text(encoding="utf-8")
    assert "营销响应：是否购买 = 是" in told
    assert "是否购买 = 是 的比例，按 会员 等级" in told
    assert execute(["report", "结果/release", "--lang", "en", "--out", "report.md"]) == 0
    assert "What was told from noise" in (place / "report.md").read_text(encoding="utf-8")
    assert execute(["report", "结果", "--internal", "--out", "internal-报告.md"]) == 0
    inside = (place / "internal-报告.md").read_text(encoding="utf-8")
    for text in ("营销响应：是否购买 = 是", "评分卡：是否购买 = 是"):
        assert text in inside
    headings = re.findall(r"^## (.*)$", inside, re.MULTILINE)
    assert all(CHINESE.search(heading) for heading in headings), headings


def test_the_release_verifies_and_tells_its_relations(place: Path) -> None:
    assert verify_release(place / "结果/release").ok
    report = json.loads((place / "结果/release/report.json").read_text(encoding="utf-8"))
    relations = report["data"]["relations"]
    assert (relations["target"], relations["value"]) == ("是否购买", "是")
    pairs = {(pair["first"], pair["second"]): pair for pair in relations["pairs"]}
    assert len(pairs) == 15
    assert pairs["会员 等级", "是否购买"]["told"]
    assert relations["curves"][0]["column"] == "会员 等级"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("pairs", 0, "strength"), 3.0, "noisy marginals at relations"),
        (("columns", 0, "noise"), 0.0, "noisy marginals at relations"),
        (("curves", 0, "synthetic", 0), 0.99, "the target's synthetic"),
        (("curves", 0, "generator", 0), 0.99, "the generator's dependence"),
    ],
)
def test_relations_that_the_release_does_not_give_are_found(
    place: Path, tmp_path: Path, path: tuple[str | int, ...], value: float, told: str
) -> None:
    def lie(forgery: Forgery) -> None:
        put(forgery.data["relations"], *path, to=value)

    folder = tmp_path / "release"
    shutil.copytree(place / "结果/release", folder)
    forge(folder, lie)
    problems = "\n".join(verify_release(folder).problems)
    assert told in problems
