"""How messages name parameters and calls: in Python's words, unless somebody else speaks.

The library always writes Python's names. Who speaks another language, such as the command line,
says so once with ``speaking`` and translates there.

    >>> parameter("rows"), parameter("on_violation", "clamp")
    ('rows', "on_violation='clamp'")
    >>> call("privgan.verify"), call("PrivacyLedger.clear", "shop", who="NAME")
    ('privgan.verify', "PrivacyLedger.clear('shop', who='NAME')")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class PythonNames:
    """Names as Python code writes them.

    >>> PythonNames().parameter("seed", "")
    'seed'
    """

    def parameter(self, name: str, value: str) -> str:
        """A parameter, and a value for it; empty for none."""
        return f"{name}={value!r}" if value else name

    def call(self, name: str, positional: tuple[str, ...], named: dict[str, str]) -> str:
        """A function or method, and the arguments for it; none for its name alone."""
        written = [*map(repr, positional), *(f"{key}={value!r}" for key, value in named.items())]
        return f"{name}({', '.join(written)})" if written else name


# The default has no state, so that it may be shared.
_NAMES: ContextVar[PythonNames] = ContextVar("names", default=PythonNames())  # noqa: B039


def parameter(name: str, value: str = "") -> str:
    """A public parameter for a message, by its name in Python.

    Args:
        name: The name.
        value: A value to give; empty for none.
    """
    return _NAMES.get().parameter(name, value)


def call(name: str, *positional: str, **named: str) -> str:
    """A public function or method for a message, by its name in Python, with arguments to give."""
    return _NAMES.get().call(name, positional, named)


@contextmanager
def speaking(names: PythonNames) -> Iterator[None]:
    """Name parameters and calls in another way, for as long as the block lasts."""
    before = _NAMES.set(names)
    try:
        yield
    finally:
        _NAMES.reset(before)
