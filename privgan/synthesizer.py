"""The fitted synthesizer: a generator, an encoder and noisy frequencies. It holds no row and samples for free."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from privgan.errors import IncompleteError, UsageError
from privgan.gan.conditions import UNCONDITIONED_SHARE, fixed_condition
from privgan.gan.networks import Generator
from privgan.table.cells import cells_of
from privgan.table.encoding import Encoder, encoder_from_json
from privgan.table.files import presented
from privgan.table.invent import invent
from privgan.table.schema import Schema
from privgan.table.schema_file import dump_schema, parse_schema
from privgan.table.where import ColumnCondition

FORMAT = "privgan.model/1"
WEIGHTS, FACTS = "model.safetensors", "model.json"
CHUNK = 100_000
_BATCH = 5_000
_POOL = 4
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class Synthesizer:
    """A frozen synthesizer.

    Attributes:
        schema: The public facts.
        encoder: Codes to values; its merged bins are measured facts.
        network: The generator's weights.
        frequencies: Noisy share of each code of each column.
        max_cells: The plan's number of fine cells.
        rows: The default number of rows: the planned row count.
        guarantee: The (ε, δ) statement, as JSON values.
    """

    schema: Schema
    encoder: Encoder
    network: Generator
    frequencies: tuple[np.ndarray, ...]
    max_cells: int
    rows: int
    guarantee: Mapping[str, Any]

    def sample(self, rows: int | None = None, *, seed: int = 0, where: tuple[ColumnCondition, ...] = ()) -> pd.DataFrame:
        """Synthetic rows in the schema's types and order.

        Args:
            rows: How many; None for the planned row count.
            seed: Public randomness: the same seed draws the same rows.
            where: Conditions that every row meets.

        Raises:
            IncompleteError: when the model gives the conditions next to no probability.
        """
        return pd.concat(list(self.chunks(rows, seed=seed, where=where)), ignore_index=True)

    def chunks(
        self, rows: int | None = None, *, seed: int = 0, where: tuple[ColumnCondition, ...] = ()
    ) -> Iterator[pd.DataFrame]:
        """As sample, in chunks of at most 100,000 rows, so that memory does not grow with their number."""
        wanted = self.rows if rows is None else rows
        if wanted < 1:
            raise UsageError(f"--rows is {wanted}; it must be at least 1")
        draw = _Sampler(self, seed)
        for start in range(0, wanted, CHUNK):
            yield draw.chunk(min(CHUNK, wanted - start), start + 1, where)

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``: no pickle, no row."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}, folder / WEIGHTS)
        facts = {
            "format": FORMAT,
            "rows": self.rows,
            "max_cells": self.max_cells,
            "latent": self.network.latent,
            "width": self.network.width,
            "guarantee": dict(self.guarantee),
            "schema": dump_schema(self.schema),
            "columns": {column.name: column.to_json() for column in self.encoder.columns},
            "frequencies": [[round(float(share), 9) for share in shares] for shares in self.frequencies],
        }
        (folder / FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def load_synthesizer(folder: Path) -> Synthesizer:
    """Read a saved synthesizer; loading runs no code from the files.

    Raises:
        UsageError: when the folder holds none, or one of another version.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder}: holds no model ({Path(error.filename or FACTS).name} is missing); give a candidate or a release"
        ) from error
    except Exception as error:
        raise UsageError(
            f"{folder}: the model cannot be read ({type(error).__name__}); it is damaged or no privgan model"
        ) from error
    if facts.get("format") != FORMAT:
        raise UsageError(f"{folder}: the model's format is {facts.get('format')!r}; this privgan reads {FORMAT}")
    schema = parse_schema(facts["schema"], name="the model's schema")
    cells = {column.name: cells_of(column, facts["max_cells"]) for column in schema.modelled}
    encoder = encoder_from_json(cells, facts["columns"])
    network = Generator(encoder.sizes, latent=facts["latent"], width=facts["width"])
    network.load_state_dict(weights)
    return Synthesizer(
        schema=schema,
        encoder=encoder,
        network=network.eval(),
        frequencies=tuple(np.asarray(shares) for shares in facts["frequencies"]),
        max_cells=facts["max_cells"],
        rows=facts["rows"],
        guarantee=facts["guarantee"],
    )


