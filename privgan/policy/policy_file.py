"""Read a policy file; report every mistake at once with its line.

The JSON Schema reports mistakes of form. They are passed over here, so that both kinds are reported
at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.files.documents import Document, did_you_mean, load_document, parse_document, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.metric import Exposure
from privgan.policy.column_gates import ColumnComparison, ColumnGate
from privgan.policy.facts import Fact, FactType, fact_vocabulary
from privgan.policy.gates import Comparison, Gate, Scope, Threshold
from privgan.policy.policy import Policy

Mistake = tuple[tuple[str | int, ...], str]
_ORDERED = frozenset({Comparison.AT_MOST, Comparison.AT_LEAST})
# The worst and the best end of a figure's interval.
_ENDS = {Comparison.AT_MOST: (".high", ".low"), Comparison.AT_LEAST: (".low", ".high")}


def mistakes_of_policy(data: Any) -> Iterator[Mistake]:
    """All mistakes in a policy beyond its form: place and sentence.

    Args:
        data: The policy document's data, whatever its form.
    """
    gates = [
        (index, entry)
        for index, entry in _entries(data, "gates")
        if isinstance(entry.get("fact"), str)
    ]
    for index, entry in gates:
        for key, text in _mistakes_of(entry):
            yield ("gates", index, key), f"{entry['fact']}: {text}"
    yield from _contradictions(gates)
    columns = list(_entries(data, "columns"))
    for index, entry in columns:
        found = [comparison for comparison in ColumnComparison if comparison.value in entry]
        if len(found) != 1:
            yield (
                ("columns", index),
                f"columns[{index}]: {_needs_one(list(ColumnComparison), found)}",
            )
    yield from _repeated_columns(columns)


def _entries(data: Any, key: str) -> Iterator[tuple[int, JsonDict]]:
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


def _mistakes_of(entry: JsonDict) -> Iterator[tuple[str, str]]:
    known = fact_vocabulary().get(entry["fact"])
    found = [comparison for comparison in Comparison if comparison.value in entry]
    if known is None:
        yield "fact", f"there is no such fact{did_you_mean(entry['fact'], list(fact_vocabulary()))}"
    elif entry.get("scope") == Scope.PUBLIC.value and known.exposure is Exposure.INTERNAL:
        yield (
            "scope",
            (
                "follows from real rows without noise, so its outcome must not leave; write scope:"
                " internal"
            ),
        )
    if len(found) != 1:
        yield "fact", _needs_one(list(Comparison), found)
    elif known is not None:
        yield from _mistakes_of_threshold(known, found[0], entry[found[0].value])


def _mistakes_of_threshold(
    known: Fact, comparison: Comparison, threshold: Any
) -> Iterator[tuple[str, str]]:
    if _well_formed(comparison, threshold):
        yield from ((comparison.value, text) for text in _misfits(known, comparison, threshold))
    yield from (("fact", text) for text in _wrong_end(known, comparison))


def _misfits(known: Fact, comparison: Comparison, threshold: Any) -> Iterator[str]:
    """Reasons why a well-formed threshold does not fit a fact."""
    if wrong := _wrong_type(known, comparison, threshold):
        yield wrong
    elif known.type is FactType.NUMBER and comparison is not Comparison.PRESENT:
        yield from _out_of_range(known, comparison, threshold)
    elif known.values:
        strange = [value for value in _texts(comparison, threshold) if value not in known.values]
        yield from (
            f"never is {shown(value)}; it is one of {', '.join(known.values)}" for value in strange
        )


def _wrong_type(known: Fact, comparison: Comparison, threshold: Any) -> str:
    """Mismatch of a comparison or threshold with the fact's type.

    Empty if all fits.
    """
    if comparison in _ORDERED:
        if known.type is not FactType.NUMBER:
            return f"is a {known.type.value}, and {comparison.value} needs a number"
        return "" if math.isfinite(threshold) else f"{comparison.value} needs a finite number"
    if comparison is Comparison.ONE_OF and known.type is not FactType.STRING:
        return f"is a {known.type.value}, and one_of needs a text"
    if comparison is Comparison.EQUALS and not known.type.fits(threshold):
        return f"is a {known.type.value}, found {shown(threshold)}"
    return ""


def _out_of_range(known: Fact, comparison: Comparison, threshold: float) -> Iterator[str]:
    low, high = known.minimum, known.maximum
    if (low is None or threshold >= low) and (high is None or threshold <= high):
        return
    least, most = "-∞" if low is None else f"{low:g}", "∞" if high is None else f"{high:g}"
    yield f"{comparison.value} {threshold:g} is outside of what it can be, {least} to {most}"


def _wrong_end(known: Fact, comparison: Comparison) -> Iterator[str]:
    """Mistake of judging a figure at the better end of its interval."""
    if comparison not in _ENDS:
        return
    worse, better = _ENDS[comparison]
    base = known.name.removesuffix(better)
    if not known.name.endswith(worse) and base + worse in fact_vocabulary():
        yield (
            f"is judged on the worse end of its interval; {comparison.value} goes with"
            f" {base + worse}"
        )


def _texts(comparison: Comparison, threshold: Any) -> list[str]:
    if comparison is Comparison.ONE_OF:
        return [str(value) for value in threshold]
    return [str(threshold)] if comparison is Comparison.EQUALS else []


def _contradictions(entries: list[tuple[int, JsonDict]]) -> Iterator[Mistake]:
    """Pairs of gates on one fact that exclude each other or repeat each other."""
    for (first, one), (second, other) in combinations(entries, 2):
        if one["fact"] != other["fact"]:
            continue
        for left in Comparison:
            for right in Comparison:
                if _sound(one, left) and _sound(other, right):
                    text = _clash(left, one[left.value], right, other[right.value])
                    if text:
                        yield (
                            ("gates", second, right.value),
                            f"{one['fact']}: {text} (gates {first + 1}, {second + 1})",
                        )


def _sound(entry: JsonDict, comparison: Comparison) -> bool:
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
    return (
        f"{left.value} {shown(low)} and {right.value} {shown(high)} can never both hold"
        if impossible
        else ""
    )


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


def _repeated_columns(entries: list[tuple[int, JsonDict]]) -> Iterator[Mistake]:
    for (first, one), (second, other) in combinations(entries, 2):
        for comparison in ColumnComparison:
            if (
                comparison.value in one
                and comparison.value in other
                and chosen_columns(one) == chosen_columns(other)
            ):
                text = (
                    f"{comparison.value} stands twice for the same columns (columns {first + 1},"
                    f" {second + 1})"
                )
                yield ("columns", second, comparison.value), text


def chosen_columns(entry: JsonMapping) -> dict[str, tuple[str, ...]]:
    """Names, roles and kinds that an entry under ``columns:`` selects."""
    return {part: _as_tuple(entry[part]) for part in ("name", "role", "kind") if part in entry}


def _as_tuple(value: Any) -> tuple[str, ...]:
    return tuple(sorted(map(str, value))) if isinstance(value, list) else (str(value),)


POLICY_FORMAT = "privgan.policy/1"
_TEXT_KEYS = frozenset(
    {
        "format",
        "name",
        "version",
        "purpose",
        "purpose_zh",
        "standard",
        "fact",
        "one_of",
        "scope",
        "role",
        "kind",
    }
    | {"reason", "reason_zh", "advice", "advice_zh", "clause"}
)


def shipped_policies() -> Mapping[str, Path]:
    """Policies that come with privgan: name to file."""
    package = Path(__file__).parents[1]
    # A wheel has the policies inside the package, a checkout beside it.
    for folder in (package / "policies", package.parent / "policies"):
        found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        if found:
            return found
    return {}


def load_policy(name_or_path: str) -> Policy:
    """Load a shipped policy by name, or any policy by the path of its file.

    Args:
        name_or_path: E.g. ``partner-share`` or ``./our-policy.yaml``.

    Raises:
        UsageError: There is no such policy.
        DocumentError: The file is wrong; lists every mistake with its line.

    >>> load_policy("internal-analytics")
    Policy('internal-analytics', '1.1', 8 gates)
    >>> load_policy("internal-analytic")
    Traceback (most recent call last):
    privgan.errors.UsageError: policy 'internal-analytic': not known; did you mean
    'internal-analytics'?; ...
    """
    path = policy_path(name_or_path)
    return _policy(
        load_document(
            path, format_name=POLICY_FORMAT, text_keys=_TEXT_KEYS, also=mistakes_of_policy
        )
    )


def parse_policy(text: str, name: str) -> Policy:
    """Parse a policy from the text of a named file."""
    checks: JsonDict = {"text_keys": _TEXT_KEYS, "also": mistakes_of_policy}
    return _policy(parse_document(text, name=name, format_name=POLICY_FORMAT, **checks))


def _policy(document: Document) -> Policy:
    data = document.data
    return Policy(
        name=data["name"],
        version=data["version"],
        purpose=_text(data["purpose"]),
        attempts_per_dataset=int(data["attempts_per_dataset"]),
        gates=tuple(
            _gate(entry, document.line_of(("gates", place)))
            for place, entry in enumerate(data["gates"])
        ),
        columns=tuple(
            _column_gate(entry, document.line_of(("columns", place)))
            for place, entry in enumerate(data.get("columns", []))
        ),
        purpose_zh=_text(data.get("purpose_zh", "")),
        standard=_text(data.get("standard", "")),
        file=document.name,
    )


def policy_path(name_or_path: str) -> Path:
    """File of a shipped policy's name, or the path itself; UsageError if there is none."""
    shipped = shipped_policies()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.suffix in {".yaml", ".yml"} or path.name != name_or_path:
        raise UsageError(
            f"policy file {name_or_path}: not found; check the path, or name one of"
            f" {', '.join(shipped)}"
        )
    raise UsageError(
        f"policy {shown(name_or_path)}: not known{did_you_mean(name_or_path, list(shipped))};"
        f" shipped: {', '.join(shipped)}; or give the path of a policy file"
    )


def _text(text: str) -> str:
    return text.strip()


def _document_texts(entry: JsonMapping) -> dict[str, str]:
    return {
        key: _text(entry.get(key, ""))
        for key in ("reason", "advice", "reason_zh", "advice_zh", "clause")
    }


def _gate(entry: JsonDict, line: int) -> Gate:
    comparison = next(comparison for comparison in Comparison if comparison.value in entry)
    written = entry[comparison.value]
    threshold: Threshold = tuple(written) if isinstance(written, list) else written
    texts = _document_texts(entry)
    scope = Scope(entry["scope"])
    return Gate(
        fact=entry["fact"],
        comparison=comparison,
        threshold=threshold,
        scope=scope,
        line=line,
        **texts,
    )


def _column_gate(entry: JsonDict, line: int) -> ColumnGate:
    comparison = next(comparison for comparison in ColumnComparison if comparison.value in entry)
    chosen = chosen_columns(entry)
    return ColumnGate(
        names=chosen.get("name", ()),
        roles=chosen.get("role", ()),
        kinds=chosen.get("kind", ()),
        comparison=comparison,
        threshold=entry[comparison.value],
        line=line,
        **_document_texts(entry),
    )
