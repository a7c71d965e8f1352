"""One picture of all attacks.

What each finds at each rate of false alarms, under what the guarantee allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
)
_WITHOUT_CEILING = "attack.singling_out.excess"
_RATES = tuple((step / 20) ** 2 for step in range(21))
_LOW_RATES = tuple(10 ** (-3 + step / 8) for step in range(25))


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One attack's curve.

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
    """One attack that has a single pair of rates.

    Attributes:
        label: The attack.
        letter: What is drawn.
        x: Its place from the left.
        y: Its place from the top.
    """

    label: str
    letter: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One frame of the picture, in a square of ``SIZE``.

    Attributes:
        title: What the frame shows.
        ticks: Places and labels of both axes, from the left and from below.
        chance: SVG points of guessing.
        ceiling: SVG points of the worst case of (ε, δ); empty where nothing is claimed.
        own: SVG points of the plan's own curve; empty where it has none.
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
    """The attack with the most hits beyond its false alarms.

    Attributes:
        name: The metric's name.
        hits: Its true-positive rate.
        alarms: Its false-positive rate.
        limit: The most hits that (ε, δ) allow there; None where nothing is claimed.
    """

    name: str
    hits: float
    alarms: float
    limit: float | None


def best_attack(metrics: Sequence[Mapping[str, Any]], claim: Mapping[str, Any]) -> Best | None:
    """The best attack of all that are drawn, at its best rate; None where none is drawn.

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
    metrics: Sequence[Mapping[str, Any]],
    claim: Mapping[str, Any],
    words: Words,
    reach: Reach | None = None,
) -> tuple[Panel, ...]:
    """All rates on straight axes, and low rates on logarithmic ones.

    Nothing where no attack has rates.

    Args:
        metrics: The audit's metrics, as JSON.
        claim: ``epsilon`` and ``delta`` of the claimed guarantee; None or missing where nothing is
            claimed.
        words: The report's words.
        reach: The plan's own curve, where it has one.
    """
    curves, events = _drawn(metrics)
    own = list(zip(RATES, reach.curve, strict=True)) if reach else []
    if not curves and not events:
        return ()
    straight = tuple((share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    low = tuple(
        (_log(share), f"{share:.1%}" if share < 0.01 else f"{share:.0%}")
        for share in (1e-3, 1e-2, 1e-1, 1.0)
    )
    return (
        _panel(
            words.text("attacks.all_rates"),
            lambda share: share,
            _RATES,
            straight,
            curves,
            events,
            claim,
            own,
            words,
        ),
        _panel(
            words.text("attacks.low_rates"),
            _log,
            _LOW_RATES,
            low,
            curves,
            events,
            claim,
            own,
            words,
        ),
    )


def _drawn(
    metrics: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Mapping[str, Sequence[float]]], dict[str, Mapping[str, float]]]:
    """The attacks with a curve, and those with one pair of rates, by name."""
    found = {
        metric["name"]: metric.get("details") or {}
        for metric in metrics
        if metric.get("value") is not None
    }
    curves = {name: found[name]["roc"] for name in _SCORES if "roc" in found.get(name, {})}
    events = {name: found[name] for name in _EVENTS if "true_positive_rate" in found.get(name, {})}
    return curves, events


def _log(share: float) -> float:
    return math.log(max(_LOWEST, share) / _LOWEST) / math.log(1 / _LOWEST)


def _panel(
    title: str,
    scale: Callable[[float], float],
    rates: Sequence[float],
    ticks: tuple[tuple[float, str], ...],
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    events: Mapping[str, Mapping[str, float]],
    claim: Mapping[str, Any],
    own: Sequence[tuple[float, float]],
    words: Words,
) -> Panel:
    def place(alarms: float, hits: float) -> tuple[float, float]:
        return SIZE * scale(alarms), SIZE * (1 - scale(hits))

    def line(pairs: Sequence[tuple[float, float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*place(*pair)) for pair in pairs)

    marks = []
    for letter, (name, event) in zip("ABCDEFGH", events.items(), strict=False):
        x, y = place(event["false_positive_rate"], event["true_positive_rate"])
        marks.append(
            Mark(label=words.term("attack", name), letter=letter, x=round(x, 1), y=round(y, 1))
        )
    return Panel(
        title=title,
        ticks=tuple((round(SIZE * at, 1), label) for at, label in ticks),
        chance=line([(rate, rate) for rate in rates]),
        ceiling=line(_ceiling(claim, rates)),
        own=line([pair for pair in own if pair[0] >= rates[0]]),
        curves=tuple(
            Curve(
                label=words.term("attack", name),
                style=_SCORES.index(name),
                points=line(_ended(roc, rates[0])),
            )
            for name, roc in curves.items()
        ),
        marks=tuple(marks),
    )


def _ended(roc: Mapping[str, Sequence[float]], first: float) -> list[tuple[float, float]]:
    """A curve to the corner at 100 %, and from the one at 0 where that is on the axis."""
    pairs = list(zip(roc["fpr"], roc["tpr"], strict=True))
    return [(0.0, 0.0), *pairs, (1.0, 1.0)] if first == 0 else [*pairs, (1.0, 1.0)]


def _ceiling(claim: Mapping[str, Any], rates: Sequence[float]) -> list[tuple[float, float]]:
    if claim.get("epsilon") is None or claim.get("delta") is None:
        return []
    limits = tradeoff.of_budget(claim["epsilon"], claim["delta"])
    bend = tradeoff.bend_of_budget(claim["epsilon"], claim["delta"])
    return [
        (rate, limits.true_positive_rate(min(1.0, rate)))
        for rate in sorted({*rates, max(rates[0], bend)})
    ]
