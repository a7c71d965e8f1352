"""Whether a model is the one that the manifest speaks of: its claim, sizes, codes and shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.unit import NEIGHBOURING_RELATION
from privgan.release.code_agreement import code_problems
from privgan.release.guarantee import statement
from privgan.release.integrity import shown
from privgan.release.numbers_in_text import claims_in, numbers_in
from privgan.release.released import MODEL, SCHEMA, WEIGHTS, Released

_NUMBERS, _WHOLE = "F32", {"codebook.conditions": "I64"}
# What every fit begins with as random numbers.
_NEVER_ZERO = ("codebook.latents", "network.first.weight", "network.second.weight")


def model_problems(released: Released) -> Iterator[str]:
    """Where a model's parts contradict the manifest, the schema or each other, a sentence each."""
    if not (released.holds(MODEL) and released.holds(SCHEMA)):
        return
    if not released.whole_model:
        if released.ours:
            found_format = shown(released.model.get("format"))
            yield f"{MODEL}: its format is {found_format}, and this privgan writes another"
        return
    found = [*_claim(released), *_sizes(released), *code_problems(released)]
    yield from (f"{MODEL}: {problem}" for problem in found)
    if not found and released.holds(WEIGHTS):
        yield from (f"{WEIGHTS}: {problem}" for problem in _tensors(released))


def _claim(released: Released) -> Iterator[str]:
    said, guarantee = released.model["guarantee"], released.manifest["guarantee"]
    relation = said["neighbouring_relation"]
    if relation != guarantee["neighbouring_relation"]:
        yield f"claims the neighbouring relation {shown(relation)}, and the manifest another"
    budget = PrivacyBudget(epsilon=guarantee["epsilon"], delta=guarantee["delta"])
    meant = statement(budget, released.schema)
    if said["statement"] == meant:
        return
    if released.ours or not _says_the_same(said["statement"], meant, released):
        told = f"states {shown(said['statement'])}"
        yield f"{told}, and its ε, δ, unit and assumed facts give {shown(meant)}"


def _says_the_same(said: str, meant: str, released: Released) -> bool:
    """Whether another version's words claim the same: ε, δ, unit, relation, and no other figure."""
    parts = (str(released.schema.unit), NEIGHBOURING_RELATION)
    condition = released.manifest["guarantee"]["conditional_text"]
    whole = all(part in said for part in (*parts, condition))
    same = claims_in([said]) == claims_in([meant])
    return whole and same and numbers_in(said) <= numbers_in(meant)


def _sizes(released: Released) -> Iterator[str]:
    model, plan = released.model, released.manifest["plan"]
    settings = plan.get("settings", {})
    generator, marginals = settings.get("generator", {}), settings.get("marginals", {})
    pairs = (
        ("rows", plan.get("rows")),
        ("rows_of_each", plan.get("rows_of_each", model["rows_of_each"])),
        ("max_cells", marginals.get("max_cells", model["max_cells"])),
        ("latent", generator.get("latent", model["latent"])),
        ("width", generator.get("width", model["width"])),
    )
    for name, planned in pairs:
        if model[name] != planned:
            yield f"{name} is {shown(model[name])}, and the plan's is {shown(planned)}"


def _tensors(released: Released) -> Iterator[str]:
    from safetensors import safe_open

    wanted = _shapes(released)
    with ExitStack() as stack:
        reader = stack.enter_context(released.opened(WEIGHTS))
        place = f"/dev/fd/{reader.fileno()}"  # Whatever its path leads to by now.
        file = stack.enter_context(safe_open(place, framework="np"))
        names = file.keys()
        found = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        entries = dict(found).get("codebook.latents", (0,))[0]
        generator = released.manifest["plan"].get("settings", {}).get("generator", {})
        if entries != generator.get("entries", entries):
            planned = generator["entries"]
            yield f"holds {entries} entries of the codebook, and the plan's are {planned}"
        meant = {name: _with_entries(shape, entries) for name, shape in wanted.items()}
        if found != meant:
            odd = sorted(name for name in {*found, *meant} if found.get(name) != meant.get(name))
            named = ", ".join(map(shown, odd[:5]))
            yield f"the tensors {named} have not the shapes that {MODEL} gives them"
            return
        others = [name for name in found if _kind(file, name) != _WHOLE.get(name, _NUMBERS)]
        for name in others:
            yield f"the tensor {shown(name)} is of {_kind(file, name)}, which privgan does not write"
        if others:
            return
        for name in found:
            values = file.get_tensor(name)
            if not np.isfinite(values).all():
                yield f"the tensor {shown(name)} holds a value that is no finite number"
            elif name in _NEVER_ZERO and not values.any():
                yield f"the tensor {shown(name)} holds zeros alone, which no fit leaves"
        yield from _conditions(file.get_tensor("codebook.conditions"), released.encoder.sizes)


def _kind(file: Any, name: str) -> str:
    """The tensor's type, as its header names it."""
    return str(file.get_slice(name).get_dtype())


def _with_entries(shape: tuple[int | None, ...], entries: int) -> tuple[int, ...]:
    return tuple(entries if size is None else size for size in shape)


def _shapes(released: Released) -> dict[str, tuple[int | None, ...]]:
    """The shape of each tensor; None stands for the number of codebook entries."""
    latent, width = released.model["latent"], released.model["width"]
    codes = sum(released.encoder.sizes)
    layers = {
        "first": (width, latent + codes),
        "second": (width, latent + width),
        "out": (codes, latent + 2 * width),
    }
    found: dict[str, tuple[int | None, ...]] = {
        "codebook.latents": (None, latent),
        "codebook.conditions": (None, 2),
        "network.offsets": (None, codes),
    }
    for name, shape in layers.items():
        found |= {f"network.{name}.weight": shape, f"network.{name}.bias": shape[:1]}
    for name in ("first_norm", "second_norm"):
        found |= {f"network.{name}.weight": (width,), f"network.{name}.bias": (width,)}
    return found


def _conditions(conditions: np.ndarray, sizes: tuple[int, ...]) -> Iterator[str]:
    columns, codes = conditions.T
    none = (columns == -1) & (codes == -1)
    known = (columns >= 0) & (columns < len(sizes))
    most = np.asarray(sizes)[np.where(known, columns, 0)]
    if not np.all(none | (known & (codes >= 0) & (codes < most))):
        yield "a condition of the codebook is of no column, or of no code of its column"
