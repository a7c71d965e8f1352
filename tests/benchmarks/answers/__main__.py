"""Measure the intervals of answers on real tables, and write reports/uses/answers.md.

``python -m tests.benchmarks.answers --data DATA --work WORK``. Each draw is a table of as many rows
drawn with replacement from the published one, which is the population, and a fit with fresh noise.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.answers.answer import Origin
from privgan.answers.answering import answer
from privgan.answers.grammar import parse_question
from privgan.answers.question import Measure, Target
from privgan.errors import UsageError
from tests.benchmarks.answers.laplace import half_width
from tests.benchmarks.answers.measuring import measured
from tests.benchmarks.answers.page import write_page
from tests.benchmarks.answers.questions import drawn_questions
from tests.benchmarks.answers.truth import rows_of, truth
from tests.benchmarks.tables import prepare

TABLES, QUESTIONS, DRAWS, EPSILON = ("adult", "bank", "online_shoppers"), 200, 20, 3.0
_NORMAL = 1.959964


def main() -> None:
    """Run what is not finished yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="The folder of the tables.")
    parser.add_argument("--work", type=Path, required=True, help="Keeps what is finished.")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--epsilon", type=float, default=EPSILON)
    parser.add_argument("--page", type=Path, default=Path("reports/uses/answers.md"))
    asked = parser.parse_args()
    for draw in range(asked.draws):
        for table in TABLES:
            file = asked.work / "answers" / f"{table}-{asked.epsilon:g}-{draw}.json"
            if not file.exists():
                began = time.time()
                found = one_draw(table, draw, asked)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(found), encoding="utf-8")
                sys.stdout.write(f"{file.stem}: {time.time() - began:.0f} s\n")
                sys.stdout.flush()
    write_page(asked.page, asked.work / "answers", asked)


def one_draw(table: str, draw: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each question and target."""
    prepared = prepare(table, asked.data, asked.work)
    population, schema = prepared.typed(prepared.train), prepared.schema
    questions = drawn_questions(population, schema, asked.questions, seed=1)
    chosen = np.random.default_rng(draw).integers(len(population), size=len(population))
    frame = population.iloc[chosen].reset_index(drop=True)
    known = measured(frame, schema, asked.epsilon)
    rows = []
    for text in questions:
        question = parse_question(text, schema)
        for target in Target:
            whole = frame if target is Target.TABLE else population
            try:
                (figure,) = answer(question, known, schema, target).figures
            except UsageError:
                rows.append({"question": text, "target": target.value, "value": None})
                continue
            true = truth(question, whole)
            rows.append(
                {
                    "question": text,
                    "target": target.value,
                    "kind": "difference" if "-" in text.split() else question.statistics[0].measure,
                    "value": figure.value,
                    "low": figure.low,
                    "high": figure.high,
                    "truth": true,
                    "direct": figure.origin is Origin.MEASURED,
                    "split": figure.errors is None or figure.errors.coding > 0,
                    "deviation": None if figure.errors is None else figure.errors.together,
                    **_parts(figure),
                    "laplace": _laplace(question, frame, figure, asked.epsilon, target),
                }
            )
    return rows


def _parts(figure: Any) -> dict[str, float | None]:
    """The standard deviations of each part of a figure's error."""
    names = ("noise", "held_out", "sampling", "coding")
    return {name: getattr(figure.errors, name, None) for name in names}


def _laplace(
    question: Any, frame: pd.DataFrame, figure: Any, epsilon: float, target: Target
) -> float | None:
    """Half of the Laplace answer's interval, sampling included where the population is meant."""
    if question.statistics[0].measure is Measure.QUANTILE:
        return None
    rows = max(1, rows_of(question, frame))
    half = half_width(question, float(figure.value), rows, epsilon)
    if half is None or target is Target.TABLE:
        return half
    # A Laplace answer counts everybody: its sampling error is that of the whole table.
    return math.hypot(half, _NORMAL * figure.errors.sampling)


if __name__ == "__main__":
    main()
