"""Provide a small world for the checks: tables, coins and plans.

Only this module of the suite calls the code's loops.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.losses import critic_losses
from privgan.generator.mixture import GeneratorModel
from privgan.generator.refine import Refinement, Training
from privgan.ledger.ledger import PrivacyLedger
from privgan.measurement import measure
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import Marginal, Measurements
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import PrivateTable, Samples
from privgan.pipeline import fitting, job, releasing
from privgan.pipeline.candidate import LOG_FILE, Candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import Run, fit_candidate
from privgan.planning import model_stage
from privgan.planning.dpsgd_settings import CriticSettings
from privgan.planning.model_settings import GeneratorSettings
from privgan.planning.plan import EFFORTS, Effort, Plan
from privgan.planning.planner import PlanOptions, make_plan, with_domain
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt, mint
from privgan.progress import Progress
from privgan.table.conform import conform
from privgan.table.schema_file import dump_schema, parse_schema
from tests.coins import RepeatableStream

_SCHEMA = """format: privgan.schema/1
dataset: small
unit: row
columns:
  - {name: tier, kind: categorical, categories: [basic, silver, gold], missing: true}
  - {name: spend, kind: float, lower: 0, upper: 2000, decimals: 2}
  - {name: left, kind: boolean, labels: ["no", "yes"]}
"""
SCHEMA = parse_schema(_SCHEMA)
BUDGET = PrivacyBudget(epsilon=6, delta=1e-6)
CPU = torch.device("cpu")
_TINY = Effort(
    entries=24,
    batch=40,
    network_steps=2,
    round_steps=1,
    final_steps=2,
    critic_steps=4,
    likelihood_steps=4,
    distil_steps=20,
    ratio_steps=4,
    generator_steps=12,
)
_LOUD = 2.0**60
_FAR_TOO_MUCH = 1e6


# --- coins ----------------------------------------------------------------------------------------


class Still(SecretStream):
    """Coins without noise, and the same mark for every row: they show the sum under the noise."""

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.zeros(count)

    def uniform(self, count: int) -> np.ndarray:
        return np.full(count, 0.99)


class Deaf(RepeatableStream):
    """Coins under which no mechanism's outcome depends on what it was given.

    All that moves then is not a mechanism.

    Gradient noise is so loud that adding the clipped sum to it changes no bit.
    """

    secret = True

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        return 60 + np.arange(len(counts)) % 7 * 10

    def discrete_laplace(self, count: int, scale: float) -> int:
        return 900

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        return len(scores) - 1

    def gaussian_noise(self, count: int) -> np.ndarray:
        return np.where(np.random.default_rng(count).random(count) < 0.5, -_LOUD, _LOUD)


class Counting(RepeatableStream):
    """Coins that remember which noise was drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn: list[tuple[str, float]] = []

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        self.drawn.append(("discrete Gaussian", round(standard_deviation, 9)))
        return super().discrete_gaussian(counts, standard_deviation)

    def discrete_laplace(self, count: int, scale: float) -> int:
        self.drawn.append(("discrete Laplace", round(scale, 9)))
        return super().discrete_laplace(count, scale)

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        self.drawn.append(("choice", round(scale, 9)))
        return super().exponential_choice(scores, scale)

    def gaussian_noise(self, count: int) -> np.ndarray:
        self.drawn.append(("gradient", 1.0))
        return super().gaussian_noise(count)


# --- tables and plans
# ---------------------------------------------------------------------------------------------


def table(seed: int = 0, rows: int = 700) -> pd.DataFrame:
    """A conforming table; tables of different seeds differ in shape and size."""
    rng = np.random.default_rng(seed)
    tier = rng.choice(
        np.array(["basic", "silver", "gold", None], dtype=object), rows, p=rng.dirichlet(np.ones(4))
    )
    spend = rng.lognormal(3 + seed, 1, rows).clip(0.01, 2000).round(2)
    left = np.where(rng.random(rows) < rng.random(), "yes", "no")
    return conform(pd.DataFrame({"tier": tier, "spend": spend, "left": left}), SCHEMA)


@contextmanager
def quick() -> Iterator[None]:
    """A tiny effort, and noise that fits the budget but is not the least.

    Stages with DP-SGD are accounted by RDP alone, which is valid and quick; each event is reckoned
    once. Coins that hide all outcomes are no noise, so a release does not look for it.
    """
    with (
        mock.patch.object(releasing, "check_noise"),
        mock.patch.dict(EFFORTS, {"tiny": _TINY}),
        mock.patch.object(model_stage, "calibrate", _coarse),
        mock.patch.object(accountant, "epsilon_by_rdp", _remembering(accountant.epsilon_by_rdp)),
        mock.patch.object(
            accountant,
            "epsilon_by_pld",
            _remembering(accountant.epsilon_by_pld, but_not="PoissonSampled"),
        ),
    ):
        yield


