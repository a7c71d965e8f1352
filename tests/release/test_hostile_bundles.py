"""Bundles made to hang or kill their reader end in a finding, in little time and memory."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.privacy import events
from privgan.privacy.accountant import epsilon_by_rdp
from privgan.release import ALLOWED_FILES
from privgan.release.pack import pack_release
from tests.example.making import EXAMPLE
from tests.release.changes import Change, edited, manifest_text, refiled, rewritten, signature_text
from tests.release.making import SCHEMA_TEXT
from tests.release.mutations import mutated
from tests.release.reader import Reader
from tests.release.test_pack import HOSTILE


@pytest.fixture(scope="module")
def reader(made: Path) -> Iterator[Reader]:
    with Reader() as found:
        found.verify(made / "unsigned", "warm")
        yield found


def schema(text: str) -> Change:
    """Another schema, in its file and in the model's."""

    def apply(release: Path) -> None:
        refiled("schema.yaml", lambda _: text.encode())(release)
        model = json.loads((release / "model/model.json").read_bytes()) | {"schema": text}
        refiled("model/model.json", lambda _: json.dumps(model).encode())(release)

    return apply


def column(facts: str) -> Change:
    return schema(SCHEMA_TEXT + f"- {{name: c, {facts}}}\n")


def file(name: str, content: bytes | str) -> Change:
    """Another content, of a file that may be new."""
    data = content if isinstance(content, bytes) else content.encode()
    fresh = {"sha256": "0" * 64, "bytes": 0, "source": str(ALLOWED_FILES[name])}

    def apply(release: Path) -> None:
        (release / name).touch()
        edited(lambda manifest: manifest["files"].setdefault(name, fresh))(release)
        refiled(name, lambda _: data)(release)

    return apply


def parquet(**changes: Any) -> bytes:
    out = io.BytesIO()
    table = pa.table({"a": pa.array([1] * 1000, pa.int64()), "b": pa.array(["x"] * 1000)})
    pq.write_table(table, out, **changes)
    return out.getvalue()


def footer(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A Parquet file with another footer of a length that fits."""

    def apply(content: bytes) -> bytes:
        length = int.from_bytes(content[-8:-4], "little")
        new = change(content[-8 - length : -8])
        return content[: -8 - length] + new + struct.pack("<I", len(new)) + b"PAR1"

    return apply


def nested_columns(_: bytes) -> bytes:
    out = io.BytesIO()
    value: Any = [1]
    for _ in range(30):
        value = [value]
    pq.write_table(pa.table({"a": [value], "b": ["x"]}), out)
    return out.getvalue()


def many_columns(_: bytes) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({f"c{number}": [1] for number in range(20_000)}), out)
    return out.getvalue()


def hostile_arrow(_: bytes) -> bytes:
    """Arrow's own schema, as text in the footer, is another flatbuffer than it says."""
    content = parquet()
    place = content.index(b"ARROW:schema") + 40
    return content[:place] + b"/9" * 30 + content[place + 60 :]


def tensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def aliases(levels: int) -> str:
    return "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, levels)
    )


def steps(number: int) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        made = []
        for index in range(number):
            event = {"event": "gaussian", "noise_multiplier": 2 + index / number}
            event = {"event": "poisson_sampled", "sample_rate": 0.01, "of": event}
            made.append(
                {
                    "name": f"s{index}",
                    "stage": "model",
                    "kind": "x",
                    "noise": 1.0,
                    "epsilon": 1.0,
                    "event": event,
                }
            )
        manifest["accounting"] = made
        manifest["plan"]["stages"][0]["steps"] = made

    return edited(change)


def noises(number: int, most: float) -> Change:
    """As many different counts, of noise up to the most."""

    def change(manifest: dict[str, Any]) -> None:
        made = []
        for index in range(number):
            noise = most - index / number
            event = {"event": "discrete_gaussian", "standard_deviation": noise, "sensitivity": 1}
            facts = {"name": f"s{index}", "stage": "model", "kind": "x", "noise": noise}
            epsilon = epsilon_by_rdp(events.from_json(event), 1e-6)
            made.append(facts | {"epsilon": epsilon, "event": event})
        manifest["accounting"] = made
        manifest["plan"]["stages"][0]["steps"] = made

    return edited(change)


