"""Draw distance, utility and detection by ε, with one panel column for each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.collect import Line
from tests.benchmarks.methods import OWN, method_of

PANELS = {
    "tvd3": "distance of 3-way marginals\n(tvd3)",
    "gap": "utility lost\n(TRTR − TSTR AUC)",
    "c2st": "detection AUC\n(0.5: not told apart)",
}
# Okabe and Ito's colours, which colour-blind readers tell apart; privgan is the boldest. Its
# ablations stand in the table.
STYLES: Mapping[str, tuple[str, str]] = {
    "privgan": ("#000000", "o"),
    "dpmm-mst": ("#0072B2", "s"),
    "dpmm-privbayes": ("#56B4E9", "D"),
    "dpmm-aim": ("#009E73", "^"),
    "smartnoise-mst": ("#D55E00", "v"),
    "smartnoise-mst-sample": ("#E69F00", "<"),
    "smartnoise-dpctgan": ("#CC79A7", "X"),
    "dpsynth-aim-gdp": ("#009E73", "P"),
    "dpsynth-swift": ("#0072B2", "*"),
    "tab-pe": ("#CC79A7", "p"),
    "ctgan": ("#7F7F7F", ""),
}
_WIDTH, _HEIGHT = 3.4, 2.6
_TICKS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
_LINEAR_BELOW = 0.01


def draw(path: Path, lines: Sequence[Line]) -> None:
    """Draw privgan and its peers; a method without privacy is a dashed level.

    Args:
        path: The picture's file.
        lines: All lines.
    """
    from matplotlib.figure import Figure

    shown = [line for line in lines if line.figures and line.method in STYLES]
    tables = list(dict.fromkeys(line.table for line in shown))
    if not tables:
        return
    figure = Figure(
        figsize=(_WIDTH * len(tables) + 0.6, _HEIGHT * len(PANELS) + 1.1), layout="constrained"
    )
    axes = figure.subplots(len(PANELS), len(tables), squeeze=False, sharey="row")
    budgets = sorted({line.epsilon for line in shown if line.epsilon is not None})
    for row, (name, label) in enumerate(PANELS.items()):
        for place, table in enumerate(tables):
            own = [line for line in shown if line.table == table]
            _panel(axes[row, place], own, name, budgets)
            axes[row, place].set_title(
                f"{table}, {own[0].rows:,} rows" if row == 0 else "", fontsize=10
            )
            axes[row, place].set_xlabel("ε" if row == len(PANELS) - 1 else "")
        axes[row, 0].set_ylabel(label, fontsize=9)
    handles = {
        label: line
        for axis in axes.flat
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    names = [name for name in STYLES if name in handles]
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside lower center",
        ncols=min(6, len(names)),
        fontsize=9,
    )
    figure.savefig(path, dpi=130)


def _panel(axis: Any, lines: Sequence[Line], name: str, budgets: Sequence[float]) -> None:
    for method in dict.fromkeys(line.method for line in lines):
        own = sorted(
            (line for line in lines if line.method == method), key=lambda line: line.epsilon or 0.0
        )
        colour, marker = STYLES[method]
        values = [line.figures[name] for line in own]
        if not method_of(method).private:
            axis.axhline(values[0], color=colour, linestyle="--", linewidth=1.2, label=method)
            continue
        places = [budgets.index(line.epsilon) for line in own if line.epsilon is not None]
        bold = method == OWN
        axis.plot(
            places,
            values,
            color=colour,
            marker=marker,
            markersize=7 if bold else 5.5,
            linewidth=2.2 if bold else 1.1,
            label=method,
            zorder=3 if bold else 2,
        )
    axis.set_xticks(range(len(budgets)), [f"{budget:g}" for budget in budgets])
    axis.set_xlim(-0.3, len(budgets) - 0.7)
    _scale(axis, name)
    axis.grid(visible=True, which="major", color="#E5E5E5", linewidth=0.7)
    axis.tick_params(labelsize=8)


def _scale(axis: Any, name: str) -> None:
    """Log scale of distances, symmetric log scale of lost utility, detection from .5 to 1."""
    from matplotlib.ticker import FixedLocator, NullLocator

    if name == "c2st":
        axis.set_ylim(0.48, 1.02)
        return
    if name == "tvd3":
        axis.set_yscale("log")
    else:
        axis.set_yscale("symlog", linthresh=_LINEAR_BELOW)
    axis.yaxis.set_major_locator(FixedLocator(_TICKS if name == "tvd3" else (0, *_TICKS)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(NullLocator())
