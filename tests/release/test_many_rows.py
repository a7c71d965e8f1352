"""A few bytes that claim very many rows end in a finding, in little time and memory."""

from __future__ import annotations

import io
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.example.making import EXAMPLE
from tests.release.forging import Forgery, forge
from tests.release.reader import Reader
from tests.release.thrifting import I32, I64, File, forged, varint

TABLE, TEXT = "synthetic.parquet", "synthetic.csv"
Rows = Callable[[int], bytes]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        found.verify(EXAMPLE / "release", "warm")
        yield found


def rows_of(rows: int, runs: Rows) -> Callable[[bytes], bytes]:
    """So many rows in every column, which all name the first entry of its dictionary, or say no."""

    def change(file: File) -> None:
        file.footer[3] = file.footer[4][1][1][0][3] = (I64, rows)
        levels, found = varint(rows << 1) + b"\1", runs(rows)
        for chunk, pages in file.chunks:
            chunk[3][1][5] = (I64, rows)
            chunk[3][1].pop(16, None)
            page = pages[-1]
            page.facts()[1] = (I32, rows)
            page.content = struct.pack("<I", len(levels)) + levels
            if len(pages) > 1:
                page.content += b"\1" + found
            else:
                page.facts()[2] = (I32, 3)
                page.content += struct.pack("<I", len(found)) + found

    return forged(change)


def one_run(rows: int) -> bytes:
    return varint(rows << 1) + b"\0"


def short_runs(rows: int) -> bytes:
    """Each row is a run of its own."""
    return b"\2\0" * rows


def many_groups(content: bytes) -> bytes:
    out = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(content)), out, row_group_size=1)
    return out.getvalue()


def empty_cells(rows: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        header, _, _ = content.partition(b"\n")
        return header + b"\n" + (b"," * header.count(b",") + b"\n") * rows

    return change


BOMBS: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "two thousand million rows in one run": (
        rows_of(2**31 - 1, one_run),
        0,
        "smaller than the rows",
    ),
    "thirty million rows in one run": (rows_of(30_000_000, one_run), 0, "smaller than the rows"),
    "as many runs as rows": (rows_of(500_000, short_runs), 500_000, "more of column"),
    "rows in one run, of empty cells": (rows_of(500_000, one_run), 500_000, ""),
    "as many groups as rows": (many_groups, 0, "more groups of rows"),
}


SLOW = {"thirty million rows in one run", "rows in one run, of empty cells"}
KINDS = [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in BOMBS]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_very_many_rows_are_a_finding(reader: Reader, tmp_path: Path, kind: str) -> None:
    table, rows, told = BOMBS[kind]
    release = shutil.copytree(EXAMPLE / "release", tmp_path / "release")

    def lie(forgery: Forgery) -> None:
        forgery.touched[TABLE] = table(forgery.content(TABLE))
        if rows:
            forgery.touched[TEXT] = empty_cells(rows)(forgery.content(TEXT))

    forge(release, lie)
    found = reader.verify(release, kind)
    assert found.code == 1
    assert f"{TABLE}: " in found.told or f"{TEXT}: " in found.told, found.told
    assert told in found.told
