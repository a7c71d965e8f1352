"""Check that the model matches the manifest: claim, sizes, codes and tensors."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from privgan.domain.encoding import ColumnCode
from privgan.generator.network_form import (
    MIXTURE_FORMAT,
    MOST_WEIGHT,
    MOST_WIDTH,
    NETWORK_FORMAT,
    NETWORK_KIND,
    weight_counts,
)
from privgan.parts.forms import parts_of
from privgan.planning.plan import GeneratorKind
from privgan.privacy.budget import NEIGHBOURING_RELATION
from privgan.release.guarantee import statement
from privgan.release.verification.integrity import shown
from privgan.release.verification.model_pieces import (
    ModelPiece,
    is_in_parts,
    part_pieces,
    table_piece,
)
from privgan.release.verification.numbers_in_text import claims_in, numbers_in
from privgan.release.verification.released import MODEL, SCHEMA, WEIGHTS, Released

_ROUNDING = 1e-9  # Rounding of each share: a model holds nine decimals.


def code_problems(piece: ModelPiece) -> Iterator[str]:
    """Check that each column's codes are in order without gaps, and shares add up."""
    names = [column.name for column in piece.schema.modelled]
    if list(piece.facts["columns"]) != names:
        yield "its encoder is not of the schema's modelled columns"
        return
    for column in piece.encoder.columns:
        found = [*_code_problems(column, piece)] or _written(column, piece.facts["columns"])
        yield from (f"column {shown(column.name)}: {told}" for told in found)
    if len(piece.frequencies) != len(names):
        told = f"has noisy shares of {len(piece.frequencies)} columns"
        yield f"{told}, and {len(names)} are modelled"
        return
    for place, column in enumerate(piece.encoder.columns):
        shares = _share_problems(column, piece.facts["frequencies"][place])
        yield from (f"column {shown(column.name)}: {told}" for told in shares)


def _share_problems(column: ColumnCode, stated: list[float]) -> Iterator[str]:
    shares = np.asarray(stated, dtype=float)
    if shares.shape != (column.size,):
        yield f"has {shares.size} noisy shares and {column.size} codes"
    elif not (np.all(shares >= 0) and abs(shares.sum() - 1) <= _ROUNDING * max(1, shares.size)):
        yield "its noisy shares do not add up to 1"
    elif json.dumps([round(float(share), 9) for share in shares]) != json.dumps(stated):
        yield "its noisy shares are not written as privgan writes them, with nine decimals"


def _adds_up(column: ColumnCode) -> bool:
    """Whether the shares within each code are shares, and sum to 1 up to rounding."""
    within, slack = column.within, _ROUNDING * column.cells.size
    shares = np.bincount(column.code_of, weights=within)
    return bool(np.all(within >= 0) and np.allclose(shares, 1, rtol=0, atol=slack))


def _code_problems(column: ColumnCode, piece: ModelPiece) -> Iterator[str]:
    merged = piece.merged
    code_of, within = column.code_of, column.within
    cells = column.cells.size
    if code_of.shape != (cells,) or within.shape != (cells,):
        yield f"its code is of {code_of.size} cells, and the schema gives {cells}"
        return
    if set(code_of.tolist()) != set(range(int(code_of.max()) + 1)):
        yield "its codes are not numbered without gaps"
        return
    if merged is not None and column.name not in merged and column.size != cells:
        told = f"its {cells} cells are merged into {column.size} codes"
        yield f"{told}, and the plan does not merge them"
    elif merged is not None and not _in_order(column, is_merged=column.name in merged):
        yield "its codes are not in the order of its cells"
    if not _adds_up(column):
        yield "the shares of the cells within a code do not add up to 1"


def _in_order(column: ColumnCode, *, is_merged: bool) -> bool:
    """Whether codes rise in privgan's order; otherwise categories would change meaning."""
    cells, code_of = column.cells, column.code_of
    if not is_merged:
        return bool(np.array_equal(code_of, np.arange(cells.size)))
    first, end = len(cells.special), cells.size - int(cells.column.missing)
    body = code_of[first:end]
    if not body.size:
        return True
    last = int(body.max())
    # No neighbouring cell is skipped; rare categories share the last code.
    rising = np.unique(body) if cells.adjacent else np.append(body[body != last], last)
    sorted_ = not cells.adjacent or bool(np.all(np.diff(body) >= 0))
    alone = np.append(np.arange(first), np.arange(last + 1, last + 1 + cells.size - end))
    ends = np.append(code_of[:first], code_of[end:])
    whole = np.array_equal(rising, np.arange(first, last + 1)) and np.array_equal(ends, alone)
    return sorted_ and whole


def _written(column: ColumnCode, stated: Mapping[str, Any]) -> list[str]:
    """Check digits and keys of the model file; spare ones could hold unchecked content."""
    if json.dumps(column.to_json()) == json.dumps(stated[column.name]):
        return []
    return ["its codes are not written as privgan writes them: whole numbers, and nine decimals"]


