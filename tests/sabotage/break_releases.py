"""Ways of breaking what stands around a release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from privgan.domain.cells import Cells
from privgan.pipeline import public_texts, releasing
from privgan.pipeline import run as running
from privgan.pipeline.preflight import Preflight, preflight
from privgan.release.bundle import write_release
from privgan.release.manifest import MANIFEST_NAME
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L31", checks.a_release_is_searched_before_it_is_recorded, "never made")
def recorded_before_it_is_searched(patch: Patch) -> None:
    """The ledger records a release before its bundle was searched."""

    def hasty(*given: Any) -> Path:
        *others, options = given
        with TemporaryDirectory() as empty:
            (Path(empty) / MANIFEST_NAME).touch()
            options.book.record(Path(empty))
        return write_release(*others, replace(options, book=None))

    patch.setattr(releasing, "write_release", hasty)


@variant("L31", checks.a_release_is_searched_before_it_is_recorded, "forgotten")
def finding_forgotten(patch: Patch) -> None:
    """A finding stops one command, and nothing remembers it."""

    @contextmanager
    def careless(*_: object) -> Iterator[None]:
        yield

    patch.setattr(releasing, "closing_on_findings", careless)


@variant("L31", checks.public_texts_stop_no_release, "stopped a release")
def grid_taken_for_rows(patch: Patch) -> None:
    """A label of a bin that equals a real value stops the release, which tells of that value."""

    def nothing(_: Cells) -> Iterator[str]:
        yield from ()

    patch.setattr(public_texts, "_edge_labels", nothing)
    patch.setattr("privgan.pipeline.scanning.WRITTEN", ())


@variant("L10", checks.what_can_never_pass_charges_nothing, "was begun|was charged|blocked")
def paid_in_vain(patch: Patch) -> None:
    """A policy that can never pass is looked at after the fit alone."""

    def blind(*given: Any, **more: Any) -> Preflight:
        return replace(preflight(*given, **more), blocking=(), problems=())

    patch.setattr(running, "preflight", blind)
