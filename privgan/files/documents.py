"""Read a YAML document and check it against a packaged JSON Schema, with line numbers.

All mistakes are reported at once.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from privgan.errors import DocumentError
from privgan.files.json_types import JsonMapping
from privgan.files.limits import LARGEST_YAML, MB, MOST_MISTAKES
from privgan.files.yaml_lines import YamlError, read_yaml, texts_in

DocumentPath = tuple[str | int, ...]
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?\Z")
# A text file cannot hold these: a NUL would end the text, and a lone surrogate is no character.
UNWRITABLE = re.compile("[\0\ud800-\udfff]")
# Looking for a near word takes time; the rest is too long for a slip.
_MOST_CHOICES, _LONGEST_WORD = 500, 100
_NULLS = frozenset({"null", "~", ""})
_WORDS = {"true": True, "false": False, **dict.fromkeys(_NULLS)}


@dataclass(frozen=True)
class Document:
    """A YAML document as plain data.

    Attributes:
        name: The file's name, for messages.
        data: Mappings, lists, texts, numbers, booleans and None.
        lines: Path inside the document to its line, counted from 1.
    """

    name: str
    data: Any
    lines: Mapping[DocumentPath, int]

    def line_of(self, path: DocumentPath) -> int:
        """The line of a path, or of its nearest ancestor."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def mistake(self, path: DocumentPath, message: str) -> str:
        """Format a mistake as one sentence with its line."""
        return f"line {self.line_of(path)}: {message}"


def load_document(
    path: Path,
    *,
    format_name: str,
    text_keys: frozenset[str] = frozenset(),
    nullable_keys: frozenset[str] = frozenset(),
    also: Callable[[Any], Iterable[tuple[DocumentPath, str]]] | None = None,
) -> Document:
    """Read and check a YAML document.

    Args:
        path: The file.
        format_name: E.g. ``privgan.schema/1``; names the JSON Schema that the document must follow.
        text_keys: Keys whose scalars stay text exactly as written (``no``, ``01`` and ``1`` are
            three texts).
        nullable_keys: As text_keys, but a plain ``null`` is None.
        also: Finds more mistakes in the data, each with its path; it must bear data of a wrong
            form.

    Raises:
        DocumentError: with every mistake found, each with its line.
    """
    keys = {"text_keys": text_keys, "nullable_keys": nullable_keys}
    return parse_document(
        read_text(path), name=path.name, format_name=format_name, also=also, **keys
    )


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; DocumentError where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig") as reader:
            text = reader.read(LARGEST_YAML + 1)
    except OSError as error:
        raise DocumentError(
            str(path), [f"cannot be read: {error.strerror or error}; check the path"]
        ) from error
    except UnicodeDecodeError as error:
        raise DocumentError(str(path), ["is not UTF-8 text; save it as UTF-8"]) from error
    if len(text) > LARGEST_YAML:
        told = f"has more than {LARGEST_YAML // MB} million characters; no document is so long"
        raise DocumentError(str(path), [told])
    return text


def parse_document(
    text: str,
    *,
    name: str,
    format_name: str,
    text_keys: frozenset[str] = frozenset(),
    nullable_keys: frozenset[str] = frozenset(),
    also: Callable[[Any], Iterable[tuple[DocumentPath, str]]] | None = None,
) -> Document:
    """As load_document, from text."""
    readings = dict.fromkeys(text_keys, _as_text) | dict.fromkeys(nullable_keys, _as_text_or_null)
    try:
        plain = read_yaml(text, _scalar, readings)
    except YamlError as error:
        raise DocumentError(name, [str(error)]) from error
    if plain is None:
        raise DocumentError(name, ["line 1: the document is empty"])
    if not isinstance(plain.data, Mapping):  # A table, perhaps: nothing of it is told.
        kind = "a list" if isinstance(plain.data, list) else "text without keys"
        told = f"line 1: found {kind}, allowed: a mapping; is it a table in place of a document?"
        raise DocumentError(name, [told])
    document = Document(name, plain.data, plain.lines)
    twice = [f"line {line}: the key {shown(key)} stands twice" for line, key in plain.twice]
    found = [*_unwritable(document), *schema_mistakes(document, format_name)]
    if also and len(found) < MOST_MISTAKES:
        more = islice(also(plain.data), MOST_MISTAKES)
        found += [document.mistake(path, text) for path, text in more]
    mistakes = (twice + sorted(found, key=_line_told))[:MOST_MISTAKES]
    if mistakes:
        raise DocumentError(name, mistakes)
    return document


def _line_told(mistake: str) -> int:
    return int(mistake.removeprefix("line ").partition(":")[0])


def _unwritable(document: Document) -> list[str]:
    """All texts that a text file cannot hold."""
    bad = (path for path, text in texts_in(document.data) if UNWRITABLE.search(text))
    told = "{}holds a NUL or half of a character; leave it out"
    return [
        document.mistake(path, told.format(f"{_where(path)}{shown(_at(document.data, path))} "))
        for path in islice(bad, MOST_MISTAKES)
    ]


