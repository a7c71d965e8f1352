"""Ways for the choice among coarse marginals to tell more than it is charged for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from privgan.measurement import candidates, interactions, measure
from privgan.measurement.coarse import Coarse
from privgan.measurement.interactions import Interactions
from privgan.measurement.looks import Looks
from privgan.owner.private_table import CodedRows
from privgan.planning.plan import StepKind
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L25, L37", checks.one_row_moves_a_choice_by_its_sensitivity, "moves a score by 2")
def signed_sums_of_many_rows(patch: Patch) -> None:
    """A row adds four to a signed sum, which counts half: two, where a choice allows one."""
    sums = interactions._signed_sums
    patch.setattr(interactions, "_signed_sums", lambda *arguments: 4 * sums(*arguments))


@variant("L25", checks.one_row_moves_a_choice_by_its_sensitivity, "moves a score by")
def interactions_of_a_set_added_up(patch: Patch) -> None:
    """A set's score is the sum of all its interactions, each of which a row moves."""

    class Adding:
        """In place of the maximum."""

        at = staticmethod(np.add.at)

        def __call__(self, *arguments: Any) -> Any:
            return np.maximum(*arguments)

    patch.setattr(interactions, "np", _With(maximum=Adding()))


class _With:
    """NumPy with other functions."""

    def __init__(self, **others: Any) -> None:
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@variant("L25", checks.one_row_moves_a_choice_by_its_sensitivity, "moves a score by")
def scores_relative_to_the_exact_best(patch: Patch) -> None:
    """Scores of sets are scaled to the best of them, so that one row moves all the more."""
    scores = Interactions.scores

    def scaled(self: Interactions, *arguments: Any) -> np.ndarray:
        found = scores(self, *arguments)
        return 1e6 * found / max(1.0, found.max())

    patch.setattr(Interactions, "scores", scaled)


@variant("L4, L7", checks.coarse_marginals_follow_from_outcomes_alone, "past the mechanisms")
def groups_from_exact_counts(patch: Patch) -> None:
    """Codes are grouped by the table's own shares."""
    kept, scores = list[CodedRows](), Interactions.scores

    def keeping(self: Interactions, codes: CodedRows, *more: Any) -> np.ndarray:
        kept[:] = [codes]
        return scores(self, codes, *more)

    def fitted(clique: Any, shares: Sequence[np.ndarray], most: int) -> Coarse:
        return Coarse(clique, tuple(_groups(kept[0], column) for column in clique))

    patch.setattr(Interactions, "scores", keeping)
    patch.setattr(measure, "finest", fitted)


def _groups(codes: CodedRows, column: int) -> tuple[int, ...]:
    """Each code for itself, the most frequent first: an order that only the rows tell."""
    order = np.argsort(
        np.argsort(-codes.summed(lambda part: np.bincount(part[:, column], minlength=3)))
    )
    return tuple(int(place) for place in order)


@variant("L10", checks.coarse_marginals_follow_from_outcomes_alone, "candidates depend on the rows")
def sets_that_the_rows_suggest(patch: Patch) -> None:
    """Only sets whose interaction in the table is above chance are candidates."""
    scores = Interactions.scores

    def few(self: Interactions, *arguments: Any) -> np.ndarray:
        found = scores(self, *arguments)
        return found[found > 0]

    patch.setattr(Interactions, "scores", few)


@variant(
    "L10",
    checks.candidates_of_many_columns_follow_from_outcomes_alone,
    "candidates depend on the rows",
)
def pairs_that_the_rows_suggest(patch: Patch) -> None:
    """Of many columns, pairs are candidates by their exact dependence."""
    look, kept = Looks.codes, list[CodedRows]()

    def keeping(self: Looks, *arguments: Any) -> CodedRows:
        kept[:] = [look(self, *arguments)]
        return kept[0]

    def exact(*_: Any) -> dict[tuple[int, ...], float]:
        apart = np.abs(np.corrcoef(kept[0].summed(np.asarray).T))
        pairs = list(itertools.combinations(range(len(apart)), 2))
        return {pair: float(apart[pair]) for pair in sorted(pairs, key=lambda one: -apart[one])}

    patch.setattr(Looks, "codes", keeping)
    patch.setattr(candidates, "dependences", exact)


@variant("L10, L15", checks.coarse_marginals_follow_from_outcomes_alone, "without its charge")
def scores_remembered_for_later_rounds(patch: Patch) -> None:
    """Later choices use the codes of the first one's look and charge nothing."""
    look, kept = Looks.codes, dict[int, CodedRows]()

    def once(self: Looks, step: Any, encoder: Any) -> CodedRows:
        if step.kind is not StepKind.SELECTION:
            return look(self, step, encoder)
        key = id(self.table)
        if key not in kept:
            kept[key] = look(self, step, encoder)
        return kept[key]

    patch.setattr(Looks, "codes", once)
