"""Read a policy file, and report every mistake in it at once with its line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from privgan.documents import Document, did_you_mean, load_document, shown
from privgan.errors import DocumentError, UsageError
from privgan.metric import Exposure
from privgan.policy.facts import Fact, FactType, fact_vocabulary
from privgan.policy.policy import Comparison, Gate, Policy, Scope, Threshold

POLICY_FORMAT = "privgan.policy/1"
_TEXT_KEYS = frozenset({"format", "name", "version", "purpose", "fact", "one_of", "scope", "reason", "advice"})
_ORDERED = frozenset({Comparison.AT_MOST, Comparison.AT_LEAST})


def shipped_policies() -> Mapping[str, Path]:
    """The policies that come with privgan: name to file."""
    package = Path(__file__).parents[1]
    # In a wheel they lie inside the package; in a checkout beside it.
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
    """
    return policy_from_document(load_document(_policy_path(name_or_path), format_name=POLICY_FORMAT, text_keys=_TEXT_KEYS))


def policy_from_document(document: Document) -> Policy:
    """The policy that a document describes; DocumentError with every mistake."""
    entries = document.data["gates"]
    numbered = [*_mistakes_of_gates(entries), *_contradictions(entries)]
    if numbered:
        ordered = sorted(numbered, key=lambda mistake: document.line_of(mistake[0]))
        raise DocumentError(document.name, [document.mistake(path, text) for path, text in ordered])
    return Policy(
        name=document.data["name"],
        version=document.data["version"],
        purpose=document.data["purpose"],
        attempts_per_dataset=int(document.data["attempts_per_dataset"]),
        gates=tuple(_gate(entry) for entry in entries),
    )


def _policy_path(name_or_path: str) -> Path:
    shipped = shipped_policies()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.suffix in {".yaml", ".yml"} or path.name != name_or_path:
        raise UsageError(f"policy file {name_or_path}: not found; check the path, or name one of {', '.join(shipped)}")
    raise UsageError(
        f"policy {shown(name_or_path)}: not known{did_you_mean(name_or_path, list(shipped))};"
        f" shipped: {', '.join(shipped)}; or give the path of a policy file"
    )


_Mistake = tuple[tuple[str | int, ...], str]


def _mistakes_of_gates(entries: list[dict[str, Any]]) -> Iterator[_Mistake]:
    for index, entry in enumerate(entries):
        for key, text in _mistakes_of(entry):
            yield ("gates", index, key), f"{entry['fact']}: {text}"


def _mistakes_of(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = fact_vocabulary().get(entry["fact"])
    found = [comparison for comparison in Comparison if comparison.value in entry]
    if known is None:
        yield "fact", f"there is no such fact{did_you_mean(entry['fact'], list(fact_vocabulary()))}"
    elif entry["scope"] == Scope.PUBLIC.value and known.exposure is Exposure.INTERNAL:
        yield "scope", "is computed from real rows, so its outcome must not leave; write scope: internal"
    if len(found) != 1:
        named = " and ".join(found) if found else "none"
        yield "fact", f"needs exactly one of {', '.join(Comparison)}; found {named}"
    elif known is not None:
        yield from ((found[0].value, text) for text in _misfits(known, found[0], entry[found[0].value]))


def _misfits(known: Fact, comparison: Comparison, threshold: Any) -> Iterator[str]:
    if comparison in _ORDERED and known.type is not FactType.NUMBER:
        yield f"is a {known.type.value}, and {comparison.value} needs a number"
    elif comparison in _ORDERED and not math.isfinite(threshold):
        yield f"{comparison.value} needs a finite number"
    elif comparison is Comparison.ONE_OF and known.type is not FactType.STRING:
        yield f"is a {known.type.value}, and one_of needs a text"
    elif comparison is Comparison.EQUALS and not known.type.fits(threshold):
        yield f"is a {known.type.value}, found {shown(threshold)}"
    elif known.values:
        for value in _texts(comparison, threshold):
            if value not in known.values:
                yield f"never is {shown(value)}; it is one of {', '.join(known.values)}"


def _texts(comparison: Comparison, threshold: Any) -> list[str]:
    if comparison is Comparison.ONE_OF:
        return [str(value) for value in threshold]
    return [str(threshold)] if comparison is Comparison.EQUALS else []


def _contradictions(entries: list[dict[str, Any]]) -> Iterator[_Mistake]:
    """Pairs of gates on one fact that no value can pass together, or that say the same thing twice."""
    for (first, one), (second, other) in combinations(enumerate(entries), 2):
        if one["fact"] != other["fact"]:
            continue
        for left in Comparison:
            for right in Comparison:
                if left.value in one and right.value in other:
                    text = _clash(left, one[left.value], right, other[right.value])
                    if text:
                        yield ("gates", second, right.value), f"{one['fact']}: {text} (gates {first + 1}, {second + 1})"


def _clash(left: Comparison, low: Any, right: Comparison, high: Any) -> str:
    if left is right and low == high:
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
    if left is Comparison.ONE_OF and right is Comparison.ONE_OF:
        return not set(one) & set(other)
    return False


def _value_holds(value: Any, comparison: Comparison, threshold: Any) -> bool:
    if comparison is Comparison.AT_MOST:
        return bool(value <= threshold)
    if comparison is Comparison.AT_LEAST:
        return bool(value >= threshold)
    return bool(value in threshold if comparison is Comparison.ONE_OF else value == threshold)


def _gate(entry: dict[str, Any]) -> Gate:
    comparison = next(comparison for comparison in Comparison if comparison.value in entry)
    written = entry[comparison.value]
    threshold: Threshold = tuple(written) if isinstance(written, list) else written
    return Gate(
        fact=entry["fact"],
        comparison=comparison,
        threshold=threshold,
        scope=Scope(entry["scope"]),
        reason=entry["reason"].strip(),
        advice=entry["advice"].strip(),
    )