def _at(data: Any, path: DocumentPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _as_text(text: str) -> Any:
    return text


def _as_text_or_null(text: str) -> Any:
    return None if text.lower() in _NULLS else text


def _scalar(text: str) -> Any:
    """Read a plain scalar by the YAML 1.2 core schema: ``no`` and ``2020-01-01`` stay text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) and math.isfinite(float(text)) else text


@lru_cache
def json_schema(format_name: str) -> JsonMapping:
    """The packaged JSON Schema of a format such as ``privgan.schema/1``."""
    kind = format_name.removeprefix("privgan.").split("/")[0]
    text = (
        resources.files("privgan.formats")
        .joinpath(f"{kind}.schema.json")
        .read_text(encoding="utf-8")
    )
    schema: JsonMapping = json.loads(text)
    return schema


def strict_validator(schema: JsonMapping, **options: Any) -> Any:
    """A validator of a JSON Schema that compares the items of a list in linear time."""
    return _validator_class()(schema, **options)


@lru_cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator, ValidationError, validators

    def _alike(item: Any) -> Any:
        number = isinstance(item, int | float) and not isinstance(item, bool)
        return item if number else json.dumps(item, sort_keys=True, default=str)

    def unique(validator: Any, wanted: bool, items: Any, schema: Any) -> Iterator[Any]:
        listed = items if wanted and validator.is_type(items, "array") else []
        if len({_alike(item) for item in listed}) < len(listed):
            yield ValidationError(f"{shown(items)} has non-unique elements")

    return validators.extend(Draft202012Validator, {"uniqueItems": unique})


def schema_mistakes(document: Document, format_name: str) -> Iterator[str]:
    """Every violation of the document's JSON Schema, a sentence each, by line."""
    errors = islice(
        strict_validator(json_schema(format_name)).iter_errors(document.data), MOST_MISTAKES
    )
    all_mistakes = (
        mistake for error in errors for leaf in _leaves(error) for mistake in _mistakes_of(leaf)
    )
    found = list(islice(all_mistakes, MOST_MISTAKES))
    ordered = sorted(found, key=lambda mistake: (document.line_of(mistake[0]), mistake[1]))
    yield from dict.fromkeys(document.mistake(path, sentence) for path, sentence in ordered)


def _leaves(error: Any) -> Iterator[Any]:
    """The most specific causes of a failed ``oneOf``/``anyOf``, or the error itself."""
    if error.validator in {"oneOf", "anyOf"} and error.context:
        branches: dict[int, list[Any]] = {}
        for part in error.context:
            branches.setdefault(part.schema_path[0], []).append(part)
        best = min(
            branches.values(),
            key=lambda parts: (any(p.validator in {"type", "const"} for p in parts), len(parts)),
        )
        for part in best:
            yield from _leaves(part)
    else:
        yield error


def _mistakes_of(error: Any) -> Iterator[tuple[DocumentPath, str]]:
    """Path and sentence of each mistake in an error; each unknown key counts alone."""
    path = tuple(error.absolute_path)
    if error.validator not in {"additionalProperties", "unevaluatedProperties"}:
        yield path, _sentence(error)
        return
    known = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in known:
            yield (*path, key), f"{_where(path)}unknown key {shown(key)}{did_you_mean(key, known)}"


def _sentence(error: Any) -> str:
    where = _where(error.absolute_path)
    rule, allowed = error.validator, error.validator_value
    if rule == "required":
        missing = [key for key in allowed if key not in error.instance]
        return f"{where}lacks {', '.join(shown(key) for key in missing)}"
    if rule in {"enum", "const"}:
        choices = [str(choice) for choice in (allowed if rule == "enum" else [allowed])]
        return (
            f"{where}found {shown(error.instance)}, allowed:"
            f" {', '.join(choices)}{did_you_mean(str(error.instance), choices)}"
        )
    if rule == "type":
        return f"{where}found {shown(error.instance)}, allowed: {_type_words(allowed)}"
    if rule == "pattern":
        return f"{where}found {shown(error.instance)}, allowed: text that matches {allowed}"
    return f"{where}{error.message[:200]}"


def _where(path: Any) -> str:
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(
        "."
    )
    return f"{words}: " if words else ""


def _type_words(allowed: Any) -> str:
    names = {
        "string": "text",
        "object": "a mapping",
        "array": "a list",
        "integer": "a whole number",
    }
    types = allowed if isinstance(allowed, list) else [allowed]
    return " or ".join(names.get(kind, f"a {kind}") for kind in types)


def shown(value: Any, limit: int = 60) -> str:
    """Format a value for a message: quoted, on one line, cut to a limit."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text[: 10 * limit]
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def did_you_mean(word: str, choices: list[str]) -> str:
    """``; did you mean X?`` where a choice is similar, else empty."""
    short = [choice for choice in choices[:_MOST_CHOICES] if len(choice) <= _LONGEST_WORD]
    near = difflib.get_close_matches(word, short, n=1) if len(word) <= _LONGEST_WORD else []
    return f"; did you mean {near[0]!r}?" if near else ""
