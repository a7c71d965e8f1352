"""The options of commands that judge a run before anything is charged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.options import context_option, stacked, waivers_option
from privgan.cli.verdicts import read_context, read_policy

if TYPE_CHECKING:
    from privgan.pipeline.preflight import Preflight
    from privgan.planning.plan import Plan
    from privgan.table.schema import Schema

beforehand_options: Callable[[Any], Any] = stacked(
    click.option("--policy", "policy_name", help="Judge what is known before the first look by this policy."),
    context_option,
    waivers_option,
)


@dataclass(frozen=True, kw_only=True)
class BeforehandOptions:
    """What ``beforehand_options`` ask for.

    Attributes:
        policy_name: The policy; None to judge nothing.
        context_path: The context's file, or None.
        waivers_path: The waivers' file, or None.
        ledger_url: The ledger, or None for the usual one.
        rows: Rows to make; None for the planned row count.
    """

    policy_name: str | None
    context_path: Path | None
    waivers_path: Path | None
    ledger_url: str | None
    rows: int | None

    @classmethod
    def taken(cls, options: dict[str, Any], **more: Any) -> BeforehandOptions:
        """The options of a command; those that nothing else reads are taken out."""
        names = [name for name in cls.__dataclass_fields__ if name not in more]
        asked = cls(**{name: options.pop(name) for name in names}, **more)
        if asked.policy_name is None and (asked.context_path or asked.waivers_path):
            raise click.UsageError("--context and --waivers go with --policy: without one nothing is judged")
        return asked

    def judge(self, schema: Schema, plan: Plan) -> Preflight | None:
        """What the policy says beforehand; None where none is named. No table is read."""
        from privgan.pipeline.preflight import Books, preflight
        from privgan.privacy.ledger import PrivacyLedger

        if self.policy_name is None:
            return None
        policy = read_policy(self.policy_name, self.waivers_path)
        books = Books.of(PrivacyLedger.find(self.ledger_url), schema.dataset)
        return preflight(policy, read_context(self.context_path), schema, plan, books, rows=self.rows)
