"""Search every byte of every released file for content that must stay inside.

The allow-list is the first net, so a finding here is a bug in privgan. Four views of each file are
searched: its raw bytes; its text with JSON and HTML escapes resolved; the strings of JSON and of
metadata; each decoded column.

Two things it cannot tell. A private value written like a number looks like any other number. So it
is searched in text columns, strings and texts, not among numbers of JSON and tensors. Modelled
columns are drawn from the schema's public domain, where real and synthetic values coincide by
design.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from privgan.errors import InternalError
from privgan.files.json_types import JsonDict
from privgan.release.contents import Content, opened, safetensors_header
from privgan.release.leak_scan.chance_matches import Afresh, Chance, ColumnScan
from privgan.release.leak_scan.leak_patterns import (
    Hit,
    LeakKind,
    LeakPatterns,
    Matcher,
    internal_names,
    looks_like_pii,
)
from privgan.release.table_files import part_of
from privgan.schema.schema import Schema

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([\"/\\])")
_SEPARATORS = (b",", b'"', b"\n", b"\r")
_BINARY = (".parquet", ".safetensors")
_LEAST_IN_BINARY = 8
_BLOCK = 2 << 20
_OVERLAP = 256


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Content that must stay inside was found in a file. It names no value.

    Attributes:
        file: The file.
        where: The part of the file: bytes, text, strings, or a column.
        kind: Why it must stay inside.
        count: How often it was found.
    """

    file: str
    where: str
    kind: LeakKind
    count: int


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The result of a scan. INTERNAL.

    Attributes:
        findings: What must not leave; empty when all is well.
        chance: Real values that invention makes by chance, beside how many it makes when it invents
            afresh.
        files: File to its size in bytes.
    """

    findings: tuple[Finding, ...]
    chance: tuple[Chance, ...]
    files: Mapping[str, int]

    def to_json(self) -> JsonDict:
        """The scan as JSON values."""
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "chance": [asdict(chance) for chance in self.chance],
            "files": dict(self.files),
        }

    def check_clean(self) -> None:
        """Check that nothing was found.

        Raises:
            LeakError: naming file, kind and count, never the value.
        """
        if self.findings:
            raise LeakError(self)


class LeakError(InternalError):
    """Content that must stay inside was found in a release.

    Args:
        scan: What was found.
    """

    def __init__(self, scan: Scan) -> None:
        parts = (
            f"{part.file} ({part.where}): {part.count} × {part.kind}" for part in scan.findings[:8]
        )
        super().__init__(f"what must stay inside was found in what would leave: {'; '.join(parts)}")
        self.scan = scan


def scan_files(files: Mapping[str, Content], leak_patterns: LeakPatterns) -> Scan:
    """Search files for content that must stay inside.

    Args:
        files: Relative path to content.
        leak_patterns: What to look for; INTERNAL names are always looked for.
    """
    matcher = Matcher(leak_patterns.values)
    scanner = _Scanner(leak_patterns, matcher)
    for name, content in files.items():
        scanner.scan(name, content)
    counted = tuple(
        Finding(file=file, where=where, kind=kind, count=count)
        for (file, where, kind), count in sorted(scanner.found.items())
    )
    return Scan(findings=counted, chance=tuple(scanner.chance), files=scanner.sizes)


@dataclass
class _Scanner:
    leak_patterns: LeakPatterns
    matcher: Matcher
    afresh: dict[str, Afresh] = field(default_factory=dict)
    found: Counter[tuple[str, str, LeakKind]] = field(default_factory=Counter)
    chance: list[Chance] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def scan(self, name: str, content: Content) -> None:
        known: frozenset[bytes] = frozenset()
        if name.endswith((".csv", ".parquet")):
            known = self._columns(name, content)
        self._raw(name, content, known)
        if name.endswith(".parquet"):
            self._strings(name, "metadata", _parquet_metadata(content))
        elif name.endswith(".safetensors"):
            with opened(content) as reader:
                self._strings(
                    name, "metadata", _strings_in(_or_none(lambda: safetensors_header(reader)))
                )
        elif not name.endswith(".csv"):
            with opened(content) as reader:
                self._text(name, reader.read().decode("utf-8", "replace"))

    def _columns(self, name: str, content: Content) -> frozenset[bytes]:
        """Search each column.

        What was found there by chance alone is returned, and is known in the raw bytes too.
        """
        table = part_of(name)
        schema = _schema_of(table, self.leak_patterns.schema)
        patterns = replace(self.leak_patterns, schema=schema)
        if table not in self.afresh:
            self.afresh[table] = Afresh(schema, self.matcher)
        afresh = self.afresh[table]
        columns = ColumnScan(patterns, self.matcher, internal_names(), afresh, related=bool(table))
        with opened(content) as reader:
            columns.read(name, reader)
        for column, kind, count in columns.findings():
            self.found[name, f"column {column}", kind] += count
        self.chance += columns.chance(name)
        return columns.known

    def _raw(self, name: str, content: Content, known: frozenset[bytes]) -> None:
        with opened(content) as reader:
            for hit in self.matcher.hits_of(reader):
                if hit.value not in known and _counts_in_bytes(name, hit):
                    self.found[name, "bytes", hit.kind] += 1
        self.sizes[name] = self._raw_names(name, content)

    def _raw_names(self, name: str, content: Content) -> int:
        """Search the raw bytes for names of INTERNAL figures; returns the file's size."""
        with opened(content) as reader:
            size, kept = 0, b""
            while block := reader.read(_BLOCK):
                size += len(block)
                data = kept + block
                matches = [
                    match for match in internal_names().finditer(data) if match.end() > len(kept)
                ]
                self._names(name, "bytes", (match.group() for match in matches))
                kept = data[-_OVERLAP:]
        return size

    def _text(self, name: str, text: str) -> None:
        value = _or_none(lambda: json.loads(text)) if name.endswith(".json") else None
        # Numbers of JSON are figures of declared fields; its texts stand in its strings.
        is_json = value is not None
        plain = html.unescape(_ESCAPE.sub(_unescaped, text))
        self._search(name, "text", plain, figures=not is_json, patterns=not is_json)
        self._strings(name, "strings", _strings_in(value))

    def _strings(self, name: str, where: str, strings: Iterable[str]) -> None:
        self._search(name, where, "\n".join(strings), figures=True, patterns=True)

    def _search(self, name: str, where: str, text: str, *, figures: bool, patterns: bool) -> None:
        data = text.encode("utf-8", "replace")
        for hit in self.matcher.hits(data):
            if hit.whole and (figures or not hit.figure):
                self.found[name, where, hit.kind] += 1
        self._names(name, where, (match.group() for match in internal_names().finditer(data)))
        if patterns and self.leak_patterns.schema is not None:
            self._patterns(name, where, text)

    def _patterns(self, name: str, where: str, text: str) -> None:
        looks = [
            found for found in looks_like_pii(text) if found not in self.leak_patterns.declared
        ]
        if looks:
            self.found[name, where, LeakKind.PATTERN] += len(looks)

    def _names(self, name: str, where: str, names: Iterable[bytes]) -> None:
        count = sum(
            found.decode("utf-8", "replace") not in self.leak_patterns.declared for found in names
        )
        if count:
            self.found[name, where, LeakKind.INTERNAL_NAME] += count


