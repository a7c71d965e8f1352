"""Cut Bank to few positives: 160 of 31,930 training rows; the test rows stay whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from privgan.table.schema_file import dump_schema, load_schema
from tests.benchmarks.tables import prepare

RARE, PLAIN = "bank-rare", "bank-few"
ROWS, POSITIVES = 31_930, 160
_SEED = 0


def cut(rows: pd.DataFrame, seed: int = _SEED) -> pd.DataFrame:
    """So many positives and negatives of Bank's training rows, drawn without replacement.

    Args:
        rows: The training rows, all values texts.
        seed: Moves the draw.
    """
    generator = np.random.default_rng(seed)
    kept = [
        generator.choice(np.flatnonzero(rows["y"] == value), number, replace=False)
        for value, number in (("no", ROWS - POSITIVES), ("yes", POSITIVES))
    ]
    return rows.iloc[np.sort(np.concatenate(kept))]


def write_cut(data: Path, work: Path) -> Path:
    """Write both tables' prepared rows and schemas, once; the folder of their schemas.

    The two have the same rows. The one's schema declares the rare outcome, the other's the same
    target alone.

    Args:
        data: The folder of the published tables.
        work: The benchmark's work folder.
    """
    whole, folder = prepare("bank", data, work), work / "rare"
    folder.mkdir(parents=True, exist_ok=True)
    facts = yaml.safe_load(whole.schema_file.read_text(encoding="utf-8"))
    target = {"column": "y", "rare": True, "positives": POSITIVES}
    for name, stated in ((RARE, target), (PLAIN, "y")):
        own = work / "tables" / name
        own.mkdir(parents=True, exist_ok=True)
        if (own / "schema.yaml").exists():
            continue
        text = yaml.safe_dump(facts | {"dataset": name, "target": stated}, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        train, test = (
            pd.read_csv(path, dtype=str, keep_default_na=False)
            for path in (whole.train, whole.test)
        )
        cut(train).to_csv(own / "train.csv", index=False)
        test.to_csv(own / "test.csv", index=False)
        schema = load_schema(folder / f"{name}.yaml")
        (own / "schema.yaml").write_text(dump_schema(schema), encoding="utf-8")
    return folder
