"""Compute the first card's figures: attack limits and usefulness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from privgan.files.json_types import JsonMapping
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.report.data import Reach
from privgan.report.document import Paragraph, Run, Stat, Stats, joined
from privgan.report.odds import Odds, odds
from privgan.report.precision import Precision
from privgan.report.text import Words, number

Facts = JsonMapping
HALF, FALSE_ALARMS = 0.5, 0.01
_ADVANTAGE = "attack.membership.advantage"
_SCORES = ("auc", "r2")


def shareable_stats(
    guarantee: ReleasedGuarantee,
    schema: Facts,
    reach: Reach | None,
    precision: Precision,
    words: Words,
) -> tuple[Stats, Paragraph]:
    """Shareable figures, with the worst case below them."""
    stats = (
        *reach_stats(guarantee, reach, words),
        *_precision(precision, words),
        _claim(guarantee, schema, words),
    )
    return Stats(stats=stats), worst_case(guarantee, reach, words)


def internal_stats(
    guarantee: ReleasedGuarantee,
    schema: Facts,
    reach: Reach | None,
    metrics: Sequence[Facts],
    precision: Precision,
    words: Words,
) -> tuple[Stats, Paragraph]:
    """INTERNAL: measured figures first, then the attack limits."""
    found = {metric["name"]: metric for metric in metrics if metric["value"] is not None}
    measured = (*_attack(found, guarantee, reach, words), *_usefulness(found, words))
    rest = measured or _precision(precision, words)
    stats = (*rest, *reach_stats(guarantee, reach, words), _claim(guarantee, schema, words))
    return Stats(stats=stats), worst_case(guarantee, reach, words)


def reach_stats(
    guarantee: ReleasedGuarantee, reach: Reach | None, words: Words
) -> tuple[Stat, Stat]:
    """Highest certainty of an attacker, and hits at few false alarms."""
    worst, rate = odds(guarantee.epsilon, guarantee.delta), words.percent(FALSE_ALARMS)
    basis = words("stats.by_plan" if reach else "stats.by_worst_case")
    right, hits = (reach.certainty, reach.hits) if reach else (worst.certainty, worst.hits)
    return (
        Stat(
            label=words("stats.certainty"),
            value=(Run(words.ceiling(right)),),
            text=words("stats.certainty_text", basis=basis, half=words.percent(HALF)),
        ),
        Stat(
            label=words("stats.hits"),
            value=(Run(words.ceiling(hits)),),
            text=words("stats.hits_text", basis=basis, rate=rate),
        ),
    )


def worst_case(guarantee: ReleasedGuarantee, reach: Reach | None, words: Words) -> Paragraph:
    """Attack limits by (ε, δ) alone, for any plan."""
    if reach is None:
        return Paragraph(text=words("stats.no_curve", epsilon=Run(words.epsilon(guarantee))))
    worst = odds(guarantee.epsilon, guarantee.delta)
    text = words(
        "stats.worst_case",
        epsilon=Run(words.epsilon(guarantee)),
        right=words.ceiling(worst.certainty),
        hits=words.ceiling(worst.hits),
        rate=words.percent(FALSE_ALARMS),
    )
    return Paragraph(text=text)


def ceilings(worst: Odds, reach: Reach | None) -> tuple[tuple[str, float | None, float], ...]:
    """Text name of each ceiling with its value by the plan's curve and in the worst case."""
    return (
        ("means.certainty", reach.certainty if reach else None, worst.certainty),
        ("means.advantage", reach.advantage if reach else None, worst.advantage),
        ("means.hits", reach.hits if reach else None, worst.hits),
    )


def _claim(guarantee: ReleasedGuarantee, schema: Facts, words: Words) -> Stat:
    condition = words.condition(guarantee)
    text = words(
        "stats.guarantee_text_under" if condition else "stats.guarantee_text",
        delta=Run(words.cost(guarantee.delta)),
        unit=words.unit(schema),
        neighbours=words.phrase(guarantee.neighbouring_relation),
        **({"condition": condition} if condition else {}),
    )
    value = (Run(f"ε = {words.cost(guarantee.epsilon)}"),)
    return Stat(label=words("stats.guarantee"), value=value, text=text)


def _precision(precision: Precision, words: Words) -> tuple[Stat, ...]:
    error = precision.one if precision.two is None else precision.two
    if error is None:
        return ()
    texts = [words("precision.one" if precision.two is None else "precision.two")]
    if precision.two is not None:
        if precision.one is not None:
            texts.append(words("precision.single", error=_share(precision.one, words)))
        texts.append(
            words("precision.every_pair" if precision.every_pair else "precision.chosen_pairs")
        )
    if precision.distance is not None:
        texts.append(words("precision.distance", distance=_share(precision.distance, words)))
    value = (Run(f"±{_share(error, words).text}"),)
    return (
        Stat(
            label=words("precision.label"), value=value, text=joined(texts, words.text("page.gap"))
        ),
    )


def _share(value: float, words: Words) -> Run:
    return Run(words.text("number.percent", number=Run(f"{100 * value:.2g}")))


def _attack(
    found: Mapping[str, Facts], guarantee: ReleasedGuarantee, reach: Reach | None, words: Words
) -> tuple[Stat, ...]:
    metric = found.get(_ADVANTAGE)
    if metric is None:
        return ()
    limit = reach.advantage if reach else odds(guarantee.epsilon, guarantee.delta).advantage
    text = words("measured.attack_text", limit=words.ceiling(limit), zero=words.percent(0))
    value = (Run(words.percent(metric["value"])),)
    return (Stat(label=words("measured.attack"), value=value, text=text),)


def _usefulness(found: Mapping[str, Facts], words: Words) -> tuple[Stat, ...]:
    """Score after training on synthetic rows; its baseline was trained on real ones."""
    for score in _SCORES:
        metric = found.get(f"utility.tstr_{score}")
        if metric is not None:
            real = Run(number(metric.get("baseline")))
            text = words("measured.useful_text", score=Run(words.term("score", score)), real=real)
            value = (Run(number(metric["value"])),)
            return (Stat(label=words("measured.useful"), value=value, text=text),)
    return ()
