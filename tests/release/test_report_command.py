"""``privgan report`` on a release: any form and language, after it was verified."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.errors import InternalError
from privgan.release.bundle import WriteOptions, write_release
from privgan.release.leak_scan.leak_patterns import LeakKind, LeakPatterns
from privgan.release.manifest import describe_release
from privgan.release.verification.verify import verify_release
from privgan.report.associations import trends
from privgan.report.data import NoisyShape, ShareableReport
from privgan.report.render import WRITTEN, render
from privgan.report.steps import report_groups, report_steps
from tests.release.making import SCHEMA, frame_of


@pytest.fixture
def report(facts: Any, verdict: Any) -> ShareableReport:
    return ShareableReport(
        release=describe_release(facts),
        policy=verdict().to_public_json(),
        schema=SCHEMA.to_json(),
        steps=report_steps(facts.accounting),
        groups=report_groups(facts.accounting, facts.guarantee.delta),
        shapes=[
            NoisyShape(
                column="b",
                kind="categorical",
                labels=["x", "y"],
                noisy=[0.4, 0.6],
                synthetic=[0.5, 0.5],
            )
        ],
        trends=trends(SCHEMA, frame_of(SCHEMA.names, 300)),
        rows=300,
    )


@pytest.fixture
def released(
    tmp_path: Path, report: ShareableReport, facts: Any, verdict: Any, contents: Any
) -> Path:
    files = contents(tmp_path) | {f"report.{form}": render(report, form) for form in WRITTEN}
    return write_release(tmp_path / "out" / "release", files, facts, verdict())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_a_release_tells_itself_in_every_form_and_language(
    released: Path, report: ShareableReport, tmp_path: Path, form: str, language: str
) -> None:
    target = tmp_path / f"again.{form}"
    assert execute(["report", str(released.parent), "--lang", language, "--out", str(target)]) == 0
    assert target.read_bytes() == render(report, form, language)
    if language == "en":
        assert target.read_bytes() == (released / f"report.{form}").read_bytes()
    assert verify_release(released).ok


def test_text_forms_go_to_the_terminal(
    released: Path, report: ShareableReport, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", str(released), "--format", "md", "--lang", "zh"]) == 0
    assert capsys.readouterr().out == render(report, "md", "zh").decode()
    assert execute(["report", str(released)]) == 0
    assert "report.html" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "pdf"], "give --out"),
        (["--out", "{release}/again.md"], "lies inside the release"),
        (["--out", "{release}/report.md"], "lies inside the release"),
        (["--out", "{folder}/source.parquet"], "must end in"),
        (["--out", "{folder}/there.md"], "is there already"),
        (["--internal"], "internal-report.json: is missing"),
        (["--lang", "fr"], "'fr'"),
    ],
)
def test_what_cannot_be_written_is_refused(
    released: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    (tmp_path / "there.md").write_text("mine")
    filled = [part.format(release=released, folder=tmp_path) for part in arguments]
    assert execute(["report", str(released), *filled]) == 2
    assert told in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert (tmp_path / "there.md").read_text() == "mine"
    assert verify_release(released).ok


def test_a_changed_release_tells_nothing(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = released / "report.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"rows": 300', '"rows": 900'), encoding="utf-8"
    )
    assert execute(["report", str(released), "--out", str(tmp_path / "x.md")]) == 1
    assert "report.json: was changed" in capsys.readouterr().err
    assert not (tmp_path / "x.md").exists()


def test_parts_that_do_not_fit_together_are_told(
    tmp_path: Path,
    report: ShareableReport,
    facts: Any,
    verdict: Any,
    contents: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def shorten(value: dict[str, Any]) -> None:
        value["data"]["shapes"][0]["labels"].pop()

    files = contents(tmp_path) | {"report.json": _json(render(report, "json"), shorten)}
    write_release(tmp_path / "release", files, facts, verdict())
    assert execute(["report", str(tmp_path / "release"), "--out", str(tmp_path / "x.md")]) == 2
    assert "do not fit together" in capsys.readouterr().err
    assert not (tmp_path / "x.md").exists()


CHANGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "field": (
        "report.json",
        lambda made: _json(made, lambda report: report["data"].update(audit={"auc": 1})),
        "data.audit",
    ),
    "block": (
        "report.json",
        lambda made: _json(made, lambda report: report["sections"][0].update(real=1)),
        "sections[].real",
    ),
    "kind": (
        "report.json",
        lambda made: _json(made, lambda report: report.update(kind="internal")),
        "JSON Schema",
    ),
    "no json": ("report.json", lambda made: made[:-20], "report.json"),
    "script": (
        "report.html",
        lambda made: made.replace(b"</main>", b"<script>1</script></main>"),
        "<script>",
    ),
    "link": ("report.md", lambda made: made + b"[x](https://example.org)", "report.md"),
    "not text": ("report.md", lambda made: made + b"\xff", "report.md"),
}


def _json(made: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    value = json.loads(made)
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize("case", CHANGES)
def test_a_report_that_a_release_may_not_hold_is_not_released(
    case: str, tmp_path: Path, report: ShareableReport, facts: Any, verdict: Any, contents: Any
) -> None:
    name, change, told = CHANGES[case]
    files = contents(tmp_path) | {f"report.{form}": render(report, form) for form in WRITTEN}
    with pytest.raises(InternalError) as error:
        write_release(tmp_path / "release", files | {name: change(files[name])}, facts, verdict())
    assert told in str(error.value)
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize("form", WRITTEN)
def test_a_private_value_in_any_form_is_found(
    form: str, tmp_path: Path, report: ShareableReport, facts: Any, verdict: Any, contents: Any
) -> None:
    value = "O'Hara_[7]*<Kai>|x"
    leaking = {
        **report.schema,
        "columns": [{**report.schema["columns"][0], "description": f"as {value} said"}],
    }
    files = contents(tmp_path) | {f"report.{form}": render(report, form)}
    leak_patterns = LeakPatterns(values={value: LeakKind.PII})
    searched = WriteOptions(leak_patterns=leak_patterns)
    assert write_release(tmp_path / "clean", files, facts, verdict(), searched).exists()
    files[f"report.{form}"] = render(replace(report, schema=leaking), form)
    with pytest.raises(InternalError, match=rf"report\.{form}"):
        write_release(tmp_path / "leaking", files, facts, verdict(), searched)
