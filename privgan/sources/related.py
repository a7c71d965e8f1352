"""Find the source of each of several related tables: in a folder, a database or a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from privgan.errors import TableError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.sources.files import PACKED, form_of
from privgan.sources.options import DATABASE, SourceOptions
from privgan.sources.servers import is_url

_HIDDEN = (".", "_", "~$")
_BESIDE_A_LEDGER = {".head", ".key"}
_MOST_TOLD = 8


@dataclass(frozen=True, kw_only=True)
class RelatedSources:
    """Where each table is.

    Attributes:
        places: Table to its source and options, as ``read_source`` takes them.
        said: What was left alone, a line each, for the owner's terminal.
    """

    places: Mapping[str, tuple[Any, SourceOptions]]
    said: tuple[str, ...] = ()


def related_sources(spec: Any, names: Sequence[str], options: SourceOptions) -> RelatedSources:
    """Find the sources of related tables.

    Args:
        spec: A folder with one file or folder a table, named as it; a database file or URL with one
            table each; or a mapping of a table's name to its own source.
        names: The tables' names.
        options: How each is to be read; no table or query is named.

    Raises:
        TableError: when a table has no source, or several.
    """
    for option in ("table", "query", "sheet"):
        if getattr(options, option) is not None:
            told = "reads one table, and the schema lists several; leave it out"
            raise TableError(f"{parameter(option)} {told}")
    if isinstance(spec, Mapping):
        return _of_mapping(spec, names, options)
    if not isinstance(spec, str | Path):
        told = f"the schema lists {len(names)} tables ({_listed(names)}), and one table is given"
        raise TableError(f"{told}; give a mapping of each name to its table")
    if is_url(spec) or _is_database(Path(spec)):
        return RelatedSources(places={name: (spec, replace(options, table=name)) for name in names})
    return _of_folder(Path(spec), names, options)


def _is_database(path: Path) -> bool:
    return path.is_file() and form_of(path).nature == DATABASE


def _of_mapping(
    given: Mapping[str, Any], names: Sequence[str], options: SourceOptions
) -> RelatedSources:
    lacking = [name for name in names if name not in given]
    unknown = [str(name) for name in given if name not in names]
    if lacking or unknown:
        near = did_you_mean(unknown[0], lacking) if unknown else ""
        told = f"lacks {_listed(lacking)}" if lacking else f"{_listed(unknown)} is no table of it"
        raise TableError(f"the tables given: {told}; the schema lists {_listed(names)}{near}")
    return RelatedSources(places={name: (given[name], options) for name in names})


def _of_folder(folder: Path, names: Sequence[str], options: SourceOptions) -> RelatedSources:
    if not folder.is_dir():
        what = "is one file" if folder.exists() else "is not there"
        told = f"{what}, and the schema lists {len(names)} tables ({_listed(names)})"
        raise TableError(f"{folder}: {told}; give a folder with one file each, or a database")
    found_there = inside(folder)
    places: dict[str, tuple[Any, SourceOptions]] = {}
    for name in names:
        found = [path for path in found_there if table_of_path(path) == name]
        if len(found) != 1:
            raise TableError(f"{folder}: {_not_one(name, found, found_there)}")
        places[name] = (found[0], options)
    others = [path for path in found_there if table_of_path(path) not in names]
    said = tuple(_left_alone(folder, others))
    return RelatedSources(places=places, said=said)


def inside(folder: Path) -> list[Path]:
    """Files and folders of a folder by name, without hidden ones and what lies beside a ledger."""
    found = (path for path in sorted(folder.iterdir()) if not path.name.startswith(_HIDDEN))
    return [path for path in found if path.suffix not in _BESIDE_A_LEDGER]


def table_of_path(path: Path) -> str:
    """The table that a file or folder holds, by its name without any suffix."""
    if path.is_dir():
        return path.name
    return Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem


def _not_one(name: str, found: Sequence[Path], there: Sequence[Path]) -> str:
    if found:
        several = _listed([path.name for path in found])
        return f"the table {shown(name)} stands there {len(found)} times ({several}); keep one"
    near = did_you_mean(name, [table_of_path(path) for path in there])
    return f"has no file of the table {shown(name)}, such as {name}.csv or {name}.parquet{near}"


def _left_alone(folder: Path, paths: Sequence[Path]) -> Iterator[str]:
    if paths:
        told = _listed([path.name for path in paths])
        yield f"{folder}: left alone, since the schema lists no such table: {told}"


def _listed(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_TOLD else ""
    return ", ".join(shown(name) for name in names[:_MOST_TOLD]) + more
