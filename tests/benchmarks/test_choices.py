"""The study of the planner's choices: each choice is judged on a table left out of it."""

from pathlib import Path

import pytest

from tests.benchmarks.choices import leave_one_out, ratios_of, write_markdown
from tests.benchmarks.collect import Line
from tests.benchmarks.methods import CHOICES, METHODS, method_of
from tests.benchmarks.tables import SIMULATED, prepare

FEWER, MORE = "privgan-codes-fewer", "privgan-codes-more"


def _line(table: str, method: str, tvd3: float) -> Line:
    figures = {"tvd3": tvd3, "gap": 0.01, "c2st": 0.6}
    return Line(
        table=table, rows=1_000, epsilon=1.0, method=method, status="ok", seeds=1, figures=figures
    )


LINES = [
    *(_line(table, "privgan", 0.10) for table in "abc"),
    *(_line(table, FEWER, value) for table, value in zip("abc", (0.05, 0.05, 0.30), strict=True)),
    *(_line(table, MORE, 0.11) for table in "abc"),
]


def test_a_figure_is_held_against_the_planned_one() -> None:
    ratios = ratios_of(LINES)
    assert ratios[MORE]["a", 1.0] == pytest.approx(1.1)
    assert set(ratios["privgan"].values()) == {1.0}


def test_a_choice_made_elsewhere_is_judged_on_the_table_that_was_left_out() -> None:
    found = {part.table: part for part in leave_one_out(ratios_of(LINES))}
    assert (found["c"].chosen, found["c"].ratio) == (FEWER, pytest.approx(3.0))
    assert (found["a"].chosen, found["a"].ratio) == ("privgan", 1.0)


def test_everything_is_written_and_nothing_missing_is_invented(tmp_path: Path) -> None:
    write_markdown(tmp_path / "planner.md", LINES)
    text = (tmp_path / "planner.md").read_text(encoding="utf-8")
    assert "| c | codes, fewer | 3.000 |" in text
    assert "| b | 1 | codes, fewer | 0.0500 | 0.0100 | 0.6000 |" in text
    assert "triples" not in text.split("|", 1)[1]


def test_choices_are_studied_apart_from_the_comparison() -> None:
    assert not set(CHOICES) & set(METHODS)
    assert all(method_of(name).own for name in CHOICES)


def test_simulated_tables_are_prepared_without_published_files(tmp_path: Path) -> None:
    name = min(SIMULATED, key=lambda name: SIMULATED[name])
    prepared = prepare(name, tmp_path / "nowhere", tmp_path)
    train, test = prepared.frames()
    assert (len(train), len(test)) == (SIMULATED[name], 10_000)
    assert prepared.source.target in train.columns
