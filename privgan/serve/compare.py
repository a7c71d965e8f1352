"""Compare two releases: guarantee, policy, plan, context and schema, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from privgan.errors import PrivganError
from privgan.report.text import cost, number
from privgan.schema.columns import Column, Discrete, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.serve.library import Held
from privgan.table.schema_file import parse_schema

_LARGEST_SCHEMA = 4 << 20
_SHOWN_CATEGORIES = 6
_SAID_ABOVE = frozenset({"format", "dataset", "epsilon", "delta"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fact of two releases; an empty text where one is silent."""

    label: str
    first: str
    second: str

    @property
    def same(self) -> bool:
        """Whether both values are equal."""
        return self.first == self.second


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]

    @property
    def differing(self) -> int:
        """The number of rows that differ."""
        return sum(not row.same for row in self.rows)


def compare(first: Held, second: Held) -> tuple[Section, ...]:
    """Compare two intact releases, section by section."""
    sections: tuple[tuple[str, Callable[[Held], Mapping[str, str]]], ...] = (
        ("Guarantee", _guarantee),
        ("Policy", _policy),
        ("Plan", _plan),
        ("Schema", _schema),
        ("Context", lambda held: dict(held.verification.stated.context)),
        ("Versions", lambda held: dict(held.verification.stated.versions)),
    )
    return tuple(
        Section(title=title, rows=tuple(_rows(facts(first), facts(second))))
        for title, facts in sections
    )


def schema_of(held: Held) -> Schema | None:
    """The schema of an intact release.

    None where it is too large, or of an unknown version.
    """
    try:
        with held.open("schema.yaml") as file:
            content = file.read(_LARGEST_SCHEMA + 1)
        return None if len(content) > _LARGEST_SCHEMA else parse_schema(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError, PrivganError):
        return None


def _rows(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Row]:
    for label in dict.fromkeys([*first, *second]):
        yield Row(label=label, first=first.get(label, ""), second=second.get(label, ""))


def _guarantee(held: Held) -> dict[str, str]:
    manifest = held.verification.stated
    guarantee, total = manifest.guarantee, manifest.guarantee.dataset_total
    accountant = guarantee.accountant
    return {
        "data set": manifest.dataset,
        "created": manifest.created,
        "ε": cost(guarantee.epsilon),
        "δ": cost(guarantee.delta),
        "who is protected": guarantee.unit,
        "neighbouring tables": guarantee.neighbouring_relation,
        "most rows of one unit": number(guarantee.max_rows_per_unit),
        "assumed public facts": ", ".join(guarantee.conditional_facts) or "none",
        "ε by privacy loss distributions": number(accountant.epsilon_pld),
        "ε by Rényi divergences": number(accountant.epsilon_rdp),
        "accountant": f"{accountant.name} {accountant.version}",
        "total of the data set": f"ε = {cost(total.epsilon)}, δ = {cost(total.delta)}",
        "runs of the data set": number(total.runs),
        "canaries": f"probability {number(manifest.canaries.probability)}",
    }


def _policy(held: Held) -> dict[str, str]:
    policy = held.verification.stated.policy
    gates = {
        f"gate {gate.fact}": f"{gate.condition}; found {number(gate.value)}: {gate.status}"
        for gate in policy.outcomes
    }
    return {
        "policy": f"{policy.name} {policy.version}",
        "hash": policy.hash[:16],
        "verdict": policy.status,
        "internal checks": policy.internal_checks,
        **gates,
    }


def _plan(held: Held) -> dict[str, str]:
    manifest = held.verification.stated.raw
    plain = {
        name.replace("_", " "): number(value)
        for name, value in manifest["plan"].items()
        if isinstance(value, str | int | float)
    }
    plain = {name: value for name, value in plain.items() if name not in _SAID_ABOVE}
    steps = Counter(str(step.get("kind", step["name"])) for step in manifest["accounting"])
    return plain | {f"steps: {kind}": number(count) for kind, count in steps.items()}


def _schema(held: Held) -> dict[str, str]:
    schema = schema_of(held)
    if schema is None:
        return {
            "schema": (
                f"not read here; fingerprint {held.verification.stated.schema_fingerprint[:16]}"
            )
        }
    facts = {f"column {column.name}": _column(column) for column in schema.columns}
    return {"unit": schema.unit.column or "row", "columns": number(len(facts)), **facts}


def _column(column: Column) -> str:
    words = [column.kind.value]
    if isinstance(column, Discrete):
        more = len(column.categories) - _SHOWN_CATEGORIES
        words.append(
            " · ".join(column.categories[:_SHOWN_CATEGORIES])
            + (f" and {more} more" if more > 0 else "")
        )
    elif isinstance(column, Numeric):
        words.append(
            f"{number(column.lower)} to {number(column.upper)}, {column.decimals} decimals"
        )
    elif isinstance(column, Temporal):
        words.append(f"{column.lower:%Y-%m-%d} to {column.upper:%Y-%m-%d}")
    measured = ", ".join(
        f"{fact} {source}" for fact, source in column.sources.items() if source.value != "declared"
    )
    return "; ".join(
        [
            *words,
            *(["may be missing"] if column.missing else []),
            *([measured] if measured else []),
            column.role.value,
        ]
    )
