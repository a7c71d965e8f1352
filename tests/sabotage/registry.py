"""Register the ways of breaking the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way of breaking the code.

    Attributes:
        name: Its name.
        what: What is broken.
        patterns: The leak patterns that it stands for.
        check: The check that must catch it.
        tells: What the check, or the code itself, says then.
        break_it: Breaks the code.
    """

    name: str
    what: str
    patterns: str
    check: Callable[[], None]
    tells: str
    break_it: Callable[[Patch], None]


ALL: list[Variant] = []


def variant(
    patterns: str, check: Callable[[], None], tells: str
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a way of breaking the code; its name is the function's."""

    def register(break_it: Callable[[Patch], None]) -> Callable[[Patch], None]:
        name = break_it.__name__.replace("_", "-")
        what = (break_it.__doc__ or "").strip()
        ALL.append(
            Variant(
                name=name, what=what, patterns=patterns, check=check, tells=tells, break_it=break_it
            )
        )
        return break_it

    return register
