"""Define receipts: a charge mints one, and a look at rows redeems it, once."""

from __future__ import annotations

from typing import NoReturn

from privgan.errors import InternalError
from privgan.privacy.events import DpEvent

_MINT = object()


class Receipt:
    """Proof that one step was charged before its look; it works once.

    Attributes:
        dataset: The data set that was charged.
        step: The step's name in the plan.
        event: What was charged.
    """

    def __init__(self, key: object, *, dataset: str, step: str, event: DpEvent) -> None:
        if key is not _MINT:
            raise InternalError("only the ledger hands out receipts")
        self.dataset, self.step, self.event = dataset, step, event
        self._used = False

    def redeem(self) -> None:
        """Use the receipt; InternalError where it was used before."""
        if self._used:
            raise InternalError(
                f"the receipt of step {self.step} was used before; each look needs a charge of"
                " its own"
            )
        self._used = True

    def __reduce__(self) -> NoReturn:
        """Forbid pickling and copying."""
        raise TypeError("a receipt cannot be pickled or copied")


def mint(*, dataset: str, step: str, event: DpEvent) -> Receipt:
    """Make a receipt; only the ledger calls this, after the charge is durable."""
    return Receipt(_MINT, dataset=dataset, step=step, event=event)
