"""``python -m tests.pages.drawing``: the packages of privgan and who imports whom, as Mermaid.

An arrow goes from a package to one that it imports. Arrows that follow from others are left out
(transitive reduction), so that the drawing shows the layers and no more.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "privgan"
Graph = Mapping[str, frozenset[str]]


def packages() -> tuple[str, ...]:
    """Folders of the package that hold code, and modules beside them that import from one."""
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {name for name in found if any(_files(name))}
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    users = {name for name in modules if folders & _imports_of(name)}
    return tuple(sorted(folders | users))


def _files(part: str) -> list[Path]:
    inside = [path for path in (PACKAGE / part).rglob("*.py") if path.name != "__init__.py"]
    return inside or [path for path in [PACKAGE / f"{part}.py"] if path.exists()]


def _imports_of(part: str) -> set[str]:
    return {name for path in _files(part) for name in _imported(path)}


def imports() -> Graph:
    """Of each package the other packages that its modules import."""
    known = set(packages())
    return {name: frozenset(_imports_of(name) & known - {name}) for name in sorted(known)}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "privgan":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("privgan."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("privgan."))


def below(graph: Graph, name: str) -> frozenset[str]:
    """All that a package reaches through others."""
    found: set[str] = set()
    waiting = list(graph[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(graph[one])
    return frozenset(found)


def reduced(graph: Graph) -> Graph:
    """The graph without arrows that follow from others; it must hold no cycle."""
    reach = {name: below(graph, name) for name in graph}
    cycles = sorted(name for name in graph if name in reach[name])
    if cycles:
        raise ValueError(f"packages import each other in a circle: {', '.join(cycles)}")
    return {
        name: frozenset(to for to in graph[name] if not any(to in reach[by] for by in graph[name]))
        for name in graph
    }


def drawn() -> str:
    """The drawing, as it stands in privgan/README.md."""
    arrows = reduced(imports())
    lines = [f"    {name} --> {to}" for name in sorted(arrows) for to in sorted(arrows[name])]
    alone = [f"    {name}" for name in sorted(arrows) if not below(arrows, name)]
    return (
        "\n".join(["flowchart TD", *(line for line in alone if _unused(line, lines)), *lines])
        + "\n"
    )


def _unused(alone: str, lines: list[str]) -> bool:
    return not any(line.endswith(f"--> {alone.strip()}") for line in lines)


if __name__ == "__main__":
    sys.stdout.write(drawn())
