"""Finished cells are not run again, slow ones are ended, failures tell why."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from privgan.errors import UsageError
from tests.benchmarks.cells import (
    FACTS,
    LOG,
    RESULT,
    SYNTHETIC,
    Cell,
    Limits,
    conclude,
    given_seconds,
    result_of,
    run_cell,
)
from tests.benchmarks.running import Selection, ended_before

CELL = Cell(table="adult", method="dpmm-mst", epsilon=3.0, seed=0)
SHORT = Limits(minutes=0.02, gigabytes=None)
WRITES = """
import json, pathlib, sys
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
out = pathlib.Path(job["out"])
(out / "runs").write_text((out / "runs").read_text() + "x" if (out / "runs").exists() else "x")
(out / "synthetic.csv").write_text(job["text"])
facts = {"fit_seconds": 2.0, "sample_seconds": 0.5, "rows": 10}
facts |= {"peak_megabytes": 7.0, "versions": {}}
(out / "driver.json").write_text(json.dumps(facts))
"""
SLEEPS = """
import pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1]).parent
late = f"import time, pathlib; time.sleep(3); pathlib.Path({str(folder / 'late')!r}).touch()"
subprocess.Popen([sys.executable, "-c", late])
time.sleep(30)
"""
FAILS = "print('some noise'); raise ValueError('12 categories found, 9 declared')"


def _driver(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "driver.py"
    path.write_text(text)
    return [sys.executable, str(path)]


def test_a_finished_cell_is_not_run_again(tmp_path: Path) -> None:
    command = _driver(tmp_path, WRITES)
    first, again = (
        run_cell(CELL, tmp_path, command, {"text": "a\n1\n"}, Limits()) for _ in range(2)
    )
    folder = CELL.folder(tmp_path)
    assert first == again == result_of(folder)
    assert (folder / "runs").read_text() == "x"
    assert (folder / SYNTHETIC).read_text() == "a\n1\n"
    assert (first["status"], first["method"], first["epsilon"], first["rows"]) == (
        "ok",
        "dpmm-mst",
        3.0,
        10,
    )


def test_a_cell_that_was_interrupted_is_run_again(tmp_path: Path) -> None:
    folder = CELL.folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / FACTS).write_text("{")
    assert result_of(folder) is None
    assert (
        run_cell(CELL, tmp_path, _driver(tmp_path, WRITES), {"text": "a\n"}, Limits())["status"]
        == "ok"
    )


def test_a_runner_with_a_limit_of_its_own_gives_no_more(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from tests.benchmarks.cells import _limit_memory;"
        " resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30)); _limit_memory(16.0);"
        " print(resource.getrlimit(resource.RLIMIT_AS)[0] // 2**30)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "3\n"


@pytest.mark.slow
def test_a_slow_cell_is_ended_with_everything_it_started_and_is_a_result(tmp_path: Path) -> None:
    started = time.monotonic()
    command = _driver(tmp_path, SLEEPS)
    result = run_cell(CELL, tmp_path, command, {}, SHORT)
    assert time.monotonic() - started < 10
    assert result["status"] == "no result in 0.02 minutes (0 of processor)"
    assert run_cell(CELL, tmp_path, command, {}, SHORT) == result
    time.sleep(max(0.0, 4 - (time.monotonic() - started)))
    assert not (CELL.folder(tmp_path) / "late").exists()


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ("no result in 60 minutes", 3_600.0),
        ("no result in 60 minutes (38 of processor)", 2_280.0),
        ("no result in 0.5 minutes (0.4 of processor); so told by ε 3", 24.0),
        ("ok", 0.0),
        ("failed: no result in 60 minutes", 0.0),
    ],
)
def test_what_a_cell_without_a_result_was_given_is_by_the_processor_where_that_was_read(
    status: str, seconds: float
) -> None:
    assert given_seconds(status) == pytest.approx(seconds)


def test_a_training_that_a_larger_epsilon_only_prolongs_is_not_run_again_at_one(
    tmp_path: Path,
) -> None:
    chosen = Selection(
        tables=["adult"],
        methods=["smartnoise-dpctgan", "dpmm-aim"],
        epsilons=[1.0, 3.0, 10.0],
        seeds=1,
    )
    cells = {(cell.method, cell.epsilon): cell for cell in chosen.cells()}
    for (_, epsilon), cell in cells.items():
        if epsilon == 3.0:
            run_cell(cell, tmp_path, _driver(tmp_path, SLEEPS), {}, SHORT)
    three, ten = cells["smartnoise-dpctgan", 3.0], cells["smartnoise-dpctgan", 10.0]
    assert ended_before(ten, chosen, tmp_path, SHORT) == three
    assert ended_before(ten, chosen, tmp_path, Limits(minutes=1.0)) is None
    assert ended_before(cells["smartnoise-dpctgan", 1.0], chosen, tmp_path, SHORT) is None
    assert ended_before(cells["dpmm-aim", 10.0], chosen, tmp_path, SHORT) is None
    result = conclude(ten, tmp_path, three)
    assert (result["epsilon"], result["status"]) == (
        10.0,
        "no result in 0.02 minutes (0 of processor); so told by ε 3",
    )
    assert result == result_of(ten.folder(tmp_path))


def test_a_failure_is_a_result_with_its_last_line(tmp_path: Path) -> None:
    result = run_cell(CELL, tmp_path, _driver(tmp_path, FAILS), {}, Limits())
    assert result["status"] == "failed: ValueError: 12 categories found, 9 declared"
    assert "some noise" in (CELL.folder(tmp_path) / LOG).read_text()
    assert json.loads((CELL.folder(tmp_path) / RESULT).read_text()) == result


def test_a_cell_cannot_take_more_memory_than_it_is_given(tmp_path: Path) -> None:
    result = run_cell(
        CELL, tmp_path, _driver(tmp_path, "x = bytearray(2 * 2**30)"), {}, Limits(gigabytes=1.0)
    )
    assert result["status"] == "failed: MemoryError"


def test_peers_have_one_seed_and_methods_without_privacy_no_epsilon() -> None:
    chosen = Selection(
        tables=["adult"], methods=["privgan", "dpmm-aim", "ctgan"], epsilons=[1.0, 3.0], seeds=2
    )
    cells = [(cell.method, cell.epsilon, cell.seed) for cell in chosen.cells()]
    assert cells == [
        ("privgan", 1.0, 0),
        ("privgan", 1.0, 1),
        ("privgan", 3.0, 0),
        ("privgan", 3.0, 1),
        ("dpmm-aim", 1.0, 0),
        ("dpmm-aim", 3.0, 0),
        ("ctgan", None, 0),
    ]


def test_an_unknown_method_is_told_with_the_allowed_ones() -> None:
    chosen = Selection(tables=["adult"], methods=["magic"], epsilons=[1.0], seeds=1)
    with pytest.raises(UsageError, match="method is 'magic'; allowed: privgan"):
        list(chosen.cells())
