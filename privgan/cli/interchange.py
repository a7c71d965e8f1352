"""Define the commands 'schema import' and 'schema export'.

They convert schemas from and to the forms of other tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.options import PATH, SOURCE, read_aloud, text_options
from privgan.files.documents import shown

if TYPE_CHECKING:
    from privgan.interchange.drafting import Imported
    from privgan.sources import SourceOptions

_KINDS = ("sdv", "pandera", "json-schema", "sql", "parquet", "dbt")
_FORMS = ("sdv", "pandera", "json-schema", "croissant", "openlineage")
_COMMENT = (
    "Imported from {source}. Facts marked 'confirm' are guesses, or may come from rows: check each"
    " against what is publicly known,\nthen replace 'confirm' by 'declared'. Facts marked"
    " 'measured' are measured with noise when a model is fitted."
)


@click.command("import")
@click.argument("source", metavar="FILE")
@click.argument("table", type=SOURCE, required=False)
@click.option("--out", type=PATH, required=True, help="The schema file to write.")
@click.option(
    "--from",
    "kind",
    type=click.Choice(_KINDS),
    help="What FILE is [default: recognised by its content].",
)
@click.option(
    "--table", "table_name", help="Which table, where FILE or the database holds several."
)
@click.option(
    "--dataset",
    help="The data set's name in the ledger [default: from the table's or file's name].",
)
@click.option(
    "--unit", "unit_column", metavar="COLUMN", help="The column that names the person to protect."
)
@click.option(
    "--max-rows-per-unit", type=click.IntRange(1, 1000), help="The most rows of one person."
)
@text_options
def schema_import(
    source: str,
    table: Path | str | None,
    out: Path,
    kind: str | None,
    table_name: str | None,
    dataset: str | None,
    unit_column: str | None,
    max_rows_per_unit: int | None,
    **source_text: Any,
) -> None:
    """Make a schema from one that you have.

    SDV metadata, pandera, JSON Schema, dbt, or a Parquet or SQL table's own.

    FILE is a file, or a database's URL such as postgresql://user@host/name. No row is read, and
    what FILE does not state is left to be measured. With TABLE, the columns are put in the order of
    the table's header, and are held against it.

    \b
    Example:
      privgan schema import metadata.json --out schema.yaml
      privgan schema import models/schema.yml --table customers --out schema.yaml
      privgan schema import postgresql://me@db/shop --table customers --out schema.yaml
    """
    from privgan.errors import UsageError
    from privgan.interchange.drafting import UnitChoice
    from privgan.interchange.importing import import_schema
    from privgan.sources import SourceOptions
    from privgan.table.schema_file import dump_schema

    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    choice = UnitChoice(column=unit_column, max_rows=max_rows_per_unit)
    found = import_schema(source, kind=kind, table=table_name, dataset=dataset, unit=choice)
    if table is not None:
        found = _ordered(found, table, SourceOptions(**source_text))
    out.write_text(
        dump_schema(found.schema, comment=_COMMENT.format(source=_file(source))), encoding="utf-8"
    )
    click.echo(f"{out}: {len(found.schema.columns)} columns imported")
    for note in found.notes:
        click.echo(f"note: {note}")


def _ordered(found: Imported, table: Path | str, options: SourceOptions) -> Imported:
    from privgan.interchange.tables import ordered
    from privgan.sources import source_name

    names = list(read_aloud(table, options).column_names())
    return ordered(found, names, source_name(table))


def _file(source: str) -> str:
    """A shareable name for the schema's first line: no password, no path, no user."""
    return shown("a database" if "://" in source else Path(source).name)


@click.command("export")
@click.argument("source", type=PATH)
@click.option("--to", "form", type=click.Choice(_FORMS), required=True, help="The form to write.")
@click.option("--out", type=PATH, help="The file to write [default: print it].")
@click.option(
    "--license",
    "license_name",
    help="The licence that a Croissant document states: a URL or an SPDX name.",
)
def schema_export(source: Path, form: str, out: Path | None, license_name: str | None) -> None:
    """Write a schema or a release in another tool's form.

    SOURCE is a schema's file, or a release's folder or zip file.

    A release is verified first, and only its public fields are used. croissant and openlineage
    describe a release.

    \b
    Example:
      privgan schema export schema.yaml --to json-schema --out row.schema.json
      privgan schema export out/release --to croissant --license CC-BY-4.0 --out croissant.json
    """
    from privgan.errors import UsageError
    from privgan.interchange.exporting import export
    from privgan.pipeline.folders import release_folder

    if out is not None and out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    made = export(release_folder(source), form, license_name)
    if out is None:
        click.echo(made.text, nl=False)
    else:
        out.write_text(made.text, encoding="utf-8")
        click.echo(f"{out}: {form} written")
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
