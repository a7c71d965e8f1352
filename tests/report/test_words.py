"""The catalogues have the same keys in every language, all values, and no unused text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from privgan.errors import InternalError, UsageError
from privgan.planning.plan import StepKind
from privgan.policy.column_gates import ColumnComparison
from privgan.policy.context import Context
from privgan.policy.facts import fact_vocabulary
from privgan.policy.gates import Comparison
from privgan.policy.verdict import GateStatus
from privgan.privacy.budget import NEIGHBOURING_RELATION, PrivacyUnit, condition_text
from privgan.release.guarantee import NOT_PROMISED, RETENTION
from privgan.report.attack_curves import _EVENTS, _SCORES
from privgan.report.document import plain
from privgan.report.sections.policy import _CONDITIONS
from privgan.report.text import LANGUAGES, read_catalogue, words_of
from privgan.schema.columns import Kind, Role, Source

PACKAGE = Path(__file__).parents[2] / "privgan" / "report"
CHINESE = re.compile("[\u4e00-\u9fff]")
SAME = {
    "guarantee.epsilon",
    "metrics.count",
    "subgroups.sized",
    "tasks.smote",
}  # Signs of the field, the same in both languages.


def _flat(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _flat(part, f"{path}{key}.")
        else:
            yield path + key, part


def _texts() -> dict[str, str]:
    return dict(words_of("en").texts)


def test_every_language_has_the_same_keys_and_placeholders() -> None:
    english, chinese = (dict(_flat(read_catalogue(language))) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        found = [sorted(re.findall(r"\{[a-z_]+\}", part)) for part in (text, chinese[key])]
        assert found[0] == found[1], key
        assert "{" not in re.sub(r"\{[a-z_]+\}", "", text + chinese[key]), key


def test_chinese_is_chinese() -> None:
    for key, text in words_of("zh").texts.items():
        said = re.sub(r"\{[a-z_]+\}", "", _texts()[key])
        assert CHINESE.search(text) or not re.search("[A-Za-z]", said) or key in SAME, key


def test_no_text_is_idle_and_every_text_asked_for_is_there() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".j2"}
    ]
    named = set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)"', "\n".join(sources)))
    groups = {key.split(".")[0] for key in _texts()}
    assert set(_texts()) - named == set()
    files = {".html", ".json", ".md", ".css", ".j2", ".yaml"}
    asked = {
        key
        for key in named
        if key.split(".")[0] in groups and not any(key.endswith(end) for end in files)
    }
    assert {
        key
        for key in asked - set(_texts())
        if not key.startswith(("utility.worst", "guarantee.epsilon_"))
    } == set()


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("kind", list(Kind)),
        ("role", list(Role)),
        ("source", list(Source)),
        ("step", list(StepKind)),
        ("what", list(StepKind)),
        ("attack", [*_SCORES, *_EVENTS]),
    ],
)
def test_every_value_has_a_word_and_every_word_a_value(group: str, values: list[str]) -> None:
    for language in LANGUAGES:
        assert words_of(language).terms[group].keys() == set(map(str, values))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_and_status_has_a_word(language: str) -> None:
    words = words_of(language)
    figures = {
        name
        for name in fact_vocabulary()
        if name.split(".")[0] in {"attack", "audit", "fidelity", "utility"}
    }
    ends = {name for name in figures if name.endswith((".low", ".high"))}
    assert figures - ends - {"audit.verdict"} <= words.terms["metric"].keys()
    assert set(map(str, GateStatus)) == words.terms["status"].keys()
    assert {*map(str, Comparison), *map(str, ColumnComparison)} == _CONDITIONS.keys()
    assert {part.name for part in fields(Context)} == words.terms["context"].keys()


def test_every_sentence_of_a_manifest_is_known_and_translated() -> None:
    sentences = [NEIGHBOURING_RELATION, RETENTION, *NOT_PROMISED]
    assert set(words_of("zh").phrases) == set(sentences)
    for sentence in sentences:
        assert words_of("en").phrase(sentence) == sentence
        assert CHINESE.search(words_of("zh").phrase(sentence))
    assert words_of("zh").phrase("something else") == "something else"


@pytest.mark.parametrize(
    "unit", [PrivacyUnit(), PrivacyUnit(column="id"), PrivacyUnit(column="id", max_rows=5)]
)
def test_the_unit_is_called_as_everywhere(unit: PrivacyUnit) -> None:
    assert plain(
        words_of("en").unit({"unit": unit.column, "max_rows_per_unit": unit.max_rows})
    ) == str(unit)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_condition_is_called_as_everywhere(count: int) -> None:
    assumed: Any = SimpleNamespace(conditional_facts=("a.b",) * count)
    assert words_of("en").condition(assumed) == condition_text(count)


def test_a_missing_text_or_value_is_a_bug_and_an_unknown_language_a_mistake() -> None:
    with pytest.raises(InternalError, match=r"no text answer\.nothing"):
        words_of("en")("answer.nothing")
    with pytest.raises(InternalError, match="placeholders: day"):
        words_of("en")("answer.until")
    with pytest.raises(UsageError, match="en and zh"):
        words_of("fr")


def test_the_protected_unit_is_named_with_all_that_is_its_own() -> None:
    one = {"unit": "customer", "max_rows_per_unit": 1}
    named = {
        "one customer with its row": one,
        "one customer with its rows (at most 5)": one | {"max_rows_per_unit": 5},
        "one customer with all its events": one | {"events": {"time": "day"}},
        "one customer with all its rows in every table": one | {"tables": [{"name": "orders"}]},
    }
    for wanted, schema in named.items():
        assert "".join(run.text for run in words_of("en").unit(schema)) == wanted
