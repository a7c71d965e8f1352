"""Write where time and memory go, one table for each command, its states side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FUNCTIONS = 12
_LEAST = 0.02  # Of all seconds: functions that take less are not told.

Results = Mapping[str, Mapping[str, Any]]


def updated(path: Path, label: str, found: Results) -> dict[str, dict[str, Any]]:
    """Keep results in a file beside those of other states: by point, then by state."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, result in found.items():
        stages = [
            {**stage, "functions": dict(list(stage["functions"].items())[:_FUNCTIONS])}
            for stage in result.get("stages", [])
        ]
        kept.setdefault(name, {})[label] = {"status": result["status"], "stages": stages}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(kept), indent=1), encoding="utf-8")
    return kept


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def write_markdown(path: Path, kept: Results) -> None:
    """Write all points."""
    told = [
        "# Where the time and the memory go\n",
        (
            "Made by `python -m tests.benchmarks.stages`, with one thread. Seconds are the"
            " processor's; MB is the most that the process held in a stage. Simulated tables have"
            " 20 columns, half of them numbers and half categories; ε is 3.\n"
        ),
        *(line for name, states in kept.items() for line in _section(name, states)),
    ]
    path.write_text("\n".join(told), encoding="utf-8")


def _section(name: str, states: Mapping[str, Any]) -> list[str]:
    whole = {label: state for label, state in states.items() if state["stages"]}
    failed = [
        f"{label}: {state['status']}.\n" for label, state in states.items() if label not in whole
    ]
    names = list(dict.fromkeys(s["stage"] for state in whole.values() for s in state["stages"]))
    head = " | ".join(f"{label}, s | {label}, MB" for label in whole)
    return [
        f"## `{name}`\n",
        *failed,
        f"| stage | {head} |",
        f"|---|{'---|---|' * len(whole)}",
        *(f"| {stage} | {_cells(whole, stage)} |" for stage in names),
        f"| **all** | {' | '.join(_all(state['stages']) for state in whole.values())} |",
        "",
        *_largest(whole),
    ]


def _cells(states: Mapping[str, Any], stage: str) -> str:
    found = []
    for state in states.values():
        one = next((part for part in state["stages"] if part["stage"] == stage), None)
        found.append(f"{one['seconds']:.1f} | {one['megabytes']:.0f}" if one else " | ")
    return " | ".join(found)


def _all(stages: Sequence[Mapping[str, Any]]) -> str:
    seconds = sum(stage["seconds"] for stage in stages)
    return f"**{seconds:.1f}** | **{max(stage['megabytes'] for stage in stages):.0f}**"


def _largest(states: Mapping[str, Any]) -> list[str]:
    """Of the last state the functions that take most of each stage's time."""
    if not states:
        return []
    label, state = list(states.items())[-1]
    least = _LEAST * sum(stage["seconds"] for stage in state["stages"])
    lines = [
        f"- {stage['stage']}: {', '.join(found)}"
        for stage in state["stages"]
        if (found := _told(stage["functions"], least))
    ]
    return [f"Functions with what they call ({label}):\n", *lines, ""] if lines else []


def _told(functions: Mapping[str, float], least: float) -> list[str]:
    return [f"`{name}` {seconds:.1f} s" for name, seconds in functions.items() if seconds >= least]
