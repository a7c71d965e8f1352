"""Read a policy file, and report every mistake in it at once with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from privgan.documents import Document, did_you_mean, load_document, parse_document, shown
from privgan.errors import UsageError
from privgan.policy.columns import ColumnComparison, ColumnGate
from privgan.policy.gates import Comparison, Gate, Scope, Threshold
from privgan.policy.mistakes import chosen_columns, mistakes_of_policy
from privgan.policy.policy import Policy

POLICY_FORMAT = "privgan.policy/1"
_TEXT_KEYS = frozenset(
    {"format", "name", "version", "purpose", "purpose_zh", "standard", "fact", "one_of", "scope", "role", "kind"}
    | {"reason", "reason_zh", "advice", "advice_zh", "clause"}
)


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
    path = policy_path(name_or_path)
    return _policy(load_document(path, format_name=POLICY_FORMAT, text_keys=_TEXT_KEYS, also=mistakes_of_policy))


def parse_policy(text: str, name: str) -> Policy:
    """As load_policy, from the text of a file with a name."""
    checks: dict[str, Any] = {"text_keys": _TEXT_KEYS, "also": mistakes_of_policy}
    return _policy(parse_document(text, name=name, format_name=POLICY_FORMAT, **checks))


def _policy(document: Document) -> Policy:
    data = document.data
    return Policy(
        name=data["name"],
        version=data["version"],
        purpose=_text(data["purpose"]),
        attempts_per_dataset=int(data["attempts_per_dataset"]),
        gates=tuple(_gate(entry, document.line_of(("gates", place))) for place, entry in enumerate(data["gates"])),
        columns=tuple(
            _column_gate(entry, document.line_of(("columns", place))) for place, entry in enumerate(data.get("columns", []))
        ),
        purpose_zh=_text(data.get("purpose_zh", "")),
        standard=_text(data.get("standard", "")),
        file=document.name,
    )


def policy_path(name_or_path: str) -> Path:
    """The file of a shipped policy's name, or the path itself; UsageError where there is none."""
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


def _text(text: str) -> str:
    return text.strip()


def _texts(entry: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(entry.get(key, "")) for key in ("reason", "advice", "reason_zh", "advice_zh", "clause")}


def _gate(entry: dict[str, Any], line: int) -> Gate:
    comparison = next(comparison for comparison in Comparison if comparison.value in entry)
    written = entry[comparison.value]
    threshold: Threshold = tuple(written) if isinstance(written, list) else written
    texts = _texts(entry)
    scope = Scope(entry["scope"])
    return Gate(fact=entry["fact"], comparison=comparison, threshold=threshold, scope=scope, line=line, **texts)


def _column_gate(entry: dict[str, Any], line: int) -> ColumnGate:
    comparison = next(comparison for comparison in ColumnComparison if comparison.value in entry)
    chosen = chosen_columns(entry)
    return ColumnGate(
        names=chosen.get("name", ()),
        roles=chosen.get("role", ()),
        kinds=chosen.get("kind", ()),
        comparison=comparison,
        threshold=entry[comparison.value],
        line=line,
        **_texts(entry),
    )
