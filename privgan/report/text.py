"""Format text for reports: safe values, and one catalogue of words per language.

Names of metrics come from their registry (:mod:`privgan.metrics`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from privgan.errors import InternalError, UsageError
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.metrics import LANGUAGES, registry
from privgan.privacy.guarantee import ReleasedGuarantee
from privgan.report.document import Look, Run, Text, plain

LONGEST_TEXT = 600
_SMALL, _LARGE = 1e-3, 1e6  # Outside these limits number() writes three digits and a power of ten.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(value: Any) -> Any:
    """Text with visible control characters and direction marks, cut to a readable length.

    It runs on everything a template prints. Markup that a template itself made passes unchanged.
    """
    if value is None:
        return ""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return short(value, LONGEST_TEXT)


def short(value: Any, limit: int = 40) -> str:
    """One-line text, cut to a limit, without invisible characters."""
    text = str(value)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(_visible(character) for character in cut)


def number(value: Any) -> str:
    """A number with up to four significant digits; a dash if there is none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return _decimal(value)


def _decimal(value: float) -> str:
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    if value == 0:
        return "0"
    if abs(value) >= 10_000 and value == int(value):
        return f"{value:,.0f}"
    if not _SMALL <= abs(value) < _LARGE:
        return scientific(value)
    return f"{value:.4g}"


def scientific(value: float) -> str:
    """A number with three significant digits, and a power of ten if needed."""
    digits, _, exponent = f"{value:.3g}".partition("e")
    return f"{digits} × 10{_raised(int(exponent))}" if exponent else digits


def ceiling_percent(value: float) -> str:
    """Upper limit as a percentage rounded upwards, with more digits near 0 and 100 %."""
    share = 100 * min(1.0, value)
    if not 0 < share < 100:
        return f"{share:g} %"
    digits = min(4, max(1, 1 - math.floor(math.log10(min(share, 100 - share)))))
    raised = math.ceil(share * 10**digits - 1e-9) / 10**digits
    return f"{raised:.{digits}f}".rstrip("0").rstrip(".") + " %"


def raised(value: float, digits: int) -> float:
    """A figure with a number of significant digits, rounded upwards.

    A printed cost is never less than the cost itself.
    """
    if not (math.isfinite(value) and value > 0):
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    if not unit:  # A figure near the limits of a float has fewer digits.
        return value
    up = math.ceil(value / unit - 1e-9) * unit
    return float(f"{up:.{digits}g}")


def cost(value: float) -> str:
    """An ε or a δ in words, rounded upwards.

    A printed cost is never less than the cost itself.
    """
    return number(raised(value, 4 if _SMALL <= value < _LARGE else 3))


def _visible(character: str) -> str:
    if unicodedata.category(character) in HIDDEN:
        return " " if character in "\t\n\r" else f"⟨U+{ord(character):04X}⟩"
    return character


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_TERMS, _PHRASES = "terms", "phrases"
Value: TypeAlias = str | int | float | Run | Text | None


