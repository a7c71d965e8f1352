"""Render reports in HTML, PDF, Markdown and JSON: a shareable and an internal one."""

from privgan.metrics import LANGUAGES
from privgan.report.data import (
    InternalReport,
    NoisyShape,
    PlanStep,
    Reach,
    RealShape,
    RealTrends,
    ShareableReport,
    Trends,
)
from privgan.report.json_text import internal_of, shareable_of
from privgan.report.render import FORMATS, render, render_internal, render_shareable

__all__ = [
    "FORMATS",
    "LANGUAGES",
    "InternalReport",
    "NoisyShape",
    "PlanStep",
    "Reach",
    "RealShape",
    "RealTrends",
    "ShareableReport",
    "Trends",
    "internal_of",
    "render",
    "render_internal",
    "render_shareable",
    "shareable_of",
]
