"""Check looks, charges, plans and written files; AssertionError on failure."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import sqlite3
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from privgan.errors import BudgetExceededError, InternalError, UsageError
from privgan.ledger.ledger import PrivacyLedger, RunFacts
from privgan.ledger.runs import RunLedger
from privgan.ledger.sqlite import SqliteStore
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import PrivateTable
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline.candidate import AUDIT_FILE
from privgan.pipeline.judging import judge
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.planning.plan import StepKind
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection, TotalCount
from privgan.privacy.receipts import Receipt, mint
from privgan.synthesizer import load_synthesizer
from privgan.table.customers import customer_names
from privgan.table.schema_file import load_schema
from tests.coins import RepeatableStream
from tests.sabotage import world

TERMS = ReleaseTerms(Context())

ALPHA = 1e-8
SIZES = (4, 3)


def the_generator_sees_no_row() -> None:
    """With a critic that learns nothing, other rows make the same generator."""
    deaf = world.critic_settings(steps=6, learning_rate=0.0)
    one, two = (
        world.refined(_codes(rows, seed), SIZES, deaf, RepeatableStream(1))[0]
        for rows, seed in ((40, 1), (90, 2))
    )
    assert all(map(torch.equal, one, two)), "real rows reach the generator beside the critic"


def nothing_but_mechanisms_sees_the_rows() -> None:
    """Two tables that differ in size, range and shares.

    Coins that hide all that mechanisms tell: equal files.
    """
    one, two = (world.what_leaves(world.table(seed, rows)) for seed, rows in ((0, 700), (1, 950)))
    differ = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    assert not differ, f"rows reach {', '.join(differ)} past the mechanisms"


def one_row_moves_counts_by_its_sensitivity() -> None:
    """One row's value of one column changed, the same coins.

    That column's counts move by one down and one up, no others do.
    """
    plan, frame = world.plan(700, canaries=0.0), world.table(0, 700)
    other = frame.copy()
    other.loc[699, "left"] = "yes" if frame.loc[699, "left"] == "no" else "no"
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        made = [
            world.fit(rows, RepeatableStream(4), Path(folder), plan)
            for rows, folder in ((frame, first), (other, second))
        ]
    marginals = [
        {part.clique: part.counts for part in fitted.measurements.marginals} for fitted in made
    ]
    for column, most in ((0, 0), (1, 0), (2, 2)):
        one, two = (counts[column,] for counts in marginals)
        moved = np.abs(one - two).sum()
        assert moved <= most, f"changing one row moves the counts of column {column} by {moved:g}"
    assert made[0].plan.to_json() == made[1].plan.to_json(), "one row moves the plan"


def sampling_needs_no_row() -> None:
    """A saved model samples when no table is left to look at."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = world.candidate(world.table(), world.Deaf(1), Path(folder))
        (Path(folder) / "table.csv").unlink()
        with mock.patch.object(
            PrivateTable, "_redeem", side_effect=AssertionError("sampling looked at rows")
        ):
            assert len(load_synthesizer(made.model).sample(20, seed=1)) == 20


def every_look_is_charged_before() -> None:
    """When rows come out their charge is on the disk, as another connection to the ledger sees it.

    No look is unpaid.
    """
    looks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        redeem = PrivateTable._redeem

        def spying(self: PrivateTable, receipt: Receipt) -> None:
            with sqlite3.connect(f"file:{folder}/ledger.sqlite?mode=ro", uri=True) as other:
                bodies = [
                    json.loads(body)
                    for (body,) in other.execute("select body from entries where kind = 'charge'")
                ]
            assert receipt.step in [body["step"] for body in bodies], (
                f"rows came out before {receipt.step} was charged"
            )
            looks.append(receipt.step)
            redeem(self, receipt)

        unpaid = mock.patch.object(
            OwnersTable, "real_rows", side_effect=AssertionError("an unpaid look")
        )
        with mock.patch.object(PrivateTable, "_redeem", spying), unpaid:
            fitted = world.fit(world.table(), RepeatableStream(1), Path(folder))
    planned = Counter(step.name for step in fitted.plan.steps)
    assert Counter(name for name in looks if name in planned) == planned, (
        "looks and planned steps differ"
    )


