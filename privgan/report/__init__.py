"""Reports as single HTML files: one that may leave, one that stays inside."""

from privgan.report.data import InternalReport, NoisyShape, PlanStep, RealShape, ShareableReport
from privgan.report.render import render_internal, render_shareable

__all__ = [
    "InternalReport",
    "NoisyShape",
    "PlanStep",
    "RealShape",
    "ShareableReport",
    "render_internal",
    "render_shareable",
]
