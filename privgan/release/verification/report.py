"""Check that the report states what the release states, figure by figure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from privgan.release.former_words import former_problems
from privgan.release.marginal_files import measured_kinds
from privgan.release.table_files import MARGINALS
from privgan.release.verification.accounting import SLACK
from privgan.release.verification.integrity import shown
from privgan.release.verification.marginals import released_marginals
from privgan.release.verification.model_pieces import is_in_parts
from privgan.release.verification.released import REPORT, SCHEMA, Released, differences
from privgan.report.associations import MOST_COLUMNS
from privgan.report.compose import shareable_document
from privgan.report.data import ShareableReport
from privgan.report.json_text import shareable_of, to_json
from privgan.report.odds import reach_of
from privgan.report.relations import Made, noisy_relations, relations_of_parts
from privgan.report.render import render_shareable
from privgan.report.shapes import intervals, labels
from privgan.report.steps import report_groups, report_steps
from privgan.report.text import words_of

_NOT_ABOUT = frozenset({"policy", "files", "signer"})
_FORMS = ("html", "md")
_Json: TypeAlias = Mapping[str, Any]
_EXACT = 1e-9


def report_problems(released: Released) -> Iterator[str]:
    """Contradictions of a report with the rest of its release, a sentence each."""
    if not (released.holds(REPORT) and released.holds(SCHEMA)):
        return
    found = [f"{REPORT}: {problem}" for problem in _data_problems(released)]
    yield from found
    if found or not released.ours:
        return
    yield from _text_problems(released) if released.same_words else former_problems(released)


def _data_problems(released: Released) -> Iterator[str]:
    manifest, data = released.manifest, released.report["data"]
    about = {key: value for key, value in manifest.raw.items() if key not in _NOT_ABOUT}
    parts = (
        ("release", data["release"], about, "the manifest"),
        ("policy", data["policy"], manifest.raw["policy"], "the manifest"),
        ("schema", data["schema"], _plain(released.schema.to_json()), SCHEMA),
        (
            "steps",
            data["steps"],
            _plain([asdict(step) for step in report_steps(manifest.accounting)]),
            "the accounting",
        ),
    )
    for name, said, meant, where in parts:
        places = differences(said, meant, name)
        if places:
            yield f"says otherwise than {where} at {', '.join(places)}"
    found = report_groups(manifest.accounting, manifest.guarantee.delta)
    groups = [asdict(step) for step in found]
    places = differences(data["groups"], _plain(groups), "groups", slack=SLACK)
    if places:
        yield f"says otherwise than the accounting at {', '.join(places)}"
    found_kinds = (
        measured_kinds(released.marginals, manifest.accounting) if released.holds(MARGINALS) else []
    )
    kinds = _plain([asdict(kind) for kind in found_kinds])
    places = differences(data.get("marginals", []), kinds, "marginals")
    if places:
        yield f"says otherwise than the noisy marginals at {', '.join(places)}"
    yield from _relation_problems(released, data)
    yield from _reach_problems(released, data)
    yield from _figure_problems(released, data)


def _relation_problems(released: Released, said: _Json) -> Iterator[str]:
    """Recompute what noisy marginals tell of pairs, and compare; rows give the synthetic shares.

    What a generator depends on needs rows, too.
    """
    whole = released.whole_model and released.holds(MARGINALS)
    meant = _relations(released) if whole else {}
    for name in ("relations", "relations_of_parts"):
        if name in said and name not in meant:
            yield f"tells of {name}, and the release holds no such noisy marginals"
        elif name in meant and name not in said:
            yield f"does not say what the noisy marginals tell: {name}"
        elif name in meant:
            places = differences(_without_rows(said[name]), meant[name], name, slack=_EXACT)
            if places:
                yield f"says otherwise than the noisy marginals at {', '.join(places)}"


def _relations(released: Released) -> _Json:
    """What the noisy marginals tell, by the field that says it."""
    parts = released_marginals(released)
    if is_in_parts(released):
        found = relations_of_parts([(part.name, part.encoder, part.kept) for part in parts])
        return {"relations_of_parts": _plain([asdict(part) for part in found])} if found else {}
    whole = noisy_relations(released.schema, released.encoder, parts[0].kept, Made())
    return {"relations": _without_rows(_plain(asdict(whole)))}


def _without_rows(relations: Any) -> Any:
    """What is told of relations, without what needs synthetic rows."""
    if isinstance(relations, list):
        return relations
    curves = [
        {**curve, "synthetic": len(curve["synthetic"]), "generator": None}
        for curve in relations["curves"]
    ]
    return {**relations, "curves": curves}


def _reach_problems(released: Released, data: _Json) -> Iterator[str]:
    """Recompute an attacker's reach by the plan's own curve, and compare."""
    said = data.get("reach")
    if said is None and not released.same_words:
        return
    claim = released.manifest.guarantee
    found = reach_of(claim.epsilon, claim.delta, released.manifest.accounting)
    meant = None if found is None else _plain(asdict(found))
    places = differences(said, meant, "reach", slack=SLACK)
    if places:
        yield f"says otherwise than the accounting at {', '.join(places)}"


def _figure_problems(released: Released, data: Mapping[str, Any]) -> Iterator[str]:
    """Compare names, labels and noisy shares of pictures; rows give the others."""
    if released.whole_model:
        yield from _shape_problems(released, data)
    names = [column.name for column in released.schema.modelled][:MOST_COLUMNS]
    trends = data["trends"]
    if trends is None:
        if released.ours:
            yield "holds no associations of the synthetic table"
    elif trends["columns"] != names:
        yield "its associations are not of the schema's modelled columns"
    elif released.same_words and not trends.get("corrected"):
        yield "its associations are not corrected for chance"


def _shape_problems(released: Released, data: Mapping[str, Any]) -> Iterator[str]:
    """Compare each shape's name, labels, noisy shares and intervals with schema and model."""
    meant = [
        {
            "column": column.name,
            "kind": column.cells.column.kind.value,
            "labels": _plain(labels(column)),
            "noisy": [round(float(share), 6) for share in shares],
            "intervals": _plain(intervals(column)),
        }
        for column, shares in zip(released.encoder.columns, released.frequencies, strict=True)
    ]
    # Reports before 0.4.0 do not state the bins' intervals.
    known = {} if released.same_words else {part["column"]: part["intervals"] for part in meant}
    keys = ("column", "kind", "labels", "noisy")
    said = [
        {key: shape[key] for key in keys}
        | {"intervals": shape.get("intervals") or known.get(shape["column"])}
        for shape in data["shapes"]
    ]
    places = differences(said, meant, "shapes", slack=_EXACT)
    if places:
        yield f"says otherwise than schema and model at {', '.join(places)}"


def _text_problems(released: Released) -> Iterator[str]:
    report = released.report
    words, data = words_of(report["language"]), shareable_of(report)
    composed = _plain(to_json(data, shareable_document(data, words)))
    for name, said, meant in _sections(report, composed):
        if said != meant:
            yield f"{REPORT}: {name} is not what its data give"
    yield from _rendered(released, data, report["language"])


def _sections(report: _Json, composed: _Json) -> Iterator[tuple[str, Any, Any]]:
    yield "its title", report["title"], composed["title"]
    said = {section["name"]: section for section in report["sections"]}
    meant = {section["name"]: section for section in composed["sections"]}
    yield "the order of its sections", [part["name"] for part in report["sections"]], list(meant)
    for name, section in meant.items():
        yield f"its section {shown(name)}", said.get(name), section


def _rendered(released: Released, data: ShareableReport, language: str) -> Iterator[str]:
    for form in ("json", *_FORMS):
        name = f"report.{form}"
        if released.holds(name):
            meant = render_shareable(data, form, language).encode()
            if released.content(name) != meant:
                yield f"{name}: is not what this privgan makes of the data in {REPORT}"


def _plain(value: Any) -> Any:
    """A value after a round trip through JSON."""
    return json.loads(json.dumps(value))
