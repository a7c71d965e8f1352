"""The examples of policies/README.md run: pipelines stop, files are valid."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from privgan.policy import load_policy, load_waivers, shipped_policies
from tests.pages.commands import told
from tests.pages.reading import ROOT, Page
from tests.policy.sound import HEAD

PAGE = Page(ROOT / "policies" / "README.md")
TEXT = PAGE.text
YAML = [block.text for block in PAGE.blocks if block.language == "yaml"]


def test_the_examples_hold_what_they_are_about() -> None:
    commands = list(told(PAGE))
    assert sum(" --shareable" in line for line in commands) == 2
    assert any(line.startswith("privgan check candidate") for line in commands)
    github, gitlab = (
        yaml.safe_load(block) for block in YAML if "runs-on" in block or "artifacts:" in block
    )
    assert github["jobs"]["release"]["steps"][-1]["uses"].startswith("actions/upload-artifact")
    assert gitlab["release"]["artifacts"]["reports"] == {"junit": "verdict.xml"}
    for steps in (github["jobs"]["release"]["steps"], gitlab["release"]["script"]):
        assert "continue-on-error" not in str(steps)
        assert "|| true" not in str(steps)


def test_the_policy_and_the_waivers_are_valid(tmp_path: Path) -> None:
    [gates] = [block for block in YAML if block.startswith("gates:")]
    path = tmp_path / "own.yaml"
    path.write_text(HEAD + gates, encoding="utf-8")
    assert len(load_policy(str(path)).columns) == 3
    [waivers] = [block for block in YAML if "privgan.waivers/1" in block]
    path.write_text(waivers, encoding="utf-8")
    assert len(load_waivers(path, load_policy("partner-share"))) == 1


def test_the_table_names_every_shipped_policy_with_its_epsilon_and_delta() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|[^|]*\| ([^|]+) \|", TEXT, re.MULTILINE))
    assert set(rows) == set(shipped_policies())
    for name, limits in rows.items():
        gates = {gate.fact: gate.threshold for gate in load_policy(name).gates}
        assert [float(part) for part in limits.split(",")] == [
            gates["guarantee.epsilon"],
            gates["guarantee.delta"],
        ]
