"""Every error privgan raises on purpose, with the exit code the command line gives it.

    PrivganError                     70   never raised itself
    ├── UsageError                    2   the request or its input is wrong; nothing was written
    │   ├── DocumentError             2   a schema, policy or context file; lists every mistake
    │   ├── LibraryError              2   an installed library is not one that was tested
    │   ├── TableError                2   the table cannot be read or does not fit the schema
    │   ├── NoLedgerError             2   there is no ledger, and none was to be made
    │   ├── NotFittedError            2   a synthesizer was sampled or saved before it was fitted
    │   └── ReleaseExistsError        2   the output folder already holds a release
    ├── VerificationError             1   a release is not what its manifest says
    ├── PolicyFailedError             1   a policy gate failed
    ├── IncompleteError               3   inconclusive, or a fact is missing
    ├── BudgetExceededError           4   the privacy budget does not allow the request
    └── InternalError                70   an impossible state: a bug in privgan

Messages name the thing, the value found, what is allowed and what to do; they never hold a private
value. They speak of parameters by ``privgan.naming``: ``rows`` in Python, ``--rows`` on the command
line.

None of them is a ValueError: the library catches those where it parses, and would take a refusal
for damage.

    >>> try:
    ...     raise TableError("customers.csv: there is no such file")
    ... except PrivganError as error:
    ...     print(type(error).__name__, error.exit_code)
    TableError 2
"""

from __future__ import annotations

from collections.abc import Sequence

_PER_UNIT = "for adding or removing one privacy unit"


class PrivganError(Exception):
    """Base of all errors that privgan raises on purpose.

    >>> issubclass(UsageError, PrivganError), PrivganError.exit_code
    (True, 70)
    """

    exit_code = 70


class UsageError(PrivganError):
    """The request or its input is wrong; nothing was written.

    >>> fitted.sample(0)
    Traceback (most recent call last):
    privgan.errors.UsageError: rows is 0; it must be at least 1
    """

    exit_code = 2


class DocumentError(UsageError):
    """A schema, policy or context file is wrong.

    Args:
        name: The file's name.
        mistakes: Every mistake found, one sentence each, with its line.

    >>> Integer("age", 99, 18)
    Traceback (most recent call last):
    privgan.errors.DocumentError: column 'age': 1 mistake
      column 'age': lower 99 is not below upper 18
    """

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        heading = f"{name}: {count} mistake{'s' if count != 1 else ''}"
        super().__init__("\n".join([heading, *(f"  {mistake}" for mistake in self.mistakes)]))


class LibraryError(UsageError):
    """An installed library is not one that the guarantee was tested with.

    >>> raise LibraryError("opendp 0.99: no version that was tested")
    Traceback (most recent call last):
    privgan.errors.LibraryError: opendp 0.99: no version that was tested
    """


class TableError(UsageError):
    """The table cannot be read, or does not fit the schema.

    >>> read_table("missing.csv")
    Traceback (most recent call last):
    privgan.errors.TableError: missing.csv: no such file; ...
    """


class NoLedgerError(UsageError):
    """There is no ledger, and none was to be made.

    >>> PrivacyLedger.open("none.sqlite", create=False)
    Traceback (most recent call last):
    privgan.errors.NoLedgerError: none.sqlite: there is no ledger; ...
    """


class NotFittedError(UsageError):
    """A synthesizer was sampled or saved before it was fitted.

    >>> Synthesizer(schema, epsilon=3).sample(5)
    Traceback (most recent call last):
    privgan.errors.NotFittedError: this synthesizer is not fitted; call Synthesizer.fit first
    """


class ReleaseExistsError(UsageError):
    """The output folder already holds a release.

    >>> fitted.save("out")
    Traceback (most recent call last):
    privgan.errors.ReleaseExistsError: out: is there already and not empty; choose another folder
    """


class VerificationError(PrivganError):
    """A release is not what its manifest says.

    >>> load("spoilt")
    Traceback (most recent call last):
    privgan.errors.VerificationError: ...spoilt/release: is not intact: ...
    """

    exit_code = 1


class PolicyFailedError(PrivganError):
    """A policy gate failed.

    >>> result.raise_for_status()
    Traceback (most recent call last):
    privgan.errors.PolicyFailedError: the policy does not allow this release: ...
    """

    exit_code = 1


class IncompleteError(PrivganError):
    """A fact is missing, or the evidence is inconclusive; this blocks.

    >>> fitted.sample(5, where="age = 18 and spend > 4999.98 and joined = 2015-01-01")
    Traceback (most recent call last):
    privgan.errors.IncompleteError: where: the model gives these conditions on ... next to no
    probability; ...
    """

    exit_code = 3


class BudgetExceededError(PrivganError):
    """The privacy budget does not allow the request.

    Args:
        what: The request, in words.
        asked: How much was asked for.
        left: How much is left.
        advice: What to do.
        quantity: What is counted.

    >>> error = BudgetExceededError("shop: this run", asked=3, left=1, advice="ask for less")
    >>> error.asked, error.left
    (3, 1)
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
    """An impossible state was reached: a bug in privgan, not in its input.

    >>> raise InternalError("a step was charged twice")
    Traceback (most recent call last):
    privgan.errors.InternalError: a step was charged twice. This is a bug in privgan; nothing was
    released.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}. This is a bug in privgan; nothing was released.")
