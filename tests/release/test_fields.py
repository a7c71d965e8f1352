"""The allow-list: undeclared fields cannot be written, and loading a model runs no code of it."""

from __future__ import annotations

import ast
import io
import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from safetensors.numpy import save

from privgan.errors import InternalError, UsageError
from privgan.files.fields import (
    MANIFEST,
    MODEL,
    REPORT,
    SCHEMA,
    Again,
    Each,
    FieldSource,
    Stated,
    declared_fields,
    fields_of,
)
from privgan.planning.accounted_step import AccountedStep
from privgan.release import build_manifest, write_release
from privgan.release.contents import check_allowed_contents
from privgan.release.manifest import FileEntry
from privgan.synthesizer import load_synthesizer
from privgan.table.schema_file import dump_schema, parse_schema

SCHEMA_TEXT = "columns:\n- {name: a, kind: integer}\n- {name: b, kind: categorical}\n"
PACKAGE = Path(__file__).parents[2] / "privgan"
HIDING = AccountedStep(
    name="m",
    kind="step",
    noise=1.0,
    expected_error=None,
    event={"event": "gaussian", "exact": 4},
    epsilon=1.0,
    stage="model",
)
FILES = {"synthetic.csv": FileEntry(sha256="0" * 64, bytes=0, source="synthetic")}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"plan": {"rows": 3, "exact_rows": 2_998}}, "plan.exact_rows"),
        (
            {
                "plan": {
                    "stages": [
                        {"name": "model", "steps": [{"event": {"event": "gaussian", "seed": 7}}]}
                    ]
                }
            },
            "event.seed",
        ),
        ({"plan": {"settings": {"critic": {"best_loss": 0.1}}}}, "plan.settings.critic.best_loss"),
        ({"accounting": (HIDING,)}, "accounting[].event.exact"),
        ({"context": {"recipient": "x", "customer": "K1"}}, "context.customer"),
        ({"plan": {"rows": {"of": "gold"}}}, "plan.rows"),
        ({"schema_sources": {"city": {"categories": {"counts": 3}}}}, "schema_sources.*.*"),
    ],
)
def test_a_manifest_field_without_a_source_cannot_be_written(
    more: dict[str, Any], field: str, facts: Any, verdict: Any
) -> None:
    assert build_manifest(facts, verdict(), FILES)
    with pytest.raises(InternalError, match="no declared source") as error:
        build_manifest(replace(facts, **more), verdict(), FILES)
    assert field in str(error.value)
    for value in ("2998", "K1", "gold"):
        assert value not in str(error.value)


def _parquet(
    metadata: dict[str, str] | None = None, column: str = "b", field: dict[str, str] | None = None
) -> bytes:
    table = pa.table(
        {"a": [1], column: ["x"]},
        schema=pa.schema([pa.field("a", pa.int64(), metadata=field), (column, pa.string())]),
    )
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


