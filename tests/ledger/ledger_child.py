"""Work on a ledger in a process of its own.

It imports only the privacy layer, then forks its workers.

Called as ``python ledger_child.py MODE URL ARGUMENTS``; prints its findings as JSON.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from privgan.errors import BudgetExceededError, UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian

NOBODY = 65534
PATIENCE = 60.0  # Seconds within which a process has released something, or has gone wrong.
STEPS = {f"step{i}": DiscreteGaussian(500.0, 1) for i in range(4)}
BUDGET = PrivacyBudget(epsilon=0.1, delta=1e-7)


def _at_once(count: int, work: Callable[[], int]) -> list[int]:
    """Exit codes of children that start at the same moment."""
    ready, go = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(ready, 1)
            os._exit(_code(work))
        children.append(child)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _code(work: Callable[[], int]) -> int:
    try:
        return work()
    except Exception as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        return 99


def _warm_up() -> float:
    """Fill the accountant's caches and import late modules; returns a run's seconds."""
    with tempfile.TemporaryDirectory() as folder:
        _spend(f"{folder}/ledger.sqlite")
        start = time.perf_counter()
        _spend(f"{folder}/ledger.sqlite")
        return time.perf_counter() - start


def _spend(url: str) -> None:
    with PrivacyLedger.open(url).run("a", BUDGET, secret=True) as run:
        run.approve("model", STEPS, BUDGET)
        run.charge("step0", STEPS["step0"])


def spend(url: str, count: int) -> dict[str, Any]:
    """Let so many processes ask for one run each at the same moment."""

    def work() -> int:
        try:
            _spend(url)
        except BudgetExceededError as error:
            return error.exit_code
        return 0

    _warm_up()
    return {"codes": _at_once(count, work)}


def create(url: str, count: int) -> dict[str, Any]:
    """Let so many processes open a missing ledger, and write to it."""

    def work() -> int:
        ledger = PrivacyLedger.open(url)
        ledger.introduce("a")
        return int(ledger.created_now)

    return {"codes": _at_once(count, work)}


def kill(url: str, kills: int, seed: int, released: str) -> dict[str, Any]:
    """Kill a process at a random moment, after some releases at the earliest.

    The ledger must know all that left.
    """
    coins, file, counted, lost, spoilt = random.Random(seed), Path(released), 0, [], []
    longest = 4 * _warm_up()
    for i in range(kills):
        place = url if "://" in url else f"{url}.{i // 4}"
        child = os.fork()
        if child == 0:
            os._exit(_code(lambda place=place: _run_on(place, file)))
        _wait_for_lines(file, i % 4)
        time.sleep(coins.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        ledger = PrivacyLedger.open(place)
        spoilt += ledger.problems()
        known = {
            f"{entry.run} {entry.body['step']}"
            for entry in ledger.entries()
            if entry.kind == "charge"
        }
        lines = file.read_text().splitlines() if file.exists() else []
        lost += [line for line in lines if line not in known]
        counted += len(lines)
        file.unlink(missing_ok=True)
    return {"released": counted, "lost": lost, "problems": spoilt}


def _wait_for_lines(file: Path, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while count and time.monotonic() < deadline:
        if file.exists() and file.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.001)


def _run_on(url: str, file: Path) -> int:
    """Runs, each charging its steps and writing down what it released, until somebody ends it."""
    ledger = PrivacyLedger.open(url)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        with ledger.run("a", BUDGET, secret=True) as run:
            run.approve("model", STEPS, BUDGET)
            for step, event in STEPS.items():
                run.charge(step, event).redeem()
                os.write(handle, f"{run.identity} {step}\n".encode())


def full(url: str, room: int) -> dict[str, Any]:
    """Give the disk room for so many more bytes, then mend it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger, charged, told = PrivacyLedger.open(url), [], ""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(url).stat().st_size + room, hard))
    while not told:
        try:
            with ledger.run("a", BUDGET, secret=True) as run:
                run.approve("model", STEPS, BUDGET)
                for step, event in STEPS.items():
                    run.charge(step, event)
                    charged.append(f"{run.identity} {step}")
        except UsageError as error:
            told = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    before = len(ledger.entries())
    with ledger.run("a", BUDGET, secret=True):
        pass
    return {"told": told, "charged": charged, "after": len(ledger.entries()) - before}


def read_only(url: str, names: list[str]) -> dict[str, Any]:
    """Open, read and try to charge each ledger of a folder, without the right to write."""
    _warm_up()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return {name: _try(f"{url}/{name}") for name in names}


def _try(url: str) -> tuple[int | None, str]:
    runs = None
    try:
        ledger = PrivacyLedger.open(url)
        runs = ledger.account("a").runs
        _spend(url)
    except UsageError as error:
        return runs, str(error)
    return runs, ""


if __name__ == "__main__":
    mode, place, *rest = sys.argv[1:]
    sys.stdout.write(json.dumps(globals()[mode](place, **json.loads(rest[0]))))
