"""The context of a release: who receives it, for what and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from privgan.documents import Document, load_document
from privgan.errors import DocumentError
from privgan.policy.facts import FactValue

CONTEXT_FORMAT = "privgan.context/1"
_DATES = ("expiry", "review_date")
_TEXT_KEYS = frozenset({"format", "reviewer", "purpose", "recipient", *_DATES})


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who receives a release, for what and until when; printed in the release.

    Attributes:
        reviewer: Who reviewed the release.
        purpose: What the recipient may use it for.
        recipient: Who receives it.
        expiry: Last day on which it may be used.
        review_date: Day of the review.
    """

    reviewer: str | None = None
    purpose: str | None = None
    recipient: str | None = None
    expiry: dt.date | None = None
    review_date: dt.date | None = None

    def to_json(self) -> dict[str, str]:
        """What is known, as JSON values."""
        known = {
            "reviewer": self.reviewer,
            "purpose": self.purpose,
            "recipient": self.recipient,
            "expiry": self.expiry.isoformat() if self.expiry else None,
            "review_date": self.review_date.isoformat() if self.review_date else None,
        }
        return {name: value for name, value in known.items() if value}

    def facts(self, today: dt.date) -> dict[str, FactValue]:
        """What a policy may ask; what is not known is left out, and blocks where a policy asks for it."""
        facts: dict[str, FactValue] = {f"context.{name}": value for name, value in self.to_json().items()}
        if self.expiry:
            facts["context.not_expired"] = today <= self.expiry
        return facts


def load_context(path: Path) -> Context:
    """Read a context file; DocumentError with every mistake."""
    document = load_document(path, format_name=CONTEXT_FORMAT, text_keys=_TEXT_KEYS)
    mistakes = list(_mistakes_of_dates(document))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    data = {name: str(value).strip() for name, value in document.data.items() if name != "format"}
    dates = {name: dt.date.fromisoformat(data.pop(name)) for name in _DATES if name in data}
    return Context(
        reviewer=data.get("reviewer"),
        purpose=data.get("purpose"),
        recipient=data.get("recipient"),
        expiry=dates.get("expiry"),
        review_date=dates.get("review_date"),
    )


def _mistakes_of_dates(document: Document) -> Iterator[str]:
    found = {name: document.data[name] for name in _DATES if name in document.data}
    valid = {}
    for name, text in found.items():
        try:
            valid[name] = dt.date.fromisoformat(text)
        except ValueError:
            yield document.mistake((name,), f"{name}: there is no day {text}; write YYYY-MM-DD")
    if len(valid) == len(_DATES) and valid["expiry"] < valid["review_date"]:
        yield document.mistake(("expiry",), f"expiry: {found['expiry']} is before the review on {found['review_date']}")
