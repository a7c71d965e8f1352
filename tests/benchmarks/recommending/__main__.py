"""Measure what is recommended, and write the page.

``python -m tests.benchmarks.recommending --data DATA --work WORK``.
"""

from __future__ import annotations

from pathlib import Path

import click

from tests.benchmarks.recommending.page import write_markdown
from tests.benchmarks.recommending.shops import CDNOW, SHOP, tables
from tests.benchmarks.recommending.study import Measured, measured

FOLDER = click.Path(file_okay=False, path_type=Path)
_REPORTS = Path(__file__).parents[3] / "reports" / "uses"


@click.command()
@click.option("--data", type=FOLDER, required=True, help="The folder of the published tables.")
@click.option("--work", type=FOLDER, required=True, help="Where results are kept.")
@click.option("--customers", default=20_000, show_default=True, help="Customers of the simulator.")
@click.option("--seeds", default=3, show_default=True, help="Fits of each table.")
@click.option("--effort", default="quick", show_default=True, help="Effort of each fit.")
@click.option("--out", type=FOLDER, default=_REPORTS, help="Where the page goes.")
def main(data: Path, work: Path, customers: int, seeds: int, effort: str, out: Path) -> None:
    """Hold recommendations against popularity and real rows; finished fits are not run again."""
    made = tables(data.absolute(), customers)
    found: list[Measured] = []
    for name in (SHOP, CDNOW):
        found += measured(name, made[name], seeds, effort, work, click.echo)
    out.mkdir(parents=True, exist_ok=True)
    write_markdown(out / "recommendation.md", found, effort)
    click.echo(f"{out / 'recommendation.md'}")


if __name__ == "__main__":
    main()
