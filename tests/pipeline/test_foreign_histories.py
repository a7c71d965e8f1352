"""Tables of events that any tool made are audited by customer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from privgan.audit.suite import AuditReport, run_table_audit
from privgan.pipeline.foreign_tables import read_foreign
from privgan.sources import SourceOptions
from tests.audit.events import independent, population
from tests.histories.purchases import SCHEMA, purchases

REAL, HOLDOUT = population(300)


def _audited(folder: Path, synthetic: pd.DataFrame, schema: str = SCHEMA) -> AuditReport:
    tables = {"real": REAL, "holdout": HOLDOUT, "synthetic": synthetic}
    paths: dict[str, Path | str] = {name: folder / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        table.to_csv(paths[name], index=False)
    stated = folder / "schema.yaml"
    stated.write_text(schema, encoding="utf-8")
    options = {"source": SourceOptions(), "on_violation": "refuse"}
    return run_table_audit(read_foreign(paths, stated, **options))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The audit of real rows that belong to nobody."""
    return _audited(tmp_path_factory.mktemp("dealt"), independent(REAL, 2))


def test_whole_customers_are_compared_by_the_synthetic_tables_own_names(
    report: AuditReport,
) -> None:
    within = report.metric("fidelity.history.within")
    assert within.details["real"] > 0.2
    assert abs(within.details["synthetic"]) < 0.1
    assert report.metric("fidelity.history.length").value == pytest.approx(0, abs=0.15)
    assert report.metric("attack.history.copies").value == 0.0


def test_a_table_of_a_schema_without_a_history_has_no_such_figure(tmp_path: Path) -> None:
    lines = SCHEMA.splitlines()
    plain = "\n".join(line for line in lines if not line.startswith(("order:", "history:")))
    found = _audited(tmp_path, purchases(100, 8), plain)
    assert [metric.name for metric in found.metrics if ".history." in metric.name] == []


def test_a_synthetic_table_without_names_is_told_so(tmp_path: Path) -> None:
    found = _audited(tmp_path, purchases(100, 8).drop(columns="customer"))
    told = [metric for metric in found.metrics if ".history." in metric.name]
    assert told
    assert all(metric.reason.startswith("a table does not tell whose") for metric in told)
