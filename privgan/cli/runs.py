"""Define the commands that spend budget: run, fit, resume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.bundles import check_no_zip, zip_option, zipped
from privgan.cli.judging import JudgingOptions
from privgan.cli.keys import signing_option
from privgan.cli.options import (
    PATH,
    SOURCE,
    asked_json,
    budget_of,
    budget_options,
    context_option,
    exit_with,
    fit_options,
    json_option,
    language_option,
    ledger_option,
    policy_option,
    print_json,
    query_option,
    quiet_option,
    schema_option,
    source_of,
    target_option,
    tell_asked,
    verdict_file_options,
    waivers_option,
)
from privgan.cli.plans import BeforehandOptions, beforehand_options
from privgan.cli.verdicts import VerdictFiles

if TYPE_CHECKING:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.read_candidate import ReadCandidate
    from privgan.pipeline.request import RunRequest
    from privgan.pipeline.run import Judging, RunOutcome
    from privgan.planning.plan import Plan
    from privgan.planning.risk import RiskBudget
    from privgan.privacy.budget import PrivacyBudget
    from privgan.progress import Progress

STATUS_CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}


@click.command()
@click.argument("table", type=SOURCE)
@schema_option
@policy_option
@budget_options
@fit_options
@target_option
@ledger_option
@context_option
@language_option
@waivers_option
@verdict_file_options
@click.option("--out", type=PATH, required=True, help="Folder for release/ and internal/.")
@signing_option
@zip_option
@json_option
@quiet_option
def run(
    table: Path | str,
    schema_path: Path,
    ledger_url: str | None,
    out: Path,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Everything: check, plan, charge, fit, sample, audit, judge, release, report.

    Writes OUT/release (what may leave) and OUT/internal (what may not). What is known before the
    first look is judged first: a run that can never pass ends with code 1, or 3 where a fact is
    missing, and nothing is charged. A candidate that the policy blocks later is paid for and stays
    in OUT/internal/candidate. --rows is always the number of rows to make; --public-rows the
    table's own.

    \b
    Example:
      privgan run customers.csv --schema schema.yaml --policy partner-share \\
        --epsilon 3 --context context.yaml --out out
    """
    progress = _begun(schema_path, quiet=quiet)
    files, judged, as_zip = (
        VerdictFiles.asked(options),
        JudgingOptions.taken(options),
        options.pop("as_zip"),
    )
    request, asked = _request(table, schema_path, options)
    check_no_zip(out, asked=as_zip)
    outcome = perform(request, judged.judging(), ledger_url, out, progress)
    files.write(outcome.verdict)
    if as_zip and outcome.release:
        zipped(outcome.release)
    exit_with(tell(outcome, as_json, asked))