def _coarse(
    events_at: Callable[[float], Sequence[events.DpEvent]],
    budget: PrivacyBudget,
    *,
    lowest: float,
    highest: float,
) -> float:
    scales = (float(scale) for scale in np.geomspace(lowest, highest, 20))
    by_rdp = accountant.epsilon_by_rdp
    return next(
        scale
        for scale in scales
        if by_rdp(events.Composed(list(events_at(scale))), budget.delta) <= budget.epsilon
    )


def _remembering(reckon: Callable[..., float], but_not: str = "\0") -> Callable[..., float]:
    def remembered(event: Any, delta: float, *more: Any) -> float:
        key = (reckon.__name__, repr(event), delta, repr(more))
        if key not in _REMEMBERED:
            _REMEMBERED[key] = (
                _FAR_TOO_MUCH if but_not in repr(event) else reckon(event, delta, *more)
            )
        return _REMEMBERED[key]

    return remembered


_REMEMBERED: dict[tuple[str, str, float, str], float] = {}


def plan(rows: int | None = None, canaries: float = 0.2) -> Plan:
    """A plan with all kinds of steps; without a row count it begins with stage 1."""
    options = PlanOptions(canary_probability=canaries)
    return make_plan(
        SCHEMA, BUDGET, public_rows=rows, effort="tiny", marginal_share=0.6, options=options
    )


@cache
def planned() -> Plan:
    """A plan whose stage 2 is there; made once."""
    return with_stage_2(plan(), 900)


def with_stage_2(first: Plan, rows: int) -> Plan:
    """The plan after stage 1."""
    return with_domain(first, SCHEMA, rows)


def planned_for(max_rows: int) -> Plan:
    """The plan for customers with several rows."""
    unit = PrivacyUnit(column="id", max_rows=max_rows)
    schema = replace(SCHEMA, unit=unit)
    first = make_plan(schema, BUDGET, public_rows=None, effort="tiny", marginal_share=0.6)
    return with_domain(first, schema, 3_000, tuple([1 / max_rows] * max_rows))


def critic_settings(**changes: Any) -> CriticSettings:
    """Settings of a small critic."""
    settings = CriticSettings(
        steps=4,
        sample_rate=0.3,
        expected_batch_size=15,
        noise_multiplier=1.3,
        max_grad_norm=0.05,
        width=6,
        steps_per_generator_step=2,
        learning_rate=1e-2,
        generator_learning_rate=1e-2,
        marginal_weight=1.0,
    )
    return replace(settings, **changes)


def left_out(rows: int, coins: SecretStream) -> np.ndarray:
    """Which of a table's rows the canaries' coins leave out."""
    return fitting.draw_canaries(np.arange(rows), 0.5, coins).left_out


# --- the DP-SGD step and the loop around it
# -----------------------------------------------------------------------


