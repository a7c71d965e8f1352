"""Detect a text file's encoding by trying a few in a fixed order; refuse it where none fits.

UTF-8 is recognised by its form. GB18030 and Windows-1252 accept almost any bytes, so the text must
also look like their kind: common Chinese characters, or accented letters beside plain ones.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.sources.files import opened

BLOCK = 1 << 22
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_TOLD = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "gb18030": "GB18030 (recognised)",
    "cp1252": "Windows-1252 or Latin-1 (recognised)",
}
_ENOUGH = 20_000  # characters beyond ASCII that are checked
_MOSTLY = 0.8
_SIGNS = frozenset("€£¥§°²³µ½¼¾±×÷–—‘’‚“”„•…«»´·©®™ºª¿¡\u00a0")
_UTF8_CHARACTERS = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_FOREIGN = re.compile(r"[a-zA-Z]?[^\x00-\x7f]+[a-zA-Z]?")
# First bytes in GB2312: signs and full-width forms but no Japanese syllables, then the common
# characters by their sound.
_GB_SIGNS, _GB_COMMON = {0xA1, 0xA2, 0xA3}, range(0xB0, 0xD8)
_KOREAN_LAST, _KOREAN_ENOUGH = 0xC8, 30


@dataclass(frozen=True)
class Encoding:
    """Encoding of a file's bytes.

    Attributes:
        name: Python's name of the encoding.
        told: Its name for people.
    """

    name: str
    told: str


def encoding_of(path: Path, asked: str | None) -> Encoding:
    """Encoding in which the whole of a text file can be read.

    Args:
        path: The file, which may be packed.
        asked: The encoding that the owner names; None to recognise it.

    Raises:
        TableError: when it is no text in this encoding, or in any that is recognised.
    """
    if asked is not None:
        return _asked(path, asked)
    with opened(path) as stream:
        head = stream.read(4)
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        _check_readable(path, marked)
        return Encoding(marked, _TOLD[marked])
    wrong = _first_wrong_line(path, "utf-8", refuse_nul=True)
    if wrong is None:
        return Encoding("utf-8", _TOLD["utf-8"])
    return _guessed(path, wrong)


def _advice() -> str:
    return f"save it as UTF-8, or name its encoding with {parameter('encoding')}"


def _asked(path: Path, asked: str) -> Encoding:
    try:
        name = codecs.lookup(asked).name
        "".encode(name)
    except LookupError as error:
        told = "it must be an encoding such as utf-8, gb18030, cp1252 or utf-16"
        raise TableError(f"{parameter('encoding')} is {shown(asked)}; {told}") from error
    if name == "utf-8":
        name = "utf-8-sig"
    _check_readable(path, name)
    return Encoding(name, f"{asked} (as asked)")


def _check_readable(path: Path, name: str) -> None:
    wrong = _first_wrong_line(path, name, refuse_nul=not name.startswith(("utf-16", "utf-32")))
    if wrong is not None:
        raise TableError(f"{path}: line {wrong} is no text in {_TOLD.get(name, name)}; {_advice()}")


def _first_wrong_line(path: Path, name: str, *, refuse_nul: bool) -> int | None:
    """First line that cannot be read in an encoding; None where all can."""
    decoder, lines = codecs.getincrementaldecoder(name)(), 1
    with opened(path) as stream:
        for block in _blocks(stream):
            if refuse_nul and b"\0" in block:
                told = "is not a text table: it holds a NUL byte"
                raise TableError(
                    f"{path}: line {lines + block[: block.index(0)].count(10)} {told}; {_advice()}"
                )
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                return lines + block[: getattr(error, "start", 0)].count(10)
            if "\0" in text:
                raise TableError(
                    f"{path}: is not a text table: it holds a NUL character; {_advice()}"
                )
            lines += text.count("\n")
    return None


def _blocks(stream: Any) -> Iterator[bytes]:
    """All blocks, then an empty one."""
    while block := stream.read(BLOCK):
        yield block
    yield b""


def _guessed(path: Path, wrong: int) -> Encoding:
    refused = TableError(
        f"{path}: line {wrong} is not UTF-8 text, and no other encoding is recognised: it is not a"
        f" text table, or {_advice()}"
    )
    if _mostly_utf8(path):
        raise TableError(
            f"{path}: line {wrong} is not UTF-8 text although the rest is; mend that line, or name"
            f" {parameter('encoding')}"
        )
    for name, looks in (("gb18030", _looks_chinese), ("cp1252", _looks_western)):
        if _first_wrong_line(path, name, refuse_nul=True) is None and looks(_foreign(path, name)):
            return Encoding(name, _TOLD[name])
    raise refused


def _mostly_utf8(path: Path) -> bool:
    with opened(path) as stream:
        block = b"".join(_HIGH_LINES.findall(next(_blocks(stream))))
    inside = sum(map(len, _UTF8_CHARACTERS.findall(block)))
    return inside > len(_HIGH.findall(block)) / 2


_HIGH_LINES = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")


def _foreign(path: Path, name: str) -> list[str]:
    """Runs of characters beyond ASCII, each with the adjacent plain letters."""
    found: list[str] = []
    decoder = codecs.getincrementaldecoder(name)()
    with opened(path) as stream:
        for block in _blocks(stream):
            found += _FOREIGN.findall(decoder.decode(block, final=not block))
            if len(found) >= _ENOUGH:
                break
    return found[:_ENOUGH]


def _looks_chinese(runs: list[str]) -> bool:
    texts = "".join(runs)
    foreign = [character for character in texts if character > "\x7f"]
    firsts = [character.encode("gb2312", "replace")[0] for character in foreign]
    common = sum(first in _GB_SIGNS or first in _GB_COMMON for first in firsts)
    return common >= _MOSTLY * len(foreign) and not _looks_korean(set(foreign))


def _looks_korean(characters: set[str]) -> bool:
    """Whether a text looks like EUC-KR read as Chinese.

    Such text stays among the first common characters.
    """
    firsts = [character.encode("gb2312", "replace")[0] for character in characters]
    later = sum(first > _KOREAN_LAST for first in firsts)
    return len(firsts) >= _KOREAN_ENOUGH and later < 0.1 * len(firsts)


def _looks_western(runs: list[str]) -> bool:
    total = good = 0
    for run in runs:
        foreign = [character for character in run if character > "\x7f"]
        signs = sum(character in _SIGNS for character in foreign)
        letters = len(foreign) - signs
        beside = (run[0] <= "\x7f") + (run[-1] <= "\x7f")
        total += len(foreign)
        good += signs + min(letters, beside)
    return good >= _MOSTLY * total
