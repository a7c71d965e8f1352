"""Leave most of many like cases to the long tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def some(kinds: Iterable[Any], one_in: int = 3) -> list[Any]:
    """All kinds for a parametrised test; only one in so many runs with the fast tests."""
    return [
        kind if place % one_in == 0 else pytest.param(kind, marks=pytest.mark.slow)
        for place, kind in enumerate(kinds)
    ]
