"""Compare what a page shows with what was printed: ``…`` stands for any text.

A line that is ``…`` alone stands for any number of lines, also none. Inside a line ``…`` stands
for any characters of that line. All else must agree, line by line, but for blanks at line ends.
"""

from __future__ import annotations

import re

ELLIPSIS = "…"


def agrees(shown: str, printed: str) -> bool:
    """Whether the printed text is one that the page shows."""
    return pattern(shown).fullmatch(_trimmed(printed)) is not None


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown, as a regular expression over whole texts."""
    return re.compile("".join(_line(line) for line in _trimmed(shown).splitlines()))


def _line(line: str) -> str:
    if line.strip() == ELLIPSIS:
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.split(ELLIPSIS)) + "\n"


def _trimmed(text: str) -> str:
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines) if lines != [""] else ""


def first_difference(shown: str, printed: str) -> str:
    """The first line of the page that nothing printed agrees with, for the message."""
    lines = _trimmed(shown).splitlines()
    for number in range(1, len(lines) + 1):
        if not pattern("\n".join([*lines[:number], ELLIPSIS])).fullmatch(_trimmed(printed)):
            return lines[number - 1]
    return "(more was printed than is shown)"
