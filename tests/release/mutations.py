"""Make bundles to break their reader: one seed, one mutation of a release."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.release.changes import refiled, seal

MANIFEST = "manifest.json"
WORDS = (
    b"\0",
    b"\xff\xfe",
    b"{" * 3000,
    b"[" * 3000,
    b"9" * 5000,
    b"-",
    b"1e999",
    b"null",
    b"true",
    b'"',
    b"<" * 2000,
    b"<!",
    b"<a ",
    b"&",
    b"*a",
    b"&a [*a]",
    b"!!python/object:os.system",
    b"? ",
    b": ",
    b"- " * 500,
    b"PAR1",
    b"\x80" * 9,
    b"\xff" * 8,
    b"\\u0000",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\r",
    b"\x1b[31m",
    b",",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    10**18,
    10**300,
    -1e300,
    1e-300,
    0.5,
    "",
    "x" * 5000,
    "\u202e\x1b[31m",
    [],
    {},
    [[]],
    {"a": 1},
    [1] * 2000,
    {"event": "repeated", "count": 10**9, "of": {"event": "gaussian", "noise_multiplier": 1e-9}},
)


def flipped(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 64))):
        place = rng.randrange(len(data))
        data[place] ^= rng.randrange(1, 256)
    return bytes(data)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def doubled(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[:last] + content[first:last] * rng.choice((1, 2, 20)) + content[last:]


def lost(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    return content[:first] + content[first + rng.randrange(1, 200) :]


def spliced(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.choice(WORDS) + content[place:]


def numbered(content: bytes, rng: random.Random) -> bytes:
    """Another length, offset or count: bytes at the ends, where formats keep theirs, replaced."""
    data = bytearray(content)
    place = rng.choice((0, 4, max(0, len(data) - 8), rng.randrange(len(data))))
    data[place : place + 8] = rng.choice((b"\xff" * 8, b"\0" * 8, rng.randbytes(8)))
    return bytes(data)


def rejsoned(content: bytes, rng: random.Random) -> bytes:
    """One value inside a JSON text replaced, taken away or doubled."""
    value = json.loads(content)
    _edit(value, rng)
    return json.dumps(value).encode()


def _edit(value: Any, rng: random.Random) -> None:
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = rng.choice(list(keys))
        if isinstance(value[key], dict | list) and value[key] and rng.random() < 0.85:
            value = value[key]
            continue
        if rng.random() < 0.2:
            del value[key]
        elif rng.random() < 0.2 and isinstance(value, list):
            value[key:key] = [value[key]] * rng.choice((1, 2000))
        else:
            value[key] = rng.choice(VALUES)
        return


Edit = Callable[[bytes, random.Random], bytes]
EDITS: tuple[Edit, ...] = (flipped, cut, doubled, lost, spliced, numbered)


def mutated(source: Path, target: Path, seed: int) -> str:
    """A copy of a release with one of its files mutated; two thirds are sealed again.

    Returns:
        What was done. Empty where the mutation left each listed byte as it was.
    """
    rng = random.Random(seed)
    shutil.copytree(source, target)
    names = sorted(json.loads((source / MANIFEST).read_text())["files"]) + [MANIFEST] * 3
    name = rng.choice(names)
    edits = [*EDITS, *([rejsoned] * 6 if name.endswith(".json") else [])]
    edit = rng.choice(edits)
    before = (target / name).read_bytes()
    after = edit(before, rng)
    if after == before or _same_json(name, before, after):
        return ""
    sealed = rng.random() < 2 / 3
    if name == MANIFEST:
        (target / name).write_bytes(after)
        if sealed:
            seal(target)
    elif sealed:
        refiled(name, lambda _: after)(target)
    else:
        (target / name).write_bytes(after)
    return f"seed {seed}: {name}, {edit.__name__}, {'sealed' if sealed else 'not sealed'}"


def _same_json(name: str, before: bytes, after: bytes) -> bool:
    """Whether both say the same in JSON: then a sealed copy is a valid release of other bytes."""
    if not name.endswith(".json"):
        return False
    try:
        return bool(json.loads(before) == json.loads(after))
    except (ValueError, RecursionError):
        return False


def digests(release: Path) -> Iterator[str]:
    """What distinguishes bundles."""
    for path in sorted(release.rglob("*")):
        if path.is_file():
            yield hashlib.sha256(path.read_bytes()).hexdigest()