def outcomes(manifest: dict[str, Any]) -> None:
    manifest["policy"]["outcomes"] = [{"a": 1}] * 20_000


def fifo(name: str) -> Change:
    def apply(release: Path) -> None:
        (release / name).unlink()
        os.mkfifo(release / name)

    return apply


def many_files(release: Path) -> None:
    for number in range(5_000):
        (release / f"f{number}").touch()


DEEP = "[" * 100_000 + "]" * 100_000
BOMBS: dict[str, Change] = {
    "aliases in aliases": schema(aliases(9) + SCHEMA_TEXT),
    "aliases as categories": schema(
        SCHEMA_TEXT + "- {name: c, kind: categorical, categories: &c [x, *c]}\n"
    ),
    "aliases in the model alone": refiled(
        "model/model.json", lambda c: json.dumps(json.loads(c) | {"schema": aliases(9)}).encode()
    ),
    "merge keys": schema(SCHEMA_TEXT + "- {<<: {name: c}, kind: integer, lower: 0, upper: 1}\n"),
    "a tag": schema(SCHEMA_TEXT + "- !!python/object/apply:os.system {name: c}\n"),
    "deep YAML": schema(f"a: {DEEP}"),
    "deep blocks of YAML": schema("".join(" " * n + "a:\n" for n in range(3000))),
    "keys that are mappings": schema("? " * 5000 + "a"),
    "a long line of YAML": schema("a: " + "b " * 3_000_000),
    "many keys of YAML": schema("".join(f"k{n}: 1\n" for n in range(300_000))),
    "the same key over and over": schema("a: 1\n" * 200_000),
    "a large integer of YAML": schema(SCHEMA_TEXT.replace("999", "9" * 1_000_000)),
    "categories of mixed kinds": schema(
        SCHEMA_TEXT
        + "- {name: c, kind: categorical, categories: ["
        + "{a: 1},"
        + ",".join(map(str, range(60_000)))
        + "]}\n"
    ),
    "a million categories": schema(
        SCHEMA_TEXT
        + "- name: c\n  kind: categorical\n  categories:\n"
        + "".join(f"  - {n}\n" for n in range(1_000_000))
    ),
    "many columns": schema(
        SCHEMA_TEXT + "".join(f"- {{name: c{n}, kind: text}}\n" for n in range(50_000))
    ),
    "many unknown keys": schema(SCHEMA_TEXT + "".join(f"colunms{n}: 1\n" for n in range(50_000))),
    "a pattern of a thousand million": column("kind: identifier, pattern: 'C{:0999999999d}'"),
    "a pattern of a precision": column("kind: identifier, pattern: '{:.999999999f}'"),
    "a pattern inside a pattern": column("kind: identifier, pattern: '{:{}}'"),
    "a pattern that looks inside": column("kind: identifier, pattern: '{0.__class__.__mro__}'"),
    "decimals without end": column("kind: float, lower: 0, upper: 1, decimals: 999999999"),
    "decimals of a fraction": column("kind: float, lower: 0, upper: 1, decimals: 2.0"),
    "bounds of a thousand digits": column(f"kind: integer, lower: 0, upper: {10**1000}"),
    "bounds beyond a float": column("kind: float, lower: -1.0e308, upper: 1.0e308, decimals: 12"),
    "a format of a width": column(
        "kind: date, lower: 2020-01-01, upper: 2021-01-01, format: '%0999999999Y'"
    ),
    "a long format": column(
        f"kind: date, lower: 2020-01-01, upper: 2021-01-01, format: '{'%Y' * 100_000}'"
    ),
    "a zone for each of many columns": schema(
        SCHEMA_TEXT
        + "".join(
            f"- {{name: z{n}, kind: datetime, lower: 2020-01-01, upper: 2021-01-01,"
            " zone: Europe/Rome}\n"
            for n in range(1_990)
        )
    ),
    "a long text for missing values": column(
        f"kind: text, missing: true, missing_markers: [{'x' * 4_000_000}]"
    ),
    "a condition without end": schema(
        SCHEMA_TEXT + f"constraints:\n- {{when: '{'a > 1 and ' * 100_000}a > 1', then: 'b = x'}}\n"
    ),
    "combinations of many categories": schema(
        SCHEMA_TEXT.replace('[x, "y"]', json.dumps([f"c{n}" for n in range(40_000)]))
        + "- {name: d, kind: categorical, categories: [p, q]}\n"
        + (
            "constraints:\n- combinations: [b, d]\n  allowed:"
            f" {json.dumps([[f'c{n}', 'p'] for n in range(39_999)])}\n"
        )
    ),
    "deep JSON": rewritten(DEEP.encode()),
    "objects in objects": rewritten(b'{"a":' * 100_000),
    "JSON of ten million lists": rewritten(b"[" + b"[]," * 10_000_000 + b"[]]"),
    "JSON of a million keys": rewritten(
        b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}"
    ),
    "a number of a million digits": manifest_text(
        '"max_rows_per_unit": 1', f'"max_rows_per_unit": {"9" * 1_000_000}'
    ),
    "quotes without end": rewritten(b'{"' + b'\\"' * 5_000_000),
    "a manifest of wrong outcomes": edited(outcomes),
    "a manifest of nothing but errors": edited(
        lambda m: m.update({f"k{n}": n for n in range(60_000)})
    ),
    "a plan of many steps": steps(15_000),
    "a plan of different steps": steps(3_000),
    "a plan of as many samples as are read": steps(40),
    "a plan of as much noise as is read": noises(2_000, 99_999.0),
    "a plan of as many counts as are read": noises(2_000, 16.0),
    "a report in depth": file("report.json", DEEP),
    "a report of a million parts": file("report.json", b"[" + b"1," * 1_000_000 + b"1]"),
    "attributes without end": file("report.html", "<!doctype html>" + "<a " + "a " * 50_000),
    "spaces without end": file("report.html", "<!doctype html>" + "<a" + " " * 500_000),
    "declarations without end": file("report.html", "<!" * 200_000),
    "comments without end": file("report.html", "<!--" * 200_000),
    "tags without end": file("report.html", "<a" * 300_000),
    "ends without end": file("report.html", "</" * 300_000),
    "references without end": file(
        "report.html", "<p>r1" + "&" * 1_000_000 + "&#" + "9" * 100_000 + ";"
    ),
    "a million elements": file("report.html", "<!doctype html>r1" + "<p>" * 1_000_000),
    "a style without end": file("report.html", "<!doctype html>r1<style>" + "a{}" * 500_000),
    "one long line of cells": file("synthetic.csv", "a,b\n" + "1," * 5_000_000),
    "a quote without end": file("synthetic.csv", "a,b\n" + '"x\n' * 2_000_000),
    "one long header": file("synthetic.csv", "a," * 3_000_000),
    "a footer of four gigabytes": refiled(
        "synthetic.parquet", lambda c: c[:-8] + b"\xff\xff\xff\x7fPAR1"
    ),
    "a footer of noise": refiled(
        "synthetic.parquet", footer(lambda c: b"\x15\x04" + b"\xff" * 20_000)
    ),
    "a footer that lies about lengths": refiled(
        "synthetic.parquet", footer(lambda c: c.replace(b"\x19", b"\xf9"))
    ),
    "columns in columns": refiled("synthetic.parquet", nested_columns),
    "many columns in the table": refiled("synthetic.parquet", many_columns),
    "a hostile schema of Arrow": refiled("synthetic.parquet", hostile_arrow),
    "tensors of a large header": file("model/model.safetensors", tensors({}, length=1 << 62)),
    "tensors that overlap": file(
        "model/model.safetensors",
        tensors(
            {
                f"network.{n}": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
                for n in range(3)
            },
            b"\0" * 8,
        ),
    ),
    "a tensor of no bytes": file(
        "model/model.safetensors",
        tensors({"network.a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 0]}}),
    ),
    "a deep header of tensors": file("model/model.safetensors", tensors(DEEP.encode()[:900_000])),
    "a pipe in place of a file": fifo("report.html"),
    "a pipe in place of the manifest": fifo("manifest.json"),
    "five thousand files": many_files,
}


TOLD = {
    "aliases in aliases": "schema.yaml: is not a schema",
    "deep JSON": "nested too deeply",
    "JSON of ten million lists": "parts",
    "a plan of different steps": "cannot be worked out",
    "attributes without end": "markup in a form",
    "a million elements": "more text or markup",
    "one long line of cells": "is not what its name says",
    "a footer of noise": "synthetic.parquet: is not what its name says",
    "columns in columns": "columns inside columns",
    "tensors that overlap": "between its tensors",
    "a tensor of no bytes": "is not what its name says",
    "a pipe in place of a file": "special file",
    "five thousand files": "more than 200 files",
}


# A fourth of the bombs each.
PARTS = [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 3))]


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_bomb_is_a_finding(reader: Reader, made: Path, tmp_path: Path, part: int) -> None:
    for number, (name, change) in enumerate(BOMBS.items()):
        if number % 4 == part:
            release = shutil.copytree(made / "unsigned", tmp_path / str(number))
            change(release)
            found = reader.verify(release, name)
            assert found.code == 1, name
            told = TOLD.get(name)
            assert told is None or told in found.told, (name, found.told)
            shutil.rmtree(release)