def noise_drawn_is_noise_charged() -> None:
    """The coins of a whole fit drew, event for event, what was charged."""
    charged: list[events.DpEvent] = []
    charge = RunLedger.charge

    def spying(self: RunLedger, step: str, event: events.DpEvent) -> Receipt:
        charged.append(event)
        return charge(self, step, event)

    coins = world.Counting(1)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(RunLedger, "charge", spying):
        world.fit(world.table(), coins, Path(folder))
    expected = Counter(draw for event in charged for draw in _draws(event))
    assert Counter(coins.drawn) == expected, f"drawn {Counter(coins.drawn)}, charged {expected}"


def _draws(event: events.DpEvent) -> list[tuple[str, float]]:
    """The noise that an event stands for."""
    if isinstance(event, events.DiscreteGaussian):
        return [("discrete Gaussian", round(event.standard_deviation, 9))]
    if isinstance(event, events.DiscreteLaplace):
        return [("discrete Laplace", round(1 / event.noise_parameter, 9))]
    if isinstance(event, events.ExponentialMechanism):
        return [("choice", round(2 / event.epsilon, 9))]
    assert isinstance(event, events.SelfComposed), (
        f"an event of another kind: {type(event).__name__}"
    )
    if isinstance(event.event, events.DiscreteGaussian):
        return _draws(event.event)  # all histograms of one release are drawn in one call
    return [("gradient", 1.0)] * (6 * event.count)


def events_dominate_their_mechanisms() -> None:
    """Each mechanism's exact worst-case privacy loss is below its event's."""
    found = {
        type(step.mechanism): step.mechanism for step in world.planned().steps if step.mechanism
    }
    for sensitivity in (1, 3):
        for mechanism in (
            replace(
                found[CountHistogram], sensitivity=sensitivity, standard_deviation=2.0 * sensitivity
            ),
            replace(found[Selection], sensitivity=float(sensitivity), epsilon=0.7),
            TotalCount(epsilon=0.7, sensitivity=sensitivity),
            CountHistograms(
                histogram=CountHistogram(
                    standard_deviation=2.0 * sensitivity, sensitivity=sensitivity
                ),
                number=2,
            ),
        ):
            with_one, without = _outputs(mechanism)
            reckoned = accountant.loss_distribution(mechanism.event)
            for epsilon in (0.0, 0.1, 0.25, 0.4, 0.6):
                actual = np.maximum(with_one - np.exp(epsilon) * without, 0).sum()
                bound = reckoned.get_delta_for_epsilon(epsilon)
                assert actual <= bound + 1e-9, (
                    f"{type(mechanism).__name__} costs more than its event: {actual:.4g} >"
                    f" {bound:.4g}"
                )


def _outputs(mechanism: Any) -> tuple[np.ndarray, np.ndarray]:
    """Output probabilities with and without one unit of whole sensitivity."""
    points = np.arange(-400, 401)
    if isinstance(mechanism, Selection):
        scores = np.array([[mechanism.sensitivity, 0.0], [0.0, mechanism.sensitivity]])
        weights = np.exp(mechanism.epsilon * scores / (2 * mechanism.sensitivity))
    elif isinstance(mechanism, CountHistograms):
        assert mechanism.number == 2
        return tuple(np.kron(one, one) for one in _outputs(mechanism.histogram))
    elif isinstance(mechanism, CountHistogram):
        weights = np.exp(
            -((points - np.array([[mechanism.sensitivity], [0]])) ** 2)
            / (2 * mechanism.standard_deviation**2)
        )
    else:
        weights = np.exp(
            -np.abs(points - np.array([[mechanism.sensitivity], [0]]))
            * mechanism.epsilon
            / mechanism.sensitivity
        )
    with_one, without = weights / weights.sum(axis=1, keepdims=True)
    return with_one, without


def sensitivities_come_from_the_unit() -> None:
    """With three rows a customer every mechanism and event has sensitivity 3."""
    steps = [step for step in world.planned_for(3).steps if step.kind is not StepKind.CRITIC]
    assert {step.kind for step in steps} == {
        StepKind.CELL_HISTOGRAM,
        StepKind.MARGINAL,
        StepKind.TARGET_DIFFERENCES,
        StepKind.PAIRS,
        StepKind.TARGET_TRIPLES,
        StepKind.SELECTION,
        StepKind.CHOSEN_MARGINAL,
    }
    for step in steps:
        assert step.mechanism is not None
        assert step.mechanism.sensitivity == 3, (
            f"{step.name} has sensitivity {step.mechanism.sensitivity} where k is 3"
        )
        assert step.event == step.mechanism.event
        one = step.event.event if isinstance(step.event, events.SelfComposed) else step.event
        assert getattr(one, "sensitivity", 3) == 3, (
            f"the event of {step.name} has another sensitivity"
        )


