"""Draw the ROC curves of all attacks under the ceiling that the guarantee allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from privgan.files.json_types import JsonMapping
from privgan.privacy import tradeoff
from privgan.report.data import Reach
from privgan.report.odds import RATES
from privgan.report.text import Words

SIZE = 360.0
_LOWEST = 1e-3
_SCORES = (
    "attack.membership.auc",
    "attack.membership.density_ratio_auc",
    "attack.membership.nearest_auc",
    "attack.membership.calibrated_auc",
    "attack.membership.monte_carlo_auc",
    "attack.membership.likelihood_auc",
    "attack.membership.critic_auc",
    "attack.reference_model.auc",
)
_EVENTS = (
    "attack.linkability.excess",
    "attack.inference.excess",
    "attack.copies.near_excess",
    "attack.singling_out.excess",
    "attack.history.copies",
    "attack.related.copies",
)
_WITHOUT_CEILING = "attack.singling_out.excess"
_RATES = tuple((step / 20) ** 2 for step in range(21))
_LOW_RATES = tuple(10 ** (-3 + step / 8) for step in range(25))
# By metric: an ROC curve, or a single pair of rates.
_Curves: TypeAlias = Mapping[str, Mapping[str, Sequence[float]]]
_Events: TypeAlias = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """ROC curve of one attack.

    Attributes:
        label: The attack.
        style: Its number, for colour and dashes.
        points: SVG points.
    """

    label: str
    style: int
    points: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One attack with a single pair of rates.

    Attributes:
        label: The attack.
        letter: The curve's letter in the picture.
        x: Its place from the left.
        y: Its place from the top.
    """

    label: str
    letter: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of the picture, in a square of ``SIZE``.

    Attributes:
        title: The frame's title.
        ticks: Places and labels of both axes, from the left and from below.
        chance: SVG points of guessing.
        ceiling: SVG points of the worst case of (ε, δ); empty if nothing is claimed.
        own: SVG points of the plan's own curve; empty if it has none.
        curves: The attacks with scores.
        marks: The attacks with one pair of rates.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    chance: str
    ceiling: str
    own: str
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Best:
    """The attack with the largest excess of hits over false alarms.

    Attributes:
        name: The metric's name.
        hits: Its true-positive rate.
        alarms: Its false-positive rate.
        limit: The most hits that (ε, δ) allow there; None if nothing is claimed.
    """

    name: str
    hits: float
    alarms: float
    limit: float | None


