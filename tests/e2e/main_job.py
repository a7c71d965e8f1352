"""Run the main job end to end, in process, on a small simulated table.

Once as ``privgan run``, once step by step.
"""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from privgan.cli.main import execute
from privgan.generator.mixture import GeneratorModel
from privgan.ledger.ledger import PrivacyLedger
from privgan.measurement.marginals import Marginal, Measurements
from privgan.pipeline.candidate import internal_report_file
from privgan.planning.model_settings import GeneratorSettings
from privgan.release.manifest import CHECKSUM_NAME, MANIFEST_NAME
from privgan.release.table_files import ALLOWED_FILES, OPTIONAL_FILES

ROWS, MADE, EPSILON, SEED = 1_500, 700, 3.0, 11
DATASET = "e2e-customers"
COLUMNS = (
    "customer_id",
    "name",
    "email",
    "age",
    "sign_up_date",
    "membership_tier",
    "spend_12m",
    "converted",
    "nps",
)
CONSTRAINTS = [
    {"when": "spend_12m = 0", "then": "nps is missing", "description": "only buyers are asked"}
]
MODELLED = (
    "age",
    "sign_up_date",
    "membership_tier",
    "spend_12m",
    "converted",
    "nps",
)  # In the schema's order.
RELEASED = {*ALLOWED_FILES, *OPTIONAL_FILES, MANIFEST_NAME, CHECKSUM_NAME}
REPORTS = {internal_report_file(form) for form in ("html", "md", "json")}
# Many canaries, so that the audit's intervals are narrow although the table is small.
FIT = (
    "--epsilon",
    str(EPSILON),
    "--public-rows",
    str(ROWS),
    "--rows",
    str(MADE),
    "--seed",
    str(SEED),
    "--effort",
    "quick",
    "--canary-probability",
    "0.5",
)
ASKS_A_REVIEWER = """
  - fact: context.reviewer
    present: true
    scope: public
    reason: A release must say who reviewed it.
    advice: Add reviewer to the context file.
"""


ASKS_REFERENCE_FITS = """
  - fact: attack.reference_model.auc.high
    at_most: 1
    scope: internal
    reason: The most exposed customers must have been attacked.
    advice: Audit with --reference-fits.
"""


@dataclass
class Ended:
    """The outcome of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON; fails where anything else stands there."""
        return json.loads(self.out)