def _counts_in_bytes(name: str, hit: Hit) -> bool:
    """Whether a match in a file's raw bytes is a finding, not a part of a figure."""
    wanted = len(hit.value) >= _LEAST_IN_BINARY if name.endswith(_BINARY) else hit.whole
    # Figures of JSON are its numbers; its texts are searched by themselves.
    figure = hit.digits or (name.endswith(".json") and hit.figure)
    return wanted and not figure and not (name.endswith(".csv") and _spans_cells(hit))


def _spans_cells(hit: Hit) -> bool:
    """Whether a figure holds a CSV separator: two cells match by chance, each is read alone."""
    return hit.figure and any(mark in hit.value for mark in _SEPARATORS)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match.group(1), 16)) if match.group(1) else match.group(2)


def _or_none(read: Any) -> Any:
    """The reader's result, or None where the content is not of its kind.

    The raw bytes are searched in any case.
    """
    try:
        return read()
    except (ValueError, RecursionError, OSError, OverflowError):
        return None


def _strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _strings_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings_in(part)


def _schema_of(table: str, schema: Schema | None) -> Schema | None:
    """The schema of one of several tables; None where it is of none of them."""
    if not table or schema is None:
        return schema
    known = any(child.name == table for child in schema.tables)
    return schema.alone(table) if known else None


def _parquet_metadata(content: Content) -> Iterator[str]:
    """All texts beside the columns: key-value metadata of the file and of fields."""
    import pyarrow.parquet as pq

    with opened(content) as reader:
        file = pq.ParquetFile(reader)
        schema = file.schema_arrow
        parts = [
            file.metadata.metadata or {},
            schema.metadata or {},
            *(part.metadata or {} for part in schema),
        ]
    for part in parts:
        for key, value in part.items():
            text = value.decode("utf-8", "replace")
            yield from (key.decode("utf-8", "replace"), text)
            yield from _strings_in(_or_none(lambda text=text: json.loads(text)))
