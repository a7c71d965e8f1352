"""Review a draft's facts by groups.

A confirmed fact turns from ``confirm`` to ``declared``, or is left to be measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from privgan.drafting.proposals import Proposal
from privgan.drafting.review_file import one_line
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    Numeric,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Source,
    Temporal,
)
from privgan.schema.constraints import Constraint
from privgan.schema.schema import Schema, choose_target


class Group(StrEnum):
    """Group of facts, in the order in which a person is asked."""

    UNIT = "unit"
    PII = "pii"
    ROLES = "roles"
    BOUNDS = "bounds"
    CATEGORIES = "categories"
    SENTINELS = "sentinels"
    MARKERS = "markers"
    KINDS = "kinds"
    TARGET = "target"
    CONSTRAINTS = "constraints"


TITLES: Mapping[Group, str] = {
    Group.UNIT: "Who is protected",
    Group.PII: "Identifiers and personal data",
    Group.ROLES: "What others may know",
    Group.BOUNDS: "Bounds",
    Group.CATEGORIES: "Categories",
    Group.SENTINELS: "Special values",
    Group.MARKERS: "Missing values",
    Group.KINDS: "Kinds and forms",
    Group.TARGET: "What is to be predicted",
    Group.CONSTRAINTS: "Dependencies seen in the table",
}
MEANINGS: Mapping[Group, str] = {
    Group.UNIT: (
        "The guarantee hides one such unit with at most so many rows; who has several units is"
        " hidden less."
    ),
    Group.PII: (
        "These are invented afresh, never modelled; personal data that is not among them would be"
        " modelled."
    ),
    Group.ROLES: (
        "A quasi-identifier is what others may know of somebody; audits and policies look at it,"
        " the noise does not."
    ),
    Group.BOUNDS: "A bound that is somebody's exact value tells that value; rounded ones don't.",
    Group.CATEGORIES: (
        "Each listed category is told to everybody, even if one customer has it; "
        "leave a rare one out, or have them measured."
    ),
    Group.SENTINELS: (
        "A special value is told to everybody; confirm it for its meaning, not because somebody"
        " has it."
    ),
    Group.MARKERS: (
        "Which columns may be missing, and by what text, is told to everybody; a real value among"
        " the texts is lost."
    ),
    Group.KINDS: (
        "Kind and form are told to everybody; an id that is taken for a number is modelled."
    ),
    Group.TARGET: (
        "What tells of the target is measured more closely at the same ε; only its name is told."
    ),
    Group.CONSTRAINTS: (
        "Every synthetic row keeps a rule, and that nobody breaks it is told; confirm what holds by"
        " its nature."
    ),
}
MEASURABLE = frozenset({Group.BOUNDS, Group.CATEGORIES})
_OTHER_LABELS = ("other", "others", "any other", "none of these")
_IN_COLUMN: Mapping[str, Group] = {
    "role": Group.ROLES,
    **dict.fromkeys(("lower", "upper"), Group.BOUNDS),
    **dict.fromkeys(("categories", "labels", "other"), Group.CATEGORIES),
    "special_values": Group.SENTINELS,
    **dict.fromkeys(("missing", "missing_markers"), Group.MARKERS),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Facts that one answer confirms.

    Attributes:
        group: Its group.
        column: The column; empty for a fact of the table.
        facts: The facts that are still to be confirmed.
        proposal: For the constraints' group: what is proposed.
    """

    group: Group
    column: str = ""
    facts: tuple[str, ...] = ()
    proposal: Proposal | None = None

    @property
    def size(self) -> int:
        """Number of facts."""
        return 1 if self.proposal else len(self.facts)


def entries(schema: Schema) -> dict[Group, tuple[Entry, ...]]:
    """Facts that are still to be confirmed, by group.

    Constraints are not among them: they have to be proposed.
    """
    found: dict[Group, list[Entry]] = {group: [] for group in Group}
    for entry in (
        *_of_table(schema),
        *(entry for column in schema.columns for entry in _of_column(column)),
    ):
        found[entry.group].append(entry)
    return {group: tuple(some) for group, some in found.items()}


def _of_table(schema: Schema) -> Iterator[Entry]:
    if schema.unit_source is Source.CONFIRM:
        yield Entry(group=Group.UNIT, facts=("unit",))
    if schema.missing_markers_source is Source.CONFIRM:
        yield Entry(group=Group.MARKERS, facts=("missing_markers",))
    if schema.target is None and target_by_rule(schema) is not None:
        yield Entry(group=Group.TARGET, facts=("target",))


