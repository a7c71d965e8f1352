"""Ways of breaking charges and artefacts."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from privgan import synthesizer
from privgan.domain.encoding import Encoder
from privgan.ledger import account as ledger_account
from privgan.ledger import runs, start
from privgan.ledger.anchor import Anchor
from privgan.ledger.database import LedgerStore
from privgan.ledger.identity import Sketcher
from privgan.ledger.runs import RunLedger
from privgan.ledger.store import Entry, Transaction
from privgan.measurement import looks as charged
from privgan.measurement import measure
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import exact_counts
from privgan.pipeline import fitting, releasing
from privgan.planning import model_stage
from privgan.privacy import accountant, events
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection, TotalCount
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt, mint
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L10, L15", checks.every_look_is_charged_before, "before .* was charged")
def ledger_after_the_look(patch: Patch) -> None:
    """A charge is written when the next one is made."""
    charge, late = RunLedger.charge, list[tuple[str, events.DpEvent]]()

    def lazy(self: RunLedger, step: str, event: events.DpEvent) -> Receipt:
        for owed in late:
            charge(self, *owed)
        late[:] = [(step, event)]
        return mint(dataset=self.dataset, step=step, event=event)

    patch.setattr(RunLedger, "charge", lazy)


@variant("L12", checks.noise_drawn_is_noise_charged, "drawn")
def charge_once_spend_twice(patch: Patch) -> None:
    """A histogram is released twice for one charge, and the mean kept."""
    release = CountHistogram.release

    def twice(self: CountHistogram, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        return (release(self, counts, coins) + release(self, counts, coins)) // 2

    patch.setattr(CountHistogram, "release", twice)


@variant("L13", checks.noise_drawn_is_noise_charged, "drawn")
def uncharged_measurement(patch: Patch) -> None:
    """One marginal more than planned is measured on the way."""
    one_way = fitting.measure_one_way

    def more(looks: Looks, encoder: Encoder, plan: Any, *known: Any) -> Any:
        found = one_way(looks, encoder, plan, *known)
        exact = exact_counts(encoder.encode(looks.table._frame), (0, 2), encoder.sizes)
        noisy = CountHistogram(standard_deviation=5.0, sensitivity=1).release(exact, looks.coins)
        return found.with_marginals(
            [measure.Marginal(clique=(0, 2), counts=noisy.astype(float), standard_deviation=5.0)]
        )

    patch.setattr(fitting, "measure_one_way", more)


@variant("L25", checks.noise_drawn_is_noise_charged, "drawn")
def noise_below_its_charge(patch: Patch) -> None:
    """Counts get two thirds of the noise that was charged."""

    def less(self: CountHistogram, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        return coins.discrete_gaussian(counts, self.standard_deviation * 2 / 3)

    patch.setattr(CountHistogram, "release", less)


@variant("L25", checks.noise_drawn_is_noise_charged, "drawn")
def choice_sharper_than_its_charge(patch: Patch) -> None:
    """The exponential mechanism without the 2 in its exponent's denominator."""
    patch.setattr(
        Selection,
        "choose",
        lambda self, scores, coins: coins.exponential_choice(scores, 1.0 / self.epsilon),
    )


@variant(
    "L25, L37", checks.one_row_moves_counts_by_its_sensitivity, "moves the counts of column 2 by 4"
)
def rows_counted_twice(patch: Patch) -> None:
    """A row adds two to its cell; sensitivity and noise are those of one."""
    patch.setattr(charged, "exact_counts", lambda *arguments: 2 * exact_counts(*arguments))


@variant("L20", checks.events_dominate_their_mechanisms, "Selection costs more than its event")
def gaussian_for_the_choice(patch: Patch) -> None:
    """The exponential mechanism is accounted as the Gaussian of equal zCDP."""
    gaussian = events.dp_event.GaussianDpEvent
    patch.setattr(Selection, "event", property(lambda self: gaussian(2 / self.epsilon)))


@variant("L10, L20", checks.events_dominate_their_mechanisms, "CountHistograms costs more")
def all_pairs_for_one(patch: Patch) -> None:
    """All pairs of columns are measured for the price of one."""
    patch.setattr(CountHistograms, "event", property(lambda self: self.histogram.event))


@variant(
    "L25, L37", checks.events_dominate_their_mechanisms, "CountHistogram costs more than its event"
)
def event_without_sensitivity(patch: Patch) -> None:
    """The event of a histogram forgets how many rows a customer has."""
    patch.setattr(
        CountHistogram,
        "event",
        property(lambda self: events.DiscreteGaussian(self.standard_deviation, 1)),
    )


@variant(
    "L36, L37", checks.events_dominate_their_mechanisms, "TotalCount costs more than its event"
)
def row_count_without_sensitivity(patch: Patch) -> None:
    """So does that of the row count."""
    patch.setattr(
        TotalCount,
        "event",
        property(lambda self: events.DiscreteLaplace(self.epsilon / self.sensitivity, 1)),
    )


@variant("L37", checks.sensitivities_come_from_the_unit, "has sensitivity 1.* where k is 3")
def unit_ignored(patch: Patch) -> None:
    """Sensitivities are a literal 1."""
    patch.setattr(PrivacyUnit, "count_sensitivity", 1)


@variant("L37", checks.sensitivities_come_from_the_unit, "choice:1 has sensitivity 1")
def literal_sensitivity_of_a_choice(patch: Patch) -> None:
    """Only the choices' sensitivity is a literal 1."""
    patch.setattr(
        model_stage,
        "Selection",
        lambda *, epsilon, sensitivity: Selection(epsilon=epsilon, sensitivity=1.0),
    )