class Flat(nn.Module):
    """A linear critic: a row of zeros has no gradient."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 1, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        return self.linear(rows)[:, 0]


def trainer(critic: nn.Module, settings: CriticSettings, coins: SecretStream) -> PrivateTrainer:
    """The real trainer with the real losses."""
    return PrivateTrainer(critic, settings, settings.event, critic_losses, coins)


def kinds(reals: int, fakes: int) -> Tensor:
    """Which rows of a batch are real, as the trainer expects it."""
    return torch.arange(reals + fakes) < reals


@contextmanager
def caught_gradients(critic: nn.Module | None = None) -> Iterator[list[Tensor]]:
    """The gradients that reach Adam, flat, one for each step; of a critic, or of all networks.

    Adam does its work.
    """
    caught: list[Tensor] = []
    step = torch.optim.Adam.step
    own = {id(part) for part in critic.parameters()} if critic else None

    def catching(self: torch.optim.Adam, *arguments: Any, **more: Any) -> Any:
        parts = [part for group in self.param_groups for part in group["params"]]
        if own is None or {id(part) for part in parts} == own:
            caught.append(torch.cat([part.grad.flatten().clone() for part in parts]))
        return step(self, *arguments, **more)

    with mock.patch.object(torch.optim.Adam, "step", catching):
        yield caught


def model_of(sizes: tuple[int, ...], seed: int = 0) -> tuple[GeneratorModel, Measurements]:
    """A small generator over columns of these sizes, and even noisy marginals."""
    marginals = [
        Marginal(clique=(i,), counts=np.full(size, 600 / size), standard_deviation=2.0)
        for i, size in enumerate(sizes)
    ]
    known = Measurements(sizes, marginals)
    settings = GeneratorSettings(
        latent=4,
        width=8,
        entries=24,
        fake_rows=16,
        network_steps=2,
        round_steps=1,
        final_steps=2,
        learning_rate=2e-3,
        offset_learning_rate=0.03,
    )
    return GeneratorModel(known, settings, seed=seed, device=CPU), known


def refined(
    codes: np.ndarray,
    sizes: tuple[int, ...],
    settings: CriticSettings,
    coins: SecretStream,
    seed: int = 0,
) -> tuple[list[Tensor], list[Tensor]]:
    """The whole adversarial phase on private codes; weights of generator and critic after it."""
    model, known = model_of(sizes, seed)
    made = Refinement(model, known, settings.event, settings, Training(coins=coins, seed=seed))
    made.run(Samples(codes, np.arange(len(codes))), settings.steps)
    model.use_average()
    networks = model.network, made.trainer.network
    return tuple([part.detach().clone() for part in network.parameters()] for network in networks)  # type: ignore[return-value]


def first_critic_sum(codes: np.ndarray, sizes: tuple[int, ...], max_grad_norm: float) -> Tensor:
    """The sum of clipped gradients of the loop's first critic step, without noise.

    Every row is in the batch.
    """
    settings = critic_settings(
        steps=1, sample_rate=1.0, max_grad_norm=max_grad_norm, steps_per_generator_step=9
    )
    with caught_gradients() as caught:
        refined(codes, sizes, settings, Still())
    return caught[0] * settings.expected_batch_size


def first_customer_sum(
    codes: np.ndarray, customers: np.ndarray, sizes: tuple[int, ...], max_grad_norm: float
) -> Tensor:
    """As first_critic_sum, of customers with up to three rows."""
    settings = critic_settings(
        steps=1, sample_rate=1.0, max_grad_norm=max_grad_norm, steps_per_generator_step=9
    )
    model, known = model_of(sizes)
    training = Training(coins=Still(), seed=0, rows_of_each=[1 / 3] * 3)
    made = Refinement(model, known, settings.event, settings, training)
    with caught_gradients() as caught:
        made.run(Samples(codes, customers), 1)
    return caught[0] * settings.expected_batch_size


def batches(
    codes: np.ndarray, sizes: tuple[int, ...], settings: CriticSettings
) -> list[np.ndarray]:
    """Codes of the real rows at each critic step, with real coins for membership."""
    seen: list[np.ndarray] = []
    step = PrivateTrainer.step

    def recording(self: PrivateTrainer, rows: Tensor, real: Tensor) -> None:
        parts = rows[real > 0].split([*sizes, rows.shape[1] - sum(sizes)], 1)[:-1]
        seen.append(torch.stack([part.argmax(1) for part in parts], 1).numpy())
        step(self, rows, real)

    with mock.patch.object(PrivateTrainer, "step", recording):
        refined(codes, sizes, settings, Still())
    return seen


# --- a whole fit ----------------------------------------------------------------------------------


def fit_customers(max_rows: int, folder: Path) -> list[int]:
    """The most rows of one customer in each private table that a fit makes.

    Its customers have four to twelve rows.
    """
    unit = f"unit: id\nmax_rows_per_unit: {max_rows}"
    schema = parse_schema(
        _SCHEMA.replace("unit: row", unit)
        + '  - {name: id, kind: identifier, pattern: "S{:05d}"}\n'
    )
    frame = table().assign(id=np.repeat(np.arange(100), np.arange(100) % 9 + 4)[:700])
    first = make_plan(schema, BUDGET, public_rows=700, effort="tiny", marginal_share=0.6)
    made, most = PrivateTable.__init__, list[int]()

    def spying(
        self: Any,
        dataset: str,
        unit: PrivacyUnit,
        rows: pd.DataFrame,
        customers: np.ndarray,
        *more: Any,
    ) -> None:
        most.append(int(np.unique(customers, return_counts=True)[1].max()))
        made(self, dataset, unit, rows, customers, *more)

    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    with mock.patch.object(PrivateTable, "__init__", spying):
        settings = fitting.FitSettings(coins=RepeatableStream(1))
        fitting.fit(OwnersTable(frame, schema), first, ledger, settings)
    return most


def fit(
    frame: pd.DataFrame,
    coins: SecretStream,
    folder: Path,
    the_plan: Plan | None = None,
    seed: int = 0,
) -> fitting.Fitted:
    """A fit with the ledger in a folder."""
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    the_plan = plan() if the_plan is None else the_plan
    settings = fitting.FitSettings(seed=seed, coins=coins)
    return fitting.fit(OwnersTable(frame, SCHEMA), the_plan, ledger, settings)


def candidate(
    frame: pd.DataFrame, coins: SecretStream, folder: Path, the_plan: Plan | None = None
) -> tuple[Candidate, PrivacyLedger]:
    """A fitted and sampled candidate, from the table to its files."""
    paths = folder / "table.csv", folder / "schema.yaml"
    frame.to_csv(paths[0], index=False)
    paths[1].write_text(dump_schema(SCHEMA), encoding="utf-8")
    request = RunRequest(table=paths[0], schema=paths[1], budget=BUDGET, rows=50, effort="tiny")
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    out = folder / "candidate"
    with mock.patch.object(job, "SecretStream", return_value=coins):
        table, quiet = OwnersTable(frame, SCHEMA), Progress(quiet=True)
        planned = plan() if the_plan is None else the_plan
        run = Run(request=request, plan=planned, table=table, ledger=ledger, progress=quiet)
        return fit_candidate(run, Candidate(out, out / "internal")).files, ledger


def what_leaves(
    frame: pd.DataFrame, coins: SecretStream | None = None, the_plan: Plan | None = None
) -> dict[str, bytes]:
    """Every file that a release is made from, with coins that hide all outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = candidate(frame, coins or Deaf(1), Path(folder), the_plan)
        record = made.record().to_json()
        del record["run"], record["canaries"]["commitment"]
        files = {
            path.relative_to(made.folder).as_posix(): path.read_bytes()
            for path in made.folder.glob("[!i]*")
            if path.is_file()
        }
        for inside in (made.model, made.marginals):
            files |= {f"{inside.name}/{path.name}": path.read_bytes() for path in inside.iterdir()}
        log = (made.internal / LOG_FILE).read_text(encoding="utf-8").splitlines()
        files["log"] = "\n".join(
            line.partition("]")[2] for line in log if " s left" not in line
        ).encode()
        return files | {"candidate.json": json.dumps(record, sort_keys=True).encode()}


