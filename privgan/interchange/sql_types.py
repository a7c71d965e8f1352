"""Names of SQL types, of all common databases and of dbt, and the kinds of columns that they are."""

from __future__ import annotations

import re
from typing import Any

from privgan.interchange.moments import CLOCK
from privgan.interchange.node import words
from privgan.interchange.patterns import UUID
from privgan.table.columns import Kind

_TYPE = re.compile(r"(?P<name>[a-z_][a-z_0-9]*(?: [a-z_]+)*) *(?:\((?P<inside>[^()]*)\))?(?P<after>[a-z \[\]]*)", re.DOTALL)
_LONGEST = 500
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_INTEGERS = words(
    "int integer int2 int4 int8 int16 int32 int64 int128 bigint smallint tinyint mediumint byteint serial "
    "bigserial smallserial uint uint8 uint16 uint32 uint64 hugeint ubigint uinteger usmallint utinyint "
    "long short"
)
_FLOATS = frozenset({"float", "float4", "float8", "float16", "float32", "float64", "double", "double precision", "real"})
_DECIMALS = frozenset({"numeric", "decimal", "number", "bignumeric", "dec", "fixed"})
_MONEY = frozenset({"money", "smallmoney"})
_BOOLEANS = frozenset({"bool", "boolean", "bit", "logical"})
_MOMENTS = ("timestamp", "datetime", "smalldatetime", "timestamptz", "timestampntz", "timestampltz")
_UUIDS = frozenset({"uuid", "uniqueidentifier"})
_TEXTS = words(
    "text string varchar char character nvarchar nchar varchar2 nvarchar2 bpchar citext clob nclob "
    "longtext mediumtext tinytext ntext name"
)
_NOT_READ = words(
    "json jsonb xml bytea blob binary varbinary image raw bytes array struct map object variant super "
    "geography geometry interval inet cidr macaddr tsvector hstore list union record vector longblob "
    "mediumblob tinyblob"
)


def facts_of_type(text: str) -> dict[str, Any]:
    """What the name of a type states of a column: ``kind`` and more, as ``StatedColumn`` names them.

    Args:
        text: Such as ``NUMERIC(10, 2)`` or ``timestamp with time zone``.
    """
    found = _TYPE.fullmatch(" ".join(text[:_LONGEST].lower().split()))
    name = found["name"] if found else ""
    inside, after = (found["inside"] or "", found["after"]) if found else ("", "")
    if "[]" in after or name in _NOT_READ or name.split(" ")[0] in _NOT_READ:
        return _not_read(text)
    if name == "enum":
        return _enum(text)
    first = name.split(" ")[0].split("_")[0].rstrip("0123456789")
    if first in _MOMENTS or name.startswith("timestamp"):
        return _moment(name + after)
    facts = _number(name, inside) or _plain(name, inside)
    return facts if facts is not None else {"notes": (f"its type {text[:40]!r} has no kind of its own here",)}


def _not_read(text: str) -> dict[str, Any]:
    return {"kind": Kind.TEXT, "sure": False, "notes": (f"is {text[:40]!r}: it is invented, and not modelled",)}


def _enum(text: str) -> dict[str, Any]:
    labels = tuple(label.replace("''", "'") for label in _LABEL.findall(text))
    return {"kind": Kind.CATEGORICAL, "categories": labels or None}


def _moment(words: str) -> dict[str, Any]:
    zoned = ("tz" in words and "ntz" not in words) or "ltz" in words or ("with" in words and "without" not in words)
    return {"kind": Kind.DATETIME} | ({"zone": "UTC", "notes": ("its moments are told in UTC",)} if zoned else {})


def _number(name: str, inside: str) -> dict[str, Any] | None:
    sizes = [int(size) for size in re.findall(r"[0-9]{1,4}", inside)]
    if name == "tinyint" and sizes == [1]:
        return {"kind": Kind.BOOLEAN, "sure": False, "labels": ("0", "1")}
    if name.removesuffix(" unsigned").removesuffix(" identity") in _INTEGERS:
        return {"kind": Kind.INTEGER}
    if name.removesuffix(" unsigned") in _FLOATS:
        return {"kind": Kind.FLOAT}
    if name in _MONEY:
        return {"kind": Kind.FLOAT, "decimals": 2}
    if name in _DECIMALS and sizes:
        scale = sizes[1] if len(sizes) > 1 else 0
        return {"kind": Kind.FLOAT, "decimals": scale} if scale else {"kind": Kind.INTEGER}
    return {"kind": Kind.FLOAT} if name in _DECIMALS else None


def _plain(name: str, inside: str) -> dict[str, Any] | None:
    if name in _BOOLEANS and inside.strip() in {"", "1"}:
        return {"kind": Kind.BOOLEAN}
    if name == "date":
        return {"kind": Kind.DATE}
    if name.split(" ")[0] in {"time", "timetz"}:
        return {"kind": Kind.DATETIME, "format": CLOCK}
    if name in _UUIDS:
        return {"kind": Kind.IDENTIFIER, "pattern": UUID}
    if name in _TEXTS or name.split(" ")[0] in _TEXTS:
        return {"longest": int(inside)} if inside.strip().isdecimal() and len(inside) < _LONGEST_SIZE else {}
    return None


_LONGEST_SIZE = 12
