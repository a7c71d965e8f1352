"""The leak scan finds every private text in every kind of file, and no chance match."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from privgan.errors import InternalError
from privgan.policy.facts import fact_vocabulary
from privgan.release.leak_scan.leak_patterns import (
    _BLOCK,
    LeakKind,
    LeakPatterns,
    Matcher,
    internal_names,
    looks_like_pii,
)
from privgan.release.leak_scan.scan import Scan, scan_files
from privgan.schema.columns import Column, Invented, Kind, Temporal
from privgan.schema.identifiers import could_be_invented, invent
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

SCHEMA = parse_schema("""format: privgan.schema/1
dataset: scanned
unit: id
max_rows_per_unit: 1
columns:
  - {name: id, kind: identifier, pattern: "C{:08d}"}
  - {name: name, kind: name}
  - {name: email, kind: email}
  - {name: tier, kind: categorical, categories: [basic plan, silver plan]}
  - {name: income, kind: integer, lower: 0, upper: 99999999}
""")
ROWS = 400
PLANTED: dict[str, tuple[str, LeakKind]] = {
    "identifier": ("K00017-B", LeakKind.IDENTIFIER),
    "name": ('Zoé "Zo" O\'Hara', LeakKind.PII),
    "email": ("zoe.ohara@mail.example.org", LeakKind.PII),
    "long text": ("she said that the delivery <came> too late, and twice", LeakKind.TEXT),
    "digits": ("4915112345678", LeakKind.IDENTIFIER),
    "pattern": ("another.person@example.net", LeakKind.PATTERN),
    "metric": ("attack.membership.auc", LeakKind.INTERNAL_NAME),
    "file": ("internal-audit.json", LeakKind.INTERNAL_NAME),
}
LEAK_PATTERNS = LeakPatterns(
    values={
        text[:32]: kind
        for text, kind in PLANTED.values()
        if kind not in {LeakKind.PATTERN, LeakKind.INTERNAL_NAME}
    },
    schema=SCHEMA,
    declared="basic plan silver plan",
)


def table(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = invent(SCHEMA, rows, first_serial=1, customers=np.arange(1, rows + 1), rng=rng)
    values |= {
        "tier": pd.Series(rng.choice(["basic plan", "silver plan"], rows)),
        "income": pd.Series(rng.integers(0, 10**8, rows)),
    }
    return pd.DataFrame({name: values[name] for name in SCHEMA.names})


def parquet(frame: pd.DataFrame, metadata: dict[str, str] | None = None) -> bytes:
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(metadata), sink
    )
    return sink.getvalue()


def with_cell(column: str, text: str) -> pd.DataFrame:
    frame = table()
    frame[column] = frame[column].astype(object)
    frame.loc[37, column] = text
    return frame


def tensors(text: str = "", metadata: dict[str, str] | None = None) -> bytes:
    content = np.random.default_rng(0).integers(0, 256, 50_000, dtype=np.uint8)
    content[777 : 777 + len(text.encode())] = np.frombuffer(text.encode(), np.uint8)
    return save({"network.out.weight": content}, metadata=metadata)


PLACES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "parquet invented cell": ("synthetic.parquet", lambda text: parquet(with_cell("email", text))),
    "parquet category cell": (
        "synthetic.parquet",
        lambda text: parquet(with_cell("tier", f"see {text}.")),
    ),
    "parquet metadata value": (
        "synthetic.parquet",
        lambda text: parquet(table(), {"note": f"for {text}"}),
    ),
    "parquet metadata key": ("synthetic.parquet", lambda text: parquet(table(), {text: "x"})),
    "csv invented cell": (
        "synthetic.csv",
        lambda text: with_cell("name", text).to_csv(index=False).encode(),
    ),
    "csv category cell": (
        "synthetic.csv",
        lambda text: with_cell("tier", f"({text})").to_csv(index=False).encode(),
    ),
    "json value": (
        "model/model.json",
        lambda text: json.dumps({"a": [{"b": f"x {text}"}]}, ensure_ascii=False).encode(),
    ),
    "json key, all escaped": ("manifest.json", lambda text: f'{{"{_escaped(text)}": 1}}'.encode()),
    "safetensors metadata": (
        "model/model.safetensors",
        lambda text: tensors(metadata={"note": text}),
    ),
    "html": ("report.html", lambda text: f"<p title='x'>{html.escape(text)}</p>".encode()),
    "html, all escaped": (
        "report.html",
        lambda text: "".join(f"&#x{ord(part):x};" for part in f"<b>{text}</b>").encode(),
    ),
    "yaml": ("schema.yaml", lambda text: f"dataset: x\n# {text}\n".encode()),
    "another file": ("manifest.sha256", lambda text: f"{text}\n".encode()),
}


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(part):04x}" for part in text)


def found(name: str, content: bytes, leak_patterns: LeakPatterns = LEAK_PATTERNS) -> Scan:
    return scan_files({name: content}, leak_patterns)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("planted", PLANTED)
def test_every_kind_of_text_is_found_in_every_kind_of_file(planted: str, place: str) -> None:
    text, kind = PLANTED[planted]
    name, put = PLACES[place]
    scan = found(name, put(text))
    assert kind in {finding.kind for finding in scan.findings}
    with pytest.raises(InternalError, match=name) as error:
        scan.check_clean()
    assert text not in str(error.value) + json.dumps(scan.to_json(), ensure_ascii=False)


@pytest.mark.parametrize("place", PLACES)
def test_public_text_in_the_same_places_is_no_finding(place: str) -> None:
    name, put = PLACES[place]
    assert found(name, put("basic plan")).findings == ()


@pytest.mark.parametrize("planted", ["identifier", "name", "email"])
def test_raw_bytes_of_tensors_are_searched(planted: str) -> None:
    text, kind = PLANTED[planted]
    assert found("model/model.safetensors", tensors(text)).findings[0].kind is kind
    assert found("model/model.safetensors", tensors()).findings == ()


def test_a_value_inside_a_longer_word_or_number_is_another_value() -> None:
    for text in ("XK00017-B", "K00017-BX", "0.4915112345678", "94915112345678"):
        assert found("report.html", f"<p>{text}</p>".encode()).findings == ()


def test_numbers_of_modelled_columns_are_drawn_from_the_declared_domain() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS,
        values={f"{income:08d}": LeakKind.IDENTIFIER for income in range(10_000_000, 10_400_000)},
    )
    frame = table().assign(income=range(10_000_000, 10_000_000 + ROWS))
    for name, content in (
        ("synthetic.parquet", parquet(frame)),
        ("synthetic.csv", frame.to_csv(index=False).encode()),
    ):
        assert found(name, content, leak_patterns).findings == ()
    assert found("model/model.json", b'{"rows": 10000017}', leak_patterns).findings == ()
    assert found("model/model.json", b'{"note": "row 10000017"}', leak_patterns).findings != ()


def test_times_of_day_and_durations_are_searched_in_both_files() -> None:
    """Parquet gives them as times and durations, which ended the search with a TypeError."""
    schema = parse_schema("""format: privgan.schema/1
