"""Register each metric once: name, meaning, unit, direction, interval and source.

The entries stand in ``metrics.yaml``. They give the names under which a
:class:`~privgan.metric.Metric` can be made, the facts that a policy may name, and the words of the
reports. To add a metric, add one entry there and the function that computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

LANGUAGES = ("en", "zh")
# Parsed entry of metrics.yaml.
_Entry: TypeAlias = Mapping[str, Any]


class Better(StrEnum):
    """The good direction of a metric."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Exposure(StrEnum):
    """Readers of a figure; INTERNAL figures were computed from real rows without noise."""

    INTERNAL = "internal"
    PUBLIC = "public"


class Unit(StrEnum):
    """Unit of a metric's value."""

    AREA = "area"  # Under a receiver operating characteristic; 0.5 is chance.
    CORRELATION = "correlation"
    DEVIATIONS = "deviations"  # Standard deviations of the null.
    DIFFERENCE = "difference"  # Of two shares or scores.
    DISTANCE = "distance"  # Total variation distance.
    EPSILON = "epsilon"
    FLAG = "flag"  # 0 or 1.
    R2 = "r2"
    SCORE = "score"
    SHARE = "share"
    SQUARED_ERROR = "squared_error"


class Interval(StrEnum):
    """Method of a metric's interval (:mod:`privgan.audit.intervals`)."""

    NONE = "none"
    LOWER_LIMIT = "lower_limit"  # One-sided: the value is its lower end.
    COUNTED = "counted"  # No sample: both ends are the value.
    SPREAD = "spread"  # Range of 95 % of single draws.
    NORMAL = "normal"
    JACKKNIFE = "jackknife"
    BOOTSTRAP = "bootstrap"
    CLOPPER_PEARSON = "clopper_pearson"
    HANLEY_MCNEIL = "hanley_mcneil"
    NEWCOMBE = "newcombe"  # Clopper-Pearson limits if both shares come from the same attacks.

    @property
    def ends(self) -> tuple[str, ...]:
        """Ends of the interval: ``low``, ``high``, both or none."""
        if self is Interval.NONE:
            return ()
        return ("low",) if self is Interval.LOWER_LIMIT else ("low", "high")


class Maker(StrEnum):
    """The part of privgan that computes a metric."""

    AUDIT = "audit"
    CANDIDATE_AUDIT = "audit of a candidate"
    HISTORY_AUDIT = "audit of histories"
    RELATED_AUDIT = "audit of related tables"
    TASK_AUDIT = "audit of tasks"
    REFERENCE_FITS = "reference fits"
    SELF_TEST = "self-test"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One entry of the registry.

    Attributes:
        name: Dotted name, e.g. ``attack.membership.advantage``.
        label: A few words, by language.
        meaning: A sentence, by language.
        unit: Unit of the value.
        better: The good direction.
        interval: Method of the interval.
        minimum: The smallest possible value; None if there is no bound.
        maximum: The largest possible value; None if there is no bound.
        exposure: INTERNAL when real rows are read without noise.
        gate: Whether a policy may name it.
        made: The part of privgan that computes it.
        source: Paper or standard.
        short: Fewer words for a picture, by language; empty if it is not drawn.
    """

    name: str
    label: Mapping[str, str]
    meaning: Mapping[str, str]
    unit: Unit
    better: Better
    interval: Interval
    minimum: float | None
    maximum: float | None
    exposure: Exposure
    gate: bool
    made: Maker
    source: str
    short: Mapping[str, str]


@cache
def registry() -> Mapping[str, Definition]:
    """All metrics by name."""
    found = {name: _definition(name, entry) for name, entry in read_entries().items()}
    return MappingProxyType(found)


def registered(name: str) -> Definition:
    """Entry of a metric.

    Args:
        name: Its dotted name.

    Raises:
        ValueError: There is none of this name.
    """
    try:
        return registry()[name]
    except KeyError:
        raise ValueError(
            f"metric {name!r} is not registered; add an entry to privgan/metrics.yaml"
        ) from None


def read_entries() -> Mapping[str, _Entry]:
    """Parsed entries of ``metrics.yaml``."""
    import yaml

    text = files("privgan").joinpath("metrics.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, dict[str, Any]] = yaml.load(text, Loader=loader)
    return found


def _definition(name: str, entry: _Entry) -> Definition:
    minimum, maximum = entry["range"]
    return Definition(
        name=name,
        label=entry["label"],
        meaning=entry["meaning"],
        unit=Unit(entry["unit"]),
        better=Better(entry["better"]),
        interval=Interval(entry["interval"]),
        minimum=minimum,
        maximum=maximum,
        exposure=Exposure(entry["exposure"]),
        gate=entry["gate"],
        made=Maker(entry["made"]),
        source=entry["source"],
        short=entry.get("short", {}),
    )
