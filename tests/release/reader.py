"""Run commands in a process of their own, and observe its death, memory and time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
MOST_SECONDS, MOST_GROWTH_KB, HANGS = 10.0, 500_000, 120.0


@dataclass(frozen=True)
class Found:
    """The outcome of one command.

    Code, CPU and wall seconds, peak kilobytes, and all that was printed.
    """

    code: int
    cpu: float
    wall: float
    peak: int
    told: str


class Reader:
    """Runs commands one after another in one process."""

    def __enter__(self) -> Reader:
        command = [sys.executable, "-m", "tests.release.fuzz_child"]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.child = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.base = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.child.kill()
        self.child.wait()

    def _listen(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put("")

    def run(self, *arguments: str) -> Found:
        """What a command does; AssertionError where the process dies or does not answer."""
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(arguments) + "\n")
        self.child.stdin.flush()
        try:
            line = self.lines.get(timeout=HANGS)
        except queue.Empty:
            raise AssertionError(f"{arguments} hangs") from None
        assert line, f"{arguments} killed the process: {self.child.wait()}"
        return Found(**json.loads(line))

    def verify(self, path: Path, what: str) -> Found:
        """Verify within the bounds of time and memory, with a code of our own and no traceback."""
        found = self.run("verify", str(path))
        first, self.base = not self.base, self.base or found.peak
        assert found.code in {0, 1}, (what, found)
        # The first also imports all libraries, once a process.
        assert first or found.cpu < MOST_SECONDS, (what, found)
        assert found.peak - self.base < MOST_GROWTH_KB, (what, found)
        assert "Traceback" not in found.told, (what, found)
        assert found.told.isprintable() or found.told.replace("\n", "").isprintable(), (what, found)
        return found
