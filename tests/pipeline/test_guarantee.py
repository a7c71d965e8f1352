"""A release's statements about internal files."""

from __future__ import annotations

import pytest

from privgan.pipeline.canaries import FILE as CANARIES_FILE
from privgan.pipeline.candidate import AUDIT_FILE, CHECKPOINTS, LOG_FILE, REPORT_FILE, RUN_FILE
from privgan.pipeline.scanning import SCAN_FILE
from privgan.pipeline.white_box import CRITIC_FILE
from privgan.release.guarantee import RETENTION

INSIDE = {
    CANARIES_FILE: "canaries",
    CRITIC_FILE: "the critic",
    AUDIT_FILE: "audit",
    SCAN_FILE: "scan",
    REPORT_FILE: "internal report",
    RUN_FILE: "the run's note",
    LOG_FILE: "log",
    CHECKPOINTS: "a checkpoint",
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_stays_inside_is_named_where_its_retention_is_told(name: str) -> None:
    assert INSIDE[name] in RETENTION
