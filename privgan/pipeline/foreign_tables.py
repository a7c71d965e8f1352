"""Read the tables of an audit that any tool may have made, under one schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from privgan.errors import TableError
from privgan.naming import parameter
from privgan.owner.owners_table import TableAsRead

if TYPE_CHECKING:
    import pandas as pd

    from privgan.audit.foreign.legibility import Legibility, Normalised
    from privgan.audit.inputs import AuditTables
    from privgan.schema.schema import Schema
    from privgan.sources import SourceOptions


def read_foreign(
    paths: Mapping[str, Path | str],
    schema_path: Path | None,
    *,
    source: SourceOptions,
    on_violation: str,
    say: Callable[[str], None] = lambda _line: None,
) -> AuditTables:
    """Read the three tables.

    Columns may stand in any order; identifiers and PII may be left out.

    Args:
        paths: Where the tables are: ``real``, ``holdout`` and ``synthetic``.
        schema_path: The schema; None to draft one from the real and hold-out rows, which are both
            real.
        source: How they are to be read; one may heed less of it than another.
        on_violation: What to do with values outside a given schema; into a drafted one they are
            mapped. Where they are mapped, a column that is mostly lost, or that one table lacks, is
            left out.
        say: Says a line about what was recognised.

    Raises:
        TableError: A table cannot be read, lacks a column or has one too many, or breaks the
            schema; names the table.
    """
    from privgan.audit.foreign.legibility import without_columns
    from privgan.audit.inputs import AuditTables
    from privgan.schema.schema import check_one_table
    from privgan.table.presenting import restored
    from privgan.table.schema_file import load_schema

    sources = _read(paths, source, say)
    tables = {name: table.rows_of_foreign_audit() for name, table in sources.items()}
    told: tuple[Normalised, ...] = ()
    if schema_path is None:
        tables["holdout"], told, schema = _drafted(tables["real"], tables["holdout"])
        on_violation = "clamp"
    else:
        schema = load_schema(schema_path)
        check_one_table(schema, "an audit of files")
    if sources["synthetic"].text:
        tables["synthetic"] = restored(tables["synthetic"], schema, ours=True)
    legible, legibility = _legible(tables, schema, told, mapped=on_violation == "clamp")
    kept = without_columns(schema, legibility.left_out)
    names = [column.name for column in kept.modelled]
    if on_violation == "clamp":
        legible = {
            name: table.drop(columns=[*legibility.left_out], errors="ignore")
            for name, table in legible.items()
        }
        schema = kept
    typed = {
        name: _conformed(table, schema, name, on_violation, schema_path is None)
        for name, table in legible.items()
    }
    unit = kept.unit.column
    real_units, holdout_units = (
        None if unit is None else typed[name][unit].to_numpy() for name in ("real", "holdout")
    )
    made = legible["synthetic"]
    synthetic_units = made[unit].to_numpy() if kept.history is not None and unit in made else None
    return AuditTables(
        schema=kept,
        real=typed["real"][names],
        holdout=typed["holdout"][names],
        synthetic=typed["synthetic"][names],
        real_units=real_units,
        holdout_units=holdout_units,
        synthetic_units=synthetic_units,
        as_read=(legible["holdout"], legible["synthetic"]),
        legibility=legibility,
    )


def _read(
    paths: Mapping[str, Path | str], source: SourceOptions, say: Callable[[str], None]
) -> dict[str, TableAsRead]:
    """Read each table, and say what was recognised."""
    sources = {name: TableAsRead.read(path, source, shared=True) for name, path in paths.items()}
    for read in sources.values():
        for line in read.said:
            say(line)
    return sources


def _legible(
    tables: Mapping[str, pd.DataFrame],
    schema: Schema,
    told: tuple[Normalised, ...],
    *,
    mapped: bool,
) -> tuple[dict[str, pd.DataFrame], Legibility]:
    """The tables in the schema's notation.

    Columns of one table alone are dropped only where values are mapped too.
    """
    from privgan.audit.foreign.harmonise import harmonise
    from privgan.audit.foreign.legibility import Legibility, columns_left_out, lost_values

    read = {}
    for name, table in tables.items():
        read[name], changes = harmonise(table, schema, name)
        told += changes
    lost = tuple(fact for name, table in read.items() for fact in lost_values(table, schema, name))
    left_out = columns_left_out(lost) | (
        _columns_apart(read["synthetic"], schema) if mapped else {}
    )
    return read, Legibility(normalised=told, lost=lost, left_out=left_out)


def _columns_apart(synthetic: pd.DataFrame, schema: Schema) -> dict[str, str]:
    """Columns of one table alone, under the reading with most columns in common.

    With none in common a file was read wrongly, and is refused.
    """
    lacking = [column.name for column in schema.modelled if column.name not in synthetic]
    if 2 * len(lacking) > len(schema.modelled) or not synthetic.columns.is_unique:
        return {}
    extra = [str(name) for name in synthetic.columns if name not in schema.names]
    return {
        **dict.fromkeys(lacking, "the synthetic table lacks it"),
        **dict.fromkeys(
            extra, "only the synthetic table has it, so nothing is known of its values"
        ),
    }


def _drafted(
    real: pd.DataFrame, holdout: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Normalised, ...], Schema]:
    """The hold-out in the real table's notation, the changes, and one schema for both."""
    import pandas as pd

    from privgan.audit.foreign.harmonise import harmonise

    holdout, told = harmonise(holdout, _drafted_schema(real), "holdout")
    if set(real.columns) != set(holdout.columns):
        missing, unknown = (
            sorted(set(real.columns) - set(holdout.columns)),
            sorted(set(holdout.columns) - set(real.columns)),
        )
        raise TableError(
            f"{parameter('holdout')}: its columns differ from those of {parameter('real')}: "
            f"missing {missing}, unknown {unknown}; "
            "give tables with the same columns"
        )
    both = pd.concat([real, holdout], ignore_index=True)
    return holdout, told, _drafted_schema(both)


def _drafted_schema(table: pd.DataFrame) -> Schema:
    """A draft that lists all categories.

    Persons in both tables repeat only here, so the unit stays one row.
    """
    from privgan.drafting.draft import draft_schema
    from privgan.privacy.budget import PrivacyUnit

    return replace(
        draft_schema(table, "audited", assume_public=True, measured=False).schema,
        unit=PrivacyUnit(),
    )


def _conformed(
    table: pd.DataFrame, schema: Schema, name: str, on_violation: str, drafted: bool
) -> pd.DataFrame:
    from privgan.privacy.budget import PrivacyUnit
    from privgan.table.conform import conform

    # Identifiers and PII are not compared; only the customer of each real row counts.
    unit = schema.unit if name != "synthetic" else PrivacyUnit()
    ignored = {column.name for column in schema.invented} - {unit.column}
    columns = tuple(column for column in schema.columns if column.name not in ignored)
    try:
        frame = table.drop(columns=[column for column in table.columns if column in ignored])
        return conform(
            frame, replace(schema, columns=columns, unit=unit), on_violation=on_violation
        ).reset_index(drop=True)
    except TableError as error:
        hint = (
            f"; the schema was drafted from {parameter('real')} and {parameter('holdout')}"
            if drafted
            else ""
        )
        raise TableError(f"{parameter(name)}: {error}{hint}") from error
