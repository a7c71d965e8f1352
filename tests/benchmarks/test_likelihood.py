"""The likelihood of test rows: codes with their shapes give back every value's probability."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code, merged_code
from privgan.generator.frozen import FrozenMixture
from privgan.generator.networks import Generator
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer
from tests.benchmarks.likelihood import MODEL, likelihoods_of, log_within
from tests.constrained import said_guarantee

_TIER = Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("low", "high"))
_SPEND = Numeric(name="spend", kind=Kind.INTEGER, lower=0, upper=999, missing=True)


def _encoder(max_codes: int) -> Encoder:
    cells = cells_of(_SPEND, 64)
    shares = np.random.default_rng(0).dirichlet(np.full(cells.size, 0.2))
    shares[3] = 0.0
    spend = merged_code(cells, shares / shares.sum(), max_codes=max_codes)
    return Encoder((identity_code(cells_of(_TIER, 64)), spend))


def _every_value() -> pd.DataFrame:
    values = pd.Series([*range(1_000), None], dtype="Int64")
    return pd.DataFrame({"tier": pd.Categorical(["low"] * 1_001, ["low", "high"]), "spend": values})


@pytest.mark.parametrize("max_codes", [5, 20])
def test_the_values_of_each_code_share_its_probability_and_none_has_none(max_codes: int) -> None:
    encoder, rows = _encoder(max_codes), _every_value()
    shares = np.exp(log_within(encoder, rows))
    codes = encoder.encode(rows)[:, 1]
    assert np.bincount(codes, weights=shares) == pytest.approx(np.ones(encoder.sizes[1]))
    assert (shares > 0).all()


def _saved(folder: Path, max_codes: int) -> None:
    encoder = _encoder(max_codes)
    sizes = encoder.sizes
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Generator(sizes, latent=4, width=8, entries=3)
        latents = torch.randn(3, 4)
    Synthesizer(
        schema=Schema(dataset="small", unit=PrivacyUnit(), columns=(_TIER, _SPEND)),
        encoder=encoder,
        model=FrozenMixture(network.eval(), latents, np.full((3, 2), -1)),
        frequencies=tuple(np.full(size, 1 / size) for size in sizes),
        max_cells=64,
        rows=100,
        rows_of_each=(1.0,),
        guarantee=said_guarantee(),
    ).save(folder / MODEL)


def test_a_kept_model_is_scored_and_a_peer_has_none(tmp_path: Path) -> None:
    rows = _every_value()
    assert likelihoods_of(tmp_path, rows) == {}
    _saved(tmp_path, 20)
    found = likelihoods_of(tmp_path, rows)
    assert found["network"] == 0.0
    assert found["loglik_values"] < found["loglik"] < 0
    _saved(tmp_path / "coarse", 5)
    # Fewer codes look likelier by themselves; the values do not.
    coarse = likelihoods_of(tmp_path / "coarse", rows)
    assert coarse["loglik"] > found["loglik"] + 0.5
    assert coarse["loglik_values"] == pytest.approx(found["loglik_values"], abs=1.5)
