"""The vocabulary of facts that a policy can judge: names, types and who may see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

from privgan.metric import Exposure

FactValue: TypeAlias = float | bool | str


class FactType(StrEnum):
    """The type of a fact's value, as JSON Schema names it."""

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
        description: What it is, in a sentence.
        values: All possible texts; empty where any value of the type may stand.
        minimum: The smallest value that it can have; None where there is no bound.
        maximum: The largest value that it can have; None where there is no bound.
    """

    name: str
    type: FactType
    exposure: Exposure
    description: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@cache
def fact_vocabulary() -> Mapping[str, Fact]:
    """Every fact that a policy may name."""
    text = files("privgan").joinpath("formats/facts.schema.json").read_text(encoding="utf-8")
    properties = json.loads(text)["properties"]
    return MappingProxyType({name: _fact(name, entry) for name, entry in properties.items()})


def _fact(name: str, entry: Mapping[str, Any]) -> Fact:
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
