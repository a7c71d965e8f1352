"""Progress on long work: a bar on a terminal, plain lines elsewhere. All of it is INTERNAL."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

_PLAIN_EVERY = 10.0
_TRUSTED = 5.0  # Seconds of finished stages that count as much as the estimate made beforehand.


@dataclass(frozen=True)
class Stage:
    """A part of a long job.

    Attributes:
        name: What is done, in plain words; unique in the job.
        seconds: How long it is expected to take.
    """

    name: str
    seconds: float


class Clock:
    """How long a job of several stages still takes, corrected by how long finished ones took.

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
        """The seconds expected of all stages, before any was finished."""
        return sum(self._stages.values())

    def begin(self, name: str, now: float) -> str:
        """Begin a stage; its place among all, empty where it is not one of them."""
        if name not in self._stages:
            return ""
        if self._place >= 0:
            self._taken += now - self._begun
            self._expected += self._stages[self._names[self._place]]
        self._place, self._begun, self._part = self._names.index(name), now, 0.0
        return f"{self._place + 1} of {len(self._names)}"

    def reached(self, part: float) -> None:
        """The part of the stage that is done, in [0, 1]."""
        self._part = part

    def left(self, now: float) -> float:
        """The seconds that the stages still take."""
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
    """Tells how far a job is: the stage, ε spent so far, loss on fake rows, time left in all.

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
        """Nothing to close: each task closes its own bar."""

    def log_to(self, path: Path) -> None:
        """Also write every line to an INTERNAL log file."""
        self._log = path

    def spent(self, epsilon: float, delta: float, condition: str = "") -> None:
        """Take note of the (ε, δ) spent so far, and of what it is conditional on."""
        self._spent = f"ε spent {epsilon:.3f} at δ = {delta:g} {condition}".rstrip()

    def expect(self, stages_of: Callable[[int | None], Sequence[Stage]], rows: int | None) -> None:
        """Say how long the whole job takes, from public sizes.

        Args:
            stages_of: All stages in their order, for a row count; None where it is not known yet.
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
        """The row count is known now: noisy, so that it may be told."""
        if self._stages_of is not None:
            self.expect(self._stages_of, rows)

    def stage(self, name: str) -> None:
        """A stage begins, and the one before has ended."""
        now = time.monotonic()
        place = self._clock.begin(name, now) if self._clock else ""
        self.say(f"{place}: {name}; {self.left_text}" if place else name)

    def reached(self, part: float) -> None:
        """The part of the stage that is done, in [0, 1]."""
        if self._clock:
            self._clock.reached(part)

    @property
    def left_text(self) -> str:
        """How long the whole job still takes, in words; empty without an estimate."""
        return (
            f"about {duration(self._clock.left(time.monotonic()))} left in all"
            if self._clock
            else ""
        )

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
        """A stage with a bar."""
        self.stage(name)
        task: Task = _RichTask(self, name, self._stream) if self._rich else _PlainTask(self, name)
        try:
            yield task
        finally:
            task.close()

    @property
    def epsilon_text(self) -> str:
        """The ε spent so far, for a bar."""
        return self._spent


def duration(seconds: float) -> str:
    """A duration as it is said: 40 s, 2 min 10 s, 1 h 20 min."""
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
    """A rich bar."""

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
