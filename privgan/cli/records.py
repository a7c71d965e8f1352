"""Commands about records: verify, report, ledger, purge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from privgan.cli.options import PATH, exit_with, json_option, ledger_option, print_json, sep_option


@click.command()
@click.argument("folder", type=PATH)
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check a release offline, without the private table: every hash, the manifest's form, the expiry.

    \b
    Example:
      privgan verify out/release
    """
    from privgan.pipeline.run import release_folder
    from privgan.release.verify import verify_release

    found = verify_release(release_folder(folder))
    if as_json:
        print_json({"ok": found.ok, "signed": found.signed, "problems": list(found.problems)})
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(f"{'intact' if found.ok else 'NOT INTACT'}, {'signed' if found.signed else 'unsigned'}")
    exit_with(0 if found.ok else 1)


@click.command()
@click.argument("folder", type=PATH)
@click.option("--table", type=PATH, help="The table that a candidate was fitted on: draws its real column shapes. INTERNAL.")
@sep_option
@click.option(
    "--policy",
    "policy_name",
    default="internal-analytics",
    show_default=True,
    help="Policy of a candidate's internal report.",
)
@ledger_option
@json_option
def report(folder: Path, table: Path | None, sep: str, policy_name: str, ledger_url: str | None, as_json: bool) -> None:
    """Say what a release promises and where its report is; for a candidate, judge it and write its internal report.

    Judging a candidate is one counted evaluation of its data set, as 'privgan check' is.

    \b
    Example:
      privgan report out
    """
    from privgan.pipeline.run import release_folder

    release = release_folder(folder)
    if (release / "manifest.json").exists():
        _tell_release(release, as_json)
        return
    path = _candidate_report(folder, table, sep, policy_name, ledger_url)
    if as_json:
        print_json({"internal_report": str(path)})
    else:
        click.echo(f"internal report (not to be shared): {path}")


def _tell_release(release: Path, as_json: bool) -> None:
    from privgan.release.verify import verify_release

    found = verify_release(release)
    if not found.ok:
        for problem in found.problems:
            click.echo(problem, err=True)
        click.echo("NOT INTACT: what this release says about itself cannot be relied on", err=True)
        exit_with(1)
    manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    guarantee = manifest["guarantee"]
    if as_json:
        print_json({"report": str(release / "report.html"), "guarantee": guarantee, "policy": manifest["policy"]})
        return
    condition = f", {guarantee['conditional_text']}" if guarantee["conditional_text"] else ""
    whom = f"{guarantee['unit']} ({guarantee['neighbouring_relation']})"
    click.echo(f"ε = {guarantee['epsilon']:g}, δ = {guarantee['delta']:g} for {whom}{condition}")
    click.echo(f"data set {manifest['dataset']}, released {manifest['created']}")
    click.echo(f"total of the data set so far: ε = {guarantee['dataset_total']['epsilon']:g}")
    click.echo(f"report: {release / 'report.html'}")


def _candidate_report(folder: Path, table: Path | None, sep: str, policy_name: str, ledger_url: str | None) -> Path:
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import judge, write_internal_report
    from privgan.policy.context import Context
    from privgan.policy.document import load_policy
    from privgan.privacy.ledger import PrivacyLedger
    from privgan.table.conform import conform
    from privgan.table.files import read_table
    from privgan.table.schema_file import load_schema

    candidate, ledger = Candidate.find(folder), PrivacyLedger.open(ledger_url, create=False)
    verdict = judge(candidate, load_policy(policy_name), ledger, Context())
    frame = None
    if table is not None:
        frame = conform(read_table(table, sep=sep), load_schema(candidate.schema)).reset_index(drop=True)
    return write_internal_report(candidate, verdict, ledger, Context(), frame)


@click.group()
def ledger() -> None:
    """The privacy ledger: what was spent on each data set, by whom and when. INTERNAL."""


@ledger.command("init")
@click.argument("dataset", required=False)
@click.option("--epsilon", type=float, help="Lifetime ε of the data set.")
@click.option("--delta", type=float, default=1e-5, show_default=True, help="Lifetime δ of the data set.")
@ledger_option
def ledger_init(dataset: str | None, epsilon: float | None, delta: float, ledger_url: str | None) -> None:
    """Make the ledger, and introduce a DATASET with its lifetime budget. Strict policies require it.

    \b
    Example:
      privgan ledger init acme-customers --epsilon 6
    """
    from privgan.privacy.budget import PrivacyBudget
    from privgan.privacy.ledger import PrivacyLedger

    budget = None if epsilon is None else PrivacyBudget(epsilon=epsilon, delta=delta)
    opened = PrivacyLedger.open(ledger_url)
    click.echo(f"{opened.url}: {'made' if opened.created_now else 'is there'}")
    if dataset:
        opened.introduce(dataset)
        if budget:
            opened.set_lifetime(dataset, budget)
        click.echo(
            f"{dataset}: introduced" + (f", lifetime ε = {epsilon:g}, δ = {delta:g}" if budget else ", no lifetime budget")
        )


