"""Check what a report says of the generator's dependence, by the released model and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from privgan.generator.dependence import dependence_on
from privgan.generator.distribution import Distribution
from privgan.generator.frozen import frozen_of
from privgan.release.verification.integrity import shown
from privgan.release.verification.released import REPORT, WEIGHTS, Released
from privgan.report.relations import target_code, written_dependence

_LAST_DIGIT = 1.01e-4


def dependence_problems(released: Released, first: Sequence[Sequence[int]]) -> Iterator[str]:
    """Curves of the generator that its model does not give, a sentence each.

    Args:
        released: A release whose other files agree with each other.
        first: Codes of its first synthetic rows.
    """
    curves = _curves(released)
    if not curves or not released.holds(WEIGHTS):
        return
    target = target_code(released.schema, released.encoder)
    dependence = dependence_on(_distribution(released), np.asarray(first, np.int64), target)
    for curve in curves:
        place = released.encoder.names.index(curve["column"])
        meant = [] if dependence is None else written_dependence(dependence(place))
        said = curve.get("generator", [])
        if len(meant) != len(said) or not np.allclose(meant, said, rtol=0, atol=_LAST_DIGIT):
            told = f"the generator's dependence on {shown(curve['column'])}"
            yield f"{REPORT}: {told} is not that of the released model"


def _curves(released: Released) -> Sequence[Mapping[str, Any]]:
    relations = released.report["data"].get("relations") if released.holds(REPORT) else None
    found: Sequence[Mapping[str, Any]] = relations["curves"] if relations else ()
    return found


def _distribution(released: Released) -> Distribution:
    """The released generator's distribution over codes.

    Raises:
        ValueError: Its numbers are none that a fit leaves.
    """
    from safetensors.torch import load

    try:
        tensors = load(released.content(WEIGHTS))
        return frozen_of(released.model, tensors, released.encoder.sizes).distribution
    except RuntimeError as error:
        raise ValueError("weights") from error
