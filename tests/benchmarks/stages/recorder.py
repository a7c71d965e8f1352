"""Record where a process spends its processor time and its memory, stage by stage.

A timer of processor time interrupts the process some hundred times a second. What has gone by since
the last interruption is put down to the functions on the stack. A call into a library is put down
to the function that made it. Such a timer sees one thread: benchmarks run with one.
"""

from __future__ import annotations

import resource
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

_EVERY = 0.01  # Seconds of the processor between two looks at the stack.
_KILOBYTES = 1_024
_BEFORE = "start"


@dataclass
class Stage:
    """One stage.

    Attributes:
        name: What it does.
        seconds: Seconds of the processor.
        megabytes: The most memory that the process held in it.
        functions: Seconds within each function of the package, those that it called included.
    """

    name: str
    seconds: float = 0.0
    megabytes: float = 0.0
    functions: dict[str, float] = field(default_factory=lambda: defaultdict(float))


class Recorder:
    """Stages of one process, in the order of their first begin.

    Args:
        package: The folder whose functions are told.
    """

    def __init__(self, package: Path) -> None:
        self._package = str(package)
        self._stages: dict[str, Stage] = {}
        self._began = self._seen = time.process_time()
        self._stage = self._stage_of(_BEFORE)

    @contextmanager
    def recording(self) -> Iterator[Recorder]:
        """Record until the block ends."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        try:
            yield self
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self._end()

    def begin(self, name: str) -> None:
        """End the stage before and begin this one, again if it was there before."""
        self._end()
        self._stage = self._stage_of(name)

    @property
    def stages(self) -> list[Stage]:
        """All stages so far."""
        return list(self._stages.values())

    def to_json(self) -> list[dict[str, Any]]:
        """All stages as JSON values."""
        return [
            {
                "stage": stage.name,
                "seconds": stage.seconds,
                "megabytes": stage.megabytes,
                "functions": dict(sorted(stage.functions.items(), key=lambda pair: -pair[1])),
            }
            for stage in self.stages
        ]

    def _stage_of(self, name: str) -> Stage:
        return self._stages.setdefault(name, Stage(name))

    def _end(self) -> None:
        now = time.process_time()
        self._stage.seconds += now - self._began
        self._stage.megabytes = max(self._stage.megabytes, _peak())
        self._began = now
        _forget_peak()

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        now = time.process_time()
        gone, self._seen = now - self._seen, now
        for name in self._on_stack(frame):
            self._stage.functions[name] += gone

    def _on_stack(self, frame: FrameType | None) -> set[str]:
        """The package's functions on a stack, each once."""
        found = set[str]()
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(self._package):
                found.add(f"{code.co_filename[len(self._package) + 1 :]}:{code.co_qualname}")
            frame = frame.f_back
        return found


def _peak() -> float:
    """The most memory since it was last forgotten, in MB; of the whole process elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES
    held = next(line for line in lines if line.startswith("VmHWM:"))
    return int(held.split()[1]) / _KILOBYTES


def _forget_peak() -> None:
    """Let the kernel count the most memory from now on; where it cannot, peaks only grow."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return
