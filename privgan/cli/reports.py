"""Define the commands that show reports: report, serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.bundles import check_intact
from privgan.cli.keys import trust_of, trust_options
from privgan.cli.options import (
    PATH,
    SOURCE,
    json_option,
    ledger_option,
    print_json,
    read_aloud,
    source_of,
    source_options_beside_table,
    violation_option,
)

if TYPE_CHECKING:
    from privgan.report.data import InternalReport, ShareableReport


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port on 127.0.0.1; 0 for a free one.",
)
@click.option(
    "--ledger", "ledger_url", help="Show this ledger too (file or PostgreSQL URL). INTERNAL."
)
@trust_options
@click.option(
    "--internal",
    is_flag=True,
    help="Show the internal reports of runs too, marked CONFIDENTIAL. INTERNAL.",
)
def serve(
    folder: Path,
    port: int,
    ledger_url: str | None,
    key_names: tuple[str, ...],
    rotations: tuple[Path, ...],
    lists: tuple[Path, ...],
    internal: bool,
) -> None:
    """Show the releases of a FOLDER in the browser, read only, on this machine only.

    Ctrl-C ends it.

    The folder may hold releases, and runs (OUT) with a release inside. Each is verified before it
    is shown; of one that is not intact, or that none of the given --key signed, nothing is handed
    out. Two releases are compared side by side. What is INTERNAL is shown only on request, and its
    pages are marked. All users of a machine reach its 127.0.0.1: the printed address holds a key;
    keep it to yourself.

    \b
    Example:
      privgan serve releases --port 8765
      privgan serve out --internal --ledger ledger.sqlite
    """
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.serve.server import make_server

    if ledger_url:
        PrivacyLedger.open(ledger_url, create=False)  # A wrong one is reported now, not by a page.
    server = make_server(
        folder,
        port=port,
        internal=internal,
        ledger=ledger_url,
        trust=trust_of(key_names, rotations, lists),
    )
    click.echo(f"{folder}: {server.address} (Ctrl-C ends it)")
    if internal or ledger_url:
        click.echo("CONFIDENTIAL: some of these pages are INTERNAL", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        server.server_close()


_FORMATS, _LANGUAGES = ("html", "pdf", "md", "json"), ("en", "zh")


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Write the report in this form [default: from --out].",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(_LANGUAGES),
    help="Its language [default: the one it was written in].",
)
@click.option("--out", type=PATH, help="Where to write it [default: the terminal, but for a PDF].")
@click.option(
    "--internal", is_flag=True, help="The internal report that a run left in FOLDER. CONFIDENTIAL."
)
@click.option(
    "--table",
    type=SOURCE,
    help="The table that a candidate was fitted on: draws its real column shapes. INTERNAL.",
)
@source_options_beside_table
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
    folder: Path,
    form: str | None,
    language: str | None,
    out: Path | None,
    internal: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what a release promises, or write its report in another form or language, from \
the release alone.

    For a candidate, judge it and write its internal report; that is one counted evaluation of its
    data set, as 'privgan check' is.

    \b
    Example:
      privgan report out
      privgan report out --lang zh --out report-zh.pdf
      privgan report out --internal --out internal-report.pdf
    """  # noqa: D205
    from privgan.pipeline.folders import release_folder

    release = release_folder(folder)
    form = form or (_form_of(out) if out else None)
    if internal:
        _rewrite_internal(folder, form, language, out)
    elif not (release / "manifest.json").exists():
        _tell_candidate(folder, form, language or "en", out, as_json, options)
    elif form is None and language is None:
        _tell_release(release, as_json)
    else:
        _rewrite_released(release, form or "html", language, out)


def _form_of(out: Path) -> str:
    form = out.suffix.removeprefix(".")
    if form not in _FORMATS:
        raise click.UsageError(f"{out}: must end in .{', .'.join(_FORMATS)}, or give --format")
    return form


