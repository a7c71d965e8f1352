"""Recommend: read profiles or past events, and rank a column's values by the released model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.errors import UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.proposals import ANY, PRESENT
from privgan.generator.recommendation import Known, Recommender
from privgan.generator.recommendations import Recommendations
from privgan.naming import parameter
from privgan.parts.history_form import HistoryForm
from privgan.parts.next_event import next_events
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer
from privgan.table.past_events import PastEvents, read_past_events
from privgan.table.profiles import Cells, Profiles, read_profiles, rows_told

PROFILE = "profile"


def recommend(
    synthesizer: Synthesizer,
    source: Path | str | Any,
    column: str,
    top: int,
    *,
    new: bool = False,
    marker: str | None = None,
    seed: int = 0,
) -> Recommendations:
    """Rank a column's values for each profile, or of histories for each customer's next event.

    Args:
        synthesizer: The released model.
        source: Profiles or past events, as ``read_source`` takes them.
        column: A categorical column.
        top: How many values for each, at least 1.
        new: Of histories: leave out what a customer's past events hold.
        marker: A text that says that a value is missing, beside those that the schema states.
        seed: Public randomness, of a network alone.

    Raises:
        TableError: when the file cannot be read, or a value does not fit the schema.
        UsageError: when the column is none to recommend, or a profile cannot exist.
    """
    schema = synthesizer.schema
    if top < 1:
        raise UsageError(f"{parameter('top')} is {top}; it must be at least 1")
    found = checked_column(schema, column)
    if schema.history is None:
        if new:
            raise UsageError(
                f"{parameter('new')} leaves out what past events hold, and {schema.dataset} has no"
                " histories; leave it out"
            )
        profiles = read_profiles(source, schema, marker, PROFILE)
        return _of_rows(synthesizer, profiles, found, top, seed)
    past = read_past_events(source, schema, PROFILE, marker)
    return _of_customers(synthesizer, past, found, top, new=new)


def checked_column(schema: Schema, name: str) -> Discrete:
    """The column whose values are ranked.

    Raises:
        UsageError: when there is none of this name, or it has no values to rank.
    """
    if schema.tables:
        raise UsageError(
            f"{parameter('column')}: {schema.dataset} has related tables; what is recommended is a"
            " column of one table"
        )
    names = [column.name for column in schema.modelled]
    if name not in names:
        told = "is invented and not modelled" if name in schema.names else "is not in the model"
        near = did_you_mean(name, names)
        raise UsageError(
            f"{parameter('column')}: {shown(name)} {told}{near}; columns: {', '.join(names[:20])}"
        )
    column = schema.column(name)
    if not isinstance(column, Discrete):
        raise UsageError(
            f"{parameter('column')}: {shown(name)} is {column.kind}; allowed: categorical, ordinal,"
            " boolean"
        )
    history = schema.history
    if history is not None and name in history.constant:
        raise UsageError(
            f"{parameter('column')}: {shown(name)} is constant within a customer; what is"
            " recommended is a column of the next event"
        )
    return column


def _of_rows(
    synthesizer: Synthesizer, profiles: Profiles, column: Discrete, top: int, seed: int
) -> Recommendations:
    own = profiles.cells.get(column.name)
    if own is not None and own.given.any():
        told = rows_told(np.flatnonzero(own.given))
        raise UsageError(
            f"{parameter(PROFILE)}: {shown(column.name)} is to be recommended, and it is"
            f" given{told}; leave the column out"
        )
    others = {name: part for name, part in profiles.cells.items() if name != column.name}
    recommender = Recommender(synthesizer, synthesizer.schema, column, seed)
    known = Known(_codes(synthesizer.encoder, others, profiles.rows, PRESENT), others)
    shares = recommender.shares(known)
    lost = np.flatnonzero(shares.sum(1) <= 0)
    if len(lost):
        raise UsageError(
            f"{parameter(PROFILE)}: no value of {shown(column.name)} goes with some"
            f" profiles{rows_told(lost)} beside the schema's constraints; change their values, or"
            " leave cells empty"
        )
    return Recommendations.of(
        shares,
        top,
        column=column.name,
        categories=column.categories,
        whose="row",
        names=range(1, profiles.rows + 1),
        exact=recommender.exact,
        notes=_notes(recommender),
    )


def _of_customers(
    synthesizer: Synthesizer, past: PastEvents, column: Discrete, top: int, *, new: bool
) -> Recommendations:
    customers, events = synthesizer.parts
    if isinstance(events.distribution, FrozenNetwork):
        raise UsageError(
            f"{synthesizer.schema.dataset}: a network draws the events of this model, given when"
            " each comes and how many follow, which nobody knows of the next one; fit with"
            f" {parameter('generator', 'mixture')}"
        )
    form = HistoryForm.with_customers(synthesizer.schema, customers.schema.names)
    known = next_events(past, form)
    recommender = Recommender(events, synthesizer.schema, column, seed=0)
    codes = _codes(events.encoder, known.context, len(past.customers), ANY)
    shares = recommender.shares(Known(codes, known.constants))
    if new:
        shares = _never_before(shares, past, column)
    return Recommendations.of(
        shares,
        top,
        column=column.name,
        categories=column.categories,
        whose=str(synthesizer.schema.unit.column),
        names=past.customers.tolist(),
        exact=recommender.exact,
        notes=_notes(recommender),
    )


def _codes(encoder: Encoder, cells: Mapping[str, Cells], rows: int, empty: int) -> np.ndarray:
    """Known codes [rows, columns of the encoder].

    Args:
        encoder: The model's columns.
        cells: Known cells by name.
        rows: How many rows.
        empty: What an empty cell of a column that is there means: ``ANY`` or ``PRESENT``.
    """
    known = np.full((rows, len(encoder.columns)), ANY, dtype=np.int64)
    for place, column in enumerate(encoder.columns):
        part = cells.get(column.name)
        if part is not None:
            known[:, place] = empty
            here = np.flatnonzero(part.given)
            known[here, place] = column.encode(part.values.iloc[here])
    return known


def _never_before(shares: np.ndarray, past: PastEvents, column: Discrete) -> np.ndarray:
    """Shares of the values that no past event of the customer holds [customers, categories]."""
    part = past.cells.get(column.name)
    if part is None:
        return shares
    place = {text: index for index, text in enumerate(column.categories)}
    codes = part.values.map(place).to_numpy(dtype=float)
    held = ~np.isnan(codes)
    left = shares.copy()
    left[past.owner[held], codes[held].astype(np.int64)] = 0.0
    total = left.sum(1, keepdims=True)
    found: np.ndarray = left / np.where(total > 0, total, 1.0)
    return found


def _notes(recommender: Recommender) -> tuple[str, ...]:
    """What there is to say of the probabilities."""
    notes = []
    if not recommender.exact:
        notes.append(
            "the model is a network: where other columns than the recommended one are unknown,"
            " probabilities are estimated by draws of them"
        )
    if recommender.left_out:
        rules = "; ".join(str(rule) for rule in recommender.left_out)
        notes.append(f"held only in rows that give all other columns of it: {rules}")
    return tuple(notes)
