"""The charged looks: each pays first, in the plan's order; results depend on noisy counts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.encoding import Encoder
from privgan.errors import InternalError
from privgan.generator.mixture import Mixture
from privgan.measurement import measure
from privgan.measurement.candidates import candidate_cliques
from privgan.measurement.domain import measure_row_count
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import (
    Marginal,
    Measurements,
    differences,
    exact_counts,
    onto_simplex,
)
from privgan.owner.private_table import CodedRows, PrivateTable
from privgan.planning.model_settings import MarginalSettings
from privgan.planning.plan import Plan, StepKind
from privgan.planning.planner import make_plan, with_domain
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.events import DpEvent
from privgan.privacy.mechanisms import CountHistogram, CountHistograms
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt, mint
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.coins import RepeatableStream

SCHEMA = Schema(
    dataset="looks",
    unit=PrivacyUnit(),
    columns=(
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("a", "b", "c"), missing=True),
        Numeric(name="spend", kind=Kind.FLOAT, lower=0, upper=900, decimals=2),
        Discrete(name="left", kind=Kind.BOOLEAN, categories=("no", "yes")),
    ),
)
PLAN = make_plan(
    SCHEMA, PrivacyBudget(epsilon=2), public_rows=1_000, effort="quick", marginal_share=1.0
)
# The last column is the target, so its pairs come first.
UNCHOSEN = [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1), (0, 1, 2)]


class Noiseless(SecretStream):
    """Coins that add nothing and choose the best: they show what the noise is added to."""

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        return np.asarray(counts, dtype=np.int64)

    def discrete_laplace(self, count: int, scale: float) -> int:
        return count

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        return int(np.argmax(scores))


class Book:
    """A charger that remembers; it refuses when told to."""

    def __init__(self, refuse_at: int | None = None) -> None:
        self.charged: list[tuple[str, DpEvent]] = []
        self._refuse_at = refuse_at

    def charge(self, step: str, event: DpEvent) -> Receipt:
        if len(self.charged) == self._refuse_at:
            raise InternalError("no more")
        self.charged.append((step, event))
        return mint(dataset="looks", step=step, event=event)


class SpyTable(PrivateTable):
    """Counts how often rows came out."""

    looks = 0

    def _redeem(self, receipt: Receipt) -> None:
        super()._redeem(receipt)
        self.looks += 1


class Even:
    """A model that knows nothing: even shares."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._mixture = Mixture([np.ones((1, size)) for size in sizes])

    def marginals(self) -> Callable[[tuple[int, ...]], np.ndarray]:
        return self._mixture.marginal

    def probabilities(self) -> Sequence[np.ndarray]:
        return self._mixture.probabilities


