"""Sample from a fitted synthesizer: a generator, an encoder and noisy frequencies.

It holds no row and samples for free.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import load_file, save_file
from torch import Tensor

from privgan.domain.encoding import Encoder
from privgan.domain.predicates import Predicate
from privgan.domain.quotas import Quota, Shares, checked_shares
from privgan.domain.regions import columns_of
from privgan.errors import InternalError, UsageError
from privgan.files.limits import (
    LARGEST_JSON,
    LARGEST_TENSORS,
    MOST_JSON_PARTS,
    MOST_SAMPLED_CELLS,
    MOST_SAMPLED_ROWS,
)
from privgan.generator.calendar import Calendar
from privgan.generator.completion import Completed, Completer
from privgan.generator.distribution import Distribution
from privgan.generator.frozen import Frozen, facts_of, format_of, frozen_of, tensors_of
from privgan.generator.history_sampler import HistorySampler
from privgan.generator.network_form import FORMATS, PARTS_FORMAT
from privgan.generator.part_model import (
    PartModel,
    check_shares,
    check_whole,
    coded_facts,
    coded_of,
    part_models,
    parts_stated,
)
from privgan.generator.related_sampler import RelatedSampler
from privgan.generator.row_sampler import RowSampler
from privgan.generator.strata import StrataSampler, quota_strata, share_strata
from privgan.naming import call, parameter
from privgan.parts.forms import lenders_of, parts_of
from privgan.privacy.guarantee import Guarantee
from privgan.schema.schema import Schema
from privgan.schema.tasks import forecast_of
from privgan.table.profiles import Profiles
from privgan.table.schema_file import dump_schema, parse_schema

WEIGHTS, FACTS = "model.safetensors", "model.json"
CHUNK = 100_000
_FACTS_FILE = "model/model.json"  # Its name in a release, by which its limits are stated.
_LARGEST_FACTS = LARGEST_JSON[_FACTS_FILE]


@dataclass(frozen=True, kw_only=True, eq=False)
class Synthesizer:
    """A frozen synthesizer.

    Attributes:
        schema: The public facts.
        encoder: Codes to values; its merged bins are measured facts.
        model: The frozen generator: a mixture or an autoregressive network; None where the parts
            have one each.
        frequencies: Noisy share of each code of each column.
        max_cells: The plan's number of fine cells.
        rows: The default number of rows: the planned row count.
        rows_of_each: Noisy share of the customers with 1, 2, … rows.
        guarantee: What the run that made it claims.
        parts: The models of the parts of a table with histories; empty for any other.
    """

    schema: Schema
    encoder: Encoder
    model: Frozen | None
    frequencies: tuple[np.ndarray, ...]
    max_cells: int
    rows: int
    rows_of_each: tuple[float, ...]
    guarantee: Guarantee
    parts: tuple[PartModel, ...] = ()

    def sample(
        self,
        rows: int | None = None,
        *,
        seed: int = 0,
        where: tuple[Predicate, ...] = (),
        balanced: bool = False,
    ) -> pd.DataFrame:
        """Synthetic rows in the schema's types and order.

        Each holds every constraint of the schema.

        Args:
            rows: How many; None for the planned row count.
            seed: Public randomness: the same seed draws the same rows.
            where: Conditions that every row meets; of histories, on columns that are constant
                within a customer.
            balanced: Whether 3-way counts are brought near to what the model expects, as in the
                table of a candidate; it takes some 50 times as long as drawing. Of a network
                nothing more is done: its uniform numbers are spread evenly in any case.

        Raises:
            IncompleteError: when the model gives the conditions next to no probability, or none
                beside the constraints.
        """
        wanted = self.rows if rows is None else rows
        most = MOST_SAMPLED_CELLS // len(self.schema.columns)
        if wanted > most:
            raise UsageError(
                f"{parameter('rows')} is {wanted}; at once it must be at most {most:,}; draw more"
                f" by {call('Synthesizer.chunks')}"
            )
        parts = list(self.chunks(rows, seed=seed, where=where, balanced=balanced))
        return pd.concat(parts, ignore_index=True)

    def chunks(
        self,
        rows: int | None = None,
        *,
        seed: int = 0,
        where: tuple[Predicate, ...] = (),
        balanced: bool = False,
        quotas: Sequence[Quota] = (),
        shares: Shares | None = None,
    ) -> Chunks:
        """Sample in chunks of at most 100,000 rows, in bounded memory.

        Args:
            rows: As for ``sample``, and so are seed, where and balanced.
            seed: See rows.
            where: See rows.
            balanced: See rows.
            quotas: How many rows of each kind, in place of ``rows``; in random order.
            shares: By column the shares of some categories; the other rows keep their proportions.

        Raises:
            UsageError: when the number of rows is none that can be drawn.
            IncompleteError: as ``sample``.
        """
        if quotas and (rows is not None or shares is not None):
            told = f"{parameter('rows')} and {parameter('shares')} go without it"
            raise UsageError(f"{parameter('quota')} says how many rows there are; {told}")
        asked = self.rows if rows is None else rows
        wanted = sum(quota.rows for quota in quotas) if quotas else asked
        if wanted < 1:
            raise UsageError(f"{parameter('rows')} is {wanted}; it must be at least 1")
        if wanted > MOST_SAMPLED_ROWS:
            told = f"it must be at most {MOST_SAMPLED_ROWS:,}"
            raise UsageError(f"{parameter('rows')} is {wanted}; {told}")
        if not quotas and shares is None:
            return Chunks(self._sampler(seed, where, balanced=balanced), wanted)
        self._check_flat(parameter("quota" if quotas else "shares"))
        strata = (
            share_strata(self, checked_shares(shares, self.schema), where, wanted, seed)
            if shares is not None
            else quota_strata(quotas, where)
        )
        return Chunks(StrataSampler(self, seed, strata, balanced=balanced), wanted)

    def complete(self, profiles: Profiles, *, seed: int = 0) -> Iterator[Completed]:
        """Complete profiles in their order, in chunks of at most 100,000 rows.

        Every given value is kept, and every constraint holds.

        Args:
            profiles: Rows of which some cells are given.
            seed: Public randomness: the same seed draws the same rows.

        Raises:
            UsageError: when a profile cannot exist, or the table is in parts.
            IncompleteError: when the model gives profiles next to no probability.
        """
        self._check_flat(parameter("given"))
        return Completer(self, seed).chunks(profiles)

    def _check_flat(self, what: str) -> None:
        """Check that rows are drawn one by one."""
        if self.parts:
            kind = "related tables" if self.schema.tables else "histories"
            raise UsageError(
                f"{what} goes with rows that are drawn one by one, and {self.schema.dataset} has"
                f" {kind}; use {parameter('where')}"
            )

    def _sampler(
        self, seed: int, where: tuple[Predicate, ...], *, balanced: bool
    ) -> RowSampler | HistorySampler:
        if not self.parts:
            return RowSampler(self, seed, where, balanced=balanced)
        if self.schema.tables:
            return self.related(seed, where, balanced=balanced).root
        customers, events = self.parts
        calendar = None if where else self._calendar()
        return HistorySampler(
            self.schema, (customers, events), seed, where, balanced=balanced, calendar=calendar
        )

    def _calendar(self) -> Calendar | None:
        """What the periods hold that a task forecasts; None for none.

        Where a constraint is on the order of events, no event is moved.
        """
        schema = self.schema
        order = schema.history.order if schema.history else ""
        ruled = any(order in columns_of(rule, schema) for rule in schema.constraints)
        if ruled or forecast_of(schema.tasks, order) is None:
            return None
        place = self.encoder.names.index(order)
        return Calendar(self.encoder.columns[place], self.frequencies[place], schema.unit.max_rows)

    def related(
        self, seed: int = 0, where: tuple[Predicate, ...] = (), *, balanced: bool = True
    ) -> RelatedSampler:
        """Draws customers with their rows in all related tables.

        Args:
            seed: Public randomness: the same seed draws the same rows.
            where: Conditions that every customer's row in the first table meets.
            balanced: As for ``sample``; of the customers.

        Raises:
            UsageError: The schema lists no related tables.
        """
        if not self.schema.tables:
            raise UsageError(f"{self.schema.dataset}: the schema lists no related tables")
        return RelatedSampler(self.schema, self.parts, seed, where, balanced=balanced)

    @property
    def encoders(self) -> dict[str, Encoder]:
        """The codes of the table, by the empty name, and of its parts."""
        return {"": self.encoder, **{one.part.name: one.encoder for one in self.parts}}

    @property
    def distribution(self) -> Distribution:
        """The model's distribution over codes; InternalError of a table in parts."""
        if self.model is None:
            raise InternalError("a table in parts has a distribution for each of them")
        return self.model.distribution

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``: no pickle, no row."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.model is None:
            found = {name: part for one in self.parts for name, part in one.tensors().items()}
            own: dict[str, Any] = {"parts": {one.part.name: one.facts() for one in self.parts}}
        else:
            found, own = tensors_of(self.model), facts_of(self.model)
        save_file(found, folder / WEIGHTS)
        facts = {
            "format": PARTS_FORMAT if self.model is None else format_of(self.model),
            "rows": self.rows,
            "rows_of_each": list(self.rows_of_each),
            "max_cells": self.max_cells,
            **own,
            "guarantee": self.guarantee.to_json(),
            "schema": dump_schema(self.schema),
            **coded_facts(self.encoder, self.frequencies),
        }
        (folder / FACTS).write_text(
            json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8"
        )


