"""Tables for an audit that any tool may have made: read, held against one schema, and told apart in messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privgan.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

    from privgan.table.schema import Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignTables:
    """What ``privgan audit --real --holdout --synthetic`` reads.

    Attributes:
        schema: The given schema, or one drafted from the real rows.
        real: The rows that the tool saw, in the schema's types.
        holdout: The rows that it never saw.
        synthetic: The synthetic rows.
        as_read: The hold-out and the synthetic rows before values were mapped into the schema.
        units: The customers of the real and of the hold-out rows; None where each row is one.
    """

    schema: Schema
    real: pd.DataFrame
    holdout: pd.DataFrame
    synthetic: pd.DataFrame
    as_read: tuple[pd.DataFrame, pd.DataFrame]
    units: tuple[Any, Any] | None


def read_foreign(paths: Mapping[str, Path], schema_path: Path | None, *, sep: str, on_violation: str) -> ForeignTables:
    """Read the three tables; columns may stand in any order, identifiers and PII may be left out.

    Args:
        paths: The files of ``real``, ``holdout`` and ``synthetic``.
        schema_path: The schema; None to draft one from the real and hold-out rows, which are both real.
        sep: The separator of text files.
        on_violation: What to do with values outside a given schema; into a drafted one they are mapped.

    Raises:
        TableError: A table cannot be read, lacks a column or has one too many, or breaks the schema; names the table.
    """
    from privgan.table.files import PARQUET, read_table
    from privgan.table.schema_file import load_schema
    from privgan.table.spreadsheet import restored

    tables = {name: read_table(path, sep=sep) for name, path in paths.items()}
    if schema_path is None:
        schema, on_violation = _drafted(tables["real"], tables["holdout"]), "clamp"
    else:
        schema = load_schema(schema_path)
    if paths["synthetic"].suffix.lower() not in PARQUET:
        tables["synthetic"] = restored(tables["synthetic"], schema, ours=True)
    read = {name: harmonised(table, schema) for name, table in tables.items()}
    typed = {name: _conformed(table, schema, name, on_violation, schema_path is None) for name, table in read.items()}
    unit, names = schema.unit.column, [column.name for column in schema.modelled]
    return ForeignTables(
        schema=schema,
        real=typed["real"][names],
        holdout=typed["holdout"][names],
        synthetic=typed["synthetic"][names],
        as_read=(read["holdout"], read["synthetic"]),
        units=None if unit is None else (typed["real"][unit].to_numpy(), typed["holdout"][unit].to_numpy()),
    )


def harmonised(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The table with each category spelt as the schema spells it: a tool that works with floats writes 3 as 3.0."""
    from privgan.audit.coding import category_text
    from privgan.table.columns import Discrete
    from privgan.table.frames import with_columns

    changed = {}
    for column in schema.modelled:
        if isinstance(column, Discrete) and column.name in table and list(table.columns).count(column.name) == 1:
            spelt = {category_text(value): value for value in column.categories}
            known = set(column.categories)
            values = table[column.name]
            others = {value: spelt.get(category_text(value), value) for value in values.dropna().unique() if value not in known}
            changed[column.name] = values.map(lambda value, others=others: others.get(value, value), na_action="ignore")
    return with_columns(table, changed)


def _drafted(real: pd.DataFrame, holdout: pd.DataFrame) -> Schema:
    import pandas as pd

    from privgan.privacy.unit import PrivacyUnit
    from privgan.table.draft import draft_schema

    if set(real.columns) != set(holdout.columns):
        missing, unknown = sorted(set(real.columns) - set(holdout.columns)), sorted(set(holdout.columns) - set(real.columns))
        raise TableError(
            f"--holdout: its columns differ from those of --real: missing {missing}, unknown {unknown}; "
            "give tables with the same columns"
        )
    both = pd.concat([real, holdout], ignore_index=True)
    # Who stands in both tables repeats only here: the unit stays one row.
    return replace(draft_schema(both, "audited", assume_public=True, measured=False).schema, unit=PrivacyUnit())


def _conformed(table: pd.DataFrame, schema: Schema, name: str, on_violation: str, drafted: bool) -> pd.DataFrame:
    from privgan.privacy.unit import PrivacyUnit
    from privgan.table.conform import conform

    # Identifiers and PII are not compared; only whose each real row is matters.
    unit = schema.unit if name != "synthetic" else PrivacyUnit()
    ignored = {column.name for column in schema.invented} - {unit.column}
    columns = tuple(column for column in schema.columns if column.name not in ignored)
    try:
        frame = table.drop(columns=[column for column in table.columns if column in ignored])
        return conform(frame, replace(schema, columns=columns, unit=unit), on_violation=on_violation).reset_index(drop=True)
    except TableError as error:
        hint = "; the schema was drafted from --real and --holdout" if drafted else ""
        raise TableError(f"--{name}: {error}{hint}") from error
