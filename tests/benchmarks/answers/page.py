"""Write the page of the answers' coverage and width."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

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
    cells = [
        name,
        target,
        f"{len(found) - len(told)} of {len(found)}",
        _share(known),
        _share(direct),
        _share(exact),
        f"{exact.ratio.median():.2f}",
    ]
    return f"| {' | '.join(cells)} |"


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
    kinds = [
        f"| {kind} | {_share(part)} | {_share(part[part.direct.astype(bool)])} |"
        for kind, part in found[found.low.notna() & found.truth.notna()].groupby("kind")
    ]
    draws = found.draw.nunique()
    text = _PAGE.format(
        draws=draws,
        questions=found.question.nunique() // max(1, found.table.nunique()),
        epsilon=f"{asked.epsilon:g}",
        lines="\n".join(lines),
        kinds="\n".join(kinds),
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


_PAGE = """{draws} {questions} {epsilon}
{lines}
{kinds}
"""
