"""Foreign schemas that are wrong, huge, deep or hostile.

A clear error that names file and key, and never a crash.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from privgan.errors import DocumentError, TableError, UsageError
from privgan.files.limits import DEEPEST_JSON, MOST_COLUMNS, MOST_JSON_PARTS
from privgan.interchange.importing import KINDS, import_schema, stated_by
from tests.interchange.foreign import CASES
from tests.thinning import some

_ROW = '{"$schema": "x", "type": "object", "properties": %s}'


def _deep(levels: int) -> str:
    return '{"properties": {"a": ' + '{"anyOf": [' * levels + "{}" + "]}" * levels + "}}"


HOSTILE = [
    ("empty", "", "is empty"),
    ("blank YAML", "# nothing\n", "is empty"),
    ("not JSON", '{"properties": ', "is not JSON"),
    ("not YAML", "models: [a\n", "not valid YAML"),
    ("key twice in JSON", '{"properties": {}, "properties": {}}', "a key stands twice"),
    ("key twice in YAML", "models: []\nmodels: []\n", "stands twice"),
    ("deep JSON", _deep(DEEPEST_JSON), "nested too deeply"),
    ("deep YAML", "properties: " + "[" * 200, "nested too deeply"),
    ("many parts", '{"properties": [' + "1," * MOST_JSON_PARTS["manifest.json"] + "1]}", "parts"),
    ("alias", "models: &a [*a]\n", "anchors"),
    ("bomb", "a: &a [x]\nb: &b [*a, *a]\nmodels: [*b, *b]\n", "anchors"),
    ("tag", "models: !!python/object/apply:os.system [ls]\n", "anchors"),
    ("NaN", '{"properties": {"a": {"type": "number", "minimum": NaN}}}', "NaN"),
    (
        "a number without end",
        '{"properties": {"a": {"type": "number", "minimum": ' + "9" * 500 + "}}}",
        "too large",
    ),
    ("known as nothing", '{"hello": 1}', "is no schema that is known"),
    ("a schema of ours", "format: privgan.schema/1\nunit: row\n", "is a schema of privgan already"),
    ("a list", "[1, 2]", "is no schema that is known"),
    ("no columns", _ROW % "{}", "states no column"),
    (
        "many columns",
        _ROW % json.dumps({f"c{i}": {} for i in range(MOST_COLUMNS + 1)}),
        "states 2,001 columns",
    ),
    (
        "properties that are none",
        '{"$schema": "x", "properties": [1]}',
        "'properties': found '[1]', allowed: a mapping",
    ),
    (
        "bound that is text",
        _ROW % '{"a": {"type": "integer", "minimum": "0"}}',
        "'properties.a.minimum': found '0'",
    ),
    (
        "bounds turned round",
        _ROW % '{"a": {"type": "integer", "minimum": 5, "maximum": 1}}',
        "lower 5.0 is not below upper 1.0",
    ),
    ("empty enum", _ROW % '{"a": {"enum": []}}', "holds none"),
    ("nested enum", _ROW % '{"a": {"enum": [[1]]}}', "holds none, or a list"),
    ("reference to itself", _ROW % '{"a": {"$ref": "#/properties/a"}}', "or to itself"),
    (
        "reference round",
        _ROW % '{"a": {"anyOf": [{"$ref": "#/properties/a"}, {"type": "null"}]}}',
        "inside each other",
    ),
    ("reference abroad", _ROW % '{"a": {"$ref": "http://x/y.json"}}', "is in another document"),
    ("reference to nothing", _ROW % '{"a": {"$ref": "#/$defs/b"}}', "is not in this document"),
    (
        "wrong own kind",
        _ROW % '{"a": {"x-privgan": {"kind": "secret"}}}',
        "'properties.a.x-privgan.kind': found 'secret'",
    ),
    (
        "own kind without its bounds",
        _ROW % '{"a": {"type": "number", "minimum": 1, "x-privgan": {"kind": "date"}}}',
        "do not go with",
    ),
    (
        "own labels",
        _ROW % '{"a": {"x-privgan": {"kind": "boolean", "labels": ["x"]}}}',
        "as a schema",
    ),
    (
        "bad format",
        _ROW % '{"a": {"type": "string", "x-privgan": {"format": "%99999d"}}}',
        "format",
    ),
    ("NUL in a name", _ROW % '{"a\\u0000": {"type": "integer"}}', "NUL"),
    ("long name", _ROW % json.dumps({"n" * 30_000: {"type": "integer"}}), "characters"),
    (
        "only identifiers",
        _ROW % '{"a": {"type": "string", "format": "uuid"}}',
        "no column can be modelled",
    ),
    (
        "sdtype that is none",
        '{"METADATA_SPEC_VERSION": "V1", "columns": {"a": {"sdtype": 5}}}',
        "'columns.a.sdtype': found '5'",
    ),
    (
        "no sdtype",
        '{"METADATA_SPEC_VERSION": "V1", "columns": {"a": {}}}',
        "'columns.a': lacks 'type'",
    ),
    ("no columns of SDV", '{"METADATA_SPEC_VERSION": "V1"}', "lacks 'fields'"),
    (
        "key that is no column",
        '{"METADATA_SPEC_VERSION": "V1", "primary_key": "b", "columns": {"a": {"sdtype": "id"}}}',
        "no column",
    ),
    (
        "bad range",
        (
            '{"METADATA_SPEC_VERSION": "V2", "columns": {"a": {"sdtype": "numerical", "range_min":'
            ' "x"}}}'
        ),
        "range_min",
    ),
    (
        "bad moment",
        (
            '{"METADATA_SPEC_VERSION": "V2", "columns": {"a": {"sdtype": "datetime", "range_min":'
            ' "soon"}}}'
        ),
        "'soon'",
    ),
    (
        "a format with a sign twice",
        (
            '{"METADATA_SPEC_VERSION": "V2", "columns": {"a": {"sdtype": "datetime",'
            ' "datetime_format": "%Y%Y", "range_min": "2"}}}'
        ),
        "allowed: a date",
    ),
    (
        "no tables",
        '{"METADATA_SPEC_VERSION": "V1", "tables": {}, "relationships": []}',
        "holds no table",
    ),
    ("series of pandera", "schema_type: series\ncolumns: {}\n", "'schema_type': found 'series'"),
    (
        "range without an end",
        (
            "schema_type: dataframe\ncolumns: {a: {dtype: int64, in_range: {min_value: 1,"
            " include_min: true}}}\n"
        ),
        "lacks 'max_value'",
    ),
    (
        "range of text",
        "schema_type: dataframe\ncolumns: {a: {dtype: int64, gt: x}}\n",
        "'columns.a.gt': found 'x'",
    ),
    (
        "nullable that is none",
        "schema_type: dataframe\ncolumns: {a: {nullable: maybe}}\n",
        "'columns.a.nullable': found 'maybe'",
    ),
    (
        "column twice",
        "models: [{name: m, columns: [{name: a}, {name: a}]}]\n",
        "states the column 'a' twice",
    ),
    ("model without name", "models: [{columns: []}]\n", "'models[0]': lacks 'name'"),
    (
        "values that are none",
        "models: [{name: m, columns: [{name: a, tests: [{accepted_values: {values: 5}}]}]}]\n",
        "values",
    ),
    (
        "test without values",
        "models: [{name: m, columns: [{name: a, tests: [accepted_values]}]}]\n",
        "lacks 'value_set'",
    ),
]


@pytest.mark.parametrize(("name", "text", "told"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_a_wrong_schema_is_refused_by_name(name: str, text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        import_schema(str(path))
    assert "foreign" in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"sql"}])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"PAR1",
        b"PAR1" + b"\xff" * 40 + b"PAR1",
        b"{}",
        b"[]",
        b"a: 1",
        b"5",
        b"null",
    ],
)
def test_no_content_crashes_a_reader(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        import_schema(str(path), kind=kind)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("wrong", some([None, 5, "x", [], {}, True, [[1]], {"a": {"b": None}}]))
def test_any_value_of_another_kind_is_read_or_refused(
    case: object, wrong: object, tmp_path: Path
) -> None:
    """Every value of every foreign file, replaced one at a time.

    Never anything but an error on purpose.
    """
    import yaml

    root = yaml.safe_load(case.text)  # type: ignore[attr-defined]
    path = tmp_path / "foreign.json"
    for place in _places(root):
        changed = json.loads(json.dumps(root))
        inside = changed
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = wrong
        path.write_text(json.dumps(changed), encoding="utf-8")
        with suppress(UsageError):
            import_schema(str(path), kind=case.kind, table=case.table)  # type: ignore[attr-defined]


def _places(value: object, path: tuple = ()) -> list[tuple]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [place for key, part in inner for place in ((*path, key), *_places(part, (*path, key)))]


def test_a_missing_file_and_a_missing_table_are_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        import_schema(str(tmp_path / "nowhere.json"))
    path = tmp_path / "schema.yml"
    path.write_text("models: [{name: orders, columns: []}, {name: customers, columns: []}]\n")
    with pytest.raises(
        UsageError, match="holds 2 tables; name one with table: 'orders', 'customers'"
    ):
        import_schema(str(path))
    with pytest.raises(UsageError, match=r"has no table 'order'.*did you mean 'orders'"):
        import_schema(str(path), table="order")
    with pytest.raises(UsageError, match="table goes only with"):
        stated_by(str(path), "pandera", "orders")


def test_rows_that_repeat_without_a_number_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "visits.json"
    path.write_text(next(case.text for case in CASES if case.name == "sdv-sequence"))
    with pytest.raises(
        UsageError,
        match="'patient_id' may repeat, and no schema says how often; give max_rows_per_unit",
    ):
        import_schema(str(path))


def test_a_footer_larger_than_its_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + b"x" * 20 + (2**31).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(TableError, match="its footer has 2,147,483,648 bytes"):
        import_schema(str(path))
