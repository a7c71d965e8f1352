"""Define the command that answers questions about a release or a fit."""

from __future__ import annotations

import os
from pathlib import Path

import click

from privgan.cli.bundles import check_intact
from privgan.cli.options import PATH, json_option, print_json

_FORMS = (".json", ".csv", ".svg")


@click.command()
@click.argument("model", type=PATH)
@click.argument("question")
@click.option(
    "--target",
    type=click.Choice(["table", "population"]),
    default="table",
    show_default=True,
    help="What intervals hold: the real table's figure, or that of whom it is a sample of.",
)
@click.option("--out", type=PATH, help="Write the answer to a .json, .csv or .svg file.")
@json_option
def ask(model: Path, question: str, target: str, out: Path | None, as_json: bool) -> None:
    """Answer a question about the real table with 95 % intervals. It costs nothing.

    MODEL is the folder of a release or of a fit. A release is verified first. QUESTION is a count,
    share, sum, mean, median or quantile, or the difference of two, with 'where' and 'by':

    \b
      count(age >= 60 and job = retired)
      share(y = yes) by job
      mean(age where y = yes) - mean(age where y = no)
      quantile(balance, 0.9) where housing = yes by marital

    Answers come from the noisy marginals in marginals/, whose noise is known. What was not measured
    is the model's: the answer says so. Releases without marginals/ are answered by the model alone,
    without an interval. With --target table an interval covers the noise, and who was left out for
    the audit; with --target population the sampling of the table as well.

    \b
    Example:
      privgan ask out/release "share(converted = yes) by membership_tier"
      privgan ask out/release "mean(age) by region" --target population --out age.svg
    """
    from privgan.answers.asking import ask as asked
    from privgan.answers.chart import chart
    from privgan.answers.question import Target
    from privgan.errors import UsageError
    from privgan.pipeline.folders import model_folder
    from privgan.release.manifest import MANIFEST_NAME
    from privgan.synthesizer import load_synthesizer

    if out is not None and out.suffix.lower() not in _FORMS:
        raise UsageError(f"{out}: its name must end with one of {', '.join(_FORMS)}")
    if out is not None and out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    source = model_folder(model)
    folder = source.resolve().parent
    if os.path.lexists(folder / MANIFEST_NAME):
        check_intact(folder)
    found = asked(load_synthesizer(source), folder, question, Target(target))
    if out is not None:
        forms = {".json": found.json_text, ".csv": found.csv_text, ".svg": lambda: chart(found)}
        out.write_text(forms[out.suffix.lower()](), encoding="utf-8")
        click.echo(f"{out}: {len(found.figures)} figures")
    elif as_json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            click.echo(line)
