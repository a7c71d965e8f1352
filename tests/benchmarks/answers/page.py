"""Write the page of the answers' coverage and width."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

_NORMAL, _DELTA = 1.959964, 1e-6
_NAMES = {"adult": "Adult", "bank": "Bank", "online_shoppers": "Online shoppers"}


def results(folder: Path, epsilon: float) -> pd.DataFrame:
    """All finished draws: a row for each table, draw, question and target."""
    frames = []
    for file in sorted(folder.glob(f"*-{epsilon:g}-*.json")):
        table, _, draw = file.stem.rsplit("-", 2)
        rows = pd.DataFrame(json.loads(file.read_text(encoding="utf-8")))
        frames.append(rows.assign(table=table, draw=int(draw)))
    found = pd.concat(frames, ignore_index=True)
    found["covered"] = (found.low <= found.truth + 1e-9) & (found.truth <= found.high + 1e-9)
    found["ratio"] = (found.high - found.low) / 2 / found.laplace
    return found


def _line(found: pd.DataFrame, name: str, target: str) -> str:
    told = found[found.value.notna()]
    known = told[told.low.notna() & told.truth.notna()]
    direct = known[known.direct.astype(bool)]
    exact = direct[~direct.split.astype(bool)]
    compared = exact[exact.laplace.notna()]
    cells = [
        name,
        target,
        f"{len(found) - len(told)} of {len(found)}",
        _share(known),
        _share(direct),
        _share(exact),
        f"{compared.ratio.median():.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _width(found: pd.DataFrame, name: str, target: str) -> str:
    """What the width of an interval is made of, at the median, where it is measured directly."""
    told = found[found.value.notna() & found.low.notna() & found.laplace.notna()]
    exact = told[told.direct.astype(bool) & ~told.split.astype(bool) & told.deviation.notna()]
    squares = exact.deviation.astype(float) ** 2
    shares = [
        f"{100 * (exact[part].astype(float) ** 2 / squares).median():.0f} %"
        for part in ("noise", "held_out", "sampling")
    ]
    alone = [
        f"{(_NORMAL * exact[part].astype(float) / exact.laplace.astype(float)).median():.2f}"
        for part in ("noise", "held_out")
    ]
    return f"| {' | '.join([name, target, *shares, *alone])} |"


def _error(found: pd.DataFrame) -> str:
    """Standard error of a coverage: answers of one draw share its noise and its held-out rows."""
    drawn = found.groupby(["table", "draw"]).covered.mean()
    return f"{100 * drawn.std() / math.sqrt(len(drawn)):.1f} %" if len(drawn) > 1 else "–"


def _share(found: pd.DataFrame) -> str:
    return f"{100 * found.covered.mean():.1f} % of {len(found)}" if len(found) else "–"


def write_page(page: Path, folder: Path, asked: argparse.Namespace) -> None:
    """Write the page from all finished draws."""
    found = results(folder, asked.epsilon)
    lines = [
        _line(found[(found.table == table) & (found.target == target)], name, target)
        for table, name in _NAMES.items()
        for target in ("table", "population")
    ]
    widths = [
        _width(found[(found.table == table) & (found.target == target)], name, target)
        for table, name in _NAMES.items()
        for target in ("table", "population")
    ]
    kinds = [
        f"| {kind} | {_share(part)} | {_share(part[part.direct.astype(bool)])} | {_error(part)} |"
        for kind, part in found[found.low.notna() & found.truth.notna()].groupby("kind")
    ]
    text = _PAGE.format(
        draws=f"{found.groupby('table').draw.nunique().min()}",
        questions=found.groupby("table").question.nunique().max(),
        epsilon=f"{asked.epsilon:g}",
        header=_HEADER,
        lines="\n".join(lines),
        kinds="\n".join(kinds),
        widths="\n".join(widths),
        most=f"{_gaussian_alone(asked.epsilon):.1f}",
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def _gaussian_alone(epsilon: float) -> float:
    """Width of one count with Gaussian noise for the whole budget, by that with Laplace noise.

    Balle and Wang 2018, Improving the Gaussian Mechanism for Differential Privacy, theorem 8.
    """

    def beyond(deviation: float) -> float:
        half, whole = 1 / (2 * deviation), epsilon * deviation
        return float(norm.cdf(half - whole) - math.exp(epsilon) * norm.cdf(-half - whole)) - _DELTA

    deviation = brentq(beyond, 0.1, 100.0)
    return _NORMAL * deviation / (math.log(20) / epsilon)


_HEADER = (
    "| table | intervals for | no figure | coverage, all | measured | measured, no split code |"
    " width by Laplace's |\n|---|---|---|---|---|---|---|"
)
_PAGE = """# Answers with error bars: coverage and width

`python -m tests.benchmarks.answers --data DATA --work WORK` makes this page, in some half a minute
a draw on one free core. ε = {epsilon}, δ = 10⁻⁶, the product's own plan and mechanisms with its
whole budget on marginals, and canaries as usual. The population is the published training table.
Each of {draws} draws takes as many rows from it with replacement, fits with fresh noise, and asks
{questions} questions of one to three columns. They are drawn once for each table: counts, shares,
means, quantiles and differences.

Wanted: 93 to 97 % of the intervals hold the truth. Where the answer is measured directly, the
median width is at most 1.5 times that of the Laplace answer to that question alone for the whole
budget.

{header}
{lines}

| question | coverage, all | measured | standard error over draws |
|---|---|---|---|
{kinds}

- **Coverage**: the tables above say where it is within the wanted 93 to 97 %. Intervals of
  quantiles hold the truth more often, since they end at values that the column has. Counts of one
  draw err together: who is held out is drawn once, and large counts share it. So few draws tell
  their coverage to a few per cent only.
- **Conditions** are plain in 70 %, `not (…)` in 15 % and `(… or …)` in 15 % of all.
- **Not measured** is the rest, mostly of three columns. The fit here is the shortest that there is,
  so its model is worse than a release's. On Online shoppers some of these are wrong in most draws:
  questions about columns that nearly determine each other.
- **Width**: for the population the wanted 1.5 is met. Sampling decides there, and noise adds
  little. For the table itself it is missed by far, and no way of answering from these marginals
  meets it. The next table says why.

## What the widths are made of

Medians over answers that are measured directly and split no code. The first three columns are
shares of the squared width. The last two are the width by Laplace's, if that part were all.

| table | intervals for | noise | held out | sampling | by Laplace's: noise alone | held out alone |
|---|---|---|---|---|---|---|
{widths}

- **Held out.** Each customer is left out with probability 0.1, for the audit's test set and
  canaries. A count of some thousands then lacks some hundreds, known to some twenty rows. Laplace's
  answer counts everybody. A plan without canaries (`--canary-probability 0`) has none of this, and
  no attacks.
- **Noise.** One count alone with Gaussian noise for the whole budget has {most} times the width
  that Laplace noise gives it. The plan shares the budget among all columns and pairs: with a
  hundred of them each has ten times that noise. That is the price of answering every question.
- **Combining is done already.** An answer is the best linear unbiased one. Each component of its
  columns is a mean, weighted by inverse variance, over all measured marginals that hold it
  (`privgan/measurement/components.py`; Xiao et al. 2023). Nothing linear is left to gain.
- Cutting counts at 0, or fitting one consistent table, would help cells near 0. The error of that
  has no known distribution, so it would cost the coverage above.
- A mean of a column with a long tail is wide: counts of far cells have much leverage.
"""
