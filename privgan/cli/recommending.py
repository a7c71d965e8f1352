"""Define the command that ranks a column's values for profiles and histories."""

from __future__ import annotations

from pathlib import Path

import click

from privgan.cli.options import PATH, SEED, json_option, print_json
from privgan.cli.sampling import loaded_model

_FORMS = (".csv", ".json")


@click.command()
@click.argument("model", type=PATH)
@click.option(
    "--profile",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Profiles, a row each; of histories past events of customers. INTERNAL if they are real.",
)
@click.option("--column", required=True, help="The column whose values are ranked.")
@click.option("--top", type=int, default=10, show_default=True, help="Values for each.")
@click.option("--new", is_flag=True, help="Of histories: leave out what past events hold.")
@click.option(
    "--missing-marker",
    metavar="TEXT",
    help="A cell with this text is known to be missing; an empty one is unknown.",
)
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Public randomness, of a network alone."
)
@click.option("--out", type=PATH, help="Write a .csv or .json file; its name begins 'internal-'.")
@json_option
def recommend(
    model: Path,
    profile: Path,
    column: str,
    top: int,
    new: bool,
    missing_marker: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Rank a column's values for each profile by the released model alone. It costs nothing.

    MODEL is the folder of a release or of a fit. A release is verified first. A profile is a row of
    known columns; empty cells and columns that lack are unknown. Where the schema has a history,
    --profile holds past events of customers as the table does, and the values of each one's next
    event are ranked, given the last event and what is constant within the customer.

    The order is by the model's probability, all values ranked. Of a mixture it is exact. Of a
    network it is exact where all other columns are given; else they are drawn, and a note says so.
    Combinations that the schema allows are held.

    Profiles of real customers bring these people in, whatever the guarantee of the model: the name
    of --out must begin with 'internal-'.

    \b
    Example:
      privgan recommend out/release --profile profiles.csv --column preferred_category --top 5
      privgan recommend out/release --profile past.csv --column product_id --out internal-top.csv
    """
    from privgan.errors import UsageError
    from privgan.files.atomic import owner_only
    from privgan.generator.recommendations import RECOMMENDED_WARNING
    from privgan.pipeline.recommending import recommend as ranked

    if out is not None:
        _check_out(out)
    if not profile.exists():
        raise UsageError(f"{profile}: is not there; give --profile a file")
    synthesizer = loaded_model(model)
    found = ranked(synthesizer, profile, column, top, new=new, marker=missing_marker, seed=seed)
    if out is not None:
        with owner_only():
            text = found.csv_text if out.suffix.lower() == ".csv" else found.json_text
            out.write_text(text, encoding="utf-8")
        click.echo(f"{out}: {len(found.names)} ranked. INTERNAL")
    elif as_json:
        print_json(found.to_json())
    else:
        click.echo(found.csv_text, nl=False)
    click.echo(f"warning: {RECOMMENDED_WARNING}", err=True)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


def _check_out(out: Path) -> None:
    from privgan.errors import UsageError

    if out.suffix.lower() not in _FORMS:
        raise UsageError(f"{out}: its name must end with one of {', '.join(_FORMS)}")
    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    if not out.name.startswith("internal-"):
        raise UsageError(
            f"{out}: tells of those in --profile, so it is INTERNAL; name --out"
            f" {out.with_name(f'internal-{out.name}')}"
        )
