"""The synthesizer as Python users know it: made from a schema, fitted once, sampled for free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from privgan.api.answering import Asks
from privgan.api.asking import (
    FitOptions,
    SchemaLike,
    asked_request,
    judging_beforehand,
)
from privgan.api.budget import Rates
from privgan.api.inputs import (
    PathLike,
    checked_ledger,
    table_of,
    tell_progress,
)
from privgan.api.jobs import Ledger, fit_job, resume_fit_job
from privgan.api.kept import Fitted, copied, fitted_of, folder_of, found
from privgan.api.recommending import Recommends
from privgan.api.related_tables import SamplesTables
from privgan.api.sampling import Sampling
from privgan.api.schema import Schema
from privgan.errors import NotFittedError, ReleaseExistsError, UsageError
from privgan.naming import call, parameter
from privgan.notebook import card
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import plan_for
from privgan.pipeline.run import schema_of as schema_asked
from privgan.planning.plan import Plan
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.privacy.guarantee import Guarantee
from privgan.progress import Progress


class Synthesizer(Sampling, SamplesTables, Asks, Recommends):
    """A synthesizer with an (ε, δ) guarantee: made from a schema, fitted once, sampled for free.

    Args:
        schema: A Schema, the path of a schema file, its YAML text, or a dictionary.
        epsilon: ε of the fit, above 0 and at most 100 (useful: 0.5 to 5).
        delta: δ of the fit, below 1/n; 1e-6 where none is given.
        max_attack_advantage: In place of ε: the largest true- minus false-positive rate
            of a membership attack.
        max_tpr: In place of ε: the largest true-positive rate at a false-positive rate, as
            ``"0.05@0.01"``.
        public_rows: The table's row count, declared public; without it the count is measured,
            at a cost.
        rows: Rows of the candidate's own table; None for the planned row count.
        effort: ``quick``, ``standard`` or ``thorough``: time against utility, at the same ε.
        seed: Moves initial weights and fake rows; never noise, batches or canaries.
        target: Column to predict: what tells of it is measured more closely.
        on_violation: ``refuse`` values outside the schema, or ``clamp`` them into it.
        generator: ``mixture``; ``network`` by DP-SGD; ``gan``, plain; or ``auto`` of the first two.
        dp_sgd_share: Share of the model's budget for DP-SGD, 0 to 0.95; None for what pays.
        canary_probability: Probability of each customer to be a canary of the audit; None for 0.2.
        resumable: Write checkpoints of DP-SGD; costs a little noise.
        policy: Judge what is known before the first look by this policy; a fit that can never
            pass charges nothing.
        context: With ``policy``: who, for what, until when.
        waivers: With ``policy``: the waivers' file.
        ledger: Where the fit is charged; None for ``$PRIVGAN_LEDGER``, else the user's own.
        progress: Whether lines on standard error tell how far the fit is; or a ``Progress``.

    Raises:
        UsageError: when an argument means nothing; it is named.
        DocumentError: when the schema is wrong, with every mistake.

    >>> synthesizer = Synthesizer(schema, epsilon=3, public_rows=600, effort="quick")
    >>> synthesizer
    Synthesizer('shop', ε = 3, δ = 1e-06, not fitted)
    >>> synthesizer.sample(5)
    Traceback (most recent call last):
    privgan.errors.NotFittedError: this synthesizer is not fitted; call Synthesizer.fit first
    """

    def __init__(
        self,
        schema: SchemaLike,
        epsilon: float | None = None,
        delta: float | None = None,
        *,
        max_attack_advantage: float | None = None,
        max_tpr: Rates | None = None,
        public_rows: int | None = None,
        rows: int | None = None,
        effort: str = "standard",
        seed: int = 0,
        target: str | None = None,
        on_violation: str = "refuse",
        generator: str = "auto",
        dp_sgd_share: float | None = None,
        canary_probability: float | None = None,
        resumable: bool = False,
        policy: Policy | PathLike | None = None,
        context: Context | PathLike | None = None,
        waivers: PathLike | None = None,
        ledger: Ledger = None,
        progress: bool | Progress = False,
    ) -> None:
        asked: FitOptions = {
            "epsilon": epsilon,
            "delta": delta,
            "max_attack_advantage": max_attack_advantage,
            "max_tpr": max_tpr,
            "public_rows": public_rows,
            "rows": rows,
            "effort": effort,
            "seed": seed,
            "target": target,
            "on_violation": on_violation,
            "generator": generator,
            "dp_sgd_share": dp_sgd_share,
            "canary_probability": canary_probability,
            "resumable": resumable,
        }
        self._request: RunRequest | None = asked_request(schema, asked)
        self._judging = judging_beforehand(policy, context, waivers)
        self._ledger, self._progress = checked_ledger(ledger), tell_progress(progress)
        self._fitted: Fitted | None = None

    @classmethod
    def of(cls, folder: PathLike) -> Synthesizer:
        """The fitted synthesizer of a folder, as ``load`` returns it."""
        made = cls.__new__(cls)
        made._request = made._judging = made._ledger = None
        made._progress, made._fitted = Progress(quiet=True), found(Path(folder))
        return made

    @classmethod
    def resume(
        cls,
        folder: PathLike,
        table: Any,
        *,
        ledger: Ledger = None,
        query: str | None = None,
        progress: bool | Progress = False,
    ) -> Synthesizer:
        """Go on with an interrupted fit, started with ``resumable=True`` and an ``out`` folder.

        Args:
            folder: The fit's ``out``.
            table: The same table, in the same order.
            ledger: The fit's ledger.
            query: The same query, where a query makes the table.
            progress: As for the class.

        >>> Synthesizer.resume("candidate", customers)
        Traceback (most recent call last):
        privgan.errors.UsageError: candidate/internal: holds no checkpoint: ...
        """
        resume_fit_job(Path(folder), table_of(table), ledger, tell_progress(progress), query)
        made = cls.of(folder)
        made._ledger = ledger
        return made

    def fit(self, table: Any, *, out: PathLike | None = None) -> Synthesizer:
        """Fit to a table; every look at its rows is charged to the ledger before it happens.

        Args:
            table: A path, folder or URL; a pandas or polars frame; an Arrow table; a list of
                dictionaries.
            out: The folder for what the fit leaves, as of ``privgan fit``: kept however the process
                ends. Without one it lies in a temporary folder until ``save``, and is lost with
                this object.

        Returns:
            The synthesizer itself, fitted.

        Raises:
            TableError: when the table cannot be read or does not fit the schema; nothing is
                charged.
            BudgetExceededError: when the lifetime budget does not allow the fit; nothing is
                charged.
            PolicyFailedError: when the policy can never pass; nothing is charged then.
            UsageError: when it was fitted before: each fit is paid for.

        >>> synthesizer = Synthesizer(schema, epsilon=3, public_rows=600, effort="quick")
        >>> synthesizer.fit(customers, out="fitted")
        Synthesizer('shop', ε = 3, δ = 1e-06, fitted)
        """
        if self._request is None or self._fitted is not None:
            raise UsageError(
                "this synthesizer is fitted already, and each fit is paid for; make another"
            )
        request = replace(self._request, table=table_of(table))
        folder = folder_of(self) if out is None else Path(out)
        candidate = fit_job(request, self._judging, self._ledger, folder, self._progress)
        self._fitted = fitted_of(candidate)
        return self

    def save(self, folder: PathLike) -> Path:
        """Keep what the fit left in a folder, its owner's alone; of a release the model alone.

        What lies in its ``internal`` must not leave: ``privgan.release`` writes what may.

        Raises:
            NotFittedError: when it is not fitted.
            ReleaseExistsError: when the folder is there and holds anything.

        >>> load(fitted.save("kept")).sample(2).equals(fitted.sample(2))
        True
        """
        fitted, target = self._require(), Path(folder)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ReleaseExistsError(
                f"{target}: is there already and not empty; choose another {parameter('folder')}"
            )
        if fitted.candidate is None:
            fitted.model.save(target)
        else:
            copied(fitted.candidate, target)
        return target

    @property
    def fitted(self) -> bool:
        """Whether it was fitted."""
        return self._fitted is not None

    @property
    def candidate(self) -> Candidate:
        """What the fit left: ``audit``, ``check`` and ``release`` work on it.

        Raises:
            UsageError: when the model came from a release.
        """
        found = self._require().candidate
        if found is None:
            told = "this synthesizer came from a release or a model alone"
            raise UsageError(f"{told}; give what {call('Synthesizer.fit')} left")
        return found

    @property
    def ledger(self) -> Ledger:
        """The ledger as it was given; None for the usual one."""
        return self._ledger

    @property
    def schema(self) -> Schema:
        """The public facts; once it is fitted with every measured fact."""
        if self._fitted is not None:
            return Schema.of(self._fitted.model.schema)
        return Schema.of(schema_asked(self._asked()))

    @property
    def plan(self) -> Plan:
        """The plan that a fit follows; a function of public facts."""
        request = self._asked()
        return plan_for(request, schema_asked(request))

    @property
    def guarantee(self) -> Guarantee:
        """The (ε, δ) claim of the fitted model.

        >>> fitted.guarantee.epsilon, fitted.guarantee.unit
        (3.0, 'one customer_id with its row')
        """
        return self._require().model.guarantee

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: what the fit left lies in a folder."""
        raise TypeError(
            "a synthesizer cannot be pickled or copied; save it, and load what was saved"
        )

    def _asked(self) -> RunRequest:
        if self._request is None:
            raise UsageError(
                "this synthesizer was loaded; its plan stands in the record of its fit"
            )
        return self._request

    def _require(self) -> Fitted:
        if self._fitted is None:
            raise NotFittedError(
                f"this synthesizer is not fitted; call {call('Synthesizer.fit')} first"
            )
        return self._fitted

    def _facts(self) -> tuple[str, object, object, str]:
        if self._fitted is None:
            budget = self._asked().budget
            return self.schema.dataset, budget.epsilon, budget.delta, "not fitted"
        told = self._fitted.model.guarantee
        return self._fitted.model.schema.dataset, told.epsilon, told.delta, "fitted"

    def __repr__(self) -> str:
        """The data set, the claim and whether it is fitted; no row."""
        dataset, epsilon, delta, state = self._facts()
        return f"Synthesizer({dataset!r}, ε = {_plain(epsilon)}, δ = {_plain(delta)}, {state})"

    def _repr_html_(self) -> str:
        dataset, epsilon, delta, state = self._facts()
        claim = [
            ("ε", _plain(epsilon)),
            ("δ", _plain(delta)),
            ("protects", self.schema.unit),
            ("state", state),
        ]
        return card(f"Synthesizer of {dataset}", claim)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "∞"
