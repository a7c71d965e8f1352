"""The main job in one call: from a table to a release."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from privgan.api.asking import FitOptions, SchemaLike, asked_request
from privgan.api.inputs import PathLike, chosen, context_of, policy_of, table_of, tell_progress
from privgan.api.jobs import Ledger, resume_run_job, run_job
from privgan.api.keys import signing_key
from privgan.api.synthesizer import Synthesizer
from privgan.errors import IncompleteError, PolicyFailedError
from privgan.notebook import card
from privgan.pipeline.run import Judging, RunOutcome
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.policy.verdict import PASSED, Verdict, explain
from privgan.progress import Progress
from privgan.release.signing.keys import SigningKey

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True, repr=False)
class RunResult:
    """What a run ended in. INTERNAL, but for the release's folder.

    Attributes:
        status: PASS, FAIL or INCONCLUSIVE.
        verdict: The policy's verdict, gate by gate.
        release: The release's folder, which may leave; None where the policy blocked it.
        candidate: The candidate's folder; None where it was released or never fitted.
        internal: The folder that stays inside; None where nothing was fitted.
        guarantee: The claim in one sentence.
        blocked: Why the run was not even begun; nothing was charged then.

    >>> result
    RunResult(FAIL, not begun, nothing was charged)
    >>> result.passed
    False
    """

    status: str
    verdict: Verdict
    release: Path | None
    candidate: Path | None
    internal: Path | None
    guarantee: str
    blocked: tuple[str, ...]

    @classmethod
    def of(cls, outcome: RunOutcome) -> RunResult:
        """What the pipeline's run ended in."""
        names = ("verdict", "release", "candidate", "internal", "guarantee", "blocked")
        return cls(status=str(outcome.status), **{name: getattr(outcome, name) for name in names})

    @property
    def passed(self) -> bool:
        """Whether there is a release."""
        return self.release is not None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there is no release, a sentence each."""
        failed = (
            explain(outcome) for outcome in self.verdict.outcomes if outcome.status not in PASSED
        )
        return self.blocked or (() if self.passed else tuple(failed))

    def raise_for_status(self) -> RunResult:
        """The result itself where there is a release.

        Raises:
            PolicyFailedError: when a gate failed, with all reasons.
            IncompleteError: when a fact is missing.

        >>> result.raise_for_status()
        Traceback (most recent call last):
        privgan.errors.PolicyFailedError: the policy does not allow this release: ...
        """
        if self.passed:
            return self
        told = "\n".join(
            ["the policy does not allow this release:", *(f"  {reason}" for reason in self.reasons)]
        )
        raise IncompleteError(told) if self.status == "INCONCLUSIVE" else PolicyFailedError(told)

    def synthesizer(self) -> Synthesizer:
        """The fitted synthesizer, of the release or of the candidate."""
        self.raise_for_status() if self.candidate is None else None
        return Synthesizer.of(self.release or self.candidate or "")

    def __repr__(self) -> str:
        """The verdict and where the result lies."""
        where = f"release: {self.release}" if self.release else f"candidate: {self.candidate}"
        ended = "not begun, nothing was charged" if self.blocked else where
        return f"RunResult({self.status}, {ended})"

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            ("guarantee", self.guarantee),
            ("release", self.release or "none"),
        ]
        facts += [("stays inside", self.internal)] if self.internal else []
        rows = [(reason,) for reason in self.reasons]
        return card(
            f"Run: {self.status}",
            facts,
            header=("why there is no release",),
            rows=rows,
            internal=not self.passed,
        )


def run(
    table: Any,
    schema: SchemaLike,
    *,
    policy: Policy | PathLike,
    out: PathLike,
    context: Context | PathLike | None = None,
    waivers: PathLike | None = None,
    ledger: Ledger = None,
    key: SigningKey | PathLike | None = None,
    language: str = "en",
    progress: bool | Progress = False,
    **asked: Unpack[FitOptions],
) -> RunResult:
    """Do everything from a table to a release, as ``privgan run`` does.

    Args:
        table: A path, folder or URL; a pandas or polars frame; an Arrow table; a list of
            dictionaries.
        schema: As for ``Synthesizer``.
        policy: A Policy, a shipped policy's name, or the path of a policy file.
        out: The folder for ``release``, which may leave, and ``internal``, which may not.
        context: Who, for what, until when: a Context or the path of its file.
        waivers: The waivers' file.
        ledger: Where each look is charged; ``$PRIVGAN_LEDGER``, else the user's own, where none is
            given.
        key: Signs the manifest: a private key's file or name.
        language: Of both reports, ``en`` or ``zh``.
        progress: As for ``Synthesizer``.
        **asked: As for ``Synthesizer``: epsilon, delta, public_rows, effort, seed and more.

    Returns:
        The verdict, and where the release or the candidate lies. A policy that blocks raises
        nothing: ``raise_for_status`` does.

    Raises:
        BudgetExceededError: when the lifetime budget does not allow it; nothing is charged then.
        TableError: when the table cannot be read or does not fit the schema; nothing is charged.

    >>> blocked = run(customers, schema, epsilon=3, policy="public-release", out="never")
    >>> blocked.passed, blocked.internal
    (False, None)
    """
    request = replace(asked_request(schema, asked), table=table_of(table))
    judging = judging_of(policy, context, waivers, key, language)
    return RunResult.of(run_job(request, judging, ledger, Path(out), tell_progress(progress)))


def resume(
    folder: PathLike,
    table: Any,
    *,
    policy: Policy | PathLike,
    context: Context | PathLike | None = None,
    waivers: PathLike | None = None,
    ledger: Ledger = None,
    key: SigningKey | PathLike | None = None,
    language: str = "en",
    query: str | None = None,
    progress: bool | Progress = False,
) -> RunResult:
    """Go on with a run that was started with ``resumable=True`` and interrupted.

    Args:
        folder: The run's ``out``.
        table: The same table, in the same order.
        policy: As for ``run``, and so are context, waivers, ledger, key, language and progress.
        context: See policy.
        waivers: See policy.
        ledger: See policy.
        key: See policy.
        language: See policy.
        query: The same query, where a query makes the table.
        progress: See policy.

    >>> resume("nowhere", customers, policy="internal-analytics", ledger="books.sqlite")
    Traceback (most recent call last):
    privgan.errors.UsageError: nowhere: no run has begun there (internal-run.json is missing)
    """
    judging = judging_of(policy, context, waivers, key, language)
    outcome = resume_run_job(
        Path(folder), table_of(table), judging, ledger, tell_progress(progress), query
    )
    return RunResult.of(outcome)


def judging_of(
    policy: Policy | PathLike,
    context: Context | PathLike | None,
    waivers: PathLike | None,
    key: SigningKey | PathLike | None = None,
    language: str = "en",
) -> Judging:
    """How something is judged and released, with every file that this needs read first."""
    signer = key if key is None or isinstance(key, SigningKey) else signing_key(os.fspath(key))
    said = chosen("language", language, LANGUAGES)
    return Judging(
        policy=policy_of(policy, waivers), context=context_of(context), key=signer, language=said
    )
