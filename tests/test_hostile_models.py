"""A foreign model takes no more memory than its own tensors.

One whose parts do not fit breaks nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.example.making import EXAMPLE
from tests.release.reader import Reader

Change = Callable[[dict[str, Any]], Any]


def first(facts: dict[str, Any]) -> dict[str, Any]:
    """The description of the first column's codes."""
    found: dict[str, Any] = next(iter(facts["columns"].values()))
    return found


CHANGES: dict[str, Change] = {
    "a wide network": lambda m: m.update(width=10**9),
    "a deep latent space": lambda m: m.update(latent=10**9),
    "a width that is wrong": lambda m: m.update(width=m["width"] + 1),
    "a width that is no number": lambda m: m.update(width="9" * 20),
    "many cells": lambda m: m.update(max_cells=10**12),
    "other cells": lambda m: m.update(max_cells=m["max_cells"] * 2),
    "a code without end": lambda m: first(m)["code_of"].__setitem__(0, 10**15),
    "a code below all": lambda m: first(m)["code_of"].__setitem__(0, -1),
    "a gap between codes": (
        lambda m: first(m).update(code_of=[2 * code for code in first(m)["code_of"]])
    ),
    "shares that are none": (
        lambda m: first(m).update(within=[float("nan")] * len(first(m)["within"]))
    ),
    "no mass": lambda m: first(m).update(within=[0.0] * len(first(m)["within"])),
    "frequencies of another column": lambda m: m["frequencies"].reverse(),
    "no customers": lambda m: m.update(rows_of_each=[]),
    "negative customers": lambda m: m.update(rows_of_each=[-1.0, 3.0]),
    "rows without end": lambda m: m.update(rows=10**15),
    "no columns": lambda m: m.update(columns=[]),
    "a pattern in its schema": lambda m: m.update(
        schema=m["schema"] + "- {name: z, kind: identifier, pattern: '{:0999999999d}'}\n"
    ),
    "ε below zero": lambda m: m["guarantee"].update(epsilon=-1),
    "ε without end": lambda m: m["guarantee"].update(epsilon=10**400),
    "δ above one": lambda m: m["guarantee"].update(delta=1.5),
    "δ that is none": lambda m: m["guarantee"].update(delta=float("nan")),
    "no row of anybody": lambda m: m["guarantee"].update(max_rows_per_unit=0),
    "rows of one without end": lambda m: m["guarantee"].update(max_rows_per_unit=10**400),
    "aliases in its schema": lambda m: m.update(schema="a: &a [*a]\n" + m["schema"]),
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


def sample(reader: Reader, release: Path, out: Path) -> Any:
    return reader.run("sample", str(release), "--rows", "5", "--out", str(out))


def test_a_model_takes_no_more_than_its_tensors(reader: Reader, tmp_path: Path) -> None:
    good = sample(reader, EXAMPLE / "release", tmp_path / "good.csv")
    assert good.code == 0, good
    for number, (name, change) in enumerate(CHANGES.items()):
        folder = tmp_path / str(
            number
        )  # A model alone: a release is held against its manifest first.
        shutil.copytree(EXAMPLE / "release" / "model", folder)
        path = folder / "model.json"
        facts = json.loads(path.read_text())
        change(facts)
        path.write_text(json.dumps(facts))
        found = sample(reader, folder, tmp_path / f"{number}.csv")
        assert found.code == 2, (name, found)
        assert "the model" in found.told, (name, found)
        assert found.cpu < 10, (name, found)
        assert found.peak - good.peak < 300_000, (name, found)
