"""Progress on long work: a rich bar on a terminal, plain lines elsewhere, nothing when quiet.

All of it is INTERNAL.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

_PLAIN_EVERY = 10.0


class Progress:
    """Tells how far a run is: step, ε spent so far, loss on fake rows, time left.

    Args:
        quiet: Say nothing.
        stream: Where to write; standard error, so that standard output stays for figures.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._rich = not quiet and self._stream.isatty()
        self._log: Path | None = None
        self._spent = "ε spent 0"
        self._started = time.monotonic()

    def __enter__(self) -> Progress:
        """Start the clock."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close: each task closes its own bar."""

    def log_to(self, path: Path) -> None:
        """Also write every line to an INTERNAL log file."""
        self._log = path

    def spent(self, epsilon: float, delta: float, condition: str = "") -> None:
        """Take note of the (ε, δ) spent so far, and of what it is conditional on."""
        self._spent = f"ε spent {epsilon:.3f} at δ = {delta:g} {condition}".rstrip()

    def say(self, text: str) -> None:
        """One line for the owner."""
        line = f"[{time.monotonic() - self._started:6.1f} s] {text}"
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        if not self._quiet:
            self._stream.write(line + "\n")
            self._stream.flush()

    def say_all(self, lines: Iterable[str]) -> None:
        """Several lines for the owner."""
        for line in lines:
            self.say(line)

    @contextmanager
    def task(self, name: str) -> Iterator[Task]:
        """A piece of long work."""
        task: Task = _RichTask(self, name, self._stream) if self._rich else _PlainTask(self, name)
        try:
            yield task
        finally:
            task.close()

    @property
    def epsilon_text(self) -> str:
        """The ε spent so far, for a bar."""
        return self._spent


class Task:
    """One bar."""

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        """Move to a step; ``loss`` is on fake rows only."""
        raise NotImplementedError

    def close(self) -> None:
        """The work is done, or failed."""


class _PlainTask(Task):
    """A line every ten seconds."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._started = self._last = time.monotonic()

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        now = time.monotonic()
        if now - self._last < _PLAIN_EVERY:
            return
        self._last = now
        left = (now - self._started) / max(step, 1) * (total - step)
        tail = "" if loss is None else f", loss on fake rows {loss:.4g}"
        self._progress.say(
            f"{self._name}: {step}/{total}, {self._progress.epsilon_text}{tail}, {left:.0f} s left"
        )


class _RichTask(Task):
    """A rich bar."""

    def __init__(self, progress: Progress, name: str, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        self._progress = progress
        self._bar = RichProgress(*columns, console=Console(file=stream), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(name, total=None, note="")

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        note = self._progress.epsilon_text + (
            "" if loss is None else f"  loss on fake rows {loss:.4g}"
        )
        self._bar.update(self._task, completed=step, total=total, note=note)

    def close(self) -> None:
        self._bar.stop()
