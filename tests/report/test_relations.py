"""The shareable report tells relations from noise, by figures that are in the release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from privgan.files.fields import REPORT, check_declared
from privgan.generator.dependence import dependence_on
from privgan.generator.mixture import Mixture
from privgan.release.report_files import report_mistakes
from privgan.report.compose import shareable_document
from privgan.report.data import NoisyRelations, ShareableReport
from privgan.report.json_text import shareable_of, to_json
from privgan.report.relations import (
    Made,
    counted_by,
    noisy_relations,
    relations_of_parts,
    target_code,
)
from privgan.report.render import render_shareable
from privgan.report.text import words_of
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask
from tests.answers.world import SCHEMA, known, table


def _relations(schema: Schema, noise: float = 5.0, widest: int = 2) -> NoisyRelations:
    frame = table()
    of = known(frame, noise, widest=widest)
    codes = of.encoder.encode(frame)
    target = target_code(schema, of.encoder)
    made = Made(
        counted=counted_by(target, of.encoder, codes),
        dependence=dependence_on(_generator(codes, of.encoder.sizes), codes[:300], target),
    )
    return noisy_relations(schema, of.encoder, of.kept, made)


def _generator(codes: np.ndarray, sizes: Sequence[int]) -> Mixture:
    """A mixture of one product distribution for each of some rows, which it nearly repeats."""
    return Mixture([np.eye(size)[codes[:40, place]] + 0.05 for place, size in enumerate(sizes)])


TARGETED = replace(SCHEMA, target="bought it")


@pytest.fixture
def told(shareable: ShareableReport) -> ShareableReport:
    return replace(shareable, relations=_relations(TARGETED))


def test_the_section_stands_in_both_languages(told: ShareableReport) -> None:
    for language, heading in (("en", "What was told from noise"), ("zh", "哪些关系能与噪声区分")):
        page = render_shareable(told, "html", language)
        assert heading in page
        assert "职业" in page
        text = render_shareable(told, "md", language)
        assert "bought it" in text
        assert " ± " in text


def test_what_it_says_follows_from_its_data(told: ShareableReport) -> None:
    found = told.relations
    assert found is not None
    assert (found.target, found.value) == ("bought it", "yes")
    assert len(found.pairs) == 10
    strongest = max(found.pairs, key=lambda pair: pair.strength)
    assert {strongest.first, strongest.second} == {"职业", "age"}
    assert found.curves[0].column in {"职业", "age"}
    assert all(len(curve.labels) == len(curve.noisy) for curve in found.curves)
    text = render_shareable(told, "md")
    count = sum(pair.told for pair in found.pairs)
    assert f"{count} of 10 measured pairs are told from noise" in text


def test_it_is_read_again_as_it_was_written(told: ShareableReport) -> None:
    value = json.loads(render_shareable(told, "json"))
    assert report_mistakes(value) == []
    again = shareable_of(value)
    assert to_json(again, shareable_document(again, words_of("en"))) == value
    check_declared("report", value["data"], REPORT)


def test_without_marginals_pairs_or_target_there_is_less_to_tell(
    shareable: ShareableReport,
) -> None:
    assert "What was told" not in render_shareable(shareable)
    single = replace(shareable, relations=_relations(SCHEMA, widest=1))
    assert "No pair of columns was measured" in render_shareable(single)
    plain = _relations(SCHEMA)
    assert (plain.target, list(plain.curves)) == (None, [])


def test_the_value_is_that_of_the_first_task_that_means_one() -> None:
    encoder = known(table(), 1.0).encoder
    task = ResponseTask(target="职业", positive="医生")
    assert target_code(replace(TARGETED, tasks=(task,)), encoder) == (0, 1)
    assert target_code(replace(SCHEMA, target="age"), encoder) is None
    assert target_code(SCHEMA, encoder) is None


def test_synthetic_shares_are_those_of_the_rows(told: ShareableReport) -> None:
    assert told.relations is not None
    frame = table()
    curve = next(one for one in told.relations.curves if one.column == "职业")
    shares = frame.groupby("职业")["bought it"].apply(lambda part: float((part == "yes").mean()))
    assert dict(zip(curve.labels, curve.synthetic, strict=True)) == pytest.approx(
        shares.to_dict(), abs=1e-5
    )
    noisy: Sequence[float | None] = curve.noisy
    known_ones = [(one, shares[label]) for one, label in zip(noisy, curve.labels, strict=True)]
    assert all(one is not None and abs(one - share) < 0.05 for one, share in known_ones)
    assert counted_by(None, known(frame).encoder, np.zeros((1, 5), int)) == {}


def test_the_generators_dependence_is_drawn_beside_the_synthetic_share(
    told: ShareableReport,
) -> None:
    assert told.relations is not None
    for curve in told.relations.curves:
        assert len(curve.generator) == len(curve.labels)
        assert all(0 <= share <= 1 for share in curve.generator)
    page = render_shareable(told, "html")
    column = told.relations.curves[0].column
    assert "What the generator makes of" in page
    assert column in page
    assert "部分依赖" in render_shareable(told, "html", "zh")
    without = [replace(curve, generator=()) for curve in told.relations.curves]
    plain = replace(told, relations=replace(told.relations, curves=without))
    assert "What the generator makes of" not in render_shareable(plain, "html")


def test_each_part_tells_its_own_relations(shareable: ShareableReport) -> None:
    of, single = known(table(), 5.0), known(table(), 5.0, widest=1)
    parts = relations_of_parts(
        [
            ("", of.encoder, ()),
            ("customers", of.encoder, of.kept),
            ("events", single.encoder, single.kept),
            ("empty", of.encoder, ()),
        ]
    )
    assert [part.part for part in parts] == ["customers", "events"]
    assert len(parts[0].pairs) == 10
    assert not parts[1].pairs
    report = replace(shareable, relations_of_parts=parts)
    text = render_shareable(report, "md")
    assert "modelled in 2 parts" in text
    assert "customers: " in text
    assert "events: No pair of columns was measured" in text
    assert "customers：" in render_shareable(report, "md", "zh")
    value = json.loads(render_shareable(report, "json"))
    assert report_mistakes(value) == []
    check_declared("report", value["data"], REPORT)
    again = shareable_of(value)
    assert to_json(again, shareable_document(again, words_of("en"))) == value


def test_a_column_that_is_counted_elsewhere_tells_nothing_alone() -> None:
    of = known(table(), 5.0)
    first, second, *_ = of.encoder.names
    pairs = [one for one in of.kept if set(one.columns) == {first, second}]
    (part,) = relations_of_parts([("customers", of.encoder, pairs)])
    assert [one.column for one in part.columns] == [first, second]
    assert [(pair.first, pair.second) for pair in part.pairs] == [(first, second)]
