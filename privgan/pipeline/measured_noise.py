"""Check before noisy marginals leave that they have the noise that was paid for.

Their own figures tell: marginals with columns in common differ by their noise.
"""

from __future__ import annotations

from pathlib import Path

from privgan.errors import InternalError
from privgan.measurement.noise_check import noise_problems
from privgan.release.marginal_folder import marginals_in
from privgan.synthesizer import Synthesizer


def check_noise(synthesizer: Synthesizer, folder: Path) -> None:
    """Check the noisy marginals of a folder; a candidate of before 0.6.0 has none.

    Args:
        synthesizer: The candidate's model.
        folder: The candidate's folder.

    Raises:
        InternalError: Noise is not as large as stated.
    """
    found = marginals_in(folder, synthesizer.encoders)
    parts = () if found is None else found.parts
    problems = [told for part in parts for told in noise_problems(part.kept, part.encoder)]
    if problems:
        raise InternalError(f"noisy marginals: {problems[0]}; nothing was released")
