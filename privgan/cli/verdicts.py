"""Read policies with waivers, print verdicts, and write their files for CI pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from privgan.policy.context import Context
    from privgan.policy.policy import Policy
    from privgan.policy.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class VerdictFiles:
    """The files that a verdict is written to for a pipeline.

    Attributes:
        junit: JUnit XML, or None.
        sarif: SARIF 2.1.0, or None.
        shareable: Only what may leave.
    """

    junit: Path | None
    sarif: Path | None
    shareable: bool

    @classmethod
    def asked(cls, options: dict[str, Any]) -> VerdictFiles:
        """Take the requested files out of a command's options.

        Called before anything is judged. An evaluation is counted, and must not be lost to an
        unwritable file. What an earlier call left there is removed, so that no pipeline reads an
        old verdict.
        """
        from privgan.errors import UsageError

        files = cls(
            junit=options.pop("junit"),
            sarif=options.pop("sarif"),
            shareable=options.pop("shareable"),
        )
        if files.shareable and not files.paths:
            raise UsageError("--shareable says what --junit and --sarif hold; give one of them")
        if len(set(files.paths)) < len(files.paths):
            raise UsageError(f"{files.junit}: --junit and --sarif are the same file; give two")
        for path in files.paths:
            if path.is_dir() or not path.absolute().parent.is_dir():
                raise UsageError(
                    f"{path}: is a folder, or its folder is missing; give the path of a file"
                )
            if _in_release(path):
                raise UsageError(
                    f"{path}: a release holds nothing but what its manifest lists; choose another"
                    " folder"
                )
        for path in files.paths:
            path.unlink(missing_ok=True)
        return files

    @property
    def paths(self) -> tuple[Path, ...]:
        """The requested files."""
        return tuple(path for path in (self.junit, self.sarif) if path)

    def write(self, verdict: Verdict) -> None:
        """Write the files; full ones have mode 0600.

        Shareable ones are left out where the internal checks did not pass.
        """
        from importlib.metadata import version

        from privgan.policy.exports import junit, sarif

        if self.shareable and not verdict.internal_passed:
            names = ", ".join(map(str, self.paths))
            click.echo(
                f"{names}: not written; something is shareable only where the internal checks"
                " passed",
                err=True,
            )
            return
        if self.junit:
            self._put(self.junit, junit(verdict, shareable=self.shareable))
        if self.sarif:
            self._put(
                self.sarif, sarif(verdict, version=version("privgan"), shareable=self.shareable)
            )

    def _put(self, path: Path, text: str) -> None:
        path.touch(mode=0o644 if self.shareable else 0o600)
        path.write_text(text, encoding="utf-8")


def _in_release(path: Path) -> bool:
    """Whether a file's folder lies in a release, at any depth and through any link.

    A web page's manifest.json makes none.
    """
    from privgan.release.manifest import CHECKSUM_NAME, MANIFEST_NAME

    folder = path.absolute().parent.resolve()
    return any(
        all((place / name).exists() for name in (MANIFEST_NAME, CHECKSUM_NAME))
        for place in (folder, *folder.parents)
    )


def read_policy(name: str, waivers_path: Path | None) -> Policy:
    """Read the policy with the waivers in force today; expired ones are printed."""
    import datetime as dt

    from privgan.policy.policy import plain
    from privgan.policy.policy_file import load_policy
    from privgan.policy.waivers import load_waivers, waived

    policy = load_policy(name)
    if waivers_path is None:
        return policy
    found = waived(policy, load_waivers(waivers_path, policy), dt.datetime.now(dt.UTC).date())
    for waiver in found.expired:
        ended = (
            f"the waiver of {waiver.fact} by {waiver.who} ended on {waiver.until} and counts no"
            " more"
        )
        click.echo(plain(ended), err=True)
    return found


def read_context(path: Path | None) -> Context:
    """Read the context; empty where no file is given."""
    from privgan.policy.context import Context, load_context

    return load_context(path) if path else Context()


def print_verdict(verdict: Verdict, lang: str = "en") -> None:
    """Print each gate's outcome in a sentence, with what to change. INTERNAL."""
    from privgan.policy.policy import plain
    from privgan.policy.verdict import explain

    click.echo(f"verdict: {verdict.status}")
    for outcome in verdict.outcomes:
        click.echo(
            f"  {outcome.status!s:<8} [{outcome.gate.scope}] {plain(explain(outcome, lang))}"
        )
