"""Command line of the benchmark.

``python -m tests.benchmarks run | score | report | gate | speed | choices | copies | uses |
rare | audit-cost``.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pandas as pd

from tests.benchmarks import copy_leak
from tests.benchmarks.audit_cost import measure
from tests.benchmarks.audit_cost import write_markdown as write_audit_cost
from tests.benchmarks.cells import Limits
from tests.benchmarks.choices import write_markdown as write_choices
from tests.benchmarks.collect import Line, Scored, lines_of, score_all
from tests.benchmarks.earlier import read_lines, with_earlier
from tests.benchmarks.gate.report import groups_of
from tests.benchmarks.gate.report import write_csv as write_gate_csv
from tests.benchmarks.gate.report import write_markdown as write_gate
from tests.benchmarks.gate.study import Asked, Place, finished, run_gate
from tests.benchmarks.gate.tables import TABLES as DRAWN
from tests.benchmarks.methods import CHOICES, COMPARED, IN_GATE, OWN
from tests.benchmarks.picture import draw
from tests.benchmarks.rare.report import write_markdown as write_rare
from tests.benchmarks.rare.study import Study as RareStudy
from tests.benchmarks.report import write_csv, write_markdown
from tests.benchmarks.running import Selection
from tests.benchmarks.running import run as run_cells
from tests.benchmarks.speed import report as cost
from tests.benchmarks.speed.points import POINTS, critic_step, fitted, run_points
from tests.benchmarks.tables import SIMULATED, SOURCES, prepare
from tests.benchmarks.targets import counted, judge_all
from tests.benchmarks.uses.report import write_markdown as write_uses
from tests.benchmarks.uses.study import PEERS as USED_PEERS
from tests.benchmarks.uses.study import TASKS as USED
from tests.benchmarks.uses.study import Study

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TOLD = ("tvd1", "tvd2", "tvd3", "tstr", "c2st")
REPORTS = Path(__file__).parents[2] / "reports" / "benchmarks"
USES_REPORTS = REPORTS.parent / "uses"


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name cells, shared by all commands."""
    options = (
        click.option(
            "--data", type=FOLDER, required=True, help="The folder of the published tables."
        ),
        click.option(
            "--work",
            type=FOLDER,
            required=True,
            help="Where environments, cells and results are kept.",
        ),
        click.option("--tables", default=",".join(SOURCES), show_default=True),
        click.option("--methods", default=",".join(COMPARED), show_default=True),
        click.option("--epsilons", default="1,3,10", show_default=True),
        click.option(
            "--seeds", default=3, show_default=True, help="Seeds of privgan; a peer has one."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _selection(tables: str, methods: str, epsilons: str, seeds: int) -> Selection:
    return Selection(
        tables=tables.split(","),
        methods=methods.split(","),
        epsilons=[float(part) for part in epsilons.split(",")],
        seeds=seeds,
    )


@click.group()
def main() -> None:
    """Compare privgan with its peers on real tables."""
    # A driver is in a session of its own: a runner that is told to stop must live to end it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


@main.command()
@_selecting
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one cell.")
@click.option(
    "--gigabytes", default=16.0, show_default=True, help="Most address space of one cell."
)
@click.option(
    "--python",
    default=sys.executable,
    help="Makes the environments; dpmm needs Python 3.10 or 3.11.",
)
def run(
    data: Path, work: Path, minutes: float, gigabytes: float, python: str, **chosen: Any
) -> None:
    """Fit every method on every table; finished cells are not run again."""
    limits = Limits(minutes=minutes, gigabytes=gigabytes)
    run_cells(
        _selection(**chosen),
        data.absolute(),
        work.absolute(),
        limits,
        python=python,
        say=click.echo,
    )


@main.command()
@_selecting
@click.option("--scorer", type=FILE, help="An external scorer, to check privgan's own figures.")
def score(data: Path, work: Path, scorer: Path | None, **chosen: Any) -> None:
    """Score every finished cell, once."""
    found, _ = _scored(data, work, scorer, chosen)
    for cell in found:
        figures = " ".join(
            f"{name} {cell.figures[name]:.4f}" for name in _TOLD if name in cell.figures
        )
        click.echo(f"{cell.cell}: {figures or cell.result['status']}")
        for doubt in cell.doubts:
            click.echo(f"  THE SCORERS DISAGREE: {doubt}")


@main.command()
@_selecting
@click.option("--scorer", type=FILE, help="An external scorer, to check privgan's own figures.")
@click.option(
    "--earlier",
    type=FILE,
    help="A peers.csv of an earlier run: its lines stand for cells that WORK does not have.",
)
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where the table and the picture go [default: reports/benchmarks].",
)
def report(
    data: Path, work: Path, scorer: Path | None, earlier: Path | None, out: Path, **chosen: Any
) -> None:
    """Write one table and one picture of all finished cells."""
    before = read_lines(earlier) if earlier else []
    found, rows = _scored(data, work, scorer, chosen)
    lines: list[Line] = with_earlier(lines_of(found, rows), before, _selection(**chosen))
    judgements = judge_all(lines, OWN)
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "peers.csv", lines)
    write_markdown(out / "peers.md", lines, judgements)
    draw(out / "peers.png", lines)
    click.echo(f"{len(lines)} lines in {out}; targets: {counted(judgements)}")


