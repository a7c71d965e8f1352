"""A small table in two languages, and what mechanisms tell of it, with or without noise."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from privgan.answers.knowledge import Knowledge
from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code, merged_code, within_shares
from privgan.measurement.marginals import exact_counts
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema

SCHEMA = parse_schema(
    """format: privgan.schema/1
dataset: kehu
unit: row
columns:
  - {name: 职业, kind: categorical, categories: [教师, 医生, "工人, 农民"]}
  - {name: age, kind: integer, lower: 18, upper: 77}
  - {name: "bought it", kind: boolean, labels: ["no", "yes"]}
  - {name: region, kind: categorical, categories: [n, s, e, w], missing: true}
  - {name: joined, kind: date, lower: 2020-01-01, upper: 2020-02-29}
"""
)
ROWS = 4_000


def table(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Typed rows; age goes with the job, and buying with both."""
    rng = np.random.default_rng(seed)
    job = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    age = np.clip(np.round(rng.normal(38 + 6 * job, 10)), 18, 77).astype(int)
    bought = rng.random(rows) < 0.1 + 0.2 * (job == 1) + 0.006 * (age - 18)
    frame = pd.DataFrame(
        {
            "职业": np.array(["教师", "医生", "工人, 农民"])[job],
            "age": age,
            "bought it": np.where(bought, "yes", "no"),
            "region": rng.choice(np.array(["n", "s", "e", "w", None], object), rows),
            "joined": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 60, rows), unit="D"),
        }
    )
    return conform(frame, SCHEMA)


def encoder() -> Encoder:
    """Codes of the table: ages and days in runs of five and six, all else as it is."""
    codes = []
    for column in SCHEMA.modelled:
        cells = cells_of(column)
        if column.name in {"age", "joined"}:
            codes.append(merged_code(cells, np.full(cells.size, 1 / cells.size), max_codes=12))
        else:
            plain = identity_code(cells)
            within = within_shares(cells, plain.code_of, np.zeros(cells.size))
            codes.append(type(plain)(cells=cells, code_of=plain.code_of, within=within))
    return Encoder(tuple(codes))


def known(
    frame: pd.DataFrame,
    noise: float = 0.01,
    seed: int = 0,
    *,
    widest: int = 2,
    fine: bool = True,
    counted: float = 1.0,
) -> Knowledge:
    """What noisy marginals up to a width tell of rows; each customer counted with a chance."""
    rng, codes = np.random.default_rng(seed), encoder()
    kept_rows = frame[rng.random(len(frame)) < counted]
    coded, found = codes.encode(kept_rows), []
    for width in range(1, widest + 1):
        for clique in itertools.combinations(range(len(codes.columns)), width):
            exact = exact_counts(coded, clique, codes.sizes)
            names = tuple(codes.names[place] for place in clique)
            found.append(_noisy("codes", names, Counted.CODES, exact, noise, rng))
    for name in ("age", "joined") if fine else ():
        cells = codes.columns[codes.names.index(name)].cells
        exact = np.bincount(cells.encode(kept_rows[name]), minlength=cells.size)
        found.append(_noisy(f"cells:{name}", (name,), Counted.FINE, exact, noise, rng))
    return Knowledge(codes, tuple(found), counted, 1, float(len(frame)), lambda: coded)


def _noisy(
    step: str,
    names: tuple[str, ...],
    counted: Counted,
    exact: np.ndarray,
    noise: float,
    rng: np.random.Generator,
) -> NoisyCounts:
    figures = exact + np.rint(rng.normal(0, noise, len(exact))).astype(np.int64)
    return NoisyCounts(step=step, columns=names, counted=counted, noise=noise, figures=figures)
