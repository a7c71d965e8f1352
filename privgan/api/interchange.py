"""Schemas in the forms of other tools: read one, or write one."""

from __future__ import annotations

import os
from pathlib import Path

from privgan.api.inputs import PathLike, chosen, dataset_of, path_of, tell, whole
from privgan.api.schema import Schema
from privgan.interchange.drafting import UnitChoice
from privgan.interchange.exporting import FORMS, export
from privgan.interchange.importing import KINDS
from privgan.interchange.importing import import_schema as import_stated
from privgan.pipeline.folders import release_folder


def import_schema(
    source: PathLike,
    *,
    from_: str | None = None,
    table: str | None = None,
    dataset: str | None = None,
    unit: str | None = None,
    max_rows_per_unit: int | None = None,
) -> Schema:
    """The schema that another tool's schema states; no row is read. A warning tells each guess.

    Args:
        source: A file, or a database's URL.
        from_: ``sdv``, ``pandera``, ``json-schema``, ``sql``, ``parquet`` or ``dbt``; recognised
            where it is not given.
        table: Which table, where there are several.
        dataset: The data set's name in the ledger.
        unit: The column that names the person to protect.
        max_rows_per_unit: The most rows of one person.

    Returns:
        The schema. Guesses are marked ``confirm``; what is not stated is left to be measured.

    Raises:
        DocumentError: when the other schema is wrong.
        UsageError: when its kind is not recognised, or a table or a unit has to be named.

    >>> import_schema("row.schema.json", dataset="shop").names[:2]
    ('customer_id', 'age')
    """
    path_of("source", source, "a path or a URL")
    most = max_rows_per_unit
    rows = None if most is None else whole("max_rows_per_unit", most, least=1, most=1000)
    found = import_stated(
        os.fspath(source),
        kind=None if from_ is None else chosen("from_", from_, KINDS),
        table=table,
        dataset=None if dataset is None else dataset_of(dataset),
        unit=UnitChoice(column=unit, max_rows=rows),
    )
    for note in found.notes:
        tell(note)
    return Schema.of(found.schema)


def export_schema(source: PathLike, to: str, *, license: str | None = None) -> str:
    """A schema's file or a release in another tool's form, as text. A warning tells what it lacks.

    Args:
        source: A schema's file, or a release's folder or zip file; a release is verified first.
        to: ``sdv``, ``pandera``, ``json-schema``, ``croissant`` or ``openlineage``.
        license: The licence that a Croissant document states.

    Raises:
        VerificationError: when the release is not intact.
        UsageError: when the form needs a release, or facts of the schema are not confirmed yet.

    >>> '"segment"' in export_schema("schema.yaml", "json-schema")
    True
    """
    made = export(release_folder(Path(source)), chosen("to", to, FORMS), license)
    for note in made.notes:
        tell(note)
    return made.text
