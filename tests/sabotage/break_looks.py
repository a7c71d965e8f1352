"""Ways for rows to get past the mechanisms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from privgan import synthesizer
from privgan.domain.cells import Cells
from privgan.domain.encoding import Encoder
from privgan.generator import refine as refining
from privgan.generator import row_sampler
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.mixture import GeneratorModel
from privgan.ledger.identity import Sketcher
from privgan.measurement import measure
from privgan.measurement.looks import Looks
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import PrivateTable
from privgan.pipeline import fitting
from privgan.privacy import events
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.receipts import mint
from privgan.progress import Progress
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


def _stash_frame(patch: Patch) -> list[pd.DataFrame]:
    """Where the private rows can be found by code that should not have them."""
    made, kept = PrivateTable.__init__, []

    def keeping(
        self: Any, dataset: str, unit: PrivacyUnit, frame: pd.DataFrame, *more: Any
    ) -> None:
        kept[:] = [frame]
        made(self, dataset, unit, frame, *more)

    patch.setattr(PrivateTable, "__init__", keeping)
    return kept


@variant("L26", checks.the_generator_sees_no_row, "beside the critic")
def generator_sees_real(patch: Patch) -> None:
    """The generator's loss has a term with the real batch."""
    plain, loss, seen = refining._real_rows, refining.generator_loss, []

    def keeping(*arguments: Any) -> Tensor:
        rows = plain(*arguments)
        seen[:] = [rows.mean()]
        return rows

    patch.setattr(refining, "_real_rows", keeping)
    patch.setattr(refining, "generator_loss", lambda scores: loss(scores) * (1 + seen[0]))


