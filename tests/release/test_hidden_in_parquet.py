"""A Parquet file holds its rows and nothing else; content that readers skip is checked too."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.release import verify_release
from privgan.release.parquet.chunks import chunk_problems
from tests.example.making import EXAMPLE
from tests.release.forging import forge
from tests.release.thrifting import BINARY, I32, I64, LIST, STRUCT, TRUE, File, Page, forged

HIDDEN = b"REAL CUSTOMER: Ada Lovelace, Ockham Park"
NAME, NUMBER, AMOUNT, YES, LONG = range(5)  # Columns.
ENTRY = len(HIDDEN).to_bytes(4, "little") + HIDDEN


def table(rows: int = 3_000) -> pa.Table:
    """Values of every stored type, some missing, and texts that fill several pages."""
    rng = np.random.default_rng(0)
    some = rng.random(rows) < 0.2
    moments = np.datetime64("2020-01-01", "s") + rng.integers(0, 900, rows) * np.timedelta64(
        86_400, "s"
    )
    return pa.table(
        {
            "name": pa.array(
                [None if gone else "abcdefg"[n % 7] * 3 for n, gone in enumerate(some)]
            ),
            "number": pa.array(rng.integers(-9, 90, rows), mask=some),
            "amount": pa.array(np.where(some, -0.0, np.round(rng.normal(0, 9, rows), 1))),
            "yes": pa.array(rng.random(rows) < 0.3, mask=some),
            "long": pa.array([f"{n:0900d}" for n in range(rows)]),
            "since": pa.array(moments),
            "zoned": pa.array(moments).cast(pa.timestamp("s", "Europe/Berlin")),
            "clock": pa.array(
                rng.integers(0, 86_400, rows) * 1_000_000, pa.time64("us"), mask=some
            ),
            "wait": pa.array(rng.integers(0, 900, rows), pa.duration("s"), mask=some),
            "none": pa.array([None] * rows, pa.string()),
            "one": pa.array(np.repeat(rng.integers(0, 9, rows // 10), 10)),
            "took": pa.array(rng.integers(0, 99_999, rows) * 10**9, pa.duration("ns"), mask=some),
        }
    )


def written(rows: int = 3_000) -> bytes:
    out = io.BytesIO()
    with pq.ParquetWriter(out, table(rows).schema) as writer:
        for first in range(0, rows, 2_000):
            writer.write_table(table(rows).slice(first, 2_000))
    return out.getvalue()


@pytest.fixture(scope="module")
def content() -> bytes:
    return written()


def found(content: bytes, folder: Path) -> str:
    path = folder / "t.parquet"
    path.write_bytes(content)
    with path.open("rb") as reader, pq.ParquetFile(reader) as file:
        return "\n".join(chunk_problems(file, reader))


def entry(column: int, more: bytes, *, counted: int = 1) -> Callable[[File], Any]:
    """One more entry of a dictionary, or bytes behind its last one."""

    def change(file: File) -> None:
        page = file.pages(column)[0]
        page.content += more
        page.more(1, counted)

    return change


def page(number: int, change: Callable[[Page], Any], column: int = NAME) -> Callable[[File], Any]:
    return lambda file: change(file.pages(column)[number])


def ended(more: bytes) -> Callable[[Page], None]:
    def change(page: Page) -> None:
        page.content += more

    return change


def level_bytes(page: Page) -> None:
    """The levels are said to be longer than their runs."""
    length = int.from_bytes(page.content[:4], "little")
    levels = page.content[4 : 4 + length] + HIDDEN
    page.content = len(levels).to_bytes(4, "little") + levels + page.content[4 + length :]


def last_bits(page: Page) -> None:
    """Truth values fill bytes; the last bits are of no row."""
    page.content = page.content[:-1] + bytes([page.content[-1] | 0x80])


def one_more(kind: int, facts: int | None = None) -> Callable[[File], Any]:
    """A page behind the last one."""

    def change(file: File) -> None:
        last = file.pages(NAME)[-1]
        header = last.header | {1: (I32, kind)}
        if facts is not None:
            header = {1: (I32, kind), 2: (I32, 0), 3: (I32, 0), facts: (STRUCT, {})}
        elif 5 in header:
            header[5] = (STRUCT, last.facts() | {1: (I32, 0)})
        file.pages(NAME).append(Page(header, HIDDEN))

    return change


def second_dictionary(file: File) -> None:
    first = file.pages(NAME)[0]
    file.pages(NAME).append(Page(dict(first.header), ENTRY))


def said(**fields: Any) -> Callable[[File], Any]:
    """Fields of what the footer says of a column."""
    numbers = {int(name.removeprefix("f")): value for name, value in fields.items()}
    return lambda file: file.column(NAME).update(numbers)


def bound(number: int) -> Callable[[File], Any]:
    return lambda file: file.column(NAME)[12][1].update({number: (BINARY, HIDDEN)})


def key_value(key: bytes, value: bytes) -> dict[int, Any]:
    return {1: (BINARY, key), 2: (BINARY, value)}


def arrow_schema(change: Callable[[bytes], bytes]) -> Callable[[File], Any]:
    def apply(file: File) -> None:
        pair = file.footer[5][1][1][0]
        pair[2] = (BINARY, base64.b64encode(change(base64.b64decode(pair[2][1]))))

    return apply


def older(file: File) -> None:
    """Only earlier versions wrote bytes behind chunks."""
    file.footer[6] = (BINARY, b"parquet-cpp-arrow version 15.0.2")
    file.behind = HIDDEN


def counted_pages(file: File) -> None:
    part = {1: (I32, 0), 2: (I32, 8), 3: (I32, int.from_bytes(b"Ada", "big"))}
    file.column(NAME)[13] = (LIST, (STRUCT, [part] * 20))


FORGED: dict[str, Callable[[File], Any]] = {
    "entry of texts": entry(NAME, ENTRY),
    "entry of whole numbers": entry(NUMBER, HIDDEN[:8]),
    "entry of fractions": entry(AMOUNT, HIDDEN[:8]),
    "the same entry twice": lambda f: entry(NAME, f.pages(NAME)[0].content[:7])(f),
    "bytes behind a dictionary": entry(NAME, HIDDEN, counted=0),
    "bytes behind names of entries": page(1, ended(HIDDEN)),
    "bytes behind plain texts": page(-1, ended(HIDDEN), LONG),
    "bytes behind truth values": page(-1, ended(HIDDEN), YES),
    "bytes inside levels": page(1, level_bytes),
    "bits behind truth values": page(-1, last_bits, YES),
    "page without rows": one_more(0),
    "page of an index": one_more(1, facts=6),
    "second dictionary": second_dictionary,
    "statistics of a page": page(
        1, lambda p: p.facts().update({5: (STRUCT, {5: (BINARY, HIDDEN), 6: (BINARY, HIDDEN)})})
    ),
    "checksum of a page": page(1, lambda p: p.header.update({4: (I32, 7)})),
    "unknown field of a page": page(1, lambda p: p.header.update({9: (BINARY, HIDDEN)})),
    "unknown field of a dictionary": page(0, lambda p: p.facts().update({9: (BINARY, HIDDEN)})),
    "number of rows of a page": page(1, lambda p: p.more(1, 900)),
    "metadata of a column": said(f8=(LIST, (STRUCT, [key_value(b"note", HIDDEN)]))),
    "path of a column": lambda f: f.chunks[NAME][0].update({1: (BINARY, HIDDEN)}),
    "unknown field of a column": said(f60=(BINARY, HIDDEN)),
    "older largest value": bound(1),
    "older smallest value": bound(2),
    "largest value": bound(5),
    "counts of pages": counted_pages,
    "encodings": said(f2=(LIST, (I32, [0, 3, 8, *HIDDEN]))),
    "name of the schema": lambda f: f.footer[2][1][1][0].update({4: (BINARY, HIDDEN)}),
    "kind of the schema": lambda f: f.footer[2][1][1][1].update({9: (I32, 65_000)}),
    "unknown field of the footer": lambda f: f.footer.update({40: (BINARY, HIDDEN)}),
    "Arrow's schema and more": arrow_schema(lambda found: found + HIDDEN),
    "Arrow's schema with a note": arrow_schema(
        lambda found: (
            pa.ipc.read_schema(pa.py_buffer(found))
            .with_metadata({"note": HIDDEN})
            .serialize()
            .to_pybytes()
        )
    ),
    "Arrow's schema twice": lambda f: f.footer[5][1][1].append(dict(f.footer[5][1][1][0])),
    "sorted columns": lambda f: f.footer[4][1][1][0].update(
        {4: (LIST, (STRUCT, [{1: (I32, 0), 2: (TRUE, True), 3: (TRUE, True)}] * 20))}
    ),
    "place of a chunk": lambda f: f.chunks[NAME][0].update({2: (I64, 1 << 40)}),
    "bytes behind the columns": lambda f: setattr(f, "behind", HIDDEN),
    "bytes behind the columns of an older version": older,
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_no_row_needs_is_found(content: bytes, tmp_path: Path, kind: str) -> None:
    hidden = forged(FORGED[kind])(content)
    assert hidden != content
    assert found(hidden, tmp_path), kind


def test_what_is_hidden_leaves_the_rows_as_they_were(content: bytes) -> None:
    """Otherwise nothing would be hidden: pyarrow reads most of the forged files without a word."""
    read, rows = 0, pq.read_table(io.BytesIO(content))
    for change in FORGED.values():
        try:
            read += pq.read_table(io.BytesIO(forged(change)(content))).equals(rows)
        except (OSError, ValueError):
            continue
    assert read >= 25


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 1_000, 3_000, 25_000])
def test_what_the_library_writes_raises_no_alarm(tmp_path: Path, rows: int) -> None:
    rows_of_ten = max(rows // 10 * 10, 10)
    content = written(rows_of_ten)
    assert found(content, tmp_path) == ""
    if (
        int(pa.__version__.split(".")[0]) >= 18
    ):  # Older ones repeat a chunk's entry behind it, which forging moves.
        assert found(forged(lambda _: None)(content), tmp_path) == ""
    with io.BytesIO() as out:
        pq.write_table(table(rows_of_ten).slice(0, rows), out)
        assert found(out.getvalue(), tmp_path) == ""


def as_before_18(file: File) -> None:
    file.footer[6] = (BINARY, b"parquet-cpp-arrow version 17.0.0")
    file.twice = True


def test_what_earlier_versions_wrote_raises_no_alarm(content: bytes, tmp_path: Path) -> None:
    earlier = forged(as_before_18)(content)
    assert found(earlier, tmp_path) == ""
    place = earlier.index(b"name", 4)
    assert found(earlier[:place] + b"Lady" + earlier[place + 4 :], tmp_path)
    assert pq.read_table(io.BytesIO(earlier)).equals(pq.read_table(io.BytesIO(content)))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE / "release", tmp_path / "release")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["entry of texts", "page without rows", "metadata of a column"])
def test_a_whole_release_that_hides_something_is_refused(release: Path, kind: str) -> None:
    def lie(forgery: Any) -> None:
        name = "synthetic.parquet"
        forgery.touched[name] = forged(FORGED[kind])(forgery.content(name))

    forge(release, lie)
    problems = "\n".join(verify_release(release).problems)
    assert problems.startswith("synthetic.parquet: ")
    assert "Ada" not in problems
