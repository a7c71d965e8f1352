"""One data set's history in the ledger, read at once and handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from privgan.errors import UsageError
from privgan.ledger.account import DatasetAccount, account_of
from privgan.ledger.store import Entry


@dataclass(frozen=True, eq=False)
class DatasetHistory:
    """One data set's state in the ledger at one moment.

    Attributes:
        url: Where the ledger is.
        dataset: The data set's name.
        entries: Its entries, oldest first.
        head: The MAC of the ledger's newest entry, of whatever data set; empty before the first.
        problems: What is wrong with the chain; empty when it is whole.
    """

    url: str
    dataset: str
    entries: tuple[Entry, ...]
    head: str
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, url: str, dataset: str, entries: Sequence[Entry], problems: Sequence[str] = ()
    ) -> DatasetHistory:
        """Pick a data set's history out of all entries, oldest first."""
        own = tuple(entry for entry in entries if entry.dataset == dataset)
        return cls(url, dataset, own, entries[-1].mac if entries else "", tuple(problems))

    @cached_property
    def account(self) -> DatasetAccount:
        """The spending on the data set, and what stands against more.

        Raises:
            UsageError: An entry cannot be read.
        """
        try:
            return account_of(self.dataset, self.entries)
        except (KeyError, TypeError, ValueError):
            told = "the ledger holds an entry that cannot be read; verify it, then restore it"
            raise UsageError(f"{self.url}: {told}") from None

    def of_run(self, run: str, *kinds: str) -> tuple[Entry, ...]:
        """A run's entries, of some kinds where they are named, oldest first."""
        own = (entry for entry in self.entries if entry.run == run)
        return tuple(entry for entry in own if not kinds or entry.kind in kinds)

    def released_manifests(self, run: str) -> frozenset[str]:
        """SHA-256 of each manifest that was recorded as a release of a run's candidate."""
        bodies = (entry.body for entry in self.of_run(run, "release"))
        return frozenset(str(body["manifest"]) for body in bodies if "manifest" in body)
