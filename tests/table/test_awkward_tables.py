"""Awkward columns as practice has them, and what is right for each: one table, one column a line.

Each is drafted as it is and as its neighbour, a plain column. Then the draft is written and read,
the table is held against it, and what comes back must look as it came.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from privgan.drafting.draft import draft_schema
from privgan.drafting.notes import Topic
from privgan.drafting.suspicions import suspicions
from privgan.schema.columns import Discrete, Invented, Kind, OpenCategorical, Role
from privgan.table.conform import conform, violations
from privgan.table.presenting import as_written, presented
from privgan.table.schema_file import dump_schema, parse_schema

ROWS = 400
START = dt.datetime(2019, 1, 1)
Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """One awkward column.

    Attributes:
        name: The column's name.
        make: Its values.
        kind: What it is.
        facts: What its draft states.
        told: Words of a note that must be there.
        misfits: How many values do not fit.
        form: Whether what comes back looks as it came.
    """

    name: str
    make: Callable[[Rng], Any]
    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    told: str = ""
    misfits: int = 0
    form: bool = True


def moments(rng: Rng, days: int = 1_500) -> list[dt.datetime]:
    return [START + dt.timedelta(seconds=int(s)) for s in rng.integers(0, days * 86_400, ROWS)]


def written(pattern: str, days: int = 1_500) -> Callable[[Rng], list[str]]:
    return lambda rng: [moment.strftime(pattern) for moment in moments(rng, days)]


def each(
    text: Callable[[float], str], low: float = 0.0, high: float = 1.0
) -> Callable[[Rng], list[str]]:
    return lambda rng: [text(x) for x in rng.uniform(low, high, ROWS)]


def now_and_then(
    make: Callable[[Rng], list[str]], other: str, share: float
) -> Callable[[Rng], list[str]]:
    def made(rng: Rng) -> list[str]:
        return [
            other if x < share else text
            for x, text in zip(rng.random(ROWS), make(rng), strict=True)
        ]

    return made


def once(make: Callable[[Rng], list[str]], *others: str) -> Callable[[Rng], list[str]]:
    return lambda rng: [*others, *make(rng)][:ROWS]


def euros(x: float) -> str:
    return f"{x:,.2f}".translate(str.maketrans(",.", ".,"))


def checked(text: str, weight: int) -> str:
    """Digits with a check digit: weight 2 as cards have it, 3 as articles have it."""
    weighed = [weight * int(digit) for digit in text[::-1][::2]]
    total = sum(map(int, text[::-1][1::2])) + sum(
        sum(divmod(x, 10)) if weight == 2 else x for x in weighed
    )
    return f"{text}{-total % 10}"


def indian(x: int) -> str:
    text = str(x) if x < 1_000 else f"{x % 1_000:03d}"
    rest = str(x // 1_000) if x >= 1_000 else ""
    while rest:
        text, rest = f"{rest[-2:]},{text}", rest[:-2]
    return text


def among(*texts: Any) -> Callable[[Rng], list[Any]]:
    return lambda rng: [texts[place] for place in rng.integers(0, len(texts), ROWS)]


def serials(text: Callable[[int], str]) -> Callable[[Rng], list[str]]:
    return lambda rng: [text(int(x)) for x in rng.permutation(10 * ROWS)[:ROWS]]


WHOLE = each(lambda x: str(int(x)), 0, 90_000)
CENTS = each(lambda x: f"{x:.2f}", 0, 900)

CASES: dict[str, Case] = {
    # Moments.
    "ISO with microseconds and Z": Case(
        "at",
        written("%Y-%m-%dT%H:%M:%S.250000Z"),
        Kind.DATETIME,
        {"format": "%Y-%m-%dT%H:%M:%S.%6fZ"},
        "fractions",
        form=False,
    ),
    "ISO with an offset without colon": Case(
        "at", written("%Y-%m-%dT%H:%M:%S-0500"), Kind.DATETIME, {"format": "%Y-%m-%dT%H:%M:%S-0500"}
    ),
    "offsets that vary with summer time": Case(
        "at",
        lambda rng: [
            m.strftime(f"%Y-%m-%dT%H:%M:%S+0{1 + (3 < m.month < 11)}:00") for m in moments(rng)
        ],
        Kind.DATETIME,
        {"format": "%Y-%m-%dT%H:%M:%S%z", "zone": "UTC"},
        "offsets vary",
        form=False,
    ),
    "compact with a time": Case(
        "at", written("%Y%m%dT%H%M%S"), Kind.DATETIME, {"format": "%Y%m%dT%H%M%S"}
    ),
    "fourteen digits": Case(
        "at", written("%Y%m%d%H%M%S"), Kind.DATETIME, {"format": "%Y%m%d%H%M%S"}
    ),
    "eight digits, open ended": Case(
        "valid_to",
        now_and_then(written("%Y%m%d"), "99991231", 0.3),
        Kind.DATE,
        {
            "format": "%Y%m%d",
            "special_values": (dt.datetime(9999, 12, 31),),
            "upper": dt.datetime(2023, 12, 31),
        },
    ),
    "eight digits, zeros where there is no day": Case(
        "closed",
        now_and_then(written("%Y%m%d"), "00000000", 0.2),
        Kind.DATE,
        {"format": "%Y%m%d", "missing_markers": ("00000000",), "missing": True},
    ),
    "eight digits as numbers": Case(
        "day",
        lambda rng: [int(m.strftime("%Y%m%d")) for m in moments(rng)],
        Kind.DATE,
        {"format": "%Y%m%d"},
        form=False,
    ),
    "eight digits that are no days": Case(
        "amount", each(lambda x: str(int(x)), 2e7, 9e7), Kind.INTEGER, {"format": ""}
    ),
    "German days": Case("tag", written("%d.%m.%Y"), Kind.DATE, {"format": "%d.%m.%Y"}),
    "months first": Case("day", written("%m/%d/%Y"), Kind.DATE, {"format": "%m/%d/%Y"}),
    "months first by one value in four hundred": Case(
        "day", once(written("%m/05/%Y"), "01/31/2020"), Kind.DATE, {"format": "%m/%d/%Y"}
    ),
    "days and months alike": Case(
        "day", written("%m/05/%Y"), Kind.DATE, {"format": "%d/%m/%Y"}, "told apart in no value"
    ),
    "long English months": Case("day", written("%d %B %Y"), Kind.DATE, {"format": "%d %B %Y"}),
    "American months": Case("day", written("%B %d, %Y"), Kind.DATE, {"format": "%B %d, %Y"}),
    "SAS days": Case(
        "day",
        lambda rng: [m.strftime("%d%b%Y") for m in moments(rng)],
        Kind.DATE,
        {"format": "%d%b%Y"},
    ),
    "mail's moments": Case(
        "sent",
        written("%a, %d %b %Y %H:%M:%S +0000"),
        Kind.DATETIME,
        {"format": "%a, %d %b %Y %H:%M:%S +0000"},
    ),
    "Chinese days": Case("日期", written("%Y年%m月%d日"), Kind.DATE, {"format": "%Y年%m月%d日"}),
    "AM and PM": Case(
        "at", written("%m/%d/%Y %I:%M %p"), Kind.DATETIME, {"format": "%m/%d/%Y %I:%M %p"}
    ),
    "a time of day to the second": Case(
        "at", written("%H:%M:%S"), Kind.DATETIME, {"format": "%H:%M:%S"}
    ),
    "always midnight": Case(
        "day", written("%Y-%m-%d 00:00:00"), Kind.DATE, {"format": "%Y-%m-%d 00:00:00"}
    ),
    "births with two digits": Case(
        "dob",
        lambda rng: [
            dt.date(y, m, 5).strftime("%d/%m/%y")
            for y, m in zip(rng.integers(1930, 2012, ROWS), rng.integers(1, 13, ROWS), strict=True)
        ],
        Kind.DATE,
        {"format": "%d/%m/%y", "lower": dt.datetime(1930, 1, 1), "role": Role.QUASI_IDENTIFIER},
    ),
    "old days": Case(
        "built",
        lambda rng: [f"{y:04d}-07-14" for y in [1, *rng.integers(1, 1_700, ROWS - 1)]],
        Kind.DATE,
        {"lower": dt.datetime(1, 1, 1), "special_values": ()},
    ),
    "days with 1900-01-01 for none": Case(
        "seen",
        now_and_then(written("%Y-%m-%d"), "1900-01-01", 0.1),
        Kind.DATE,
        {"special_values": (dt.datetime(1900, 1, 1),), "lower": dt.datetime(2019, 1, 1)},
        "special_values",
    ),
    "days with 1970-01-01 00:00:00 for none": Case(
        "seen",
        now_and_then(written("%Y-%m-%d %H:%M:%S"), "1970-01-01 00:00:00", 0.05),
        Kind.DATETIME,
        {"special_values": (dt.datetime(1970, 1, 1),), "lower": dt.datetime(2019, 1, 1)},
    ),
    "days with words for none": Case(
        "day",
        now_and_then(written("%Y-%m-%d"), "n.a.", 0.1),
        Kind.DATE,
        {"missing": True, "missing_markers": ("n.a.",)},
    ),
    "one day that is none": Case(
        "day", once(written("%d.%m.%Y"), "31.02.2020"), Kind.DATE, misfits=1
    ),
    "months of two years": Case("month", written("%Y-%m", 700), Kind.CATEGORICAL),
    "months without a sign": Case("period", written("%Y%m", 700), Kind.CATEGORICAL),
    "months with names": Case("period", written("%b %Y", 700), Kind.CATEGORICAL),
    "a zone of a database": Case(
        "at",
        lambda rng: pd.DatetimeIndex(moments(rng)).tz_localize("Asia/Tokyo"),
        Kind.DATETIME,
        {"zone": "Asia/Tokyo"},
        form=False,
    ),
    # Numbers.
    "dollars": Case(
        "price",
        each(lambda x: f"${x:,.2f}", 1, 90_000),
        Kind.FLOAT,
        {"format": "$#,##0.00", "decimals": 2},
    ),
    "dollars below zero": Case(
        "gain",
        each(lambda x: f"{'-' if x < 0 else ''}${abs(x):,.2f}", -9e3, 9e3),
        Kind.FLOAT,
        {"format": "$#,##0.00"},
    ),
    "euros behind": Case(
        "preis", each(lambda x: f"{euros(x)} €", 1, 90_000), Kind.FLOAT, {"format": "#.##0,00 €"}
    ),
    "the currency's letters": Case(
        "price", each(lambda x: f"EUR {x:.2f}", 1, 900), Kind.FLOAT, {"format": "EUR 0.00"}
    ),
    "Swiss thousands": Case(
        "betrag",
        each(lambda x: f"{x:,.2f}".replace(",", "'"), 1, 9e4),
        Kind.FLOAT,
        {"format": "#'##0.00"},
    ),
    "French thousands": Case(
        "prix",
        each(lambda x: f"{x:,.2f}".translate(str.maketrans(",.", "\u202f,")), 1, 9e4),
        Kind.FLOAT,
        {"format": "#\u202f##0,00"},
    ),
    "thousands by commas": Case(
        "count", each(lambda x: f"{x:,.0f}", 1, 9e5), Kind.INTEGER, {"format": "#,##0"}, "one sign"
    ),
    "thousands by points": Case(
        "anzahl",
        each(lambda x: f"{x:,.0f}".replace(",", "."), 1, 9e6),
        Kind.INTEGER,
        {"format": "#.##0"},
    ),
    "a decimal comma": Case(
        "wert", each(lambda x: f"{x:.3f}".replace(".", ","), 0, 9), Kind.FLOAT, {"decimals": 3}
    ),
    "brackets below zero": Case(
        "net",
        each(lambda x: f"({-x:,.2f})" if x <= -0.01 else f"{abs(x):,.2f}", -9e3, 9e3),
        Kind.FLOAT,
        {"format": "#,##0.00;(#,##0.00)", "lower": -1e4},
    ),
    "dollars in brackets": Case(
        "net",
        each(lambda x: f"(${-x:,.2f})" if x <= -0.01 else f"${abs(x):,.2f}", -9e3, 9e3),
        Kind.FLOAT,
        {"format": "$#,##0.00;($#,##0.00)"},
    ),
    "whole numbers in brackets": Case(
        "net",
        each(lambda x: f"({-int(x)})" if x <= -1 else f"{abs(int(x))}", -9e3, 9e3),
        Kind.INTEGER,
        {"format": "0;(0)"},
    ),
    "a minus behind": Case(
        "saldo",
        each(lambda x: f"{-x:.2f}-" if x <= -0.01 else f"{abs(x):.2f}", -900, 900),
        Kind.FLOAT,
        {"format": "0.00;0.00-"},
    ),
    "a minus that is no hyphen": Case(
        "delta",
        each(lambda x: f"{x:.1f}".replace("-", "−"), -90, 90),
        Kind.FLOAT,
        {"format": "0.0;−0.0", "lower": -100.0},
    ),
    "Indian thousands": Case(
        "income",
        serials(lambda x: indian(12_345 + 987_653 * x)),
        Kind.INTEGER,
        {"format": "#,##,##0"},
    ),
    "Indian rupees": Case(
        "income",
        serials(lambda x: f"₹{indian(98_765 * x)}.50"),
        Kind.FLOAT,
        {"format": "₹#,##,##0.00", "decimals": 2},
    ),
    "per cent": Case("share", each(lambda x: f"{x:.1f}%", 0, 100), Kind.FLOAT, {"format": "0.0%"}),
    "per cent with a space": Case(
        "anteil",
        each(lambda x: f"{x:.1f} %".replace(".", ","), 0, 100),
        Kind.FLOAT,
        {"format": "0,0 %"},
    ),
    "a unit behind": Case(
        "weight", each(lambda x: f"{x:.1f} kg", 40, 120), Kind.FLOAT, {"format": "0.0 kg"}
    ),
    "two decimals, always": Case("spend", CENTS, Kind.FLOAT, {"format": "0.00", "decimals": 2}),
    "zeros at the end left out": Case(
        "spend", each(lambda x: f"{round(x, 2):g}", 0, 99), Kind.FLOAT, {"format": "0.##"}
    ),
    "whole numbers as floats": Case(
        "count", each(lambda x: f"{int(x)}.0", 0, 900), Kind.INTEGER, {"format": "0.0"}
    ),
    "tiny numbers": Case(
        "p_value",
        each(lambda x: f"{10**x:.2e}", -11, -3),
        Kind.FLOAT,
        {"format": "0.00e+00"},
        form=False,
    ),
    "many digits": Case(
        "latitude", each(lambda x: f"{x:.7f}", -90, 90), Kind.FLOAT, {"decimals": 7}
    ),
    "computed floats": Case(
        "v",
        lambda rng: (rng.integers(1, 900, ROWS) * 0.1).tolist(),
        Kind.FLOAT,
        {"decimals": 1},
        form=False,
    ),
    "a number too large once": Case(
        "v", once(CENTS, "1e400"), Kind.FLOAT, misfits=1, told="infinite"
    ),
    "numbers of all sizes": Case(
        "v", each(lambda x: repr(10 ** float(x)), -300, 300), Kind.TEXT, told="no bounds"
    ),
    "a slip": Case("amount", once(WHOLE, "12a"), Kind.INTEGER, misfits=1),
    "a number with a word": Case(
        "v",
        now_and_then(CENTS, "unknown", 0.05),
        Kind.FLOAT,
        {"missing_markers": ("unknown",), "missing": True},
    ),
    "a number with a word that nobody knows": Case(
        "v",
        now_and_then(CENTS, "ausstehend", 0.05),
        Kind.FLOAT,
        {"missing_markers": ("ausstehend",)},
    ),
    "a number with two words": Case(
        "v",
        now_and_then(now_and_then(CENTS, "N/A", 0.05), "-", 0.05),
        Kind.FLOAT,
        {"missing": True},
        form=False,
    ),
    "numbers with three ways to be missing": Case(
        "v",
        now_and_then(now_and_then(now_and_then(CENTS, "NA", 0.05), "n/a", 0.05), "", 0.1),
        Kind.FLOAT,
        {"missing_markers": ("", "NA", "n/a")},
        form=False,
    ),
    "-999 for none": Case(
        "v",
        now_and_then(WHOLE, "-999", 0.1),
        Kind.INTEGER,
        {"special_values": (-999.0,), "lower": 0.0},
        "special_values",
    ),
    "-1 for never": Case(
        "days",
        now_and_then(WHOLE, "-1", 0.3),
        Kind.INTEGER,
        {"special_values": (-1.0,), "lower": 0.0},
    ),
    "99 beside ages": Case(
        "age",
        now_and_then(each(lambda x: str(int(x)), 18, 80), "999", 0.03),
        Kind.INTEGER,
        {"special_values": (999.0,), "upper": 80.0, "role": Role.QUASI_IDENTIFIER},
    ),
    "-999 and -998 for none": Case(
        "v",
        now_and_then(now_and_then(WHOLE, "-999", 0.05), "-998", 0.04),
        Kind.INTEGER,
        {"special_values": (-999.0, -998.0)},
    ),
    "two sentinels far above": Case(
        "v",
        now_and_then(
            now_and_then(each(lambda x: str(int(x)), 0, 9_000), "99998", 0.04), "99999", 0.06
        ),
        Kind.INTEGER,
        {"special_values": (99_998.0, 99_999.0), "upper": 9_000.0},
    ),
    "two sentinels that no program uses": Case(
        "v",
        now_and_then(
            now_and_then(each(lambda x: str(int(x)), 0, 9_000), "50000", 0.04), "50001", 0.06
        ),
        Kind.INTEGER,
        {"special_values": (50_000.0, 50_001.0), "upper": 9_000.0},
    ),
    "99.9 for no temperature": Case(
        "temp",
        now_and_then(each(lambda x: f"{x:.1f}", 35, 42), "99.9", 0.04),
        Kind.FLOAT,
        {"special_values": (99.9,), "lower": 35.0, "upper": 42.0},
    ),
    "0 for an unknown age": Case(
        "age",
        now_and_then(each(lambda x: str(int(x)), 18, 80), "0", 0.05),
        Kind.INTEGER,
        {"special_values": (0.0,), "lower": 15.0},
    ),
    "a structural zero": Case(
        "spend", now_and_then(CENTS, "0.00", 0.4), Kind.FLOAT, {"special_values": (0.0,)}
    ),
    "no sentinel at all": Case(
        "v",
        each(lambda x: str(round(math.tan(x) * 900)), -1, 1),
        Kind.INTEGER,
        {"special_values": ()},
    ),
    "few numbers": Case(
        "stars",
        among("1", "2", "3", "4", "5"),
        Kind.ORDINAL,
        {"categories": ("1", "2", "3", "4", "5")},
    ),
    "few numbers with a word": Case("floor", among("1", "2", "3", "EG"), Kind.CATEGORICAL),
    "0 and 1": Case("flag", among("0", "1"), Kind.ORDINAL),
    "integers beyond 2^53": Case(
        "amount", serials(lambda x: str(2**60 + 7 * x)), Kind.IDENTIFIER, form=False
    ),
    "a few integers beyond 2^53": Case(
        "code", among(*(str(2**60 + x) for x in range(5))), Kind.CATEGORICAL
    ),
    "money of a database": Case(
        "v",
        lambda rng: pa.array(
            [decimal.Decimal(f"{x:.2f}") for x in rng.uniform(0, 900, ROWS)], pa.decimal128(12, 2)
        ),
        Kind.FLOAT,
        {"decimals": 2, "format": "0.00"},
        form=False,
    ),
    "infinite floats": Case(
        "v",
        lambda rng: np.where(np.arange(ROWS) < 9, np.inf, rng.uniform(0, 1, ROWS)),
        Kind.FLOAT,
        {},
        "infinite",
        9,
        form=False,
    ),
    # Durations.
    "hours beyond a day": Case(
        "worked",
        each(lambda x: f"{int(x)}:{int(x * 7) % 60:02d}:00", 1, 90),
        Kind.INTEGER,
        {"format": "[h]:mm:ss"},
    ),
    "tenths of seconds": Case(
        "took",
        each(
            lambda x: (
                f"{int(x) // 600:02d}:{int(x) // 10 % 60:02d}"
                f":{int(x * 60) % 60:02d}.{int(x * 99) % 10}"
            ),
            1,
            50_000,
        ),
        Kind.FLOAT,
        {"format": "[hh]:mm:ss.0", "decimals": 1},
    ),
    "ISO durations": Case(
        "took",
        each(lambda x: f"PT{int(x) + 1}H{int(x * 9) % 59 + 1}M", 0, 90),
        Kind.INTEGER,
        {"format": "PT"},
    ),
    "milliseconds of a frame": Case(
        "took",
        lambda rng: pd.to_timedelta(rng.integers(0, 9_999_999, ROWS), unit="ms"),
        Kind.FLOAT,
        {"format": "[h]:mm:ss.000", "decimals": 3},
        form=False,
    ),
    "bins of a frame": Case(
        "bin", lambda rng: pd.cut(pd.Series(rng.uniform(0, 90, ROWS)), 5), Kind.CATEGORICAL
    ),
    "durations of a frame": Case(
        "took",
        lambda rng: pd.to_timedelta(rng.integers(0, 9_999, ROWS), unit="s"),
        Kind.INTEGER,
        {"format": "[h]:mm:ss"},
        form=False,
    ),
    # Truth values.
    "yes and no": Case("active", among("yes", "no"), Kind.BOOLEAN, {"categories": ("no", "yes")}),
    "Ja and Nein": Case("aktiv", among("Ja", "Nein"), Kind.BOOLEAN, {"categories": ("Nein", "Ja")}),
    "T and F": Case("active", among("T", "F"), Kind.BOOLEAN, {"categories": ("F", "T")}),
    "да and нет": Case("x", among("да", "нет"), Kind.BOOLEAN, {"categories": ("нет", "да")}),
    "on, off and nothing": Case(
        "x", among("on", "off", ""), Kind.BOOLEAN, {"categories": ("off", "on"), "missing": True}
    ),
    "M and F": Case("gender", among("M", "F"), Kind.CATEGORICAL, {"role": Role.QUASI_IDENTIFIER}),
    "truth values of a frame": Case(
        "x", lambda rng: rng.random(ROWS) < 0.5, Kind.BOOLEAN, form=False
    ),
    # Codes, identifiers and personal data.
    "postcodes": Case(
        "zip",
        among(*(f"{x:05d}" for x in range(501, 9_000, 97))),
        Kind.CATEGORICAL,
        {"role": Role.QUASI_IDENTIFIER},
    ),
    "postcodes without zeros": Case(
        "plz", among(*(str(x) for x in range(10_115, 14_200, 97))), Kind.CATEGORICAL
    ),
    "postcodes, each seldom": Case(
        "postal_code",
        serials(lambda x: f"{x:05d}"),
        Kind.CATEGORICAL,
        {"other": "other"},
        "measured",
    ),
    "British postcodes, each seldom": Case(
        "postcode",
        serials(lambda x: f"AB{x % 90 + 1} {x // 90}XY"),
        Kind.CATEGORICAL,
        {"other": "other"},
        "measured",
    ),
    "codes with one zero in front": Case(
        "branch", among("0999", *(str(x) for x in range(1_000, 1_060))), Kind.CATEGORICAL
    ),
    "identifiers with a prefix": Case(
        "member",
        serials(lambda x: f"C-{x:07d}"),
        Kind.IDENTIFIER,
        {"pattern": "C-{:07d}"},
        form=False,
    ),
    "identifiers with a suffix": Case(
        "ticket_id",
        serials(lambda x: f"T{x:05d}/EU"),
        Kind.IDENTIFIER,
        {"pattern": "T{:05d}/EU"},
        form=False,
    ),
    "UUIDs": Case(
        "key",
        lambda rng: [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(ROWS)],
        Kind.IDENTIFIER,
        {"pattern": "00000000-0000-4000-8000-{:012x}"},
        form=False,
    ),
    "hashes": Case(
        "token",
        lambda rng: [rng.bytes(16).hex() for _ in range(ROWS)],
        Kind.IDENTIFIER,
        {"pattern": "{:032x}"},
        form=False,
    ),
    "references of 64 bits": Case(
        "ref", serials(lambda x: str(9_000_000_000_000_000_000 + x)), Kind.IDENTIFIER, form=False
    ),
    "e-mails, some missing": Case(
        "contact",
        now_and_then(serials(lambda x: f"u{x}@example.org"), "", 0.4),
        Kind.EMAIL,
        {"missing": True, "presence": True},
        form=False,
    ),
    "two e-mails": Case("team", among("a@example.org", "b@example.org"), Kind.CATEGORICAL),
    "telephones": Case("mobile", serials(lambda x: f"+49 171 {x:07d}"), Kind.PHONE, form=False),
    "telephones that no name tells": Case(
        "x", serials(lambda x: f"+491710{x:06d}"), Kind.PHONE, form=False
    ),
    "numbers of cards": Case(
        "paid_with", serials(lambda x: checked(f"49927398{x:07d}", 2)), Kind.IDENTIFIER, form=False
    ),
    "numbers of articles": Case(
        "ean", among(*(checked(f"40{x:010d}", 3) for x in range(7, 9_000, 97))), Kind.CATEGORICAL
    ),
    "telephones as digits": Case(
        "phone", serials(lambda x: f"0171{x:07d}"), Kind.PHONE, form=False
    ),
    "bands": Case("income", among("10000-20000", "20001-30000", "30001-50000"), Kind.CATEGORICAL),
    "names of people": Case("full_name", serials(lambda x: f"Ann Lee {x}"), Kind.NAME, form=False),
    "names of products": Case("product_name", among("Tea", "Cup", "Pot"), Kind.CATEGORICAL),
    "addresses of machines": Case(
        "ip_address",
        serials(lambda x: f"10.0.{x // 250}.{x % 250}"),
        Kind.TEXT,
        told="machines",
        form=False,
    ),
    "addresses of houses": Case(
        "street", serials(lambda x: f"{x} Main Street"), Kind.ADDRESS, form=False
    ),
    # Text.
    "free text": Case(
        "note",
        serials(lambda x: f"called at {x} and asked for a refund"),
        Kind.TEXT,
        told="free text",
        form=False,
    ),
    "JSON": Case(
        "payload", serials(lambda x: json.dumps({"a": x})), Kind.TEXT, told="JSON", form=False
    ),
    "a word among words": Case(
        "garage", among("brick", "wood", "none"), Kind.CATEGORICAL, {"missing": False}
    ),
    "categories, each seldom": Case(
        "shop",
        now_and_then(among(*(f"s{x}" for x in range(300))), "Berlin", 0.6),
        Kind.CATEGORICAL,
        {"other": "other"},
        "measured",
    ),
    "letters of all alphabets": Case("分段", among("黄金", "白银", "普通"), Kind.CATEGORICAL),
    "texts that YAML knows": Case(
        "x", among("no", "null", "~", "1e3", "0x1f", "{a: b}", "# c", "- d"), Kind.CATEGORICAL
    ),
    "an empty column": Case(
        "fax", lambda rng: [""] * ROWS, Kind.TEXT, {"missing": True, "empty": True}, form=False
    ),
    "nothing but blanks": Case(
        "fax", among("", " ", "\t"), Kind.TEXT, {"missing": True}, form=False
    ),
    "a dictionary of Arrow": Case(
        "x",
        lambda rng: pa.array(among("a", "b")(rng)).dictionary_encode(),
        Kind.CATEGORICAL,
        form=False,
    ),
    "a time of Arrow": Case(
        "at",
        lambda rng: pa.array([m.time() for m in moments(rng)], pa.time64("us")),
        Kind.DATETIME,
        {"format": "%H:%M:%S"},
        form=False,
    ),
    "a day of Arrow": Case(
        "day",
        lambda rng: pa.array([m.date() for m in moments(rng)], pa.date32()),
        Kind.DATE,
        {"format": "%Y-%m-%d"},
        form=False,
    ),
}


def table_of(case: Case) -> pa.Table | pd.DataFrame:
    """The awkward column beside a plain one; an Arrow table where the column is Arrow's."""
    values = case.make(np.random.default_rng(7))
    plain = (["a", "b", "b"] * ROWS)[:ROWS]
    if isinstance(values, pa.Array | pa.DictionaryArray):
        return pa.table({case.name: values, "y": plain})
    return pd.DataFrame({case.name: values, "y": plain})


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_an_awkward_column_is_drafted_right(case: Case) -> None:
    table = table_of(case)
    draft = draft_schema(table, "d", assume_public=True)
    column = draft.schema.column(case.name)
    assert column.kind is case.kind, draft.notes
    assert {name: getattr(column, name) for name in case.facts} == case.facts
    assert not case.told or any(case.told in str(note) for note in draft.notes), draft.notes
    assert parse_schema(dump_schema(draft.schema)) == draft.schema


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_an_awkward_column_fits_its_draft_and_comes_back_in_its_form(case: Case) -> None:
    table = table_of(case)
    draft = draft_schema(table, "d", assume_public=True)
    frame = table if isinstance(table, pd.DataFrame) else table.to_pandas(integer_object_nulls=True)
    found = violations(frame, draft.schema)
    assert sum(violation.count or 0 for violation in found) == case.misfits, found
    told = [note for note in draft.notes if note.topic is Topic.MISFIT]
    assert bool(case.misfits) == bool(told)
    column = draft.schema.column(case.name)
    if case.form and not isinstance(column, Invented | OpenCategorical):
        typed = conform(frame, draft.schema, on_violation="clamp")
        if column.kind is Kind.INTEGER:
            typed[case.name] = typed[case.name].astype("Int64")
        back = as_written(presented(typed, draft.schema), draft.schema)[case.name]
        same = [
            str(came) == str(text) or (not came and pd.isna(text))
            for came, text in zip(frame[case.name], back, strict=True)
        ]
        assert same.count(False) == case.misfits, [*zip(frame[case.name], back, strict=True)][
            same.index(False)
        ]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES.values() if case.kind in (Kind.CATEGORICAL, Kind.BOOLEAN)],
    ids=lambda c: c.name,
)
def test_notes_hold_no_value(case: Case) -> None:
    """What a note names is a column, a count, or a way of writing."""
    table = table_of(case)
    draft = draft_schema(table, "d")
    column = draft.schema.column(case.name)
    categories = column.categories if isinstance(column, Discrete) else ()
    words = {word for note in draft.notes for word in note.text.replace(",", " ").split()}
    assert not {text for text in categories if len(text) > 2} & (words - {"none"})


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40


