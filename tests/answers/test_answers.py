"""Answers hold the truth: exactly where nothing is noisy, as often as stated where it is."""

from __future__ import annotations

import io
import json
import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from privgan.answers import sums
from privgan.answers.answer import Answer, Origin
from privgan.answers.answering import TOO_FEW, answer
from privgan.answers.chart import chart
from privgan.answers.grammar import parse_question
from privgan.answers.knowledge import Knowledge
from privgan.answers.question import Target
from privgan.errors import UsageError
from privgan.files.documents import strict_validator
from privgan.planning.plan import StepKind
from privgan.release.marginal_files import HEADER, MeasuredPart, read_counts, written_marginals
from privgan.release.marginal_folder import marginals_in
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS
from privgan.release.verification.marginals import COUNTING
from tests.answers.world import SCHEMA, known, table
from tests.benchmarks.answers.truth import truth

EXACT = [
    "count()",
    'count(职业 = 教师 and "bought it" = yes)',
    'share("bought it" = yes)',
    'share("bought it" = yes where 职业 = 医生)',
    'share("bought it" = yes) where 职业 = "工人, 农民"',
    "mean(age)",
    "sum(age)",
    "median(age)",
    "quantile(age, 0.9)",
    "share(region is missing)",
    "share(age >= 31)",
    'share("bought it" = yes where 职业 = 医生) - share("bought it" = yes where 职业 = 教师)',
    "count(not (职业 = 教师 or region in (n, s)))",
    'count(age >= 33 or "bought it" = yes)',
    "share(region not in (n, s) or region is missing where 职业 = 教师 or 职业 = 医生)",
    "share(age > 32 where not 职业 = 教师) where not region = n",
    "median(age where 职业 in (教师, 医生) or region = w)",
    'share("bought it" = yes where 职业 = 医生 or region = n) - share("bought it" = yes)',
    "count(age >= 50) where age < 20",
    "share(age < 25 or not age <= 70)",
]


def ask(text: str, of: Knowledge, target: Target = Target.TABLE) -> Answer:
    return answer(parse_question(text, SCHEMA), of, SCHEMA, target)


@pytest.mark.parametrize("text", EXACT)
def test_without_noise_an_answer_is_the_truth(text: str) -> None:
    frame = table()
    meant = truth(parse_question(text, SCHEMA), frame)
    found = ask(text, known(frame, widest=3))
    assert found.value == pytest.approx(meant, rel=1e-6, abs=1e-6)
    assert found.figures[0].origin is Origin.MEASURED


def test_without_fine_cells_a_split_code_widens_the_interval() -> None:
    frame = table()
    whole, split = (
        ask('share("bought it" = yes where age >= ' + edge, known(frame)).figures[0]
        for edge in ("33)", "31)")
    )
    assert whole.errors is not None
    assert split.errors is not None
    assert whole.errors.coding < 1e-9 < split.errors.coding
    for edge, figure in (("33)", whole), ("31)", split)):
        meant = truth(parse_question(f'share("bought it" = yes where age >= {edge}', SCHEMA), frame)
        assert isinstance(figure.low, float)
        assert isinstance(figure.high, float)
        assert figure.low - 1e-6 <= meant <= figure.high + 1e-6


def test_the_variance_of_alternatives_is_that_of_the_sum_not_the_sum_of_variances() -> None:
    """Counting a half of all cells in two pieces, or as what is left, is as noisy as in one."""
    of = known(table(), 10.0)
    texts = [
        "count(职业 = 教师 and region = n or 职业 = 医生 and region = s)",
        "count(not (not (职业 = 教师 and region = n) and not (职业 = 医生 and region = s)))",
        "count(职业 = 医生 and region = s or region = n and 职业 = 教师)",
    ]
    figures = [ask(text, of).figures[0] for text in texts]
    noises = [one.errors.noise for one in figures if one.errors is not None]
    assert noises == pytest.approx([noises[0]] * 3)
    assert [one.value for one in figures] == pytest.approx([figures[0].value] * 3)
    (whole,) = ask("count(age >= 18 or age < 18)", of).figures
    (rows,) = ask("count()", of).figures
    assert (whole.value, whole.low) == pytest.approx((rows.value, rows.low))


def test_too_many_cases_for_so_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_MOST_PRODUCTS", 100)
    with pytest.raises(UsageError, match="come to 3 cases, too many for so many values"):
        ask("share(职业 = 教师 or region = n)", known(table().head(60), 1.0))


@pytest.mark.slow
@pytest.mark.parametrize("target", list(Target))
def test_intervals_hold_the_truth_as_often_as_they_say(target: Target) -> None:
    """Of 60 draws of four questions: standardised errors have a variance near 1."""
    questions = [
        'count(职业 = 教师 and "bought it" = yes)',
        'share("bought it" = yes where 职业 = 医生)',
        'count(not (职业 = 教师 and "bought it" = yes) and not 职业 = 医生)',
        'share("bought it" = yes where 职业 = 医生 or not 职业 = 教师)',
        "mean(age where region = n)" if target is Target.TABLE else "share(region = n)",
        'share(region = s where "bought it" = yes) - share(region = s where "bought it" = no)',
    ]
    population = table(99, 60_000)
    errors = []
    for seed in range(60):
        frame = population.sample(1_500, random_state=seed).reset_index(drop=True)
        of = known(frame, 12.0, seed, counted=0.9)
        whole = frame if target is Target.TABLE else population
        share = 1.0 if target is Target.TABLE else len(frame) / len(population)
        for text in questions:
            figure = ask(text, of, target).figures[0]
            question = parse_question(text, SCHEMA)
            meant = truth(question, whole) * (share if text.startswith("count") else 1.0)
            assert figure.errors is not None
            assert figure.errors.together is not None
            assert isinstance(figure.value, float)
            errors.append((figure.value - meant) / figure.errors.together)
    assert 0.8 < math.sqrt(np.mean(np.square(errors))) < 1.2


