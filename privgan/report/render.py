"""Render a report as one HTML file that needs no network and runs no script."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from privgan.release.fields import REPORT, require_declared
from privgan.report.attack_curves import SIZE, attack_panels
from privgan.report.charts import attack_rows, curve_points, shape_chart, step_bars
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.odds import odds
from privgan.report.text import ceiling_percent, clean, epsilon_text, number, short

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_SHAPES = 60
_METRIC_GROUPS = (("fidelity.", "Fidelity"), ("utility.", "Utility"), ("attack.", "Attacks"), ("audit.", "Audit"))


def render_shareable(data: ShareableReport) -> str:
    """The report that leaves with a release; InternalError where its data hold a field without a declared source."""
    require_declared("the shareable report", asdict(data), REPORT)
    return _environment().get_template("shareable.html.j2").render(**_common(data), policy=data.policy)


def render_internal(data: InternalReport) -> str:
    """CONFIDENTIAL: the report for the people who decide."""
    metrics = list(data.audit.get("metrics", ()))
    return (
        _environment()
        .get_template("internal.html.j2")
        .render(
            **_common(data),
            policy=data.verdict,
            audit=data.audit,
            attacks=attack_rows(metrics),
            panels=attack_panels(metrics, data.audit.get("claim") or data.release["guarantee"]),
            frame=SIZE,
            metric_groups=_grouped(metrics),
            utility=[metric for metric in metrics if metric["name"].startswith("utility.")],
            ledger=data.ledger,
            ledger_keys=list(dict.fromkeys(key for entry in data.ledger for key in entry)),
        )
    )


def _common(data: ShareableReport | InternalReport) -> dict[str, Any]:
    guarantee = data.release["guarantee"]
    odds_found = odds(guarantee["epsilon"], guarantee["delta"])
    return {
        "release": data.release,
        "guarantee": guarantee,
        "odds": odds_found,
        "curve": curve_points(odds_found),
        "schema": data.schema,
        "steps": step_bars(data.steps),
        "groups": step_bars(data.groups),
        "critic": any(step.name.lower().startswith("critic") for step in data.steps),
        "shapes": [shape_chart(shape) for shape in data.shapes[:_MOST_SHAPES]],
        "shapes_left_out": max(0, len(data.shapes) - _MOST_SHAPES),
        "rows": data.rows,
        "good_for": data.good_for,
        "bad_for": data.bad_for,
    }


def _grouped(metrics: list[Any]) -> list[tuple[str, list[Any]]]:
    known = tuple(prefix for prefix, _ in _METRIC_GROUPS)
    groups = [(title, [m for m in metrics if m["name"].startswith(prefix)]) for prefix, title in _METRIC_GROUPS]
    groups.append(("Other", [metric for metric in metrics if not metric["name"].startswith(known)]))
    return [(title, members) for title, members in groups if members]


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("privgan.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "ceiling": ceiling_percent, "short": short, "epsilon": epsilon_text}
    return environment
