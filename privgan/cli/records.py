"""Commands about records: report, purge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from privgan.cli.options import PATH, exit_with, json_option, ledger_option, print_json, sep_option, violation_option


@click.command()
@click.argument("folder", type=PATH)
@click.option("--table", type=PATH, help="The table that a candidate was fitted on: draws its real column shapes. INTERNAL.")
@sep_option
@violation_option
@click.option(
    "--policy",
    "policy_name",
    default="internal-analytics",
    show_default=True,
    help="Policy of a candidate's internal report.",
)
@ledger_option
@json_option
def report(
    folder: Path, table: Path | None, sep: str, on_violation: str, policy_name: str, ledger_url: str | None, as_json: bool
) -> None:
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
    path = _candidate_report(folder, table, sep, on_violation, policy_name, ledger_url)
    if as_json:
        print_json({"internal_report": str(path)})
    else:
        click.echo(f"internal report (not to be shared): {path}")


def _tell_release(release: Path, as_json: bool) -> None:
    from privgan.pipeline.guarantee import meaning
    from privgan.privacy import tradeoff
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
    whom = f"{guarantee['unit']} (neighbouring: {guarantee['neighbouring_relation']})"
    means = meaning(tradeoff.of_budget(guarantee["epsilon"], guarantee["delta"]))
    click.echo(f"ε = {guarantee['epsilon']:g}, δ = {guarantee['delta']:g} for {whom}{condition}; {means}")
    click.echo(f"data set {manifest['dataset']}, released {manifest['created']}")
    total = guarantee["dataset_total"]
    click.echo(f"total of the data set so far: ε = {total['epsilon']:g}, δ = {total['delta']:g} for {guarantee['unit']}")
    click.echo(f"report: {release / 'report.html'}")


def _candidate_report(
    folder: Path, table: Path | None, sep: str, on_violation: str, policy_name: str, ledger_url: str | None
) -> Path:
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
        raw, schema = read_table(table, sep=sep), load_schema(candidate.schema)
        frame = conform(raw, schema, on_violation=on_violation).reset_index(drop=True)
    return write_internal_report(candidate, verdict, ledger, Context(), frame)


@click.command()
@click.argument("folder", type=PATH)
@ledger_option
def purge(folder: Path, ledger_url: str | None) -> None:
    """Remove what stays inside (canaries, audit, internal report, log, candidate) and record that in the ledger.

    FOLDER is the --out of 'privgan run' or 'privgan fit'. A release in it is never touched; what a killed command left
    half-written there is removed too.

    \b
    Example:
      privgan purge out
    """
    from privgan.pipeline.purging import purge as purge_folder
    from privgan.privacy.ledger import PrivacyLedger

    removed = purge_folder(folder, PrivacyLedger.open(ledger_url, create=False))
    click.echo(f"{folder}: {removed} files removed")
