"""Texts from outside, such as a reason, a name of a column or a person, made safe to print."""

from __future__ import annotations

import re

# What XML 1.0 does not allow, other control characters, and marks that turn the direction of a text.
_UNTOLD = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """The text with each character that a terminal or XML would not show as it stands written as an escape."""
    return _UNTOLD.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