class _Sampler:
    """Draws chunks; its state is public randomness."""

    def __init__(self, synthesizer: Synthesizer, seed: int) -> None:
        self.of = synthesizer
        self.torch_rng = torch.Generator().manual_seed(seed)
        self.rng = np.random.default_rng([seed, 2])

    def chunk(self, rows: int, first_serial: int, where: tuple[ColumnCondition, ...]) -> pd.DataFrame:
        codes = self._conditioned(rows, where) if where else self._free(rows)
        wanted = {condition.column.name: condition for condition in where}
        values: dict[str, pd.Series] = {}
        for index, column in enumerate(self.of.encoder.columns):
            condition = wanted.get(column.name)
            if condition is None:
                values[column.name] = column.decode(codes[:, index], self.rng)
            else:
                cut, shares = condition.cells(column.cells), condition.shares(column.cells)
                values[column.name] = column.decode(codes[:, index], self.rng, allowed=cut, weight=shares)
        values |= invent(self.of.schema, rows, first_serial=first_serial, rng=self.rng)
        return presented(pd.DataFrame({name: values[name] for name in self.of.schema.names}), self.of.schema)

    def _free(self, rows: int) -> np.ndarray:
        """Codes [rows, columns] with conditions as in training."""
        parts = []
        for start in range(0, rows, _BATCH):
            size = min(_BATCH, rows - start)
            logits = self._logits(self._training_conditions(size))
            parts.append(np.stack([self._choose(F.softmax(part, 1).numpy()) for part in logits], axis=1))
        return np.concatenate(parts)

    def _training_conditions(self, rows: int) -> Tensor:
        sizes = self.of.encoder.sizes
        conditions = torch.zeros(rows, sum(sizes))
        picks = self.rng.integers(len(sizes), size=rows)
        free = self.rng.random(rows) < UNCONDITIONED_SHARE
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        for column, shares in enumerate(self.of.frequencies):
            here = np.flatnonzero((picks == column) & ~free)
            codes = self.rng.choice(len(shares), size=len(here), p=shares / shares.sum())
            conditions[torch.from_numpy(here), torch.from_numpy(offsets[column] + codes)] = 1.0
        return conditions

    def _conditioned(self, rows: int, where: tuple[ColumnCondition, ...]) -> np.ndarray:
        """Codes [rows, columns] given evidence.

        The rarest condition goes through the condition vector; the others by weighting a pool of latent draws with the
        probability that each gives them, and drawing from the pool: no rejection. Exact for one column; for several,
        exact for the model as the pool grows.
        """
        columns = {self.of.encoder.names.index(condition.column.name): self._allowed(condition) for condition in where}
        prior = {column: float(self.of.frequencies[column] @ allowed) for column, allowed in columns.items()}
        anchor = min(prior, key=lambda column: prior[column])
        if prior[anchor] < _SMALLEST_PROBABILITY:
            raise IncompleteError(
                f"--where: the model gives {self.of.encoder.names[anchor]} under this condition next to no probability; widen it"
            )
        parts = [self._batch_given(min(_BATCH, rows - start), columns, anchor) for start in range(0, rows, _BATCH)]
        return np.concatenate(parts)

    def _allowed(self, condition: ColumnCondition) -> np.ndarray:
        """Share of each code [codes] that a condition allows."""
        column = next(code for code in self.of.encoder.columns if code.name == condition.column.name)
        return np.bincount(column.code_of, weights=column.within * condition.shares(column.cells))

    def _batch_given(self, rows: int, columns: Mapping[int, np.ndarray], anchor: int) -> np.ndarray:
        shares = self.of.frequencies[anchor] * columns[anchor]
        pool = rows * (_POOL if len(columns) > 1 else 1)
        fixed = torch.from_numpy(self.rng.choice(len(shares), size=pool, p=shares / shares.sum()))
        probabilities = [
            F.softmax(part, 1).numpy() for part in self._logits(fixed_condition(self.of.encoder.sizes, anchor, fixed))
        ]
        weights = np.ones(pool)
        for column, allowed in columns.items():
            if column != anchor:
                weights *= probabilities[column] @ allowed
                probabilities[column] = probabilities[column] * allowed
        if weights.mean() < _SMALLEST_PROBABILITY:
            raise IncompleteError("--where: the model gives these conditions together next to no probability; widen one of them")
        kept = np.arange(rows) if len(columns) == 1 else self.rng.choice(pool, size=rows, p=weights / weights.sum())
        return np.stack([self._choose(part[kept]) for part in probabilities], axis=1)

    @torch.no_grad()
    def _logits(self, conditions: Tensor) -> tuple[Tensor, ...]:
        latent = torch.randn(len(conditions), self.of.network.latent, generator=self.torch_rng)
        logits: tuple[Tensor, ...] = self.of.network(latent, conditions)
        return logits

    def _choose(self, weights: np.ndarray) -> np.ndarray:
        """One code a row from unnormalised weights [rows, codes]."""
        cumulative = np.cumsum(weights, axis=1)
        points = self.rng.random(len(weights)) * cumulative[:, -1]
        return np.minimum((cumulative <= points[:, None]).sum(axis=1), weights.shape[1] - 1)
