"""Audit three tables with a test's settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd

from privgan.audit.suite import AuditReport, AuditSettings, AuditTables, run_table_audit
from privgan.schema.schema import Schema

_SETTINGS = {field.name for field in fields(AuditSettings)}


def audited(
    schema: Schema, real: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, **asked: Any
) -> AuditReport:
    """Audit three tables; keywords go to the settings or to the tables, by name."""
    settings = {name: value for name, value in asked.items() if name in _SETTINGS}
    more = {name: value for name, value in asked.items() if name not in _SETTINGS}
    tables = AuditTables(schema=schema, real=real, holdout=holdout, synthetic=synthetic, **more)
    return run_table_audit(tables, AuditSettings(**settings))
