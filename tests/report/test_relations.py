"""The shareable report tells relations from noise, by figures that are in the release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from privgan.files.fields import REPORT, check_declared
from privgan.release.report_files import report_mistakes
from privgan.report.compose import shareable_document
from privgan.report.data import NoisyRelations, ShareableReport
from privgan.report.json_text import shareable_of, to_json
from privgan.report.relations import counted_by, noisy_relations, target_code
from privgan.report.render import render_shareable
from privgan.report.text import words_of
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask
from tests.answers.world import SCHEMA, known, table


def _relations(schema: Schema, noise: float = 5.0, widest: int = 2) -> NoisyRelations:
    frame = table()
    of = known(frame, noise, widest=widest)
    codes = of.encoder.encode(frame)
    counted = counted_by(target_code(schema, of.encoder), of.encoder, codes)
    return noisy_relations(schema, of.encoder, of.kept, counted)


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
