"""Write and read a report as JSON: its data, and its text section by section."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

from privgan.errors import UsageError
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.report.data import (
    ColumnNoise,
    Dependence,
    InternalReport,
    MeasuredKind,
    NoisyRelations,
    NoisyShape,
    PairSignal,
    PlanStep,
    Reach,
    RealShape,
    RealTrends,
    ShareableReport,
    Trends,
)
from privgan.report.document import (
    Answer,
    Block,
    Bullets,
    Card,
    Cards,
    Document,
    Figure,
    Note,
    Paragraph,
    Section,
    Stats,
    Table,
    plain,
)
from privgan.report.text import HIDDEN, LONGEST_TEXT, short

FORMAT = "privgan.report/1"
SHAREABLE, INTERNAL = "shareable", "internal"


def to_json(data: ShareableReport | InternalReport, document: Document) -> JsonDict:
    """The report as JSON values: ``data`` exactly, ``sections`` as a reader sees them."""
    return {
        "format": FORMAT,
        "kind": SHAREABLE if isinstance(data, ShareableReport) else INTERNAL,
        "language": document.language,
        "title": _shown(document.title),
        "data": _values(_stated(data)),
        "sections": [_section(section) for section in document.sections],
    }


def _stated(data: ShareableReport | InternalReport) -> JsonDict:
    """The data as they are written: without marginals and what they tell where none leave."""
    found = asdict(data)
    for name in ("marginals", "relations", "relations_of_parts"):
        if not found.get(name, True):
            del found[name]
    return found


def to_json_text(value: JsonMapping) -> str:
    """JSON text with escapes for invisible and direction-changing characters."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return "".join(_escaped(character) for character in text) + "\n"


def shareable_of(value: JsonMapping) -> ShareableReport:
    """Data of a shareable report from its JSON, which follows the format's schema.

    Raises:
        UsageError: It is no shareable report.
    """
    data = _data(value, SHAREABLE)
    return ShareableReport(
        **_common(data),
        policy=data["policy"],
        shapes=[NoisyShape(**shape) for shape in data["shapes"]],
        trends=None if data["trends"] is None else Trends(**data["trends"]),
        marginals=[MeasuredKind(**part) for part in data.get("marginals", ())],
        relations=_relations(data["relations"]) if "relations" in data else None,
        relations_of_parts=[_relations(part) for part in data.get("relations_of_parts", ())],
    )


def _relations(data: JsonMapping) -> NoisyRelations:
    return NoisyRelations(
        columns=[ColumnNoise(**part) for part in data["columns"]],
        pairs=[PairSignal(**part) for part in data["pairs"]],
        target=data["target"],
        value=data["value"],
        curves=[Dependence(**part) for part in data["curves"]],
        part=data.get("part", ""),
    )


def internal_of(value: JsonMapping) -> InternalReport:
    """INTERNAL: data of an internal report from its JSON.

    Raises:
        UsageError: It is no internal report.
    """
    data = _data(value, INTERNAL)
    trends = data["trends"]
    return InternalReport(
        **_common(data),
        verdict=data["verdict"],
        shapes=[RealShape(**shape) for shape in data["shapes"]],
        audit=data["audit"],
        ledger=data["ledger"],
        trends=None if trends is None else (RealTrends if "real" in trends else Trends)(**trends),
        lifetime=data["lifetime"],
    )


def _data(value: JsonMapping, kind: str) -> JsonMapping:
    if value.get("format") != FORMAT or value.get("kind") != kind:
        found = f"{value.get('format')!r}, {value.get('kind')!r}"
        raise UsageError(
            f"the report's format and kind are {found}; this privgan reads {FORMAT!r}, {kind!r}"
            " here"
        )
    data: JsonMapping = value["data"]
    return data


def _common(data: JsonMapping) -> JsonDict:
    return {
        **{name: data[name] for name in ("release", "schema", "rows")},
        **{name: [PlanStep(**step) for step in data[name]] for name in ("steps", "groups")},
        "reach": Reach(**data["reach"]) if data.get("reach") else None,
    }


def _values(value: Any) -> Any:
    """Values that JSON can hold: it has no infinity and no tuple."""
    if isinstance(value, Mapping):
        return {str(key): _values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_values(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _section(section: Section) -> JsonDict:
    return {
        "name": section.name,
        "heading": _shown(section.heading),
        "blocks": [part for block in section.blocks for part in _blocks(block)],
    }


def _blocks(block: Block) -> list[JsonDict]:
    match block:
        case Paragraph() | Note():
            kind = "note" if isinstance(block, Note) else "paragraph"
            return [{"kind": kind, "text": _shown(block.text)}]
        case Bullets():
            return [{"kind": "list", "items": _each(block.items)}]
        case Answer():
            told = {"kind": "answer", "heading": _shown(block.heading), "text": _shown(block.text)}
            return [told | {"items": _each(block.points)}]
        case Stats():
            rows = [_each((stat.label, stat.value, stat.text)) for stat in block.stats]
            return [{"kind": "figures", "rows": rows}]
        case Cards():
            return list(chain.from_iterable(map(_card, block.cards)))
        case Figure():
            return _figure(block)
        case Table():
            return [_table(block)]


def _card(card: Card) -> list[JsonDict]:
    heading = {"kind": "heading", "text": _shown(card.heading)}
    return [heading, *chain.from_iterable(map(_blocks, card.blocks))]


def _figure(figure: Figure) -> list[JsonDict]:
    told = {"kind": "figure", "heading": _shown(figure.title), "text": _shown(figure.alternative)}
    return [told, *([_table(figure.table)] if figure.table else [])]


def _table(table: Table) -> JsonDict:
    return {
        "kind": "table",
        "heading": _shown(table.caption),
        "columns": _each(column.heading for column in table.columns),
        "rows": [_each(row) for row in table.rows],
    }


def _each(texts: Iterable[Any]) -> list[str]:
    return [_shown(text) for text in texts]


def _shown(text: Any) -> str:
    return short(plain(text), 4 * LONGEST_TEXT)


def _escaped(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in HIDDEN:
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
