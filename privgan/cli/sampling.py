"""Define the command that samples rows from a candidate or a release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privgan.cli.bundles import check_intact
from privgan.cli.options import PATH, SEED

if TYPE_CHECKING:
    from privgan.synthesizer import Chunks, Synthesizer

FORMATS = ("csv", "parquet", "tsv", "feather", "jsonl", "xlsx", "sqlite", "duckdb")


@click.command()
@click.argument("model", type=PATH)
@click.option("--rows", type=int, help="Rows to make [default: the planned row count].")
@click.option(
    "--where",
    help='Conditions that every row meets, e.g. "segment = gold and (age >= 60 or age < 25)".',
)
@click.option(
    "--given",
    type=PATH,
    metavar="FILE",
    help="Profiles to complete, in their order: columns and cells left out are drawn. INTERNAL.",
)
@click.option(
    "--missing-marker",
    metavar="TEXT",
    help="With --given: a cell with this text is given as missing; an empty one is drawn.",
)
@click.option(
    "--quota",
    multiple=True,
    metavar="CONDITION:ROWS",
    help='So many rows that meet a condition, e.g. "job = retired:500". Repeatable.',
)
@click.option(
    "--shares",
    multiple=True,
    metavar="COLUMN:VALUE=SHARE",
    help='Wanted shares of a column\'s values, e.g. "y:yes=0.5". Repeatable, one a column.',
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Public randomness.")
@click.option(
    "--balanced",
    is_flag=True,
    help="Bring shares near to the model's, as in a candidate's table; takes longer.",
)
@click.option("--out", type=PATH, required=True, help="The file to write.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Its format [default: from the name of --out].",
)
def sample(
    model: Path,
    rows: int | None,
    where: str | None,
    given: Path | None,
    missing_marker: str | None,
    quota: tuple[str, ...],
    shares: tuple[str, ...],
    seed: int,
    balanced: bool,
    out: Path,
    form: str | None,
) -> None:
    """Sample rows from a candidate or a release (MODEL is its folder). It costs nothing.

    A release is verified first, as by 'privgan verify': of one that is not intact no row is drawn,
    and the code is 1.

    A condition compares columns with values (=, !=, <, <=, >, >=, in (…), not in (…), is missing,
    is not missing), joined by and, or, not and brackets. A missing value meets no comparison.

    Under conditions the rows follow the model's exact conditional distribution, and every row holds
    the schema's constraints; only at_most constraints are met by drawing a row again. Where the
    model gives the conditions next to no probability the command ends with code 3. Where it is a
    network and gives them too little, rows repeat; a note tells how many are effective.

    --quota makes so many rows of each kind, mixed in random order. --shares changes the shares of
    values and keeps all else as it is given these; what each row counts to undo it is written
    beside --out, as NAME-weights.csv.

    --given completes the profiles of a file: every given cell is kept, and the others are drawn
    from the model given these, so it also imputes missing cells. An imputed cell gets a value
    unless the constraints leave none. The model's probability of each profile is written beside
    --out, as NAME-probability.csv. Profiles of real customers bring these people into the file,
    whatever the guarantee of the model: the name of --out must begin with 'internal-'.

    Rows are drawn one by one unless --balanced is given: then rows exchange values until counts of
    three columns together are near to what the model expects, in chunks of 100,000 rows. That costs
    nothing of the budget either. Of a network nothing more is done.

    Of related tables --out is a new folder with one .csv or .parquet file a table; --rows counts
    customers, and --where is on their table.

    In a .csv or .tsv file an apostrophe stands before text that a spreadsheet would run as a
    formula ('=1+1); other files hold it as it is. A database file gets one table, "synthetic".

    \b
    Example:
      privgan sample out/release --rows 1000 --where "membership_tier = gold and age >= 60" --out
      gold.csv
      privgan sample out/release --quota "membership_tier = gold:500" --quota "age < 25:300" --out
      two.csv
      privgan sample out/release --given profiles.csv --out internal-completed.csv
    """
    from privgan.domain.predicates import parse_predicates
    from privgan.domain.quotas import quota_of, quota_texts
    from privgan.errors import UsageError
    from privgan.pipeline.writing_related import write_tables_to
    from privgan.release.table_files import CSV
    from privgan.table.output import format_of, write_rows

    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    synthesizer = loaded_model(model)
    if missing_marker is not None and given is None:
        raise UsageError("--missing-marker goes with --given")
    if given is not None:
        others = {"--rows": rows, "--where": where, "--quota": quota, "--shares": shares}
        _check_alone("--given", {**others, "--balanced": balanced or None})
        _complete(synthesizer, given, missing_marker, seed, out, form)
        return
    conditions = parse_predicates(where, synthesizer.schema) if where is not None else ()
    if synthesizer.schema.tables and not (quota or shares):
        sampler = synthesizer.related(seed, conditions, balanced=balanced)
        customers = synthesizer.rows if rows is None else rows
        of_each = write_tables_to(out, sampler, synthesizer.schema, customers, form or CSV)
        for name, count in of_each.items():
            click.echo(f"{out}: {count} rows of {name}")
        return
    form, beside = format_of(out, form), _beside(out, "weights") if shares else None
    chunks = synthesizer.chunks(
        rows,
        seed=seed,
        where=conditions,
        balanced=balanced,
        quotas=[quota_of(*quota_texts(text), synthesizer.schema) for text in quota],
        shares=_shares(shares) if shares else None,
    )
    written = write_rows(chunks, synthesizer.schema, out, form)
    click.echo(f"{out}: {written} rows")
    if beside is not None:
        _write_weights(chunks, beside)
    if chunks.note:
        click.echo(f"note: {chunks.note}", err=True)


def loaded_model(model: Path) -> Synthesizer:
    """The model of a candidate or of an intact release."""
    from privgan.pipeline.folders import model_folder
    from privgan.release.manifest import MANIFEST_NAME
    from privgan.synthesizer import load_synthesizer

    source = model_folder(model)
    release = source.resolve().parent
    if os.path.lexists(release / MANIFEST_NAME):
        check_intact(release)
    return load_synthesizer(source)


def _check_alone(option: str, others: dict[str, object]) -> None:
    from privgan.errors import UsageError

    if used := [name for name, value in others.items() if value not in (None, ())]:
        raise UsageError(f"{option} goes without {' and '.join(used)}: the file says which rows")


def _beside(out: Path, what: str) -> Path:
    """The file for what is told of each row, beside the rows."""
    from privgan.errors import UsageError

    found = out.with_name(f"{out.stem}-{what}.csv")
    if found.exists():
        raise UsageError(f"{found}: is there already; choose another --out")
    return found


def _shares(texts: tuple[str, ...]) -> dict[str, dict[str, float]]:
    from privgan.domain.quotas import shares_of_text
    from privgan.errors import UsageError

    found: dict[str, dict[str, float]] = {}
    for text in texts:
        column, shares = shares_of_text(text)
        if column in found:
            raise UsageError(
                f"--shares: {column} is given twice; write its values in one, by commas"
            )
        found[column] = shares
    return found


def _write_weights(chunks: Chunks, beside: Path) -> None:
    import pandas as pd

    pd.DataFrame({"weight": chunks.weights}).to_csv(beside, index=False)
    click.echo(f"{beside}: what each row counts, to undo --shares")


@contextmanager
def _whole_or_not(out: Path) -> Iterator[None]:
    """Leave no file that holds only some of the profiles."""
    try:
        yield
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _complete(
    synthesizer: Synthesizer,
    given: Path,
    marker: str | None,
    seed: int,
    out: Path,
    form: str | None,
) -> None:
    """Complete the profiles of a file, and write them with their probabilities. INTERNAL."""
    import pandas as pd

    from privgan.errors import UsageError
    from privgan.files.atomic import owner_only
    from privgan.generator.completion import GIVEN_WARNING, worth_note
    from privgan.table.output import format_of, write_rows
    from privgan.table.profiles import read_profiles

    form = format_of(out, form)
    if not out.name.startswith("internal-"):
        raise UsageError(
            f"{out}: holds the given values, so it is INTERNAL; name --out"
            f" {out.with_name(f'internal-{out.name}')}"
        )
    beside = _beside(out, "probability")
    profiles = read_profiles(given, synthesizer.schema, marker)
    told: list[pd.DataFrame] = []

    def rows_of() -> Iterator[pd.DataFrame]:
        for part in synthesizer.complete(profiles, seed=seed):
            told.append(pd.DataFrame({"probability": part.probability, "worth": part.worth}))
            yield part.rows

    with owner_only(), _whole_or_not(out):
        written = write_rows(rows_of(), synthesizer.schema, out, form)
        whole = pd.concat(told, ignore_index=True)
        whole[["probability"]].to_csv(beside, index=False)
    click.echo(f"{out}: {written} rows. INTERNAL: the given values stand in them as they are")
    click.echo(f"{beside}: the model's probability of each profile. INTERNAL")
    click.echo(f"warning: {GIVEN_WARNING}", err=True)
    if note := worth_note(whole["worth"].to_numpy()):
        click.echo(f"note: {note}", err=True)
