"""Export a schema or a verified release in other tools' forms, from public fields alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.interchange.croissant import write_croissant
from privgan.interchange.json_schema_export import write_json_schema
from privgan.interchange.openlineage import write_openlineage
from privgan.interchange.outcome import Exported, verified
from privgan.interchange.pandera import write_pandera
from privgan.interchange.sdv import write_sdv
from privgan.naming import parameter
from privgan.schema.columns import Source
from privgan.schema.schema import Schema, check_one_table
from privgan.table.schema_file import load_schema

CROISSANT, OPENLINEAGE = "croissant", "openlineage"
_OF_SCHEMA: dict[str, Callable[[Schema], Exported]] = {
    "sdv": write_sdv,
    "pandera": write_pandera,
    "json-schema": write_json_schema,
}
FORMS = (*_OF_SCHEMA, CROISSANT, OPENLINEAGE)
_SCHEMA_FILES = {".yaml", ".yml"}
_MOST_TOLD = 5


def export(source: Path, form: str, license_name: str | None = None) -> Exported:
    """Write a schema file or a release in another tool's form.

    Args:
        source: A schema's file, the folder of a release, or its zip file; a release is verified
            first.
        form: One of ``FORMS``; Croissant and OpenLineage describe a release.
        license_name: The licence that a Croissant document states.

    Raises:
        VerificationError: The release is not intact.
        UsageError: The form needs a release, or facts of the schema are not confirmed yet.
    """
    if license_name is not None and form != CROISSANT:
        raise UsageError(f"{parameter('license')} goes only with {parameter('to', CROISSANT)}")
    if source.suffix.lower() in _SCHEMA_FILES and not source.is_dir():
        if form not in _OF_SCHEMA:
            raise UsageError(
                f"{source}: is a schema, and {form} describes a release; give a release's folder or"
                " zip file"
            )
        loaded = load_schema(source)
        check_one_table(loaded, "an export")
        return _OF_SCHEMA[form](_confirmed(loaded, source))
    with verified(source) as release:
        check_one_table(release.schema, "an export")
        if form == CROISSANT:
            return write_croissant(release, license_name)
        return (
            write_openlineage(release) if form == OPENLINEAGE else _OF_SCHEMA[form](release.schema)
        )


def _confirmed(schema: Schema, source: Path) -> Schema:
    """Check that a person confirmed every fact that was drafted from rows."""
    waiting = schema.facts_from(Source.CONFIRM)
    if waiting:
        told = ", ".join(shown(fact) for fact in waiting[:_MOST_TOLD]) + (
            " …" if len(waiting) > _MOST_TOLD else ""
        )
        raise UsageError(
            f"{source}: {len(waiting)} facts wait to be confirmed ({told}); they may come from"
            " rows: confirm them first"
        )
    return schema