class Bomb:
    """Runs code where a pickle of it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.mark,))


OTHER: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "schema key": (
        "schema.yaml",
        lambda _: (SCHEMA_TEXT + "mean_spend: 17\n").encode(),
        "mean_spend",
    ),
    "schema column key": (
        "schema.yaml",
        lambda _: SCHEMA_TEXT.replace("integer", "integer, mean: 3").encode(),
        "columns[].mean",
    ),
    "model key": (
        "model/model.json",
        lambda _: json.dumps({"schema": SCHEMA_TEXT, "rows_seen": [1]}).encode(),
        "rows_seen",
    ),
    "model schema": (
        "model/model.json",
        lambda _: json.dumps({"schema": SCHEMA_TEXT + "mean: 1\n"}).encode(),
        "mean",
    ),
    "model is a list": ("model/model.json", lambda _: b"[1]", "model.json"),
    "model without schema": ("model/model.json", lambda _: b"{}", "model.json"),
    "tensor": (
        "model/model.safetensors",
        lambda _: save({"network.a": np.zeros(2), "rows": np.zeros(2)}),
        "1 tensors",
    ),
    "tensor metadata": (
        "model/model.safetensors",
        lambda _: save({"network.a": np.zeros(2)}, {"k": "v"}),
        "1 tensors",
    ),
    "no tensors": ("model/model.safetensors", lambda _: b"\x00" * 64, "model.safetensors"),
    "pickle for tensors": (
        "model/model.safetensors",
        lambda folder: pickle.dumps(Bomb(folder / "ran")),
        "model.safetensors",
    ),
    "pickle for model": (
        "model/model.json",
        lambda folder: pickle.dumps(Bomb(folder / "ran")),
        "model.json",
    ),
    "parquet metadata": ("synthetic.parquet", lambda _: _parquet({"pandas": "{}"}), "metadata"),
    "parquet field metadata": (
        "synthetic.parquet",
        lambda _: _parquet(field={"mean": "3"}),
        "metadata",
    ),
    "parquet column": ("synthetic.parquet", lambda _: _parquet(column="real"), "columns"),
    "parquet of frame": (
        "synthetic.parquet",
        lambda _: pd.DataFrame({"a": [1], "b": ["x"]}).to_parquet(),
        "metadata",
    ),
    "no parquet": ("synthetic.parquet", lambda _: b"a,b\n", "synthetic.parquet"),
    "csv column": ("synthetic.csv", lambda _: b"a,b,customer\n1,x,7\n", "columns"),
}


@pytest.mark.parametrize("case", OTHER)
def test_contents_that_nothing_declares_cannot_be_written(
    tmp_path: Path, case: str, facts: Any, verdict: Any, contents: Any
) -> None:
    name, made, told = OTHER[case]
    files = contents(tmp_path)
    check_allowed_contents(files)
    with pytest.raises(InternalError) as error:
        write_release(tmp_path / "release", files | {name: made(tmp_path)}, facts, verdict())
    assert told in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"source.parquet"}


def test_every_declared_field_has_one_of_four_sources() -> None:
    def leaves(declaration: Any) -> Any:
        if isinstance(declaration, Each):
            yield from leaves(declaration.of)
        elif isinstance(declaration, FieldSource | Stated | Again):
            yield declaration
        else:
            for part in declaration.values():
                yield from leaves(part)

    for declaration in (MANIFEST, MODEL, SCHEMA, REPORT):
        assert all(isinstance(leaf, FieldSource | Stated | Again) for leaf in leaves(declaration))
        assert len(set(declared_fields(declaration))) == len(list(declared_fields(declaration)))
    assert {str(source) for source in FieldSource} == {"public", "measured", "synthetic", "process"}


def test_every_field_of_a_schema_with_constraints_has_a_source() -> None:
    lines = (
        "constraints:",
        "- {at_most: [a, b], description: x}",
        "- {below: [b, c]}",
        "- {when: a = 1, then: b > 1}",
        "- {combinations: [t, u], allowed: [[x, true]]}",
    )
    columns = [f"- {{name: {name}, kind: integer, lower: 0, upper: 9}}" for name in "abc"]
    texts = ["- {name: t, kind: categorical, categories: [x]}", "- {name: u, kind: boolean}"]
    head = ["format: privgan.schema/1", "dataset: d", "unit: row", "columns:"]
    schema = parse_schema("\n".join([*head, *columns, *texts, *lines]))
    for value, declaration in (
        (yaml.safe_load(dump_schema(schema)), SCHEMA),
        ({"schema": schema.to_json()}, REPORT),
    ):
        found = dict(fields_of(value, declaration))
        assert None not in found.values()
        assert {
            path.rpartition(".")[2].removesuffix("[]").removesuffix("[]")
            for path in found
            if "constraints" in path
        } == {
            "at_most",
            "below",
            "when",
            "then",
            "combinations",
            "allowed",
            "description",
        }


def test_an_event_inside_an_event_is_declared_too() -> None:
    event = {
        "event": "repeated",
        "count": 3,
        "of": {"event": "composed", "of": [{"event": "gaussian", "rows": [1]}]},
    }
    unknown = [
        path
        for path, source in fields_of({"accounting": [{"event": event}]}, MANIFEST)
        if source is None
    ]
    assert unknown == ["accounting[].event.of.of[].rows"]


# --- loading runs no code


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
@pytest.mark.parametrize("dump", ["pickle", "torch"])
def test_a_renamed_pickle_is_refused_and_does_not_run(tmp_path: Path, name: str, dump: str) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "model.json").write_text(json.dumps({"format": "privgan.model/1"}))
    (tmp_path / "model.safetensors").write_bytes(save({"network.a": np.zeros(2)}))
    if dump == "pickle":
        (tmp_path / name).write_bytes(pickle.dumps(Bomb(mark)))
    else:
        torch.save(Bomb(mark), tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        load_synthesizer(tmp_path)
    assert not mark.exists()


def test_nothing_loads_a_pickle() -> None:
    """No torch.load, no pandas or numpy reader of pickles, no eval.

    Imports are checked in test_architecture.py.
    """
    allowed_loads = {"json", "yaml"}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {
                    "read_pickle",
                    "to_pickle",
                    "load_state_dict_from_url",
                    "Unpickler",
                }, path
                if node.attr in {"load", "loads"} and isinstance(node.value, ast.Name):
                    assert node.value.id in allowed_loads, f"{path}: {node.value.id}.{node.attr}"
            if isinstance(node, ast.Name):
                assert node.id not in {"eval", "exec", "__import__"}, path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                raise AssertionError(path)


def test_whatever_a_schema_file_may_say_may_leave_with_it() -> None:
    """Every property of the published format is declared, so that no paid run ends on one."""
    published = json.loads((PACKAGE / "formats" / "schema.schema.json").read_text())
    declared = {path.replace(".*", "") for path in declared_fields(SCHEMA)}
    around = {path[: place.start()] for path in declared for place in re.finditer(r"\.", path)}
    # A target and a history are one value or several, and declared by ``Each``.
    elsewhere = ("target.", "history.", "tables.history.")
    for path in _properties(published, published["$defs"], ""):
        assert path in declared | around or path.startswith(elsewhere), path


@pytest.mark.parametrize("said", [True, {"spread": ["amount"]}])
def test_a_history_is_declared_whatever_is_said_of_it(said: object) -> None:
    for value in ({"history": said}, {"tables": [{"history": said}]}):
        for declaration, inside in ((SCHEMA, value), (REPORT, {"schema": value})):
            assert all(source is not None for _, source in fields_of(inside, declaration))


def _properties(node: Any, shared: Any, path: str) -> Iterator[str]:
    node = shared[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    for kind in node.get("anyOf", ()):
        yield from _properties(kind, shared, path)
    if "items" in node:
        yield from _properties(node["items"], shared, path)
    for name, part in node.get("properties", {}).items():
        yield f"{path}{name}"
        yield from _properties(part, shared, f"{path}{name}.")