_NUMBERS, _WHOLE, _CONDITIONS = "F32", "I64", "codebook.conditions"
# Tensors that every fit starts from random numbers.
_NEVER_ZERO = ("codebook.latents", "network.first.weight", "network.second.weight")


def model_problems(released: Released) -> Iterator[str]:
    """Contradictions of a model's parts with manifest, schema or each other."""
    if not (released.holds(MODEL) and released.holds(SCHEMA)):
        return
    if not released.whole_model:
        if released.ours:
            found_format = shown(released.model.get("format"))
            yield f"{MODEL}: its format is {found_format}, and this privgan writes another"
        return
    found = list(_kinds(released)) or [
        *_claim(released),
        *_sizes(released),
        *(f"{piece.where}{told}" for piece in _pieces(released) for told in code_problems(piece)),
    ]
    yield from (f"{MODEL}: {problem}" for problem in found)
    if not found and released.holds(WEIGHTS):
        yield from (f"{WEIGHTS}: {problem}" for problem in _tensors(released))


def _pieces(released: Released) -> list[ModelPiece]:
    return [table_piece(released), *part_pieces(released)]


def _generators(released: Released) -> list[ModelPiece]:
    """The pieces that have a generator."""
    return list(part_pieces(released)) or [table_piece(released)]


def _kinds(released: Released) -> Iterator[str]:
    """Whether the model is in parts where its schema is, and each generator of a stated kind."""
    if is_in_parts(released) != bool(parts_of(released.schema)):
        yield "is in parts and its schema is not, or the other way round"
        return
    for piece in _generators(released):
        yield from (f"{piece.where}{told}" for told in _kind(piece))
    if _misstated(released, released.manifest.plan.get("settings")):
        yield "is a network or not, against what the manifest says of DP-SGD"


def _kind(piece: ModelPiece) -> Iterator[str]:
    """Whether a model states the facts of its kind."""
    model, needed = piece.facts, ("generator" if piece.is_network else "latent")
    settings = (piece.plan or {}).get("settings")
    if model["format"] not in (MIXTURE_FORMAT, NETWORK_FORMAT):
        yield f"its format is {shown(model['format'])}, which privgan does not write"
    elif needed not in model:
        yield f"lacks {needed}, which a model of the format {shown(model['format'])} states"
    elif piece.is_network and model["generator"] != NETWORK_KIND:
        yield f"its generator is {shown(model['generator'])}, which privgan does not write"
    elif piece.is_network and settings is not None and settings.get("network") is None:
        yield "is a network, and the plan makes none"
    elif type(model["width"]) is not int or not 1 <= model["width"] <= MOST_WIDTH:
        yield f"its width is {shown(model['width'])}; allowed: 1 to {MOST_WIDTH:,}"


def _misstated(released: Released, settings: Mapping[str, Any] | None) -> bool:
    """Whether the manifest says of DP-SGD what its plan and the model do not bear out.

    What a mixture's critic did stays in the mixture: only a network or a GAN's critic is unused.
    """
    if settings is None:
        return False
    raw = released.manifest.raw
    unused = raw.get("dp_sgd") is not None
    trained = [piece for piece in _generators(released) if piece.setting("network", "steps", 0)]
    if trained:
        return any(piece.is_network == unused for piece in trained)
    return unused and raw["plan"].get("kind") != GeneratorKind.GAN


def _claim(released: Released) -> Iterator[str]:
    said, guarantee = released.model["guarantee"], released.manifest.guarantee
    relation = said["neighbouring_relation"]
    if relation != guarantee.neighbouring_relation:
        yield f"claims the neighbouring relation {shown(relation)}, and the manifest another"
    meant = statement(guarantee.budget, released.schema)
    if said["statement"] == meant:
        return
    if released.ours or not _says_the_same(said["statement"], meant, released):
        told = f"states {shown(said['statement'])}"
        yield f"{told}, and its ε, δ, unit and assumed facts give {shown(meant)}"


def _says_the_same(said: str, meant: str, released: Released) -> bool:
    """Whether another version's words make the same claim and state no other figure.

    The claim is ε, δ, unit and relation.
    """
    parts = (str(released.schema.unit), NEIGHBOURING_RELATION)
    condition = released.manifest.guarantee.conditional_text
    whole = all(part in said for part in (*parts, condition))
    same = claims_in([said]) == claims_in([meant])
    return whole and same and numbers_in(said) <= numbers_in(meant)


def _sizes(released: Released) -> Iterator[str]:
    model, plan = released.model, released.manifest.plan
    each = plan.get("rows_of_each", model["rows_of_each"])
    if model["rows_of_each"] != each:
        yield _other("rows_of_each", each, model)
    for piece in _pieces(released):
        for name, planned in [*_rows(released, piece), *_settings(piece)]:
            if piece.facts[name] != planned:
                yield f"{piece.where}{_other(name, planned, piece.facts)}"


