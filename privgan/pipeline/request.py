"""Define the request of a run, its note on disk, and the reading of its table."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.owner.owners_table import TableAsRead
from privgan.pipeline.candidate import RUN_FILE, Candidate
from privgan.pipeline.folders import INTERNAL
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions
from privgan.table.schema_file import dump_schema, parse_schema

_BYTES_PER_VALUE = 40
_FREE_BYTES = 50_000_000


def check_folder(out: Path, rows: int, columns: int) -> None:
    """Check, before the first charge, that the result can be written and fits on the disk."""
    folder = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    for inside in (out / INTERNAL, out / INTERNAL / "candidate"):
        if os.path.lexists(inside) and not inside.is_dir():
            raise UsageError(
                f"{inside}: is no folder; remove it, or choose another {parameter('out')}"
            )
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder}: is {'no folder' if not folder.is_dir() else 'not writable'}; choose another"
            f" {parameter('out')}"
        )
    needed = _FREE_BYTES + rows * columns * _BYTES_PER_VALUE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{out}: the disk has {free / 1e6:.0f} MB free; this run may need {needed / 1e6:.0f} MB"
        )


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """The owner's request.

    Attributes:
        table: Where the table is: a file, a folder or pattern of files, or the URL of a database;
            or a frame.
        schema: The schema, or its file.
        budget: (ε, δ).
        public_rows: The table's row count where it is public.
        rows: Rows to make; None for the planned row count.
        source: How the table is to be read, where that is not to be recognised.
        seed: Public randomness.
        on_violation: refuse or clamp.
        effort: quick, standard or thorough.
        canary_probability: Probability of each customer to be a canary; None for the planner's.
        target: Column to predict, in place of the schema's; None for the schema's, or a fixed rule.
        generator: auto, mixture or network.
        dp_sgd_share: Share of the model's budget for DP-SGD, of the network or of the mixture's
            critic; None for what pays.
        resumable: Whether DP-SGD writes checkpoints and holds steps in reserve.
    """

    table: Path | str | Any = field(repr=False)
    schema: Path | Schema
    budget: PrivacyBudget
    public_rows: int | None = None
    rows: int | None = None
    source: SourceOptions = field(default_factory=SourceOptions)
    seed: int = 0
    on_violation: str = "refuse"
    effort: str = "standard"
    canary_probability: float | None = None
    target: str | None = None
    generator: str = "auto"
    dp_sgd_share: float | None = None
    resumable: bool = False


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run that has begun.

    Attributes:
        request: What was asked for.
        schema: The schema as it was then.
        run: The run's identity in the ledger.
        candidate: Where the candidate will lie.
        commitment: The canaries' salted commitment.
    """

    request: RunRequest
    schema: Schema
    run: str
    candidate: Candidate
    commitment: str


def write_note(
    candidate: Candidate, request: RunRequest, schema: Schema, *, run: str, commitment: str
) -> None:
    """Write the note of a run that begins.

    Args:
        candidate: Where the candidate will lie.
        request: What was asked for.
        schema: The schema, every fact of it public.
        run: The run's identity in the ledger.
        commitment: The canaries' salted commitment.
    """
    told = {
        item.name: getattr(request, item.name)
        for item in fields(request)
        if item.name not in {"table", "schema"}
    }
    asked = told | {"budget": asdict(request.budget), "source": request.source.recorded()}
    begun = {"dataset": schema.dataset, "run": run, "request": asked, "schema": dump_schema(schema)}
    note = begun | {"canaries": commitment}
    candidate.write_internal(RUN_FILE, json.dumps(note, ensure_ascii=False, indent=1))


def read_note(out: Path, table: Path | str, query: str | None = None) -> Begun:
    """Read the request of the run in a folder.

    Args:
        out: The folder that the fit or run was started with.
        table: Where the table is, which the note does not hold: a URL may have a password in it.
        query: The query that makes it, of which the note holds the hash.

    Raises:
        UsageError: when no run has begun there, or the query is another.
    """
    path = out / INTERNAL / RUN_FILE
    if not path.exists():
        raise UsageError(f"{out}: no run has begun there ({path.name} is missing)")
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        asked = note["request"] | {"budget": PrivacyBudget(**note["request"]["budget"])}
        # Notes of privgan 0.2 hold only a text file's separator.
        recorded = (
            {"sep": asked.pop("sep"), "query_sha256": None} if "sep" in asked else asked["source"]
        )
        asked["source"] = SourceOptions.again(recorded, query)
        inside_run = out / INTERNAL / "candidate"
        return Begun(
            request=RunRequest(table=table, schema=path, **asked),
            schema=parse_schema(note["schema"], name=str(path)),
            run=note["run"],
            candidate=Candidate(inside_run if inside_run.is_dir() else out, out / INTERNAL),
            commitment=note["canaries"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: cannot be read ({type(error).__name__}); it is damaged"
        ) from error


def begun_schema(candidate: Candidate) -> Schema:
    """The schema that a candidate's run began with, every fact of it public.

    Raises:
        UsageError: when the note of the run is gone or damaged.
    """
    path = candidate.internal / RUN_FILE
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return parse_schema(note["schema"], name=str(path))
    except (OSError, KeyError, TypeError, ValueError) as error:
        told = f"{path}: the note of the run cannot be read ({type(error).__name__})"
        raise UsageError(f"{told}; without it nothing can be searched, fit again") from error


def read_aloud(request: RunRequest, schema: Schema, progress: Progress) -> TableAsRead:
    """Read the table and print what was recognised.

    Args:
        request: What the owner asks for.
        schema: The public facts.
        progress: Tells the owner.
    """
    read = TableAsRead.read(request.table, request.source, schema)
    progress.say_all(read.said)
    return read
