"""Define leak patterns (private values, PII, INTERNAL names) and match them in bytes.

Values are found by their first bytes: one numpy pass over the data, whatever their number. The few
candidate places are then looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import IO

import numpy as np

from privgan.metric import Exposure
from privgan.policy.facts import fact_vocabulary
from privgan.schema.schema import Schema

SHORTEST, SHORTEST_TEXT = 6, 8
# Reports cut long texts, so the beginning of a long value stands for all of it.
LONGEST = 32
_PREFIX = 6
_OVERLAP = 4 * LONGEST + 8
_BLOCK = 2 << 20
_TABLE_BITS = 22
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Digits and signs of numbers and moments; such a text looks like any other figure.
_FIGURE = re.compile(rb"(?=.*[0-9])[0-9.,:+\-/ ()%TZeE]+\Z")
_WORD = np.array([chr(byte).isalnum() if byte < 128 else True for byte in range(256)])


class LeakKind(StrEnum):
    """The reason why a text must not leave."""

    IDENTIFIER = "identifier"
    PII = "personal value"
    TEXT = "undeclared text"
    PATTERN = "text that looks like PII"
    INTERNAL_NAME = "name of an internal figure or file"


@dataclass(frozen=True, kw_only=True)
class LeakPatterns:
    """The leak patterns to search for. INTERNAL: it holds private values.

    Attributes:
        values: Private value to its kind, each cut to ``LONGEST`` characters.
        schema: The schema of the released table; None where no table is at hand, and only INTERNAL
            names are looked for.
        declared: Public texts: what stands in them is no finding.
    """

    values: Mapping[str, LeakKind] = field(default_factory=dict)
    schema: Schema | None = None
    declared: str = ""

    def __repr__(self) -> str:
        """The number of patterns, never a value."""
        return f"LeakPatterns({len(self.values)})"

    def declaring(self, public: str) -> LeakPatterns:
        """Add public text; values that it contains are removed.

        Args:
            public: A function of the schema, of the public grid or of the process; never of rows.
        """
        return replace(self.without(public), declared=f"{self.declared}\n{public}")

    def without(self, public: str) -> LeakPatterns:
        """Remove the values that a public text contains.

        Args:
            public: As for ``declaring``; INTERNAL names in it stay looked for.
        """
        hits = Matcher(self.values).hits(public.encode("utf-8", "replace"))
        found = {hit.value.decode() for hit in hits if hit.whole or not hit.digits}
        values = {value: kind for value, kind in self.values.items() if value not in found}
        return replace(self, values=values) if found else self


@dataclass(frozen=True)
class Hit:
    """One match of a private value.

    Attributes:
        value: The value, as UTF-8.
        kind: Its kind.
        whole: Whether it stands there by itself, not inside a longer word or number.
    """

    value: bytes
    kind: LeakKind
    whole: bool

    @property
    def digits(self) -> int:
        """The number of digits of an all-digit value, else 0."""
        return len(self.value) if self.value.isdigit() else 0

    @property
    def figure(self) -> bool:
        """Whether the value is written like a number or a moment."""
        return is_figure(self.value)


class Matcher:
    """Find any of many texts in bytes.

    Args:
        values: Text to kind; each text has at least six bytes.
    """

    def __init__(self, values: Mapping[str, LeakKind]) -> None:
        self._kinds = {value.encode(): kind for value, kind in values.items()}
        lengths: dict[int, set[int]] = {}
        for value in self._kinds:
            lengths.setdefault(int.from_bytes(value[:_PREFIX], "little"), set()).add(len(value))
        self._lengths = {prefix: tuple(sorted(found)) for prefix, found in lengths.items()}
        self._cut = {value.encode() for value in values if len(value) >= LONGEST}
        self._table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        self._table[
            _slots(np.fromiter(self._lengths, dtype=np.uint64, count=len(self._lengths)))
        ] = True

    def hits(self, data: bytes) -> Iterator[Hit]:
        """All matches in a text in memory."""
        yield from self._hits(data, 0, len(data))

    def hits_of(self, reader: IO[bytes]) -> Iterator[Hit]:
        """All matches in a file, read block by block."""
        kept, first = b"", 0
        while block := reader.read(_BLOCK):
            data = kept + block
            limit = max(first, len(data) - _OVERLAP)
            yield from self._hits(data, first, limit)
            # One byte more is kept: it says whether the next hit begins a word.
            first = 1 if limit else 0
            kept = data[limit - first :]
        yield from self._hits(kept, first, len(kept))

    def _hits(self, data: bytes, first: int, limit: int) -> Iterator[Hit]:
        if not self._kinds or len(data) < _PREFIX or first >= limit:
            return
        windows = np.ndarray(
            (len(data),), dtype="<u8", buffer=data + bytes(8), strides=(1,)
        ) & np.uint64((1 << 8 * _PREFIX) - 1)
        places = np.flatnonzero(self._table[_slots(windows[first:limit])]) + first
        for place in places.tolist():
            for length in self._lengths.get(int(windows[place]), ()):
                value = data[place : place + length]
                kind = self._kinds.get(value)
                if kind is not None:
                    yield Hit(value, kind, self._whole(data, place, value))

    def _whole(self, data: bytes, place: int, value: bytes) -> bool:
        end = place + len(value)
        if value in self._cut:  # The beginning or the end of a longer one.
            return True
        before = place > 0 and bool(_WORD[data[place - 1]]) and bool(_WORD[value[0]])
        after = end < len(data) and bool(_WORD[data[end]]) and bool(_WORD[value[-1]])
        if before or after:
            return False
        return not value.isdigit() or not _inside_number(data, place, end)


def is_figure(value: bytes) -> bool:
    """Whether a text is written like a number or a moment, so that no search can tell."""
    return bool(_FIGURE.match(value))


def _slots(prefixes: np.ndarray) -> np.ndarray:
    return (prefixes * _MULTIPLIER) >> np.uint64(64 - _TABLE_BITS)


def _inside_number(data: bytes, place: int, end: int) -> bool:
    """Whether digits belong to a decimal number such as 0.123456."""
    return data[max(0, place - 1) : place] in {b".", b","} or (
        data[end : end + 1] in {b".", b","} and data[end + 1 : end + 2].isdigit()
    )


@cache
def internal_names() -> re.Pattern[bytes]:
    """A pattern of the names of INTERNAL figures and files.

    A family that is wholly INTERNAL is matched as a whole, else each such name.
    """
    families: dict[str, set[Exposure]] = {}
    for name, fact in fact_vocabulary().items():
        families.setdefault(name.split(".")[0], set()).add(fact.exposure)
    inside = [family for family, found in sorted(families.items()) if found == {Exposure.INTERNAL}]
    single = [
        re.escape(name)
        for name, fact in sorted(fact_vocabulary().items())
        if fact.exposure is Exposure.INTERNAL and name.split(".")[0] not in inside
    ]
    names = [rf"(?:{'|'.join(inside)})\.[a-z][a-z0-9_.]*", r"internal-[a-z][a-z0-9-]*\.[a-z]+"]
    names += [rf"(?:{'|'.join(single)})(?![\w-])"] if single else []
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(names)})".encode())


_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "e-mail": re.compile(r"(?<![\w.%+-])[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"),
    "phone": re.compile(
        r"(?<![\w.+])(?<![0-9] )(?:\+|00)[1-9][0-9]{0,2}[ ()/.-]{0,2}(?:[0-9]["
        r" ()/-]{0,2}){6,12}[0-9](?![\w.])"
    ),
    "iban": re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
    "card": re.compile(r"(?<![\w.,-])[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?![\w.-])"),
    "national id": re.compile(
        r"(?<![\w.-])(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[A-Z]{2}[0-9]{6}[A-D]|[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z])(?![\w.-])"
    ),
}
_INVENTED = re.compile(r"[a-z]+\.[a-z]+\.[0-9]+@example\.com\Z|\+00 555 [0-9]{7,}\Z")


def looks_like_pii(text: str) -> Iterator[str]:
    """Find e-mail addresses and phone, account, card and national identity numbers.

    Account and card numbers need a valid checksum. Values that privgan itself invents are skipped.
    """
    for name, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            found = match.group()
            if not _INVENTED.match(found) and _CHECKSUMS.get(name, bool)(found):
                yield found


def _iban(text: str) -> bool:
    compact = text.replace(" ", "")
    digits = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return 15 <= len(compact) <= 34 and int(digits) % 97 == 1


def _luhn(text: str) -> bool:
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [
        digit if place % 2 == 0 else sum(divmod(2 * digit, 10))
        for place, digit in enumerate(digits)
    ]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0


_CHECKSUMS = {"iban": _iban, "card": _luhn}
