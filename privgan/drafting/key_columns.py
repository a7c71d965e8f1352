"""Find columns that may name rows, or rows of other tables, by their names and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct, distinct_columns
from privgan.drafting.inference import infer
from privgan.drafting.names import WORD, names_id
from privgan.drafting.reading import Shape

_ID_ENDS = frozenset({"id", "ids", "key", "no", "nr", "number", "uuid", "guid", "code", "ref"})
_PREFIXES = frozenset({"tbl", "table", "dim", "fact", "fk", "pk"})
_GLUED_ID = re.compile(r"(.{4,})(?:id|key|uuid|guid)")
_CODES = (Shape.CODE, Shape.TEXT)
_FEWEST = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class KeyColumn:
    """A column that may name rows of its table, or of another.

    Attributes:
        table: Its table.
        values: Its distinct values.
        texts: Each as a key's text [values]; a whole number read as a float is that number.
        complete: Whether every row has a value.
    """

    table: str
    values: Distinct
    texts: pa.Array
    complete: bool

    @property
    def name(self) -> str:
        """The column's name."""
        return self.values.name

    @cached_property
    def named(self) -> str:
        """What it names by its name: ``customer`` of ``customer_id``; of ``id`` its own table."""
        return _stem(self.name) or thing_of(self.table)

    @property
    def unique(self) -> bool:
        """Whether it names each row of its table alone."""
        return self.complete and len(self.texts) == self.values.rows

    @property
    def own(self) -> bool:
        """Whether it is its own table's key by its name."""
        return self.named == thing_of(self.table)

    @property
    def id_like(self) -> bool:
        """Whether its name is that of a key."""
        return self.own or names_id(self.name)

    @cached_property
    def _read_as(self) -> Shape:
        return infer(self.values).shape

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers, which stand in many columns by chance."""
        return self._read_as not in _CODES

    @property
    def a_key(self) -> bool:
        """Whether it may be a table's key."""
        if not self.unique or len(self.texts) < _FEWEST or self._read_as is Shape.MOMENT:
            return False
        return self.id_like or not self.numeric

    def found_in(self, key: KeyColumn) -> int:
        """Number of its rows with a value that names a row of the key's table."""
        return int(self.values.counts[self._known(key)].sum())

    def within(self, key: KeyColumn) -> bool:
        """Whether each of its values is one of the key's."""
        return bool(self._known(key).all())

    def _known(self, key: KeyColumn) -> pd.Series:
        found = pc.is_in(self.texts, value_set=key.texts)
        return found.to_numpy(zero_copy_only=False)


def key_columns(table: str, rows: pa.Table | pd.DataFrame) -> tuple[KeyColumn, ...]:
    """Columns of texts or whole numbers, with their distinct values."""
    return tuple(_key_columns(table, rows))


def _key_columns(table: str, rows: pa.Table | pd.DataFrame) -> Iterator[KeyColumn]:
    for values in distinct_columns(rows):
        texts = _texts(values)
        if texts is None:
            continue
        held = pc.not_equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False)
        complete = bool(held.all()) and not values.absent
        present, texts = values.only(held), texts.filter(pa.array(held))
        if len(texts):
            yield KeyColumn(table=table, values=present, texts=texts, complete=complete)


def _texts(values: Distinct) -> pa.Array | None:
    """Values as keys' texts [values]; None where they name nothing."""
    if values.is_text or pa.types.is_integer(values.type):
        return pc.cast(values.texts, pa.large_string())
    if not (pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
        return None
    try:
        return pc.cast(pc.cast(values.values, pa.int64()), pa.large_string())
    except pa.ArrowInvalid:
        return None


def thing_of(table: str) -> str:
    """What a row of a table is, by the table's name: ``order`` of ``orders``."""
    return _stem(table) or table.lower()


def _stem(name: str) -> str:
    words = [word for word in map(str.lower, WORD.findall(name)) if word not in _PREFIXES]
    while words and words[-1] in _ID_ENDS:
        words.pop()
    glued = _GLUED_ID.fullmatch(words[-1]) if words else None
    if glued is not None:
        words[-1] = glued.group(1)
    return "".join([*words[:-1], *map(_singular, words[-1:])])


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def of_tables(tables: Mapping[str, pa.Table | pd.DataFrame]) -> dict[str, tuple[KeyColumn, ...]]:
    """Table to its columns that may be keys."""
    return {name: key_columns(name, rows) for name, rows in tables.items()}
