"""Each mechanism's own privacy map says what we account for; untested libraries are refused."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import InternalError, LibraryError
from privgan.generator import dpsgd
from privgan.pipeline.job import FitSettings
from privgan.pipeline.library_maps import check_libraries
from privgan.pipeline.resuming import resume
from privgan.privacy import opendp_noise
from privgan.privacy.events import DiscreteGaussian, dp_sgd
from privgan.privacy.library_checks import check_stated_loss, check_tested
from privgan.privacy.mechanisms import (
    CategoryDiscovery,
    CountHistogram,
    CountHistograms,
    Selection,
    TotalCount,
)
from tests.sabotage import world

NOISE = st.floats(0.3, 1e4)
ROWS = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(noise=NOISE, rows=ROWS, number=st.integers(1, 300))
def test_opendp_states_of_counts_what_we_account_for(noise: float, rows: int, number: int) -> None:
    """ρ = k²/2σ² of the discrete Gaussian, ε of the discrete Laplace: for any noise and any k."""
    histogram = CountHistogram(standard_deviation=noise, sensitivity=rows)
    stated = opendp_noise.discrete_gaussian_rho(noise, rows)
    assert stated == pytest.approx(rows**2 / (2 * noise**2), rel=1e-12)
    histogram.check_map()
    CountHistograms(histogram=histogram, number=number).check_map()
    CategoryDiscovery(standard_deviation=noise, max_rows=rows, delta=1e-7).check_map()
    total = TotalCount(epsilon=1 / noise, sensitivity=rows)
    assert opendp_noise.discrete_laplace_epsilon(total.scale, rows) == pytest.approx(1 / noise)
    total.check_map()


@settings(max_examples=60, deadline=None)
@given(epsilon=st.floats(1e-4, 6), rows=ROWS)
def test_opendp_states_of_choices_what_is_accounted_for(epsilon: float, rows: int) -> None:
    """ε²/8-zCDP of Gumbel noise of scale 2/ε."""
    choice = Selection(epsilon=epsilon, sensitivity=float(rows))
    stated = opendp_noise.gumbel_choice_rho(choice.scale)
    assert stated == pytest.approx(epsilon**2 / 8, rel=1e-12)
    choice.check_map()


def test_the_maps_move_with_what_they_are_asked() -> None:
    """So that a map of a constant could not pass."""
    assert opendp_noise.discrete_gaussian_rho(2.0, 1) < opendp_noise.discrete_gaussian_rho(1.9, 1)
    assert opendp_noise.discrete_laplace_epsilon(2.0, 2) == 1.0
    assert opendp_noise.gumbel_choice_rho(2.0) < opendp_noise.gumbel_choice_rho(1.9)


def test_more_than_is_accounted_for_is_refused_and_rounding_is_not() -> None:
    check_stated_loss("m", 1.0, 1.0, "ρ")
    check_stated_loss("m", 1.0 + 1e-12, 1.0, "ρ")
    check_stated_loss("m", 0.5, 1.0, "ρ")
    for stated in (1.0 + 1e-6, float("inf"), float("nan")):
        with pytest.raises(LibraryError, match=r"states ρ = .* for the m"):
            check_stated_loss("m", stated, 1.0, "ρ")
    with pytest.raises(InternalError, match="has no ρ"):
        check_stated_loss("m", 1.0, None, "ρ")


def test_the_trainer_is_held_against_its_event() -> None:
    critic = world.critic_settings()
    dpsgd.check_map(critic, critic.event)
    dpsgd.check_map(critic, critic.event_of(1))
    rate, noise = critic.sample_rate, critic.noise_multiplier
    for event in (
        DiscreteGaussian(1.0),
        dp_sgd(noise_multiplier=noise * 1.01, sample_rate=rate, steps=4),
        dp_sgd(noise_multiplier=noise, sample_rate=rate / 2, steps=4),
    ):
        with pytest.raises(InternalError, match="not that of its settings"):
            dpsgd.check_map(critic, event)


def test_plans_of_both_stages_and_of_several_rows_are_checked() -> None:
    with world.quick():
        for plan in (world.plan(), world.plan(900), world.planned(), world.planned_for(3)):
            check_libraries(plan)


def test_a_resumed_run_asks_its_libraries_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reserve is charged when the ledger resumes: by then the library was refused."""
    with world.quick():
        plan = world.planned()
    stood: Any = SimpleNamespace(schema=world.SCHEMA, plan=plan.fingerprint())
    ledger = mock.Mock()
    monkeypatch.setattr(opendp_noise, "discrete_gaussian_rho", lambda noise, rows: 1e9)
    with pytest.raises(LibraryError, match="discrete Gaussian"):
        resume(mock.Mock(), plan, stood, mock.Mock(), ledger, FitSettings())
    assert not ledger.method_calls


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("opendp", "0.13.0", r"opendp is 0\.13\.0, allowed: <0\.17,>=0\.14"),
        ("dp-accounting", "0.7.0", r"dp-accounting is 0\.7\.0"),
        ("opacus", "2.0", "opacus is"),
        ("torch", "2.14.0+cpu", r"torch is 2\.14\.0\+cpu"),
        ("cryptography", "41.0.7", "cryptography is"),
        ("numpy", None, "numpy is not installed"),
        ("privgan", None, "privgan is not installed"),
    ],
)
def test_an_untested_library_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version: str | None,
    told: str,
) -> None:
    check_tested()
    found, required = metadata.version, metadata.requires

    def version_of(asked: str) -> str:
        if asked == name and version is None:
            raise metadata.PackageNotFoundError(name)
        return version if asked == name and version else found(asked)

    def requires(asked: str) -> list[str] | None:
        if asked == name and version is None:
            raise metadata.PackageNotFoundError(name)
        return required(asked)

    monkeypatch.setattr(metadata, "version", version_of)
    monkeypatch.setattr(metadata, "requires", requires)
    with pytest.raises(LibraryError, match=told):
        check_tested()
