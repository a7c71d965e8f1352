"""A foreign model takes no more memory than its own tensors.

One whose parts do not fit breaks nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from privgan.errors import UsageError
from privgan.generator.frozen_network import FrozenNetwork
from privgan.synthesizer import load_synthesizer
from tests.constrained import random_network
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


Tensors = dict[str, np.ndarray]


def longer(name: str, by: int) -> Callable[[Tensors], Any]:
    """A tensor with more numbers than the codes give it."""
    return lambda t: t.update({name: np.zeros(len(t[name]) + by, np.float32)})


# Changes of a network's facts and tensors.
OF_A_NETWORK: dict[str, tuple[Change, Callable[[Tensors], Any]]] = {
    "a wide network": (lambda m: m.update(width=10**9), lambda _: None),
    "a width of nothing": (lambda m: m.update(width=0), lambda _: None),
    "a width that is wrong": (lambda m: m.update(width=m["width"] + 1), lambda _: None),
    "a width that is no number": (lambda m: m.update(width="8"), lambda _: None),
    "another kind": (lambda m: m.update(generator="gan"), lambda _: None),
    "no kind": (lambda m: m.pop("generator"), lambda _: None),
    "a mixture's format": (lambda m: m.update(format="privgan.model/1"), lambda _: None),
    "other cells": (lambda m: m.update(max_cells=m["max_cells"] * 2), lambda _: None),
    "a code without end": (lambda m: first(m)["code_of"].__setitem__(0, 10**15), lambda _: None),
    "more weights": (lambda _: None, longer("network.direct.weight", 1)),
    "more units": (lambda _: None, longer("network.first.bias", 1)),
    "more codes": (lambda _: None, longer("network.second.bias", 1)),
    "a matrix": (
        lambda _: None,
        lambda t: t.update({"network.first.bias": t["network.first.bias"][None]}),
    ),
    "a tensor less": (lambda _: None, lambda t: t.pop("network.second.weight")),
    "a tensor more": (
        lambda _: None,
        lambda t: t.update({"network.sizes": np.zeros(2, np.float32)}),
    ),
    "a codebook": (
        lambda _: None,
        lambda t: t.update({"codebook.latents": np.zeros((2, 2), np.float32)}),
    ),
    "double precision": (
        lambda _: None,
        lambda t: t.update({name: part.astype(np.float64) for name, part in t.items()}),
    ),
    "whole numbers": (
        lambda _: None,
        lambda t: t.update({name: part.astype(np.int64) for name, part in t.items()}),
    ),
    "no number": (lambda _: None, lambda t: t["network.second.bias"].__setitem__(0, np.nan)),
    "no finite number": (
        lambda _: None,
        lambda t: t["network.first.weight"].__setitem__(0, np.inf),
    ),
    "sums beyond all": (lambda _: None, lambda t: t["network.first.weight"].__setitem__(0, 3e38)),
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


def sample(reader: Reader, release: Path, out: Path) -> Any:
    return reader.run("sample", str(release), "--rows", "5", "--out", str(out))


@pytest.mark.slow
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


def network_model(folder: Path) -> Path:
    """The example's model with a network in the mixture's place."""
    model = load_synthesizer(EXAMPLE / "release" / "model")
    network = FrozenNetwork.of(random_network(model.encoder.sizes, strength=0.1, width=8))
    replace(model, model=network).save(folder)
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network_model(tmp_path_factory.mktemp("network") / "model")


def changed(network: Path, target: Path, kind: str) -> Path:
    """A copy of a network's files with one change."""
    folder = Path(shutil.copytree(network, target))
    facts = json.loads((folder / "model.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    for change, found in zip(OF_A_NETWORK[kind], (facts, tensors), strict=True):
        change(found)
    (folder / "model.json").write_text(json.dumps(facts))
    save_file(tensors, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("kind", OF_A_NETWORK)
def test_a_network_of_which_a_part_is_wrong_is_refused(
    network: Path, tmp_path: Path, kind: str
) -> None:
    with pytest.raises(UsageError, match="the model"):
        load_synthesizer(changed(network, tmp_path / "model", kind))


def test_a_network_takes_no_more_than_its_tensors(
    reader: Reader, network: Path, tmp_path: Path
) -> None:
    good = sample(reader, network, tmp_path / "good.csv")
    assert good.code == 0, good
    wide = changed(network, tmp_path / "wide", "a wide network")
    found = sample(reader, wide, tmp_path / "wide.csv")
    assert found.code == 2, found
    assert found.peak - good.peak < 300_000, found