@dataclass(frozen=True, eq=False)
class Words:
    """Catalogue of one language.

    Attributes:
        language: ``en`` or ``zh``.
        texts: ``group.key`` to the text, with ``{placeholders}``.
        terms: Group to the words for each value of an enumeration.
        phrases: English sentences that stand in manifests and policies, to the same in this
            language.
    """

    language: str
    texts: Mapping[str, str]
    terms: Mapping[str, Mapping[str, str]]
    phrases: Mapping[str, str]

    def __call__(self, key: str, **values: Value) -> Text:
        """A text with its placeholders filled.

        Strings are isolated as names; numbers have the reports' format.

        Raises:
            InternalError: The catalogue has no such text, or a placeholder has no value.
        """
        if key not in self.texts:
            raise InternalError(f"the catalogue {self.language} has no text {key}")
        return self._filled(key, self.texts[key], values)

    def text(self, key: str, **values: Value) -> str:
        """The filled text without looks."""
        return plain(self(key, **values))

    def term(self, group: str, value: object) -> str:
        """Word for an enumeration's value; the value itself if the catalogue has none."""
        return self.terms[group].get(str(value), str(value))

    def phrase(self, english: str) -> str:
        """Translation of a known English sentence; any other is unchanged."""
        return self.phrases.get(english, english)

    def known(self, group: str, value: object) -> bool:
        """Whether the catalogue has a word for a value."""
        return str(value) in self.terms[group]

    def percent(self, share: float) -> str:
        """A share as a percentage."""
        return self.text("number.percent", number=f"{100 * share:.3g}")

    def ceiling(self, share: float) -> str:
        """An upper limit of a share as a percentage, rounded upwards."""
        return self.text("number.percent", number=ceiling_percent(share).removesuffix(" %"))

    def cost(self, value: float | None) -> str:
        """An ε or δ, never rounded down."""
        return number(None) if value is None else cost(value)

    def condition(self, guarantee: ReleasedGuarantee) -> str:
        """The condition of an ε: the number of facts assumed to be public.

        Empty if there is none.
        """
        count = len(guarantee.conditional_facts)
        if not count:
            return ""
        return self.text(
            "guarantee.condition_one" if count == 1 else "guarantee.condition_many", count=count
        )

    def epsilon(self, guarantee: ReleasedGuarantee) -> str:
        """ε with its δ and the assumptions that it rests on."""
        epsilon, delta = self.cost(guarantee.epsilon), self.cost(guarantee.delta)
        condition = self.condition(guarantee)
        text = self.text("guarantee.epsilon", epsilon=epsilon, delta=delta)
        return (
            self.text("guarantee.epsilon_under", epsilon=text, condition=condition)
            if condition
            else text
        )

    def unit(self, schema: JsonMapping) -> Text:
        """The protected unit."""
        column, most = schema.get("unit"), schema["max_rows_per_unit"]
        if column is None:
            return self("guarantee.unit_row")
        if schema.get("events"):
            return self("guarantee.unit_events", column=column)
        if schema.get("tables"):
            return self("guarantee.unit_tables", column=column)
        return (
            self("guarantee.unit_many", column=column, most=most)
            if most > 1
            else self("guarantee.unit_one", column=column)
        )

    def _filled(self, key: str, template: str, values: Mapping[str, Value]) -> Text:
        parts = _PLACEHOLDER.split(template)
        missing = set(parts[1::2]) ^ set(values)
        if missing:
            raise InternalError(
                f"the text {key} of the catalogue {self.language} has other placeholders:"
                f" {', '.join(missing)}"
            )
        runs: list[Run] = []
        for place, part in enumerate(parts):
            runs += _runs(values[part]) if place % 2 else [Run(part)] * bool(part)
        return tuple(runs)


def _runs(value: Value) -> Text:
    if isinstance(value, tuple):
        return value
    if isinstance(value, Run):
        return (value,)
    return (Run(value, Look.NAME) if isinstance(value, str) else Run(number(value)),)


@cache
def words_of(language: str) -> Words:
    """Catalogue of a language.

    Raises:
        UsageError: There is none.
    """
    if language not in LANGUAGES:
        raise UsageError(
            f"the language is {language!r}; reports are written in {' and '.join(LANGUAGES)}"
        )
    own, english = read_catalogue(language), read_catalogue("en")
    texts = {
        f"{group}.{key}": text
        for group, part in own.items()
        if group not in {_TERMS, _PHRASES}
        for key, text in part.items()
    }
    phrases = {english[_PHRASES][key]: text for key, text in own[_PHRASES].items()}
    return Words(
        language=language, texts=texts, terms=own[_TERMS] | _metric_terms(language), phrases=phrases
    )


def _metric_terms(language: str) -> dict[str, dict[str, str]]:
    """Names of metrics in tables (``metric``) and in pictures of attacks (``attack``)."""
    entries = registry().values()
    return {
        "metric": {entry.name: entry.label[language] for entry in entries},
        "attack": {entry.name: entry.short[language] for entry in entries if entry.short},
    }


@cache
def read_catalogue(language: str) -> JsonDict:
    """Parsed catalogue file: groups of texts, ``terms`` and ``phrases``."""
    import yaml

    text = files("privgan.report").joinpath(f"texts/{language}.yaml").read_text(encoding="utf-8")
    found: JsonDict = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    return found
