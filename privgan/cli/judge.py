"""Define the commands that judge: audit, check, release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.bundles import check_no_zip, zip_option, zipped
from privgan.cli.judging import JudgingOptions
from privgan.cli.keys import signing_option
from privgan.cli.options import (
    PATH,
    SOURCE,
    context_option,
    exit_with,
    json_option,
    language_option,
    ledger_option,
    policy_option,
    print_json,
    quiet_option,
    read_aloud,
    source_of,
    source_options,
    verdict_file_options,
    violation_option,
    waivers_option,
)
from privgan.cli.verdicts import VerdictFiles, print_verdict

if TYPE_CHECKING:
    from privgan.audit.lower_bounds.twin import TwinReport
    from privgan.audit.suite import AuditReport
    from privgan.policy.verdict import Verdict
    from privgan.progress import Progress

_NAME, _TWIN_EPSILON = 40, 3.0
_VERDICT_CODES = {"NOT_REFUTED": 0, "REFUTED": 1, "INCONCLUSIVE": 3}


@click.command()
@click.argument("candidate", type=PATH, required=False)
@click.argument("table", type=SOURCE, required=False)
@click.option("--real", type=SOURCE, help="Rows that the synthesizer saw.")
@click.option("--holdout", type=SOURCE, help="Rows of the same kind that it never saw.")
@click.option("--synthetic", type=SOURCE, help="The synthetic table, made by any tool.")
@click.option(
    "--schema",
    "schema_path",
    type=PATH,
    help="The schema, with --real; drafted from --real and --holdout where none is given.",
)
@click.option(
    "--target", help="Column to predict [default: the schema's 'target', else by a fixed rule]."
)
@click.option("--epsilon", type=float, help="The claimed ε, with --real.")
@click.option("--delta", type=float, help="The claimed δ, with --real.")
@click.option(
    "--fair-coins",
    is_flag=True,
    help="A fair coin for each customer split --real from --holdout: allows a bound on ε.",
)
@click.option(
    "--twin",
    is_flag=True,
    help=(
        "Test this machine's DP-SGD of the network by a run that is never charged nor released; see"
        " above."
    ),
)
@click.option(
    "--reference-fits",
    type=click.IntRange(min=4),
    metavar="N",
    help=(
        "With CANDIDATE: attack the most exposed customers through N small fits, at least 4 (some"
        " 15 s each)."
    ),
)
@violation_option
@ledger_option
@source_options
@json_option
@quiet_option
def audit(
    candidate: Path | None, table: Path | str | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Attack and measure: fidelity, utility, membership inference, a lower bound on ε.

    INTERNAL: it reads real rows.

    A CANDIDATE's files are also searched for the TABLE's identifiers, PII and undeclared texts; a
    finding is a bug in privgan (code 70), and bars the candidate from release.

    Either CANDIDATE with the TABLE that it was fitted on, or any synthetic table with --real,
    --holdout, --synthetic. --twin plants gradients in the DP-SGD of a test run on a simulated
    table, or on --real with --schema, and holds what every noisy gradient tells about them against
    the claimed ε [default: 3]; it takes less than a minute.

    Of a foreign table, values that are written otherwise (dates with zero times, decimal commas, Y
    for true) are read and told. A column with more than half of its values lost is left out, and
    nothing then clears the table.

    Ends with 0 when the claim is not refuted, 1 when it is or the table holds copies of --real rows
    (reason: copies; no claim and no --fair-coins needed), 3 when the audit cannot tell.

    \b
    Example:
      privgan audit candidate customers.csv
      privgan audit --real train.csv --holdout test.csv --synthetic syn.csv --epsilon 3
      privgan audit --twin
    """
    from privgan.progress import Progress

    options["source"] = source_of(options)
    if options["delta"] is not None and options["epsilon"] is None:
        raise click.UsageError("--delta goes with --epsilon: together they are the claim")
    if options["reference_fits"] and candidate is None:
        raise click.UsageError(
            "--reference-fits repeats the fit of a CANDIDATE; give one with its TABLE"
        )
    report = _audited(candidate, table, options, Progress(quiet=quiet))
    if as_json:
        print_json(report.to_json())
    else:
        _print_audit(report, "a test run" if options["twin"] else "computed from real rows")
    exit_with(_VERDICT_CODES[str(report.verdict)])