@main.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option(
    "--work", type=FOLDER, required=True, help="Where environments, cells and results are kept."
)
@click.option("--tables", default=",".join(DRAWN), show_default=True, help="Also wideN.")
@click.option("--rows", default="100000,300000,1000000", show_default=True)
@click.option("--methods", default=",".join(IN_GATE), show_default=True)
@click.option("--epsilons", default="1,3", show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one cell.")
@click.option(
    "--gigabytes", default=16.0, show_default=True, help="Most address space of one cell."
)
@click.option("--python", default=sys.executable, help="Makes the environments of peers.")
@click.option("--report-only", is_flag=True, help="Run nothing: report the finished cells.")
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where the tables go [default: reports/benchmarks].",
)
def gate(
    data: Path,
    work: Path,
    minutes: float,
    gigabytes: float,
    python: str,
    report_only: bool,
    out: Path,
    **chosen: Any,
) -> None:
    """Find where DP-SGD pays, on large drawn tables; finished cells are not run again."""
    asked, limits = _asked(**chosen), Limits(minutes=minutes, gigabytes=gigabytes)
    place = Place(data=data.absolute(), work=work.absolute(), python=python)
    found = finished(asked, place) if report_only else run_gate(asked, place, limits, click.echo)
    groups = groups_of(list(found))
    out.mkdir(parents=True, exist_ok=True)
    write_gate_csv(out / "gate.csv", groups)
    write_gate(out / "gate.md", groups)
    click.echo(f"{len(groups)} lines in {out}")


def _asked(tables: str, rows: str, methods: str, epsilons: str, seeds: int) -> Asked:
    return Asked(
        tables=tables.split(","),
        rows=[int(part) for part in rows.split(",")],
        methods=methods.split(","),
        epsilons=[float(part) for part in epsilons.split(",")],
        seeds=seeds,
    )


@main.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option(
    "--work", type=FOLDER, required=True, help="Where environments, cells and results are kept."
)
@click.option(
    "--tables",
    default=",".join(SIMULATED),
    show_default=True,
    help="The demo's customers, or published tables.",
)
@click.option("--epsilons", default="1,3", show_default=True)
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one cell.")
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where the table goes [default: reports/benchmarks].",
)
def choices(data: Path, work: Path, tables: str, epsilons: str, minutes: float, out: Path) -> None:
    """Compare the planner's choices with others, on tables that they were not tuned on.

    Finished cells are not run again.
    """
    selection = _selection(tables, ",".join((OWN, *CHOICES)), epsilons, 1)
    run_cells(
        selection,
        data.absolute(),
        work.absolute(),
        Limits(minutes=minutes),
        python=sys.executable,
        say=click.echo,
    )
    prepared = {name: prepare(name, data.absolute(), work.absolute()) for name in selection.tables}
    found = score_all(selection.cells(), prepared, work.absolute(), None)
    out.mkdir(parents=True, exist_ok=True)
    write_choices(
        out / "planner.md", lines_of(found, {name: table.rows for name, table in prepared.items()})
    )


@main.command()
@click.option("--work", type=FOLDER, required=True, help="Where results are kept.")
@click.option("--points", default=",".join(POINTS), show_default=True)
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one fit.")
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where table and picture go [default: reports/benchmarks].",
)
def speed(work: Path, points: str, minutes: float, out: Path) -> None:
    """Measure what privgan costs; points that were measured are not measured again."""
    work = work.absolute()
    run_points(points.split(","), work, Limits(minutes=minutes), click.echo)
    out.mkdir(parents=True, exist_ok=True)
    found = fitted(work)
    cost.write_csv(out / "scaling.csv", found)
    cost.write_markdown(out / "scaling.md", found, critic_step(work, measure=False))
    cost.draw(out / "scaling.png", found)