@variant("L10", checks.a_plan_costs_at_most_its_budget, "DID NOT RAISE")
def stage_not_checked(patch: Patch) -> None:
    """The ledger does not compare a stage's cost with its budget."""
    nothing = accountant.PrivacySpent(epsilon=0.0, delta=0.0, epsilon_pld=0.0, epsilon_rdp=0.0)
    patch.setattr(runs.accountant, "spent", lambda events, delta: nothing)


@variant("L12", checks.receipts_work_once, "DID NOT RAISE")
def receipt_used_twice(patch: Patch) -> None:
    """A receipt works again and again."""
    patch.setattr(Receipt, "redeem", lambda self: None)


@variant("L15, L16", checks.runs_add_up, "forgot|DID NOT RAISE")
def ledger_reset(patch: Patch) -> None:
    """Runs that did not end are not counted."""
    account = ledger_account.account_of

    def forgetful(dataset: str, entries: Sequence[Entry]) -> ledger_account.DatasetAccount:
        ended = {entry.run for entry in entries if entry.kind == "candidate"}
        return account(
            dataset, [entry for entry in entries if entry.kind != "run" or entry.run in ended]
        )

    for place in ("ledger", "start", "history"):
        patch.setattr(f"privgan.ledger.{place}.account_of", forgetful)


@variant("L15", checks.a_checkpoint_resumes_once_and_pays, "DID NOT RAISE")
def checkpoint_resumed_twice(patch: Patch) -> None:
    """A checkpoint may be resumed as often as one likes."""

    def lax(name: str, own: Sequence[Entry], checkpoint: Any) -> bool:
        return any(entry.kind == "resume" for entry in own)

    patch.setattr(runs, "_check_checkpoint", lax)


@variant("L15", checks.a_checkpoint_resumes_once_and_pays, "not charged")
def resume_forgets(patch: Patch) -> None:
    """Steps that are run again are not charged again."""
    refuse = runs._check_checkpoint
    patch.setattr(runs, "_check_checkpoint", lambda *arguments: refuse(*arguments) or True)


@variant("L32", checks.the_ledger_tells_no_customer, "without the ledger's key")
def sketch_without_key(patch: Patch) -> None:
    """The sketch of the customers is neither keyed nor sealed."""
    patch.setattr(Sketcher, "__init__", lambda self, key: vars(self).update(_names=b"", _seals=b""))
    patch.setattr(Sketcher, "_masked", lambda self, nonce, content: content)


@variant("L6, L32", checks.the_ledger_tells_no_customer, "as long as the table")
def sketch_as_long_as_the_table(patch: Patch) -> None:
    """The sketch is sealed as it is, so that its length tells the number of customers."""
    patch.setattr(
        Sketcher,
        "seal",
        lambda self, sketch: self._masked(b"n" * 16, sketch.hashes.tobytes()).hex(),
    )


@variant("L15", checks.one_table_has_one_budget, "DID NOT RAISE")
def customers_not_compared(patch: Patch) -> None:
    """The same customers under a second name get a second budget."""
    patch.setattr(start, "check_new_customers", lambda *arguments: None)


@variant("L15", checks.a_cut_ledger_is_refused, "DID NOT RAISE")
def anchor_not_compared(patch: Patch) -> None:
    """The ledger's end is not held to its anchor."""
    patch.setattr(LedgerStore, "_anchor_problem", lambda *arguments: None)


@variant("L15", checks.a_cut_ledger_is_refused, "DID NOT RAISE")
def anchor_only_at_the_start(patch: Patch) -> None:
    """The anchor is made with the ledger and never moved."""
    patch.setattr(Anchor, "move", lambda *arguments: None)


@variant("L15", checks.what_a_trigger_removes_is_not_charged, "DID NOT RAISE")
def entries_not_read_again(patch: Patch) -> None:
    """What was added is taken to be there."""
    patch.setattr(Transaction, "check_stored", lambda *arguments: None)


@variant("L33", checks.loading_runs_no_code, "ran code")
def pickle_model(patch: Patch) -> None:
    """Weights are loaded by pickle."""
    patch.setattr(synthesizer, "load_file", lambda path: pickle.loads(path.read_bytes()))


@variant(
    "L31, L34", checks.no_internal_figure_leaves, "holds the internal|name of an internal figure"
)
def report_unlabelled(patch: Patch) -> None:
    """The shareable report shows the audit."""
    data, forms, audits = releasing.shareable_data, releasing.written_forms, list[Any]()

    def remembering(candidate: Any, *more: Any) -> Any:
        audits.append(candidate.evidence.audit)
        return data(candidate, *more)

    def telling(*given: Any) -> dict[str, bytes]:
        told = f"<p>{json.dumps(audits[-1])}</p>".encode()
        return {
            name: content + told * (name == "report.html")
            for name, content in forms(*given).items()
        }

    patch.setattr(releasing, "shareable_data", remembering)
    patch.setattr(releasing, "written_forms", telling)


@variant(
    "L31, L34",
    checks.no_internal_figure_leaves,
    "holds the internal|does not follow its JSON Schema|no declared source",
)
def loss_in_bundle(patch: Patch) -> None:
    """The manifest has a field for the audit."""
    facts = releasing.release_facts

    def telling(candidate: Any, *more: Any) -> Any:
        made = facts(candidate, *more)
        return replace(made, plan=dict(made.plan) | {"audit": candidate.evidence.audit})

    patch.setattr(releasing, "release_facts", telling)
