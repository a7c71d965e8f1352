"""Say of a rare outcome what its noisy counts allow to expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from privgan.files.json_types import JsonMapping
from privgan.planning.rare_outcome import TOLD_BY_REAL_ROWS, WANTED, Expectation
from privgan.report.data import NoisyShape
from privgan.report.document import Look, Paragraph, Run
from privgan.report.text import Words, number, short

_LONGEST = 60


def rare_outcome(
    release: JsonMapping, schema: JsonMapping, shapes: Sequence[NoisyShape], words: Words
) -> Iterator[Paragraph]:
    """How many positives there are by a noisy count, and how many are needed; none without one."""
    rare, plan = schema.get("rare"), release.get("plan", {})
    found = _expectation(plan, schema) if rare else None
    if rare is None or found is None:
        return
    shape = next(part for part in shapes if part.column == schema["target"])
    positives = plan["rows"] * noisy_share(shape, rare["positive"])
    outcome = f"{short(schema['target'], _LONGEST)} = {short(rare['positive'], _LONGEST)}"
    yield Paragraph(
        text=words(
            "tasks.rare",
            outcome=Run(outcome, Look.NAME),
            positives=Run(number(round(positives))),
            real=Run(number(TOLD_BY_REAL_ROWS)),
            expected=Run(number(round(found.area(positives), 2))),
            needed=Run(number(found.needed(WANTED))),
            wanted=Run(number(WANTED)),
        )
    )


def noisy_share(shape: NoisyShape, value: str) -> float:
    """The share of a value in a column's noisy counts."""
    counts = [max(0.0, count) for count in shape.noisy]
    return counts[list(shape.labels).index(value)] / (sum(counts) or 1.0)


def _expectation(plan: JsonMapping, schema: JsonMapping) -> Expectation | None:
    steps = [step for stage in plan.get("stages", ()) for step in stage["steps"]]
    noises = {step["kind"]: step["noise"] for step in steps}
    sizes = [
        len(column["categories"]) + column["missing"] if column.get("categories") else None
        for column in schema["columns"]
        if column["name"] != schema["target"] and not column.get("pattern")
    ]
    return Expectation.from_noise(noises, sizes, plan["canary_probability"])
