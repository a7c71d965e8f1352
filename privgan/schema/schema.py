"""Define a table's schema: columns, data set name, privacy unit and target. Public facts only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from privgan.errors import InternalError, TableError, UsageError
from privgan.files.json_types import JsonDict
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import (
    LATER_FACTS,
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    Open,
    Source,
)
from privgan.schema.constraints import Constraint
from privgan.schema.features import EventFacts, FeatureFacts
from privgan.schema.history import HistoryFacts
from privgan.schema.rare import RareOutcome
from privgan.schema.tables import TableFacts
from privgan.schema.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Public facts about a table.

    Attributes:
        dataset: The data set's name: the key under which the ledger adds up what was spent.
        unit: Who is protected, and how many rows one of them may have.
        columns: The columns, in the order of the released table.
        missing_markers: Texts that stand for a missing value in a text file.
        unit_source: Where it comes from that the unit is the one who is to be protected.
        missing_markers_source: Where it comes from that these texts stand for a missing value.
        target: The column that the table is mainly to predict; None to leave it to a fixed rule
            (``targets.py``).
        constraints: What every synthetic row holds beside the columns' own facts; the mechanism's
            domain does not depend on it.
        events: What one row a customer is made from; None where the table is read as it is.
        features: How each modelled column is made from a customer's events; empty without events.
        history: How a customer's rows fit together; None where they are exchangeable.
        root: The name of the table with these columns, where others are related to it.
        tables: The tables whose rows belong to rows of this one, parents first; empty for none.
        tasks: What the table is to be used for.
        rare: What is known of the target where it seldom occurs; None for any other target.
    """

    dataset: str
    unit: PrivacyUnit
    columns: tuple[Column, ...]
    missing_markers: tuple[str, ...] = ("",)
    unit_source: Source = Source.DECLARED
    missing_markers_source: Source = Source.DECLARED
    target: str | None = None
    constraints: tuple[Constraint, ...] = ()
    events: EventFacts | None = None
    features: tuple[FeatureFacts, ...] = ()
    history: HistoryFacts | None = None
    root: str = ""
    tables: tuple[TableFacts, ...] = ()
    tasks: tuple[Task, ...] = ()
    rare: RareOutcome | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def most_rows(self) -> int:
        """The most rows of a synthetic customer; a history's is no bound on what is measured."""
        return self.unit.max_rows if self.history is None else self.history.longest

    @cached_property
    def labelled(self) -> tuple[tuple[str, Column], ...]:
        """All columns of all tables, each with a label of its own.

        This is its name, and of a related table ``table.column``.
        """
        own = ((column.name, column) for column in self.columns)
        related = (
            (self.label(table.name, column.name), column)
            for table in self.tables
            for column in table.columns
        )
        return (*own, *related)

    def label(self, table: str, column: str) -> str:
        """The label of a column of one of several tables."""
        return column if table == self.root else f"{table}.{column}"

    @cached_property
    def modelled(self) -> tuple[Column, ...]:
        """Columns whose values are modelled.

        These are all columns that are not invented. Of an invented column that the schema marks,
        the presence of a value is modelled.
        """
        return tuple(
            modelled for column in self.columns if (modelled := _modelled(column)) is not None
        )

    @cached_property
    def invented(self) -> tuple[Column, ...]:
        """Identifier and PII columns.

        They are invented; only the presence of a value is ever read.
        """
        return tuple(column for column in self.columns if column.invented)

    @cached_property
    def open_columns(self) -> tuple[Open, ...]:
        """Columns with facts that are still to be measured."""
        return tuple(column for column in self.columns if isinstance(column, Open))

    def resolved(self, measured: Mapping[str, Column]) -> Schema:
        """Replace every open column by its measured form.

        Args:
            measured: Name of each open column to the ordinary column that holds its measured facts.
        """
        wanted = {column.name for column in self.open_columns}
        if set(measured) != wanted or any(isinstance(column, Open) for column in measured.values()):
            raise InternalError(
                f"measured: {sorted(measured)}; the open columns are {sorted(wanted)}"
            )
        return replace(
            self, columns=tuple(measured.get(column.name, column) for column in self.columns)
        )

    def column(self, name: str) -> Column:
        """Column of a given name; KeyError where there is none."""
        return next_by_name(self.columns, name)

    def facts_from(self, source: Source) -> tuple[str, ...]:
        """All facts with a given source, as ``column.fact``.

        Also ``unit`` and ``missing_markers``.
        """
        tables = {"unit": self.unit_source, "missing_markers": self.missing_markers_source}
        of_table = tuple(fact for fact, given in tables.items() if given is source)
        return of_table + tuple(
            f"{label}.{fact}"
            for label, column in self.labelled
            for fact in column.facts_from(source)
        )

    def child(self, name: str) -> TableFacts:
        """A related table of a given name; KeyError where there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def alone(self, name: str) -> Schema:
        """A table of this schema as one without others; KeyError where there is none.

        The unit of a child names the parent's row: whose customer it is, its rows do not tell.

        Args:
            name: The root's name, or a related table's.
        """
        if name == self.root:
            return replace(self, unit=replace(self.unit, related=False), root="", tables=())
        table = self.child(name)
        return replace(
            self,
            unit=PrivacyUnit(column=table.parent.column, max_rows=table.max_rows),
            columns=table.columns,
            constraints=table.constraints,
            history=table.history,
            target=None,
            root="",
            tables=(),
            tasks=(),
            rare=None,
        )

    def fingerprint(self) -> str:
        """SHA-256 of the schema's facts, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> JsonDict:
        """All facts as JSON values, each column with its class's fields."""
        columns = [_facts(column) for column in self.columns]
        facts: JsonDict = {
            "dataset": self.dataset,
            "unit": self.unit.column,
            "unit_source": self.unit_source.value,
            "max_rows_per_unit": self.unit.max_rows,
            "missing_markers": list(self.missing_markers),
            "columns": columns,
        }
        # Left out where empty, so that older schemas keep their fingerprints.
        if self.missing_markers_source is not Source.DECLARED:
            facts["missing_markers_source"] = self.missing_markers_source.value
        if self.target is not None:
            facts["target"] = self.target
        if self.constraints:
            facts["constraints"] = [part.to_json() for part in self.constraints]
        if self.history is not None:
            facts |= self.history.to_json()
        if self.tasks:
            facts["tasks"] = [task.to_json() for task in self.tasks]
        if self.rare is not None:
            facts["rare"] = self.rare.to_json()
        return facts | self.feature_facts() | self._related_facts()

    def _related_facts(self) -> JsonDict:
        """Related tables as JSON values; empty where there are none."""
        if not self.tables:
            return {}
        tables = [
            table.relation() | {"columns": [_facts(column) for column in table.columns]}
            for table in self.tables
        ]
        return {"root": self.root, "tables": tables}

    def feature_facts(self) -> JsonDict:
        """Events and features as JSON values, as in a schema file; empty where there are none."""
        facts: JsonDict = {}
        if self.events is not None:
            facts["events"] = self.events.to_json()
        if self.features:
            facts["features"] = [feature.to_json() for feature in self.features]
        return facts


