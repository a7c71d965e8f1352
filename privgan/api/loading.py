"""Load a fitted synthesizer from what a fit, a run or a release left."""

from __future__ import annotations

from privgan.api.inputs import PathLike, path_of
from privgan.api.synthesizer import Synthesizer


def load(folder: PathLike) -> Synthesizer:
    """The fitted synthesizer of a folder: what ``save``, ``fit`` or ``run`` left, or a release.

    A release is verified first: of one that is not intact no row is drawn. Loading runs no code
    from the files.

    Raises:
        UsageError: when the folder holds no model.
        VerificationError: when it is a release that is not intact.

    >>> load("out/release")
    Synthesizer('shop', ε = 3, δ = 1e-06, fitted)
    """
    return Synthesizer.of(path_of("folder", folder, "the folder of a fit or of a release"))
