"""Measure where each second and each byte of a command goes.

``python -m tests.benchmarks.stages --work WORK --label before``.
"""

from __future__ import annotations

from pathlib import Path

import click

from tests.benchmarks.cells import Limits
from tests.benchmarks.stages.points import Place, Point, measure
from tests.benchmarks.stages.report import updated, write_markdown

FOLDER = click.Path(file_okay=False, path_type=Path)
REPORTS = Path(__file__).parents[3] / "reports" / "benchmarks"
POINTS = (
    "run-adult-csv",
    "run-1000000-csv",
    "run-1000000-parquet",
    "verify-1000000-csv",
    "sample-1000000-10000000",
)


@click.command()
@click.option("--work", type=FOLDER, required=True, help="Where tables and results are kept.")
@click.option("--data", type=FOLDER, help="The folder of the published tables, for Adult.")
@click.option("--label", required=True, help="Names the state of the package, such as 'before'.")
@click.option("--points", default=",".join(POINTS), show_default=True)
@click.option("--minutes", default=60.0, show_default=True, help="Most minutes of one command.")
@click.option("--gigabytes", default=16.0, show_default=True, help="Most address space of one.")
@click.option(
    "--out", type=FOLDER, default=REPORTS, help="Where the page goes [reports/benchmarks]."
)
def main(
    work: Path,
    data: Path | None,
    label: str,
    points: str,
    minutes: float,
    gigabytes: float,
    out: Path,
) -> None:
    """Tell seconds of the processor and peak memory of each stage of whole commands."""
    place = Place(
        data=data and data.absolute(),
        work=work.absolute(),
        label=label,
        limits=Limits(minutes=minutes, gigabytes=gigabytes),
    )
    found = measure([Point.named(name) for name in points.split(",")], place, click.echo)
    write_markdown(out / "stages.md", updated(out / "stages.json", label, found))
    click.echo(f"{out / 'stages.md'}")


if __name__ == "__main__":
    main()