def check_one_table(schema: Schema, what: str) -> None:
    """Check that a schema lists no related tables, for what takes one table alone.

    Args:
        schema: The schema.
        what: What takes one table, as the beginning of a sentence.

    Raises:
        UsageError: It lists several.
    """
    if schema.tables:
        number = len(schema.tables) + 1
        raise UsageError(
            f"{what} takes one table, and the schema lists {number}; give the schema of one"
        )


def next_by_name(columns: Iterable[Column], name: str) -> Column:
    """First column with a name; KeyError where there is none."""
    for column in columns:
        if column.name == name:
            return column
    raise KeyError(name)


def _modelled(column: Column) -> Column | None:
    if isinstance(column, Invented):
        return column.as_presence if column.presence else None
    return None if column.invented else column


def _facts(column: Column) -> JsonDict:
    """A column's facts as JSON values.

    Facts added in later versions are left out where they are not stated.
    """
    return {
        key: _plain(value)
        for key, value in asdict(column).items()
        if value or not isinstance(column, LATER_FACTS.get(key, ()))
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: str(part) for key, part in value.items()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


TARGET_KINDS = frozenset({Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT})


def choose_target(columns: Sequence[Column]) -> str | None:
    """Choose the target column from the schema alone.

    It is the Discrete column with the fewest categories, at least two; of several, the last.
    Without one it is the last Numeric column; None where there is neither.
    """
    return choose_class(columns) or choose_number(columns)


def choose_class(columns: Sequence[Column]) -> str | None:
    """Target of a classification by :func:`choose_target`'s rule, or None."""
    discrete = [
        column
        for column in columns
        if isinstance(column, Discrete) and len(column.categories) >= 2 and not column.is_presence
    ]
    return (
        min(reversed(discrete), key=lambda column: len(column.categories)).name
        if discrete
        else None
    )


def choose_number(columns: Sequence[Column]) -> str | None:
    """Target of a regression by :func:`choose_target`'s rule, or None."""
    numeric = [column.name for column in columns if isinstance(column, Numeric)]
    return numeric[-1] if numeric else None


def check_target(columns: Sequence[Column], name: str) -> Column:
    """Column to predict; TableError where a name is no modelled discrete or numeric column."""
    found = {column.name: column for column in columns}
    if name not in found:
        raise TableError(
            f"target {name!r} is not a modelled column; choose one of {', '.join(found)}"
        )
    column = found[name]
    if column.kind not in TARGET_KINDS:
        raise TableError(
            f"target {name!r} is a {column.kind.value} column; choose a discrete or numeric one"
        )
    return column


def with_target(schema: Schema, name: str | None) -> Schema:
    """Set a schema's target; None, or the target that it has, changes nothing.

    Another target than the schema's is not rare. TableError where the column cannot be predicted.
    """
    if name is None or name == schema.target:
        return schema
    return replace(schema, target=check_target(schema.modelled, name).name, rare=None)
