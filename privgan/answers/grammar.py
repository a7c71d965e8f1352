"""Parse a question, such as ``share(y = yes) by job``.

The grammar, in which WHERE is a condition as of ``privgan sample --where``::

    question   = statistic [ "-" statistic ] { "where" WHERE | "by" COLUMN { "," COLUMN } }
    statistic  = "count" "(" [ WHERE ] ")"
               | "share" "(" WHERE [ "where" WHERE ] ")"
               | ( "sum" | "mean" | "median" ) "(" COLUMN [ "where" WHERE ] ")"
               | "quantile" "(" COLUMN "," NUMBER [ "where" WHERE ] ")"

Names and values with blanks, and names that are words of the grammar, stand in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from privgan.answers.question import Conditions, Measure, Question, Statistic
from privgan.domain.disjoint import disjoint_regions
from privgan.domain.predicates import parse_predicates
from privgan.errors import UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.files.limits import LONGEST_CONDITION
from privgan.schema.columns import Column, Numeric, Temporal
from privgan.schema.schema import Schema, next_by_name

_TOKEN = re.compile(
    r"""\s*(?P<token>"[^"]*"|'[^']*'|`[^`]*`|<=|>=|!=|==|[=<>(),]|[^\s<>=!(),"'`]+)"""
)
_EXAMPLE = (
    "write for example: share(y = yes) by job, or mean(age where y = yes) - mean(age where y = no)"
)
_NAMES = ("count", "share", "sum", "mean", "median", "quantile")
_CONDITION = "the condition"
_WHERE, _BY, _LESS = "where", "by", "-"
_MOST_BY = 2
_OF_VALUES = frozenset({Measure.MEAN, Measure.QUANTILE})


@dataclass(frozen=True)
class _Token:
    """A piece of the text, and where it stands."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The text as a word of the grammar; what stands in quotes is none."""
        return self.text.lower()

    @property
    def name(self) -> str:
        """The text without its quotes."""
        return self.text[1:-1] if self.text[0] in "\"'`" else self.text


def parse_question(text: str, schema: Schema) -> Question:
    """Parse a question against the schema.

    Args:
        text: The question.
        schema: The schema.

    Raises:
        UsageError: It cannot be read, or names what the schema does not have.
    """
    if len(text) > LONGEST_CONDITION:
        raise UsageError(
            f"the question has {len(text):,} characters, allowed: at most {LONGEST_CONDITION:,}"
        )
    return _Parser(text, schema).question()


