"""Represent the generator as a mixture of product distributions over a latent codebook.

A codebook holds a fixed number of latent vectors, each with a condition. The generator maps each
entry to a product distribution, one softmax per column. The model is their even mixture. Its
marginals are known exactly at every step, so fitting has no sampling noise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from privgan.domain.stratified import choose, choose_by_shares, cumulative_shares, spread
from privgan.generator.conditions import condition_codes, conditions_of
from privgan.generator.networks import Generator
from privgan.generator.sampling import balance
from privgan.measurement.marginals import Clique, Measurements
from privgan.planning.model_settings import GeneratorSettings

_TEMPERATURE = 0.5
_CHUNK = 2_000
_TINY = 1e-300


class GeneratorModel:
    """A generator while it is fitted. It never receives a tensor made from real rows.

    Args:
        measurements: Noisy frequencies for the conditions.
        settings: Network sizes and the number of codebook entries.
        seed: Moves initial weights, latent vectors and fake rows.
        device: Where to compute.
    """

    def __init__(
        self,
        measurements: Measurements,
        settings: GeneratorSettings,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.settings, self.device = settings, device
        self.random = torch.Generator().manual_seed(seed)
        self.rng = np.random.default_rng([seed, 1])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Generator(
                measurements.sizes,
                latent=settings.latent,
                width=settings.width,
                entries=settings.entries,
            )
        self.network = network.to(device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.latents = torch.randn(settings.entries, settings.latent, generator=self.random).to(
            device
        )
        self.update_conditions(measurements)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return self.network.sizes

    def update_conditions(self, measurements: Measurements) -> None:
        """Redraw each entry's condition from noisy frequencies."""
        self.codes_of_conditions = condition_codes(measurements, self.settings.entries)
        self.conditions = conditions_of(self.codes_of_conditions, measurements.sizes).to(
            self.device
        )

    def restore_codebook(self, latents: Tensor, condition_codes: np.ndarray) -> None:
        """Load the codebook of another model with the same columns."""
        self.latents, self.codes_of_conditions = latents.to(self.device), condition_codes
        self.conditions = conditions_of(condition_codes, self.sizes).to(self.device)

    def logits(self) -> Tensor:
        """The logits of all columns [entries, all codes]."""
        return self.network.logits(self.latents, self.conditions)

    def components(self) -> tuple[Tensor, ...]:
        """Logits [entries, codes] of each column."""
        logits: tuple[Tensor, ...] = self.network(self.latents, self.conditions)
        return logits

    def fake_rows(self, components: Sequence[Tensor], batch: int) -> Tensor:
        """Draw one-hot rows [batch, all codes and columns] with their condition marks.

        Entries are drawn evenly. Codes are drawn by Gumbel softmax with a straight-through gradient
        (Jang et al. 2017).
        """
        entries = torch.randint(self.settings.entries, (batch,), generator=self.random).to(
            self.device
        )
        marks = torch.stack(
            [part.sum(1) for part in self.conditions[entries].split(list(self.sizes), 1)], 1
        )
        return torch.cat([*(self._gumbel_softmax(part[entries]) for part in components), marks], 1)

    def _gumbel_softmax(self, logits: Tensor) -> Tensor:
        uniform = (
            torch.rand(logits.shape, generator=self.random).clamp_(1e-10, 1 - 1e-7).to(self.device)
        )
        soft = F.softmax((logits - torch.log(-torch.log(uniform))) / _TEMPERATURE, 1)
        hard = F.one_hot(soft.argmax(1), logits.shape[1]).to(soft.dtype)
        return hard - soft.detach() + soft

    def update_ema(self, decay: float) -> None:
        """Update the exponential moving average (EMA) of the weights."""
        with torch.no_grad():
            for slow, fast in zip(
                self.average.parameters(), self.network.parameters(), strict=True
            ):
                slow.lerp_(fast, 1 - decay)

    def use_average(self) -> None:
        """Replace the weights by their moving average."""
        self.network.load_state_dict(self.average.state_dict())

    def restart_average(self) -> None:
        """Restart the moving average at the current weights."""
        self.average.load_state_dict(self.network.state_dict())

    @torch.no_grad()
    def mixture(self) -> Mixture:
        """The model as a mixture of product distributions."""
        return Mixture(
            [F.softmax(part, 1).cpu().numpy().astype(np.float64) for part in self.components()]
        )

    def marginals(self) -> Callable[[Clique], np.ndarray]:
        """A function from a clique to the mixture's share of each cell [cells]."""
        return self.mixture().marginal

    def probabilities(self) -> Sequence[np.ndarray]:
        """For each column the share of each code in each entry [entries, codes]."""
        return self.mixture().probabilities

    def codes(self, rows: int) -> np.ndarray:
        """Synthetic codes [rows, columns] from the current weights."""
        return self.mixture().sample(rows, self.rng)


