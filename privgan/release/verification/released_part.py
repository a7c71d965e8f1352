"""Read one part of a release whose table is in parts, as a release of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from privgan.parts.history_form import parts_of
from privgan.parts.part import Part, step_of
from privgan.release.verification.released import Released
from privgan.schema.schema import Schema

_MODEL = "model/"


@dataclass(frozen=True, eq=False)
class ReleasedPart(Released):
    """The files of one part.

    Attributes:
        part: The part.
        whole: The release that it is of.
    """

    part: Part
    whole: Released

    @cached_property
    def schema(self) -> Schema:  # type: ignore[override]
        """The part's view."""
        return self.part.schema

    @property
    def lent(self) -> frozenset[str]:
        """The columns whose codes another part has measured."""
        return frozenset(self.part.borrowed)

    def _place(self, name: str) -> str:
        return f"{_MODEL}{self.part.name}/{name.removeprefix(_MODEL)}"


def released_parts(released: Released) -> Iterator[ReleasedPart]:
    """Each part of a release, with its own plan in the manifest's place."""
    for part in parts_of(released.schema):
        plan = _plan_of(released.manifest.raw["plan"], part)
        manifest = replace(released.manifest, raw={**released.manifest.raw, "plan": plan})
        yield ReleasedPart(released.folder, manifest, part, released)


def _plan_of(plan: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """A part's plan, as one of a whole table states it; LookupError where it has none."""
    own = next(item for item in plan["parts"] if item["name"] == part.name)
    before = step_of(part.name, "")
    stages = [
        {
            **stage,
            "steps": [
                {**step, "name": step["name"].removeprefix(before)}
                for step in stage["steps"]
                if step["name"].startswith(before)
            ],
        }
        for stage in plan["stages"]
        if stage["name"] == "model"
    ]
    left = {key: value for key, value in plan.items() if key != "rows_of_each"}
    facts = ("rows", "kind", "marginal_share", "settings")
    return {**left, **{name: own[name] for name in facts}, "stages": stages}