class _Parser:
    """Reads a question from left to right.

    Args:
        text: The question.
        schema: The schema.
    """

    def __init__(self, text: str, schema: Schema) -> None:
        self._text, self._schema, self._tokens = text, schema, _tokens_of(text)

    def question(self) -> Question:
        """The question; UsageError where anything is left over."""
        statistics = [self._statistic()]
        if self._next() == _LESS:
            self._tokens.pop(0)
            statistics.append(self._statistic())
            _check_alike(statistics)
        where: Conditions = ()
        by: tuple[Column, ...] = ()
        while self._tokens:
            word = self._tokens.pop(0)
            if word.word == _WHERE and not where:
                where = self._condition(self._until(_BY))
            elif word.word == _BY and not by:
                by = self._columns(self._until(_WHERE))
            else:
                raise self._odd(word)
        return Question(text=self._text.strip(), statistics=tuple(statistics), where=where, by=by)

    def _next(self) -> str:
        return self._tokens[0].word if self._tokens else ""

    def _odd(self, token: _Token) -> UsageError:
        return UsageError(
            f"the question cannot be read at character {token.start + 1},"
            f" {shown(token.text)}; {_EXAMPLE}"
        )

    def _statistic(self) -> Statistic:
        if not self._tokens:
            raise UsageError(f"the question is empty, or ends with '{_LESS}'; {_EXAMPLE}")
        name = self._tokens.pop(0)
        if name.word not in _NAMES:
            told = f"{shown(name.text)} is no statistic{did_you_mean(name.word, list(_NAMES))}"
            raise UsageError(f"{told}; there are {', '.join(_NAMES)}; {_EXAMPLE}")
        inside, where = _divided(self._bracket(name))
        condition = self._condition(where) if where else ()
        if name.word == "count":
            return self._count(inside, condition)
        if not inside:
            raise UsageError(f"{name.word}() says not of what; {_EXAMPLE}")
        if name.word == "share":
            return Statistic(measure=Measure.SHARE, event=self._condition(inside), where=condition)
        return self._of_numbers(name.word, inside, condition)

    def _count(self, inside: Sequence[_Token], condition: Conditions) -> Statistic:
        if inside and condition:
            raise UsageError("count() has one condition: join them by 'and'")
        where = self._condition(inside) if inside else condition
        return Statistic(measure=Measure.COUNT, where=where)

    def _of_numbers(self, name: str, inside: Sequence[_Token], where: Conditions) -> Statistic:
        column = self._column(inside[0])
        if not isinstance(column, Numeric | Temporal):
            raise UsageError(
                f"{name} goes with numbers and moments; {column.name} is {column.kind}; ask for"
                " share(…) or count(…) of its values"
            )
        if name == "sum" and isinstance(column, Temporal):
            raise UsageError(f"sum goes with numbers; {column.name} is {column.kind}")
        rest = [token.text for token in inside[1:]]
        if name == "quantile":
            return Statistic(
                measure=Measure.QUANTILE, column=column, level=_level(rest), where=where
            )
        if rest:
            raise self._odd(inside[1])
        measure = {"sum": Measure.SUM, "mean": Measure.MEAN}.get(name, Measure.QUANTILE)
        level = 0.5 if measure is Measure.QUANTILE else None
        return Statistic(measure=measure, column=column, level=level, where=where)

    def _bracket(self, name: _Token) -> list[_Token]:
        """The tokens in the brackets that follow a name."""
        if self._next() != "(":
            raise UsageError(f"after {name.word} comes a bracket; {_EXAMPLE}")
        depth = 0
        for place, token in enumerate(self._tokens):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if not depth:
                inside = self._tokens[1:place]
                del self._tokens[: place + 1]
                return inside
        raise UsageError(f"a bracket after {name.word} is not closed; {_EXAMPLE}")

    def _until(self, word: str) -> list[_Token]:
        """The tokens up to a word of the grammar, or to the end."""
        place = _place_of(self._tokens, word)
        found = self._tokens[:place]
        del self._tokens[: len(found)]
        return found

    def _condition(self, tokens: Sequence[_Token]) -> Conditions:
        if not tokens:
            raise UsageError(f"after '{_WHERE}' comes a condition; {_EXAMPLE}")
        text = self._text[tokens[0].start : tokens[-1].end]
        found = parse_predicates(text, self._schema, place=_CONDITION)
        disjoint_regions(found, place=_CONDITION)
        return found

    def _columns(self, tokens: Sequence[_Token]) -> tuple[Column, ...]:
        names = [token for token in tokens if token.text != ","]
        if not names or [token.text for token in tokens[1::2]] != [","] * (len(names) - 1):
            raise UsageError(f"after '{_BY}' come columns with commas between them; {_EXAMPLE}")
        if len(names) > _MOST_BY:
            raise UsageError(f"'{_BY}' takes at most {_MOST_BY} columns, and has {len(names)}")
        found = tuple(self._column(token) for token in names)
        if len({column.name for column in found}) < len(found):
            raise UsageError(f"'{_BY}' names {found[0].name} twice")
        return found

    def _column(self, token: _Token) -> Column:
        name, names = token.name, [column.name for column in self._schema.modelled]
        if name in names:
            return next_by_name(self._schema.modelled, name)
        if name in self._schema.names:
            raise UsageError(f"{shown(name)} is invented: nothing was measured of it")
        known = ", ".join(names[:20])
        raise UsageError(f"{shown(name)} is no column{did_you_mean(name, names)}; columns: {known}")


def _tokens_of(text: str) -> list[_Token]:
    found, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise UsageError(f"the question cannot be read at character {position + 1}; {_EXAMPLE}")
        found.append(_Token(match["token"], match.start("token"), match.end()))
        position = match.end()
    return found


def _place_of(tokens: Sequence[_Token], word: str) -> int:
    """The first place of a word outside of brackets; their number where it is not there."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth and token.word == word:
            return place
    return len(tokens)


def _divided(inside: Sequence[_Token]) -> tuple[Sequence[_Token], Sequence[_Token]]:
    """What stands before the word ``where``, and after it."""
    place = _place_of(inside, _WHERE)
    if place == len(inside) - 1:
        raise UsageError(f"after '{_WHERE}' comes a condition; {_EXAMPLE}")
    return inside[:place], inside[place + 1 :]


def _level(rest: Sequence[str]) -> float:
    """The level of a quantile, written ``, 0.9``."""
    try:
        comma, number = rest
        level = float(number)
    except ValueError:
        comma, level = "", 0.0
    if comma != "," or not 0 < level < 1:
        raise UsageError("a quantile has a level above 0 and below 1: quantile(age, 0.9)")
    return level


def _check_alike(statistics: Sequence[Statistic]) -> None:
    """Check that a difference is of two figures in one unit."""
    first, second = (one.measure for one in statistics)
    if first != second and not {first, second} <= _OF_VALUES:
        told = f"{first} and {second} are in different units: their difference means nothing"
        raise UsageError(f"{told}; {_EXAMPLE}")
    if any(isinstance(one.column, Temporal) for one in statistics):
        raise UsageError("differences are of numbers; ask for each moment alone")