class Chunks(Iterator[pd.DataFrame]):
    """Frames of drawn rows, one after another.

    Args:
        sampler: Draws the rows, or whole histories.
        rows: How many in all.
    """

    def __init__(self, sampler: RowSampler | HistorySampler | StrataSampler, rows: int) -> None:
        self._sampler, self._rows = sampler, rows

    def __next__(self) -> pd.DataFrame:
        """The next rows."""
        first = self._sampler.rows
        if first >= self._rows:
            raise StopIteration
        return self._sampler.chunk(min(CHUNK, self._rows - first), first + 1)

    @property
    def weights(self) -> np.ndarray:
        """What each row drawn so far counts [rows], so that all follow the model."""
        if isinstance(self._sampler, StrataSampler):
            return np.concatenate([np.empty(0), *self._sampler.weights])
        return np.ones(self._sampler.rows)

    @property
    def note(self) -> str | None:
        """What to say of the rows drawn so far; None where each tells as much as any other."""
        rows, found = self._sampler.rows, int(self._sampler.effective_rows)
        if found >= rows:
            return None
        return (
            f"the conditions are rare in the model: some of the {rows:,} rows repeat others, and"
            f" together they tell as much as {found:,} independent ones"
        )


def load_synthesizer(folder: Path | str) -> Synthesizer:
    """Read a saved synthesizer; loading runs no code from the files.

    Raises:
        UsageError: when the folder holds none, or one of another version.
    """
    folder = Path(folder)
    try:
        facts = _facts_of(folder / FACTS)
        if (folder / WEIGHTS).stat().st_size > LARGEST_TENSORS:
            raise ValueError("larger than any model")
        weights = load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder}: holds no model ({Path(error.filename or FACTS).name} is missing); give a"
            " candidate or a release"
        ) from error
    except Exception as error:
        raise UsageError(
            f"{folder}: the model cannot be read ({type(error).__name__}); it is damaged or no"
            " privgan model"
        ) from error
    found = facts.get("format") if isinstance(facts, dict) else None
    if found not in FORMATS:
        known = " and ".join(FORMATS)
        raise UsageError(f"{folder}: the model's format is {found!r}; this privgan reads {known}")
    try:
        synthesizer = _rebuilt(facts, weights)
        # Whoever loads a model samples from it, and parts that do not fit show here.
        _ = [one.distribution for one in synthesizer.parts or (synthesizer,)]
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise UsageError(
            f"{folder}: the model's parts do not fit together ({type(error).__name__}); it is"
            " damaged"
        ) from error
    return synthesizer