dataset: scanned
unit: row
columns:
  - {name: clock, kind: datetime, format: '%H:%M:%S',
     lower: '1900-01-01', upper: '1900-01-01T23:59:59'}
  - {name: took, kind: integer, lower: 0, upper: 99999, format: '[h]:mm:ss'}
""")
    leak_patterns = replace(LEAK_PATTERNS, schema=schema, values={"09:30:00": LeakKind.IDENTIFIER})
    rows = pd.DataFrame(
        {"clock": [dt.time(9, 30), None], "took": pd.to_timedelta([90, 91], unit="s")}
    )
    assert found("synthetic.parquet", parquet(rows), leak_patterns).findings == ()
    assert (
        found("synthetic.csv", b"clock,took\n09:30:00,0:01:30\n,0:01:31\n", leak_patterns).findings
        == ()
    )


def test_a_value_with_a_separator_is_met_by_no_two_cells_of_a_text_file() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS, values={"150,230": LeakKind.IDENTIFIER, "12,5 7": LeakKind.IDENTIFIER}
    )
    rows = (
        b"id,name,email,tier,income\nC00000001,Robin Ash,r@example.com,basic"
        b" plan,150\n230,gold,yes,basic plan,150,230\n"
    )
    assert [
        part
        for part in found("synthetic.csv", rows, leak_patterns).findings
        if part.where == "bytes"
    ] == []
    cell = with_cell("name", "150,230").to_csv(index=False).encode()
    assert [part.where for part in found("synthetic.csv", cell, leak_patterns).findings] == [
        "column name"
    ]


# --- chance


def test_serial_identifiers_coincide_by_construction() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS,
        values={f"C{serial:08d}": LeakKind.IDENTIFIER for serial in range(1, ROWS + 1)},
    )
    for name, content in (
        ("synthetic.parquet", parquet(table())),
        ("synthetic.csv", table().to_csv(index=False).encode()),
    ):
        scan = found(name, content, leak_patterns)
        assert scan.findings == ()
        (chance,) = scan.chance
        assert (chance.column, chance.found, chance.expected, chance.excess) == (
            "id",
            ROWS,
            ROWS,
            False,
        )


def test_several_rows_of_one_customer_meet_one_real_identifier() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS,
        values={f"C{serial:08d}": LeakKind.IDENTIFIER for serial in range(1, ROWS // 4)},
    )
    frame = table().assign(id=[f"C{1 + row // 2:08d}" for row in range(ROWS)])
    scan = found("synthetic.csv", frame.to_csv(index=False).encode(), leak_patterns)
    assert scan.findings == ()
    assert scan.chance[0].found == scan.chance[0].expected == ROWS // 4 - 1


def test_copied_identifiers_of_the_pattern_are_more_than_chance() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS,
        values={f"C{serial:08d}": LeakKind.IDENTIFIER for serial in range(5_000, 5_200)},
    )
    assert found("synthetic.parquet", parquet(table()), leak_patterns).findings == ()
    frame = table().assign(id=[f"C{4_900 + row:08d}" for row in range(ROWS)])
    (finding,) = found("synthetic.parquet", parquet(frame), leak_patterns).findings
    assert (finding.where, finding.count) == ("column id", 200)


COPIED = {
    "id": ["C00000907", "C00000039"],
    "email": ["robin.ash.907@example.com"],
    "income": ["+00 555 0000907"],
}


@pytest.mark.parametrize("column", COPIED)
def test_one_copied_value_of_the_invented_form_is_found_where_another_is_invented(
    column: str,
) -> None:
    """Serial numbers are those of the rows.

    In its own row a real one stands by construction, in any other it was copied.
    """
    schema = _with(Invented(name="income", kind=Kind.PHONE))
    frame = table().assign(income=[f"+00 555 {row + 1:07d}" for row in range(ROWS)])
    for value in COPIED[column]:
        leak_patterns = replace(LEAK_PATTERNS, values={value: LeakKind.PII}, schema=schema)
        leaking = frame.assign(**{column: frame[column].where(frame.index != 37, value)})
        for file, write in (
            ("synthetic.parquet", parquet),
            ("synthetic.csv", lambda rows: rows.to_csv(index=False).encode()),
        ):
            assert found(file, write(frame), leak_patterns).findings == ()
            assert f"column {column}" in {
                finding.where for finding in found(file, write(leaking), leak_patterns).findings
            }


def test_names_from_the_public_lists_coincide_by_chance_and_copied_ones_do_not() -> None:
    leak_patterns = replace(
        LEAK_PATTERNS, values={"Robin Ash": LeakKind.PII, "Harper Stone": LeakKind.PII}
    )
    frame = table(4_000)
    scan = found("synthetic.parquet", parquet(frame), leak_patterns)
    assert scan.findings == ()
    (chance,) = scan.chance
    assert 5 < chance.expected < 40
    frame.loc[:200, "name"] = "Robin Ash"
    scan = found("synthetic.parquet", parquet(frame), leak_patterns)
    assert {(finding.where, finding.kind) for finding in scan.findings} == {
        ("column name", LeakKind.PII)
    }
    assert scan.chance[0].excess


@pytest.mark.parametrize("marker", ["", "no name"])
def test_chance_counts_the_rows_that_hold_a_value(marker: str) -> None:
    """Where few rows hold one, few meet a real name by chance.

    Copied ones do not hide behind the other rows.
    """
    name = replace(SCHEMA.column("name"), missing=True, presence=True, missing_markers=("no name",))
    leak_patterns = replace(
        LEAK_PATTERNS,
        values={"Robin Ash": LeakKind.PII, "Harper Stone": LeakKind.PII},
        schema=_with(name),
    )
    invented = table(4_000)
    invented.loc[invented.index % 40 > 0, "name"] = None
    copied = invented.assign(name=invented["name"].where(invented["name"].isna(), "Robin Ash"))
    for frame, leaks in ((invented, False), (copied, True)):
        written = frame.assign(name=frame["name"].fillna(marker)).to_csv(index=False).encode()
        for file, content in (("synthetic.parquet", parquet(frame)), ("synthetic.csv", written)):
            scan = found(file, content, leak_patterns)
            assert [finding.where for finding in scan.findings] == ["column name"] * leaks
            assert not leaks or scan.chance[0].expected < 4


def _with(column: Column) -> Schema:
    return replace(
        SCHEMA,
        columns=tuple(column if part.name == column.name else part for part in SCHEMA.columns),
    )


def test_times_of_day_are_searched_as_any_column_is() -> None:
    """In a Parquet file they are no texts; a scan that cannot read them ends a paid run."""
    clock = Temporal(
        name="income",
        kind=Kind.DATETIME,
        lower=dt.datetime(1900, 1, 1),
        upper=dt.datetime(1900, 1, 2),
        format="%H:%M",
    )
    leak_patterns = replace(LEAK_PATTERNS, schema=_with(clock))
    frame = table().assign(income=dt.time(10, 45))
    assert found("synthetic.parquet", parquet(frame), leak_patterns).findings == ()
    content = frame.assign(income="10:45").to_csv(index=False).encode()
    assert found("synthetic.csv", content, leak_patterns).findings == ()
    frame.loc[7, "name"] = PLANTED["digits"][0]
    assert found("synthetic.parquet", parquet(frame), leak_patterns).findings != ()


def test_a_real_value_that_nobody_invents_is_a_finding_at_once() -> None:
    """One cell is enough where chance is none: no count has to pile up first."""
    content = with_cell("name", "zoe.ohara@mail.example.org").to_csv(index=False).encode()
    (finding,) = [
        part
        for part in found("synthetic.csv", content).findings
        if (part.where, part.kind) == ("column name", "personal value")
    ]
    assert finding.count == 1


def test_what_chance_explains_in_the_table_is_a_finding_elsewhere() -> None:
    leak_patterns = replace(LEAK_PATTERNS, values={"C00000001": LeakKind.IDENTIFIER})
    assert (
        found("synthetic.csv", table().to_csv(index=False).encode(), leak_patterns).findings == ()
    )
    assert found("report.html", b"<p>C00000001</p>", leak_patterns).findings != ()


@pytest.mark.parametrize(
    "pattern", ["C{:08d}", "{}", "SYN-{:05d}-X", "{:x}", "id{{{}}}", "{:,}", "ab{:o}"]
)
def test_all_that_is_invented_could_be_invented(pattern: str) -> None:
    kinds = [Kind.NAME, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS, Kind.TEXT]
    columns = (
        Invented(name="id", kind=Kind.IDENTIFIER, pattern=pattern),
        *(Invented(name=kind, kind=kind) for kind in kinds),
    )
    made = invent(
        replace(SCHEMA, columns=columns),
        3_000,
        first_serial=1,
        customers=np.arange(3_000),
        rng=np.random.default_rng(1),
    )
    for column in columns:
        assert all(could_be_invented(column, value) for value in made[column.name])
        assert not any(
            could_be_invented(column, value)
            for value in ("Zoé O'Hara", "K1Z", "zoe@mail.org", "12 High Road", "")
        )


# --- patterns and names


@pytest.mark.parametrize(
    "text",
    [
        "zoe@firm.co.uk",
        "+49 30 1234567",
        "0044 20 7946 0958",
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "4111 1111 1111 1111",
        "378282246310005",
        "078-05-1120",
        "QQ123456C",
        "RSSMRA85T10A562S",
    ],
)
def test_texts_that_look_like_pii(text: str) -> None:
    assert list(looks_like_pii(f"see {text}, please")) != []
    assert found("report.html", f"<p>{text}</p>".encode()).findings[0].kind is LeakKind.PATTERN
    assert (
        found(
            "report.html",
            f"<p>{text}</p>".encode(),
            replace(LEAK_PATTERNS, declared=f"call {text}"),
        ).findings
        == ()
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T08:00:00+00:00",
        "+00 555 0000017",
        "alex.ash.17@example.com",
        "DE89 3704 0044 0532 0130 01",
        "4111 1111 1111 1112",
        "0.4111111111111111",
        "1e+06",
        "9007199254740993",
        "0,100 12.50,30.25 100,100",
        "a" * 64,
        "8f" * 32,
    ],
)
def test_texts_that_do_not(text: str) -> None:
    assert list(looks_like_pii(f"see {text}, please")) == []


def test_every_internal_figure_of_the_vocabulary_is_known_by_name_and_no_public_one() -> None:
    for name, fact in fact_vocabulary().items():
        assert bool(internal_names().search(f'"{name}"'.encode())) == (
            fact.exposure == "internal"
        ), name
    for public in (
        b"policy internal-analytics, audit. Then",
        b"my-audit.json",
        b"guarantee.epsilon",
    ):
        assert not internal_names().search(public)


def test_internal_names_are_looked_for_without_a_table() -> None:
    nothing = LeakPatterns()
    for name, put in PLACES.values():
        assert found(name, put("utility.tstr_auc"), nothing).findings != ()
        assert found(name, put("zoe.ohara@mail.example.org"), nothing).findings == ()
    assert (
        found(
            "report.html", b"utility.tstr_auc", LeakPatterns(declared="column utility.tstr_auc")
        ).findings
        == ()
    )


# --- the search itself


@settings(max_examples=150)
@given(
    st.lists(st.text("ab cé1", min_size=6, max_size=12), min_size=1, max_size=6, unique=True),
    st.text("ab cé1", max_size=80),
)
def test_the_search_finds_exactly_what_a_plain_search_finds(values: list[str], text: str) -> None:
    data = text.encode()
    expected = sorted(
        (value.encode(), place)
        for value in values
        for place in range(len(data))
        if data.startswith(value.encode(), place)
    )
    hits = list(Matcher(dict.fromkeys(values, LeakKind.TEXT)).hits(data))
    assert sorted(hit.value for hit in hits) == [value for value, _ in expected]


@pytest.mark.parametrize("shift", [-40, -12, -1, 0, 1, 12])
def test_a_value_across_two_blocks_is_found_once(shift: int) -> None:
    data = b" " * (_BLOCK + shift) + b"K00017-B" + b" " * (_BLOCK + 100) + b"K00017-B"
    hits = list(Matcher({"K00017-B": LeakKind.IDENTIFIER}).hits_of(io.BytesIO(data)))
    assert [hit.whole for hit in hits] == [True, True]
    inside = b" " * (_BLOCK + shift - 1) + b"XK00017-B"
    assert [
        hit.whole for hit in Matcher({"K00017-B": LeakKind.IDENTIFIER}).hits_of(io.BytesIO(inside))
    ] == [False]


def test_a_large_table_is_searched_block_by_block() -> None:
    """60,000 e-mail addresses in 24 MB.

    Memory grows with the addresses and one block, not with the file.
    """
    values = {f"user.{serial}@mail.example.org"[:32]: LeakKind.PII for serial in range(60_000)}
    line = b"C00000017,Robin Ash,robin.ash.17@example.com,basic plan,1234\n"
    data = line * (24_000_000 // len(line)) + b"user.59999@mail.example.org\n"
    matcher = Matcher(values)
    tracemalloc.start()
    hits = list(matcher.hits_of(io.BytesIO(data)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [hit.value for hit in hits] == [b"user.59999@mail.example.org"]
    assert peak < 200e6
