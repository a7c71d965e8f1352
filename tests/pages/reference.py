"""``python -m tests.pages.reference OUT [MODULE …]``: the reference of all names, as HTML by pdoc.

Without modules it documents the public names and every module of the package.
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import pdoc

import privgan


def modules() -> tuple[str, ...]:
    """Every module of the package but the one that runs the command line."""
    inner = (found.name for found in pkgutil.walk_packages(privgan.__path__, "privgan."))
    return ("privgan", *(name for name in inner if not name.endswith(".__main__")))


def _packages() -> tuple[str, ...]:
    found = pkgutil.walk_packages(privgan.__path__, "privgan.")
    return tuple(part.name for part in found if part.ispkg)


def write_reference(out: Path, names: tuple[str, ...]) -> None:
    """Write one page a module into a folder, with a search.

    Args:
        out: The folder; it is made where it is missing.
        names: The modules, by their dotted names.
    """
    # Some names of packages are imported when first used only.
    for module in map(import_module, dict.fromkeys((*names, *_packages()))):
        for name in getattr(module, "__all__", ()):
            vars(module)[name] = getattr(module, name)
    for name, home in privgan._HOMES.items():  # Three are the names of packages too.
        vars(privgan)[name] = getattr(import_module(home), name)
    pdoc.render.configure(docformat="google")
    pdoc.pdoc(*names, output_directory=out)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]), tuple(sys.argv[2:]) or modules())
