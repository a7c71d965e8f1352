"""Read the noisy marginals that lie in a folder: of a release that was verified, or of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from privgan.domain.encoding import Encoder
from privgan.errors import UsageError
from privgan.files.safe_open import open_regular, read_regular
from privgan.release.contents import LARGEST
from privgan.release.marginal_files import (
    MeasuredPart,
    cells_of_each,
    measured_parts,
    read_counts,
    read_description,
)
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS


@dataclass(frozen=True, eq=False)
class MeasuredTable:
    """What was measured of a table and of its parts.

    Attributes:
        parts: The table, then its parts.
        counted: Probability with which a customer is among those that were counted.
    """

    parts: tuple[MeasuredPart, ...]
    counted: float


def marginals_in(folder: Path, encoders: Mapping[str, Encoder]) -> MeasuredTable | None:
    """The noisy marginals in a folder; None where it has none.

    Args:
        folder: The folder of a release or of a fit.
        encoders: The codes of the table, by the empty name, and of its parts.

    Raises:
        UsageError: They are damaged, or of another model.
    """
    if not (folder / MARGINALS).exists():
        return None
    try:
        description = read_description(read_regular(folder / MARGINALS, LARGEST[MARGINALS]))
        with open_regular(folder / MARGINAL_COUNTS) as reader:
            figures = read_counts(reader, cells_of_each(description))
        parts = measured_parts(description, figures, encoders)
        return MeasuredTable(parts, float(description["counted"]))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{folder / MARGINALS}: cannot be read ({type(error).__name__}); it is damaged, or of"
            " another model"
        ) from error
