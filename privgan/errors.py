"""Every error privgan raises on purpose, with the exit code the command line gives it.

    PrivganError                     70   never raised itself
    ├── UsageError                    2   the request or its input is wrong; nothing was written
    │   ├── DocumentError             2   a schema, policy or context file; lists every mistake with its line
    │   ├── LibraryError              2   an installed library is not one that was tested
    │   ├── TableError                2   the table cannot be read or does not fit the schema
    │   ├── NoLedgerError             2   there is no ledger, and none was to be made
    │   └── ReleaseExistsError        2   the output folder already holds a release
    ├── VerificationError             1   a release is not what its manifest says
    ├── PolicyFailedError             1   a policy gate failed
    ├── IncompleteError               3   inconclusive, or a fact is missing
    ├── BudgetExceededError           4   the privacy budget does not allow the request
    └── InternalError                70   an impossible state: a bug in privgan

Messages name the thing, the value found, what is allowed and what to do; they never hold a private
value.
"""

from __future__ import annotations

from collections.abc import Sequence

_PER_UNIT = "for adding or removing one privacy unit"


class PrivganError(Exception):
    """Base of all errors that privgan raises on purpose."""

    exit_code = 70


class UsageError(PrivganError):
    """The request or its input is wrong; nothing was written."""

    exit_code = 2


class DocumentError(UsageError):
    """A schema, policy or context file is wrong.

    Args:
        name: The file's name.
        mistakes: Every mistake found, one sentence each, with its line.
    """

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        heading = f"{name}: {count} mistake{'s' if count != 1 else ''}"
        super().__init__("\n".join([heading, *(f"  {mistake}" for mistake in self.mistakes)]))


class LibraryError(UsageError):
    """An installed library is not one that the guarantee was tested with."""


class TableError(UsageError):
    """The table cannot be read, or does not fit the schema."""


class NoLedgerError(UsageError):
    """There is no ledger, and none was to be made."""


class ReleaseExistsError(UsageError):
    """The output folder already holds a release."""


class VerificationError(PrivganError):
    """A release is not what its manifest says."""

    exit_code = 1


class PolicyFailedError(PrivganError):
    """A policy gate failed."""

    exit_code = 1


class IncompleteError(PrivganError):
    """A fact is missing, or the evidence is inconclusive; this blocks."""

    exit_code = 3


class BudgetExceededError(PrivganError):
    """The privacy budget does not allow the request.

    Args:
        what: The request, in words.
        asked: How much was asked for.
        left: How much is left.
        advice: What to do.
        quantity: What is counted.
    """

    exit_code = 4

    def __init__(
        self, what: str, *, asked: float, left: float, advice: str, quantity: str = "ε"
    ) -> None:
        short = asked - left
        per_unit = f", {_PER_UNIT}" if quantity == "ε" else ""
        super().__init__(
            f"{what} asks {quantity} = {asked:.4g}, {left:.4g} left (short {short:.4g}){per_unit};"
            f" {advice}"
        )
        self.asked, self.left = asked, left


class InternalError(PrivganError):
    """An impossible state was reached: a bug in privgan, not in its input."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}. This is a bug in privgan; nothing was released.")