def _audit_candidate(
    path: Path, table: Path | str, options: dict[str, Any], progress: Any
) -> AuditReport:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import audit_candidate
    from privgan.pipeline.read_candidate import read_candidate
    from privgan.pipeline.request import begun_schema
    from privgan.pipeline.scanning import leak_patterns_of, scan_candidate

    candidate = read_candidate(Candidate.find(path))
    read = read_aloud(table, options["source"], candidate.schema, say=progress.say)
    owned = read.conforming(candidate.schema, on_violation=options["on_violation"])
    leak_patterns = leak_patterns_of(read.undeclared_texts(begun_schema(candidate.files)))
    del read  # Only the typed rows stay.
    ledger = PrivacyLedger.open(options["ledger_url"], create=False)
    fits = options["reference_fits"] or 0
    report = audit_candidate(
        candidate, owned, ledger, target=options["target"], reference_fits=fits, progress=progress
    )
    # After the audit, which refuses a table that is not the candidate's.
    scan_candidate(candidate, leak_patterns, ledger, progress)
    return report


def _audit_tables(options: dict[str, Any], progress: Any) -> AuditReport:
    from privgan.audit.suite import AuditSettings, run_table_audit
    from privgan.pipeline.foreign_tables import read_foreign
    from privgan.pipeline.stages import audit_teller

    paths = {name: options[name] for name in ("real", "holdout", "synthetic")}
    tables = read_foreign(
        paths,
        options["schema_path"],
        source=options["source"],
        on_violation=options["on_violation"],
        say=progress.say,
    )
    skipped = [
        column.name for column in tables.schema.invented if column.name != tables.schema.unit.column
    ]
    if skipped:
        progress.say(f"audit: not compared, as identifiers or free text: {', '.join(skipped)}")
    left_out = {} if tables.legibility is None else tables.legibility.left_out
    if options["target"] in left_out:
        raise click.UsageError(f"--target {options['target']}: {left_out[options['target']]}")
    asked = {name: options[name] for name in ("target", "epsilon", "delta", "fair_coins")}
    return run_table_audit(tables, AuditSettings(**asked), progress=audit_teller(progress))


def _audited(
    candidate: Path | None, table: Path | str | None, options: dict[str, Any], progress: Progress
) -> AuditReport | TwinReport:
    """Run the audit that the arguments ask for: a test run, a candidate or three tables."""
    given = [bool(options[key]) for key in ("real", "holdout", "synthetic")]
    if options["twin"]:
        return _audit_twin(candidate, options, progress)
    if candidate is not None and table is not None and not any(given):
        return _audit_candidate(candidate, table, options, progress)
    if candidate is None and all(given):
        return _audit_tables(options, progress)
    raise click.UsageError(
        "give CANDIDATE and TABLE, or --real, --holdout and --synthetic, or --twin"
    )


def _audit_twin(candidate: Path | None, options: dict[str, Any], progress: Any) -> TwinReport:
    from privgan.pipeline.twin import run_twin
    from privgan.privacy.budget import DEFAULT_DELTA, PrivacyBudget
    from privgan.table.schema_file import load_schema

    if candidate is not None or options["holdout"] or options["synthetic"]:
        raise click.UsageError(
            "--twin makes a test run of its own; give no table, or --real and --schema"
        )
    if bool(options["real"]) != bool(options["schema_path"]):
        raise click.UsageError(
            "--twin needs both --real and --schema, or neither for a simulated table"
        )
    epsilon = _TWIN_EPSILON if options["epsilon"] is None else options["epsilon"]
    delta = DEFAULT_DELTA if options["delta"] is None else options["delta"]
    budget, table = PrivacyBudget(epsilon=epsilon, delta=delta), None
    if options["real"]:
        schema = load_schema(options["schema_path"])
        read = read_aloud(options["real"], options["source"], schema, say=progress.say)
        table = read.conforming(schema, on_violation=options["on_violation"])
    return run_twin(budget, progress, table=table)


def _read_otherwise(report: AuditReport | TwinReport) -> Iterator[str]:
    """How a foreign table was read, for the verdict that rests on it."""
    if reason := getattr(report, "reason", ""):
        yield f"reason:  {reason}"
    legibility = getattr(report, "legibility", None)
    yield from () if legibility is None else legibility.lines()


