"""Run one privgan command in this process and write where its time and memory went.

``python driver.py JOB.json``: the job has ``command``, the arguments of ``privgan``, and ``out``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import privgan
from privgan.cli import main as privgan_main
from privgan.progress import Progress
from tests.benchmarks.stages.recorder import Recorder

ALLOWED = (0, 1, 3)  # Released, or stopped by the policy after all the work was done.


def main(job: dict[str, Any]) -> None:
    """Run a command, recorded."""
    recorder = Recorder(Path(privgan.__file__).parent)
    told = Progress.stage

    def stage(progress: Progress, name: str) -> None:
        recorder.begin(str(name))
        told(progress, name)

    Progress.stage = stage  # type: ignore[method-assign]
    with recorder.recording():
        code = privgan_main(job["command"])
    if code not in ALLOWED:
        raise SystemExit(f"privgan {job['command'][0]} ended with code {code}")
    found = {"code": code, "stages": recorder.to_json()}
    (Path(job["out"]) / "driver.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