def a_plan_costs_at_most_its_budget() -> None:
    """What the planner makes fits; what does not fit is refused before any look."""
    plan = world.planned()
    zcdp = sum(_zcdp(step.event) for step in plan.steps if step.kind is not StepKind.CRITIC)
    plain = zcdp + 2 * np.sqrt(zcdp * np.log(1 / plan.model_budget.delta))
    assert plain < 1.1 * plan.model_budget.epsilon, f"the marginals alone cost ε = {plain:.3g}"
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/ledger.sqlite")
        with ledger.run("small", PrivacyBudget(epsilon=1), secret=True) as run:
            with pytest.raises(BudgetExceededError):
                run.approve(
                    "model", {"one": events.DiscreteGaussian(1.0)}, PrivacyBudget(epsilon=1)
                )
        account = accountant.spent([step.event for step in plan.steps], plan.model_budget.delta)
        assert account.epsilon <= plan.model_budget.epsilon, "the plan costs more than its budget"


def _zcdp(event: events.DpEvent) -> float:
    """ρ by hand: Δ²/2σ² and ε²/8."""
    if isinstance(event, events.SelfComposed):
        return event.count * _zcdp(event.event)
    if isinstance(event, events.DiscreteGaussian):
        return event.sensitivity**2 / (2 * event.standard_deviation**2)
    assert isinstance(event, events.ExponentialMechanism)
    return event.epsilon**2 / 8


def receipts_work_once() -> None:
    """The same receipt gives no second look."""
    used = mint(dataset="d", step="s", event=events.NonPrivate())
    used.redeem()
    with pytest.raises(InternalError, match="used before"):
        used.redeem()


def runs_add_up() -> None:
    """What runs spent is never forgotten, that of a run that died neither.

    The lifetime budget holds.
    """
    with tempfile.TemporaryDirectory() as folder:
        ledger, budget = (
            PrivacyLedger.open(f"{folder}/ledger.sqlite"),
            PrivacyBudget(epsilon=1, delta=1e-7),
        )
        ledger.set_lifetime("small", PrivacyBudget(epsilon=2.5, delta=1e-6))
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt), ledger.run("small", budget, secret=True):
                raise KeyboardInterrupt
        assert ledger.account("small").epsilon >= 2, "a run that died was forgotten"
        with pytest.raises(BudgetExceededError), ledger.run("small", budget, secret=True):
            pass
        assert PrivacyLedger.open(f"{folder}/ledger.sqlite").account("small").epsilon >= 2, (
            "the ledger forgot"
        )


def a_checkpoint_resumes_once_and_pays() -> None:
    """The steps run again are charged; the same checkpoint is refused the second time."""
    again, budget = (
        events.dp_sgd(noise_multiplier=5.0, sample_rate=0.1, steps=2),
        PrivacyBudget(epsilon=4),
    )
    steps = {
        "critic": events.dp_sgd(noise_multiplier=5.0, sample_rate=0.1, steps=6),
        "critic:reserve": again,
    }
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/ledger.sqlite")
        with ledger.run("small", budget, secret=True) as run:
            run.approve("model", steps, budget)
            run.charge("critic", steps["critic"])
            run.checkpoint(lineage=1, step=2, digest="d", clean=False)

        def resume() -> RunLedger:
            return ledger.resume(
                "small", run.identity, lineage=1, digest="d", reserve="critic:reserve"
            )

        resumed = resume()
        assert resumed.charged.get("critic:reserve") == again, "steps run again were not charged"
        charges = [
            entry.body["step"] for entry in ledger.entries("small") if entry.kind == "charge"
        ]
        assert charges == ["critic", "critic:reserve"], "steps run again were not charged"
        for once_more in (
            resume,
            lambda: run.checkpoint(lineage=2, step=3, digest="e", clean=False),
        ):
            with pytest.raises(UsageError):
                once_more()


def loading_runs_no_code() -> None:
    """Files that are pickles in disguise are refused, and nothing of them runs."""
    with tempfile.TemporaryDirectory() as folder:
        made, _ = world.candidate(world.table(), world.Deaf(1), Path(folder))
        mark = Path(folder) / "ran"

        class Trap:
            def __reduce__(self) -> Any:
                return os.mkdir, (str(mark),)

        for name in ("model.safetensors", "model.json"):
            whole = (made.model / name).read_bytes()
            (made.model / name).write_bytes(pickle.dumps(Trap()))
            refused: Exception | None = None
            try:
                load_synthesizer(made.model)
            except Exception as error:
                refused = error
            assert not mark.exists(), "loading a model ran code from it"
            assert isinstance(refused, UsageError), f"a pickle in place of {name} was not refused"
            (made.model / name).write_bytes(whole)