@click.command()
@click.argument("table", type=SOURCE)
@schema_option
@budget_options
@fit_options
@target_option
@ledger_option
@beforehand_options
@click.option(
    "--out",
    type=PATH,
    required=True,
    help="Folder for the candidate; it becomes its owner's alone (0700).",
)
@json_option
@quiet_option
def fit(
    table: Path | str,
    schema_path: Path,
    ledger_url: str | None,
    out: Path,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Fit a candidate: plan, charge, train, sample. Judge it later with audit, check and release.

    With --policy everything that is known before the first look is judged first. A run that can
    never pass ends with code 1, or 3 where a fact is missing, and nothing is charged.

    \b
    Example:
      privgan fit customers.csv --schema schema.yaml --epsilon 3 --out candidate
      privgan fit customers.csv --schema schema.yaml --epsilon 3 --policy partner-share --context
      context.yaml --out candidate
    """
    progress = _begun(schema_path, quiet=quiet)
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.folders import INTERNAL
    from privgan.pipeline.preflight import announce
    from privgan.pipeline.run import Run, conforming, fit_candidate, planned, read_for_run

    asked_of = BeforehandOptions.taken(options, ledger_url=ledger_url, rows=options["rows"])
    request, asked = _request(table, schema_path, options)
    schema, plan = planned(request, out)
    announce(progress, schema, plan, made=request.rows, judged=False)
    first = asked_of.judge(schema, plan)
    if first:
        first.check()
        progress.say(str(first))
    owned = conforming(read_for_run(request, schema, progress), request, schema, out)
    ledger = open_ledger(ledger_url, schema.dataset)
    begun = Run(request=request, plan=plan, table=owned, ledger=ledger, progress=progress)
    candidate = fit_candidate(
        begun, Candidate(out, out / INTERNAL), attempts=first.attempts if first else None
    )
    _tell_candidate(candidate, asked, as_json)


def _tell_candidate(candidate: ReadCandidate, asked: RiskBudget | None, as_json: bool) -> None:
    from privgan.pipeline.preflight import claim_lines

    record, folder = candidate.record, str(candidate.files.folder)
    if as_json:
        told = {
            "candidate": folder,
            "guarantee": record.guarantee.to_json(),
            "rows": record.rows,
            "run": record.run,
        }
        print_json(told | asked_json(asked))
        return
    tell_asked(asked)
    lines = claim_lines(record.guarantee, record.accounting)
    click.echo("\n".join([f"{folder}: a candidate with {record.rows} rows", *lines]))


@click.command()
@click.argument("folder", type=PATH)
@click.argument("table", type=SOURCE)
@query_option
@click.option(
    "--policy", "policy_name", help="Judge and release as 'privgan run' does, by this policy."
)
@ledger_option
@context_option
@language_option
@waivers_option
@verdict_file_options
@signing_option
@json_option
@quiet_option
def resume(
    folder: Path,
    table: Path | str,
    query: str | None,
    ledger_url: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Go on with a fit or run that was started with --resumable and interrupted.

    FOLDER is its --out.

    Each checkpoint goes on once, with fresh noise. After Ctrl-C nothing is run again; after a crash
    the steps since the checkpoint are charged to the plan's reserve, and when that is spent the
    command ends with code 4. Where the TABLE comes from a query, give it again; it needs an order,
    so that the rows come in the same one.

    \b
    Example:
      privgan resume out customers.csv --policy partner-share --context context.yaml
    """
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.interrupted import resume_candidate, resume_run
    from privgan.progress import Progress

    progress, files = Progress(quiet=quiet), VerdictFiles.asked(options)
    if options["policy_name"] is None:
        if files.paths or options["waivers_path"]:
            raise click.UsageError(
                "--waivers, --junit and --sarif go with --policy: without one nothing is judged"
            )
        candidate = resume_candidate(
            folder, table, PrivacyLedger.open(ledger_url, create=False), progress, query=query
        )
        _tell_candidate(candidate, None, as_json)
        return
    judging, ledger = (
        JudgingOptions.taken(options).judging(),
        PrivacyLedger.open(ledger_url, create=False),
    )
    outcome = resume_run(table, judging, ledger, folder, progress, query=query)
    files.write(outcome.verdict)
    exit_with(tell(outcome, as_json))


def _begun(schema_path: Path, *, quiet: bool) -> Progress:
    """Start the progress display before anything heavy is imported."""
    from privgan.progress import Progress

    progress = Progress(quiet=quiet)
    progress.say(f"reading the schema {schema_path} and making the plan")
    return progress


def _request(
    table: Path | str, schema_path: Path, options: dict[str, Any]
) -> tuple[RunRequest, RiskBudget | None]:
    from privgan.pipeline.request import RunRequest
    from privgan.pipeline.run import plan_for, schema_of

    options["source"] = source_of(options)

    def plan(budget: PrivacyBudget) -> Plan:
        request = RunRequest(table=table, schema=schema_path, budget=budget, **options)
        return plan_for(request, schema_of(request))

    budget, asked = budget_of(options, plan)
    return RunRequest(table=table, schema=schema_path, budget=budget, **options), asked


def open_ledger(url: str | None, dataset: str) -> PrivacyLedger:
    """Open the ledger; announce a new one, and an unknown data set."""
    from privgan.ledger.ledger import PrivacyLedger

    ledger = PrivacyLedger.open(url)
    if ledger.created_now:
        click.echo(
            f"a new ledger was made: {ledger.url}; keep it, and its key {ledger.key_path}", err=True
        )
    if not ledger.account(dataset).known:
        text = "what was spent on it under another name or in another ledger is not counted here"
        click.echo(f"the data set {dataset} is new to the ledger {ledger.url}: {text}", err=True)
    return ledger


def perform(
    request: RunRequest,
    judging: Judging,
    ledger_url: str | None,
    out: Path,
    progress: Progress,
    *,
    introduce: bool = False,
) -> RunOutcome:
    """Run the main job with its ledger."""
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.run import run as run_job
    from privgan.pipeline.run import schema_of

    dataset = schema_of(request).dataset

    def ledger(create: bool) -> PrivacyLedger | None:
        if not create and not introduce:
            return PrivacyLedger.find(ledger_url)
        opened = open_ledger(ledger_url, dataset)
        if introduce and not opened.account(dataset).initialised:
            opened.introduce(dataset)
        return opened

    return run_job(request, judging, ledger, out, progress)


def tell(outcome: RunOutcome, as_json: bool, asked: RiskBudget | None = None) -> int:
    """Print the outcome of a run, and return its exit code."""
    from privgan.policy.policy import plain
    from privgan.policy.verdict import explain

    status = str(outcome.status)
    if as_json:
        print_json(
            {
                "status": status,
                "charged": not outcome.blocked,
                "blocked": list(outcome.blocked),
                "release": str(outcome.release) if outcome.release else None,
                "candidate": str(outcome.candidate) if outcome.candidate else None,
                "internal": str(outcome.internal) if outcome.internal else None,
                "guarantee": outcome.guarantee,
                "summary": list(outcome.summary),
                "verdict": outcome.verdict.to_json(),
            }
            | asked_json(asked)
        )
        return STATUS_CODES[status]
    tell_asked(asked)
    click.echo(f"verdict: {status}")
    if outcome.blocked:
        _tell_blocked(outcome.blocked)
        return STATUS_CODES[status]
    click.echo("\n".join(outcome.summary))
    for gate in outcome.verdict.outcomes:
        if str(gate.status) != "PASS":
            click.echo(f"  {plain(explain(gate))}")
    if outcome.release:
        click.echo(f"release:  {outcome.release} (report: {outcome.release / 'report.html'})")
    if outcome.candidate:
        click.echo(f"blocked; the candidate stays in {outcome.candidate}")
    click.echo(f"internal: {outcome.internal} (not to be shared)")
    return STATUS_CODES[status]


def _tell_blocked(reasons: Sequence[str]) -> None:
    """Print why a run was not started."""
    from privgan.policy.policy import plain

    click.echo("this run can never pass the policy; nothing was charged, and no row was looked at")
    for reason in reasons:
        click.echo(f"  {plain(reason)}")
