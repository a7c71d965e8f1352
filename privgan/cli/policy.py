"""Define the policy's commands: init, check, explain, diff, list.

They open no table, no ledger and no candidate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from privgan.cli.options import PATH, exit_with, json_option, print_json, waivers_option

lang_option = click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="English or Simplified Chinese.",
)


@click.group()
def policy() -> None:
    """Policies: what must hold before a table may leave.

    They are public: no figure of a table stands in them.
    """


@policy.command("init")
@click.argument("file", type=PATH)
@click.option(
    "--from",
    "base",
    help="A shipped policy's name, or a policy file, to start from [default: a short one].",
)
@click.option("--name", help="The new policy's name [default: the file's].")
@json_option
def policy_init(file: Path, base: str | None, name: str | None, as_json: bool) -> None:
    """Write a valid policy with comments to FILE, to be changed by hand.

    \b
    Example:
      privgan policy init our-policy.yaml --from partner-share
    """
    from privgan.errors import UsageError
    from privgan.policy.template import policy_template

    if file.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"{file}: a policy is a .yaml file")
    text = policy_template(name or file.stem, base=base)
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise UsageError(f"{file}: is there already; choose another name") from None
    if as_json:
        print_json({"policy": str(file), "name": name or file.stem, "from": base})
    else:
        click.echo(f"{file}: written; change it, then 'privgan policy check {file}'")


@policy.command("check")
@click.argument("file")
@waivers_option
@json_option
def policy_check(file: str, waivers_path: Path | None, as_json: bool) -> None:
    """Say every mistake in a policy FILE, or a shipped policy, with its line; and in its waivers.

    Ends with 2 where there is one.

    \b
    Example:
      privgan policy check our-policy.yaml --waivers waivers.yaml
    """
    from privgan.cli.verdicts import read_policy
    from privgan.errors import DocumentError

    try:
        found = read_policy(file, waivers_path)
    except DocumentError as error:
        if not as_json:
            raise
        print_json({"ok": False, "mistakes": list(error.mistakes)})
        exit_with(error.exit_code)
        return
    public = sum(rule.scope.value == "public" for rule in found.rules)
    if as_json:
        told = {
            "ok": True,
            "mistakes": [],
            "name": found.name,
            "version": found.version,
            "hash": found.fingerprint(),
        }
        print_json(
            told
            | {
                "public": public,
                "internal": len(found.rules) - public,
                "waivers": len(found.waivers),
            }
        )
    else:
        waivers = f", {len(found.waivers)} waived" if found.waivers else ""
        counts = f"{public} public and {len(found.rules) - public} internal gates{waivers}"
        click.echo(
            f"{found.name} {found.version}: valid; {counts}; hash {found.public_fingerprint()}"
        )


@policy.command("explain")
@click.argument("name")
@lang_option
@json_option
def policy_explain(name: str, lang: str, as_json: bool) -> None:
    """Say in words what a policy asks, by NAME or file.

    Each gate, why, who may learn its outcome, its clause in the standard.

    \b
    Example:
      privgan policy explain wp216 --lang zh
    """
    from privgan.policy.policy import plain
    from privgan.policy.policy_file import load_policy
    from privgan.policy.words import describe, description_json

    found = load_policy(name)
    if as_json:
        print_json(description_json(found, lang))
    else:
        for line in describe(found, lang):
            click.echo(plain(line))


@policy.command("diff")
@click.argument("first")
@click.argument("second")
@json_option
def policy_diff(first: str, second: str, as_json: bool) -> None:
    """Say what changes from the FIRST policy to the SECOND: gates added, removed, stricter, looser.

    Ends with 0 where both decide alike (another name or wording may differ), with 1 where they do
    not.

    \b
    Example:
      privgan policy diff partner-share our-policy.yaml
    """
    from privgan.policy.policy import plain
    from privgan.policy.policy_file import load_policy
    from privgan.policy.words import differences

    found = differences(load_policy(first), load_policy(second))
    alike = not any(difference.decides for difference in found)
    if as_json:
        print_json({"alike": alike, "differences": [difference.to_json() for difference in found]})
    else:
        for difference in found:
            click.echo(plain(str(difference)))
        click.echo("both decide alike" if alike else "they do not decide alike")
    exit_with(0 if alike else 1)


@policy.command("list")
@click.option("--facts", is_flag=True, help="List the facts that a gate can name.")
@json_option
def policy_list(facts: bool, as_json: bool) -> None:
    """List the shipped policies; with --facts what a policy can ask.

    \b
    Example:
      privgan policy list
      privgan policy list --facts
    """
    from privgan.policy.policy_file import load_policy, shipped_policies
    from privgan.policy.words import fact_lines

    if facts:
        _list_facts(as_json, list(fact_lines()))
        return
    shipped = [load_policy(name) for name in shipped_policies()]
    if as_json:
        told = ("name", "version", "purpose", "standard", "attempts_per_dataset")
        print_json(
            [
                {key: getattr(found, key) for key in told} | {"hash": found.fingerprint()}
                for found in shipped
            ]
        )
        return
    for found in shipped:
        click.echo(
            f"{found.name} {found.version}: {found.purpose.partition('. ')[0].rstrip('.')}."
            f" {len(found.rules)} gates"
        )


def _list_facts(as_json: bool, lines: list[str]) -> None:
    from dataclasses import asdict

    from privgan.policy.facts import fact_vocabulary

    if as_json:
        facts: list[Any] = [asdict(fact) for fact in fact_vocabulary().values()]
        print_json(facts)
        return
    for line in lines:
        click.echo(line)
