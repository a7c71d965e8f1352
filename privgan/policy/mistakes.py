"""What a policy file can get wrong beyond its form: facts, types, ranges, the wrong end of an interval, contradictions.

What is wrong in form is told by the JSON Schema; it is passed over here, so that both kinds can be told at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from privgan.documents import did_you_mean, shown
from privgan.metric import Exposure
from privgan.policy.columns import ColumnComparison
from privgan.policy.facts import Fact, FactType, fact_vocabulary
from privgan.policy.gates import Comparison, Scope

Mistake = tuple[tuple[str | int, ...], str]
_ORDERED = frozenset({Comparison.AT_MOST, Comparison.AT_LEAST})
# The end of an interval at which a figure looks worst, and the one at which it looks best.
_ENDS = {Comparison.AT_MOST: (".high", ".low"), Comparison.AT_LEAST: (".low", ".high")}


def mistakes_of_policy(data: Any) -> Iterator[Mistake]:
    """Every mistake in a policy beyond its form: where it stands, and a sentence.

    Args:
        data: The policy document's data, whatever its form.
    """
    gates = [(index, entry) for index, entry in _entries(data, "gates") if isinstance(entry.get("fact"), str)]
    for index, entry in gates:
        for key, text in _mistakes_of(entry):
            yield ("gates", index, key), f"{entry['fact']}: {text}"
    yield from _contradictions(gates)
    columns = list(_entries(data, "columns"))
    for index, entry in columns:
        found = [comparison for comparison in ColumnComparison if comparison.value in entry]
        if len(found) != 1:
            yield ("columns", index), f"columns[{index}]: {_needs_one(list(ColumnComparison), found)}"
    yield from _repeated_columns(columns)


def _entries(data: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    entries = data.get(key) if isinstance(data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield index, entry


def _well_formed(comparison: Comparison, threshold: Any) -> bool:
    if comparison in _ORDERED:
        return isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if comparison is Comparison.ONE_OF:
        return isinstance(threshold, list) and all(isinstance(value, str) for value in threshold)
    return isinstance(threshold, int | float | str)


def _needs_one(allowed: list[Any], found: list[Any]) -> str:
    named = " and ".join(found) if found else "none"
    return f"needs exactly one of {', '.join(allowed)}; found {named}"


def _mistakes_of(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = fact_vocabulary().get(entry["fact"])
    found = [comparison for comparison in Comparison if comparison.value in entry]
    if known is None:
        yield "fact", f"there is no such fact{did_you_mean(entry['fact'], list(fact_vocabulary()))}"
    elif entry.get("scope") == Scope.PUBLIC.value and known.exposure is Exposure.INTERNAL:
        yield "scope", "follows from real rows without noise, so its outcome must not leave; write scope: internal"
    if len(found) != 1:
        yield "fact", _needs_one(list(Comparison), found)
    elif known is not None:
        if _well_formed(found[0], entry[found[0].value]):
            yield from ((found[0].value, text) for text in _misfits(known, found[0], entry[found[0].value]))
        yield from (("fact", text) for text in _wrong_end(known, found[0]))


def _misfits(known: Fact, comparison: Comparison, threshold: Any) -> Iterator[str]:
    if comparison in _ORDERED and known.type is not FactType.NUMBER:
        yield f"is a {known.type.value}, and {comparison.value} needs a number"
    elif comparison in _ORDERED and not math.isfinite(threshold):
        yield f"{comparison.value} needs a finite number"
    elif comparison is Comparison.ONE_OF and known.type is not FactType.STRING:
        yield f"is a {known.type.value}, and one_of needs a text"
    elif comparison is Comparison.EQUALS and not known.type.fits(threshold):
        yield f"is a {known.type.value}, found {shown(threshold)}"
    elif known.type is FactType.NUMBER and comparison is not Comparison.PRESENT:
        yield from _out_of_range(known, comparison, threshold)
    elif known.values:
        for value in _texts(comparison, threshold):
            if value not in known.values:
                yield f"never is {shown(value)}; it is one of {', '.join(known.values)}"


def _out_of_range(known: Fact, comparison: Comparison, threshold: float) -> Iterator[str]:
    low, high = known.minimum, known.maximum
    if (low is None or threshold >= low) and (high is None or threshold <= high):
        return
    least, most = "-∞" if low is None else f"{low:g}", "∞" if high is None else f"{high:g}"
    yield f"{comparison.value} {threshold:g} is outside of what it can be, {least} to {most}"


def _wrong_end(known: Fact, comparison: Comparison) -> Iterator[str]:
    """A figure with an interval must be judged where it looks worst."""
    if comparison not in _ENDS:
        return
    worse, better = _ENDS[comparison]
    base = known.name.removesuffix(better)
    if not known.name.endswith(worse) and base + worse in fact_vocabulary():
        yield f"is judged on the worse end of its interval; {comparison.value} goes with {base + worse}"


def _texts(comparison: Comparison, threshold: Any) -> list[str]:
    if comparison is Comparison.ONE_OF:
        return [str(value) for value in threshold]
    return [str(threshold)] if comparison is Comparison.EQUALS else []


def _contradictions(entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Mistake]:
    """Pairs of gates on one fact that no value can pass together, or that say the same thing twice."""
    for (first, one), (second, other) in combinations(entries, 2):
        if one["fact"] != other["fact"]:
            continue
        for left in Comparison:
            for right in Comparison:
                if _sound(one, left) and _sound(other, right):
                    text = _clash(left, one[left.value], right, other[right.value])
                    if text:
                        yield ("gates", second, right.value), f"{one['fact']}: {text} (gates {first + 1}, {second + 1})"


def _sound(entry: dict[str, Any], comparison: Comparison) -> bool:
    return comparison.value in entry and _well_formed(comparison, entry[comparison.value])


def _clash(left: Comparison, low: Any, right: Comparison, high: Any) -> str:
    if left is right:
        return f"{left.value} stands twice"
    if (left, right) == (Comparison.AT_MOST, Comparison.AT_LEAST):
        left, low, right, high = right, high, left, low
    try:
        impossible = _impossible(left, low, right, high) or _impossible(right, high, left, low)
    except TypeError:  # A threshold of the wrong type is reported on its own.
        return ""
    return f"{left.value} {shown(low)} and {right.value} {shown(high)} can never both hold" if impossible else ""


def _impossible(left: Comparison, one: Any, right: Comparison, other: Any) -> bool:
    if left is Comparison.AT_LEAST and right is Comparison.AT_MOST:
        return bool(one > other)
    if left is Comparison.EQUALS and right is not Comparison.PRESENT:
        return not _value_holds(one, right, other)
    return False


def _value_holds(value: Any, comparison: Comparison, threshold: Any) -> bool:
    if comparison is Comparison.AT_MOST:
        return bool(value <= threshold)
    if comparison is Comparison.AT_LEAST:
        return bool(value >= threshold)
    return bool(value in threshold)


def _repeated_columns(entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Mistake]:
    for (first, one), (second, other) in combinations(entries, 2):
        for comparison in ColumnComparison:
            if comparison.value in one and comparison.value in other and chosen_columns(one) == chosen_columns(other):
                text = f"{comparison.value} stands twice for the same columns (columns {first + 1}, {second + 1})"
                yield ("columns", second, comparison.value), text


def chosen_columns(entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Which columns an entry under ``columns:`` is about: its names, roles and kinds."""
    return {part: _as_tuple(entry[part]) for part in ("name", "role", "kind") if part in entry}


def _as_tuple(value: Any) -> tuple[str, ...]:
    return tuple(sorted(map(str, value))) if isinstance(value, list) else (str(value),)