MANY = 80


def repeated(text: Callable[[int], str], *others: str) -> Callable[[Rng], list[str]]:
    """Texts of 80 things in 400 rows, after some others."""
    return lambda rng: [*others, *(text(int(x)) for x in rng.integers(0, MANY, ROWS))][:ROWS]


SMALL = repeated(lambda x: str(x + 1))
UNITS: dict[str, tuple[str, Callable[[Rng], list[str]]]] = {
    **{
        f"whole numbers named {name}": (name, SMALL)
        for name in (
            *(
                "uid",
                "KdNr",
                "mrn",
                "nhs_number",
                "Personalnummer",
                "Versicherungsnummer",
                "PolicyNumber",
                "emp_no",
            ),
            *(
                "participant",
                "codigo_cliente",
                "klantnummer",
                "hhid",
                "username",
                "Kunden-Nr.",
                "session",
            ),
        )
    },
    "ids that pandas made floats": ("customer_id", repeated(lambda x: f"{x}.0")),
    "ids with thousands": ("customer_id", repeated(lambda x: f"{10_000 + x:,}")),
    "-1 for an unknown customer": ("customer_id", repeated(str, "-1", "-1")),
    "ids of one width by blanks": ("member id", repeated(lambda x: f"{x:>6}")),
    "two numbers with a point": (
        "client_id",
        repeated(lambda x: f"{10**9 + x}.{16 * 10**8 + 7 * x}"),
    ),
    "ids that a spreadsheet rounded": ("customer_id", repeated(lambda x: f"{4.5e9 + 1e7 * x:.2E}")),
    "one id that is a word": ("customer_id", repeated(str, "GUEST")),
    "customers by their names": ("customer", repeated(lambda x: f"Ann Lee{x}")),
    "people by their names": ("full_name", repeated(lambda x: f"Ann{x} Lee")),
    "people by their e-mails": ("contact", repeated(lambda x: f"u{x}@example.org")),
    "people by their telephones": ("contact", repeated(lambda x: f"+49 171 {x:07d}")),
    "UUIDs without a telling name": ("c", repeated(lambda x: str(uuid.UUID(int=2**100 + x)))),
}
MEASURES = (
    "login_count",
    "key_rate",
    "customer_age",
    "id_count",
    "model_no",
    "hash_rate",
    "order_value",
)
NO_UNITS: dict[str, tuple[str, Callable[[Rng], list[str]]]] = {
    f"whole numbers named {name}": (name, SMALL)
    for name in (
        "house_number",
        "item_number",
        "week_no",
        "num_orders",
        "casino",
        "number",
        "Hausnummer",
        "room_no",
        "n",
        *MEASURES,
    )
}