def _facts_of(path: Path) -> Any:
    """The model's description; ValueError where it is too large."""
    with path.open("rb") as reader:
        content = reader.read(_LARGEST_FACTS + 1)
    if len(content) > _LARGEST_FACTS or content.count(b",") > MOST_JSON_PARTS[_FACTS_FILE]:
        raise ValueError("larger than any model's description")
    return json.loads(content.decode("utf-8"))


def _rebuilt(facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Synthesizer:
    schema = parse_schema(facts["schema"], name="the model's schema")
    check_whole(facts)
    check_shares(np.asarray(facts["rows_of_each"], float))
    parts = _parts_of(schema, facts, weights)
    encoder, frequencies = coded_of(schema, facts, _cells(schema, facts, parts))
    return Synthesizer(
        schema=schema,
        encoder=encoder,
        model=None if parts else frozen_of(facts, weights, encoder.sizes),
        frequencies=frequencies,
        max_cells=facts["max_cells"],
        rows=facts["rows"],
        rows_of_each=tuple(facts["rows_of_each"]),
        guarantee=Guarantee.from_json(facts["guarantee"]),
        parts=parts,
    )


def _parts_of(
    schema: Schema, facts: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> tuple[PartModel, ...]:
    """The models of a file's parts; none where the format has none.

    Raises:
        ValueError: The schema has parts and the format none, or the other way round.
    """
    if bool(parts_of(schema)) != (facts["format"] == PARTS_FORMAT):
        raise ValueError("parts")
    if facts["format"] != PARTS_FORMAT:
        return ()
    return part_models(parts_stated(schema, facts["parts"]), facts["parts"], weights)


def _cells(
    schema: Schema, facts: Mapping[str, Any], parts: tuple[PartModel, ...]
) -> Mapping[str, int]:
    """Number of fine cells of each of a table's columns."""
    if not parts:
        return dict.fromkeys(schema.names, facts["max_cells"])
    known = {one.part.name: one.max_cells for one in parts}
    lenders = lenders_of(schema).items()
    return {name: known[lender] for name, (lender, _) in lenders}
