"""Hold a ledger in a database, one transaction at a time, checked against its anchor."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc

from privgan.errors import UsageError
from privgan.ledger.anchor import EMPTY, Anchor, Head
from privgan.ledger.history import DatasetHistory
from privgan.ledger.identity import Sketcher
from privgan.ledger.store import Entry, Transaction
from privgan.naming import call


@dataclass(frozen=True)
class LedgerKey:
    """A ledger's MAC key.

    Attributes:
        secret: The key; it is never printed.
        path: Its file.
        created_now: Whether ledger and key were made by this opening.
    """

    secret: bytes = field(repr=False)
    path: Path
    created_now: bool


class LedgerStore(ABC):
    """An open database with a ledger.

    Args:
        url: Where it is, without a password.
        engine: Connects to it.
        key: The MAC key and its file.
        anchor: Its newest entry, kept outside the database.
        timeout: Seconds to wait for another process that holds it.
    """

    def __init__(
        self, url: str, engine: sql.Engine, key: LedgerKey, *, anchor: Anchor, timeout: float
    ) -> None:
        self.url, self.key_path, self.created_now = url, key.path, key.created_now
        self._engine, self._key, self._anchor, self._timeout = engine, key.secret, anchor, timeout
        self._told: set[str] = set()

    @abstractmethod
    def _lock(self, connection: sql.Connection) -> None:
        """Wait for other writers, and block them until the connection's transaction ends."""

    @abstractmethod
    def _explain(self, error: exc.DBAPIError) -> str:
        """Say in words what went wrong and what to do."""

    @abstractmethod
    def _foreign(self, connection: sql.Connection) -> tuple[str, ...]:
        """Foreign objects on the ledger's tables, in words: triggers, rules and so on."""

    @abstractmethod
    def _protect(self, connection: sql.Connection) -> str | None:
        """Make entries append-only; the reason where this user may not."""

    @property
    def anchor_path(self) -> Path:
        """The anchor's file."""
        return self._anchor.path

    def sketcher(self) -> Sketcher:
        """Makes, seals and opens customer sketches under the ledger's key."""
        return Sketcher(self._key)

    def anchored(self) -> Head | None:
        """The entry that the anchor names; None where there is no anchor yet."""
        return self._anchor.read(self._key)

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        with self._connected() as connection:
            return Transaction(connection, self._key, self.url).entries()

    def problems(self) -> tuple[str, ...]:
        """Changed entries, a cut end, triggers; empty when the ledger is whole."""
        read = self._read_anchor()  # Before the entries: it may lag behind them.
        with self._connected() as connection:
            return self._problems(Transaction(connection, self._key, self.url), connection, read)

    def history(self, dataset: str) -> DatasetHistory:
        """One data set's entries and the state of the chain, as one connection sees both."""
        read = self._read_anchor()
        with self._connected() as connection:
            transaction = Transaction(connection, self._key, self.url)
            problems = self._problems(transaction, connection, read)
            return DatasetHistory.of(self.url, dataset, transaction.entries(), problems)

    def _problems(
        self, transaction: Transaction, connection: sql.Connection, read: Head | str | None
    ) -> tuple[str, ...]:
        found = (*transaction.problems(), *self._foreign(connection))
        told = self._anchor_problem(transaction, read)
        return (*found, told) if told else found

    @contextmanager
    def transaction(self, *, restored: bool = False) -> Iterator[Transaction]:
        """Lock the ledger; appended entries are durable at the end, or none is.

        Args:
            restored: Whether a person accepts a ledger that does not hold what its anchor names.

        Raises:
            UsageError: when it is held, cannot be written, or is not what its anchor names.
        """
        result = "; nothing was charged"
        try:
            with self._anchor.held(self._timeout), self._engine.connect() as connection:
                self._lock(connection)
                transaction = Transaction(connection, self._key, self.url)
                known = self._checked(connection, transaction, restored=restored)
                self._anchor.prepare(self._key, known or EMPTY)
                try:
                    yield transaction
                    head = transaction.head()
                    result = "; it may have been recorded, but no row was read for it"
                    connection.commit()
                    if transaction.appended:
                        self._read_again(transaction.appended)
                    if head != known:
                        self._anchor.move(self._key, head)
                finally:
                    self._anchor.discard()
        except exc.DBAPIError as error:
            raise UsageError(f"{self.url}: {self._explain(error)}{result}") from None

    def _checked(
        self, connection: sql.Connection, transaction: Transaction, *, restored: bool
    ) -> Head | None:
        """Check the ledger's end; returns the anchor's head, or None to set it."""
        foreign = self._foreign(connection)
        if foreign:
            text = "let its owner remove that, then verify the ledger"
            raise UsageError(f"{self.url}: {foreign[0]}; {text}; nothing was charged")
        refused = self._protect(connection)
        if refused:
            self._tell(refused)
        read = self._read_anchor()
        problem = self._anchor_problem(transaction, read)
        if restored:
            transaction.gap = problem
            transaction.lost = read if isinstance(read, Head) else None
            return None
        if problem:
            advice = f"restore the newest copy, or see {call('PrivacyLedger.accept_restored')}"
            raise UsageError(f"{self.url}: {problem}; {advice}; nothing was charged")
        assert not isinstance(read, str)
        if read is None:
            self._adopt(transaction)
        else:
            newer = transaction.problems(since=read)
            if newer:
                text = "the ledger's chain is not whole"
                raise UsageError(f"{self.url}: {text} ({newer[0]}); restore it, then verify it")
        return read

    def _adopt(self, transaction: Transaction) -> None:
        """Start an anchor for a ledger without one on this machine, if its chain is whole."""
        problems = transaction.problems()
        if problems:
            text = f"the ledger's chain is not whole ({problems[0]})"
            raise UsageError(f"{self.url}: {text}; restore it, then verify it")
        text = f"its end is anchored on this machine from now on, in {self._anchor.path}, at"
        self._tell(f"{text} {transaction.head()}; compare it with a colleague's or a copy's")

    def _read_anchor(self) -> Head | str | None:
        """The anchor's head, or what is wrong with it, in words."""
        try:
            read = self._anchor.read(self._key)
            if read is None and self._anchor.is_promised():
                return f"its anchor {self._anchor.path} is missing"
        except UsageError as error:
            return str(error)
        return read

    def _anchor_problem(self, transaction: Transaction, read: Head | str | None) -> str | None:
        if read is None or isinstance(read, str):
            return read
        if read == EMPTY or transaction.mac_of(read.sequence) == read.mac:
            return None
        if transaction.head().sequence < read.sequence:
            told = "entries were removed from its end, or an older copy was put back"
        else:
            told = "it was put back from a copy and written to, or is another ledger"
        return f"it ends at {transaction.head()}, its anchor names {read}: {told}"

    def _read_again(self, appended: Sequence[Mapping[str, Any]]) -> None:
        """Read the committed entries over a separate connection, and compare them."""
        with self._engine.connect() as connection:
            Transaction(connection, self._key, self.url).check_stored(
                appended, "no row was read for it"
            )

    def _tell(self, text: str) -> None:
        """Print a text once to the owner's terminal."""
        if text not in self._told:
            self._told.add(text)
            sys.stderr.write(f"{self.url}: {text}\n")

    @contextmanager
    def _connected(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.DBAPIError as error:
            raise UsageError(f"{self.url}: {self._explain(error)}") from None
