"""Who writes into the ledger: the account that runs, and the person who answers."""

from __future__ import annotations

import getpass
import socket

from privgan.errors import UsageError


def account_name() -> str:
    """The account that runs, as ``user@host``."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"unknown@{socket.gethostname()}"


def refuse_nameless(who: str, why: str) -> None:
    """Refuse an entry for which no person answers with a reason."""
    for name, text in (("--who", who), ("--why", why)):
        if not text.strip():
            raise UsageError(f"{name} is empty; a person must answer for this, with a reason")
