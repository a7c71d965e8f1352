"""Public names that are the names of parts too: ``privgan.audit`` is a package, and can be called.

Python sets an imported part as an attribute of its package, over any function of that name. Here
it gets a class that calls that function.

    >>> import privgan.audit.suite
    >>> callable(privgan.audit), privgan.audit.suite.__name__
    (True, 'privgan.audit.suite')
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def give_calls(package: str, homes: Mapping[str, str]) -> None:
    """Let the parts of a package be called where they bear a public function's name.

    Args:
        package: The package's name; it is being imported.
        homes: Public name to the module that it lives in.
    """

    def function(part: ModuleType) -> Callable[..., Any]:
        name = part.__name__.rpartition(".")[2]
        found: Callable[..., Any] = getattr(import_module(homes[name]), name)
        return found

    class Part(ModuleType):
        """A part that is called as the function of its name."""

        def __call__(self, *positional: Any, **named: Any) -> Any:
            """Call the function."""
            return function(self)(*positional, **named)

        @property
        def __signature__(self) -> inspect.Signature:
            """The function's, for editors and notebooks."""
            return inspect.signature(function(self))

    class Package(ModuleType):
        """A package whose parts get that class as they are imported."""

        def __setattr__(self, name: str, value: Any) -> None:
            """Set an attribute; the import system sets imported parts."""
            if name in homes and isinstance(value, ModuleType):
                value.__class__ = Part
            super().__setattr__(name, value)

    sys.modules[package].__class__ = Package
