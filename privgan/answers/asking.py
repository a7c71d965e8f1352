"""Ask a released or fitted model: read its noisy marginals, and answer from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from privgan.answers.answer import Answer
from privgan.answers.answering import answer
from privgan.answers.grammar import parse_question
from privgan.answers.knowledge import Knowledge
from privgan.answers.question import Question, Target
from privgan.domain.predicates import columns_in
from privgan.errors import UsageError
from privgan.release.marginal_folder import marginals_in
from privgan.synthesizer import Synthesizer
from privgan.table.conform import conform

_DRAWN, _SEED = 50_000, 0


def ask(synthesizer: Synthesizer, folder: Path | None, text: str, target: Target) -> Answer:
    """Answer a question about the table that a model was fitted to.

    Args:
        synthesizer: The model.
        folder: Where its noisy marginals lie, of a release or of a fit; None for nowhere.
        text: The question.
        target: What the intervals are about.

    Raises:
        UsageError: The question cannot be read or answered, or the marginals are damaged.
    """
    question = parse_question(text, synthesizer.schema)
    if synthesizer.parts:
        _check_one_column(question)
    return answer(question, knowledge_of(synthesizer, folder), synthesizer.schema, target)


def knowledge_of(synthesizer: Synthesizer, folder: Path | None) -> Knowledge:
    """What is known of a table: its noisy marginals where a folder holds them, and the model.

    Args:
        synthesizer: The model.
        folder: As for ``ask``.
    """
    found = None if folder is None else marginals_in(folder, synthesizer.encoders)
    return Knowledge(
        synthesizer.encoder,
        () if found is None else found.parts[0].kept,
        1.0 if found is None else found.counted,
        synthesizer.schema.unit.max_rows,
        float(synthesizer.rows),
        lambda: _drawn(synthesizer),
    )


def _drawn(synthesizer: Synthesizer) -> np.ndarray:
    rows = conform(synthesizer.sample(_DRAWN, seed=_SEED), synthesizer.schema)
    return synthesizer.encoder.encode(rows)


def _check_one_column(question: Question) -> None:
    """Check that a question is of one column: those of a table in parts are measured apart."""
    names = set(columns_in(question.conditions))
    names |= {one.column.name for one in question.statistics if one.column is not None}
    names |= {column.name for column in question.by}
    if len(names) > 1:
        raise UsageError(
            f"{', '.join(sorted(names))}: of a table with histories, or of several tables, single"
            " columns can be asked about, one at a time: how its columns go together was measured"
            " for whole customers"
        )