@ledger.command("show")
@click.argument("dataset", required=False)
@ledger_option
@json_option
def ledger_show(dataset: str | None, ledger_url: str | None, as_json: bool) -> None:
    """List the entries, oldest first, and the total of each data set.

    \b
    Example:
      privgan ledger show acme-customers
    """
    from dataclasses import asdict

    from privgan.privacy.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    entries = opened.entries(dataset)
    names = dict.fromkeys(entry.dataset for entry in entries)
    if as_json:
        totals = {name: _account_json(opened, name) for name in names}
        print_json(
            {
                "ledger": opened.url,
                "head": opened.head(),
                "datasets": totals,
                "entries": [asdict(entry) for entry in entries],
            }
        )
        return
    for entry in entries:
        body = json.dumps(dict(entry.body), ensure_ascii=False)[:110]
        click.echo(f"{entry.sequence:>5}  {entry.time[:19]}  {entry.dataset:<20} {entry.run[:8]:<8}  {entry.kind:<10} {body}")
    for name in names:
        account = _account_json(opened, name)
        limit = "no lifetime budget" if account["lifetime_epsilon"] is None else f"of {account['lifetime_epsilon']:g}"
        done = f"{account['runs']} runs, {account['attempts']} judged"
        limit += f"; {account['condition']}" if account["condition"] else ""
        click.echo(f"{name}: ε = {account['epsilon']} ({limit}), δ = {account['delta']:g}, {done}")


def _account_json(opened: Any, name: str) -> dict[str, Any]:
    import math

    account = opened.account(name)
    return {
        "epsilon": round(account.epsilon, 9) if math.isfinite(account.epsilon) else "infinite",
        "delta": account.delta,
        "runs": account.runs,
        "attempts": account.attempts,
        "initialised": account.initialised,
        "refuted": account.refuted,
        "condition": account.condition,
        "lifetime_epsilon": account.lifetime.epsilon if account.lifetime else None,
        "lifetime_delta": account.lifetime.delta if account.lifetime else None,
    }


@ledger.command("verify")
@click.option("--manifest", type=PATH, help="A release's manifest.json: its chain head must still be in the ledger.")
@ledger_option
@json_option
def ledger_verify(manifest: Path | None, ledger_url: str | None, as_json: bool) -> None:
    """Check the chain: edited, removed or reordered entries; with --manifest also a cut tail.

    \b
    Example:
      privgan ledger verify --manifest out/release/manifest.json
    """
    from privgan.errors import UsageError
    from privgan.privacy.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    problems = list(opened.problems())
    if manifest is not None:
        try:
            head = json.loads(manifest.read_text(encoding="utf-8"))["ledger"]["head"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{manifest}: is no manifest of a release") from error
        if head not in {entry.mac for entry in opened.entries()}:
            problems.append("the chain head of the manifest is not in the ledger: its tail was cut, or it is another ledger")
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            click.echo(problem)
        click.echo("NOT WHOLE" if problems else "the chain is whole")
    exit_with(1 if problems else 0)


@ledger.command("budget")
@click.argument("dataset")
@click.option("--epsilon", type=float, help="Set the lifetime ε.")
@click.option("--delta", type=float, default=1e-5, show_default=True, help="Set the lifetime δ, with --epsilon.")
@ledger_option
@json_option
def ledger_budget(dataset: str, epsilon: float | None, delta: float, ledger_url: str | None, as_json: bool) -> None:
    """Show what is left of a data set's lifetime budget, or set it.

    \b
    Example:
      privgan ledger budget acme-customers --epsilon 6
    """
    from privgan.privacy.budget import PrivacyBudget
    from privgan.privacy.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    if epsilon is not None:
        opened.set_lifetime(dataset, PrivacyBudget(epsilon=epsilon, delta=delta))
    account = _account_json(opened, dataset)
    if as_json:
        print_json(account)
        return
    limit = account["lifetime_epsilon"]
    left = "no lifetime budget" if limit is None else f"{max(0.0, limit - opened.account(dataset).epsilon):g} of {limit:g} left"
    left += f"; {account['condition']}" if account["condition"] else ""
    click.echo(f"{dataset}: ε = {account['epsilon']} spent in {account['runs']} runs; {left}")


@ledger.command("clear")
@click.argument("dataset")
@click.option("--who", required=True, help="The person who answers for it.")
@click.option("--why", required=True, help="The reason.")
@ledger_option
def ledger_clear(dataset: str, who: str, why: str, ledger_url: str | None) -> None:
    """Let a person clear a data set that an audit had stopped (REFUTED).

    \b
    Example:
      privgan ledger clear acme-customers --who "A. Officer" --why "bug 12 found and mended"
    """
    from privgan.privacy.ledger import PrivacyLedger

    PrivacyLedger.open(ledger_url, create=False).clear(dataset, who=who, why=why)
    click.echo(f"{dataset}: cleared by {who}")


@click.command()
@click.argument("folder", type=PATH)
@ledger_option
def purge(folder: Path, ledger_url: str | None) -> None:
    """Remove what stays inside (canaries, audit, internal report, log, candidate) and record that in the ledger.

    \b
    Example:
      privgan purge out
    """
    from privgan.pipeline.run import purge as purge_folder
    from privgan.privacy.ledger import PrivacyLedger

    removed = purge_folder(folder, PrivacyLedger.open(ledger_url, create=False))
    click.echo(f"{folder}: {removed} files removed")
