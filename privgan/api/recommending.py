"""Recommend by a fitted model as Python users do: a frame of ranked values."""

from __future__ import annotations

from typing import Any

import pandas as pd

from privgan.api.asking import LARGEST_SEED
from privgan.api.inputs import table_of, tell, tell_note, whole
from privgan.api.kept import Fitted
from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.generator.recommendations import RECOMMENDED_WARNING
from privgan.naming import parameter
from privgan.pipeline.recommending import PROFILE
from privgan.pipeline.recommending import recommend as ranked


class Recommends:
    """What a fitted model recommends, for free."""

    def _require(self) -> Fitted:
        """What the fit left; NotFittedError where there is none."""
        raise NotImplementedError

    def recommend(
        self,
        profile: Any,
        column: str,
        top: int = 10,
        *,
        new: bool = False,
        missing_marker: str | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """The likeliest values of a column for each profile, by the model alone.

        Of a schema with a history ``profile`` holds past events, and the next event's values are
        ranked. Of a mixture probabilities are exact; of a network they are where all other columns
        are given, and a warning says where they are not.

        Args:
            profile: Profiles, a row each, or past events as the table holds them: a frame, or the
                path of a file. Empty cells and columns that lack are unknown. What is made of real
                customers is INTERNAL.
            column: A categorical column; of a history, one of its events.
            top: How many values for each, at least 1.
            new: Of histories: leave out what a customer's past events hold.
            missing_marker: A text in ``profile`` that says that a value is known to be missing.
            seed: Public randomness, of a network alone.

        Returns:
            A frame [lines, 4]: ``row`` or the customer's column, rank, value, probability.

        Raises:
            NotFittedError: when it is not fitted.
            UsageError: when the column is none to recommend, or a profile cannot exist.
            TableError: when a value does not fit the schema.

        >>> import pandas as pd
        >>> found = fitted.recommend(pd.DataFrame({"age": [30, 70]}), "segment", top=1)
        >>> found[["row", "rank"]].to_numpy().tolist()
        [[1, 1], [2, 1]]
        """
        if not isinstance(column, str):
            raise UsageError(f"{parameter('column')} is {shown(column)}; give a column's name")
        found = ranked(
            self._require().model,
            table_of(profile, PROFILE),
            column,
            whole("top", top, least=1),
            new=new,
            marker=missing_marker,
            seed=whole("seed", seed, least=0, most=LARGEST_SEED),
        )
        frame = found.frame
        frame.attrs["exposure"] = f"INTERNAL: {RECOMMENDED_WARNING}"
        tell(RECOMMENDED_WARNING)
        for note in found.notes:
            tell_note(note)
        return frame
