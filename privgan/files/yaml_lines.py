"""Read YAML as plain data, event by event: no alias, no tag, limited size and depth.

Nested aliases could expand 400 bytes into endless data. So aliases are not expanded, and no
function here is recursive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml

from privgan.files.limits import DEEPEST_YAML, LARGEST_YAML, MB, MOST_YAML_NODES

Path = tuple[str | int, ...]
Reading = Callable[[str], Any]
_WRITE_OUT = "anchors (&), aliases (*) and tags (!) are not read; write it out"


class YamlError(ValueError):
    """The text cannot be read as plain YAML.

    Args:
        line: Where, counted from 1.
        problem: Why.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


@dataclass(frozen=True)
class Plain:
    """A YAML document as plain data.

    Attributes:
        data: Mappings, lists, and what the readings make of scalars.
        lines: Path inside the document to its line, counted from 1.
        twice: Line and name of each key that stands twice in one mapping.
    """

    data: Any
    lines: Mapping[Path, int]
    twice: tuple[tuple[int, str], ...]


def read_yaml(
    text: str, reading: Reading = str, readings: Mapping[str, Reading] = MappingProxyType({})
) -> Plain | None:
    """Parse a text as plain data; None where it is empty.

    Args:
        text: The text.
        reading: What makes a value of a scalar without quotes.
        readings: The same for all that stands below certain keys.

    Raises:
        YamlError: It is no YAML, or not of this plain kind, or too large.
    """
    if len(text) > LARGEST_YAML:
        raise YamlError(1, f"has more than {LARGEST_YAML // MB} million characters")
    try:
        return _read_fast(text, reading, readings)
    except YamlError:
        raise
    except (AttributeError, yaml.YAMLError, ValueError):
        return _read_tolerantly(text, reading, readings)


def _read_fast(text: str, reading: Reading, readings: Mapping[str, Reading]) -> Plain | None:
    """Parse by libyaml, twenty times as fast; AttributeError where PyYAML was built without it."""
    builder = _Builder(reading, readings)
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        builder.take(event)
    return builder.result()


def _read_tolerantly(text: str, reading: Reading, readings: Mapping[str, Reading]) -> Plain | None:
    """Parse by PyYAML itself, which reads a little more, or else says what is wrong."""
    builder = _Builder(reading, readings)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(line, f"not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        told = "not valid YAML: it holds a character that YAML does not allow"
        raise YamlError(1, told) from error
    except (ValueError, OverflowError) as error:  # Such as \UFFFFFFFF, which is no character.
        if isinstance(error, YamlError):
            raise
        raise YamlError(1, "not valid YAML: it holds an escape of no character") from error
    return builder.result()


@dataclass
class _Open:
    """A mapping or list that has not ended yet."""

    value: Any
    path: Path
    reading: Reading
    key: tuple[str, int] | None = None  # The key that waits for its value, with its line.

    @property
    def takes_key(self) -> bool:
        """Whether the next node is a key of this mapping."""
        return isinstance(self.value, dict) and self.key is None


@dataclass
class _Builder:
    """Build data from parser events."""

    reading: Reading
    readings: Mapping[str, Reading]
    open: list[_Open] = field(default_factory=list)
    lines: dict[Path, int] = field(default_factory=dict)
    twice: list[tuple[int, str]] = field(default_factory=list)
    data: Any = None
    documents: int = 0
    nodes: int = 0

    def take(self, event: yaml.Event) -> None:
        """Process one event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise YamlError(_line(event), "not valid YAML: but found another document")
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: yaml.NodeEvent) -> None:
        line = _line(event)
        if not _is_written_out(event):
            raise YamlError(line, _WRITE_OUT)
        self.nodes += 1
        if self.nodes > MOST_YAML_NODES:
            raise YamlError(line, f"has more than {MOST_YAML_NODES:,} entries")
        around = self.open[-1] if self.open else None
        if around is not None and around.takes_key:
            self._key(event, around, line)
            return
        path, reading = self._place(around)
        self.lines[path] = line
        if isinstance(event, yaml.ScalarEvent):
            # PyYAML says of a scalar without quotes that it has no style, libyaml that it is empty.
            value = event.value if event.style else reading(event.value)
            self._put(around, value, path)
            return
        if len(self.open) >= DEEPEST_YAML:
            raise YamlError(line, "is nested too deeply")
        inside: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(around, inside, path)
        self.open.append(_Open(inside, path, reading))

    def _key(self, event: yaml.NodeEvent, around: _Open, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlError(line, "a key must be a text")
        if event.value in around.value:
            self.twice.append((line, event.value))
        around.key = (event.value, line)

    def _place(self, around: _Open | None) -> tuple[Path, Reading]:
        if around is None:
            return (), self.reading
        if around.key is None:
            return (*around.path, len(around.value)), around.reading
        key, inner = around.key[0], around.reading
        return (*around.path, key), (
            self.readings.get(key, inner) if inner is self.reading else inner
        )

    def _put(self, around: _Open | None, value: Any, path: Path) -> None:
        if around is None:
            self.data = value
        elif around.key is None:
            around.value.append(value)
        else:
            around.value[around.key[0]], self.lines[path] = value, around.key[1]
            around.key = None

    def result(self) -> Plain | None:
        """The data of the whole document."""
        return Plain(self.data, self.lines, tuple(self.twice)) if self.lines else None


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _is_written_out(event: yaml.NodeEvent) -> bool:
    """Whether a node has no alias, anchor or tag."""
    tag = getattr(event, "tag", None)
    return not isinstance(event, yaml.AliasEvent) and event.anchor is None and tag is None


def texts_in(value: Any) -> Iterator[tuple[Path, str]]:
    """Every text in plain data with its path."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, str):
            yield path, part
        elif isinstance(part, Mapping):
            waiting += [((*path, key), inner) for key, inner in part.items()]
        elif isinstance(part, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(part)]
