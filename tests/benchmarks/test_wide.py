"""The benchmark of wide and many-valued tables: schema and measurement."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from privgan.table.conform import violations
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from tests.benchmarks import wide
from tests.benchmarks.wide import Taken, main_of, many_valued, measured, told


def test_the_many_valued_table_fits_its_schema(tmp_path: Path) -> None:
    table, schema = many_valued(tmp_path, rows=3_000, categories=1_000)
    frame = read_table(table)
    assert (len(frame), frame["product"].nunique()) == (3_000, 1_000)
    assert violations(frame, load_schema(schema)) == ()


def test_a_command_is_measured_with_its_first_line(tmp_path: Path) -> None:
    code = (
        "import time, sys; print('begun', flush=True); time.sleep(0.3); x = bytes(60_000_000);"
        " sys.exit(3)"
    )
    taken = measured([sys.executable, "-c", code], tmp_path / "log.txt")
    assert taken.code == 3
    assert taken.first_line < taken.seconds - 0.2
    assert taken.megabytes > 60
    assert (tmp_path / "log.txt").read_text() == "begun\n"
    assert "exit code 3" in told("run columns", taken)


@pytest.mark.parametrize("command", ["run", "fit"])
def test_only_a_run_is_judged(command: str, tmp_path: Path) -> None:
    line = main_of(command, tmp_path / "train.csv", tmp_path / "schema.yaml", tmp_path, rows=700)
    assert ("--policy" in line) is (command == "run")
    assert line[line.index("--public-rows") + 1] == "700"


def test_a_table_of_another_size_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[list[str]]()

    def noted(line: list[str], _: Path) -> Taken:
        asked.append(line)
        return Taken(code=0, seconds=1.0, processor=1.0, megabytes=1.0, first_line=0.1)

    monkeypatch.setattr(wide, "measured", noted)
    given = ["columns", "--work", str(tmp_path), "--size", "600", "3", "4"]
    told_of = CliRunner().invoke(wide.main, given)
    assert told_of.exit_code == 0
    (line,) = asked
    table = read_table(next(Path(part) for part in line if part.endswith("train.csv")))
    assert table.shape == (600, 3)
    assert line[line.index("--public-rows") + 1] == "600"
