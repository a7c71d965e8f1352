"""Read each file of a release once, for comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, encoder_from_json
from privgan.files.limits import MOST_ALL_CELLS
from privgan.files.safe_open import open_listed, read_listed
from privgan.files.strict_json import read_json
from privgan.generator.network_form import FORMATS, NETWORK_FORMAT, PARTS_FORMAT
from privgan.parts.forms import lenders_of
from privgan.release.contents import largest_of
from privgan.release.manifest import Manifest
from privgan.release.marginal_files import read_description
from privgan.release.table_files import MARGINALS
from privgan.release.versions import versions
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

SCHEMA, MODEL, REPORT = "schema.yaml", "model/model.json", "report.json"
WEIGHTS, PARQUET, CSV = "model/model.safetensors", "synthetic.parquet", "synthetic.csv"
# The first day of each version whose plans and figures this privgan recomputes.
FIRST_DAYS = {
    "0.1.0": dt.date(2026, 11, 21),
    "0.2.0": dt.date(2026, 11, 29),
    "0.3.0": dt.date(2026, 11, 30),
    "0.4.0": dt.date(2026, 11, 30),
    "0.5.0": dt.date(2026, 11, 30),
    "0.6.0": dt.date(2026, 11, 30),
}
MADE_AGAIN = frozenset({*FIRST_DAYS, versions().get("privgan")})
# Versions whose reports this privgan makes again word for word, too: of the others of MADE_AGAIN
# the figures are worked out again, and their words may hold no figure that the data do not give.
SAME_WORDS = frozenset({versions().get("privgan")})
# Versions whose releases are held against their own statements alone; none but for tests.
AS_STATED: frozenset[str] = frozenset()


def schema_of(text: str) -> Schema:
    """Parse the schema once; the model holds the same text as the schema's file.

    Args:
        text: YAML; of 60,000 categories it takes seconds to read.

    Raises:
        DocumentError: It is no schema.
    """
    found = _parsed(text)
    if isinstance(found, Exception):
        raise found
    return found


@lru_cache(maxsize=1)
def _parsed(text: str) -> Schema | Exception:
    """The schema, or why there is none: a hostile text is not read again by each check."""
    try:
        return parse_schema(text, name=SCHEMA)
    except Exception as error:
        return error


@dataclass(frozen=True, eq=False)
class Released:
    """The files of a release, each with its hash from the manifest.

    Attributes:
        folder: Where they lie.
        manifest: The manifest.
    """

    folder: Path
    manifest: Manifest

    @property
    def version(self) -> Any:
        """The privgan version that made it, by the manifest."""
        return self.manifest.versions.get("privgan")

    @property
    def ours(self) -> bool:
        """Whether this privgan can recompute its plan and report."""
        return self.version in MADE_AGAIN

    @property
    def same_words(self) -> bool:
        """Whether its version writes reports in the same words as this one."""
        return self.version in SAME_WORDS

    def holds(self, name: str) -> bool:
        """Whether the manifest lists a file."""
        return name in self.manifest.files

    def content(self, name: str) -> bytes:
        """A listed file's bytes, checked against the manifest's hash.

        Raises:
            ChangedError: It has another hash by now.
        """
        return read_listed(self.folder / name, largest_of(name), self._hash(name))

    def opened(self, name: str) -> AbstractContextManager[BufferedReader]:
        """A listed large file, opened for reading; ChangedError as above."""
        return open_listed(self.folder / name, self._hash(name))

    def _hash(self, name: str) -> str:
        return self.manifest.files[name].sha256

    @cached_property
    def schema(self) -> Schema:
        """The public facts."""
        return schema_of(self.content(SCHEMA).decode("utf-8"))

    @cached_property
    def model(self) -> Mapping[str, Any]:
        """The content of ``model.json``."""
        found: Mapping[str, Any] = read_json(self.content(MODEL), MODEL)
        return found

    @cached_property
    def marginals(self) -> Mapping[str, Any]:
        """The content of ``marginals/marginals.json``."""
        found: Mapping[str, Any] = read_description(self.content(MARGINALS))
        return found

    @property
    def whole_model(self) -> bool:
        """Whether ``model.json`` is in the form that states a whole model."""
        return self.holds(MODEL) and self.model.get("format") in FORMATS

    @property
    def is_network(self) -> bool:
        """Whether the model is an autoregressive network; otherwise it is a mixture."""
        return self.model["format"] == NETWORK_FORMAT

    @cached_property
    def encoder(self) -> Encoder:
        """Values to codes, from the schema and ``model.json``."""
        most, columns = self._cells(), self.schema.modelled
        if sum(most.values()) > MOST_ALL_CELLS:
            raise ValueError("its columns have more cells together than any model's")
        cells = {column.name: cells_of(column, most[column.name]) for column in columns}
        return encoder_from_json(cells, self.model["columns"])

    def _cells(self) -> Mapping[str, int]:
        """Number of fine cells of each column; a table in parts has them from these."""
        if self.model["format"] != PARTS_FORMAT:
            names = [column.name for column in self.schema.modelled]
            return dict.fromkeys(names, self.model["max_cells"])
        stated = self.model["parts"]
        lenders = lenders_of(self.schema).items()
        return {name: stated[lender]["max_cells"] for name, (lender, _) in lenders}

    @cached_property
    def frequencies(self) -> tuple[np.ndarray, ...]:
        """Noisy share of each code of each column, from ``model.json``."""
        return tuple(np.asarray(shares, dtype=float) for shares in self.model["frequencies"])

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """The content of ``report.json``."""
        found: Mapping[str, Any] = read_json(self.content(REPORT), REPORT)
        return found


def differences(found: Any, meant: Any, path: str = "", slack: float = 0.0) -> list[str]:
    """The places where two JSON values differ, at most a few.

    Args:
        found: One value.
        meant: The other.
        path: Where they lie.
        slack: By how much numbers may differ, as a share; whole numbers beyond 100 by one at most.
    """
    if isinstance(found, Mapping) and isinstance(meant, Mapping):
        return _differences_of(_by_key(found, meant, path), slack)
    if isinstance(found, list | tuple) and isinstance(meant, list | tuple):
        if len(found) != len(meant):
            return [path]
        pairs = enumerate(zip(found, meant, strict=True))
        return _differences_of([(f"{path}[{index}]", a, b) for index, (a, b) in pairs], slack)
    return [] if _same(found, meant, slack) else [path]


def _by_key(
    found: Mapping[str, Any], meant: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Any, Any]]:
    """Path and both values of each key of either."""
    for key in [*found, *(key for key in meant if key not in found)]:
        yield f"{path}.{key}".lstrip("."), found.get(key, _ABSENT), meant.get(key, _ABSENT)


def _differences_of(parts: Iterable[tuple[str, Any, Any]], slack: float) -> list[str]:
    lists = (differences(found, meant, path, slack) for path, found, meant in parts)
    return [place for places in lists for place in places][:_MOST_PLACES]


_ABSENT = object()
_MOST_PLACES = 5
_SMALL_WHOLE = 100


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(found: Any, meant: Any, slack: float) -> bool:
    if not (_is_number(found) and _is_number(meant)):
        return type(found) is type(meant) and bool(found == meant)
    if found == meant or not slack:
        return bool(found == meant)
    if isinstance(found, int) and isinstance(meant, int):
        return max(abs(found), abs(meant)) > _SMALL_WHOLE and abs(found - meant) <= 1
    return bool(abs(found - meant) <= slack * max(abs(found), abs(meant)) + 1e-12)