def _log(share: float) -> float:
    return math.log(max(_LOWEST, share) / _LOWEST) / math.log(1 / _LOWEST)


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One scale for both axes of a panel.

    Attributes:
        title: The panel's title, by its key in the catalogue.
        scale: From a rate to its place, in [0, 1].
        rates: The rates at which lines bend.
        ticks: Rates with their labels.
    """

    title: str
    scale: Callable[[float], float]
    rates: Sequence[float]
    ticks: tuple[tuple[float, str], ...]

    def place(self, alarms: float, hits: float) -> tuple[float, float]:
        """Position of a pair of rates, from the left and from above."""
        return SIZE * self.scale(alarms), SIZE * (1 - self.scale(hits))

    def line(self, pairs: Sequence[tuple[float, float]]) -> str:
        """SVG points of pairs of false alarms and hits."""
        return " ".join("{:.1f},{:.1f}".format(*self.place(*pair)) for pair in pairs)


_STRAIGHT = _Axis(
    title="attacks.all_rates",
    scale=float,
    rates=_RATES,
    ticks=tuple((share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
)
_LOGARITHMIC = _Axis(
    title="attacks.low_rates",
    scale=_log,
    rates=_LOW_RATES,
    ticks=((1e-3, "0.1%"), (1e-2, "1%"), (1e-1, "10%"), (1.0, "100%")),
)


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """The drawn attacks and the limits beside them.

    Attributes:
        curves: ROC curves by metric.
        events: Single pairs of rates by metric.
        claim: ``epsilon`` and ``delta`` of the claimed guarantee.
        own: The plan's own curve as pairs of rates; empty if it has none.
    """

    curves: _Curves
    events: _Events
    claim: JsonMapping
    own: Sequence[tuple[float, float]]


def best_attack(metrics: Sequence[JsonMapping], claim: JsonMapping) -> Best | None:
    """Best of the drawn attacks, at its best rate; None if none is drawn.

    Args:
        metrics: The audit's metrics, as JSON.
        claim: As for ``attack_panels``.
    """
    curves, events = _drawn(metrics)
    rates = [
        (name, *pair)
        for name, roc in curves.items()
        for pair in zip(roc["tpr"], roc["fpr"], strict=True)
    ]
    rates += [
        (name, event["true_positive_rate"], event["false_positive_rate"])
        for name, event in events.items()
        if name != _WITHOUT_CEILING
    ]
    if not rates:
        return None
    name, hits, alarms = max(rates, key=lambda rate: rate[1] - rate[2])
    limit = dict(_ceiling(claim, (alarms,))).get(alarms)
    return Best(name=name, hits=hits, alarms=alarms, limit=limit)


def attack_panels(
    metrics: Sequence[JsonMapping],
    claim: JsonMapping,
    words: Words,
    reach: Reach | None = None,
) -> tuple[Panel, ...]:
    """Panels with all rates on linear axes and low rates on logarithmic ones.

    Empty if no attack has rates.

    Args:
        metrics: The audit's metrics, as JSON.
        claim: ``epsilon`` and ``delta`` of the claimed guarantee; None or missing where nothing is
            claimed.
        words: The report's words.
        reach: The plan's own curve, if it has one.
    """
    curves, events = _drawn(metrics)
    if not curves and not events:
        return ()
    drawn = _Drawn(
        curves=curves,
        events=events,
        claim=claim,
        own=tuple(zip(RATES, reach.curve, strict=True)) if reach else (),
    )
    return tuple(_panel(axis, drawn, words) for axis in (_STRAIGHT, _LOGARITHMIC))


def _drawn(
    metrics: Sequence[JsonMapping],
) -> tuple[_Curves, _Events]:
    """Attacks with a curve, and attacks with one pair of rates, by name."""
    found = {
        metric["name"]: metric.get("details") or {}
        for metric in metrics
        if metric.get("value") is not None
    }
    curves = {name: found[name]["roc"] for name in _SCORES if "roc" in found.get(name, {})}
    events = {name: found[name] for name in _EVENTS if "true_positive_rate" in found.get(name, {})}
    return curves, events


def _panel(axis: _Axis, drawn: _Drawn, words: Words) -> Panel:
    rates = axis.rates
    return Panel(
        title=words.text(axis.title),
        ticks=tuple((round(SIZE * axis.scale(at), 1), label) for at, label in axis.ticks),
        chance=axis.line([(rate, rate) for rate in rates]),
        ceiling=axis.line(_ceiling(drawn.claim, rates)),
        own=axis.line([pair for pair in drawn.own if pair[0] >= rates[0]]),
        curves=tuple(
            Curve(
                label=words.term("attack", name),
                style=_SCORES.index(name),
                points=axis.line(_ended(roc, rates[0])),
            )
            for name, roc in drawn.curves.items()
        ),
        marks=tuple(_marks(axis, drawn.events, words)),
    )


def _marks(axis: _Axis, events: _Events, words: Words) -> Iterator[Mark]:
    for letter, (name, event) in zip("ABCDEFGH", events.items(), strict=False):
        x, y = axis.place(event["false_positive_rate"], event["true_positive_rate"])
        label = words.term("attack", name)
        yield Mark(label=label, letter=letter, x=round(x, 1), y=round(y, 1))


def _ended(roc: Mapping[str, Sequence[float]], first: float) -> list[tuple[float, float]]:
    """Curve extended to the corner at 100 %, and from 0 if 0 is on the axis."""
    pairs = list(zip(roc["fpr"], roc["tpr"], strict=True))
    return [(0.0, 0.0), *pairs, (1.0, 1.0)] if first == 0 else [*pairs, (1.0, 1.0)]


def _ceiling(claim: JsonMapping, rates: Sequence[float]) -> list[tuple[float, float]]:
    if claim.get("epsilon") is None or claim.get("delta") is None:
        return []
    limits = tradeoff.of_budget(claim["epsilon"], claim["delta"])
    bend = tradeoff.bend_of_budget(claim["epsilon"], claim["delta"])
    return [
        (rate, limits.true_positive_rate(min(1.0, rate)))
        for rate in sorted({*rates, max(rates[0], bend)})
    ]
