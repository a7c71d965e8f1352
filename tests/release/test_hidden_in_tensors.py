"""A tensor file holds names, types, shapes and numbers, and nothing else."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from privgan.release import verify_release
from tests.example.making import EXAMPLE
from tests.release.changes import refiled
from tests.release.forging import forge

NAME = "model/model.safetensors"
HIDDEN = "REAL CUSTOMER: Ada Lovelace!"
Header = dict[str, Any]


def parts(content: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + length], content[8 + length :]


def whole(header: bytes, data: bytes) -> bytes:
    padded = header + b" " * (-len(header) % 8)
    return struct.pack("<Q", len(padded)) + padded + data


def text(header: Header) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode()


def named(change: Callable[[Header], Any]) -> Callable[[bytes], bytes]:
    """Another header."""

    def apply(content: bytes) -> bytes:
        header, data = parts(content)
        found = json.loads(header)
        return whole(text(change(found) or found), data)

    return apply


def spelled(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The same header in other characters."""
    return lambda content: whole(change(parts(content)[0].rstrip()), parts(content)[1])


def gap(content: bytes) -> bytes:
    """Bytes between the last tensor and the others."""
    header, data = parts(content)
    found = json.loads(header)
    last = max(found.values(), key=lambda tensor: tensor["data_offsets"])
    first, end = last["data_offsets"]
    last["data_offsets"] = [first + len(HIDDEN), end + len(HIDDEN)]
    return whole(text(found), data[:first] + HIDDEN.encode() + data[first:])


def wide(content: bytes) -> bytes:
    """Numbers of more bits than are written, which hold what is wanted."""
    header, data = parts(content)
    made, out = {}, b""
    for name, tensor in json.loads(header).items():
        first, last = tensor["data_offsets"]
        found, kind = data[first:last], tensor["dtype"]
        if kind == "F32":
            found, kind = np.frombuffer(found, "<f4").astype("<f8").tobytes(), "F64"
        made[name] = tensor | {"dtype": kind, "data_offsets": [len(out), len(out) + len(found)]}
        out += found
    return whole(text(made), out)


FORGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "metadata": (named(lambda h: {"__metadata__": {"note": HIDDEN}} | h), "allow-list"),
    "metadata of nothing": (named(lambda h: {"__metadata__": {}} | h), "allow-list"),
    "bytes behind the tensors": (lambda content: content + HIDDEN.encode(), "after its tensors"),
    "bytes between tensors": (gap, "between its tensors"),
    "another tensor": (
        named(lambda h: h | {"note": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}),
        "allow-list",
    ),
    "one more fact of a tensor": (
        named(lambda h: next(iter(h.values())).update(note=HIDDEN)),
        "its header",
    ),
    "spaces in the header": (spelled(lambda h: h.replace(b",", b", \t\n ", 4)), "its header"),
    "spaces behind the header": (spelled(lambda h: h + b" " * 800), "its header"),
    "escapes in the header": (
        spelled(lambda h: h.replace(b"network", b"\\u006eetwork", 1)),
        "its header",
    ),
    "another order": (named(lambda h: dict(reversed(h.items()))), "between its tensors"),
    "a name twice": (
        spelled(
            lambda h: (
                b'{"network.out.bias":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},' + h[1:]
            )
        ),
        "is not what its name says",
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_no_tensor_needs_is_found(release: Path, kind: str) -> None:
    change, told = FORGED[kind]
    assert verify_release(release).ok
    refiled(NAME, change)(release)
    problems = "\n".join(verify_release(release).problems)
    assert problems.startswith(f"{NAME}: ")
    assert told in problems
    assert "Ada" not in problems


def test_numbers_of_more_bits_than_are_written_are_found(tmp_path: Path) -> None:
    release = shutil.copytree(EXAMPLE / "release", tmp_path / "release")
    forge(release, lambda forgery: forgery.touched.update({NAME: wide(forgery.content(NAME))}))
    assert "is of F64, which privgan does not write" in "\n".join(verify_release(release).problems)