def test_signatures_without_end_are_a_finding(reader: Reader, signed: Path) -> None:
    signature_text(lambda text: "\n".join([text] * 120))(signed)
    assert reader.verify(signed, "signatures").code == 1


@pytest.mark.slow
def test_a_zip_file_that_grows_is_a_finding(reader: Reader, made: Path, tmp_path: Path) -> None:
    for name, entries in {
        "one": {"synthetic.csv": 2 << 30},
        "all": {"report.html": 200 << 20, "report.md": 200 << 20},
    }.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for inner, size in entries.items():
                with archive.open(inner, "w", force_zip64=True) as writer:
                    for _ in range(size >> 20):
                        writer.write(b"0" * (1 << 20))
        assert reader.verify(tmp_path / f"{name}.zip", name).code == 1
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(40_000):
            archive.writestr(f"f{number}", b"")
    assert "directory is longer" in reader.verify(tmp_path / "many.zip", "many").told


def test_hostile_zip_files_are_findings(reader: Reader, signed: Path, tmp_path: Path) -> None:
    for kind, (change, _) in HOSTILE.items():
        packed = pack_release(signed, tmp_path / f"{len(kind)} {kind}.zip")
        change(packed)
        assert reader.verify(packed, kind).code == 1, kind


def fuzz(reader: Reader, sources: list[Path], folder: Path, wanted: int, first: int = 0) -> None:
    """Verify mutated bundles until so many were refused.

    What a seal leaves valid is not counted.
    """
    refused = valid = 0
    seed = first
    while refused < wanted:
        seed += 1
        release = folder / "bundle"
        what = mutated(sources[seed % len(sources)], release, seed)
        if what:
            found = reader.verify(release, what)
            assert found.code == 1 or "not sealed" not in what, what
            refused, valid = refused + (found.code == 1), valid + (found.code == 0)
        shutil.rmtree(release)
    assert valid < wanted / 3


def test_mutated_bundles_are_refused(reader: Reader, made: Path, tmp_path: Path) -> None:
    fuzz(reader, [made / "unsigned", made / "signed"], tmp_path, 80)


@pytest.mark.slow
def test_two_thousand_mutated_bundles_are_refused(
    reader: Reader, made: Path, tmp_path: Path
) -> None:
    fuzz(
        reader,
        [made / "unsigned", made / "signed", made / "unsigned", EXAMPLE / "release"],
        tmp_path,
        2_000,
        10_000,
    )
