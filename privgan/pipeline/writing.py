"""Write a candidate: the synthesizer, its sample and the fit's record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.files.atomic import owner_only
from privgan.generator.frozen import Frozen, FrozenMixture
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.part_model import PartModel
from privgan.ledger.ledger import PrivacyLedger
from privgan.measurement.marginals import Target, exact_counts
from privgan.parts.forms import parts_of
from privgan.parts.history_form import CUSTOMERS, HistoryForm
from privgan.parts.history_views import history_view
from privgan.parts.part import Part
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.candidate_record import CandidateRecord, PlanCost
from privgan.pipeline.job import Fitted
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.stages import StageName
from privgan.pipeline.white_box import keep_critic
from privgan.pipeline.writing_related import write_related
from privgan.privacy.guarantee import CanaryFacts
from privgan.progress import Progress
from privgan.release.guarantee import accounting, claim
from privgan.release.marginal_files import MeasuredPart, written_marginals
from privgan.release.versions import versions
from privgan.synthesizer import Synthesizer
from privgan.table.conform import conform
from privgan.table.files import write_tables
from privgan.table.schema_file import dump_schema

_ENOUGH_ROWS = 50_000


def write_candidate(
    candidate: Candidate,
    fitted: Fitted,
    ledger: PrivacyLedger,
    *,
    rows: int | None,
    seed: int,
    progress: Progress,
) -> ReadCandidate:
    """Sample from a fit, write the candidate's files, and end the run in the ledger.

    Args:
        candidate: Where to write.
        fitted: The fit.
        ledger: The run's ledger.
        rows: Rows to make; None for the planned row count.
        seed: Public randomness.
        progress: Tells the owner.

    Returns:
        The candidate with what was written, so that nobody need read it again.
    """
    with owner_only():
        record = _write_files(candidate, fitted, rows=rows, seed=seed, progress=progress)
    hashes = candidate.hashes()
    ledger.record(fitted.schema.dataset, fitted.run, "candidate", {"files": hashes})
    candidate.remove_checkpoints()
    return ReadCandidate(candidate, record, fitted.schema, hashes)


def _write_files(
    candidate: Candidate, fitted: Fitted, *, rows: int | None, seed: int, progress: Progress
) -> CandidateRecord:
    schema, synthesizer = fitted.schema, synthesizer_of(fitted)
    synthesizer.save(candidate.model)
    candidate.schema.write_text(dump_schema(schema), encoding="utf-8")
    _write_marginals(candidate, fitted)
    if fitted.critic is not None:
        keep_critic(candidate, fitted.critic)
    progress.stage(StageName.SAMPLE)
    tables: dict[str, int] = {}
    if schema.tables:
        tables, first = write_related(candidate, synthesizer, rows=rows, seed=seed)
        made = tables[schema.root]
    else:
        chunks = synthesizer.chunks(rows, seed=seed, balanced=True)
        first = next(chunks)
        every = itertools.chain([first], chunks)
        made = write_tables(every, schema, candidate.parquet, candidate.csv)
    record = _record(fitted, synthesizer, made, noisy_figures(first, fitted), tables)
    candidate.write_record(record)
    return record


def _write_marginals(candidate: Candidate, fitted: Fitted) -> None:
    """Write the noisy marginals, as their mechanisms gave them out."""
    counted = 1.0 - fitted.plan.canary_probability / 2.0
    for name, content in written_marginals(measured_parts_of(fitted), counted).items():
        path = candidate.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def measured_parts_of(fitted: Fitted) -> list[MeasuredPart]:
    """What was measured of a fit's table, and then of each of its parts."""
    found = {"": fitted, **fitted.parts}
    return [
        MeasuredPart(name=name, encoder=part.encoder, kept=part.kept)
        for name, part in found.items()
    ]


def synthesizer_of(fitted: Fitted) -> Synthesizer:
    """The frozen synthesizer of a fit."""
    return Synthesizer(
        schema=fitted.schema,
        encoder=fitted.encoder,
        model=None if fitted.parts else _frozen(fitted),
        frequencies=tuple(fitted.measurements.frequencies()),
        max_cells=fitted.plan.marginals.max_cells,
        rows=_rows(fitted),
        rows_of_each=fitted.plan.rows_of_each,
        guarantee=claim(fitted.plan, fitted.schema, secret=fitted.secret),
        parts=tuple(_part_model(part, fitted) for part in parts_of(fitted.schema)),
    )


def _rows(fitted: Fitted) -> int:
    """The default number of rows; of histories, those that a bound left unmeasured counted."""
    plan = fitted.plan
    assert plan.rows is not None
    if fitted.schema.history is None or plan.declared_rows is not None:
        return plan.rows
    form, found = HistoryForm(fitted.schema), fitted.parts[CUSTOMERS]
    kept_in = found.measurements.rows / (1.0 - plan.canary_probability / 2.0)
    shares = found.measurements.one_way(found.encoder.names.index(form.count))
    return max(1, round(kept_in * float(shares @ form.counts.means)))


