"""The command line's contract: help with an example, its options, and quick help."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import click
import pytest

from privgan.cli.main import execute, group

HEAVY = ("torch", "pandas", "numpy", "sdmetrics", "sklearn", "opacus", "sqlalchemy", "matplotlib")

# Command to the arguments and options that must stay; more may be added.
CONTRACT = {
    "demo": "--out --rows",
    "schema init": "TABLE --out --assume-public",
    "schema review": "TABLE --schema --yes-to --accept-all --list",
    "schema check": "TABLE --schema",
    "plan": "--schema --public-rows --epsilon --max-attack-advantage --max-tpr --delta --json",
    "policy init": "FILE --from --name --json",
    "policy check": "FILE --waivers --json",
    "policy explain": "NAME --lang --json",
    "policy diff": "FIRST SECOND --json",
    "policy list": "--facts --json",
    "run": (
        "TABLE --schema --policy --epsilon --max-attack-advantage --max-tpr --delta --public-rows"
        " --rows --sep --seed --ledger --context --waivers --junit --sarif --shareable"
        " --on-violation --out --quiet --json"
    ),
    "fit": (
        "TABLE --schema --epsilon --max-attack-advantage --max-tpr --out --delta --public-rows"
        " --quiet --json"
    ),
    "sample": "MODEL --rows --where --out",
    "recommend": "MODEL --profile --column --top --out --json",
    "audit": "CANDIDATE TABLE --real --holdout --synthetic --json",
    "check": "CANDIDATE --policy --context --waivers --junit --sarif --shareable --lang --json",
    "release": "CANDIDATE --policy --context --waivers --junit --sarif --shareable --out --json",
    "verify": "FOLDER --json --key --revoked --rotation --policy",
    "sign": "FOLDER --key --json",
    "pack": "FOLDER --out --json",
    "encrypt": "FOLDER --to --out --json",
    "decrypt": "FILE --identity --out --key --json",
    "keys create": "NAME --out --encryption --passphrase --json",
    "keys rotate": "OLD NAME --out --json",
    "keys revoke": "KEY --by --why --since --reason --keep --successor --list --json",
    "keys list": "--dir --json",
    "keys show": "KEY --json",
    "report": "FOLDER --json",
    "serve": "FOLDER --port --ledger --internal",
    "ledger init": "--ledger --filter",
    "ledger show": "--json",
    "ledger verify": "--json",
    "ledger budget": "--json --filter",
    "ledger accept": "--schema --who --why",
    "purge": "FOLDER",
}


def commands(parent: click.Group = group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every group and command below the top, as words."""
    for name in parent.list_commands(click.Context(parent)):
        found = parent.get_command(click.Context(parent), name)
        yield (*path, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


def command_of(words: str) -> click.Command:
    found: click.Command | None = group
    for word in words.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None, words
    return found


def test_the_contract_names_only_commands_that_exist() -> None:
    assert {tuple(words.split()) for words in CONTRACT} <= set(commands())


@pytest.mark.parametrize("words", CONTRACT)
def test_the_contract_s_options_exist(words: str) -> None:
    parameters = command_of(words).params
    named = {option for parameter in parameters for option in parameter.opts}
    arguments = {
        str(parameter.name).upper()
        for parameter in parameters
        if isinstance(parameter, click.Argument)
    }
    assert set(CONTRACT[words].split()) <= named | arguments


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_help_has_an_example(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*words, "--help"]) == 0
    told = capsys.readouterr().out
    leaf = not isinstance(command_of(" ".join(words)), click.Group)
    assert "Usage: privgan " + " ".join(words) in told
    if leaf:
        assert f"Example:\n    privgan {' '.join(words)}" in told


@pytest.mark.parametrize(
    "words",
    [words for words in commands() if not isinstance(command_of(" ".join(words)), click.Group)],
    ids=" ".join,
)
def test_the_example_s_options_exist(words: tuple[str, ...]) -> None:
    command = command_of(" ".join(words))
    known = {option for parameter in command.params for option in parameter.opts}
    example = str(command.help).partition("Example:")[2].replace("\\\n", " ")
    used = {
        word
        for line in example.splitlines()
        if f"privgan {' '.join(words)}" in line
        for word in line.split()
    }
    assert {word for word in used if word.startswith("--")} <= known


def test_top_help_names_every_command_the_exit_codes_and_what_is_internal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert execute(["--help"]) == 0
    told = capsys.readouterr().out
    for word in ("Example:", "INTERNAL", "Exit codes:", *group.list_commands(click.Context(group))):
        assert word in told
    for code in ("0", "1", "2", "3", "4", "70", "130"):
        assert f"{code} " in told.partition("Exit codes:")[2]


def test_help_and_import_are_quick() -> None:
    """No heavy package is imported.

    Half a second is the limit, and a busy machine is given more.
    """
    program = (
        "import sys, privgan\n"
        "from privgan.cli.main import execute\n"
        "code = execute(['--help'])\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print('imported:', heavy, 'code:', code)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    took = time.monotonic() - started
    assert done.stdout.endswith("imported: [] code: 0\n"), done.stdout[-200:]
    assert took < 2


def test_python_m_privgan_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "privgan", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("privgan, version ")
    wrong = subprocess.run(
        [sys.executable, "-m", "privgan", "nothing"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
