"""Untouched releases of whole runs raise no alarm, whatever their table and claim."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.release import verify_release
from tests.release.forging import Forgery, Lie, forge, put

pytestmark = pytest.mark.slow
ODD = ["=1+1", "'=x", 'say "so"', "two\nlines", "a,b", "年龄", "null"]
SCHEMA = """format: privgan.schema/1
dataset: purchases
unit: customer
max_rows_per_unit: 3
columns:
  - {name: customer, kind: identifier, pattern: "=K{:05d}"}
  - name: segment
    kind: categorical
    categories: ["=1+1", "'=x", 'say "so"', "two\\nlines", "a,b", "年龄", "null"]
    missing: true
  - name: amount
    kind: float
    decimals: 2
    missing: true
    source: {lower: measured, upper: measured}
  - {name: town, kind: categorical, other: elsewhere, source: {categories: measured}}
  - {name: points, kind: integer, lower: -1, upper: 90, missing: true, special_values: [-1]}
  - {name: spare, kind: integer, lower: 0, upper: 90}
  - {name: returned, kind: boolean, missing: true, source: {missing: assumed_public}}
  - {name: since, kind: date, lower: 2015-01-01, upper: 2025-12-31, format: "%d.%m.%Y"}
constraints:
  - {at_most: [points, spare]}
"""


POLICY = """format: privgan.policy/1
name: own
version: "1"
purpose: Tests.
attempts_per_dataset: 9
gates:
  - {fact: guarantee.epsilon, at_most: 2, scope: public, reason: Because., advice: Less.}
  - {fact: accounting.complete, equals: true, scope: public, reason: Because., advice: Less.}
  - {fact: schema.assumed_public_facts, at_most: 3, scope: public, reason: Because., advice: Less.}
  - {fact: guarantee.max_rows_per_unit, at_most: 3, scope: public, reason: Because., advice: Less.}
  - {fact: noisy.tvd1, at_most: 1, scope: public, reason: Because., advice: Less.}
  - {fact: synthetic.rows, at_least: 1, scope: public, reason: Because., advice: Less.}
  - {fact: artefacts.findings, at_most: 0, scope: internal, reason: Because., advice: Less.}
columns:
  - {kind: identifier, invented: true, reason: Because., advice: Invent it.}
"""


def table(customers: int = 900) -> pd.DataFrame:
    """Purchases of customers with one to five rows each."""
    rng = np.random.default_rng(0)
    each = rng.choice([1, 2, 3, 5], customers)
    who = np.repeat([f"real-{n:06d}" for n in range(customers)], each)
    rows = len(who)
    points = rng.integers(0, 60, rows)
    frame = pd.DataFrame(
        {
            "customer": who,
            "segment": rng.choice(ODD, rows),
            "amount": rng.lognormal(3, 1, rows).round(2),
            "town": rng.choice(["north", "south", "east"], rows),
            "points": points,
            "spare": points + rng.integers(0, 30, rows),
            "returned": rng.choice(["true", "false"], rows),
            "since": np.datetime64("2016-01-01") + rng.integers(0, 3000, rows),
        }
    )
    frame["since"] = frame["since"].dt.strftime("%d.%m.%Y")
    frame = frame.astype(object)
    for name in ("segment", "amount", "points", "returned"):
        frame.loc[rng.random(rows) < 0.1, name] = None
    return frame


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with a critic, a measured domain and a waiver, in Chinese.

    Its customers have several rows.
    """
    folder = tmp_path_factory.mktemp("run")
    table().to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "waivers.yaml").write_text(
        "format: privgan.waivers/1\npolicy: own\nwaivers:\n"
        "  - {fact: guarantee.epsilon, who: A. Officer, why: A test., until: 2999-12-31}\n"
    )
    told = io.StringIO()
    command = (
        f"run {folder}/table.csv --schema {folder}/schema.yaml --policy {folder}/policy.yaml "
        f"--epsilon 8 --dp-sgd-share 0.3 --waivers {folder}/waivers.yaml --resumable "
        f"--effort quick --lang zh --out {folder}/out --ledger {folder}/l.sqlite"
    )
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = execute(command.split())
    assert code == 0, told.getvalue()
    return folder / "out" / "release"


def test_a_release_of_everything_raises_no_alarm(made: Path) -> None:
    found = verify_release(made)
    assert found.problems == ()
    assert found.manifest["policy"]["public_checks"] == "passed with waivers"
    assert [stage["name"] for stage in found.manifest["plan"]["stages"]] == ["domain", "model"]


def sensitivity(f: Forgery, kind: str, to: int) -> None:
    def change(manifest: dict[str, Any]) -> None:
        plan = [step for stage in manifest["plan"]["stages"] for step in stage["steps"]]
        for step in (*plan, *manifest["accounting"]):
            event = step["event"]
            if step["kind"] == kind:
                event.get("of", event).update(sensitivity=to)

    f.both(change)


def critic(f: Forgery, **changes: object) -> None:
    f.both(lambda m: m["plan"]["settings"]["critic"].update(changes))


LIES: dict[str, tuple[Lie, str]] = {
    "histogram of rows of each": (lambda f: sensitivity(f, "rows of each customer", 3), ""),
    "shares of rows of each": (
        lambda f: f.both(lambda m: put(m, "plan", "rows_of_each", to=[1.0, 0.0, 0.0])),
        "rows_of_each",
    ),
    "batch of the critic": (lambda f: critic(f, expected_batch_size=7), "expected batch is 7"),
    "clip norm": (lambda f: critic(f, max_grad_norm=5.0), "is not the one that"),
    "noise of the critic": (lambda f: critic(f, noise_multiplier=9.0), "critic's settings say"),
    "steps of the critic": (lambda f: critic(f, steps=1), "critic's settings say"),
    "rate of the critic": (lambda f: critic(f, sample_rate=0.01), "critic's settings say"),
    "reserve of the critic": (
        lambda f: critic(f, checkpoint_interval=0),
        "holds critic steps in reserve",
    ),
    "noisy row count": (lambda f: f.both(lambda m: put(m, "plan", "rows", to=1_800)), "rows is"),
    "row that breaks a constraint": (lambda f: constraint(f), "constraints[0]"),
    "customer with four rows": (lambda f: crowd(f), "stands in 4 rows"),
    "category behind an apostrophe": (lambda f: odd(f), "none of its"),
}


def constraint(f: Forgery) -> None:
    frame = f.frame()
    row = frame.index[frame["points"].fillna(-1) >= 0][0]
    frame.loc[row, ["points", "spare"]] = [80, 3]
    f.rows(frame)


def crowd(f: Forgery) -> None:
    frame = f.frame()
    frame.loc[:3, "customer"] = frame.loc[0, "customer"]
    places, _ = pd.factorize(
        frame["customer"]
    )  # The others are numbered from it, as in any release.
    frame["customer"] = [f"=K{place + 1:05d}" for place in places]
    f.rows(frame)


def odd(f: Forgery) -> None:
    frame = f.frame()
    frame.loc[0, "segment"] = "''=x"
    f.rows(frame)


@pytest.mark.parametrize("kind", LIES)
def test_a_lie_about_such_a_release_shows(made: Path, tmp_path: Path, kind: str) -> None:
    lie, told = LIES[kind]
    release = shutil.copytree(made, tmp_path / "release")
    forge(release, lie)
    found = verify_release(release)
    assert not found.ok
    assert told in "\n".join(found.problems)
