"""Recognise texts that may hold a password, so that no message repeats them."""

from __future__ import annotations

import re

_PASSWORD = re.compile(
    r"[^\s/\\]:[^\s/\\]+@|\b(?:password|passwd|pwd|secret|token)\s*=", re.IGNORECASE
)

NO_URL = "and looks like a URL with a password; write it as scheme://user@host/database"


def may_hold_a_password(text: str) -> bool:
    """Whether a text looks like a URL with a password, or like a driver's settings.

    >>> may_hold_a_password("postgresql//user:word@host"), may_hold_a_password("Server=h;Pwd=word")
    (True, True)
    >>> may_hold_a_password("data/me@work.csv")
    False
    """
    return _PASSWORD.search(text) is not None