@variant("L26", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def fakes_as_many_as_reals(patch: Patch) -> None:
    """The number of fake rows equals the real batch's, so later fakes depend on it."""
    members, fakes, last = PrivateTrainer.batch_members, GeneratorModel.fake_rows, [40]

    def noting(self: PrivateTrainer, units: int) -> Tensor:
        found = members(self, units)
        last[0] = max(1, len(found))
        return found

    patch.setattr(PrivateTrainer, "batch_members", noting)
    patch.setattr(
        GeneratorModel,
        "fake_rows",
        lambda self, components, batch: fakes(self, components, last[0]),
    )


@variant("L4, L5, L7", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def bounds_from_data(patch: Patch) -> None:
    """A numeric column has bins only between the table's smallest and largest value."""
    kept, bins = _stash_frame(patch), measure.merged_code

    def fitted(cells: Cells, shares: np.ndarray, *, max_codes: int) -> Any:
        seen = cells.encode(kept[0][cells.column.name])
        inside = np.zeros(cells.size)
        inside[seen.min() : seen.max() + 1] = 1
        return bins(cells, shares * inside, max_codes=max_codes)

    patch.setattr(measure, "merged_code", fitted)


@variant("L2, L7", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def vocab_from_data(patch: Patch) -> None:
    """Only categories that occur get a share."""
    kept, one_way = _stash_frame(patch), fitting.measure_one_way

    def seen_only(looks: Looks, encoder: Encoder, *more: Any) -> Any:
        found = one_way(looks, encoder, *more)
        for index, part in enumerate(found.marginals):
            occurs = np.bincount(encoder.encode(kept[0])[:, index], minlength=len(part.counts)) > 0
            part.counts[~occurs] = 0
        return type(found)(found.sizes, found.marginals)

    patch.setattr(fitting, "measure_one_way", seen_only)


@variant("L5", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def encoder_fit_raw(patch: Patch) -> None:
    """Bins are merged by the exact counts of their cells."""
    kept, bins = _stash_frame(patch), measure.merged_code

    def fitted(cells: Cells, shares: np.ndarray, *, max_codes: int) -> Any:
        exact = np.bincount(cells.encode(kept[0][cells.column.name]), minlength=cells.size)
        return bins(cells, exact / exact.sum(), max_codes=max_codes)

    patch.setattr(measure, "merged_code", fitted)


@variant("L1", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def condvec_exact(patch: Patch) -> None:
    """The frequencies of the conditions are the table's own."""
    kept, train = _stash_frame(patch), fitting.GeneratorModel

    def exact(measurements: Any, settings: Any, **more: Any) -> Any:
        shares = kept[0]["left"].value_counts(normalize=True).sort_index().to_numpy()
        measurements._one_way[2] = shares
        return train(measurements, settings, **more)

    patch.setattr(fitting, "GeneratorModel", exact)


@variant("L6", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def n_exact(patch: Patch) -> None:
    """Stage 2 is planned for the exact row count."""
    kept = _stash_frame(patch)
    patch.setattr(
        fitting,
        "measure_row_count",
        lambda looks, plan: looks.ledger.charge(*_row_count(plan)) and len(kept[0]),
    )


def _row_count(plan: Any) -> tuple[str, events.DpEvent]:
    step = plan.step("row-count")
    return step.name, step.event


@variant("L6", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def delta_from_the_length(patch: Patch) -> None:
    """δ is 1/n of the table."""
    fit = fitting.fit

    def with_own_delta(table: OwnersTable, plan: Any, *more: Any) -> Any:
        made = fit(table, plan, *more)
        budget = replace(plan.budget, delta=1 / table.row_count())
        return replace(made, plan=replace(made.plan, budget=budget))

    patch.setattr("privgan.pipeline.run.fit", with_own_delta)


@variant("L28", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def epsilon_from_data(patch: Patch) -> None:
    """The published ε depends on the rows."""
    fit = fitting.fit

    def with_own_epsilon(table: OwnersTable, plan: Any, *more: Any) -> Any:
        made = fit(table, plan, *more)
        budget = replace(plan.budget, epsilon=float((table._frame["left"] == "yes").mean()))
        return replace(made, plan=replace(made.plan, budget=budget))

    patch.setattr("privgan.pipeline.run.fit", with_own_epsilon)


@variant("L30", checks.nothing_but_mechanisms_sees_the_rows, "past the mechanisms")
def best_by_real_rows(patch: Patch) -> None:
    """How long the generator is fitted depends on real rows."""
    kept, warm = _stash_frame(patch), fitting.warm_start.fit_network

    def chosen(model: Any, measurements: Any, *, steps: int, **more: Any) -> float:
        share = float((kept[0]["left"] == "yes").mean())
        return warm(model, measurements, steps=steps + round(20 * share), **more)

    patch.setattr(fitting.warm_start, "fit_network", chosen)


@variant("L31", checks.nothing_but_mechanisms_sees_the_rows, "reach log past")
def count_in_log(patch: Patch) -> None:
    """The log of a run tells how many rows it saw."""
    kept, say = _stash_frame(patch), Progress.say
    patch.setattr(
        Progress,
        "say",
        lambda self, text: say(self, f"{text} ({len(kept[0]) if kept else 0} rows)"),
    )


@variant("L31", checks.nothing_but_mechanisms_sees_the_rows, "reach log past")
def customers_counted_in_log(patch: Patch) -> None:
    """The log tells how many customers the ledger was asked about."""
    kept, say = _stash_names(patch), Progress.say
    patch.setattr(
        Progress, "say", lambda self, text: say(self, f"{text} ({sum(map(len, kept))} customers)")
    )


@variant("L32", checks.nothing_but_mechanisms_sees_the_rows, "reach model/model.json past")
def sketch_in_artefact(patch: Patch) -> None:
    """The model's file holds the sketch of the customers that the ledger compares."""
    kept, save = _stash_names(patch), synthesizer.Synthesizer.save

    def with_sketch(self: Any, folder: Any) -> None:
        save(self, folder)
        sketch = Sketcher(b"k" * 32).sketch(kept[-1]).hashes
        facts = json.loads((folder / synthesizer.FACTS).read_text()) | {
            "customers": sketch.tolist()
        }
        (folder / synthesizer.FACTS).write_text(json.dumps(facts))

    patch.setattr(synthesizer.Synthesizer, "save", with_sketch)


def _stash_names(patch: Patch) -> list[list[bytes]]:
    """Keeps what a fit tells the ledger about the table's customers."""
    kept, names = list[list[bytes]](), OwnersTable.customer_names
    patch.setattr(OwnersTable, "customer_names", lambda self: kept.append(names(self)) or kept[-1])
    return kept


@variant("L32", checks.nothing_but_mechanisms_sees_the_rows, "reach model/model.json past")
def rows_in_artefact(patch: Patch) -> None:
    """The model's file holds rows."""
    kept, save = _stash_frame(patch), synthesizer.Synthesizer.save

    def with_seen(self: Any, folder: Any) -> None:
        save(self, folder)
        facts = json.loads((folder / synthesizer.FACTS).read_text()) | {
            "seen": kept[0].head(20).to_json()
        }
        (folder / synthesizer.FACTS).write_text(json.dumps(facts))

    patch.setattr(synthesizer.Synthesizer, "save", with_seen)


@variant("L17, L29", checks.nothing_but_mechanisms_sees_the_rows, r"reach .*synthetic\.csv")
def remeasure_on_sample(patch: Patch) -> None:
    """Sampling mixes real rows in."""
    kept, chunk = _stash_frame(patch), row_sampler.RowSampler.chunk

    def mixed(self: Any, rows: int, first: int) -> pd.DataFrame:
        made = chunk(self, rows, first)
        made["left"] = np.resize(kept[0]["left"].to_numpy(), len(made))
        return made

    patch.setattr(row_sampler.RowSampler, "chunk", mixed)


@variant("L17", checks.sampling_needs_no_row, "sampling looked at rows")
def look_on_sample(patch: Patch) -> None:
    """Sampling looks at the table again."""
    chunk = row_sampler.RowSampler.chunk

    def looking(self: Any, rows: int, first: int) -> pd.DataFrame:
        table = PrivateTable("small", PrivacyUnit(), pd.DataFrame())
        table.rows(mint(dataset="small", step="again", event=events.NonPrivate()))
        return chunk(self, rows, first)

    patch.setattr(row_sampler.RowSampler, "chunk", looking)
