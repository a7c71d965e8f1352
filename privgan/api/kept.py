"""What a fit leaves in a folder: found again, and copied for its owner alone."""

from __future__ import annotations

import os
import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from privgan.errors import UsageError
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.folders import INTERNAL, model_folder
from privgan.release.manifest import MANIFEST_NAME
from privgan.release.pack import check_intact
from privgan.synthesizer import Synthesizer as FittedModel
from privgan.synthesizer import load_synthesizer


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was fitted.

    Attributes:
        model: The frozen model.
        candidate: What the fit left beside it; None where it came from a release or a model alone.
        folder: Where noisy marginals may lie; None for nowhere.
    """

    model: FittedModel
    candidate: Candidate | None
    folder: Path | None = None


def fitted_of(candidate: Candidate) -> Fitted:
    """What a fit has just left."""
    return Fitted(load_synthesizer(candidate.model), candidate, candidate.folder)


def found(folder: Path) -> Fitted:
    """What lies in a folder; a release is verified first.

    Raises:
        UsageError: when the folder holds no model.
        VerificationError: when it is a release that is not intact.
    """
    if not folder.is_dir():
        told = "is a file" if folder.exists() else "there is no such folder"
        raise UsageError(f"{folder}: {told}; give the folder of a fit or of a release")
    source = model_folder(folder)
    release = source.resolve().parent
    if os.path.lexists(release / MANIFEST_NAME):
        check_intact(release)
        return Fitted(load_synthesizer(source), None, release)
    model = load_synthesizer(source)
    try:
        candidate = Candidate.find(folder)
        return Fitted(model, candidate, candidate.folder)
    except UsageError:
        return Fitted(model, None)


def folder_of(owner: object) -> Path:
    """A folder for a candidate that nobody named; it goes with its owner."""
    home = mkdtemp(prefix="privgan-")
    weakref.finalize(owner, shutil.rmtree, home, ignore_errors=True)
    return Path(home) / "candidate"


def copied(candidate: Candidate, target: Path) -> None:
    """Copy a candidate and what stays inside; both folders are their owner's alone."""
    inside = target / INTERNAL
    Candidate(target, inside).create()
    shutil.copytree(candidate.folder, target, dirs_exist_ok=True)
    if candidate.internal.parent != candidate.folder:
        ignored = shutil.ignore_patterns(
            candidate.folder.name
        )  # It lies inside, and was just copied.
        shutil.copytree(candidate.internal, inside, dirs_exist_ok=True, ignore=ignored)
