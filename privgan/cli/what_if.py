"""Define the options that compare several ε in place of making one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.options import PATH, print_json, stacked

if TYPE_CHECKING:
    from privgan.planning.plan import Plan
    from privgan.privacy.budget import PrivacyBudget
    from privgan.schema.schema import Schema

_FORMS = (".json", ".csv", ".svg")
_ALONE = ("epsilon", "max_attack_advantage", "max_tpr", "policy_name")

what_if_options: Callable[[Any], Any] = stacked(
    click.option(
        "--what-if",
        is_flag=True,
        help="Compare several ε: expected errors, and what is left of a model of the target.",
    ),
    click.option(
        "--epsilons",
        metavar="LIST",
        help="With --what-if: the ε to compare [default: 0.3,0.5,1,2,3,5,10].",
    ),
    click.option(
        "--target-share",
        type=float,
        help=(
            "With --what-if: public guess of the share of rows with the target's value, e.g. 0.1"
            " [default: equal shares of all its values]."
        ),
    ),
    click.option("--out", type=PATH, help="With --what-if: write a .json, .csv or .svg file."),
)


@dataclass(frozen=True, kw_only=True)
class WhatIfOptions:
    """The options of ``what_if_options``.

    Attributes:
        what_if: Whether several ε are compared.
        epsilons: They, with commas between them; None for the usual ones.
        target_share: A guess of the share of the target's value, or None.
        out: The file to write, or None.
    """

    what_if: bool
    epsilons: str | None
    target_share: float | None
    out: Path | None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> WhatIfOptions:
        """Take the options out of a command's, and check that they go with each other."""
        asked = cls(**{name: options.pop(name) for name in cls.__dataclass_fields__})
        alone = [name for name in _ALONE if options[name] is not None]
        if asked.what_if and alone:
            named = alone[0].removesuffix("_name").replace("_", "-")
            raise click.UsageError(f"--what-if compares several ε: leave out --{named}")
        more = [name for name in ("epsilons", "target_share", "out") if getattr(asked, name)]
        if more and not asked.what_if:
            raise click.UsageError(f"--{more[0].replace('_', '-')} goes with --what-if")
        return asked

    def tell(
        self,
        planned: Callable[[PrivacyBudget], Plan],
        schema: Schema,
        delta: float,
        *,
        as_json: bool,
    ) -> None:
        """Compare plans, and print or write what was found."""
        from privgan.errors import UsageError
        from privgan.planning.what_if import EPSILONS, what_if
        from privgan.report.what_if_chart import what_if_chart

        out = self.out
        if out is not None and out.suffix.lower() not in _FORMS:
            raise UsageError(f"{out}: its name must end with one of {', '.join(_FORMS)}")
        if out is not None and out.exists():
            raise UsageError(f"{out}: is there already; choose another --out")
        found = what_if(
            planned,
            schema,
            epsilons=EPSILONS if self.epsilons is None else _numbers(self.epsilons),
            delta=delta,
            target_share=self.target_share,
        )
        if out is not None:
            forms = {
                ".json": found.json_text,
                ".csv": found.csv_text,
                ".svg": lambda: what_if_chart(found),
            }
            out.write_text(forms[out.suffix.lower()](), encoding="utf-8")
            click.echo(f"{out}: {len(found.outlooks)} values of ε")
        elif as_json:
            print_json(found.to_json())
        else:
            for line in found.lines():
                click.echo(line)


def _numbers(text: str) -> list[float]:
    from privgan.errors import UsageError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        told = f"--epsilons is {text!r}; it must be numbers with commas, e.g. 0.5,1,3"
        raise UsageError(told) from None
