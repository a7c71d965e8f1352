"""The example release in the repository, and the module that makes it."""

from __future__ import annotations

import getpass
import re
import socket
from pathlib import Path

import pytest

from privgan.planning import plan
from privgan.release import verify_release
from tests.example.making import EXAMPLE, LARGEST, Example, make_example, size_of

EFFORT = plan.Effort(
    entries=60, batch=60, network_steps=20, round_steps=2, final_steps=20, critic_steps=40
)
SMALL = Example(customers=1_500, rows=300, policy="internal-analytics", effort="quick")


def check_whole(folder: Path) -> None:
    """It verifies, holds both reports, is small, and tells nothing of its machine."""
    found = verify_release(folder / "release")
    assert found.problems == ()
    assert found.manifest["context"]["recipient"] == "Partner Ltd"
    assert (folder / "release" / "report.html").is_file()
    assert "CONFIDENTIAL" in (folder / "internal-report.html").read_text(encoding="utf-8")
    assert "privgan verify" in (folder / "README.md").read_text(encoding="utf-8")
    assert size_of(folder) <= LARGEST
    told = re.compile(rf"/tmp/|{re.escape(getpass.getuser())}@|@{re.escape(socket.gethostname())}")
    for path in folder.rglob("*"):
        if path.suffix in {".html", ".json", ".md", ".yaml"}:
            assert not told.search(path.read_text(encoding="utf-8")), path


def test_the_example_in_the_reports_is_whole() -> None:
    if not EXAMPLE.is_dir():
        pytest.skip("reports/example is not there; 'make example' makes it")
    check_whole(EXAMPLE)


@pytest.mark.slow
def test_an_example_can_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan.EFFORTS, "quick", EFFORT)  # type: ignore[arg-type]
    target = tmp_path / "reports" / "example"
    target.mkdir(parents=True)
    (target / "old").write_text("old")
    check_whole(make_example(target, SMALL))
    assert not (target / "old").exists()
    before = sorted(path.name for path in target.rglob("*"))
    with pytest.raises(RuntimeError, match="ended with"):
        make_example(
            target, Example(customers=1_500, rows=300, policy="no-such-policy", effort="quick")
        )
    assert sorted(path.name for path in target.rglob("*")) == before