def _frame(seed: int = 0, rows: int = 1_000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    left = rng.choice(["no", "yes"], rows)
    return pd.DataFrame(
        {
            "tier": np.where(
                left == "yes", "a", rng.choice(np.array(["b", "c", None], dtype=object), rows)
            ),
            "spend": rng.gamma(2, 60, rows).clip(0, 900).round(2),
            "left": left,
        }
    )


def _looks(frame: pd.DataFrame, coins: SecretStream, book: Book | None = None) -> Looks:
    return Looks(
        table=PrivateTable("looks", PrivacyUnit(), frame), ledger=book or Book(), coins=coins
    )


def _measure(
    table: PrivateTable, book: Book, coins: SecretStream, plan: Plan = PLAN
) -> tuple[Encoder, Measurements]:
    looks = Looks(table=table, ledger=book, coins=coins)
    encoder = measure.measure_encoder(looks, SCHEMA, plan)
    first = measure.measure_one_way(looks, encoder, plan)
    first = measure.measure_all(looks, SCHEMA, encoder, plan, first)
    model = Even(encoder.sizes)
    return encoder, measure.measure_rounds(looks, encoder, plan, first, lambda *_: model, model)


def test_every_look_is_charged_in_the_plans_order_and_no_step_is_left() -> None:
    table, book = SpyTable("looks", PrivacyUnit(), _frame()), Book()
    _measure(table, book, SecretStream())
    assert book.charged == [(step.name, step.event) for step in PLAN.steps]
    assert table.looks == len(PLAN.steps)


@pytest.mark.parametrize("at", range(0, len(PLAN.steps), 2))
def test_no_row_comes_out_after_a_refused_charge(at: int) -> None:
    table, book = SpyTable("looks", PrivacyUnit(), _frame()), Book(refuse_at=at)
    with pytest.raises(InternalError, match="no more"):
        _measure(table, book, SecretStream())
    assert table.looks == at


def test_without_noise_the_measurements_are_the_counts() -> None:
    frame = _frame()
    encoder, found = _measure(PrivateTable("looks", PrivacyUnit(), frame), Book(), Noiseless())
    codes = encoder.encode(frame)
    assert [marginal.clique for marginal in found.marginals[:7]] == UNCHOSEN
    assert (
        len({marginal.clique for marginal in found.marginals[7:]}) == len(found.marginals[7:]) == 3
    )
    for marginal in found.marginals:
        counts, sizes = (
            exact_counts(codes, marginal.clique, encoder.sizes),
            [encoder.sizes[place] for place in marginal.clique],
        )
        if marginal.interaction_only:
            assert (
                differences(marginal.counts, sizes).tolist() == differences(counts, sizes).tolist()
            )
        else:
            assert marginal.counts.tolist() == counts.tolist()
    assert any(marginal.interaction_only for marginal in found.marginals)
    assert found.rows == pytest.approx(1_000)
    assert {0, 2} <= set(found.marginals[7].clique)


def test_without_noise_nothing_but_counts_moves_the_encoder() -> None:
    """Two tables with the same fine histogram.

    The rows' order, and what goes with what, are not seen.
    """
    frame = _frame()
    shuffled = frame.assign(spend=frame["spend"].sample(frac=1, random_state=1).to_numpy())
    one, two = (
        measure.measure_encoder(_looks(rows, Noiseless()), SCHEMA, PLAN)
        for rows in (frame, shuffled)
    )
    assert [column.to_json() for column in one.columns] == [
        column.to_json() for column in two.columns
    ]


def test_the_same_noisy_counts_give_the_same_encoder_whatever_the_rows() -> None:
    """Post-processing: with the release of the histogram fixed, the table no longer matters."""

    class Fixed(Noiseless):
        def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
            return np.arange(len(counts)) % 7 * 10

    made = [
        measure.measure_encoder(_looks(_frame(seed, rows), Fixed()), SCHEMA, PLAN)
        for seed, rows in ((0, 1_000), (9, 30))
    ]
    assert [column.to_json() for column in made[0].columns] == [
        column.to_json() for column in made[1].columns
    ]


@pytest.mark.parametrize("noisy", [-500, 0])
def test_a_histogram_that_is_all_noise_still_gives_an_encoder(noisy: int) -> None:
    class Negative(Noiseless):
        def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
            return np.full(len(counts), noisy)

    table = PrivateTable("looks", PrivacyUnit(), _frame())
    encoder, found = _measure(table, Book(), Negative())
    assert all(np.isfinite(column.within).all() for column in encoder.columns)
    for index in range(3):
        assert found.one_way(index).sum() == pytest.approx(1)
    assert found.rows >= 1


def test_rounds_without_candidates_are_charged_all_the_same() -> None:
    """The charge must be the plan's, even where every marginal is too large to be chosen."""
    narrow = replace(PLAN, marginals=replace(PLAN.marginals, largest_marginal=1))
    table, book = SpyTable("looks", PrivacyUnit(), _frame()), Book()
    _, found = _measure(table, book, Noiseless(), narrow)
    assert book.charged == [(step.name, step.event) for step in PLAN.steps]
    assert [marginal.clique for marginal in found.marginals] == UNCHOSEN
    rounds = [
        step for step in PLAN.steps if step.kind in {StepKind.SELECTION, StepKind.CHOSEN_MARGINAL}
    ]
    assert table.looks == len(PLAN.steps) - len(rounds)


def test_the_row_count_is_of_the_whole_table_though_canaries_are_left_out() -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=2), public_rows=None)
    book = Book()
    counted = measure_row_count(_looks(_frame(rows=900), Noiseless(), book), plan)
    assert counted == 1_000
    assert book.charged == [("row-count", plan.step("row-count").event)]
    with pytest.raises(KeyError):
        measure_row_count(_looks(_frame(), Noiseless()), PLAN)


@pytest.mark.parametrize("rows", [1_000, 90_000])
def test_stage_2_is_a_function_of_the_noisy_count_alone(rows: int) -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=2), public_rows=None, marginal_share=1.0)
    once, again = with_domain(plan, SCHEMA, rows), with_domain(plan, SCHEMA, rows)
    assert once.steps == again.steps
    assert once.cost is not None
    assert 0.97 * once.model_budget.epsilon <= once.cost.epsilon <= once.model_budget.epsilon


# --- sensitivities
# --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 10_000))
def test_one_row_moves_one_cell_of_each_histogram_by_one(seed: int, rows: int, extra: int) -> None:
    """What CountHistogram's noise rests on, for cells, 1-way and wider marginals alike."""
    frame, more = _frame(seed, rows), _frame(extra, 1)
    encoder = _ENCODER
    one, two = encoder.encode(frame), encoder.encode(pd.concat([frame, more], ignore_index=True))
    for clique in [(0,), (1,), (2,), (0, 1), (0, 1, 2)]:
        moved = exact_counts(two, clique, encoder.sizes) - exact_counts(one, clique, encoder.sizes)
        assert moved.min() >= 0
        assert moved.sum() == 1