def _of_column(column: Column) -> Iterator[Entry]:
    found: dict[Group, list[str]] = {}
    for fact in column.facts_from(Source.CONFIRM):
        found.setdefault(group_of(column, fact), []).append(fact)
    for group, facts in found.items():
        yield Entry(group=group, column=column.name, facts=tuple(facts))


def group_of(column: Column, fact: str) -> Group:
    """Group of a column's fact."""
    found = _IN_COLUMN.get(fact, Group.KINDS)
    return Group.PII if column.invented and found is not Group.MARKERS else found


def accepted(schema: Schema, some: Iterable[Entry]) -> Schema:
    """Schema with the facts and proposals of some entries declared.

    A target is the one of the fixed rule.
    """
    for entry in some:
        if entry.proposal is not None:
            schema = replace(schema, constraints=(*schema.constraints, *entry.proposal.constraints))
        elif entry.column:
            schema = _with_column(schema, _declared(schema.column(entry.column), entry.facts))
        else:
            schema = _with_table_fact(schema, entry.facts[0])
    return schema


def target_by_rule(schema: Schema) -> str | None:
    """Proposed target by the fixed rule, among columns whose own values are modelled."""
    return choose_target([column for column in schema.columns if not column.invented])


def _with_table_fact(schema: Schema, fact: str) -> Schema:
    if fact == "target":
        return replace(schema, target=target_by_rule(schema))
    if fact == "unit":
        return replace(schema, unit_source=Source.DECLARED)
    return replace(schema, missing_markers_source=Source.DECLARED)


def _declared(column: Column, facts: Sequence[str]) -> Column:
    return replace(column, sources={**column.sources, **dict.fromkeys(facts, Source.DECLARED)})


def _with_column(schema: Schema, changed: Column) -> Schema:
    return replace(
        schema,
        columns=tuple(
            changed if column.name == changed.name else column for column in schema.columns
        ),
    )


def can_be_measured(schema: Schema, entry: Entry) -> bool:
    """Whether a run can measure an entry's facts, with noise."""
    if entry.group not in MEASURABLE or not entry.column:
        return False
    column = schema.column(entry.column)
    return isinstance(column, Numeric | Temporal) or (
        isinstance(column, Discrete) and column.kind is Kind.CATEGORICAL
    )


def measured(schema: Schema, some: Iterable[Entry]) -> Schema:
    """Schema with the facts of some entries left to be measured.

    Facts that cannot be measured stay as they are.
    """
    for entry in some:
        if can_be_measured(schema, entry):
            schema = _with_column(schema, _opened(schema.column(entry.column), schema))
    return schema


def _opened(column: Column, schema: Schema) -> Column:
    common: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "role": column.role,
        "missing": column.missing,
    }
    common |= {"description": column.description, "missing_markers": column.missing_markers}
    bounds = {**column.sources, "lower": Source.MEASURED, "upper": Source.MEASURED}
    if isinstance(column, Numeric):
        numeric: dict[str, Any] = {
            "decimals": column.decimals,
            "special_values": column.special_values,
            "format": column.format,
        }
        return OpenNumeric(**common, **numeric, sources=bounds)
    if isinstance(column, Temporal):
        temporal: dict[str, Any] = {
            "format": column.format,
            "special_values": column.special_values,
            "zone": column.zone,
        }
        return OpenTemporal(**common, **temporal, sources=bounds)
    assert isinstance(column, Discrete)
    taken = {*column.categories, *schema.missing_markers, *column.missing_markers}
    label = next(
        text
        for text in (*_OTHER_LABELS, *(f"other {place}" for place in range(len(taken) + 1)))
        if text not in taken
    )
    return OpenCategorical(
        **common,
        other=label,
        sources={**column.sources, "categories": Source.MEASURED, "other": Source.DECLARED},
    )


def proposed(
    found: Sequence[Proposal], schema: Schema, declined: Sequence[str]
) -> tuple[Entry, ...]:
    """Entries of proposed constraints that are neither in the schema nor declined before."""
    known = [part.facts() for part in schema.constraints]
    return tuple(
        Entry(group=Group.CONSTRAINTS, proposal=each)
        for each in found
        if one_line(str(each)) not in declined
        and not all(_known(part, known) for part in each.constraints)
    )


def _known(constraint: Constraint, known: Sequence[object]) -> bool:
    return constraint.facts() in known
