"""Check the libraries that draw and account; AssertionError on failure."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from privgan.errors import InternalError, LibraryError
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline import library_maps
from privgan.planning.plan import StepKind
from privgan.privacy import opendp_noise
from privgan.privacy.randomness import SecretStream
from tests.sabotage import world


class Stating:
    """A mechanism whose map states another loss."""

    def __init__(self, mechanism: Any, factor: float) -> None:
        self._mechanism, self._factor = mechanism, factor

    def __call__(self, value: Any) -> Any:
        return self._mechanism(value)

    def map(self, distance: Any) -> float:
        return float(self._mechanism.map(distance)) * self._factor


def libraries_state_what_is_charged() -> None:
    """Of the plan's steps in both stages; DP-SGD's too."""
    library_maps.check_libraries(world.planned())


def no_step_goes_unchecked() -> None:
    """A step whose event nothing checks, or is not its mechanism's, is refused."""
    plan = world.planned()
    step = next(step for step in plan.steps if step.kind is StepKind.MARGINAL)
    critic = next(step for step in plan.steps if step.kind is StepKind.CRITIC)
    for wrong in (
        replace(step, mechanism=None),
        replace(step, event=critic.event),
        replace(critic, event=step.event),
    ):
        try:
            library_maps.check_maps([wrong], plan.critic)
        except InternalError:
            continue
        raise AssertionError(f"the step {wrong.name} passed unchecked")


def a_library_that_states_more_stops_the_run_unpaid() -> None:
    """Through the whole fit: each kind of mechanism states one part in a thousand more."""
    for name in ("_gaussian", "_laplace", "_noisy_max"):
        make = getattr(opendp_noise, name)

        def stating_more(scale: float, make: Any = make) -> Stating:
            return Stating(make(scale), 1.001)

        library = mock.patch.object(opendp_noise, name, stating_more)
        with tempfile.TemporaryDirectory() as folder, library:
            try:
                world.fit(world.table(), SecretStream(), Path(folder))
            except LibraryError:
                began = PrivacyLedger.open(f"{folder}/ledger.sqlite").entries()
                assert not began, f"{name}: a run was charged before its library was asked"
                continue
        raise AssertionError(f"{name}: a run began although its library states more")