def test_what_was_not_measured_is_the_model_s() -> None:
    text = 'share("bought it" = yes where 职业 = 医生 and region = n)'
    frame = table()
    (part,) = ask(text, known(frame, 3.0)).figures
    assert part.origin is Origin.PART
    assert part.unmeasured == (("职业", "bought it", "region"),)
    assert part.errors is not None
    assert part.errors.model is not None
    assert part.errors.model > 0
    (whole,) = ask(text, known(frame, 3.0, widest=3)).figures
    assert whole.origin is Origin.MEASURED


def test_without_marginals_all_is_the_model_s_and_has_no_interval() -> None:
    of = known(table())
    bare = Knowledge(of.encoder, (), 1.0, 1, 4_000.0, of.drawn)
    found = ask("share(职业 = 医生)", bare)
    (figure,) = found.figures
    assert figure.origin is Origin.MODEL
    assert (figure.low, figure.high) == (None, None)
    assert figure.value == pytest.approx(
        truth(parse_question("share(职业 = 医生)", SCHEMA), table())
    )
    assert "no noisy marginals" in found.notes[0]


def test_groups_have_their_own_figures_and_too_few_rows_none() -> None:
    frame = table()
    found = ask("mean(age) by 职业", known(frame))
    means = frame.groupby("职业")["age"].mean()
    assert {one.group["职业"]: one.value for one in found.figures} == pytest.approx(
        means.to_dict(), rel=5e-3
    )
    noisy = ask("mean(age) by age, 职业", known(frame, 30.0))
    assert any(one.value is None and one.note == TOO_FEW for one in noisy.figures)


def test_moments_are_told_as_days() -> None:
    found = ask("median(joined)", known(table()))
    assert found.value == str(table()["joined"].sort_values().iloc[1_999].date())
    assert ask("mean(joined) by 职业", known(table())).figures[0].value[:7] == "2020-01"  # type: ignore[index]


def _check_form(value: object, name: str) -> None:
    text = files("privgan").joinpath(f"formats/{name}.schema.json").read_text(encoding="utf-8")
    strict_validator(json.loads(text)).validate(value)


def test_marginals_are_described_and_read_again_as_they_were(tmp_path: Path) -> None:
    of = known(table(), 5.0)
    part = MeasuredPart(name="", encoder=of.encoder, kept=of.kept)
    for name, content in written_marginals([part], 0.9).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    _check_form(json.loads((tmp_path / MARGINALS).read_text(encoding="utf-8")), "marginals")
    found = marginals_in(tmp_path, {"": of.encoder})
    assert found is not None
    assert found.counted == 0.9
    assert (
        written_marginals(found.parts, 0.9)[MARGINAL_COUNTS]
        == (tmp_path / MARGINAL_COUNTS).read_bytes()
    )
    for one, other in zip(of.kept, found.parts[0].kept, strict=True):
        assert (one.step, one.columns, one.noise) == (other.step, other.columns, other.noise)
        assert np.array_equal(one.figures, other.figures)


def test_every_kind_of_step_counts_marginals_or_is_known_not_to() -> None:
    """A new kind of step whose counts leave must be known to verify."""
    others = {
        *(StepKind.ROW_COUNT, StepKind.ROWS_OF_EACH, StepKind.SELECTION, StepKind.CATEGORIES),
        *(StepKind.RANGE_HISTOGRAM, StepKind.LOWER_BOUND, StepKind.UPPER_BOUND),
        *(StepKind.NETWORK, StepKind.NETWORK_AGAIN, StepKind.CRITIC, StepKind.CRITIC_AGAIN),
    }
    assert set(COUNTING) == set(StepKind) - others


@pytest.mark.parametrize(
    "lines",
    [
        "0,0,1\n",
        "0,0,+1\n",
        "0,0,01\n",
        "0,0,1.0\n",
        "0,0,-0\n",
        "0,0,1\r\n",
        "0,0,1\n0,1,2",
        "x\n",
    ],
)
def test_counts_that_are_written_otherwise_are_refused(lines: str) -> None:
    with pytest.raises(ValueError, match=r"cells|whole numbers|does not end"):
        read_counts(io.BytesIO(HEADER + lines.encode()), [2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mean(age where region = n)", TOO_FEW),
        ("quantile(age, 0.5) - quantile(age, 0.2)", "difference of quantiles"),
    ],
)
def test_what_has_no_answer_says_why(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        ask(text, known(table().head(60), 40.0))


def test_an_answer_is_written_as_json_csv_lines_and_a_chart() -> None:
    found = ask('share("bought it" = yes) by 职业', known(table()))
    written = found.to_json()
    assert [one["group"] for one in written["answers"]] == [
        {"职业": "教师"},
        {"职业": "医生"},
        {"职业": "工人, 农民"},
    ]
    _check_form(written, "answer")
    assert '"工人, 农民",' in found.csv_text()
    assert next(found.lines()).startswith("职业")
    assert "医生" in found._repr_html_()
    picture = chart(found)
    assert "医生" in picture
    assert "Noto Sans CJK SC" in picture
    assert picture.count("<circle") == 3
