"""Ways in which an installed library, or our question to it, can be wrong."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from opacus.accountants.analysis import rdp

from privgan.pipeline import fitting, library_maps
from privgan.privacy import opendp_noise
from privgan.privacy.mechanisms import Selection, TotalCount
from tests.sabotage import checks
from tests.sabotage.checks_of_libraries import Stating
from tests.sabotage.registry import Patch, variant


@variant("L25", checks.libraries_state_what_is_charged, "discrete Gaussian")
def library_states_more(patch: Patch) -> None:
    """The library's noise is smaller than asked, and its map says so."""
    make = opendp_noise._gaussian
    patch.setattr(opendp_noise, "_gaussian", lambda scale: make(scale * 0.99))


@variant("L25", checks.libraries_state_what_is_charged, "noisy max")
def library_of_another_choice(patch: Patch) -> None:
    """The noisy max states pure ε in place of ε²/8-zCDP, as it does under another divergence."""
    make = opendp_noise._noisy_max
    patch.setattr(opendp_noise, "_noisy_max", lambda scale: Stating(make(scale), 8 * scale / 2))


@variant("L25", checks.libraries_state_what_is_charged, "noisy max")
def scale_of_a_choice_halved(patch: Patch) -> None:
    """The choice's noise has half the scale, as where the library counts scores one-sided."""
    patch.setattr(Selection, "scale", property(lambda self: 1.0 / self.epsilon))


@variant("L25, L36", checks.libraries_state_what_is_charged, "discrete Laplace")
def scale_of_a_count_halved(patch: Patch) -> None:
    """The row count's noise has half the scale."""
    whole = TotalCount.scale.fget
    assert whole is not None
    patch.setattr(TotalCount, "scale", property(lambda self: whole(self) / 2))


@variant("L25", checks.libraries_state_what_is_charged, "DP-SGD")
def opacus_states_more(patch: Patch) -> None:
    """Opacus' own bound for the critic is larger than what is charged."""
    plain = rdp.compute_rdp

    def larger(**settings: Any) -> Any:
        return 1.001 * plain(**settings)

    patch.setattr(rdp, "compute_rdp", larger)


@variant("L25", checks.libraries_state_what_is_charged, "opendp is 99.0, allowed")
def untested_library(patch: Patch) -> None:
    """Somebody forced a library on us that nobody tested."""
    plain = metadata.version
    patch.setattr(metadata, "version", lambda name: "99.0" if name == "opendp" else plain(name))


@variant("L25", checks.no_step_goes_unchecked, "passed unchecked")
def unknown_steps_pass(patch: Patch) -> None:
    """A step without a mechanism is taken for one that needs no check."""
    plain = library_maps.check_maps

    def known(steps: Any, critic: Any) -> None:
        plain([step for step in steps if step.mechanism is not None], critic)

    patch.setattr(library_maps, "check_maps", known)


@variant("L10, L25", checks.a_library_that_states_more_stops_the_run_unpaid, "a run began")
def library_not_asked(patch: Patch) -> None:
    """The fit charges without asking its libraries."""
    patch.setattr(fitting, "check_libraries", lambda plan: None)


@variant("L10, L25", checks.a_library_that_states_more_stops_the_run_unpaid, "charged before")
def library_asked_too_late(patch: Patch) -> None:
    """The fit asks its libraries when its first stage is paid."""
    asked = library_maps.check_libraries

    def later(plan: Any) -> None:
        if plan.steps:
            asked(plan)

    patch.setattr(fitting, "check_libraries", later)
