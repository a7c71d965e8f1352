"""Fit Bank with 160 positives, as a rare outcome and without, and score models of its rows."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from privgan.audit.coding import AuditCoder
from privgan.audit.utility.tasks import BOOSTING, PredictionTask
from privgan.domain.cells import cells_of
from privgan.domain.encoding import merged_code
from privgan.planning.planner import make_plan
from privgan.planning.rare_outcome import Expectation
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import zcdp_of
from privgan.synthesizer import load_synthesizer
from tests.benchmarks.cells import SYNTHETIC, Cell, Limits, result_of
from tests.benchmarks.methods import OWN
from tests.benchmarks.rare.cut import PLAIN, RARE, write_cut
from tests.benchmarks.rare.naive_bayes import naive_bayes
from tests.benchmarks.running import DELTA, Selection
from tests.benchmarks.running import run as run_cells
from tests.benchmarks.tables import Prepared, prepare

EPSILON, TIMES, TARGET = 3.0, 10, "y"
OTHERS = (1.0, 10.0)
PEERS, PEER_MINUTES = ("dpmm-mst", "dpmm-privbayes", "dpmm-aim"), 15.0
ALARMS = (0.01, 0.05, 0.1)
FIGURES = "rare.json"
_CODES, _CELLS = 10, 512
# By name: the rows that a model is fitted on, or the control's noisy counts.
REAL, NOISE, BAYES = "real rows", "noise alone", "naive Bayes"
AS_MANY, MORE = "as many rows", f"{TIMES} times as many rows"

Figures = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The figures of one model on all test rows.

    Attributes:
        how: What it saw.
        rows: How many rows it was fitted on; "" for counts.
        figures: AUC, average precision, and recall at fixed shares of false alarms; empty for a
            peer without a table.
        epsilon: The budget; None for real rows.
        status: How a peer ended that has no table.
    """

    how: str
    rows: str
    figures: Figures
    epsilon: float | None = EPSILON
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is measured, and where it is kept.

    Attributes:
        seeds: Number of fits of the rare outcome; of the plain target there is one.
        data: The folder of the published tables.
        work: Where cells and results are kept.
        limits: Limits of each fit; None to fit nothing, and score what is finished.
        say: Tells the user.
    """

    seeds: int
    data: Path
    work: Path
    limits: Limits | None
    say: Callable[[str], None]

    def measured(self) -> list[Scored]:
        """Every figure: the controls, real rows, and all finished cells."""
        folder = write_cut(self.data, self.work)
        test = _Test(prepare(RARE, folder, self.work))
        found = [Scored(how=REAL, rows=AS_MANY, figures=test.real(), epsilon=None)]
        for epsilon in (EPSILON, *OTHERS):
            found += test.controls(self.seeds, epsilon)
        for table, methods, epsilons, seeds in (
            (RARE, [OWN], [EPSILON, *OTHERS], self.seeds),
            (PLAIN, [OWN], [EPSILON], 1),
            (RARE, PEERS, [EPSILON], 1),
        ):
            chosen = Selection(tables=[table], methods=methods, epsilons=epsilons, seeds=seeds)
            if self.limits is not None:
                most = self.limits.minutes if OWN in methods else PEER_MINUTES
                place = (folder, self.work, replace(self.limits, minutes=most))
                run_cells(chosen, *place, python=sys.executable, say=self.say)
            for cell in chosen.cells():
                found += self._of_cell(cell, test)
        return found

    def expected(self) -> tuple[float, int]:
        """The AUC that the plan says beforehand, and the positives that .75 needs."""
        prepared = prepare(RARE, write_cut(self.data, self.work), self.work)
        schema = prepared.schema
        budget = PrivacyBudget(epsilon=EPSILON, delta=DELTA)
        found = Expectation.of(make_plan(schema, budget, public_rows=prepared.rows), schema)
        assert found is not None
        assert schema.rare is not None
        assert schema.rare.positives is not None
        return found.area(schema.rare.positives), found.needed(0.75)

    def _of_cell(self, cell: Cell, test: _Test) -> Iterator[Scored]:
        folder = cell.folder(self.work)
        result, how = result_of(folder), cell.table if cell.method == OWN else cell.method
        if result is None:
            return
        if result["status"] != "ok":
            status = result["status"].partition("\n")[0]
            yield Scored(how=how, rows="", figures={}, epsilon=cell.epsilon, status=status)
            return
        kept = folder / FIGURES
        if not kept.exists():
            kept.write_text(json.dumps(test.of_folder(folder), indent=1), encoding="utf-8")
            self.say(f"{cell}: scored")
        for rows, figures in json.loads(kept.read_text(encoding="utf-8")).items():
            yield Scored(how=how, rows=rows, figures=figures, epsilon=cell.epsilon)


class _Test:
    """All test rows, and models that are scored on them.

    Args:
        prepared: The cut table.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, (self._train, self._rows) = prepared, prepared.frames()
        self._coder = AuditCoder.from_reference(prepared.schema, self._train)
        self._task = PredictionTask.of(self._coder, self._coder.code(self._train), TARGET)
        self._coded = self._coder.code(self._rows)
        self._positive = self._task.target(self._coded) > 0

    def real(self) -> Figures:
        """Of a model of the real training rows."""
        return self._boosted(self._train)

    def of_folder(self, folder: Path) -> dict[str, Figures]:
        """Of models of a cell's own table, and of more rows where it has a model of privgan's."""
        found = {AS_MANY: self._boosted(self._prepared.typed(folder / SYNTHETIC))}
        model = folder / "candidate" / "model"
        if model.exists():
            more = load_synthesizer(model).sample(TIMES * self._prepared.rows, seed=1)
            found[MORE] = self._boosted(more[self._train.columns])
        return found

    def controls(self, seeds: int, epsilon: float) -> Iterator[Scored]:
        """Naive Bayes on noisy counts, and on noise alone, at one ε."""
        names = [column.name for column in self._prepared.schema.modelled]
        others = [name for name in names if name != TARGET]
        train, test, sizes = self._codes(others)
        budget = PrivacyBudget(epsilon=epsilon, delta=DELTA)
        noise = math.sqrt(len(others) / (2 * zcdp_of(budget)))
        positive = self._task.target(self._coder.code(self._train)) > 0
        for seed in range(seeds):
            for how, rows in ((BAYES, slice(None)), (NOISE, slice(0))):
                sides, rng = (train[rows], positive[rows], test), np.random.default_rng(seed)
                made = naive_bayes(*sides, sizes, noise, rng)
                yield Scored(how=how, rows="", figures=self._figures(made), epsilon=epsilon)

    def _codes(self, names: list[str]) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Codes of training and test rows by exact quantiles, and the number of each column."""
        sides, sizes = [], []
        for name in names:
            cells = cells_of(self._prepared.schema.column(name), _CELLS)
            counts = np.bincount(cells.encode(self._train[name]), minlength=cells.size)
            code = merged_code(cells, counts / counts.sum(), max_codes=_CODES)
            sizes.append(code.size)
            sides.append([code.encode(rows[name]) for rows in (self._train, self._rows)])
        train, test = (np.stack(part, axis=1) for part in zip(*sides, strict=True))
        return train, test, sizes

    def _boosted(self, rows: pd.DataFrame) -> Figures:
        with threadpool_limits(1):
            model = self._task.fit(BOOSTING, self._coder.code(rows))
            return self._figures(model(self._task.without_target(self._coded))[:, -1])

    def _figures(self, scores: np.ndarray) -> dict[str, float]:
        alarms, found, _ = roc_curve(self._positive, scores)
        recalls: dict[str, Any] = {
            f"recall at {share:.0%} alarms": float(np.interp(share, alarms, found))
            for share in ALARMS
        }
        return {
            "AUC": float(roc_auc_score(self._positive, scores)),
            "average precision": float(average_precision_score(self._positive, scores)),
            **recalls,
        }