def _rewrite_released(release: Path, form: str, language: str | None, out: Path | None) -> None:
    from privgan.errors import UsageError
    from privgan.pipeline.reporting import released_report

    check_intact(release)
    if out is not None and release.resolve() in out.resolve().parents:
        raise click.UsageError(
            f"{out}: lies inside the release, which would no longer be intact; choose another --out"
        )
    data, own = released_report(release)
    try:
        _write(data, form, language or own, out, private=False)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
    ) as error:  # A foreign release may hold any text.
        raise UsageError(
            f"{release}: the parts of its report do not fit together; open its report.html"
        ) from error


def _rewrite_internal(
    folder: Path, form: str | None, language: str | None, out: Path | None
) -> None:
    from privgan.pipeline.reporting import internal_report

    data, own = internal_report(folder)
    _write(data, form or "md", language or own, out, private=True)


def _write(
    data: ShareableReport | InternalReport,
    form: str,
    language: str,
    out: Path | None,
    *,
    private: bool,
) -> None:
    from privgan.report.render import render

    if out is None and form == "pdf":
        raise click.UsageError("a PDF is not printed to the terminal; give --out")
    if out is not None and out.exists():
        raise click.UsageError(f"{out}: is there already; choose another --out")
    content = render(data, form, language)
    if out is None:
        click.echo(content.decode(), nl=False)
        return
    out.touch(mode=0o600 if private else 0o666)
    out.write_bytes(content)
    click.echo(
        f"{out}: {'internal report (not to be shared)' if private else 'report'}, {len(content):,}"
        " bytes"
    )


def _tell_release(release: Path, as_json: bool) -> None:
    from privgan.privacy import tradeoff
    from privgan.release.guarantee import meaning

    manifest = check_intact(release)
    guarantee, total = manifest.guarantee, manifest.guarantee.dataset_total
    if as_json:
        told = {name: manifest.raw[name] for name in ("guarantee", "policy")}
        print_json({"report": str(release / "report.html"), **told})
        return
    condition = f", {guarantee.conditional_text}" if guarantee.conditional_text else ""
    whom = f"{guarantee.unit} (neighbouring: {guarantee.neighbouring_relation})"
    means = meaning(tradeoff.of_budget(guarantee.epsilon, guarantee.delta))
    click.echo(f"ε = {guarantee.epsilon:g}, δ = {guarantee.delta:g} for {whom}{condition}; {means}")
    click.echo(f"data set {manifest.dataset}, released {manifest.created}")
    click.echo(
        f"total of the data set so far: ε = {total.epsilon:g}, δ = {total.delta:g} for"
        f" {guarantee.unit}"
    )
    click.echo(f"report: {release / 'report.html'}")


def _tell_candidate(
    folder: Path,
    form: str | None,
    language: str,
    out: Path | None,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    path = _candidate_report(folder, language, options)
    if form is not None:
        _rewrite_internal(path.parent, form, language, out)
    elif as_json:
        print_json({"internal_report": str(path)})
    else:
        click.echo(f"internal report (not to be shared): {path}")


def _candidate_report(folder: Path, language: str, options: dict[str, Any]) -> Path:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import judgement_of
    from privgan.pipeline.read_candidate import read_candidate
    from privgan.pipeline.releasing import release_facts
    from privgan.pipeline.reporting import NOT_RELEASED, write_internal_report
    from privgan.policy.context import Context
    from privgan.policy.policy_file import load_policy

    candidate = read_candidate(Candidate.find(folder))
    ledger = PrivacyLedger.open(options["ledger_url"], create=False)
    judged = judgement_of(candidate, load_policy(options["policy_name"]), ledger, Context())
    table = None
    if options["table"] is not None:
        read = read_aloud(options["table"], source_of(options), candidate.schema)
        table = read.conforming(candidate.schema, on_violation=options["on_violation"])
    facts = release_facts(candidate, judged.history, Context(), NOT_RELEASED)
    return write_internal_report(candidate, facts, judged.verdict, judged.history, table, language)
