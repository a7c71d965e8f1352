"""Plain YAML read by libyaml equals what PyYAML's own parser reads, and errors are the same."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from privgan.files.yaml_lines import Plain, YamlError, read_yaml

_READ = [
    "a: b\nc: 'd'\ne: \"f\"\n",
    "a: |\n  x\n  y\nb: >\n  z\n",
    "- no\n- 01\n- 'no'\n- ~\n-\n- ''\n",
    "{a: [1, 2,], b}",
    "? a\n: b\n",
    "a: b\r\nc: d\x85e: f\u2028g: h",
    "%YAML 1.2\n---\na: 'it''s\n  long'\n",
    "\ufeffa: \U0001f600 é # said\n",
    "a: 1\na: 2\n",
]
_REFUSED = [
    "- &x a\n- *x",
    "- !!str a",
    "a: \x00",
    "a: \ud800",
    'a: "\\UFFFFFFFF"',
    "---\na\n---\nb",
    "a: [1, 2",
    "\ta: b",
    "[" * 500,
]


def _read(text: str) -> Plain | None:
    # The mark shows which scalars had no quotes.
    return read_yaml(text, lambda plain: f"plain {plain}", {"b": str.upper})


def _of_python(text: str) -> Plain | None:
    with pytest.MonkeyPatch.context() as without:
        if yaml.__with_libyaml__:
            without.delattr(yaml, "CSafeLoader")
        return _read(text)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize("text", _READ)
def test_both_parsers_read_the_same(text: str) -> None:
    read = _read(text)
    assert read is not None
    assert read == _of_python(text)


@pytest.mark.parametrize("text", _REFUSED)
def test_a_refusal_does_not_depend_on_the_parser(text: str) -> None:
    with pytest.raises(YamlError) as fast:
        _read(text)
    with pytest.raises(YamlError) as own:
        _of_python(text)
    assert str(fast.value) == str(own.value)


def test_half_of_a_character_in_quotes_is_read_for_a_clear_message() -> None:
    read = _read('a: "\\ud800"')
    assert read is not None
    assert read.data == {"a": "\ud800"}


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.text())),
    st.sampled_from([None, '"', "'", "|"]),
)
def test_both_parsers_read_the_same_of_what_pyyaml_writes(
    data: dict[str, list[str]], style: str | None
) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_style=style)
    found: list[Plain | str | None] = []
    for read in (_read, _of_python):
        try:
            found.append(read(text))
        except YamlError as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_the_many_categories_of_a_column_are_parsed_by_libyaml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "SafeLoader", None)
    read = read_yaml(json.dumps([f"item-{place}" for place in range(1_000)]))
    assert read is not None
    assert len(read.data) == 1_000
