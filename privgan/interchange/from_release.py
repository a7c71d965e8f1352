"""A release as an export sees it: verified first, and by its public fields alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from privgan.privacy.budget import PrivacyBudget
from privgan.release.guarantee import statement
from privgan.release.pack import require_intact, unpacked
from privgan.release.released import CSV, PARQUET, Released
from privgan.table.schema import Schema

_NONE = "no guarantee: the coins of its run were not secret"


@dataclass(frozen=True)
class VerifiedRelease:
    """What a verified release says of itself.

    Attributes:
        manifest: Its manifest.
        schema: Its public facts.
    """

    manifest: Mapping[str, Any]
    schema: Schema

    @property
    def guarantee(self) -> Mapping[str, Any]:
        """What it promises."""
        found: Mapping[str, Any] = self.manifest["guarantee"]
        return found

    @cached_property
    def statement(self) -> str:
        """The promise in one sentence."""
        if self.guarantee["epsilon"] is None:
            return _NONE
        return statement(PrivacyBudget(epsilon=self.guarantee["epsilon"], delta=self.guarantee["delta"]), self.schema)

    @property
    def table(self) -> str:
        """The file of the table: Parquet where there is one, which holds every value as it is."""
        return next(name for name in (PARQUET, CSV) if name in self.manifest["files"])


@contextmanager
def verified(path: Path) -> Iterator[VerifiedRelease]:
    """A release's public fields, for as long as the block lasts.

    Args:
        path: The folder of a release, or its zip file.

    Raises:
        VerificationError: It is not intact.
        UsageError: There is none.
    """
    if path.is_file():
        with unpacked(path) as folder:
            yield _opened(folder)
    else:
        yield _opened(path)


def _opened(folder: Path) -> VerifiedRelease:
    found = require_intact(folder)
    return VerifiedRelease(found.manifest, Released(folder, found.manifest).schema)
