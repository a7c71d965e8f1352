"""The examples of policies/README.md are real.

YAML that parses, commands that the command line takes, files that are valid.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from privgan.cli.main import group
from privgan.policy import load_policy, load_waivers, shipped_policies
from tests.policy.sound import HEAD

TEXT = (Path(__file__).parents[2] / "policies" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
YAML = [block for language, block in BLOCKS if language == "yaml"]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from strings(part)


def commands() -> list[str]:
    """Every privgan command in the examples and in the running text."""
    pipelines = [yaml.safe_load(block) for block in YAML]
    console = [
        line for language, block in BLOCKS if language == "console" for line in block.splitlines()
    ]
    inline = re.findall(r"`(privgan [^`]+)`", TEXT)
    lines = [
        line for text in [*strings(pipelines), *console, *inline] for line in text.splitlines()
    ]
    return [
        line.partition(" > ")[0].strip() for line in lines if line.strip().startswith("privgan ")
    ]


def parse(command: click.Command, words: list[str], name: str) -> None:
    """Parse as the command line does, without running it.

    Click complains of what it does not take.
    """
    if isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, words
        parse(inner, words[1:], f"{name} {words[0]}")
    else:
        command.make_context(name, words)


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_every_command_is_taken_as_written(line: str) -> None:
    parse(group, shlex.split(line)[1:], "privgan")


def test_the_examples_hold_what_they_are_about() -> None:
    told = commands()
    assert sum(" --shareable" in line for line in told) == 2
    assert any(line.startswith("privgan check candidate") for line in told)
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
    for name, told in rows.items():
        gates = {gate.fact: gate.threshold for gate in load_policy(name).gates}
        assert [float(part) for part in told.split(",")] == [
            gates["guarantee.epsilon"],
            gates["guarantee.delta"],
        ]
