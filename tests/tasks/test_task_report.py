"""Tasks in the reports: figures inside, names and noisy shares outside, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from privgan.report.data import NoisyShape
from privgan.report.json_text import _section
from privgan.report.markdown import _block
from privgan.report.sections.tasks import named_tasks, task_sections
from privgan.report.text import words_of
from tests.tasks.campaign import SCHEMA

FACTS = SCHEMA.to_json()
SHARES = [step / 20 for step in range(1, 21)]
BOTH = {
    "synthetic": {"value": 0.5, "low": 0.4, "high": 0.6},
    "real": {"value": 0.7, "low": 0.6, "high": 0.8},
    "difference": {"value": -0.2, "low": -0.25, "high": -0.15},
}
TEN = {"expected": [i / 10 for i in range(10)], "observed": [i / 10 for i in range(10)]}
DETAILS: dict[str, dict[str, Any]] = {
    "response.lift": {
        "curve": {"share": SHARES, "real": [share**0.5 for share in SHARES], "synthetic": SHARES}
    },
    "response.brier": {"calibration": {"synthetic": TEN, "real": TEN}},
    "response.augmentation": {
        "sizes": [
            {
                "rows": 500,
                "own": BOTH["real"],
                "with_synthetic": BOTH["real"],
                "class_weights": BOTH["real"],
                "smote": None,
                "gain": BOTH["difference"],
            }
        ],
        "smote_reason": "needs the library",
    },
    "scorecard.iv_shown": {
        "columns": [{"column": "<age>", "real": 0.25, "synthetic": 0.2}],
        "evidence": [{"column": "age", "bins": ["[1, 2)"], "real": [0.1], "synthetic": [-0.2]}],
    },
    "uplift.qini": {
        "curve": {"share": SHARES, "real": [9 * share for share in SHARES], "synthetic": SHARES}
    },
    "segments.sizes": {
        "segments": [{"synthetic": 0.6, "left_out": 0.5, "columns": ["age", "region"]}]
    },
    "regression.rmse": {},
}


def _metrics() -> list[dict[str, Any]]:
    return [
        {
            "name": f"utility.{name}",
            "value": 0.5,
            "reason": "",
            "details": {"tasks": [{"task": name, **BOTH, **details}]},
        }
        for name, details in DETAILS.items()
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_task_has_its_table_and_its_pictures(language: str) -> None:
    words = words_of(language)
    (section,) = task_sections(FACTS, _metrics(), words)
    kinds = [type(block).__name__ for block in section.blocks]
    assert kinds.count("Figure") == 4, "gains and calibration, information, Qini, sizes"
    drawings = [block.drawing for block in section.blocks if hasattr(block, "drawing")]
    assert drawings == ["lines", "pairs", "lines", "pairs"]
    text = json.dumps(_section(section), ensure_ascii=False)
    assert "0.7 (0.6 to 0.8)" in text or "0.7（0.6 至 0.8）" in text
    assert "needs the library" in text
    assert list(_block(section.blocks[2], language)), "a picture has its words"


def test_the_lines_of_a_chart_begin_and_end_where_they_should() -> None:
    (section,) = task_sections(FACTS, _metrics(), words_of("en"))
    gains, _ = section.blocks[2].data  # type: ignore[union-attr]
    for line in gains.lines:
        points = [tuple(map(float, point.split(","))) for point in line.points.split()]
        assert points[0] == (0.0, 360.0)
        assert points[-1] == (360.0, 0.0)
    assert re.fullmatch(r"[-0-9., ]+", gains.lines[0].points)
    (qini,) = section.blocks[-4].data  # type: ignore[union-attr]
    assert qini.y_ticks[0] == (360.0, "0")
    assert {line.style for line in qini.lines} == {0, 1}


def test_what_was_not_run_says_why() -> None:
    reason = "there are no left-out rows to test on"
    metrics = [
        {"name": f"utility.{name}", "value": None, "reason": reason, "details": {}}
        for name in DETAILS
    ]
    (section,) = task_sections(FACTS, metrics, words_of("en"))
    assert len(section.blocks) == 1 + len(SCHEMA.tasks)
    assert json.dumps(_section(section)).count(reason) == len(SCHEMA.tasks)


def test_the_shareable_report_names_tasks_with_noisy_shares_alone() -> None:
    shape = NoisyShape(
        column="bought",
        kind="categorical",
        labels=("no", "yes"),
        noisy=(75.0, 25.0),
        synthetic=(1.0, 99.0),
    )
    (section,) = named_tasks({}, FACTS, [shape], words_of("en"))
    items = _section(section)["blocks"][1]["items"]
    assert items[0] == "Campaign response: bought = yes; by a noisy count 25 % of the rows."
    assert items[2].startswith("Uplift of bought = yes by mailed = yes")
    assert items[3] == "Segments: 3 clusters of region, age"
    assert items[4] == "Prediction of spend"
    assert "99" not in json.dumps(items)


def test_a_schema_without_tasks_has_no_such_section() -> None:
    facts = replace(SCHEMA, tasks=()).to_json()
    assert named_tasks({}, facts, [], words_of("en")) == []
    assert task_sections(facts, _metrics(), words_of("en")) == []
