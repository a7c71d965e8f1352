"""Read the context of a release: recipient, purpose, end date, and statements for standards."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from privgan.errors import DocumentError
from privgan.files.documents import Document, load_document, parse_document
from privgan.policy.facts import FactValue

CONTEXT_FORMAT = "privgan.context/1"
_DATES = ("expiry", "review_date", "next_review")


@dataclass(frozen=True, kw_only=True)
class Context:
    """A person's statements about a release; printed in the release. Each may be left out.

    Attributes:
        reviewer: Reviewer of the release.
        purpose: The permitted use by the recipient.
        recipient: The recipient.
        expiry: Last day on which it may be used.
        review_date: Day of the review.
        next_review: Day by which it is to be reviewed again.
        responsible: Person responsible for the release after it was handed out.
        incident_contact: Whom to tell when somebody seems to have been identified.
        legal_basis: On what legal basis the table was collected and made into a stand-in.
        agreement: The contract or terms that forbid to identify anybody.
        safeguards: Technical and organisational measures at the recipient.
        retention: Retention period of the table and the internal files.
        impact_assessment: Reference of the impact assessment.
        available_information: Other information about the same people that the recipient may have.
        threat_model: Possible attackers and their means.
        transfer_basis: On what basis the release leaves the country or territory.
        expert: The expert who determined the risk of identification.
        expert_qualification: The expert's knowledge and experience.
        method_report: Reference of the document with methods and results of the analysis.
        data_origin: Collection of the data and its original purpose.
        preparation: Preparation of the data before the fit.
        assumptions: Assumptions on what the data measure and represent.
        suitability: Reasons why the data suffice for the purpose.
        bias_examination: Reference of the examination for biases.
        known_gaps: Known gaps and shortcomings of the data.
        setting: The geographical, behavioural or functional setting that the data are for.

    >>> Context(reviewer="A. Officer", purpose="testing").to_json()
    {'reviewer': 'A. Officer', 'purpose': 'testing'}
    """

    reviewer: str | None = None
    purpose: str | None = None
    recipient: str | None = None
    expiry: dt.date | None = None
    review_date: dt.date | None = None
    next_review: dt.date | None = None
    responsible: str | None = None
    incident_contact: str | None = None
    legal_basis: str | None = None
    agreement: str | None = None
    safeguards: str | None = None
    retention: str | None = None
    impact_assessment: str | None = None
    available_information: str | None = None
    threat_model: str | None = None
    transfer_basis: str | None = None
    expert: str | None = None
    expert_qualification: str | None = None
    method_report: str | None = None
    data_origin: str | None = None
    preparation: str | None = None
    assumptions: str | None = None
    suitability: str | None = None
    bias_examination: str | None = None
    known_gaps: str | None = None
    setting: str | None = None

    def to_json(self) -> dict[str, str]:
        """The stated fields as JSON values."""
        known = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, dt.date) else value
            for name, value in known.items()
            if value
        }

    def facts(self, today: dt.date) -> dict[str, FactValue]:
        """Facts for a policy.

        Unknown ones are left out, and block if a policy asks for them.
        """
        facts: dict[str, FactValue] = {
            f"context.{name}": value for name, value in self.to_json().items()
        }
        if self.expiry:
            facts["context.not_expired"] = today <= self.expiry
        if self.next_review:
            facts["context.review_not_due"] = today <= self.next_review
        return facts


_TEXT_KEYS = frozenset({"format", *(part.name for part in fields(Context))})


def load_context(path: Path) -> Context:
    """Read a context file; DocumentError lists every mistake."""
    return _checked(load_document(path, format_name=CONTEXT_FORMAT, text_keys=_TEXT_KEYS))


def checked_context(context: Context) -> Context:
    """Hold a context made in code to the rules of a file.

    Raises:
        DocumentError: listing every mistake.
    """
    kinds = {name: dt.date if name in _DATES else str for name in _TEXT_KEYS - {"format"}}
    given = {name: getattr(context, name) for name in sorted(kinds)}
    mistakes = [
        f"{name}: is a {type(value).__name__}; give a {kinds[name].__name__}"
        for name, value in given.items()
        if value is not None and type(value) is not kinds[name]
    ]
    if mistakes:
        raise DocumentError("the context", mistakes)
    text = json.dumps({"format": CONTEXT_FORMAT, **context.to_json()}, ensure_ascii=False)
    return _checked(
        parse_document(text, name="the context", format_name=CONTEXT_FORMAT, text_keys=_TEXT_KEYS)
    )


def _checked(document: Document) -> Context:
    mistakes = list(_mistakes_of_dates(document))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    data = {name: str(value).strip() for name, value in document.data.items() if name != "format"}
    dates = {name: dt.date.fromisoformat(data.pop(name)) for name in _DATES if name in data}
    return Context(**data, **dates)  # type: ignore[arg-type]


def _mistakes_of_dates(document: Document) -> Iterator[str]:
    found = {name: document.data[name] for name in _DATES if name in document.data}
    valid = {}
    for name, text in found.items():
        try:
            valid[name] = dt.date.fromisoformat(text)
        except ValueError:
            yield document.mistake((name,), f"{name}: there is no day {text}; write YYYY-MM-DD")
    for later in ("expiry", "next_review"):
        if {later, "review_date"} <= set(valid) and valid[later] < valid["review_date"]:
            yield document.mistake(
                (later,), f"{later}: {found[later]} is before the review on {found['review_date']}"
            )
