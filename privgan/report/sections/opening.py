"""Write the first screen: the answer, the meaning of the guarantee, and the table's uses."""

from __future__ import annotations

import math
from typing import TypeAlias

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.report.charts import curve_points
from privgan.report.data import Reach, guarantee_of
from privgan.report.document import (
    Answer,
    Block,
    Bullets,
    Card,
    Cards,
    Column,
    Figure,
    Look,
    Note,
    Paragraph,
    Run,
    Section,
    Stats,
    Table,
    Text,
    joined,
)
from privgan.report.odds import RATES, Odds, after, odds
from privgan.report.sections.headline import FALSE_ALARMS, HALF, ceilings
from privgan.report.sections.policy import explained, shown_purpose
from privgan.report.text import Value, Words

Facts = JsonMapping
Figures: TypeAlias = tuple[Stats, Paragraph]
_MOST_FACTS = 20
_PRIORS = (0.01, 0.1, 0.5, 0.9)
_LARGEST_EXPONENT = 700.0


def shareable_answer(release: Facts, policy: Facts, figures: Figures, words: Words) -> Section:
    """Whether the table may be shared, for every recipient of the report."""
    passed = policy["status"] == "PASS"
    answer = Answer(
        look=Look.GOOD if passed else Look.BAD,
        heading=words("answer.shareable_yes" if passed else "answer.shareable_no"),
        text=(
            _passed_to(release, policy, words)
            if passed
            else _named("answer.not_passed", policy, words)
        ),
        points=_waived(policy, words) if passed else (),
    )
    return _section(answer, release, figures, words)


def internal_answer(release: Facts, verdict: Facts, figures: Figures, words: Words) -> Section:
    """INTERNAL: whether the table may be released, and the points against it."""
    status = verdict["status"]
    if status == "PASS":
        text = (
            *_passed_to(release, verdict, words),
            Run(words.text("page.gap")),
            *words("answer.stays"),
        )
        answer = Answer(
            look=Look.GOOD,
            heading=words("answer.internal_yes"),
            text=text,
            points=_waived(verdict, words),
        )
    else:
        failed = status == "FAIL"
        answer = Answer(
            look=Look.BAD if failed else Look.OPEN,
            heading=words("answer.internal_no" if failed else "answer.internal_open"),
            text=_named("answer.not_passed", verdict, words),
            points=tuple(
                explained(outcome, words)
                for outcome in verdict["outcomes"]
                if outcome["status"] in {"FAIL", "MISSING"}
            ),
        )
    return _section(answer, release, figures, words)


def meaning(release: Facts, schema: Facts, reach: Reach | None, words: Words) -> Section:
    """Meaning of the guarantee in plain words and in odds."""
    guarantee = guarantee_of(release)
    found, total = odds(guarantee.epsilon, guarantee.delta), guarantee.dataset_total
    condition, delta = words.condition(guarantee), words.cost(guarantee.delta)
    spent: dict[str, Value] = {
        "runs": total.runs,
        "epsilon": words.cost(total.epsilon),
        "delta": words.cost(total.delta),
    }
    under = {"condition": condition} if condition else {}
    cannot = words(
        "means.cannot_text",
        unit=words.unit(schema),
        half=words.percent(HALF),
        certainty=words.ceiling(found.posterior),
        epsilon=Run(words.epsilon(guarantee)),
        delta=delta,
    )
    cards = (
        _card(
            "means.cannot", (Paragraph(text=cannot), Paragraph(text=words("means.ceilings"))), words
        ),
        _card(
            "means.can",
            (
                Paragraph(text=words("means.can_text")),
                Paragraph(
                    text=words(
                        "means.adds_up_under" if condition else "means.adds_up", **spent, **under
                    )
                ),
            ),
            words,
        ),
        _card("means.good", (Bullets(items=good_for(words)),), words),
        _card("means.bad", (Bullets(items=bad_for(words)),), words),
        _card("means.odds", _odds_blocks(guarantee, words), words),
        _card(
            "means.curve",
            (_curve(guarantee, found, reach, words), _ceilings(found, reach, words)),
            words,
        ),
    )
    return Section(name="means", heading=words("means.heading"), blocks=(Cards(cards=cards),))


def good_for(words: Words) -> tuple[Text, ...]:
    """Uses that the table is good for."""
    return words("means.good_1"), words("means.good_2"), words("means.good_3")


def bad_for(words: Words) -> tuple[Text, ...]:
    """Uses that the table is bad for."""
    return words("means.bad_1"), words("means.bad_2"), words("means.bad_3")


