"""Plant a treatment into Bank: letters that change the young and the retired, and nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.benchmarks.tables import SCHEMAS

NAME, TREATMENT = "bank-mailed", "mailed"
_SEED = 0
_YOUNG, _RETIRED = 35, "retired"
_UPLIFT = 0.25


def with_letters(rows: pd.DataFrame) -> pd.DataFrame:
    """Bank's rows with a letter by a fair coin, and the answers that it brought.

    Who is below 35 or retired, and was mailed, answers with probability 0.25 where it would not
    have.

    Args:
        rows: Bank as published, all values texts.
    """
    generator = np.random.default_rng(_SEED)
    mailed = generator.random(len(rows)) < 0.5
    changed = (rows["age"].astype(int) < _YOUNG) | (rows["job"] == _RETIRED)
    brought = mailed & changed & (generator.random(len(rows)) < _UPLIFT)
    return rows.assign(
        y=np.where(brought, "yes", rows["y"]), **{TREATMENT: np.where(mailed, "yes", "no")}
    )


def write_planted(data: Path, folder: Path) -> None:
    """Write the table and its schema into a folder, once.

    Args:
        data: The folder of the published tables.
        folder: Where they go.
    """
    if (folder / f"{NAME}.yaml").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(data / "bank_full.csv", sep=";", dtype=str, keep_default_na=False)
    with_letters(rows).to_csv(folder / f"{NAME}.csv", index=False)
    facts = yaml.safe_load((SCHEMAS / "bank.yaml").read_text(encoding="utf-8"))
    facts["columns"].append({"name": TREATMENT, "kind": "boolean", "labels": ["no", "yes"]})
    facts |= {"dataset": NAME, "target": "y"}
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    (folder / f"{NAME}.yaml").write_text(text, encoding="utf-8")