# --- choices of many columns
# ---------------------------------------------------------------------------------------------


MANY = parse_schema(
    """format: privgan.schema/1
dataset: many
unit: row
columns:
"""
    + "".join(
        f'  - {{name: c{i}, kind: categorical, categories: ["0", "1", "2"]}}\n' for i in range(5)
    )
)


def rows_of_many(seed: int, rows: int = 600) -> pd.DataFrame:
    """A table whose last column follows from three others; seeds differ in shares."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, (rows, 5), p=rng.dirichlet(np.full(3, 4.0)))
    codes[:, 4] = codes[:, :3].sum(1) % 2
    return conform(pd.DataFrame({f"c{i}": codes[:, i].astype(str) for i in range(5)}), MANY)


class Choosing(Deaf):
    """Coins that hide all outcomes, choose the last candidate, and remember the scores."""

    def __init__(self) -> None:
        super().__init__(1)
        self.scores: list[np.ndarray] = []

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        self.scores.append(np.array(scores))
        return super().exponential_choice(scores, scale)


class Charges:
    """A charger that remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def charge(self, step: str, event: events.DpEvent) -> Receipt:
        self.steps.append(step)
        return mint(dataset="many", step=step, event=event)


def chosen_of_many(frame: pd.DataFrame) -> tuple[list[np.ndarray], list[Any], list[str], Plan]:
    """The rounds of choices on a table of five columns, with coins that hide all outcomes.

    Returns:
        The scores of each choice, the measured cliques with their groups and counts, the charged
        steps, and the plan.
    """
    the_plan = make_plan(MANY, BUDGET, public_rows=900, effort="tiny")
    coins, charges = Choosing(), Charges()
    looks = Looks(table=PrivateTable("many", MANY.unit, frame), ledger=charges, coins=coins)
    encoder = measure.measure_encoder(looks, MANY, the_plan)
    known = measure.measure_one_way(looks, encoder, the_plan)
    known = measure.measure_all(looks, MANY, encoder, the_plan, known)
    model, _ = model_of(encoder.sizes)
    known = measure.measure_rounds(
        looks, encoder, the_plan, known, lambda *_: model, model, target=4
    )
    found = [(part.clique, part.groups, part.counts.round(6).tolist()) for part in known.marginals]
    return coins.scores, found, charges.steps, the_plan


def candidates_of_many(frame: pd.DataFrame) -> list[tuple[int, ...]]:
    """The candidates of a table of five columns, with room for fewer than all ten pairs.

    Coins hide all outcomes.
    """
    the_plan = make_plan(MANY, BUDGET, public_rows=900, effort="tiny")
    looks = Looks(table=PrivateTable("many", MANY.unit, frame), ledger=Charges(), coins=Deaf(1))
    encoder = measure.measure_encoder(looks, MANY, the_plan)
    known = measure.measure_one_way(looks, encoder, the_plan)
    known = measure.measure_all(looks, MANY, encoder, the_plan, known)
    return measure.candidates_of(known, replace(the_plan.marginals, max_candidates=6))
