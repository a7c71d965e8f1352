"""Show progress on long work: a bar on a terminal, plain lines elsewhere. INTERNAL."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

_NOTHING_SPENT = "ε spent 0"
_PLAIN_EVERY = 10.0
_TRUSTED = 5.0  # Seconds of finished stages with the same weight as the initial estimate.


@dataclass(frozen=True)
class Stage:
    """One stage of a long job.

    Attributes:
        name: The work in plain words; unique in the job.
        seconds: Expected duration.
    """

    name: str
    seconds: float


class Clock:
    """Remaining time of a job of several stages, corrected by the finished stages' durations.

    Args:
        stages: All stages in their order.
        now: The time at which the job began, in seconds.
    """

    def __init__(self, stages: Sequence[Stage], now: float) -> None:
        self._stages = {stage.name: stage.seconds for stage in stages}
        self._names = list(self._stages)
        self._place, self._begun, self._part = -1, now, 0.0
        self._taken = self._expected = 0.0

    @property
    def total(self) -> float:
        """Expected seconds of all stages, before any was finished."""
        return sum(self._stages.values())

    def begin(self, name: str, now: float) -> str:
        """Begin a stage; return its place among all, empty if it is not one of them."""
        if name not in self._stages:
            return ""
        if self._place >= 0:
            self._taken += now - self._begun
            self._expected += self._stages[self._names[self._place]]
        self._place, self._begun, self._part = self._names.index(name), now, 0.0
        return f"{self._place + 1} of {len(self._names)}"

    def reached(self, part: float) -> None:
        """Set the finished part of the stage, in [0, 1]."""
        self._part = part

    def left(self, now: float) -> float:
        """Remaining seconds of all stages."""
        rest = sum(self._stages[name] for name in self._names[self._place + 1 :])
        here = self._stages[self._names[self._place]] if self._place >= 0 else 0.0
        pace = (self._taken + _TRUSTED) / (self._expected + _TRUSTED)
        done = (
            max(self._part * pace * here, min(now - self._begun, pace * here))
            if self._place >= 0
            else 0.0
        )
        return max(0.0, pace * (rest + here) - done)


class Progress:
    """Progress of a job: stage, ε spent so far, loss on fake rows, remaining time.

    Args:
        quiet: Say nothing.
        stream: Output stream; by default standard error, since standard output is for figures.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._rich = not quiet and self._stream.isatty()
        self._log: Path | None = None
        self._spent = _NOTHING_SPENT
        self._started = time.monotonic()
        self._clock: Clock | None = None
        self._stages_of: Callable[[int | None], Sequence[Stage]] | None = None

    def __enter__(self) -> Progress:
        """Start the clock."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: each task closes its own bar."""

    def begin(self) -> None:
        """Leave an earlier job's log, clock and spending: what follows is of another one."""
        self._log, self._clock, self._stages_of = None, None, None
        self._spent, self._started = _NOTHING_SPENT, time.monotonic()

    def log_to(self, path: Path) -> None:
        """Also write every line to an INTERNAL log file."""
        path.touch(mode=0o600)
        self._log = path

    def spent(self, epsilon: float, delta: float, condition: str = "") -> None:
        """Record the (ε, δ) spent so far and its conditions."""
        self._spent = f"ε spent {epsilon:.3f} at δ = {delta:g} {condition}".rstrip()

    def expect(self, stages_of: Callable[[int | None], Sequence[Stage]], rows: int | None) -> None:
        """Print the expected duration of the whole job, from public sizes.

        Args:
            stages_of: All stages in their order, for a row count; None if it is not known yet.
            rows: The public row count, or None.
        """
        self._stages_of = stages_of
        self._clock = Clock(stages_of(rows), time.monotonic())
        total = duration(self._clock.total)
        if rows is None:
            self.say(
                f"at least {total} in all; more follows once the row count is measured with noise"
            )
        else:
            self.say(f"about {total} in all, until the last stage has ended")

    def sized(self, rows: int) -> None:
        """Record the row count; it is noisy, so it may be printed."""
        if self._stages_of is not None:
            self.expect(self._stages_of, rows)

    def stage(self, name: str) -> None:
        """Begin a stage and end the one before."""
        now = time.monotonic()
        place = self._clock.begin(name, now) if self._clock else ""
        self.say(f"{place}: {name}; {self.left_text}" if place else name)

    def reached(self, part: float) -> None:
        """Set the finished part of the stage, in [0, 1]."""
        if self._clock:
            self._clock.reached(part)

    @property
    def left_text(self) -> str:
        """Remaining time of the whole job in words; empty without an estimate."""
        return (
            f"about {duration(self._clock.left(time.monotonic()))} left in all"
            if self._clock
            else ""
        )

    def say(self, text: str) -> None:
        """Print one line for the owner."""
        line = f"[{time.monotonic() - self._started:6.1f} s] {text}"
        if self._log is not None and self._log.exists():
            with self._log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        if not self._quiet:
            self._stream.write(line + "\n")
            self._stream.flush()

    def say_all(self, lines: Iterable[str]) -> None:
        """Print several lines for the owner."""
        for line in lines:
            self.say(line)

    @contextmanager
    def task(self, name: str) -> Iterator[Task]:
        """Begin a stage with a bar."""
        self.stage(name)
        task: Task = _RichTask(self, name, self._stream) if self._rich else _PlainTask(self, name)
        try:
            yield task
        finally:
            task.close()

    @property
    def epsilon_text(self) -> str:
        """ε spent so far, for a bar."""
        return self._spent


def duration(seconds: float) -> str:
    """A duration in words: 40 s, 2 min 10 s, 1 h 20 min."""
    if seconds < 120:
        return (
            f"{max(5, 5 * round(seconds / 5))} s"
            if seconds < 57.5
            else _minutes(10 * round(seconds / 10))
        )
    if seconds < 3_600:
        return _minutes(10 * round(seconds / 10))
    hours, minutes = divmod(5 * round(seconds / 300), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


class Task:
    """Progress bar of one stage."""

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        """Move to a step; ``loss`` is on fake rows only."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the bar after success or failure."""


class _PlainTask(Task):
    """Progress bar as plain lines, one every ten seconds."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._last = time.monotonic()

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        now = time.monotonic()
        self._progress.reached(step / max(1, total))
        if now - self._last < _PLAIN_EVERY:
            return
        self._last = now
        told = [f"{self._name}: {step}/{total}", self._progress.epsilon_text]
        told += [] if loss is None else [f"loss on fake rows {loss:.4g}"]
        told += [self._progress.left_text] if self._progress.left_text else []
        self._progress.say(", ".join(told))


class _RichTask(Task):
    """Progress bar of the rich library."""

    def __init__(self, progress: Progress, name: str, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = progress
        self._bar = RichProgress(*columns, console=Console(file=stream), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(name, total=None, note="")

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        self._progress.reached(step / max(1, total))
        loss_text = "" if loss is None else f"  loss on fake rows {loss:.4g}"
        note = f"{self._progress.epsilon_text}{loss_text}  {self._progress.left_text}"
        self._bar.update(self._task, completed=step, total=total, note=note)

    def close(self) -> None:
        self._bar.stop()
