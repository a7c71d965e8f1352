"""Judge privgan's targets against its peers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.cells import NO_RESULT
from tests.benchmarks.collect import Line, best_peer, same_cell
from tests.benchmarks.tables import LARGE

TVD_SHARE_LARGE, TVD_SHARE_SMALL, TVD_SHARE_DPCTGAN = 0.7, 0.9, 0.1
GAP_SHARE, SMALLEST_GAP, GAP_EPSILON, GAP_TABLES = 0.5, 0.01, 10.0, frozenset({"adult", "bank"})
FIT_SHARE, SPEED_FACTOR = 0.1, 10.0
DPCTGAN, AIM, CTGAN = "smartnoise-dpctgan", "dpmm-aim", "ctgan"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One target on one table at one ε.

    Attributes:
        line: The judged line.
        target: The target in words.
        value: The result; None if there is no figure.
        limit: The limit; None if no peer has a figure.
        against: The method that the limit comes from.
        at_least: Whether more is better.
    """

    line: Line
    target: str
    value: float | None
    limit: float | None
    against: str
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or ``cannot be judged``."""
        if self.value is None or self.limit is None:
            return "cannot be judged"
        return (
            "met"
            if (self.value >= self.limit if self.at_least else self.value <= self.limit)
            else "missed"
        )

    @property
    def ratio(self) -> float | None:
        """The value over its limit; None where that means nothing."""
        return None if self.value is None or not self.limit else self.value / self.limit


def judge(line: Line, lines: Sequence[Line]) -> list[Judgement]:
    """Every target that applies to a line of privgan.

    Args:
        line: The judged line.
        lines: All lines.
    """
    share = TVD_SHARE_LARGE if line.rows >= LARGE else TVD_SHARE_SMALL
    peer = best_peer(lines, line, "tvd3")
    judged = [
        _against(line, peer, "tvd3", share, f"tvd3 ≤ {share:g} × the best private peer's"),
        _against(
            line,
            same_cell(lines, line, DPCTGAN),
            "tvd3",
            TVD_SHARE_DPCTGAN,
            f"tvd3 ≤ {TVD_SHARE_DPCTGAN:g} × DPCTGAN's",
        ),
        _against(
            line,
            best_peer(lines, line, "gap"),
            "gap",
            GAP_SHARE,
            f"TSTR gap ≤ {GAP_SHARE:g} × the best private peer's",
        ),
        _against(
            line, best_peer(lines, line, "c2st"), "c2st", 1.0, "C2ST AUC ≤ the best private peer's"
        ),
        _fit_time(line, same_cell(lines, line, AIM)),
        _sampling(line, same_cell(lines, line, CTGAN)),
    ]
    if line.epsilon == GAP_EPSILON and line.table in GAP_TABLES:
        gap = line.figure("gap")
        judged.append(
            Judgement(
                line=line,
                target=f"TSTR gap ≤ {SMALLEST_GAP:g}",
                value=gap,
                limit=SMALLEST_GAP,
                against="fixed",
            )
        )
    return judged


def _against(
    line: Line, other: Line | None, name: str, factor: float, target: str, *, at_least: bool = False
) -> Judgement:
    theirs = None if other is None else other.figure(name)
    return Judgement(
        line=line,
        target=target,
        value=line.figure(name),
        limit=None if theirs is None else factor * theirs,
        against=(
            "no figure"
            if other is None
            else other.method
            if theirs is not None
            else f"{other.method}: {other.status}"
        ),
        at_least=at_least,
    )


def _timed(line: Line, other: Line | None, by_processor: str, by_clock: str) -> str:
    """The figure that both lines have: by the processor's clock, or else by the one on the wall."""
    both = (
        line.figure(by_processor) is not None
        and other is not None
        and other.figure(by_processor) is not None
    )
    return by_processor if both else by_clock


def _sampling(line: Line, ctgan: Line | None) -> Judgement:
    name = _timed(line, ctgan, "sample_cpu_rows_s", "sample_rows_s")
    return _against(
        line,
        ctgan,
        name,
        SPEED_FACTOR,
        f"rows sampled a second ≥ {SPEED_FACTOR:g} × CTGAN's",
        at_least=True,
    )


def _fit_time(line: Line, aim: Line | None) -> Judgement:
    """AIM without a result took longer than it was given.

    That alone may show that the target is met, never that it is missed.
    """
    judged = _against(
        line,
        aim,
        _timed(line, aim, "fit_cpu_s", "fit_s"),
        FIT_SHARE,
        f"fit time ≤ {FIT_SHARE:g} × AIM's",
    )
    if aim is None or not aim.status.startswith(NO_RESULT) or judged.value is None:
        return judged
    limit = FIT_SHARE * aim.seconds
    return replace(judged, limit=limit) if judged.value <= limit else judged


def judge_all(lines: Sequence[Line], method: str) -> list[Judgement]:
    """Every target for every line of one method."""
    return [
        judgement for line in lines if line.method == method for judgement in judge(line, lines)
    ]


def counted(judgements: Iterable[Judgement]) -> dict[str, int]:
    """Number of targets by verdict."""
    counts = {"met": 0, "missed": 0, "cannot be judged": 0}
    for judgement in judgements:
        counts[judgement.verdict] += 1
    return counts