@main.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option("--work", type=FOLDER, required=True, help="Where the prepared table is kept.")
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where the table goes [default: reports/benchmarks].",
)
def copies(data: Path, work: Path, out: Path) -> None:
    """Put copied rows into tables of Adult's size and see who notices."""
    prepared = prepare("adult", data.absolute(), work.absolute())
    out.mkdir(parents=True, exist_ok=True)
    copy_leak.run(
        pd.concat(prepared.frames(), ignore_index=True),
        prepared.schema,
        out / "copies.md",
        click.echo,
    )


@main.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option("--work", type=FOLDER, required=True, help="Where cells and results are kept.")
@click.option("--tables", default=",".join(USED), show_default=True)
@click.option("--epsilons", default="1,3,10", show_default=True)
@click.option("--peers", default=",".join(USED_PEERS), show_default=True, help="At ε = 3 alone.")
@click.option("--seeds", default=3, show_default=True, help="Fits of each table.")
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one fit.")
@click.option(
    "--python",
    default=sys.executable,
    help="Makes the environments; dpmm needs Python 3.10 or 3.11.",
)
@click.option(
    "--out",
    type=FOLDER,
    default=USES_REPORTS,
    help="Where the page goes [default: reports/uses].",
)
@click.option("--report-only", is_flag=True, help="Fit nothing: report the finished cells.")
def uses(
    data: Path,
    work: Path,
    tables: str,
    epsilons: str,
    peers: str,
    seeds: int,
    minutes: float,
    python: str,
    out: Path,
    report_only: bool,
) -> None:
    """Measure how far tables made for tasks serve them; finished cells are not run again."""
    study = Study(
        seeds=seeds,
        epsilons=[float(part) for part in epsilons.split(",")],
        peers=[part for part in peers.split(",") if part],
        python=python,
        data=data.absolute(),
        work=work.absolute(),
        limits=None if report_only else Limits(minutes=minutes),
        say=click.echo,
    )
    found = study.measured(tables.split(","))
    out.mkdir(parents=True, exist_ok=True)
    write_uses(out / "tasks.md", found)
    click.echo(f"{out / 'tasks.md'}")


@main.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option("--work", type=FOLDER, required=True, help="Where cells and results are kept.")
@click.option("--seeds", default=3, show_default=True, help="Fits of the rare outcome.")
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one fit.")
@click.option(
    "--out",
    type=FOLDER,
    default=USES_REPORTS,
    help="Where the page goes [default: reports/uses].",
)
@click.option("--report-only", is_flag=True, help="Fit nothing: report the finished cells.")
def rare(data: Path, work: Path, seeds: int, minutes: float, out: Path, report_only: bool) -> None:
    """Measure what becomes of a rare outcome; finished cells are not run again."""
    study = RareStudy(
        seeds=seeds,
        data=data.absolute(),
        work=work.absolute(),
        limits=None if report_only else Limits(minutes=minutes),
        say=click.echo,
    )
    found = study.measured()
    out.mkdir(parents=True, exist_ok=True)
    write_rare(out / "rare.md", found, study.expected())
    click.echo(f"{out / 'rare.md'}")


@main.command("audit-cost")
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option("--work", type=FOLDER, required=True, help="Where environments and results are kept.")
@click.option("--minutes", default=20.0, show_default=True, help="Most minutes of one tool.")
@click.option("--python", default=sys.executable, help="Makes the environment of anonymeter.")
@click.option(
    "--out",
    type=FOLDER,
    default=REPORTS,
    help="Where the table goes [default: reports/benchmarks].",
)
def audit_cost(data: Path, work: Path, minutes: float, python: str, out: Path) -> None:
    """Measure what an audit of Adult costs, beside other tools.

    Finished measurements are not repeated.
    """
    limits = Limits(minutes=minutes)
    results = measure(data.absolute(), work.absolute(), limits, python=python, say=click.echo)
    out.mkdir(parents=True, exist_ok=True)
    write_audit_cost(out / "audit.md", results)
    click.echo(f"{out / 'audit.md'}")


def _scored(
    data: Path, work: Path, scorer: Path | None, chosen: dict[str, Any]
) -> tuple[list[Scored], dict[str, int]]:
    selection = _selection(**chosen)
    tables = {name: prepare(name, data.absolute(), work.absolute()) for name in selection.tables}
    found = score_all(selection.cells(), tables, work.absolute(), scorer)
    return found, {name: table.published for name, table in tables.items()}


if __name__ == "__main__":
    main()
