"""Run one cell: one method, table, ε and seed, in its own process with a time limit.

A cell is a folder. Its ``result.json`` is there when the cell is finished, whatever the end. A
finished cell is never run again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SYNTHETIC, RESULT, LOG, JOB, FACTS = (
    "synthetic.csv",
    "result.json",
    "log.txt",
    "job.json",
    "driver.json",
)
NO_RESULT = "no result"
# One thread for everybody: times are comparable, and the machine stays usable.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
_LAST = 2_000
_GIVEN = re.compile(rf"^{NO_RESULT} in ([\d.]+) minutes(?: \(([\d.]+) of processor\))?")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One fit: table, method, ε and seed.

    Attributes:
        table: The table's name.
        method: The method's name.
        epsilon: ε; None for a method without privacy.
        seed: The seed.
    """

    table: str
    method: str
    epsilon: float | None
    seed: int

    def folder(self, work: Path) -> Path:
        """Folder of the cell's files."""
        budget = "no-privacy" if self.epsilon is None else f"epsilon-{self.epsilon:g}"
        return work / "cells" / self.table / self.method / budget / f"seed-{self.seed}"

    def __str__(self) -> str:
        """As it is told to the user."""
        budget = "" if self.epsilon is None else f" ε {self.epsilon:g}"
        return f"{self.table} {self.method}{budget} seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a cell.

    Attributes:
        minutes: Wall-clock time.
        gigabytes: Address space; None for no limit.
    """

    minutes: float = 60.0
    gigabytes: float | None = 16.0


def result_of(folder: Path) -> dict[str, Any] | None:
    """A finished cell's result; None where the cell is not finished."""
    path = folder / RESULT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def run_cell(
    cell: Cell, work: Path, command: Sequence[str], job: Mapping[str, Any], limits: Limits
) -> dict[str, Any]:
    """Run a cell, or read what it ended in before.

    Args:
        cell: The cell to run.
        work: The benchmark's work folder.
        command: The driver's command line; the job file is added to it.
        job: The driver's job; the cell's folder is added to it.
        limits: Its limits.

    Returns:
        The result, as JSON values: ``status`` is ``ok``, ``no result in … minutes (… of
            processor)`` or ``failed: …``.
    """
    folder = cell.folder(work)
    found = result_of(folder)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    for name in (SYNTHETIC, FACTS):
        (folder / name).unlink(missing_ok=True)
    (folder / JOB).write_text(json.dumps({**job, "out": str(folder)}), encoding="utf-8")
    started, processor = time.monotonic(), _processor_seconds()
    status = _run([*command, str(folder / JOB)], folder / LOG, limits)
    seconds, processor = time.monotonic() - started, _processor_seconds() - processor
    if status == NO_RESULT:
        status = f"{NO_RESULT} in {limits.minutes:g} minutes ({processor / 60:.0f} of processor)"
    result = {
        **asdict(cell),
        "status": status,
        "seconds": seconds,
        "minutes_allowed": limits.minutes,
    }
    if status == "ok":
        result |= json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return _finish(folder, result)


def conclude(cell: Cell, work: Path, smaller: Cell) -> dict[str, Any]:
    """Finish a cell without running it.

    The same training at a smaller ε, which ends earlier, had no result.

    Args:
        cell: The finished cell.
        work: The benchmark's work folder.
        smaller: The cell without a result.

    Returns:
        The result, as :func:`run_cell`'s.
    """
    folder, found = cell.folder(work), result_of(smaller.folder(work))
    assert found is not None
    folder.mkdir(parents=True, exist_ok=True)
    status = f"{found['status'].split(';')[0]}; so told by ε {smaller.epsilon:g}"
    return _finish(folder, {**found, **asdict(cell), "status": status})


def given_seconds(status: str) -> float:
    """Seconds that a cell without a result had, by the processor's clock if it was read.

    0 for any other status.
    """
    found = _GIVEN.match(status)
    return 60.0 * float(found[2] or found[1]) if found else 0.0


def _finish(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    # Written under another name first: a result is there as a whole, or not at all.
    (folder / f"{RESULT}.part").write_text(
        json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8"
    )
    os.replace(folder / f"{RESULT}.part", folder / RESULT)
    return result


def _run(command: Sequence[str], log: Path, limits: Limits) -> str:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
            preexec_fn=lambda: _limit_memory(limits.gigabytes),
        )
        try:
            code = process.wait(timeout=limits.minutes * 60)
        except subprocess.TimeoutExpired:
            return NO_RESULT
        finally:
            _kill_group(process)
    return "ok" if code == 0 else f"failed: {_last_line(log) or f'exit code {code}'}"


def _processor_seconds() -> float:
    """Processor seconds of all ended drivers and of the processes they waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _limit_memory(gigabytes: float | None) -> None:
    if gigabytes is None:
        return
    most, hard = int(gigabytes * 2**30), resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        # Nobody may raise the limit that the runner itself has.
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the driver and everything that it started; its session is its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-_LAST:].decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