def no_internal_figure_leaves() -> None:
    """A release, with an audit beside it.

    Neither names nor values of INTERNAL figures are in any of its bytes.
    """
    secret = 0.0123456789
    names = ("attack.membership.advantage", "fidelity.tvd1")
    audit = {
        "format": "privgan.audit/1",
        "verdict": "NOT_REFUTED",
        "metrics": [{"name": name, "value": secret, "low": 0.0, "high": 0.05} for name in names],
    }
    with tempfile.TemporaryDirectory() as folder:
        made, ledger = world.candidate(world.table(), world.Deaf(1), Path(folder))
        scan_candidate(
            made,
            leak_patterns_of(undeclared_texts(world.table(), load_schema(made.schema))),
            ledger,
        )
        made.write_internal(AUDIT_FILE, json.dumps(audit))
        verdict = judge(made, load_policy("internal-analytics"), ledger, Context())
        release = release_candidate(made, verdict, ledger, TERMS, Path(folder) / "out")
        for path in release.rglob("*"):
            held = path.read_bytes() if path.is_file() else b""
            found = [
                leak_pattern
                for leak_pattern in (*names, str(secret))
                if leak_pattern.encode() in held
            ]
            assert not found, f"{path.name} holds the internal {found[0]}"


def _codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1)


def the_ledger_tells_no_customer() -> None:
    """The ledger's size is the same for tables of different sizes.

    All it keeps needs its key.
    """
    lengths = []
    for rows in (40, 950):
        names = customer_names(world.table(0, rows), world.SCHEMA)
        with tempfile.TemporaryDirectory() as folder:
            with PrivacyLedger.open(f"{folder}/l").run(
                "small", world.BUDGET, secret=True, about=RunFacts(customers=names)
            ):
                pass
            with sqlite3.connect(f"{folder}/l") as other:
                (body,) = other.execute("select body from entries where kind = 'run'").fetchone()
        sealed = json.loads(body)["customers"]["sealed"]
        try:
            kept = base64.b64decode(sealed, validate=True)
        except ValueError:
            kept = bytes.fromhex(sealed)
        plain = [
            hashlib.new(kind, name).digest()[:8]
            for kind in ("sha256", "sha1", "md5", "blake2b")
            for name in names
        ]
        plain += [hashlib.blake2b(name, digest_size=8).digest() for name in names]
        assert not any(digest in kept for digest in plain), (
            "a customer is found in the ledger without the ledger's key"
        )
        lengths.append(len(kept))
    assert lengths[0] == lengths[1], "what the ledger keeps is as long as the table"


def one_table_has_one_budget() -> None:
    """A table under a second name is refused."""
    names = customer_names(world.table(0, 700), world.SCHEMA)
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/l")
        with ledger.run("small", world.BUDGET, secret=True, about=RunFacts(customers=names)):
            pass
        with pytest.raises(UsageError, match="also in a table of the data set small"):
            with ledger.run(
                "again", world.BUDGET, secret=True, about=RunFacts(customers=names[:200])
            ):
                pass


def a_cut_ledger_is_refused() -> None:
    """An older copy of the file put back grants nothing."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/l")
        copy = Path(folder, "l").read_bytes()
        with ledger.run("small", world.BUDGET, secret=True):
            pass
        Path(folder, "l").write_bytes(copy)
        with pytest.raises(UsageError, match="an older copy was put back"):
            ledger.introduce("small")


def what_a_trigger_removes_is_not_charged() -> None:
    """A trigger that drops added entries stops the look.

    Even one that the search for triggers does not see.
    """
    drops = (
        "create trigger t after insert on entries begin delete from entries where sequence ="
        " NEW.sequence; end"
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = PrivacyLedger.open(f"{folder}/l")
        with sqlite3.connect(f"{folder}/l") as other:
            for statement in ("drop trigger entries_stay", drops):
                other.execute(statement)
        blind = {"_foreign": lambda self, connection: (), "_protect": lambda self, connection: None}
        with (
            mock.patch.multiple(SqliteStore, **blind),
            pytest.raises(UsageError, match="not there as it was written"),
        ):
            ledger.introduce("small")