def _print_audit(report: AuditReport | TwinReport, basis: str) -> None:
    from privgan.policy.policy import plain

    click.echo(f"verdict: {report.verdict}   (INTERNAL: {basis})")
    for line in _read_otherwise(report):
        click.echo(plain(line))
    click.echo(f"{'figure':<{_NAME}}{'value':>9}  {'interval':<19}{'real rows':>10}{'ceiling':>9}")
    for metric in report.metrics:
        if metric.value is None:
            click.echo(f"{metric.name:<{_NAME}}{'NOT RUN':>9}  {metric.reason}")
            continue
        interval = (
            f"{metric.low:.4f} to {metric.high:.4f}"
            if metric.low is not None and metric.high is not None
            else ""
        )
        baseline = "" if metric.baseline is None else f"{metric.baseline:.4f}"
        ceiling = "" if metric.ceiling is None else f"{metric.ceiling:.4f}"
        click.echo(
            f"{metric.name:<{_NAME}}{metric.value:>9.4f}  {interval:<19}{baseline:>10}{ceiling:>9}"
        )


@click.command()
@click.argument("candidate", type=PATH)
@policy_option
@context_option
@waivers_option
@ledger_option
@verdict_file_options
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the explanations.",
)
@json_option
def check(
    candidate: Path, ledger_url: str | None, lang: str, as_json: bool, **options: Any
) -> None:
    """Judge CANDIDATE by a policy and explain each gate, to the owner. INTERNAL.

    Public gates are judged first: where one does not pass, the internal ones are not judged and no
    attempt is counted. Else it counts as one attempt on the data set; the policy caps them. An
    internal gate that fails closes the candidate. In a pipeline the exit code decides: 0 PASS, 1
    FAIL, 3 INCONCLUSIVE.

    \b
    Example:
      privgan check candidate --policy partner-share --context context.yaml
      privgan check candidate --policy partner-share --junit verdict.xml --sarif verdict.sarif
    """
    from privgan.cli.runs import STATUS_CODES
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import check_public_gates, judge
    from privgan.pipeline.read_candidate import read_candidate

    asked, found = VerdictFiles.asked(options), read_candidate(Candidate.find(candidate))
    judging = JudgingOptions.taken(options).judging()
    ledger = PrivacyLedger.open(ledger_url, create=False)

    def tell(verdict: Verdict) -> None:
        asked.write(verdict)
        if as_json:
            print_json(verdict.to_json())
        else:
            print_verdict(verdict, lang)

    check_public_gates(found, judging.policy, ledger, judging.context, tell)
    verdict = judge(found, judging.policy, ledger, judging.context)
    tell(verdict)
    exit_with(STATUS_CODES[str(verdict.status)])


@click.command()
@click.argument("candidate", type=PATH)
@policy_option
@context_option
@waivers_option
@ledger_option
@language_option
@verdict_file_options
@click.option("--out", type=PATH, required=True, help="Folder for release/.")
@signing_option
@zip_option
@json_option
def release(
    candidate: Path, ledger_url: str | None, out: Path, as_zip: bool, as_json: bool, **options: Any
) -> None:
    """Write OUT/release for a CANDIDATE that passes the policy: all of it, or nothing.

    Public gates are judged first: where one does not pass, no attempt is counted.

    \b
    Example:
      privgan release candidate --policy partner-share --context context.yaml --key keys/acme.key
      --out out
    """
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import check_public_gates, judge
    from privgan.pipeline.read_candidate import read_candidate
    from privgan.pipeline.releasing import release_candidate

    asked, found = VerdictFiles.asked(options), read_candidate(Candidate.find(candidate))
    check_no_zip(out, asked=as_zip)
    judging = JudgingOptions.taken(options).judging()
    ledger = PrivacyLedger.open(ledger_url, create=False)

    def blocked(verdict: Verdict) -> None:
        asked.write(verdict)
        if as_json:
            print_json(verdict.to_json())

    check_public_gates(found, judging.policy, ledger, judging.context, blocked)
    verdict = judge(found, judging.policy, ledger, judging.context)
    asked.write(verdict)
    if str(verdict.status) != "PASS" and not as_json:
        print_verdict(verdict)
    folder = release_candidate(found, verdict, ledger, judging.terms, out)
    packed = zipped(folder) if as_zip else None
    if as_json:
        print_json(
            {"status": str(verdict.status), "release": str(folder)}
            | ({"zip": str(packed)} if packed else {})
        )
    else:
        click.echo(f"release: {folder} (report: {folder / 'report.html'})")
        if packed:
            click.echo(f"zip:     {packed}")
