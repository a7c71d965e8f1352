"""The report: medians, ratios to the best private peer, targets, and every line shown."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from privgan.errors import UsageError
from tests.benchmarks.cells import Cell
from tests.benchmarks.collect import Line, Scored, best_peer, lines_of, same_cell
from tests.benchmarks.earlier import read_lines, with_earlier
from tests.benchmarks.methods import METHODS, OWN
from tests.benchmarks.picture import STYLES, draw
from tests.benchmarks.report import ratio, write_csv, write_markdown
from tests.benchmarks.running import Selection
from tests.benchmarks.targets import Judgement, judge, judge_all


def _line(
    method: str,
    epsilon: float | None = 10.0,
    *,
    status: str = "ok",
    seconds: float = 0.0,
    **figures: float,
) -> Line:
    seeds = 1 if figures else 0
    return Line(
        table="adult",
        rows=30_000,
        epsilon=epsilon,
        method=method,
        status=status,
        seeds=seeds,
        seconds=seconds,
        figures=figures,
    )


LINES = [
    _line(
        "privgan",
        tvd1=0.01,
        tvd2=0.03,
        tvd3=0.06,
        tstr=0.895,
        trtr=0.9,
        gap=0.005,
        c2st=0.7,
        fit_s=100.0,
        sample_rows_s=5e4,
    ),
    _line(
        "dpmm-mst",
        tvd1=0.01,
        tvd2=0.04,
        tvd3=0.1,
        tstr=0.8,
        trtr=0.9,
        gap=0.1,
        c2st=0.65,
        fit_s=200.0,
        sample_rows_s=6e4,
    ),
    _line(
        "dpmm-privbayes",
        tvd1=0.02,
        tvd2=0.05,
        tvd3=0.12,
        tstr=0.88,
        trtr=0.9,
        gap=0.02,
        c2st=0.8,
        fit_s=1.0,
        sample_rows_s=1e3,
    ),
    _line("dpmm-aim", status="no result in 60 minutes", seconds=3_600.0),
    _line("smartnoise-dpctgan", status="failed: KeyError: 'x'"),
    _line(
        "ctgan",
        None,
        tvd1=0.0,
        tvd2=0.0,
        tvd3=0.0,
        tstr=0.9,
        trtr=0.9,
        gap=0.0,
        c2st=0.5,
        fit_s=1.0,
        sample_rows_s=4e3,
    ),
]


def _judged(target: str, lines: list[Line] = LINES) -> Judgement:
    (found,) = [
        judgement for judgement in judge(lines[0], lines) if judgement.target.startswith(target)
    ]
    return found


def _scored(
    seed: int,
    seconds: float,
    status: str = "ok",
    *,
    processor: float | None = None,
    **figures: float,
) -> Scored:
    cell = Cell(table="bank", method="privgan", epsilon=3.0, seed=seed)
    result = {
        "status": status,
        "seconds": seconds,
        "fit_seconds": seconds,
        "sample_seconds": 0.5,
        "rows": 1_000,
        "peak_megabytes": 9,
    }
    if processor is not None:
        result |= {"fit_processor_seconds": processor, "sample_processor_seconds": 0.25}
    return Scored(
        cell=cell,
        result=result,
        figures=figures,
        doubts=("c2st 0.6 against 0.9",) if seed == 2 else (),
    )


def test_a_line_holds_the_medians_over_the_seeds() -> None:
    seeds = [
        _scored(0, 10.0, processor=7.0, tvd3=0.1),
        _scored(1, 30.0, tvd3=0.4),
        _scored(2, 20.0, tvd3=0.2),
        _scored(3, 90.0, "failed: no luck"),
    ]
    (line,) = lines_of(seeds, {"bank": 36_168})
    clock = {"fit_s": 20.0, "sample_rows_s": 2_000.0}
    assert dict(line.figures) == {"tvd3": 0.2, "peak_mb": 9} | clock | {
        "fit_cpu_s": 7.0,
        "sample_cpu_rows_s": 4_000.0,
    }
    assert (line.seeds, line.status, line.seconds, line.rows) == (
        3,
        "ok; failed: no luck",
        0.0,
        36_168,
    )
    assert line.doubts == ("c2st 0.6 against 0.9",)


def test_a_seed_without_a_result_tells_what_it_was_given() -> None:
    (line,) = lines_of(
        [_scored(0, 3_600.0, "no result in 60 minutes (41 of processor)")], {"bank": 36_168}
    )
    assert line.seconds == 41 * 60.0


def test_the_best_peer_is_private_and_not_privgan() -> None:
    peer = best_peer(LINES, LINES[0], "tvd3")
    assert peer is LINES[1]
    assert best_peer(LINES, LINES[0], "gap") is LINES[2]
    assert ratio(LINES[0], LINES, "tvd3") == pytest.approx(0.6)
    assert same_cell(LINES, LINES[0], "ctgan") is LINES[5]


def test_targets_are_met_missed_or_cannot_be_judged() -> None:
    assert _judged("tvd3 ≤ 0.7").verdict == "met"
    assert _judged("TSTR gap ≤ 0.5").verdict == "met"
    assert _judged("TSTR gap ≤ 0.01").verdict == "met"
    assert _judged("C2ST").verdict == "missed"
    assert _judged("rows sampled").verdict == "met"
    unknown = _judged("tvd3 ≤ 0.1 × DPCTGAN")
    assert (unknown.verdict, unknown.against) == (
        "cannot be judged",
        "smartnoise-dpctgan: failed: KeyError: 'x'",
    )


def test_a_peer_without_a_result_can_show_a_met_target_but_never_a_missed_one() -> None:
    assert (_judged("fit time").verdict, _judged("fit time").limit) == ("met", 360.0)
    slow = [_line("privgan", fit_s=500.0), *LINES[1:]]
    assert _judged("fit time", slow).verdict == "cannot be judged"


def test_times_are_judged_by_the_processor_where_both_sides_have_it() -> None:
    own, ctgan = (
        _line(name, fit_s=9.0, sample_rows_s=10.0, sample_cpu_rows_s=1_000.0)
        for name in ("privgan", "ctgan")
    )
    without = replace(ctgan, epsilon=None, figures={"sample_rows_s": 0.5})
    assert (
        _judged("rows sampled", [own, without]).value,
        _judged("rows sampled", [own, without]).limit,
    ) == (10.0, 5.0)
    timed = replace(without, figures={"sample_rows_s": 0.5, "sample_cpu_rows_s": 200.0})
    assert (
        _judged("rows sampled", [own, timed]).value,
        _judged("rows sampled", [own, timed]).limit,
    ) == (1_000.0, 2_000.0)


def test_small_tables_have_a_target_of_their_own() -> None:
    small = Line(
        table="adult",
        rows=9_864,
        epsilon=10.0,
        method="privgan",
        status="ok",
        seeds=1,
        figures={"tvd3": 0.089},
    )
    (found,) = [
        judgement for judgement in judge(small, LINES) if judgement.target.startswith("tvd3 ≤ 0.9")
    ]
    assert found.verdict == "met"


def test_the_tables_show_every_line_and_every_loss(tmp_path: Path) -> None:
    lines = [
        *LINES,
        Line(
            table="bank",
            rows=9,
            epsilon=1.0,
            method="privgan",
            status="ok",
            seeds=1,
            doubts=("tstr 1 against 2",),
        ),
    ]
    write_csv(tmp_path / "peers.csv", lines)
    write_markdown(tmp_path / "peers.md", lines, judge_all(lines, "privgan"))
    rows = list(csv.DictReader((tmp_path / "peers.csv").open(encoding="utf-8")))
    assert [row["method"] for row in rows] == [line.method for line in lines]
    assert rows[0]["tvd3_ratio"] == "0.600"
    assert rows[3]["status"] == "no result in 60 minutes"
    text = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert text.count("**missed**") == 1
    assert "THE TWO SCORERS DISAGREE" in text
    assert "no result in 60 minutes" in text


def test_privgan_and_every_peer_have_a_style_of_their_own_and_the_picture_is_drawn(
    tmp_path: Path,
) -> None:
    assert set(STYLES) == {
        name for name, method in METHODS.items() if name == OWN or not method.own
    }
    assert len(set(STYLES.values())) == len(STYLES)
    draw(tmp_path / "peers.png", [*LINES, _line("privgan", 1.0, tvd3=0.1, gap=0.01, c2st=0.7)])
    assert (tmp_path / "peers.png").stat().st_size > 10_000


def test_the_published_table_is_still_read(tmp_path: Path) -> None:
    published = Path(__file__).parents[2] / "reports" / "benchmarks" / "peers.csv"
    lines = read_lines(published)
    assert len(lines) > 30
    write_csv(tmp_path / "again.csv", [replace(lines[0], figures={"tvd4": 0.1, "loglik": -9.0})])
    (again,) = read_lines(tmp_path / "again.csv")
    assert dict(again.figures) == {"tvd4": 0.1, "loglik": -9.0}


def test_earlier_lines_stand_for_cells_that_were_not_run(tmp_path: Path) -> None:
    write_csv(tmp_path / "peers.csv", LINES)
    earlier = read_lines(tmp_path / "peers.csv")
    assert all(line.earlier for line in earlier)
    assert [(line.method, line.figures.get("tvd3"), line.status) for line in earlier] == [
        (line.method, line.figures.get("tvd3"), line.status) for line in LINES
    ]
    assert {line.method: line.seconds for line in earlier}["dpmm-aim"] == 3_600
    better = replace(LINES[0], figures={**LINES[0].figures, "tvd3": 0.05})
    selection = Selection(
        tables=["adult"],
        methods=["privgan", "dpmm-mst", "dpmm-aim", "ctgan"],
        epsilons=[10.0],
        seeds=1,
    )
    merged = with_earlier([better], earlier, selection)
    assert [(line.method, line.earlier) for line in merged] == [
        ("privgan", False),
        ("dpmm-mst", True),
        ("dpmm-aim", True),
        ("ctgan", True),
    ]
    assert merged[0].figures["tvd3"] == 0.05
    write_markdown(tmp_path / "peers.md", merged, judge_all(merged, OWN))
    text = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert "| dpmm-mst | ok, earlier |" in text
    assert "| privgan | ok |" in text
    write_csv(tmp_path / "again.csv", merged)
    assert {line.method: line.status for line in read_lines(tmp_path / "again.csv")}[
        "dpmm-aim"
    ] == "no result in 60 minutes"
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"other\.csv: is no peers\.csv"):
        read_lines(tmp_path / "other.csv")
