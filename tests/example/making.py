"""Make the example release: simulated customers through the main job, in few rows."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from privgan.cli.main import execute
from privgan.demo import write_demo

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "reports" / "example"
DATASET = "retail-demo"
LARGEST = 5_000_000  # Of it the noisy counts are some 1.9 MB.
_CONTEXT = """format: privgan.context/1
reviewer: A. Officer
purpose: churn study
recipient: Partner Ltd
expiry: 2099-12-31
"""
_README = """# An example release

{customers:,} simulated customers, none of them real, through `privgan run` at ε = {epsilon:g} \
under the policy `{policy}`;
{rows:,} synthetic rows, so that the folder stays small. `make example` makes it again \
(with fresh noise).

- `release/`: what a recipient gets; `report.html` is the shareable report. `privgan verify \
reports/example/release` checks it,
  `privgan sample reports/example/release --rows 1000 --out more.csv` draws more rows.
- `internal-report.*`: what only the owner sees, with figures computed from real rows; \
here because the real rows are simulated.
- `privgan serve reports/example` shows it in the browser.
"""


@dataclass(frozen=True, kw_only=True)
class Example:
    """The example's settings.

    Attributes:
        customers: Simulated customers.
        rows: Synthetic rows that are released.
        epsilon: ε of the run.
        policy: The policy that it must pass.
        effort: Free fitting.
    """

    customers: int = 20_000
    rows: int = 2_000
    epsilon: float = 3.0
    policy: str = "partner-share"
    effort: str = "quick"


def make_example(target: Path, example: Example | None = None) -> Path:
    """Make the example, and put it in the place of the one before.

    Args:
        target: The folder to make.
        example: What it is made with.

    Returns:
        The folder.

    Raises:
        RuntimeError: The run did not end in a release, or the folder is too large to be kept; the
            old one is untouched.
    """
    example = example or Example()
    with _workplace() as work:
        table, schema = write_demo(work, example.customers, seed=0)
        (work / "context.yaml").write_text(_CONTEXT, encoding="utf-8")
        _do(f"ledger init {DATASET} --epsilon 6 --ledger {work}/ledger.sqlite")
        _do(
            f"run {table} --schema {schema} --policy {example.policy} --context {work}/context.yaml"
            f" --target converted --epsilon {example.epsilon:g} --public-rows {example.customers}"
            f" --rows {example.rows} --effort {example.effort} --ledger {work}/ledger.sqlite --out"
            f" {work}/out"
        )
        made = work / "example"
        shutil.copytree(work / "out" / "release", made / "release")
        for report in sorted((work / "out" / "internal").glob("internal-report.*")):
            shutil.copy(report, made / report.name)
            (made / report.name).chmod(0o644)
        facts = {
            "customers": example.customers,
            "epsilon": example.epsilon,
            "policy": example.policy,
            "rows": example.rows,
        }
        (made / "README.md").write_text(_README.format(**facts), encoding="utf-8")
        _do(f"verify {made}/release")
        if size_of(made) > LARGEST:
            raise RuntimeError(
                f"the example has {size_of(made):,} bytes; at most {LARGEST:,} are kept with the"
                " code"
            )
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, target)
    return target


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for table and ledger.

    The ledger notes a made-up owner in place of this machine and its user.
    """
    with contextlib.ExitStack() as stack:
        for writer in ("evaluations", "ledger", "runs", "start"):
            name = f"privgan.ledger.{writer}.account_name"
            stack.enter_context(mock.patch(name, return_value="owner@example"))
        yield Path(stack.enter_context(tempfile.TemporaryDirectory()))


def _do(command: str) -> None:
    code = execute(command.split())
    if code:
        raise RuntimeError(f"privgan {command} ended with {code}")
