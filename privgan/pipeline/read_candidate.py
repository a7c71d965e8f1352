"""Read a candidate's files once for a command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pandas as pd

from privgan.parts.related_views import RelatedFrames
from privgan.pipeline.canaries import CanaryList
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.related.keys import linked
from privgan.release.table_files import PARQUET
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer, load_synthesizer
from privgan.table.conform import conform
from privgan.table.schema_file import load_schema


@dataclass(frozen=True)
class Evidence:
    """INTERNAL: audit and leak scan of a candidate against the real table.

    Attributes:
        audit: The audit's report as JSON values; None where it has not run.
        scan: The leak scan's result as JSON values; None where it has not run.
    """

    audit: Mapping[str, Any] | None
    scan: Mapping[str, Any] | None

    @property
    def fingerprint(self) -> str:
        """SHA-256 by which the ledger recognises it."""
        return hashlib.sha256(
            json.dumps([self.audit, self.scan], sort_keys=True).encode()
        ).hexdigest()


@dataclass(frozen=True, eq=False)
class ReadCandidate:
    """A candidate's facts, as its files stated them when it was read.

    Attributes:
        files: Where it lies.
        record: What the fit says about itself.
        schema: The schema, with every measured fact filled in.
        hashes: SHA-256 of each file that a release would be made from, by name.
    """

    files: Candidate
    record: CandidateRecord
    schema: Schema
    hashes: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all hashes; a scan names the searched files by it."""
        return hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()

    @cached_property
    def canary_list(self) -> CanaryList:
        """INTERNAL: the list of canaries, read on first use."""
        return CanaryList.read(self.files.internal)

    @cached_property
    def synthesizer(self) -> Synthesizer:
        """The model, read on first use."""
        return load_synthesizer(self.files.model)

    @cached_property
    def synthetic(self) -> pd.DataFrame:
        """The synthetic table as typed rows [rows, columns], read on first use."""
        return conform(pd.read_parquet(self.files.parquet), self.schema)

    @cached_property
    def related(self) -> RelatedFrames | None:
        """The synthetic rows of all of several tables, linked by their keys; None of one."""
        schema, folder = self.schema, self.files.tables
        if not schema.tables:
            return None
        parts = {table.name: folder / f"{table.name}.{PARQUET}" for table in schema.tables}
        paths = {schema.root: self.files.parquet} | parts
        read = {name: pd.read_parquet(path) for name, path in paths.items()}
        links = linked(read, schema)
        typed = {name: conform(frame, schema.alone(name)) for name, frame in read.items()}
        return RelatedFrames(frames=typed, parents=links.parents, customers=links.customers)

    @cached_property
    def evidence(self) -> Evidence:
        """INTERNAL: audit and scan, read on first use.

        Use it after both have run: what is written later is not in it.
        """
        return Evidence(audit=self.files.audit(), scan=self.files.scan())


AnyCandidate: TypeAlias = Candidate | ReadCandidate


def read_candidate(candidate: AnyCandidate) -> ReadCandidate:
    """Read a candidate's record, schema and hashes; one that is read already stays as it is.

    Raises:
        UsageError: The record is damaged, or of another version.
    """
    if isinstance(candidate, ReadCandidate):
        return candidate
    schema = load_schema(candidate.schema)
    return ReadCandidate(candidate, candidate.record(), schema, candidate.hashes())