class Recording(Noiseless):
    """Coins that add nothing and remember what they should have been added to."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        self.seen.append(np.asarray(counts))
        return super().discrete_gaussian(counts, standard_deviation)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 10_000))
def test_one_row_moves_one_figure_of_each_marginal_that_meets_the_noise(
    seed: int, rows: int, extra: int
) -> None:
    """Whole counts and differences alike.

    As many steps of one as the event pays for, and no more.
    """
    frame, seen = _frame(seed, rows), []
    for table in (frame, pd.concat([frame, _frame(extra, 1)], ignore_index=True)):
        coins = Recording()
        looks = _looks(table, coins)
        first = measure.measure_one_way(looks, _ENCODER, PLAN)
        measure.measure_all(looks, SCHEMA, _ENCODER, PLAN, first)
        seen.append(coins.seen)
    paid = [
        step.mechanism
        for step in PLAN.steps
        if step.kind is StepKind.MARGINAL or isinstance(step.mechanism, CountHistograms)
    ]
    assert len(seen[0]) == len(paid)
    for mechanism, one, two in zip(paid, *seen, strict=True):
        moved = np.abs(two - one)
        assert moved.max() == 1
        assert moved.sum() == getattr(mechanism, "number", 1)


_ENCODER = measure.measure_encoder(_looks(_frame(), RepeatableStream(0)), SCHEMA, PLAN)


@settings(max_examples=60)
@given(
    st.lists(st.integers(2, 6), min_size=2, max_size=6),
    st.integers(0, 10_000),
    st.integers(1, 50),
    st.floats(1, 1e5),
    st.floats(0.1, 500),
    st.integers(2, 20),
)
def test_scores_of_any_table_move_by_at_most_one_a_row(
    sizes: list[int], seed: int, rows: int, planned: float, noise: float, most: int
) -> None:
    """For any sizes, candidates, model, row estimate and noise; adding and removing alike."""
    rng = np.random.default_rng(seed)
    limits = MarginalSettings(
        max_cells=64,
        max_codes=8,
        largest_identity=16,
        largest_marginal=200,
        max_candidates=most,
        widest=3,
        choices_per_fit=1,
        largest_triple=100,
        triple_cells=1_000,
    )
    candidates = candidate_cliques(sizes, limits)
    shares = {
        clique: rng.dirichlet(np.ones(int(np.prod([sizes[c] for c in clique]))))
        for clique in candidates
    }
    codes = np.stack([rng.integers(0, size, rows) for size in sizes], axis=1)

    class Sizes:
        def __init__(self) -> None:
            self.sizes = tuple(sizes)

    def scores(table: np.ndarray) -> np.ndarray:
        counter = measure._Counter(Sizes())  # type: ignore[arg-type]
        return measure._scores(
            candidates, counter, CodedRows([table]), shares.__getitem__, planned, noise
        )

    whole = scores(codes)
    assert np.abs(scores(codes[1:]) - whole).max() <= 1 + 1e-6
    assert np.abs(scores(np.vstack([codes, codes[:1]])) - whole).max() <= 1 + 1e-6
    for step in PLAN.of_kind(StepKind.SELECTION):
        assert step.mechanism is not None
        assert step.mechanism.sensitivity == 1  # type: ignore[union-attr]


def test_the_plans_histograms_have_the_units_sensitivity() -> None:
    for step in PLAN.steps:
        if isinstance(step.mechanism, CountHistogram):
            assert step.mechanism.sensitivity == SCHEMA.unit.count_sensitivity == 1


# --- estimates
# --------------------------------------------------------------------------------


def test_repeated_measurements_are_combined_by_precision() -> None:
    """Two marginals of one column at noise 1 and 3: weights 0.9 and 0.1, by hand."""
    twice = [
        Marginal(clique=(0,), counts=np.array([60.0, 40.0]), standard_deviation=1.0),
        Marginal(clique=(0,), counts=np.array([50.0, 50.0]), standard_deviation=3.0),
    ]
    found = Measurements((2,), twice)
    (target,) = found.targets()
    np.testing.assert_allclose(target.shares, [0.59, 0.41])
    assert target.precision == pytest.approx((1 + 1 / 9) * 100**2)
    assert len(found.with_marginals([twice[0]]).marginals) == 3


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda values: sum(values) > 0.1))
def test_the_simplex_projection_keeps_what_is_on_it(values: list[float]) -> None:
    vector = np.array(values) / sum(values)
    np.testing.assert_allclose(onto_simplex(vector), vector, atol=1e-12)
    shifted = onto_simplex(vector + 0.3)
    np.testing.assert_allclose(shifted, vector, atol=1e-9)
