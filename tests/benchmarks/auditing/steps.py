"""Read an audit driver's job and write each step's cost.

It runs in the tool's own environment. That may hold neither privgan nor the rest of the benchmark:
it needs pandas alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd


class Clock:
    """Wall-clock and processor time of consecutive steps, and peak memory after each."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self._wall, self._processor = time.monotonic(), time.process_time()

    def done(self, step: str) -> None:
        """A step has ended."""
        wall, processor = time.monotonic(), time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        taken = {
            "seconds": wall - self._wall,
            "processor_seconds": processor - self._processor,
            "peak_megabytes": peak,
        }
        self.steps.append({"step": step, **taken})
        self._wall, self._processor = wall, processor


def read(job: dict[str, Any], name: str) -> pd.DataFrame:
    """A table in plain types: numbers as floats, categories as text, a missing value as None."""
    text = pd.read_csv(job[name], dtype=str, keep_default_na=False)
    numeric = set(job["numeric"])
    return pd.DataFrame(
        {
            column: (
                pd.to_numeric(text[column])
                if column in numeric
                else text[column].replace("", "missing")
            )
            for column in text
        }
    )


def main(audit: Callable[[dict[str, Any], Clock], None], packages: tuple[str, ...]) -> None:
    """Run the job that the command line names and write ``driver.json`` into its folder.

    Args:
        audit: Does the steps.
        packages: Packages to name with their versions in the result.
    """
    job, clock = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Clock()
    audit(job, clock)
    facts = {
        "steps": clock.steps,
        "versions": {package: metadata.version(package) for package in packages},
    }
    (Path(job["out"]) / "driver.json").write_text(json.dumps(facts), encoding="utf-8")