class Mixture:
    """An even mixture of product distributions over codes.

    Args:
        probabilities: For each column the probability of each code in each entry [entries, codes].
    """

    def __init__(self, probabilities: Sequence[np.ndarray]) -> None:
        self.probabilities = [part / part.sum(1, keepdims=True) for part in probabilities]
        self.entries = len(self.probabilities[0])
        self._shares = [cumulative_shares(part) for part in self.probabilities]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return tuple(part.shape[1] for part in self.probabilities)

    def log_likelihood(
        self, codes: np.ndarray, columns: Collection[int] | None = None
    ) -> np.ndarray:
        """Log-probability [rows], in nats, of codes [rows, columns]; exact.

        Args:
            codes: The rows.
            columns: Those that count, at least one; None for all.
        """
        found = np.empty(len(codes))
        counted = range(len(self.probabilities)) if columns is None else columns
        for start in range(0, len(codes), _CHUNK):
            part = codes[start : start + _CHUNK]
            logs = sum(
                np.log(self.probabilities[column][:, part[:, column]] + _TINY) for column in counted
            )
            found[start : start + _CHUNK] = np.logaddexp.reduce(logs, axis=0) - np.log(self.entries)
        return found

    def sample(
        self,
        rows: int,
        rng: np.random.Generator,
        allowed: Mapping[int, np.ndarray] | None = None,
        *,
        balanced: bool = False,
    ) -> np.ndarray:
        """Sample codes [rows, columns].

        Each row follows the mixture. Rows are spread evenly over it by stratified sampling: entries
        in proportion, and within an entry the codes of each column. The sample's shares then lie
        nearer to the mixture's.

        Args:
            rows: How many.
            rng: Public randomness.
            allowed: For some columns the share of each code [codes] that a condition allows.
                Entries are drawn by Bayes' rule from the probability that each gives the
                conditions, and the codes from what is allowed: the exact conditional distribution
                of the mixture, without rejection.
            balanced: Whether rows exchange values until 3-way counts are near to the mixture's
                (``balance``).

        Each row follows the mixture. Rows are spread evenly over it instead of independently
        (stratified sampling: entries in proportion, and within an entry the codes of each column),
        so that a sample's shares lie nearer to the mixture's.
        """
        allowed = allowed or {}
        entries = spread(self.evidence(allowed), rows, rng)
        columns = {
            index: self.codes(index, entries, rng, allowed.get(index))
            for index in range(len(self.probabilities))
        }
        if balanced:
            columns = self.balance(columns, entries, rng, allowed)
        return np.stack(list(columns.values()))[:, rng.permutation(rows)].T

    def balance(
        self,
        columns: Mapping[int, np.ndarray],
        entries: np.ndarray,
        rng: np.random.Generator,
        allowed: Mapping[int, np.ndarray] | None = None,
    ) -> dict[int, np.ndarray]:
        """Exchange codes [rows] within entries until 3-way counts are near the mixture's.

        Args:
            columns: Drawn codes [rows] by column.
            entries: The entry of each row [rows], ascending.
            rng: Public randomness.
            allowed: For some columns the share of each code [codes] that a condition allowed.
        """
        codes = np.stack(list(columns.values()), axis=1).astype(np.int32)
        balance(
            codes,
            entries,
            [self._given(index, (allowed or {}).get(index)) for index in columns],
            rng,
        )
        return {index: codes[:, place].astype(np.int64) for place, index in enumerate(columns)}

    def _given(self, index: int, allowed: np.ndarray | None) -> np.ndarray:
        """Code probabilities [entries, codes] of a column under a condition."""
        if allowed is None:
            return self.probabilities[index]
        weights = self.probabilities[index] * allowed
        total = weights.sum(1, keepdims=True)
        given: np.ndarray = weights / np.where(total > 0, total, 1.0)
        return given

    def codes(
        self,
        index: int,
        entries: np.ndarray,
        rng: np.random.Generator,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draw codes [rows] of one column, each from its row's entry.

        Args:
            index: The column.
            entries: The entry of each row [rows], ascending.
            rng: Public randomness.
            allowed: The share of each code [codes] that a condition allows, or None for all.
        """
        if allowed is None:
            return choose_by_shares(self._shares[index], entries, rng)
        return choose(self.probabilities[index] * allowed, entries, rng)

    def marginal(self, clique: Clique) -> np.ndarray:
        """The share of each cell [cells] of a clique; the last column varies fastest."""
        product = self._single(clique[0])
        for column in clique[1:-1]:
            product = (product[:, :, None] * self._single(column)[:, None, :]).reshape(
                self.entries, -1
            )
        if len(clique) == 1:
            return product.mean(0)
        return (product.T @ self._single(clique[-1])).ravel() / self.entries

    def _single(self, column: int) -> np.ndarray:
        return self.probabilities[column].astype(np.float32)

    def evidence(self, allowed: Mapping[int, np.ndarray]) -> np.ndarray:
        """Probability of the conditions in each entry [entries]."""
        weights = np.ones(self.entries)
        for index, shares in allowed.items():
            weights = weights * (self.probabilities[index] @ shares)
        return weights
