"""Keep one review of one schema's file: open entries, and answers that go into the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from privgan.drafting.proposals import Proposal
from privgan.drafting.review import Entry, Group, accepted, entries, measured, proposed
from privgan.drafting.review_edits import edited
from privgan.drafting.review_file import read_with_comments, save, text_with_comments
from privgan.drafting.review_sight import Sight
from privgan.drafting.unit_proposal import RepeatingId, with_unit
from privgan.errors import DocumentError, UsageError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Invented, Kind, Source
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema, load_schema, parse_schema


class Review:
    """State of a review; one of the unpaid looks.

    Args:
        path: The schema's file.
        frame: The table as read [rows, columns].
    """

    def __init__(self, path: Path, frame: pd.DataFrame) -> None:
        self.schema: Schema = load_schema(path)
        self._path = path
        self._text, self._comments = read_with_comments(path, len(self.schema.columns))
        self._sight = Sight(frame, self.schema)
        self._proposals: tuple[Proposal, ...] = ()
        self._proposed_for: tuple[Column, ...] = ()

    def left(self, group: Group) -> tuple[Entry, ...]:
        """Entries of a group that are still to be confirmed."""
        if group is not Group.CONSTRAINTS:
            return entries(self.schema)[group]
        return proposed(self._dependencies(), self.schema, self._comments.declined)

    def _dependencies(self) -> tuple[Proposal, ...]:
        """Dependencies that the table shows, computed again only where the columns have changed."""
        columns = tuple(replace(column, sources={}) for column in self.schema.columns)
        if columns != self._proposed_for:
            self._proposals, self._proposed_for = self._sight.dependencies(self.schema), columns
        return self._proposals

    def told(self, entry: Entry) -> str:
        """Entry in words. INTERNAL: values and counts are real."""
        return self._sight.told(entry, self.schema)

    def candidate(self) -> RepeatingId | None:
        """Column that is proposed as the unit in place of rows."""
        found = self._sight.repeating(self.schema) if self.schema.unit.column is None else ()
        return found[0] if found else None

    def accept(self, some: Iterable[Entry]) -> None:
        """Declare some entries' facts; a proposed unit replaces rows as units.

        Raises:
            UsageError: where the schema could not be read with them; nothing is changed then.

        Raises:
            UsageError: where the schema could not be read with them; nothing is changed then.
        """
        some = list(some)
        for entry in some:
            candidate = self.candidate() if entry.group is Group.UNIT else None
            if candidate is not None:
                self._check(with_unit(self.schema, candidate.unit))
        self._check(accepted(self.schema, some))

    def keep_rows(self, waived: Iterable[str]) -> None:
        """Keep rows as units although some identifiers repeat.

        Each of them becomes a waiver, which strict policies refuse.
        """
        names = set(waived)
        columns = (
            _waived(column) if isinstance(column, Invented) and column.name in names else column
            for column in self.schema.columns
        )
        self._check(
            replace(
                self.schema, unit=PrivacyUnit(), unit_source=Source.DECLARED, columns=tuple(columns)
            )
        )

    def repeating_identifiers(self) -> tuple[str, ...]:
        """Identifiers that repeat; rows as units accept them only with a waiver."""
        found = self._sight.repeating(self.schema)
        return tuple(
            each.name for each in found if self.schema.column(each.name).kind is Kind.IDENTIFIER
        )

    def measure(self, some: Iterable[Entry]) -> None:
        """Leave some entries' facts to be measured with noise."""
        self._check(measured(self.schema, some))

    def edit(self, entry: Entry, typed: Mapping[str, str]) -> None:
        """Replace an entry's facts by what was typed; UsageError where it is invalid."""
        name = typed.get("unit", "").strip()
        if (
            entry.group is Group.UNIT
            and name in self.schema.names
            and self.schema.column(name).kind is not Kind.IDENTIFIER
        ):
            self._check(edited(with_unit(self.schema, PrivacyUnit(column=name)), entry, typed))
        else:
            self._check(edited(self.schema, entry, typed))

    def decline(self, some: Iterable[Entry]) -> None:
        """Record declined proposals, so that they are not made again."""
        self._comments = self._comments.with_declined(
            str(entry.proposal) for entry in some if entry.proposal
        )

    def save(self) -> None:
        """Write all answers into the file, as a whole or not at all."""
        done = not any(self.left(group) for group in Group if group is not Group.CONSTRAINTS)
        text = text_with_comments(self.schema, self._comments, done=done)
        if text != self._text:
            save(self._path, self._text, text)
            self._text = text

    def rare_categories(self) -> int:
        """Number of listed categories that one to nine customers have. INTERNAL."""
        listed = [
            column
            for column in self.schema.columns
            if isinstance(column, Discrete) and column.other is None
        ]
        return sum(len(self._sight.rare(column, self.schema)) for column in listed)

    def _check(self, schema: Schema) -> None:
        """Replace the schema where its file can be read."""
        try:
            self.schema = parse_schema(dump_schema(schema), name=str(self._path))
        except DocumentError as error:
            raise UsageError(
                "; ".join(mistake.partition(": ")[2] for mistake in error.mistakes)
            ) from error


def _waived(column: Invented) -> Invented:
    return replace(
        column, repeats=True, sources={**column.sources, "repeats": Source.ASSUMED_PUBLIC}
    )
