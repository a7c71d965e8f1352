"""The schema as Python code builds, drafts, reads and writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from privgan.api.checking import Conformity, check_table
from privgan.api.inputs import (
    PathLike,
    chosen,
    dataset_of,
    parsed,
    path_of,
    plain,
    schema_of,
    table_of,
)
from privgan.drafting.draft import dataset_name, draft_text, told
from privgan.drafting.related_draft import RELATED_NOTE
from privgan.drafting.related_review import declared
from privgan.drafting.review import Group
from privgan.drafting.review_file import DRAFT_NOTE
from privgan.errors import UsageError
from privgan.files.atomic import owner_only
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.notebook import card
from privgan.owner.owners_table import TableAsRead
from privgan.owner.undeclared_tables import REFUSED, UndeclaredTables, read_undeclared
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Source
from privgan.schema.constraints import Constraint
from privgan.schema.features import EventFacts, FeatureFacts
from privgan.schema.history import HistoryFacts
from privgan.schema.rare import RareOutcome
from privgan.schema.schema import Schema as TableSchema
from privgan.schema.tables import LEFT_OUT, TableFacts
from privgan.schema.tasks import Task
from privgan.sources import SourceOptions, source_name
from privgan.table.mistakes import ROW_UNIT
from privgan.table.schema_file import dump_schema, parse_schema, schema_items

_ASSUMED = "All facts are taken as public (source: assumed_public): every ε is conditional on them."


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class Schema(TableSchema):
    """Public facts about a table: its columns, who is protected, and the data set's name.

    Args:
        columns: The columns, in the order of the synthetic table.
        dataset: The name under which the ledger adds up what was spent.
        unit: Who is protected: the column that names a customer, or ``"row"`` where each row is
            one.
        max_rows_per_unit: The most rows that one customer may have; of more, some are left out at
            random.
        missing_markers: Texts that stand for a missing value.
        target: The column that the table is mainly to predict.
        constraints: What every synthetic row holds.
        unit_source: Where it comes from that the unit is the one to protect.
        missing_markers_source: Where it comes from that these texts mean missing.
        events: What one row a customer is made from; None where the table is read as it is.
        features: How each modelled column is made from a customer's events.
        history: How a customer's rows fit together; None where they are exchangeable.
        root: The name of the table with these columns, where others are related to it.
        tables: The tables whose rows belong to rows of this one.
        tasks: What the table is to be used for.
        rare: What is known of the target where it seldom occurs; None for any other target.

    Raises:
        DocumentError: with every mistake, as for a schema file.

    >>> schema = Schema(
    ...     [
    ...         Identifier("customer_id"),
    ...         Categorical("segment", ["basic", "gold"]),
    ...         Integer("age", 18, 99),
    ...     ],
    ...     dataset="shop",
    ...     unit="customer_id",
    ... )
    >>> schema
    Schema('shop', 3 columns, unit: one customer_id with its row)
    >>> schema.column("segment").categories
    ('basic', 'gold')
    """

    def __init__(
        self,
        columns: Iterable[Column],
        *,
        dataset: str,
        unit: PrivacyUnit | str = ROW_UNIT,
        max_rows_per_unit: int = 1,
        missing_markers: Sequence[str] = ("",),
        target: str | None = None,
        constraints: Sequence[Constraint] = (),
        unit_source: Source = Source.DECLARED,
        missing_markers_source: Source = Source.DECLARED,
        events: EventFacts | None = None,
        features: Sequence[FeatureFacts] = (),
        history: HistoryFacts | None = None,
        root: str = "",
        tables: Sequence[TableFacts] = (),
        tasks: Sequence[Task] = (),
        rare: RareOutcome | None = None,
    ) -> None:
        facts = TableSchema(
            dataset=dataset_of(dataset),
            unit=unit if isinstance(unit, PrivacyUnit) else _unit(unit, max_rows_per_unit),
            columns=_columns(columns),
            missing_markers=tuple(missing_markers),
            target=target,
            constraints=tuple(constraints),
            unit_source=Source(unit_source),
            missing_markers_source=Source(missing_markers_source),
            events=events,
            features=tuple(features),
            history=history,
            root=root,
            tables=tuple(tables),
            tasks=tuple(tasks),
            rare=rare,
        )
        self._take(parsed(schema_items(facts), "the schema"))

    @classmethod
    def of(cls, facts: TableSchema) -> Schema:
        """A schema that was checked before, with this class's methods."""
        made = cls.__new__(cls)
        made._take(facts)
        return made

    @classmethod
    def from_frame(cls, table: Any, *, dataset: str | None = None, vouch: bool = False) -> Schema:
        """A schema drafted from a table: one of the unpaid looks. INTERNAL until it is confirmed.

        Args:
            table: A path or URL; a pandas or polars frame; an Arrow table; a list of dictionaries.
            dataset: The data set's name; made from the table's own where none is given.
            vouch: Whether you vouch that all drafted facts are publicly known. They are marked
                ``declared`` then, as by ``Draft.confirm``; else a fit refuses them.

        >>> Schema.from_frame(customers).facts_from("confirm")[:2]
        ('unit', 'customer_id.pattern')
        >>> Schema.from_frame(customers, vouch=True).facts_from("confirm")
        ()
        """
        draft = draft_schema(table, dataset=dataset)
        return draft.confirm() if vouch else draft.schema

    @property
    def facts(self) -> TableSchema:
        """The same facts as the library's other parts hold them."""
        return plain(self)

    def with_column(self, column: Column) -> Schema:
        """The schema with a column in the place of the one of its name.

        >>> schema.with_column(Integer("age", 16, 120)).column("age").upper
        120.0
        """
        if column.name not in self.names:
            near = did_you_mean(column.name, list(self.names))
            raise UsageError(f"{shown(column.name)} is no column of the schema{near}")
        return replace(
            self,
            columns=tuple(column if known.name == column.name else known for known in self.columns),
        )

    def check(self, table: Any) -> Conformity:
        """Hold a table against the schema: one of the unpaid looks. INTERNAL: its counts are real.

        >>> schema.check(customers).fits
        True
        """
        return check_table(table, self.facts)

    def save(self, path: PathLike) -> Path:
        """Write a new schema file, which ``load_schema`` reads back to an equal schema.

        >>> load_schema(schema.save("saved.yaml")) == schema
        True
        """
        return write_new(path, dump_schema(self.facts))

    def facts_from(self, source: Source | str) -> tuple[str, ...]:
        """All facts with a source, as ``column.fact``; and ``unit`` and ``missing_markers``."""
        return super().facts_from(Source(source))

    def _take(self, facts: TableSchema) -> None:
        for part in fields(TableSchema):
            object.__setattr__(self, part.name, getattr(facts, part.name))

    def __repr__(self) -> str:
        """The data set, the number of columns and the unit."""
        return f"Schema({self.dataset!r}, {len(self.columns)} columns, unit: {self.unit})"

    def _repr_html_(self) -> str:
        rows = [
            (column.name, column.kind, column.role, "yes" if column.missing else "no")
            for column in self.columns
        ]
        waiting = len(self.facts_from(Source.CONFIRM))
        facts: list[tuple[str, object]] = [
            ("unit", self.unit),
            ("target", self.target or "by a fixed rule"),
        ]
        facts += [("to confirm", f"{waiting} facts")] if waiting else []
        header = ("column", "kind", "role", "may be missing")
        return card(
            f"Schema of {self.dataset}", facts, header=header, rows=rows, internal=bool(waiting)
        )


