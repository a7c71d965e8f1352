"""A release whose generator is an autoregressive network: what is told of it, and what is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from privgan.generator.frozen_network import FrozenNetwork
from privgan.release import verify_release
from privgan.synthesizer import load_synthesizer
from tests.constrained import random_network
from tests.example.making import EXAMPLE
from tests.release.forging import Forgery, forge

Tensors = dict[str, np.ndarray]
WEIGHTS = "model/model.safetensors"


def network_instead(
    f: Forgery, model: Callable[[dict[str, Any]], Any], tensors: Callable[[Tensors], Any]
) -> None:
    """Put a network in the mixture's place, and then a lie about it."""
    sizes = tuple(len(shares) for shares in f.model["frequencies"])
    frozen = FrozenNetwork.of(random_network(sizes, strength=0.1, width=8))
    f.model.update(format="privgan.model/2", generator="network", width=8)
    del f.model["latent"]
    model(f.model)
    found = {f"network.{name}": part for name, part in frozen.tensors().items()}
    tensors(found)
    save_file(found, f.folder / WEIGHTS)
    f.touched[WEIGHTS] = (f.folder / WEIGHTS).read_bytes()


def true(_: Any) -> None:
    """No lie."""


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Tensors], None]:
    """Another tensor."""
    return lambda found: found.update({f"network.{name}": change(found[f"network.{name}"])})


LIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "another generator": (lambda m: m.update(generator="gan"), true, "its generator is"),
    "a generator that is no text": (lambda m: m.update(generator=["network"]), true, "is ["),
    "a latent space": (lambda m: m.update(latent=3), true, "no declared source"),
    "no generator": (lambda m: m.pop("generator"), true, "lacks generator"),
    "the other format": (lambda m: m.update(format="privgan.model/1"), true, "no declared source"),
    "a width without end": (lambda m: m.update(width=10**12), true, "its width is"),
    "a width that is no number": (lambda m: m.update(width="8"), true, "its width is"),
    "another width": (lambda m: m.update(width=9), true, "have not the shapes"),
    "a weight more": (
        true,
        changed("direct.weight", lambda part: np.append(part, np.float32(1))),
        "have not the shapes",
    ),
    "a matrix": (
        true,
        changed("first.bias", lambda part: part[None]),
        "have not the shapes",
    ),
    "a tensor more": (
        true,
        lambda found: found.update({"network.note": np.zeros(3, np.float32)}),
        "have not the shapes",
    ),
    "a codebook": (
        true,
        lambda found: found.update({"codebook.latents": np.zeros((2, 2), np.float32)}),
        "have not the shapes",
    ),
    "double precision": (
        true,
        changed("direct.weight", lambda part: part.astype(np.float64)),
        "is of F64",
    ),
    "no number": (true, changed("second.bias", lambda part: part * np.nan), "no finite number"),
    "a number beyond all": (true, changed("direct.weight", lambda part: part + 1e9), "beyond"),
    "nothing": (true, changed("first.weight", lambda part: part * 0), "zeros alone"),
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE / "release", tmp_path / "release"))


def test_a_network_in_a_mixtures_place_is_whole_but_was_never_trained(release: Path) -> None:
    forge(release, lambda f: network_instead(f, true, true))
    assert verify_release(release).problems == (
        "model/model.json: is a network, and the plan trains none",
    )
    model = load_synthesizer(release / "model")
    assert len(model.sample(300, seed=1)) == 300


@pytest.mark.parametrize("kind", LIES)
def test_a_lie_about_a_network_shows(release: Path, kind: str) -> None:
    model, tensors, told = LIES[kind]
    forge(release, lambda f: network_instead(f, model, tensors))
    assert told in "\n".join(verify_release(release).problems)


def test_a_mixture_states_no_generator(release: Path) -> None:
    forge(release, lambda f: f.model.update(generator="network"))
    assert "no declared source" in "\n".join(verify_release(release).problems)