def privgan(*arguments: object) -> Ended:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute([str(argument) for argument in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


@dataclass
class Place:
    """A folder with a table, its schema and a ledger.

    It keeps each command's outcome and each fit's initial weights.
    """

    folder: Path
    ended: dict[str, Ended] = field(default_factory=dict)
    started_with: list[Start] = field(default_factory=list)

    @property
    def table(self) -> Path:
        return self.folder / "customers.csv"

    @property
    def schema(self) -> Path:
        return self.folder / "schema.yaml"

    @property
    def ledger(self) -> PrivacyLedger:
        return PrivacyLedger.open(str(self.folder / "ledger.sqlite"), create=False)

    def do(self, name: str, *arguments: object, code: int = 0) -> Ended:
        """Run a command and keep how it ended."""
        ended = self.ended[name] = privgan(*arguments)
        assert ended.code == code, f"{name} ended with {ended.code}\n{ended.out}\n{ended.err}"
        return ended


def initial_weights(model: GeneratorModel) -> dict[str, torch.Tensor]:
    return {name: weights.detach().clone() for name, weights in model.network.state_dict().items()}


@dataclass
class Start:
    """The start of a fit's generator."""

    measurements: Measurements
    settings: GeneratorSettings
    seed: int
    weights: dict[str, torch.Tensor]

    def again(self, seed: int) -> dict[str, torch.Tensor]:
        """The initial weights for the same sizes and a given seed, from other marginals.

        Those marginals hold nothing of the run.
        """
        sizes = self.measurements.sizes
        even = [
            Marginal(clique=(i,), counts=np.ones(size), standard_deviation=1.0)
            for i, size in enumerate(sizes)
        ]
        return initial_weights(
            GeneratorModel(
                Measurements(sizes, even), self.settings, seed=seed, device=torch.device("cpu")
            )
        )


def remembering(seen: list[Start]) -> type[GeneratorModel]:
    """The generator's class, with a note of what each fit starts from."""

    class Remembering(GeneratorModel):
        def __init__(
            self,
            measurements: Measurements,
            settings: GeneratorSettings,
            *,
            seed: int,
            device: torch.device,
        ) -> None:
            super().__init__(measurements, settings, seed=seed, device=device)
            seen.append(Start(measurements, settings, seed, initial_weights(self)))

    return Remembering


def policy_asking_a_reviewer(folder: Path) -> Path:
    """The shipped policy internal-analytics, and one fact more."""
    from privgan.policy.policy_file import shipped_policies

    path = folder / "reviewed.yaml"
    shipped = shipped_policies()["internal-analytics"].read_text(encoding="utf-8")
    path.write_text(
        shipped.replace("name: internal-analytics", "name: reviewed") + ASKS_A_REVIEWER,
        encoding="utf-8",
    )
    return path


def in_one_go(place: Place) -> None:
    out = place.folder / "out"
    job = (
        "run",
        place.table,
        "--schema",
        place.schema,
        *FIT,
        "--policy",
        "internal-analytics",
        "--target",
        "converted",
    )
    place.do(
        "run", *job, "--out", out, "--json", "--junit", place.folder / "verdict.xml", "--shareable"
    )
    place.do("run again", *job, "--out", out, code=2)


def step_by_step(place: Place) -> None:
    candidate, table, folder = place.folder / "candidate", place.table, place.folder
    reviewed, weak = policy_asking_a_reviewer(folder), folder / "weak.yaml"
    weak.write_text(
        reviewed.read_text().replace("at_most: 10\n", "at_most: 2.5\n"), encoding="utf-8"
    )
    context = folder / "context.yaml"
    context.write_text(
        "format: privgan.context/1\nreviewer: A. Reviewer\nexpiry: 2999-12-31\n", encoding="utf-8"
    )
    place.do(
        "fit", "fit", table, "--schema", place.schema, *FIT, "--out", candidate, "--json", "--quiet"
    )
    place.do(
        "check before audit", "check", candidate, "--policy", "internal-analytics", "--json", code=3
    )
    place.do("audit", "audit", candidate, table, "--target", "converted", "--json", "--quiet")
    place.do("check", "check", candidate, "--policy", "internal-analytics", "--json")
    place.do("check without reviewer", "check", candidate, "--policy", reviewed, code=3)
    place.do(
        "release without reviewer",
        "release",
        candidate,
        "--policy",
        reviewed,
        "--out",
        folder / "no",
        code=3,
    )
    place.do(
        "release above the policy",
        "release",
        candidate,
        "--policy",
        weak,
        "--out",
        folder / "no",
        code=1,
    )
    place.do("keys", "keys", "create", "acme", "--out", folder / "keys", "--json")
    job = (
        "release",
        candidate,
        "--policy",
        reviewed,
        "--context",
        context,
        "--out",
        folder / "stepwise",
    )
    place.do("release", *job, "--key", folder / "keys" / "acme.key", "--zip")
    place.do(
        "release again",
        "release",
        candidate,
        "--policy",
        reviewed,
        "--context",
        context,
        "--out",
        folder / "stepwise",
        code=2,
    )
    place.do("report of candidate", "report", candidate, "--table", table, "--json")
    place.do(
        "verify",
        "verify",
        folder / "stepwise",
        "--key",
        folder / "keys" / "acme.pub",
        "--policy",
        reviewed,
        "--json",
    )
    place.do("verify zip", "verify", folder / "stepwise" / "release.zip", "--json")
    place.do("report", "report", folder / "stepwise", "--json")
    place.do("sample", "sample", candidate, "--rows", 50, "--out", folder / "sample.csv")
