"""A run that ends with a network: written, attacked, judged, released, verified and sampled.

What a release says falsely of its network is found.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.demo import simulate_customers
from privgan.files.fields import NETWORK_MODEL, fields_of
from privgan.generator import network_fit
from privgan.generator.frozen_network import FrozenNetwork
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.judging import judge
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.pipeline.white_box import white_box_scores
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.verify import verify_release
from privgan.sources import SourceOptions
from privgan.synthesizer import load_synthesizer
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from privgan.table.violations import broken_constraints
from tests.pipeline.conftest import HEALTHY_UNLESS_DIVERGED
from tests.pipeline.test_judging import AUDIT
from tests.release.forging import Forgery, forge
from tests.thinning import some

Tensors = dict[str, np.ndarray]

SCHEMA = """format: privgan.schema/1
dataset: judged
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male, diverse]}
  - {name: churned, kind: boolean}
  - {name: nps, kind: integer, lower: 0, upper: 10}
constraints:
  - {when: "gender = diverse", then: "nps >= 3"}
"""


def fitted(folder: Path) -> tuple[Candidate, PrivacyLedger]:
    """A candidate whose plan asks for a network."""
    rng = np.random.default_rng(0)
    table = simulate_customers(900, seed=1)[["gender", "churned"]].assign(
        nps=rng.integers(3, 11, 900)
    )
    table.to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA)
    request = RunRequest(
        table=folder / "table.csv",
        schema=folder / "schema.yaml",
        budget=PrivacyBudget(epsilon=2),
        public_rows=900,
        effort="quick",
        generator="network",
    )
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    return fit_table(request, ledger, folder / "candidate"), ledger


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candidate and release of a network."""
    folder = tmp_path_factory.mktemp("network")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in HEALTHY_UNLESS_DIVERGED.items():
            patch.setattr(network_fit, name, value)
        candidate, ledger = fitted(folder)
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    texts = undeclared_texts(read_table(folder / "table.csv"), load_schema(folder / "schema.yaml"))
    scan_candidate(candidate, leak_patterns_of(texts), ledger)
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    assert str(verdict.status) == "PASS"
    release_candidate(candidate, verdict, ledger, ReleaseTerms(Context()), folder / "out")
    return folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "out" / "release", tmp_path / "release"))


# --- all the way


def test_the_file_states_a_network_and_its_table_holds_the_constraints(made: Path) -> None:
    candidate = Candidate.find(made / "candidate")
    facts = json.loads((candidate.model / "model.json").read_text())
    assert (facts["format"], facts["generator"]) == ("privgan.model/2", "network")
    sources = dict(fields_of(facts, NETWORK_MODEL))
    assert None not in sources.values()
    assert {"generator", "width"} <= sources.keys()
    schema = load_schema(made / "schema.yaml")
    assert broken_constraints(pd.read_parquet(candidate.parquet), schema) == ()


def test_the_attack_scores_rows_by_the_networks_likelihood(made: Path) -> None:
    candidate, schema = Candidate.find(made / "candidate"), load_schema(made / "schema.yaml")
    read = TableAsRead.read(made / "table.csv", SourceOptions()).conforming(schema)
    first = np.arange(read.row_count()) < 50
    rows, none = read.real_rows(first), np.zeros((~first).sum(), dtype=bool)
    found = white_box_scores(candidate, rows, none)
    model = load_synthesizer(candidate.model)
    codes = rows.canary_codes(none, model.encoder)
    assert isinstance(model.distribution, FrozenNetwork)
    np.testing.assert_array_equal(found["likelihood"], model.distribution.log_likelihood(codes))
    assert len(found["likelihood"]) == 50
    assert found["likelihood"].max() < 0


def test_a_release_verifies_and_is_sampled_under_conditions(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_release(release).problems == ()
    out = tmp_path / "few.csv"
    asked = ["--rows", "200", "--where", "gender = diverse and nps <= 4", "--out", str(out)]
    assert execute(["sample", str(release), *asked]) == 0
    rows = pd.read_csv(out)
    assert len(rows) == 200
    assert set(rows["gender"]) == {"diverse"}
    assert set(rows["nps"]) == {3, 4}
    assert "note" not in capsys.readouterr().err


# --- lies


def true(_: Any) -> None:
    """No lie."""


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Tensors], None]:
    """Another tensor."""
    return lambda found: found.update({f"network.{name}": change(found[f"network.{name}"])})


LIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "another generator": (lambda m: m.update(generator="gan"), true, "its generator is"),
    "a generator that is no text": (lambda m: m.update(generator=["network"]), true, "is ["),
    "a latent space": (lambda m: m.update(latent=3), true, "no declared source"),
    "no generator": (lambda m: m.pop("generator"), true, "lacks generator"),
    "the other format": (lambda m: m.update(format="privgan.model/1"), true, "no declared source"),
    "a width without end": (lambda m: m.update(width=10**12), true, "its width is"),
    "a width that is no number": (lambda m: m.update(width="8"), true, "its width is"),
    "another width": (lambda m: m.update(width=9), true, "width is 9, and the plan's is"),
    "a weight more": (
        true,
        changed("direct.weight", lambda part: np.append(part, np.float32(1))),
        "have not the shapes",
    ),
    "a matrix": (
        true,
        changed("first.bias", lambda part: part[None]),
        "have not the shapes",
    ),
    "a tensor more": (
        true,
        lambda found: found.update({"network.note": np.zeros(3, np.float32)}),
        "have not the shapes",
    ),
    "a codebook": (
        true,
        lambda found: found.update({"codebook.latents": np.zeros((2, 2), np.float32)}),
        "have not the shapes",
    ),
    "double precision": (
        true,
        changed("direct.weight", lambda part: part.astype(np.float64)),
        "is of F64",
    ),
    "no number": (true, changed("second.bias", lambda part: part * np.nan), "no finite number"),
    "a number beyond all": (true, changed("direct.weight", lambda part: part + 1e9), "beyond"),
    "nothing": (true, changed("first.weight", lambda part: part * 0), "zeros alone"),
}


def lied(f: Forgery, model: Callable[[Any], Any], tensors: Callable[[Any], Any]) -> None:
    """Tell a lie about the model's facts and its tensors."""
    model(f.model)
    f.tensors(tensors)


@pytest.mark.parametrize("kind", some(LIES))
def test_a_lie_about_a_network_shows(release: Path, kind: str) -> None:
    model, tensors, told = LIES[kind]
    forge(release, lambda f: lied(f, model, tensors))
    assert told in "\n".join(verify_release(release).problems)


def test_what_is_written_again_without_a_lie_raises_no_alarm(release: Path) -> None:
    forge(release, lambda f: lied(f, true, true))
    assert verify_release(release).problems == ()


def test_a_network_that_no_plan_makes_shows(release: Path) -> None:
    forge(release, lambda f: f.both(lambda m: m["plan"]["settings"].update(network=None)))
    assert "is a network, and the plan makes none" in "\n".join(verify_release(release).problems)
