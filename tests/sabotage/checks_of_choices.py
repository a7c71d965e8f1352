"""What must hold of choices among coarse marginals of many columns."""

from __future__ import annotations

import numpy as np

from tests.sabotage import world


def one_row_moves_a_choice_by_its_sensitivity() -> None:
    """One row more or less, the same outcomes: no score of any choice moves by more than one."""
    frame = world.rows_of_many(0)
    whole = world.chosen_of_many(frame)[0]
    for rest in (frame[1:], frame[:-1], frame.iloc[[0, *range(len(frame))]]):
        for one, two in zip(whole, world.chosen_of_many(rest)[0], strict=True):
            assert one.shape == two.shape, "one row moves the number of candidates"
            moved = float(np.abs(one - two).max())
            assert moved <= 1 + 1e-6, f"one row moves a score by {moved:.3g}"


def coarse_marginals_follow_from_outcomes_alone() -> None:
    """Two tables, coins that hide all outcomes: equal candidates, groups and figures.

    Each round looks at the rows by a charge of its own.
    """
    made = [
        world.chosen_of_many(world.rows_of_many(seed, rows)) for seed, rows in ((0, 600), (1, 900))
    ]
    (one, first, steps, plan), (two, second, *_) = made
    assert any(groups for _, groups, _ in first), "no coarse marginal was chosen"
    assert [len(scores) for scores in one] == [len(scores) for scores in two], (
        "candidates depend on the rows"
    )
    assert first == second, "coarse marginals depend on the rows past the mechanisms"
    assert steps == [step.name for step in plan.steps], "a round looked without its charge"


def candidates_of_many_columns_follow_from_outcomes_alone() -> None:
    """Two tables, coins that hide all outcomes: equal candidates, where not all pairs have room."""
    one, two = (
        world.candidates_of_many(world.rows_of_many(seed, rows))
        for seed, rows in ((0, 600), (1, 900))
    )
    assert 0 < len(one) <= 6, "there is no room for all pairs"
    assert one == two, "candidates depend on the rows past the mechanisms"
