"""Define the facts that a policy can judge: names, types and exposure.

A fact is an entry of ``formats/facts.schema.json``, or a registered metric with the ends of its
interval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias

from privgan.files.json_types import JsonMapping
from privgan.metrics import Definition, Exposure, registry

FactValue: TypeAlias = float | bool | str


class FactType(StrEnum):
    """Type of a fact's value, as JSON Schema names it."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"

    def fits(self, value: object) -> bool:
        """Whether a value has this type; a bool is never a number."""
        if self is FactType.BOOLEAN:
            return isinstance(value, bool)
        if self is FactType.STRING:
            return isinstance(value, str)
        return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One entry of the vocabulary.

    Attributes:
        name: Dotted name, e.g. ``guarantee.epsilon``.
        type: Type of its value.
        exposure: INTERNAL when it follows from real rows without noise.
        description: One sentence that defines it.
        values: All possible texts; empty if any value of the type may stand.
        minimum: The smallest value that it can have; None if there is no bound.
        maximum: The largest value that it can have; None if there is no bound.
        unit: Unit of a metric's value; empty for other facts.
        translations: The description in further languages, if there is one.
    """

    name: str
    type: FactType
    exposure: Exposure
    description: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)

    def meaning(self, language: str) -> str:
        """The description in a language; empty if there is none."""
        return self.description if language == "en" else self.translations.get(language, "")


_ENDS = {
    "low": {"en": "Lower end of its interval. ", "zh": "其区间的下端。"},
    "high": {"en": "Upper end of its interval. ", "zh": "其区间的上端。"},
}


@cache
def fact_vocabulary() -> Mapping[str, Fact]:
    """All facts that a policy may name: those of the schema first, then the metrics."""
    text = files("privgan").joinpath("formats/facts.schema.json").read_text(encoding="utf-8")
    properties = json.loads(text)["properties"]
    found = [_stated(name, entry) for name, entry in properties.items()]
    found += [fact for entry in registry().values() if entry.gate for fact in _measured(entry)]
    return MappingProxyType({fact.name: fact for fact in found})


def _stated(name: str, entry: JsonMapping) -> Fact:
    values = entry.get("enum", ())
    return Fact(
        name=name,
        type=FactType(str(entry["type"])),
        exposure=Exposure(str(entry["x-exposure"])),
        description=str(entry["description"]),
        values=tuple(str(value) for value in values) if isinstance(values, list) else (),
        minimum=entry.get("minimum"),
        maximum=entry.get("maximum"),
    )


def _measured(entry: Definition) -> Iterator[Fact]:
    """A metric and the ends of its interval, as facts."""
    value = Fact(
        name=entry.name,
        type=FactType.NUMBER,
        exposure=entry.exposure,
        description=entry.meaning["en"],
        minimum=entry.minimum,
        maximum=entry.maximum,
        unit=entry.unit.value,
        translations={"zh": entry.meaning["zh"]},
    )
    yield value
    for end in entry.interval.ends:
        yield replace(
            value,
            name=f"{entry.name}.{end}",
            description=_ENDS[end]["en"] + value.description,
            translations={"zh": _ENDS[end]["zh"] + value.translations["zh"]},
        )