def _part_model(part: Part, fitted: Fitted) -> PartModel:
    found = fitted.parts[part.name]
    assert found.plan.rows is not None
    return PartModel(
        part=part,
        encoder=found.encoder,
        model=_frozen(found),
        frequencies=tuple(found.measurements.frequencies()),
        max_cells=found.plan.marginals.max_cells,
        rows=found.plan.rows,
    )


def _frozen(fitted: Fitted) -> Frozen:
    """The generator that a run ends with: its network, where it has fitted one."""
    if fitted.network is not None:
        return FrozenNetwork.of(fitted.network)
    model = fitted.generator
    return FrozenMixture(model.network.cpu().eval(), model.latents.cpu(), model.codes_of_conditions)


def _record(
    fitted: Fitted,
    synthesizer: Synthesizer,
    rows: int,
    figures: Mapping[str, float],
    tables: Mapping[str, int],
) -> CandidateRecord:
    plan = fitted.plan
    costs = [cost for cost in (plan.domain_cost, plan.cost) if cost is not None]
    return CandidateRecord(
        dataset=plan.dataset,
        run=fitted.run,
        rows=rows,
        guarantee=synthesizer.guarantee,
        plan=plan.to_json(),
        accounting=accounting(plan),
        cost=PlanCost(
            epsilon_pld=sum(cost.epsilon_pld for cost in costs),
            epsilon_rdp=sum(cost.epsilon_rdp for cost in costs),
        ),
        figures=figures,
        versions=versions(),
        canaries=CanaryFacts(
            probability=plan.canary_probability, commitment=fitted.canaries.commitment
        ),
        marginals=sum(len(part.kept) for part in measured_parts_of(fitted)),
        dp_sgd_unused=_unused(fitted),
        table_rows=tables,
    )


def _unused(fitted: Fitted) -> bool:
    """Whether what DP-SGD trained is not in the model: noisy figures said that it failed."""
    plan = fitted.plan
    return (
        (plan.network is not None and fitted.network is None)
        or (plan.critic is not None and fitted.critic is None)
        or any(map(_unused, fitted.parts.values()))
    )


def noisy_figures(rows: pd.DataFrame, fitted: Fitted) -> dict[str, float]:
    """Distance of the synthetic table to the noisy marginals: post-processing, so public.

    Args:
        rows: The table, or its first rows: enough of them tell as much.
        fitted: The fit that it was drawn from.
    """
    typed = conform(rows[:_ENOUGH_ROWS], fitted.schema)
    distances: dict[int, list[float]] = {1: [], 2: []}
    for targets, sizes, codes in _compared(typed, fitted):
        for target in targets:
            if len(target.clique) in distances:
                shares = exact_counts(codes, target.clique, sizes) / len(codes)
                away = 0.5 * float(np.abs(shares - target.shares).sum())
                distances[len(target.clique)].append(away)
    return {
        f"noisy.tvd{width}": float(np.mean(found)) for width, found in distances.items() if found
    }


_Compared = tuple[list[Target], tuple[int, ...], np.ndarray]


def _compared(typed: pd.DataFrame, fitted: Fitted) -> Iterator[_Compared]:
    """What was measured, with the sizes of its columns and the synthetic rows' codes."""
    if fitted.schema.tables:
        yield _of_root(typed, fitted)
        return
    for found, codes in _coded(typed, fitted):
        yield found.measurements.targets(), found.encoder.sizes, codes


def _of_root(typed: pd.DataFrame, fitted: Fitted) -> _Compared:
    """Of related tables what the root's part says of its own columns, with which it begins."""
    root, own = fitted.parts[fitted.schema.root], len(fitted.encoder.columns)
    encoder = Encoder(root.encoder.columns[:own])
    targets = [target for target in root.measurements.targets() if max(target.clique) < own]
    return targets, encoder.sizes, encoder.encode(typed)


def _coded(typed: pd.DataFrame, fitted: Fitted) -> Iterator[tuple[Fitted, np.ndarray]]:
    """What was fitted, with the synthetic rows' codes.

    In parts it is each with the codes of its view, of which as many rows of a customer are taken as
    were measured.
    """
    if not fitted.parts:
        yield fitted, fitted.encoder.encode(typed)
        return
    customers = pd.factorize(typed[str(fitted.schema.unit.column)])[0]
    form = HistoryForm(fitted.schema)
    for name, found in fitted.parts.items():
        view = history_view(name, form, typed, customers)
        mixed = np.random.default_rng(0).permutation(len(view.frame))
        before = pd.Series(view.customers[mixed]).groupby(view.customers[mixed]).cumcount()
        taken = mixed[(before < found.plan.unit.max_rows).to_numpy()]
        yield found, found.encoder.encode(view.frame.iloc[taken])