def load_schema(path: PathLike) -> Schema:
    """Read a schema file.

    Raises:
        DocumentError: with every mistake and its line.

    >>> load_schema("schema.yaml")
    Schema('shop', 5 columns, unit: one customer_id with its row)
    """
    return Schema.of(schema_of(path_of("path", path, "the path of a schema file")))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Draft:
    """A schema drafted from a table. INTERNAL: its categories and bounds come from real rows.

    Attributes:
        schema: The draft; each fact is marked ``confirm`` or ``assumed_public``, and a fit refuses
            the former.
        notes: What to look at, a line each; no cell's value stands in them.

    >>> draft = draft_schema(customers)
    >>> draft
    Draft('table', 5 columns, 26 facts to confirm, INTERNAL)
    >>> draft.with_column(Integer("age", 18, 99)).confirm().column("age").upper
    99.0
    """

    schema: Schema
    notes: tuple[str, ...]
    _table: TableAsRead | UndeclaredTables
    _text: str

    def with_column(self, column: Column) -> Draft:
        """The draft with a column of one's own in the place of the drafted one of its name."""
        changed = self.schema.with_column(column)
        return replace(self, schema=changed, _text=dump_schema(changed.facts, comment=DRAFT_NOTE))

    def confirm(self, *groups: str) -> Schema:
        """The schema with its facts declared: you vouch that each is publicly known.

        Each is marked ``declared``, as ``privgan schema review --accept-all`` marks it, and no ε
        is conditional on it. Where nobody checked them, ``draft_schema(table,
        assume_public=True)`` marks them ``assumed_public``. Rules between columns that the table
        shows are taken over too, and so is a column that is proposed as the unit.

        Args:
            *groups: ``unit``, ``pii``, ``roles``, ``bounds``, ``categories``, ``sentinels``,
                ``markers``, ``kinds``, ``target`` or ``constraints``; none for all of them. Of
                related tables none, and no rule between columns is taken over.
        """
        names = [chosen("groups", group, [known.value for known in Group]) for group in groups]
        if isinstance(self._table, UndeclaredTables):
            return self._declared(names)
        with TemporaryDirectory(prefix="privgan-") as folder:
            path = Path(folder) / "schema.yaml"
            path.write_text(self._text, encoding="utf-8")
            review = self._table.review(path)
            for group in Group:
                if not names or group.value in names:
                    review.accept(review.left(group))
        return Schema.of(review.schema)

    def _declared(self, groups: Sequence[str]) -> Schema:
        if groups:
            told = f"{', '.join(groups)}, and related tables are confirmed whole"
            raise UsageError(f"{parameter('groups')}: found {told}; name none")
        return Schema.of(declared(self.schema.facts))

    def save(self, path: PathLike) -> Path:
        """Write the draft for a review in an editor or by ``privgan schema review``. INTERNAL."""
        with owner_only():
            return write_new(path, self._text)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: it holds the table that it was drafted from."""
        raise TypeError("a draft cannot be pickled or copied: it holds real rows; save it")

    def __repr__(self) -> str:
        """The data set and how much is to be confirmed."""
        waiting = len(self.schema.facts_from(Source.CONFIRM))
        columns = f"{len(self.schema.labelled)} columns, {waiting} facts to confirm"
        return f"Draft({self.schema.dataset!r}, {columns}, INTERNAL)"

    def _repr_html_(self) -> str:
        rows = [
            (label, column.kind, ", ".join(column.facts_from(Source.CONFIRM)))
            for label, column in self.schema.labelled
        ]
        title, header = f"Draft of {self.schema.dataset}", ("column", "kind", "to confirm")
        facts = [
            ("unit", self.schema.unit),
            *((f"note {place}", note) for place, note in enumerate(self.notes, 1)),
        ]
        return card(title, facts, header=header, rows=rows, internal=True)


def draft_schema(
    table: Any,
    *,
    dataset: str | None = None,
    assume_public: bool = False,
    tables: Sequence[str] = (),
    without_parent: str = REFUSED,
) -> Draft:
    """Draft a schema from a table: one of the unpaid looks. INTERNAL until it is confirmed.

    Args:
        table: A path or URL; a pandas or polars frame; an Arrow table; a list of dictionaries. Of
            related tables a dictionary of these by name, a folder or a database.
        dataset: The data set's name in the ledger; made from the table's own where none is given.
        assume_public: Take all drafted facts as public, marked ``assumed_public``: every ε is then
            conditional on them, and strict policies refuse that. ``confirm`` changes none of them.
        tables: The related tables that belong together, where others stand beside them.
        without_parent: What a run is to do with rows of a related table whose parent is not there:
            ``refused`` or ``left_out``.

    Returns:
        The draft; bounds are rounded outwards, categories are those that occur.

    Raises:
        TableError: when the table cannot be read, or no column can be modelled; of related tables
            also when their keys do not join them to one tree.

    >>> draft_schema(customers, dataset="shop").confirm()
    Schema('shop', 5 columns, unit: one row)
    """
    source = table_of(table)
    orphans = chosen("without_parent", without_parent, [REFUSED, LEFT_OUT])
    read = read_undeclared(source, SourceOptions(), tuple(tables), without_parent=orphans)
    own = isinstance(source, str | Path)
    if dataset is not None:
        name = dataset_of(dataset)
    else:
        name = dataset_name(Path(source_name(source))) if own else "table"
    drafted = read.draft(name, assume_public=assume_public)
    note = RELATED_NOTE if drafted.schema.tables else DRAFT_NOTE
    text = draft_text(drafted, _ASSUMED if assume_public else note)
    schema = parse_schema(text, name="the draft")
    return Draft(
        schema=Schema.of(schema), notes=tuple(told(drafted.notes)), _table=read, _text=text
    )


def write_new(path: PathLike, text: str) -> Path:
    """Write a text file that is not there yet."""
    target = Path(path)
    if target.exists():
        raise UsageError(f"{target}: is there already; choose another {parameter('path')}")
    target.write_text(text, encoding="utf-8")
    return target


def _unit(unit: str, max_rows: int) -> PrivacyUnit:
    return PrivacyUnit() if unit == ROW_UNIT else PrivacyUnit(column=unit, max_rows=max_rows)


def _columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    found: tuple[Any, ...] = tuple(columns)
    for place, column in enumerate(found):
        if not isinstance(column, Column):
            told = "give a column such as privgan.Integer('age', 18, 99)"
            raise UsageError(
                f"{parameter('columns')}[{place}] is a {type(column).__name__}; {told}"
            )
    return found