def _rows(released: Released, piece: ModelPiece) -> Iterator[tuple[str, Any]]:
    """The rows of a piece by the plan; those of histories also count what a bound left out."""
    declared = released.manifest.plan.get("declared_rows") is not None
    if piece.name or declared or not is_in_parts(released):
        yield "rows", (piece.plan or {}).get("rows", piece.facts["rows"])


def _other(name: str, planned: Any, facts: Mapping[str, Any]) -> str:
    return f"{name} is {shown(facts[name])}, and the plan's is {shown(planned)}"


def _settings(piece: ModelPiece) -> Iterator[tuple[str, Any]]:
    """Sizes of a piece, each as the plan sets it."""
    yield "max_cells", piece.setting("marginals", "max_cells", piece.facts["max_cells"])
    if "parts" in piece.facts:
        return
    if piece.is_network:
        yield "width", piece.setting("network", "width", piece.facts["width"])
        return
    for name in ("latent", "width"):
        yield name, piece.setting("generator", name, piece.facts[name])


def _tensors(released: Released) -> Iterator[str]:
    from safetensors import safe_open

    with ExitStack() as stack:
        reader = stack.enter_context(released.opened(WEIGHTS))
        place = f"/dev/fd/{reader.fileno()}"  # Its path may lead to another file by now.
        file = stack.enter_context(safe_open(place, framework="np"))
        names = file.keys()
        found = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        pieces, meant = _generators(released), dict[str, tuple[int, ...]]()
        for piece in pieces:
            entries = dict(found).get(piece.tensor("codebook.latents"), (0,))[0]
            planned = piece.setting("generator", "entries", entries)
            if entries != planned and not piece.is_network:
                told = f"holds {entries} entries of the codebook, and the plan's are {planned}"
                yield f"{piece.where}{told}"
            shapes = _shapes(piece).items()
            meant |= {piece.tensor(name): _with_entries(shape, entries) for name, shape in shapes}
        if found != meant:
            odd = sorted(name for name in {*found, *meant} if found.get(name) != meant.get(name))
            named = ", ".join(map(shown, odd[:5]))
            yield f"the tensors {named} have not the shapes that {MODEL} gives them"
            return
        for piece in pieces:
            yield from _contents(file, [piece.tensor(name) for name in _shapes(piece)], piece)


def _contents(file: Any, names: Collection[str], piece: ModelPiece) -> Iterator[str]:
    """Check the types of a piece's tensors, and then their numbers."""
    conditions = piece.tensor(_CONDITIONS)
    never_zero = {piece.tensor(name) for name in _NEVER_ZERO}
    whole = {conditions: _WHOLE}
    others = [name for name in names if _type(file, name) != whole.get(name, _NUMBERS)]
    for name in others:
        yield f"the tensor {shown(name)} is of {_type(file, name)}, which privgan does not write"
    if others:
        return
    for name in names:
        values = file.get_tensor(name)
        if not np.isfinite(values).all():
            yield f"the tensor {shown(name)} holds a value that is no finite number"
        elif conditions not in names and (np.abs(values) > MOST_WEIGHT).any():
            yield f"the tensor {shown(name)} holds a number beyond {MOST_WEIGHT:,.0f}"
        elif name in never_zero and values.size and not values.any():
            yield f"the tensor {shown(name)} holds zeros alone, which no fit leaves"
    if conditions in names:
        yield from _conditions(file.get_tensor(conditions), piece.encoder.sizes)


def _type(file: Any, name: str) -> str:
    """The tensor's type, as its header names it."""
    return str(file.get_slice(name).get_dtype())


def _with_entries(shape: tuple[int | None, ...], entries: int) -> tuple[int, ...]:
    return tuple(entries if size is None else size for size in shape)


def _shapes(piece: ModelPiece) -> dict[str, tuple[int | None, ...]]:
    """The shape of each tensor; None stands for the number of codebook entries."""
    if piece.is_network:
        return _network_shapes(piece)
    latent, width = piece.facts["latent"], piece.facts["width"]
    codes = sum(piece.encoder.sizes)
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


def _network_shapes(piece: ModelPiece) -> dict[str, tuple[int | None, ...]]:
    """The length of each tensor of an autoregressive network."""
    sizes, width = piece.sizes, piece.facts["width"]
    counts = weight_counts(sizes, width)
    return {
        **{f"network.{name}.weight": (count,) for name, count in counts.items()},
        "network.first.bias": (width,),
        "network.second.bias": (sum(sizes),),
    }


def _conditions(conditions: np.ndarray, sizes: tuple[int, ...]) -> Iterator[str]:
    columns, codes = conditions.T
    none = (columns == -1) & (codes == -1)
    known = (columns >= 0) & (columns < len(sizes))
    most = np.asarray(sizes)[np.where(known, columns, 0)]
    if not np.all(none | (known & (codes >= 0) & (codes < most))):
        yield "a condition of the codebook is of no column, or of no code of its column"