def _section(answer: Answer, release: Facts, figures: Figures, words: Words) -> Section:
    guarantee = guarantee_of(release)
    notes: list[Block] = []
    if odds(guarantee.epsilon, guarantee.delta).weak:
        warning = Run(words.text("guarantee.weak_warning"), Look.STRONG)
        notes.append(
            Note(
                text=words("guarantee.weak", warning=warning, epsilon=Run(words.epsilon(guarantee)))
            )
        )
    if guarantee.conditional_facts:
        facts: list[Text] = [
            (Run(fact, Look.CODE),) for fact in guarantee.conditional_facts[:_MOST_FACTS]
        ]
        if len(guarantee.conditional_facts) > _MOST_FACTS:
            facts.append(
                words("guarantee.more", count=len(guarantee.conditional_facts) - _MOST_FACTS)
            )
        claim = Run(words.epsilon(guarantee), Look.STRONG)
        notes.append(Note(text=words("guarantee.conditional", epsilon=claim, facts=joined(facts))))
    return Section(name="answer", heading=(), blocks=(answer, *notes, *figures))


def _passed_to(release: Facts, policy: Facts, words: Words) -> Text:
    context = release["context"]
    texts = [_named("answer.passed", policy, words)]
    if context.get("recipient"):
        texts.append(words("answer.recipient", recipient=Run(context["recipient"], Look.STRONG)))
    if context.get("purpose"):
        texts.append(words("answer.purpose", purpose=context["purpose"]))
    if context.get("expiry"):
        texts.append(words("answer.until", day=context["expiry"]))
    if not context.get("recipient"):
        texts.append(words("answer.meant_for", purpose=shown_purpose(policy, words)))
    return joined(texts, words.text("page.gap"))


def _named(key: str, policy: Facts, words: Words) -> Text:
    return words(key, policy=policy["name"], version=policy["version"])


def _waived(verdict: Facts, words: Words) -> tuple[Text, ...]:
    count = sum(outcome["status"] == "WAIVED" for outcome in verdict["outcomes"])
    if not count:
        return ()
    return (words("answer.waived_one") if count == 1 else words("answer.waived_many", count=count),)


def _card(heading: str, blocks: tuple[Block, ...], words: Words) -> Card:
    return Card(heading=words(heading), blocks=blocks)


def _odds_blocks(guarantee: ReleasedGuarantee, words: Words) -> tuple[Block, ...]:
    factor = math.exp(min(_LARGEST_EXPONENT, guarantee.epsilon))
    shown = words.cost(factor) if guarantee.epsilon < _LARGEST_EXPONENT else "∞"
    text = words("means.odds_text", factor=Run(shown), delta=Run(words.cost(guarantee.delta)))
    table = Table(
        caption=words("means.odds_caption", epsilon=Run(words.epsilon(guarantee))),
        columns=(
            Column(heading=words("means.odds_before")),
            Column(heading=words("means.odds_after"), numeric=True),
        ),
        rows=tuple(
            ((Run(words.percent(prior)),), (Run(words.ceiling(after(prior, guarantee.epsilon))),))
            for prior in _PRIORS
        ),
    )
    return Paragraph(text=text), table


def _curve(guarantee: ReleasedGuarantee, worst: Odds, reach: Reach | None, words: Words) -> Figure:
    own = reach.curve if reach else [hits for _, hits in worst.curve]
    shown = [(RATES[step], own[step], worst.curve[step][1]) for step in range(0, len(own), 8)]
    told: JsonDict = {
        "epsilon": Run(words.epsilon(guarantee)),
        "rate": words.percent(FALSE_ALARMS),
        "hits": words.ceiling(worst.hits),
    }
    text = words("means.curve_worst", **told)
    if reach:
        text = words("means.curve_text", own=words.ceiling(reach.hits), **told)
    points = curve_points(list(zip(RATES, own, strict=True)))
    return Figure(
        drawing="curve",
        data={"points": points, "worst": curve_points(worst.curve) if reach else ""},
        title=words("means.curve"),
        alternative=text,
        table=Table(
            caption=words("means.curve"),
            columns=(Column(heading=words("means.curve_alarms")), *_two_ceilings(reach, words)),
            rows=tuple(
                ((Run(words.percent(alarms)),), *_two(hits if reach else None, most, words))
                for alarms, hits, most in shown
            ),
        ),
    )


def _ceilings(worst: Odds, reach: Reach | None, words: Words) -> Table:
    return Table(
        caption=words("means.ceilings_caption", rate=words.percent(FALSE_ALARMS)),
        columns=(Column(heading=words("means.ceiling")), *_two_ceilings(reach, words)),
        rows=tuple(
            (words(name), *_two(own, most, words)) for name, own, most in ceilings(worst, reach)
        ),
    )


def _two_ceilings(reach: Reach | None, words: Words) -> tuple[Column, ...]:
    own = (Column(heading=words("means.own"), numeric=True),) if reach else ()
    return (*own, Column(heading=words("means.worst"), numeric=True))


def _two(own: float | None, worst: float, words: Words) -> tuple[Text, ...]:
    """A ceiling by the plan's own curve, if it has one, and in the worst case."""
    return tuple((Run(words.ceiling(value)),) for value in (own, worst) if value is not None)