@pytest.mark.parametrize(("name", "make"), UNITS.values(), ids=list(UNITS))
def test_what_names_people_and_repeats_is_proposed_as_the_unit(
    name: str, make: Callable[[Rng], list[str]]
) -> None:
    table = table_of(Case(name, make, Kind.IDENTIFIER))
    draft = draft_schema(table, "d", assume_public=True)
    assert draft.schema.unit.column == name, draft.notes
    assert draft.schema.column(name).kind is Kind.IDENTIFIER
    assert parse_schema(dump_schema(draft.schema)) == draft.schema


@pytest.mark.parametrize(("name", "make"), NO_UNITS.values(), ids=list(NO_UNITS))
def test_what_counts_or_numbers_things_is_no_unit(
    name: str, make: Callable[[Rng], list[str]]
) -> None:
    draft = draft_schema(table_of(Case(name, make, Kind.INTEGER)), "d", assume_public=True)
    assert draft.schema.unit.column is None, draft.notes
    assert draft.schema.column(name).kind is Kind.INTEGER


def test_ids_that_look_like_days_are_told() -> None:
    make = repeated(lambda x: f"2019{x % 12 + 1:02d}{x % 28 + 1:02d}")
    draft = draft_schema(table_of(Case("customer_id", make, Kind.DATE)), "d", assume_public=True)
    assert any("looks like an id that repeats" in str(note) for note in draft.notes)


def test_serial_codes_without_a_telling_name_are_told() -> None:
    draft = draft_schema(
        table_of(Case("c", repeated(lambda x: f"C{x:05d}"), Kind.CATEGORICAL)),
        "d",
        assume_public=True,
    )
    assert any("make it the unit" in str(note) for note in draft.notes)


def test_units_that_differ_only_in_their_writing_are_told_in_draft_and_check() -> None:
    make = repeated(
        lambda x: f"u{x}@example.org", "U7@example.org", "u8@example.org ", "U9@Example.org"
    )
    table = table_of(Case("customer_id", make, Kind.IDENTIFIER))
    draft = draft_schema(table, "d", assume_public=True)
    assert any("3 differ from another only in case" in str(note) for note in draft.notes), (
        draft.notes
    )
    assert any(
        "3 differ from another only in case" in str(each)
        for each in suspicions(table, draft.schema)
    )


def test_e_mails_that_seldom_repeat_leave_the_rows_as_units() -> None:
    make = once(serials(lambda x: f"u{x}@example.org"), "a@example.org", "a@example.org")
    assert (
        draft_schema(
            table_of(Case("contact", make, Kind.EMAIL)), "d", assume_public=True
        ).schema.unit.column
        is None
    )
