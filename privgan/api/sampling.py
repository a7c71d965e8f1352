"""Sample a fitted model as Python users do: rows, wanted profiles, quotas and wanted shares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.api.asking import LARGEST_SEED, conditions_of
from privgan.api.inputs import PathLike, table_of, tell, tell_note, whole
from privgan.api.kept import Fitted
from privgan.domain.quotas import Quota, quota_of
from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.generator.completion import GIVEN_WARNING, Completed, worth_note
from privgan.naming import parameter
from privgan.schema.schema import Schema
from privgan.synthesizer import Chunks
from privgan.table.output import format_of, write_rows
from privgan.table.profiles import read_profiles

Quotas = Mapping[str, int]
SharesByColumn = Mapping[str, Mapping[Any, float]]


class Sampling:
    """What is drawn from a fitted model, for free."""

    def _require(self) -> Fitted:
        """What the fit left; NotFittedError where there is none."""
        raise NotImplementedError

    def sample(
        self,
        rows: int | None = None,
        where: str | None = None,
        seed: int = 0,
        *,
        balanced: bool = False,
        given: Any = None,
        missing_marker: str | None = None,
        quota: Quotas | None = None,
        shares: SharesByColumn | None = None,
        weight: str | None = None,
    ) -> pd.DataFrame:
        """Synthetic rows, in the schema's types and order. It costs nothing.

        Args:
            rows: How many, at least 1; None for the planned row count.
            where: Conditions that every row meets, e.g. ``"segment = gold and (age >= 60 or age <
                25)"``; joined by ``and``, ``or``, ``not`` and brackets.
            seed: Public randomness: the same seed draws the same rows.
            balanced: Whether counts of three columns are brought near to the model's; takes some 50
                times as long. Of a network nothing more is done.
            given: Profiles to complete, in their order: a frame, or the path of a file. Every given
                cell is kept; columns and cells left out are drawn given these. INTERNAL where they
                are of real customers.
            missing_marker: A text in ``given`` that says that a value is missing, beside those of
                the schema; an empty cell is drawn.
            quota: How many rows of each condition, in place of ``rows``; in random order.
            shares: By column the wanted shares of some of its values, such as ``{"y": {"yes":
                0.5}}``; all else is as the model has it given these.
            weight: With ``shares``: the name of a further column that says what each row counts,
                to undo them.

        Returns:
            A frame [rows, columns].

        Raises:
            NotFittedError: when it is not fitted.
            UsageError: when a condition or a number means nothing, or a profile cannot exist.
            TableError: when a given value does not fit the schema.
            IncompleteError: when the model gives the conditions next to no probability.

        >>> fitted.sample(3, where="segment = gold and age >= 60")["segment"].tolist()
        ['gold', 'gold', 'gold']
        >>> two = fitted.sample(quota={"segment = gold": 5, "age < 30 or age > 70": 3})
        >>> len(two)
        8
        >>> third = fitted.sample(9, shares={"segment": {"gold": 1 / 3}})
        >>> third["segment"].tolist().count("gold")
        3
        >>> fitted.sample(0)
        Traceback (most recent call last):
        privgan.errors.UsageError: rows is 0; it must be at least 1
        """
        if given is not None:
            others = {"rows": rows, "where": where, "balanced": balanced or None}
            _check_alone({**others, "quota": quota, "shares": shares, "weight": weight})
            return self._completed(given, missing_marker, seed)
        if missing_marker is not None:
            raise UsageError(f"{parameter('missing_marker')} goes with {parameter('given')}")
        if weight is not None and shares is None:
            raise UsageError(f"{parameter('weight')} goes with {parameter('shares')}")
        chunks = self.chunks(rows, where, seed, balanced=balanced, quota=quota, shares=shares)
        frame = pd.concat(list(chunks), ignore_index=True)
        tell_note(chunks.note)
        if weight is None:
            return frame
        if weight in frame:
            raise UsageError(f"{parameter('weight')} is {shown(weight)}, a column of the table")
        return frame.assign(**{weight: chunks.weights})

    def chunks(
        self,
        rows: int | None = None,
        where: str | None = None,
        seed: int = 0,
        *,
        balanced: bool = False,
        quota: Quotas | None = None,
        shares: SharesByColumn | None = None,
    ) -> Chunks:
        """As ``sample``, in frames of at most 100,000 rows, so that memory does not grow.

        Its ``note`` says where fewer rows are effective than were drawn; ``sample`` and ``write``
        give it as a warning. Its ``weights`` undo ``shares``.

        >>> [len(chunk) for chunk in fitted.chunks(150_000)]
        [100000, 50000]
        """
        model = self._require().model
        asked = None if rows is None else whole("rows", rows, least=1)
        return model.chunks(
            asked,
            seed=whole("seed", seed, least=0, most=LARGEST_SEED),
            where=conditions_of(where, model.schema),
            balanced=balanced,
            quotas=_quotas(quota, model.schema),
            shares=shares,
        )

    def probabilities(
        self, given: Any, seed: int = 0, *, missing_marker: str | None = None
    ) -> pd.Series:
        """The model's probability of each profile's given cells. INTERNAL, as the profiles are.

        It is the share of the model's rows that hold exactly these values, before constraints:
        exact of a mixture, estimated of a network.

        Args:
            given: As for ``sample``, and so are seed and missing_marker.
            seed: See given.
            missing_marker: See given.

        >>> import pandas as pd
        >>> found = fitted.probabilities(pd.DataFrame({"segment": ["gold", "basic", "silver"]}))
        >>> round(float(found.sum()), 6)
        1.0
        """
        parts = self._parts(given, missing_marker, seed)
        return pd.Series(np.concatenate([part.probability for part in parts]), name="probability")

    def write(
        self,
        path: PathLike,
        rows: int | None = None,
        where: str | None = None,
        seed: int = 0,
        *,
        balanced: bool = False,
        format: str | None = None,
        quota: Quotas | None = None,
        shares: SharesByColumn | None = None,
    ) -> int:
        """Write synthetic rows into a file, chunk by chunk, and return their number.

        Args:
            path: The file; its name tells the format, such as ``.csv``, ``.parquet`` or ``.xlsx``.
            rows: As for ``sample``, and so are where, seed, balanced, quota and shares.
            where: See rows.
            seed: See rows.
            balanced: See rows.
            format: The format, where the name does not tell it.
            quota: See rows.
            shares: See rows.

        >>> fitted.write("gold.csv", 100, where="segment = gold")
        100
        """
        out = Path(path)
        if out.exists():
            raise UsageError(f"{out}: is there already; choose another {parameter('path')}")
        form = format_of(out, format)
        chunks = self.chunks(rows, where, seed, balanced=balanced, quota=quota, shares=shares)
        written = write_rows(chunks, self._require().model.schema, out, form)
        tell_note(chunks.note)
        return written

    def _completed(self, given: Any, missing_marker: str | None, seed: int) -> pd.DataFrame:
        """Completed profiles, marked INTERNAL, with a warning."""
        parts = self._parts(given, missing_marker, seed)
        frame = pd.concat([part.rows for part in parts], ignore_index=True)
        frame.attrs["exposure"] = f"INTERNAL: {GIVEN_WARNING}"
        tell(GIVEN_WARNING)
        tell_note(worth_note(np.concatenate([part.worth for part in parts])))
        return frame

    def _parts(self, given: Any, missing_marker: str | None, seed: int) -> list[Completed]:
        model = self._require().model
        checked = whole("seed", seed, least=0, most=LARGEST_SEED)
        source = table_of(given, "given")
        profiles = read_profiles(source, model.schema, missing_marker)
        return list(model.complete(profiles, seed=checked))


def _check_alone(others: Mapping[str, object]) -> None:
    if used := [parameter(name) for name, value in others.items() if value is not None]:
        raise UsageError(
            f"{parameter('given')} goes without {' and '.join(used)}: the profiles say which rows"
        )


def _quotas(quota: Quotas | None, schema: Schema) -> list[Quota]:
    if quota is None:
        return []
    if not isinstance(quota, Mapping) or not quota:
        raise UsageError(
            f"{parameter('quota')} is {shown(quota)}; give conditions with numbers of rows, such as"
            " {'job = retired': 500}"
        )
    return [quota_of(condition, rows, schema) for condition, rows in quota.items()]
